package datasets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/anonymize"
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
