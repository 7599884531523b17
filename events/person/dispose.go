package person

import (
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/policy"
)

// Ripe is a record that neither a purpose nor a law binds any more.
type Ripe struct {
	Record *Record
	Last   Limit // the one that ended last
	Cause  events.Word
	Held   bool // for a case: its disposal waits
}

// Ripe are the records that nothing binds on a day, in the order of their ordinals; the held ones among them.
func (s *State) Ripe(o *organisation.State, on policy.Date) []Ripe {
	var all []Ripe
	limits := s.Limits(o)
	for len(limits) > 0 { // they come record by record
		r, n := limits[0].Record, 1
		for n < len(limits) && limits[n].Record == r {
			n++
		}
		of := limits[:n]
		limits = limits[n:]
		if Bound(of, on) {
			continue
		}
		last := *Longest(of)
		all = append(all, Ripe{Record: r, Last: last, Cause: cause(last), Held: len(s.Held(r)) > 0})
	}
	return all
}

func cause(l Limit) events.Word {
	if strings.HasSuffix(l.Rule, "/ended") {
		return "purpose_met"
	}
	return "retention"
}

// Census is what the records of a person are there for, on a day.
type Census struct {
	Records, Bound, Held, Due, Overdue, Unknown int
}

// Count adds a person to a census. What is due since more than the policy's grace is overdue.
func (c *Census) Count(s *State, o *organisation.State, on policy.Date) {
	if s.Gone != nil || o.Policy == nil {
		return
	}
	ripe := map[events.Ordinal]bool{}
	for _, r := range s.Ripe(o, on) {
		ripe[r.Record.N] = true
		switch {
		case r.Held:
			c.Held++
		default:
			c.Due++
			if r.Last.Due.Add(o.Policy.Grace()).Before(on) {
				c.Overdue++
			}
		}
	}
	for i := range s.Records {
		r := &s.Records[i]
		if !r.Live() {
			continue
		}
		c.Records++
		if ripe[r.N] {
			continue
		}
		if slices.ContainsFunc(r.Bindings, func(b Binding) bool { return o.Policy.Purpose(b.Purpose) != nil }) {
			c.Bound++
		} else {
			c.Unknown++
		}
	}
}

// run asks of a deletion in the name of a disposal that the disposal was approved, and that it forgets nobody of whom something
// is left.
func (d *decision) run(f *events.Deleted) *events.Refusal {
	if f.Run == "" {
		return nil
	}
	run := d.o.Disposals[f.Run]
	switch {
	case !d.in.Own:
		return refuse("not_permitted", "/data/run", "is written by the engine itself, for what was planned and approved (`daicho disposal`)")
	case run == nil || !run.Approved() || run.Done():
		return refuse("not_permitted", "/data/run", "names no disposal that is approved and under way")
	case f.Person && !d.s.Empty(nil):
		return refuse("held", "/data/person", "something of this person is still here; a disposal forgets nobody of whom it has not disposed of everything")
	}
	return nil
}
