package policies

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/daicho-dev/daicho/events/policy"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("catalogue.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("catalogue.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The schema and the engine are asked the same: what the shipped file becomes when one thing in it is broken.
func TestSchemaAndEngineRefuseTheSame(t *testing.T) {
	s := compiled(t)
	shipped := string(Default().JSON())
	for name, x := range map[string]struct {
		from, to string
		fine     bool
	}{
		"as shipped":                 {"", "", true},
		"an unknown member":          {`"version":`, `"colour":"red","version":`, false},
		"an unknown member, deep":    {`"keep":"P120D"`, `"keep":"P120D","kept":"P1D"`, false},
		"no version":                 {`,"version":"2025-10"`, ``, false},
		"a period of another kind":   {`"keep":"P120D"`, `"keep":"120 days"`, false},
		"hours in a rule":            {`"keep":"P120D"`, `"keep":"PT5H"`, false},
		"hours for a clock":          {`"quarantine":"P14D"`, `"quarantine":"PT72H"`, true},
		"an empty clock":             {`"quarantine":"P14D"`, `"quarantine":"PT"`, false},
		"a start that is none":       {`"from":"last_contact"`, `"from":"first_contact"`, false},
		"two starts":                 {`"from":"last_contact"`, `"from":"last_contact","all":["contact"]`, false},
		"a day of the year":          {`"fiscalYearEnd":"03-31"`, `"fiscalYearEnd":"12-31"`, true},
		"no day of the year":         {`"fiscalYearEnd":"03-31"`, `"fiscalYearEnd":"31-03"`, false},
		"a date that is none":        {`"effective":"2025-10-01"`, `"effective":"2025-02-30"`, false},
		"holidays of nowhere":        {`"holidays":"JP"`, `"holidays":"XX"`, false},
		"an age in words":            {`"age":20`, `"age":"twenty"`, false},
		"a regime that is not there": {`"gdpr":["contract"]`, `"gpdr":["contract"]`, false},
	} {
		doc := shipped
		if x.from != "" {
			if doc = strings.Replace(shipped, x.from, x.to, 1); doc == shipped {
				t.Errorf("%s: nothing was changed", name)
			}
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(doc))
		if err != nil {
			t.Fatal(err)
		}
		schemaErr := s.Validate(v)
		_, engineErr := policy.Parse([]byte(doc))
		if (schemaErr == nil) != x.fine || (engineErr == nil) != x.fine {
			t.Errorf("%s: the schema says %v, the engine %v", name, schemaErr, engineErr)
		}
	}
}

// Every member that the engine reads is in the schema, and no other.
func TestSchemaHasTheMembersOfTheTypes(t *testing.T) {
	var doc struct {
		Properties map[string]any            `json:"properties"`
		Defs       map[string]map[string]any `json:"$defs"`
	}
	if err := json.Unmarshal(Schema, &doc); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]any{
		"": policy.Catalogue{}, "purpose": policy.Purpose{}, "rule": policy.Rule{}, "brings": policy.Brings{}, "category": policy.Category{},
		"term": policy.Term{}, "age": policy.Age{}, "section": policy.Section{}, "contact": policy.Contact{}, "calendar": policy.Calendar{}, "approval": policy.Approval{}, "wall": policy.Wall{},
		"requests": policy.Requests{}, "fee": policy.Fee{}, "measure": policy.Measure{}, "tracker": policy.Tracker{},
	} {
		members := doc.Properties
		if name != "" {
			members, _ = doc.Defs[name]["properties"].(map[string]any)
		}
		var want []string
		of := reflect.TypeOf(v)
		for i := range of.NumField() {
			if tag, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ","); tag != "" {
				want = append(want, tag)
			}
		}
		slices.Sort(want)
		if got := slices.Sorted(maps.Keys(members)); !slices.Equal(got, want) {
			t.Errorf("%q:\nthe schema has %v\nthe type has   %v", name, got, want)
		}
	}
}
