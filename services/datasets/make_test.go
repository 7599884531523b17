package datasets

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/daicho-dev/daicho/events"
)

// parquetRows reads a file a column at a time, which is not how it is read when it is checked; names first.
func parquetRows(t testing.TB, b []byte) [][]string {
	t.Helper()
	file, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	columns := file.Schema().Columns()
	all := make([][]string, file.NumRows()+1)
	for i := range all {
		all[i] = make([]string, len(columns))
	}
	for j, c := range columns {
		all[0][j] = c[0]
		next := 1
		for _, g := range file.RowGroups() {
			pages := g.ColumnChunks()[j].Pages()
			for {
				page, err := pages.ReadPage()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				values := make([]parquet.Value, page.NumValues())
				if n, err := page.Values().ReadValues(values); n != len(values) || err != nil && err != io.EOF {
					t.Fatal(n, err)
				}
				for _, v := range values {
					if !v.IsNull() {
						all[next][j] = v.String()
					}
					next++
				}
			}
			if err := pages.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if next != len(all) {
			t.Fatalf("column %s has %d values of %d", c[0], next-1, len(all)-1)
		}
	}
	return all
}

func TestS66_ADatasetMeetsTheFiveCriteriaAndIsMeasured(t *testing.T) {
	w := newWorld(t)
	w.buyers(60)
	d := w.make()
	if d.Rows != 60 || d.People != 60 || d.K < 5 || d.Groups != 2 || d.Linked != 60 || d.State != "made" {
		t.Errorf("%+v", d)
	}
	if len(d.Criteria) != 5 || slices.ContainsFunc(d.Criteria, func(c events.Criterion) bool { return !c.Met }) {
		t.Errorf("criteria %+v", d.Criteria)
	}
	if want := (1_000_000 + d.K - 1) / d.K; d.MaxRisk != want || d.MeanRisk == 0 {
		t.Errorf("risk %d and %d of a million, k %d", d.MaxRisk, d.MeanRisk, d.K)
	}
	w.publish(d.ID)
	rows := w.rows(d.ID, csvFormat)
	if !slices.Equal(rows[0], []string{"country", "half", "bought"}) || len(rows) != 61 {
		t.Fatalf("%d rows of %v", len(rows), rows[0])
	}
	n := map[string]int{}
	for _, r := range rows[1:] {
		n[r[0]]++
		if !slices.Contains(bought, r[2]) {
			t.Errorf("a cell is %q", r[2])
		}
	}
	if n["Japan"] != 40 || n["abroad"] != 20 {
		t.Errorf("%v", n)
	}
	if o := w.sentence("S66"); o.State != "kept" || len(o.Evidence) != 2 {
		t.Errorf("%+v", o)
	}
}

// A dataset in which somebody would stand out is none: nothing is written, nothing recorded, whatever the recipe hoped for.
func TestS67_WhatMissesACriterionIsWrittenNowhere(t *testing.T) {
	w := newWorld(t)
	w.buyers(30)
	w.must(w.buyer(1000, "a diving suit made to order"), w.buyer(1001, "write to canary@example.jp"))
	for _, x := range []struct {
		what, at string
		change   []string
	}{
		{"few people a group", "/suppress", []string{`"k":5`, `"k":12`, `"fewer":5`, `"fewer":12`}},
		{"no group that is large enough", "/query", []string{`"k":5`, `"k":30`}},
		{"a purchase of one person", "/columns/2", []string{`,"steps":[{"suppress":{"fewer":5}}]`, ``}},
		{"no group that is diverse", "/query", []string{`"k":5`, `"k":5,"l":6`}},
		{"a distribution that tells", "/t", []string{`"k":5`, `"k":5,"t":1`}},
		{"nobody", "/query", []string{`"operation":"sales"`, `"operation":"sales","to":"2001-01-01"`}},
	} {
		_, err := w.MakeDataset(w.clerk(), w.recipe(x.change...))
		refusedAs(t, x.what, err, "not_permitted", x.at)
	}
	for _, x := range []struct {
		rule, at string
		change   []string
	}{
		{"schema", "/k", []string{`"k":5`, `"k":4`}},
		{"category_not_permitted", "/query/categories/0", []string{"pd:Purchase", "pd:Name"}},
		{"not_permitted", "/query/operation", []string{`"sales"`, `"hr"`}},
		{"unknown_purpose", "/purpose", []string{"ANON-01", "ANON-99"}},
	} {
		looks := w.history("accessed")
		_, err := w.MakeDataset(w.clerk(), w.recipe(x.change...))
		refusedAs(t, x.rule, err, x.rule, x.at)
		if w.history("accessed") != looks {
			t.Errorf("%s: people were looked at for a recipe that could not pass", x.rule)
		}
	}
	if files := w.files(); len(files) != 0 {
		t.Errorf("files were written: %v", files)
	}
	if n := w.history("dataset_anonymized"); n != 0 {
		t.Errorf("%d datasets are recorded", n)
	}
	if o := w.sentence("S67"); o.State != "unproved" {
		t.Errorf("%+v", o)
	}
	w.make()
	if o := w.sentence("S67"); o.State != "kept" {
		t.Errorf("%+v", o)
	}
}

// What is in the files is what was measured, alike in both forms, readable by nobody else, and nothing of anybody is near it.
func TestS68_NothingLeadsFromTheFilesBackToPeople(t *testing.T) {
	w := newWorld(t)
	w.buyers(60)
	d := w.make()
	if len(d.Destroyed) != 3 || d.DestroyedAt.IsZero() {
		t.Errorf("%v at %v", d.Destroyed, d.DestroyedAt)
	}
	files := w.files()
	slices.Sort(files)
	if want := []string{string(d.ID) + ".csv", string(d.ID) + ".parquet"}; !slices.Equal(files, want) {
		t.Fatalf("%v", files)
	}
	for _, name := range files {
		path := filepath.Join(w.dir, "datasets", name)
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, canary := range []string{"canary", "S-1", "O-1", "example.jp"} {
			if bytes.Contains(b, []byte(canary)) {
				t.Errorf("%s holds %q", name, canary)
			}
		}
	}
	w.publish(d.ID)
	a, b := w.rows(d.ID, csvFormat), w.rows(d.ID, parquetFormat)
	if len(a) != d.Rows+1 || !slices.EqualFunc(a, b, slices.Equal) {
		t.Errorf("CSV has %d rows and Parquet %d, or they differ: %v %v", len(a), len(b), a[:2], b[:2])
	}
	c, err := w.Check(t.Context())
	if err != nil || !c.OK || c.Count != 1 {
		t.Errorf("%+v %v", c, err)
	}
	if o := w.sentence("S68"); o.State != "kept" {
		t.Errorf("%+v", o)
	}
}

// The order of the rows says nothing of where they came from: two makings of one recipe have the same rows in different orders.
func TestS68_RowsStandInAnOrderOfChance(t *testing.T) {
	w := newWorld(t)
	w.buyers(60)
	a, b := w.make(), w.make()
	w.publish(a.ID)
	w.publish(b.ID)
	x, y := w.rows(a.ID, csvFormat), w.rows(b.ID, csvFormat)
	if slices.EqualFunc(x, y, slices.Equal) || a.Digest == b.Digest {
		t.Error("two makings have one order")
	}
	sorted := func(rows [][]string) []string {
		var all []string
		for _, r := range rows {
			all = append(all, strings.Join(r, "|"))
		}
		slices.Sort(all)
		return all
	}
	if !slices.Equal(sorted(x), sorted(y)) || a.Recipe != b.Recipe {
		t.Error("two makings of one recipe have different rows")
	}
}
