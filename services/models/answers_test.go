package models

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/projections/attachments"
	"github.com/daicho-dev/daicho/projections/breach"
	"github.com/daicho-dev/daicho/projections/dossier"
	"github.com/daicho-dev/daicho/projections/evidence"
	"github.com/daicho-dev/daicho/projections/recipients"
	"github.com/daicho-dev/daicho/projections/retention"
)

// asking gathers answers, each under the question's name, as JSON.
type asking struct {
	*testing.T
	answers map[string]string
	found   map[string]int // by kind of question: how many answers held anything
}

func (a *asking) note(kind string, of, answer any, err error) {
	a.Helper()
	if err != nil {
		a.Errorf("%s of %v: %v", kind, of, err)
		return
	}
	b, err := json.Marshal(answer)
	if err != nil {
		a.Fatal(err)
	}
	if s := string(b); s != "null" && s != "{}" && s != "[]" {
		a.found[kind]++
	}
	a.answers[fmt.Sprint(kind, " of ", of)] = string(b)
}

// filled makes a projection of a whole log.
func filled[P contracts.Projection](t *testing.T, place contracts.Place, log *memlog.Log, construct func(context.Context, contracts.Database) (P, error)) P {
	t.Helper()
	db, err := place.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	p, err := construct(t.Context(), db)
	if err == nil {
		_, err = Replay(t.Context(), log, p, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Every question of every projection has the same answer on every kind of place.
func TestEveryQuestionIsAnsweredAlikeEverywhere(t *testing.T) {
	log := told(t, 7, 600)
	var all []events.Event
	for batch, err := range log.Scan(t.Context(), 0, contracts.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, batch...)
	}
	var first map[string]string
	everywhere(t, func(t *testing.T, at func(string) contracts.Place) {
		a := &asking{t, map[string]string{}, map[string]int{}}
		a.ofPeople(at, log, all)
		a.ofDeadlines(at, log)
		a.ofLeaks(at, log, all)
		a.ofRecipients(at, log, all)
		names, shows := byType()
		shown, err := filled(t, at("evidence"), log, evidence.New(names, shows)).All(t.Context())
		a.note("evidence", "all", shown, err)
		for kind, n := range a.found {
			if n == 0 {
				t.Errorf("no question about %s found anything", kind)
			}
		}
		if first == nil {
			first = a.answers
			return
		}
		if len(first) < 500 || len(a.answers) != len(first) {
			t.Errorf("%d questions, and %d before", len(a.answers), len(first))
		}
		for q, want := range first {
			if got := a.answers[q]; got != want {
				t.Errorf("%s:\n  %.300s\nand elsewhere\n  %.300s", q, got, want)
			}
		}
	})
}

func people(all []events.Event) (people []events.Pseudonym) {
	for i := range all {
		if p := all[i].Stream.Person(); p != "" && !slices.Contains(people, p) {
			people = append(people, p)
		}
	}
	return people
}

func (a *asking) ofPeople(at func(string) contracts.Place, log *memlog.Log, all []events.Event) {
	ctx, d := a.Context(), filled(a.T, at("dossier"), log, dossier.New)
	n, by, err := d.Stats(ctx)
	a.note("counts", "all", []any{n, by}, err)
	linked, err := d.Linked(ctx)
	a.note("linked", "all", linked, err)
	for i, p := range people(all) {
		for _, known := range []events.Position{0, all[len(all)/2].Position} {
			r, err := d.About(ctx, dossier.Question{Person: p, AsOf: moment(all, i), KnownAt: known})
			a.note("dossiers", []any{i, known}, r, err)
		}
		s, sealed, err := d.Values(ctx, p)
		a.note("values", i, []any{s, len(sealed)}, err)
	}
	f := filled(a.T, at("attachments"), log, attachments.New)
	var objects []events.ID
	a.note("objects", "living", &objects, f.Each(ctx, func(o events.ID) error { objects = append(objects, o); return nil }))
	for i := range all {
		state, err := f.State(ctx, events.ID(fmt.Sprint("object", i)))
		a.note("objects", i, state, err)
	}
}

// moment is some moment of a history.
func moment(all []events.Event, i int) time.Time { return all[(i*37)%len(all)].Time }

func (a *asking) ofDeadlines(at func(string) contracts.Place, log *memlog.Log) {
	ctx, r := a.Context(), filled(a.T, at("retention"), log, retention.New)
	n, err := r.Count(ctx)
	a.note("count", "all", n, err)
	calendar, err := r.Calendar(ctx)
	a.note("calendar", "all", calendar, err)
	for _, by := range []string{"2024-06-30", "2026-01-01", "2030-12-31", "2099-12-31"} {
		q := retention.Question{By: by, Limit: 7}
		for page := 0; ; page++ {
			due, err := r.Due(ctx, q)
			a.note("due", []any{by, page}, due, err)
			if err != nil || due.Next == nil {
				break
			}
			q.After = *due.Next
		}
		var of []any
		a.note("each due", by, &of, r.EachDue(ctx, by, func(p events.Pseudonym, s *person.State, _ *organisation.State) error {
			of = append(of, p, s)
			return nil
		}))
		m := retention.MajorityQuestion{By: by[:7], Limit: 3, Now: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)}
		for page := 0; ; page++ {
			minors, err := r.Majority(ctx, m)
			a.note("minors", []any{by, page}, minors, err)
			if err != nil || minors.Next == nil {
				break
			}
			m.After = *minors.Next
		}
		grown, err := r.Grown(ctx, events.Month(by[:7]), 5)
		a.note("grown", by, grown, err)
	}
	var folds []any
	a.note("folds", "each", &folds, r.Each(ctx, func(p events.Pseudonym, s *person.State) error { folds = append(folds, p, s); return nil }))
	for after := events.Pseudonym(""); ; {
		who, states, err := r.Page(ctx, after, 5)
		a.note("pages", after, []any{who, states}, err)
		if err != nil || len(who) == 0 {
			break
		}
		after = who[len(who)-1]
		s, err := r.Person(ctx, after)
		a.note("person", after, s, err)
	}
}

func (a *asking) ofLeaks(at func(string) contracts.Place, log *memlog.Log, all []events.Event) {
	ctx, b := a.Context(), filled(a.T, at("breach"), log, breach.New)
	for i := range 80 {
		s := contracts.Scope{Locations: []events.Word{"db", "crm", "mailer", "client-x"}[:1+i%4], From: moment(all, i), To: moment(all, i).Add(time.Duration(i*24) * time.Hour), KnownAt: all[(i*53)%len(all)].Position}
		impact, err := b.Impact(ctx, s)
		a.note("impact", i, impact, err)
		var lines []contracts.Affected
		a.note("affected", i, &lines, b.List(ctx, s, func(x contracts.Affected) error {
			slices.Sort(x.Categories)
			lines = append(lines, x)
			return nil
		}))
	}
}

func (a *asking) ofRecipients(at func(string) contracts.Place, log *memlog.Log, all []events.Event) {
	ctx, r := a.Context(), filled(a.T, at("recipients"), log, recipients.New)
	whom := []events.Word{""}
	for i := range all {
		f, err := events.Decode(&all[i])
		if err != nil {
			a.Fatal(err)
		}
		if x, ok := f.(*events.Transferred); ok && !slices.Contains(whom, x.Recipient) {
			whom = append(whom, x.Recipient)
		}
	}
	recalls, err := r.Recalls(ctx, recipients.Which{})
	a.note("recalls", "all", recalls, err)
	for i, x := range recalls {
		parts, err := r.Parts(ctx, x.ID, all[len(all)-1-i].Position)
		a.note("parts", i, parts, err)
		one, err := r.Recalls(ctx, recipients.Which{ID: x.ID})
		a.note("recalls", i, one, err)
	}
	for _, w := range whom {
		for _, which := range []recipients.Which{{Recipient: w, Open: true}, {Recipient: w, Limit: 2}, {Recipient: w, DueBefore: "2026-06-01"}, {Recipient: w, After: all[len(all)/2].Position}} {
			got, err := r.Recalls(ctx, which)
			a.note("recalls", which, got, err)
		}
		reached, err := r.Reached(ctx, w, "", 10)
		a.note("reached", w, reached, err)
		for _, q := range []recipients.ProvisionQuestion{{Recipient: w}, {Recipient: w, Kind: recipients.Provided, Limit: 2}, {Kind: recipients.Received, After: all[len(all)/3].Position}} {
			got, err := r.Provisions(ctx, q)
			a.note("provisions", q, got, err)
		}
	}
	for i, p := range people(all) {
		got, err := r.Provisions(ctx, recipients.ProvisionQuestion{Person: p})
		a.note("provisions", i, got, err)
	}
}
