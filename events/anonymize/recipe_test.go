package anonymize_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/anonymize"
	"github.com/daicho-dev/daicho/events/policy"
)

func catalogue(t testing.TB) *policy.Catalogue {
	t.Helper()
	c, err := policy.Parse([]byte(`{"version":"1","zone":"Asia/Tokyo",
		"categories":[{"id":"pd:Name","label":{"en":"Name"}},{"id":"pd:Passport","label":{"en":"Passport"}},{"id":"pd:Purchase","label":{"en":"Purchase"}},
			{"id":"ts:RentalDevice","parent":"pd:UID","label":{"en":"Device"}},{"id":"ts:MyNumber","parent":"pd:OfficialID","label":{"en":"My Number"}},
			{"id":"pd:Health","label":{"en":"Health"},"special":true},{"id":"pd:PhysicalAddress","label":{"en":"Address"}},{"id":"pd:Interest","label":{"en":"Interest"}},{"id":"pd:Salary","label":{"en":"Salary"}}],
		"purposes":[{"id":"ANON-01","text":{"en":"x"},"categories":["pd:Purchase","ts:RentalDevice","pd:Name","pd:Passport","ts:MyNumber","pd:Health","pd:PhysicalAddress","pd:Salary"],"bases":{"default":["legitimate_interest"]},
			"role":"controller","disclosable":true,"retention":[{"id":"r","from":"collected","keep":"P30D"}]},
			{"id":"HR-01","text":{"en":"x"},"categories":["pd:Salary","pd:Name"],"subjects":["dpv:Employee"],"bases":{"default":["contract"]},
			"role":"controller","disclosable":true,"retention":[{"id":"r","from":"collected","keep":"P30D"}]},
			{"id":"SVC-01","text":{"en":"x"},"categories":["pd:Name"],"subjects":["dpv:Customer"],"bases":{"default":["contract"]},
			"role":"controller","disclosable":true,"retention":[{"id":"r","from":"collected","keep":"P30D"}]}],
		"locations":[{"id":"rental-db"}],"milestones":[{"id":"device.returned"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCheckNamesThePlace(t *testing.T) {
	c := catalogue(t)
	if bad := anonymize.Check(recipe(5, 0), c); bad != nil {
		t.Fatalf("a sound recipe is refused: %v", bad)
	}
	left := func(category events.Word, steps ...anonymize.Step) func(*anonymize.Recipe) {
		return func(r *anonymize.Recipe) {
			r.Query.Categories = append(r.Query.Categories, category)
			r.Columns = append(r.Columns, anonymize.Column{Name: "more", Category: category, Steps: steps})
		}
	}
	prefix := anonymize.Step{Generalize: &anonymize.Generalize{Prefix: 2}}
	for _, x := range []struct {
		rule, at string
		change   func(*anonymize.Recipe)
	}{
		{"not_permitted", "/columns/5/steps", left("pd:Name")},
		{"not_permitted", "/columns/5/steps", left("pd:Name", prefix)},
		{"not_permitted", "/columns/5/steps", left("pd:Passport", prefix)},
		{"not_permitted", "/columns/5/steps", left("ts:MyNumber", prefix)},
		{"not_permitted", "/columns/5/steps", left("ts:RentalDevice")},
		{"not_permitted", "/columns/5/steps", left("pd:PhysicalAddress")},
		{"category_not_permitted", "/query/categories/2", left("pd:Health")},
		{"category_not_permitted", "/query/categories/2", left("pd:Interest")},
		{"category_not_permitted", "/query/categories/2", left("pd:Salary")},
		{"unknown_category", "/query/categories/2", left("pd:Shoe")},
		{"not_permitted", "/query/operation", func(r *anonymize.Recipe) { r.Query.Operation = "hr" }},
		{"not_permitted", "/columns/2/steps", func(r *anonymize.Recipe) { r.Columns[2].Steps = nil }},
		{"not_permitted", "/query/operation", func(r *anonymize.Recipe) { r.Query.Operation = "entrusted" }},
		{"unknown_purpose", "/purpose", func(r *anonymize.Recipe) { r.Purpose = "SVC-99" }},
		{"unknown_location", "/query/location", func(r *anonymize.Recipe) { r.Query.Location = "moon" }},
		{"unknown_word", "/columns/1/until", func(r *anonymize.Recipe) { r.Columns[1].Until = "never" }},
		{"schema", "/k", func(r *anonymize.Recipe) { r.K = 4 }},
		{"schema", "/aim", func(r *anonymize.Recipe) { r.Aim = "" }},
		{"schema", "/per", func(r *anonymize.Recipe) { r.Per = "row" }},
		{"schema", "/columns", func(r *anonymize.Recipe) { r.Columns = nil }},
		{"schema", "/columns/0/name", func(r *anonymize.Recipe) { r.Columns[0].Name = "山田" }},
		{"schema", "/columns/1/name", func(r *anonymize.Recipe) { r.Columns[1].Name = "country" }},
		{"schema", "/columns/0", func(r *anonymize.Recipe) { r.Columns[0].Category = "pd:Purchase" }},
		{"schema", "/columns/0/field", func(r *anonymize.Recipe) { r.Columns[0].Field = "person.name" }},
		{"schema", "/columns/1/steps/1", func(r *anonymize.Recipe) { r.Columns[1].Steps[1] = anonymize.Step{} }},
		{"schema", "/columns/1/steps/1", func(r *anonymize.Recipe) { r.Columns[1].Steps[1].Drop = true }},
		{"schema", "/columns/1/steps/1/band/width", func(r *anonymize.Recipe) { r.Columns[1].Steps[1].Band.Width = 0 }},
		{"schema", "/columns/3/category", func(r *anonymize.Recipe) { r.Query.Categories = r.Query.Categories[1:] }},
		{"schema", "/query/from", func(r *anonymize.Recipe) { r.Query.From = "April" }},
		{"schema", "/columns", func(r *anonymize.Recipe) {
			for i := range r.Columns {
				r.Columns[i].Sensitive = true
			}
		}},
	} {
		r := recipe(5, 0)
		x.change(r)
		if bad := anonymize.Check(r, c); bad == nil || bad.Rule != x.rule || bad.Field != x.at {
			t.Errorf("%s at %s: %v", x.rule, x.at, bad)
		}
	}
	for _, good := range []func(*anonymize.Recipe){
		left("pd:Name", anonymize.Step{Drop: true}), left("ts:RentalDevice", prefix),
		left("pd:PhysicalAddress", anonymize.Step{Place: "region"}),
	} {
		r := recipe(5, 0)
		good(r)
		if bad := anonymize.Check(r, c); bad != nil {
			t.Errorf("refused: %v", bad)
		}
	}
}

func TestDroppedIsNeitherOpenedNorPublished(t *testing.T) {
	r := recipe(5, 0)
	made, _ := anonymize.Make(r, invented(rand.New(rand.NewPCG(1, 2)), 200))
	if slices.Contains(r.Opened(), "ts:RentalDevice") || slices.Contains(made.Items(), "ts:RentalDevice") {
		t.Error("a dropped category is opened, or published")
	}
	if want := []events.Word{"person.country", "days", "collected", "pd:Purchase"}; !slices.Equal(made.Items(), want) || made.Empty != nil {
		t.Errorf("items %v, want %v; empty %v", made.Items(), want, made.Empty)
	}
}

// A column that no row has a value in is neither in the rows nor among what is announced; one that is of nobody is for Judge.
func TestS69_WhatNoRowHoldsIsNotContained(t *testing.T) {
	r, rows := recipe(5, 0), invented(rand.New(rand.NewPCG(1, 2)), 200)
	last := slices.IndexFunc(r.Columns, func(c anonymize.Column) bool { return c.Category == "pd:Purchase" })
	for i := range rows {
		rows[i].Values = slices.Clone(rows[i].Values)
		rows[i].Values[last] = anonymize.Value{}
	}
	made, _ := anonymize.Make(r, rows)
	if slices.Contains(made.Items(), "pd:Purchase") || !slices.Equal(made.Empty, []events.Word{"pd:Purchase"}) || len(made.Columns) != 3 {
		t.Errorf("items %v, empty %v", made.Items(), made.Empty)
	}
	for _, row := range made.Rows {
		if len(row) != len(made.Columns) {
			t.Fatalf("a row of %d cells in %d columns", len(row), len(made.Columns))
		}
	}
	if none, _ := anonymize.Make(r, nil); len(none.Columns) != 4 || none.Empty != nil {
		t.Errorf("of nobody: %d columns", len(none.Columns))
	}
}

func TestDigestIsOfTheMeaning(t *testing.T) {
	a, err := anonymize.Parse([]byte(`{"purpose":"ANON-01","aim":"x","per":"person","k":5,"query":{"categories":["pd:Purchase"]},"columns":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	b, err := anonymize.Parse([]byte(`{ "k":5.0, "columns":[], "query":{"categories":["pd:Purchase"]}, "per":"person", "aim":"x", "purpose":"ANON-01"}`))
	if err == nil && a.Digest() != b.Digest() {
		t.Error("one recipe, two digests")
	}
	b, err = anonymize.Parse([]byte(`{"per":"person", "aim":"x", "k":5, "columns":[], "query":{"categories":["pd:Purchase"]}, "purpose":"ANON-01"}`))
	if err != nil || a.Digest() != b.Digest() || len(a.Digest()) != 7+64 {
		t.Errorf("%s and %s (%v)", a.Digest(), b.Digest(), err)
	}
	b.K = 6
	if a.Digest() == b.Digest() {
		t.Error("two recipes, one digest")
	}
}

func FuzzRecipe(f *testing.F) {
	c := catalogue(f)
	good, err := json.Marshal(recipe(5, 2))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"columns":[{"steps":[{"band":{"width":1e-300}}]}]}`))
	f.Add([]byte(`{"purpose":"ANON-01","aim":"x","per":"person","k":5,"query":{"categories":["pd:Purchase"]},"columns":[{"name":"a","category":"pd:Purchase","steps":[{"generalize":{"prefix":1}}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := anonymize.Parse(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal("a recipe that was read cannot be written")
		}
		if s, err := anonymize.Parse(again); err != nil || s.Digest() != r.Digest() {
			t.Fatalf("a recipe written and read again is another (%v)", err)
		}
		if bad := anonymize.Check(r, c); bad != nil {
			if bad.Rule == "" || bad.Text == "" {
				t.Fatal("a refusal without a reason")
			}
			return
		}
		// A recipe that is accepted can be carried out on anything, and leaves nobody alone.
		var rows []anonymize.Row
		for i := range 12 {
			row := anonymize.Row{Who: i / 2, Values: make([]anonymize.Value, len(r.Columns))}
			for j := range r.Columns {
				row.Values[j] = []anonymize.Value{anonymize.Text("a"), anonymize.Number(float64(i) * 1e9), {}}[(i+j)%3]
			}
			rows = append(rows, row)
		}
		made, left := anonymize.Make(r, rows)
		if m := made.Measure(); m.Rows > 0 && m.K < r.K || m.Rows+left.Rows != len(rows) {
			t.Fatalf("%+v, %+v", m, left)
		}
		anonymize.Judge(r, c, rows, made, left)
	})
}

// What is announced is for everybody to understand: every field has a name in each language of the page.
func TestEveryFieldHasAName(t *testing.T) {
	for _, f := range append(slices.Clone(anonymize.Fields), "pd:Purchase", "pd:Shoe") {
		l := anonymize.Label(catalogue(t), f)
		for _, language := range []string{"en", "ja", "zh-Hant", "ko"} {
			if slices.Contains(anonymize.Fields, f) && (l[language] == "" || l[language] == string(f)) {
				t.Errorf("%s has no name in %s", f, language)
			}
		}
		if l.In("en") == "" {
			t.Errorf("%s has no name", f)
		}
	}
	if got := anonymize.Label(catalogue(t), "pd:Purchase").In("en"); got != "Purchase" {
		t.Error(got)
	}
}
