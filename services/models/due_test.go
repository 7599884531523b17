package models

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/historytest"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/infra/sqlite"
	"github.com/daicho-dev/daicho/projections/retention"
)

// What is due by a day, page by page, and how much it is in all, is what looking at everybody finds: over random histories in batches of
// any size, under policies that change on the way, of one purpose and of all.
func TestDueIsWhatLookingAtEverybodyFinds(t *testing.T) {
	ctx := context.Background()
	listed, pages := 0, 0
	for seed := range uint64(8) {
		m := historytest.New(seed, historytest.Catalogue)
		for i := range 400 {
			if _, err := m.Step(); err != nil {
				t.Fatal(err)
			}
			if i == 250 && !m.Organisation(events.Stream{Kind: "policy", ID: "policy"}, events.TypePolicyPublished,
				`{"version":"h2","catalogue":`+strings.NewReplacer(`"version":"h1"`, `"version":"h2"`, "P90D", "P30D", "P6M", "P7M").Replace(historytest.Catalogue)+`}`) {
				t.Fatal("the second policy was refused: ", m.Refused)
			}
		}
		db, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "retention.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = sqlite.Close(db) }()
		p, err := retention.New(ctx, db)
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(seed, 5))
		for rest := m.Log; len(rest) > 0; {
			n := min(len(rest), 1+r.IntN(60))
			if err := p.Apply(ctx, rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		purposes := []events.Word{""}
		for _, x := range m.Catalogue().Purposes {
			purposes = append(purposes, x.ID)
		}
		for range 20 {
			by := m.Now.AddDate(0, r.IntN(120)-24, r.IntN(30)).Format("2006-01-02")
			purpose := purposes[r.IntN(len(purposes))]
			var want []contracts.DueItem
			if err := p.Each(ctx, func(who events.Pseudonym, s *person.State) error {
				items, _ := retention.Items(who, s, m.Org, by, purpose)
				want = append(want, items...)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			var got []contracts.DueItem
			q := retention.Question{By: by, Purpose: purpose, Limit: 1 + r.IntN(8)}
			for {
				page, err := p.Due(ctx, q)
				if err != nil {
					t.Fatal(err)
				}
				if page.Total != len(want) {
					t.Fatalf("seed %d, by %s, purpose %q: %d in all, %d by looking", seed, by, purpose, page.Total, len(want))
				}
				got = append(got, page.Items...)
				if pages++; page.Next == nil {
					break
				}
				if q.After = *page.Next; len(page.Items) < q.Limit {
					t.Fatalf("a page of %d before the last, of %d asked for", len(page.Items), q.Limit)
				}
			}
			byName := func(a, b contracts.DueItem) int {
				return strings.Compare(a.Record+" "+string(a.Purpose), b.Record+" "+string(b.Purpose))
			}
			slices.SortFunc(want, byName)
			slices.SortFunc(got, byName)
			if !slices.EqualFunc(got, want, func(a, b contracts.DueItem) bool { return byName(a, b) == 0 && a.Due == b.Due && a.Rule == b.Rule }) {
				t.Fatalf("seed %d, by %s, purpose %q: %d listed, %d by looking, or others", seed, by, purpose, len(got), len(want))
			}
			listed += len(got)
		}
	}
	if listed < 1000 || pages < 300 {
		t.Errorf("only %d were ever due, on %d pages: the days show too little", listed, pages)
	}
}
