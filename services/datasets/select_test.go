package datasets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/anonymize"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/events/policy"
)

// looks are those of a person's own dossier.
func (w *world) looks(who string) []contracts.Look {
	w.t.Helper()
	d, err := w.register.Dossier(w.clerk(), contracts.DossierQuestion{Person: who, Sealed: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return d.Looks
}

// Whoever is read for a dataset finds it in their dossier: when, by whom, for what, and which categories; and not in which dataset.
func TestS68_EverybodyWhoIsReadHasALookAndNoMore(t *testing.T) {
	w := newWorld(t)
	w.buyers(60)
	d := w.make()
	for i := range 60 {
		all := w.looks(fmt.Sprintf("sales:S-%d", i))
		if len(all) != 1 || all[0].Purpose != "ANON-01" || all[0].Role != "compliance" || !slices.Equal(all[0].Categories, []events.Word{"pd:Purchase"}) || all[0].By == "" {
			t.Fatalf("person %d: %+v", i, all)
		}
	}
	if n := w.history("accessed"); n != 60 {
		t.Errorf("%d looks", n)
	}
	for batch, err := range w.Log.Scan(t.Context(), 0, contracts.Filter{Kinds: []string{"person"}}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			if strings.Contains(string(batch[i].Data), string(d.ID)) || strings.Contains(batch[i].Source, string(d.ID)) {
				t.Error("a person's stream says in which dataset they are")
			}
		}
	}
}

// What may not be used is neither looked at nor in the rows, however it came to be kept out.
func TestS66_WhatMayNotBeUsedIsPassedOver(t *testing.T) {
	const out = 60 // the number of the person who is kept out
	who := fmt.Sprintf("sales:S-%d", out)
	for what, keep := range map[string]func(*world){
		"suspended": func(w *world) {
			w.must(w.event("/privacy/office", "use_suspended", who, `{"categories":["pd:Purchase"]}`))
		},
		"ceased": func(w *world) {
			w.must(w.event("/privacy/office", "provision_ceased", who, `{"categories":["pd:Purchase"]}`))
		},
		"held for a case": func(w *world) {
			w.must(w.event("/legal/cases", "hold_placed", who, fmt.Sprintf(`{"case":"L-1","matter":"O-%d"}`, out)))
		},
		"disposed of": func(w *world) {
			w.must(w.event("/privacy/office", "deleted", who, fmt.Sprintf(`{"records":["O-%d/item"],"cause":"request"}`, out)))
		},
		"forgotten": func(w *world) {
			w.must(w.event("/privacy/office", "deleted", who, `{"person":true,"cause":"request"}`))
		},
		"objected to": func(w *world) {
			w.must(w.event("/privacy/office", "purpose_bound", who, `{"categories":["pd:Purchase"],"purpose":"ANON-01","basis":"legitimate_interest"}`),
				w.event("/privacy/office", "purpose_ended", who, `{"categories":["pd:Purchase"],"purpose":"ANON-01","reason":"objected"}`))
		},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			w.buyers(out + 1)
			keep(w)
			d := w.make()
			if d.Rows != out || d.Linked != out {
				t.Errorf("%d rows of %d, %d tried", d.Rows, out, d.Linked)
			}
			if what != "forgotten" && len(w.looks(who)) != 0 {
				t.Error("and they were looked at")
			}
		})
	}
}

// A client's records, and those of staff and applicants, are nobody's to make a dataset of.
func TestS66_OfClientsAndStaffNothingIsTaken(t *testing.T) {
	w := newWorld(t)
	w.buyers(30)
	w.must(w.event("/entrusted/client-x", "collected", "client-x:1", `{"records":[{"key":"a","category":"pd:Purchase","value":"SIM 5GB"}],"purposes":[{"id":"SP-01","basis":"contract"}],
		"matter":"M","operation":"entrusted","role":"processor","client":"client-x","location":"entrusted-db","channel":"mail","notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"customer","country":"JP"}}`))
	staff := w.event("/sales/shop", "collected", "sales:S-900", `{"records":[{"key":"a","category":"pd:Purchase","value":"SIM 5GB"}],"purposes":[{"id":"SVC-01","basis":"contract"}],
		"matter":"M","operation":"sales","location":"sales-crm","channel":"counter","transport":"internal","notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"employee","country":"JP"}}`)
	w.must(staff)
	d := w.make(`"operation":"sales"`, `"from":"2001-01-01"`)
	if d.Rows != 30 || w.history("accessed") != 30 {
		t.Errorf("%d rows, %d looks", d.Rows, w.history("accessed"))
	}
}

// Two identities of one person are one: apart, they would hide behind themselves.
func TestS66_LinkedIdentitiesAreOnePerson(t *testing.T) {
	w := newWorld(t)
	w.buyers(9)
	whole := w.recipe(`"other":"abroad","to":{"JP":"Japan"}`, `"other":"all"`, `{"generalize":{"other":"all"}}`, `{"generalize":{"other":"all","to":{"JP":"all"}}}`,
		`"fewer":5`, `"fewer":9`, `"suppress":20`, `"suppress":0`)
	if _, err := w.MakeDataset(w.clerk(), whole); err != nil {
		t.Fatalf("of nine: %v", err)
	}
	for _, pair := range [][2]int{{0, 1}, {1, 2}, {3, 4}, {5, 6}, {7, 8}} {
		w.must(w.event("/privacy/office", "identity_linked", fmt.Sprintf("sales:S-%d", pair[0]), fmt.Sprintf(`{"other":"sales:S-%d","evidence":"desk"}`, pair[1])))
	}
	// 0-1-2, 3-4, 5-6, 7-8: four people.
	_, err := w.MakeDataset(w.clerk(), whole)
	refusedAs(t, "of four under nine names", err, "not_permitted", "/query")
	w.must(w.event("/privacy/office", "identity_unlinked", "sales:S-7", `{"other":"sales:S-8","evidence":"desk"}`))
	d, err := w.MakeDataset(w.clerk(), whole)
	if err != nil || d.People != 5 || d.K != 5 || d.Rows != 9 {
		t.Errorf("%+v %v", d, err)
	}
}

// Who goes while a dataset is made is not in it, and the making does not fail for them.
func TestWhoIsForgottenMeanwhileIsNotRead(t *testing.T) {
	w := newWorld(t)
	w.buyers(61)
	in := &source{Service: w.Service, caller: compliance}
	var people []look
	for i := range 2 {
		p, err := w.register.Find(w.clerk(), events.Identifier(fmt.Sprintf("sales:S-%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		people = append(people, look{p.Person, []events.Word{"pd:Purchase"}})
	}
	w.must(w.event("/privacy/office", "deleted", "sales:S-0", `{"person":true,"cause":"request"}`))
	in.recipe, in.catalogue = mustRecipe(t, w.recipe()), w.gateway.Organisation().Policy
	stand, at, err := in.record(t.Context(), people)
	if err != nil || len(stand) != 1 || stand[0].person != people[1].person || at == 0 {
		t.Errorf("%v %v %v", stand, at, err)
	}
	if d := w.make(); d.Rows != 60 {
		t.Errorf("%d rows", d.Rows)
	}
}

func mustRecipe(t *testing.T, b []byte) *anonymize.Recipe {
	t.Helper()
	r, err := anonymize.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestGivenUpIsGivenUp(t *testing.T) {
	w := newWorld(t)
	w.buyers(60)
	ctx, cancel := context.WithCancel(w.clerk())
	cancel()
	if _, err := w.MakeDataset(ctx, w.recipe()); !errors.Is(err, context.Canceled) {
		var p *contracts.Problem
		if !errors.As(err, &p) || p.Code != "starting" {
			t.Errorf("%v", err)
		}
	}
	if len(w.files()) != 0 || w.history("dataset_anonymized") != 0 {
		t.Errorf("%v", w.files())
	}
}

// Each thing that keeps a record from use does so by itself, whatever else would have kept it too.
func TestS66_EachReasonKeepsARecordOutAlone(t *testing.T) {
	c := policies.Default()
	doc, err := policies.Recipe("telecomsquare-sales")
	if err != nil {
		t.Fatal(err)
	}
	r, err := anonymize.Parse(doc)
	if err != nil {
		t.Fatal(err)
	}
	then := policy.Mark{Position: 9, Time: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)}
	for what, x := range map[string]struct {
		change func(*person.State, *person.Record)
		taken  int
	}{
		"nothing":           {func(*person.State, *person.Record) {}, 1},
		"nobody":            {func(s *person.State, _ *person.Record) { s.Position = 0 }, 0},
		"forgotten":         {func(s *person.State, _ *person.Record) { s.Gone = &then }, 0},
		"staff":             {func(s *person.State, _ *person.Record) { s.Kind = "employee" }, 0},
		"an applicant":      {func(s *person.State, _ *person.Record) { s.Kind = "applicant" }, 0},
		"gone":              {func(_ *person.State, rec *person.Record) { rec.Gone = &then }, 0},
		"suspended":         {func(_ *person.State, rec *person.Record) { rec.Suspended = true }, 0},
		"ceased":            {func(_ *person.State, rec *person.Record) { rec.Ceased = true }, 0},
		"a client's":        {func(_ *person.State, rec *person.Record) { rec.Processor = true }, 0},
		"an attachment":     {func(_ *person.State, rec *person.Record) { rec.Object = "o" }, 0},
		"of no matter":      {func(_ *person.State, rec *person.Record) { rec.Matter = "" }, 0},
		"another category":  {func(_ *person.State, rec *person.Record) { rec.Category = "pd:Name" }, 0},
		"another operation": {func(_ *person.State, rec *person.Record) { rec.Operation = "rental" }, 0},
		"behind a wall": {func(_ *person.State, rec *person.Record) {
			rec.Bindings = append(rec.Bindings, person.Binding{Purpose: "HR-01", Ended: &then})
		}, 0},
		"bound no more": {func(_ *person.State, rec *person.Record) { rec.Bindings[0].Ended = &then }, 0},
		"held": {func(s *person.State, rec *person.Record) {
			s.Holds = []person.Hold{{Case: "L", Of: []events.Ordinal{rec.N}}}
		}, 0},
		"held, and released": {func(s *person.State, rec *person.Record) {
			s.Holds = []person.Hold{{Case: "L", Of: []events.Ordinal{rec.N}, Released: &then}}
		}, 1},
		"objected to": {func(_ *person.State, rec *person.Record) {
			rec.Bindings = append(rec.Bindings, person.Binding{Purpose: "ANON-01", Ended: &then, Reason: "objected"})
		}, 0},
		"withdrawn": {func(_ *person.State, rec *person.Record) {
			rec.Bindings = append(rec.Bindings, person.Binding{Purpose: "ANON-01", Ended: &then, Reason: "withdrawn"})
		}, 0},
		"bound to the purpose itself": {func(_ *person.State, rec *person.Record) { rec.Bindings[0].Purpose = "ANON-01" }, 1},
	} {
		rec := person.Record{N: 1, Value: 1, Category: "pd:Purchase", Operation: "sales", Matter: "M", Collected: then, Bindings: []person.Binding{{Purpose: "SVC-01", Basis: "contract", Since: then}}}
		s := &person.State{Position: 9, Kind: "customer", Country: "JP"}
		x.change(s, &rec)
		s.Records = []person.Record{rec}
		if got := len(choose(r, c, s)); got != x.taken {
			t.Errorf("%s: %d rows, want %d", what, got, x.taken)
		}
	}
	// Where every operation is asked for, staff's data still is not.
	r.Query.Operation = ""
	s := &person.State{Position: 9, Kind: "customer", Country: "JP", Records: []person.Record{{N: 1, Value: 1, Category: "pd:Purchase", Operation: "hr", Matter: "M", Collected: then,
		Bindings: []person.Binding{{Purpose: "SVC-01", Basis: "contract", Since: then}}}}}
	if len(choose(r, c, s)) != 0 {
		t.Error("what was collected of staff is taken")
	}
	// Of a place that was left, nothing.
	r.Query.Location = "sales-crm"
	s.Records[0].Operation, s.Records[0].Locations = "sales", []person.Place{{ID: "sales-crm", Since: then}}
	if len(choose(r, c, s)) != 1 {
		t.Error("what is there is not taken")
	}
	s.Records[0].Locations[0].Until = &then
	if len(choose(r, c, s)) != 0 {
		t.Error("what has been removed from there is taken")
	}
}

// Whether data may be taken on a legitimate interest is asked of the person's own country: where the GDPR applies, its list of bases counts.
func TestS14_S66_TheGDPRsBasesAreThoseOfThePersonsCountry(t *testing.T) {
	recipe, err := policies.Recipe("telecomsquare-sales")
	if err != nil {
		t.Fatal(err)
	}
	r, err := anonymize.Parse(recipe)
	if err != nil {
		t.Fatal(err)
	}
	with := func(bases map[string][]events.Word) *policy.Catalogue {
		t.Helper()
		c, err := policy.Parse(policies.Default().JSON())
		if err != nil {
			t.Fatal(err)
		}
		c.Purpose("ANON-01").Bases = bases
		return c
	}
	then := policy.Mark{Position: 9, Time: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)}
	interest := map[string][]events.Word{"default": {"legitimate_interest"}, "gdpr": {"consent"}}
	consent := map[string][]events.Word{"default": {"consent"}, "gdpr": {"legitimate_interest"}}
	for _, x := range []struct {
		bases   map[string][]events.Word
		country events.Country
		agreed  bool
		taken   int
	}{
		{interest, "JP", false, 1}, {interest, "DE", false, 0}, {interest, "DE", true, 1},
		{consent, "JP", false, 0}, {consent, "JP", true, 1}, {consent, "DE", false, 1},
	} {
		s := &person.State{Position: 9, Kind: "customer", Country: x.country, Records: []person.Record{{N: 1, Value: 1, Category: "pd:Purchase", Operation: "sales",
			Matter: "M", Collected: then, Bindings: []person.Binding{{Purpose: "SVC-01", Basis: "contract", Since: then}}}}}
		if x.agreed {
			s.Consents = []person.Consent{{Purpose: "ANON-01", Since: then}}
		}
		if got := len(choose(r, with(x.bases), s)); got != x.taken {
			t.Errorf("%v, of %s, agreed %v: %d rows, want %d", x.bases, x.country, x.agreed, got, x.taken)
		}
	}
}
