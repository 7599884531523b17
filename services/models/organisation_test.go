package models

import (
	"context"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/historytest"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/projections/retention"
)

// What was in force, asked for at random positions and moments while the log goes on, is the fold of the events that count then: what was
// asked for before does not matter.
func TestTheOrganisationIsWhatItsEventsComeTo(t *testing.T) { everywhere(t, inForce) }

func inForce(t *testing.T, at func(string) contracts.Place) {
	ctx := context.Background()
	db, err := at("retention").Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	p, err := retention.New(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	m, r := historytest.New(3, historytest.Catalogue), rand.New(rand.NewPCG(3, 3))
	applied, different := 0, map[int]bool{}
	for range 60 {
		m.Now = m.Now.Add(time.Hour)
		x := m.Catalogue().Recipients[r.IntN(len(m.Catalogue().Recipients))].ID
		m.Organisation(events.Stream{Kind: "recipient", ID: string(x)}, events.TypeRecipientReviewed, `{"recipient":"`+string(x)+`"}`)
		for i := applied; i < len(m.Log); i++ { // some are told late
			m.Log[i].Time = m.Log[i].Time.Add(-time.Duration(r.IntN(40)) * time.Hour).Truncate(time.Millisecond)
		}
		if err := p.Apply(ctx, m.Log[applied:]); err != nil {
			t.Fatal(err)
		}
		applied = len(m.Log)
		for range 5 {
			upTo := m.Log[r.IntN(len(m.Log))].Position
			asOf := m.Now.Add(-time.Duration(r.IntN(60)) * time.Hour)
			got, err := p.Organisation(ctx, upTo, asOf)
			if err != nil {
				t.Fatal(err)
			}
			want, n := organisation.New(), 0
			for i := range m.Log {
				e := m.Log[i]
				if e.Position > upTo || e.Time.After(asOf) && e.Type != events.TypePolicyPublished {
					continue
				}
				if want, err = want.With(&e); err != nil {
					t.Fatal(err)
				}
				n++
			}
			different[n] = true
			if !reflect.DeepEqual(got.Recipients, want.Recipients) || !reflect.DeepEqual(got.Revisions, want.Revisions) || !reflect.DeepEqual(got.Published, want.Published) || got.Position != want.Position {
				t.Fatalf("up to %v as of %v: not what %d events come to", upTo, asOf, n)
			}
		}
	}
	if len(different) < 20 {
		t.Errorf("only %d different moments were asked for", len(different))
	}
}
