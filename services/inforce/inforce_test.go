package inforce_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/services/inforce"
	"github.com/daicho-dev/daicho/services/intake"
)

// desk decides and folds as the gateway does, and keeps nothing.
type desk struct {
	state *organisation.State
	now   time.Time
	n     events.Position
	down  bool
}

func (d *desk) Organisation() *organisation.State { return d.state }

func (d *desk) Submit(_ context.Context, _ intake.Caller, all []intake.Submission) ([]contracts.Receipt, error) {
	if d.down {
		return nil, errors.New("the disk is full")
	}
	s := all[0]
	if r := organisation.Decide(d.state, organisation.Submission{Kind: s.Kind, Source: s.Source, Time: d.now, Fact: s.Fact}, d.now); r != nil {
		return []contracts.Receipt{{Status: contracts.StatusRefused, Rule: r.Rule, Field: r.Field, Text: r.Text}}, nil
	}
	data, err := events.Encode(s.Fact)
	if err != nil {
		return nil, err
	}
	d.n++
	d.state, err = d.state.With(&events.Event{Stream: events.Stream{Kind: "policy", ID: "main"}, Type: s.Type, Time: d.now, Position: d.n, Data: data})
	return []contracts.Receipt{{Status: contracts.StatusRecorded, Position: d.n}}, err
}

func (d *desk) publish(t *testing.T, version, effective string) {
	t.Helper()
	doc := `{"version":"` + version + `","effective":"` + effective + `","zone":"Asia/Tokyo","categories":[],"purposes":[]}`
	out, err := d.Submit(t.Context(), intake.Engine, []intake.Submission{intake.Own(events.TypePolicyPublished, events.Stream{Kind: "policy", ID: "main"},
		&events.PolicyPublished{Version: events.Word(version), Catalogue: []byte(doc)})})
	if err != nil || out[0].Status != contracts.StatusRecorded {
		t.Fatal(out, err)
	}
}

func TestAnAnnouncedPolicyComesIntoForceOnItsFirstDay(t *testing.T) {
	d := &desk{state: organisation.New(), now: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)}
	w := inforce.New(d)
	w.Now = func() time.Time { return d.now }
	d.publish(t, "1", "2026-01-01")
	d.publish(t, "3", "2026-05-02")
	d.publish(t, "2", "2026-05-01")
	look := func(at time.Time, version string, events events.Position) {
		t.Helper()
		d.now = at
		for range 2 { // looking twice does nothing more
			if err := w.Look(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := d.state.Policy.Version; got != version || d.n != events {
			t.Errorf("at %s: %s is in force after %d events, want %s after %d", at, got, d.n, version, events)
		}
	}
	look(time.Date(2026, 4, 30, 14, 59, 59, 0, time.UTC), "1", 3) // a second before midnight in Tokyo
	look(time.Date(2026, 4, 30, 15, 0, 0, 0, time.UTC), "2", 4)
	d.publish(t, "4", "2026-05-03")
	d.publish(t, "5", "2026-05-04")
	look(time.Date(2026, 5, 9, 0, 0, 0, 0, time.UTC), "5", 9) // after days of being down: each in its turn
}

func TestAFailureIsShownAndTriedAgain(t *testing.T) {
	d := &desk{state: organisation.New(), now: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)}
	d.publish(t, "1", "2026-01-01")
	d.publish(t, "2", "2026-05-01")
	d.now, d.down = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), true
	w := inforce.New(d)
	w.Now = func() time.Time { return d.now }
	if err := w.Look(t.Context()); err == nil {
		t.Error("a look that could not record said nothing")
	}
	d.down = false
	if err := w.Look(t.Context()); err != nil || d.state.Policy.Version != "2" {
		t.Errorf("%v; %s is in force", err, d.state.Policy.Version)
	}
}

// A version that must not come into force, as nobody was told of its purposes, is shown and stops none after it.
func TestS28_ARefusedVersionStopsNoOther(t *testing.T) {
	d := &desk{state: organisation.New(), now: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)}
	d.publish(t, "1", "2026-01-01")
	told := func(version, effective, purposes string) { // as an older log may hold it
		t.Helper()
		doc := `{"version":"` + version + `","effective":"` + effective + `","categories":[],"purposes":[` + purposes + `]}`
		data, err := events.Encode(&events.PolicyPublished{Version: events.Word(version), Catalogue: []byte(doc), Waits: true})
		if err != nil {
			t.Fatal(err)
		}
		d.n++
		if d.state, err = d.state.With(&events.Event{Stream: events.Stream{Kind: "policy", ID: "main"}, Type: events.TypePolicyPublished, Time: d.now, Position: d.n, Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	told("2", "2026-05-01", `{"id":"A","text":{},"categories":[],"bases":{},"role":"controller","disclosable":true,"retention":[]}`)
	w := inforce.New(d)
	w.Now = func() time.Time { return d.now }
	d.now = time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC)
	if err := w.Look(t.Context()); err == nil || d.state.Policy.Version != "1" {
		t.Errorf("%v; %s is in force", err, d.state.Policy.Version)
	}
	told("3", "2026-05-02", "")
	if err := w.Look(t.Context()); err == nil || d.state.Policy.Version != "3" {
		t.Errorf("%v; %s is in force", err, d.state.Policy.Version)
	}
	if err := w.Look(t.Context()); err != nil || d.state.Policy.Version != "3" {
		t.Errorf("passed over, and asked again: %v; %s is in force", err, d.state.Policy.Version)
	}
}
