package models

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/historytest"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/projections/retention"
)

// What is due by a day, page by page, and how much it is in all, is what looking at everybody finds: over random histories in batches of
// any size, under policies that change on the way, of one purpose and of all.
func TestDueIsWhatLookingAtEverybodyFinds(t *testing.T) { everywhere(t, due) }

func due(t *testing.T, at func(string) contracts.Place) {
	ctx := context.Background()
	listed, pages := 0, 0
	for seed := range uint64(8) {
		m := historytest.New(seed, historytest.Catalogue)
		for i := range 400 {
			if _, err := m.Step(); err != nil {
				t.Fatal(err)
			}
			if i == 250 && !m.Organisation(events.Stream{Kind: "policy", ID: "policy"}, events.TypePolicyPublished,
				`{"version":"h2","catalogue":`+strings.NewReplacer(`"version":"h1"`, `"version":"h2"`, "P90D", "P30D", "P6M", "P7M").Replace(historytest.Catalogue)+`,"changes":[{"text":{"en":"Periods are shorter, and longer.","ja":"保存期間を変更しました。"},"major":true}]}`) {
				t.Fatal("the second policy was refused: ", m.Refused)
			}
		}
		db, err := at(fmt.Sprint("retention", seed)).Open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
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

// What is over for one purpose says which others keep the record, the longest first, and what would let it go.
func TestS50_WhatKeepsARecordIsSaid(t *testing.T) {
	m := historytest.New(1, string(policies.Default().JSON()))
	m.Now = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	p := m.Somebody()
	tell := func(typ, data string) {
		t.Helper()
		if d, _, err := m.Record(historytest.Submission{Person: p, Type: typ, Source: "/rental/haneda-t3", ID: m.Name(), Time: m.Now, Data: data}); err != nil || d.Refusal != nil {
			t.Fatal(err, d.Refusal)
		}
	}
	tell(events.TypeCollected, `{"records":[{"key":"name","category":"pd:Name","value":"v"},{"key":"mail","category":"pd:EmailAddress","value":"v"}],
		"purposes":[{"id":"SVC-01","basis":"contract"},{"id":"DM-02","basis":"consent","consent":{"by":"self"}},{"id":"SVC-06","basis":"consent","consent":{"by":"self"}}],"matter":"K","operation":"rental","location":"rental-db",
		"channel":"counter","transport":"internal","notice":{"policy":"2025-10","language":"en"},"person":{"kind":"customer","country":"JP"}}`)
	for _, milestone := range []string{"device.returned", "contract.closed", "invoice.paid"} {
		m.Now = m.Now.AddDate(0, 0, 1)
		tell(events.TypeMilestoneReached, `{"matter":"K","milestone":"`+milestone+`"}`)
	}
	items, _ := retention.Items(p.ID, p.State, m.Org, "2026-07-31", "SVC-01")
	var got []string
	for _, i := range items {
		line := string(i.Category) + ":"
		for _, k := range i.KeptBy {
			line += fmt.Sprintf(" %s/%s/%v/%t", k.Purpose, k.Due, k.Waiting, k.Law)
		}
		got = append(got, line)
		if i.Whole {
			t.Errorf("%s may go, it says", i.Category)
		}
	}
	want := []string{
		"pd:Name: ACC-01/2034-05-31/[]/true SVC-06/2028-04-04/[survey.closed prize.sent]/false DM-02/2028-04-01/[]/false",
		"pd:EmailAddress: SVC-06/2028-04-04/[survey.closed prize.sent]/false DM-02/2028-04-01/[]/false",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	tell(events.TypePurposeEnded, `{"records":["mail"],"purpose":"DM-02","reason":"objected"}`)
	tell(events.TypePurposeEnded, `{"records":["mail"],"purpose":"SVC-06","reason":"completed"}`)
	items, _ = retention.Items(p.ID, p.State, m.Org, "2026-07-31", "SVC-01")
	for _, i := range items {
		if whole := i.Category == "pd:EmailAddress"; i.Whole != whole || (len(i.KeptBy) == 0) != whole {
			t.Errorf("%s: whole %t, kept by %+v", i.Category, i.Whole, i.KeptBy)
		}
	}
}
