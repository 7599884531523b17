package person

import (
	"slices"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/policy"
)

// Limit is the deadline of one live binding of one record.
type Limit struct {
	Record  *Record
	Binding *Binding
	policy.Deadline
}

// Limits are the deadlines of everything of a person that has not been disposed of, record by record, under a policy. An ended
// binding counts as long as it is the last: it is why the record is due.
func (s *State) Limits(o *organisation.State) []Limit {
	if s.Gone != nil || o.Policy == nil {
		return nil
	}
	var all []Limit
	for i := range s.Records {
		r := &s.Records[i]
		if !r.Live() {
			continue
		}
		for j := range r.Bindings {
			b := &r.Bindings[j]
			if slices.ContainsFunc(r.Bindings[j+1:], func(x Binding) bool { return x.Purpose == b.Purpose && (b.Ended != nil || x.Ended == nil) }) {
				continue // ended once, bound again; or named twice
			}
			all = append(all, Limit{r, b, o.Policy.Deadline(b.Purpose, s.life(o, r, b))})
		}
	}
	return all
}

// life gathers what a binding's deadline may rest on.
func (s *State) life(o *organisation.State, r *Record, b *Binding) policy.Life {
	l := policy.Life{
		Category: r.Category, Operation: r.Operation, Collected: r.Collected, Bound: b.Since, Ended: b.Ended,
		Milestones: s.Own, LastOfMatter: r.Collected, LastContact: s.Contact,
	}
	if r.Matter != "" {
		marks := s.Matters[r.Matter]
		l.Milestones = marks
		if last, ok := marks[""]; ok {
			l.LastOfMatter = last
		}
		if len(s.Own) > 0 {
			both := cloneMarks(s.Own)
			for w, m := range marks {
				both.keep(w, m)
			}
			l.Milestones = both
		}
	}
	if b.Basis == "consent" {
		if c := s.Consented(b.Purpose); c != nil {
			l.Consent = &c.Since
		}
	}
	if m, ok := o.Ended[r.Client]; ok && r.Client != "" {
		l.ServiceEnded = &m
	}
	return l
}

// Longest is the limit that keeps a record: the one that ends last, a binding without a day before any other. Nil if nothing
// binds the record.
func Longest(limits []Limit) *Limit {
	var longest *Limit
	for i := range limits {
		l := &limits[i]
		switch {
		case longest == nil:
			longest = l
		case longest.Due.IsZero():
		case l.Due.IsZero() || longest.Due.Before(l.Due):
			longest = l
		}
	}
	return longest
}

// Binds says whether a limit still keeps its record on a day. A period that a law sets runs through its last day; of any other the
// last day is the day on which the record may go. While a rule waits, it binds.
func (l *Limit) Binds(on policy.Date) bool {
	if l.Law && !l.Due.IsZero() {
		return !l.Due.Before(on)
	}
	return l.Due.IsZero() || l.Due.After(on)
}

// Bound says whether any limit keeps its record on a day.
func Bound(limits []Limit, on policy.Date) bool {
	return slices.ContainsFunc(limits, func(l Limit) bool { return l.Binds(on) })
}

// OfRecord picks one record's limits.
func OfRecord(limits []Limit, n events.Ordinal) []Limit {
	var of []Limit
	for _, l := range limits {
		if l.Record.N == n {
			of = append(of, l)
		}
	}
	return of
}
