package policies

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// named are the milestones that a purpose's rules speak of.
func named(p *policy.Purpose) map[events.Word]bool {
	w := map[events.Word]bool{}
	for _, r := range p.Retention {
		w[r.If], w[r.Unless] = true, true
		for _, m := range slices.Concat(r.All, r.Any) {
			w[m] = true
		}
		if r.From == "service_ended" {
			w["service.ended"] = true
		}
	}
	return w
}

// For every purpose, every category that it permits and every operation: a milestone that its rules do not speak of moves no
// deadline, in either direction.
func TestS50_NoDeadlineMovesForAnUnrelatedMilestone(t *testing.T) {
	c, r := Default(), rand.New(rand.NewPCG(11, 12))
	mark := func() policy.Mark {
		return policy.Mark{Type: "x", Time: time.Date(2024, 1, 1+r.IntN(1500), r.IntN(24), 0, 0, 0, time.UTC), Position: events.Position(1 + r.IntN(9000))}
	}
	for i := range c.Purposes {
		p := &c.Purposes[i]
		speaks := named(p)
		categories, _ := p.Permitted()
		categories = append(categories, "pd:Name")
		for range 300 {
			l := policy.Life{
				Category: categories[r.IntN(len(categories))], Operation: c.Operations[r.IntN(len(c.Operations))].ID,
				Collected: mark(), Bound: mark(), LastOfMatter: mark(), LastContact: mark(), Milestones: map[events.Word]policy.Mark{},
			}
			for _, m := range c.Milestones {
				if speaks[m.ID] && r.IntN(2) == 0 {
					l.Milestones[m.ID] = mark()
				}
			}
			before := c.Deadline(p.ID, l)
			with := l
			with.Milestones = maps.Clone(l.Milestones)
			for _, m := range c.Milestones {
				if !speaks[m.ID] {
					with.Milestones[m.ID] = mark()
					if after := c.Deadline(p.ID, with); after.Due != before.Due || after.Rule != before.Rule {
						t.Fatalf("%s: %s moved %s by %s to %s by %s", p.ID, m.ID, before.Due, before.Rule, after.Due, after.Rule)
					}
				}
			}
			if before.Due.IsZero() && len(before.Waiting) == 0 {
				t.Fatalf("%s waits and does not say for what: %+v", p.ID, before)
			}
			if d := c.Deadline(p.ID, ended(l)); d.Due.IsZero() && !d.Law {
				t.Fatalf("%s goes on after its end: %+v", p.ID, d)
			}
		}
	}
}

func ended(l policy.Life) policy.Life {
	m := policy.Mark{Type: "x", Time: l.Collected.Time.AddDate(0, 1, 0)}
	l.Ended = &m
	return l
}

// Whatever a purpose permits has a rule in every operation, and the rule comes to a day or says what it waits for.
func TestS11_NothingIsKeptWithoutARule(t *testing.T) {
	c := Default()
	at := policy.Mark{Type: "x", Time: time.Date(2026, 1, 10, 3, 0, 0, 0, time.UTC)}
	for i := range c.Purposes {
		p := &c.Purposes[i]
		categories, _ := p.Permitted()
		for _, k := range categories {
			for _, o := range c.Operations {
				d := c.Deadline(p.ID, policy.Life{Category: k, Operation: o.ID, Collected: at, Bound: at, LastOfMatter: at, LastContact: at})
				if d.Rule == string(p.ID)+"/none" || d.Due.IsZero() && len(d.Waiting) == 0 {
					t.Errorf("%s, %s in %s: %+v", p.ID, k, o.ID, d)
				}
			}
		}
	}
}
