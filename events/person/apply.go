package person

import (
	"cmp"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// Apply folds one recorded event into the state. Events come in the order of the log, each once. What a fact means is
// decided when it is recorded; the fold only carries it out, so it has no refusals and needs no catalogue.
func (s *State) Apply(e *events.Event, f events.Fact) {
	s.Revision, s.Position = e.Revision, e.Position
	if k, ok := events.KindOf(e.Type); ok && !k.Engine {
		s.Seen = s.Seen.with(e.ID, e.Position)
	}
	m := mark(e, "")
	notes := true
	switch f := f.(type) {
	case *events.Collected:
		s.collected(e, f, m)
		notes = false
	case *events.Consent:
		s.consent(e, f)
	case *events.TrackingRefused:
		if !slices.Contains(s.Refused, f.Channel) {
			s.Refused = append(s.Refused, f.Channel)
		}
		s.each(f.Of, func(r *Record) {
			for i := range r.Bindings {
				if b := &r.Bindings[i]; b.Ended == nil && !b.Brought {
					r.end(b.Purpose, mark(e, b.Purpose), "objected")
				}
			}
		})
	case *events.PurposeBound:
		s.each(f.Of, func(r *Record) {
			r.Bindings = append(r.Bindings, Binding{Purpose: f.Purpose, Basis: f.Basis, Since: mark(e, f.Purpose)})
		})
		if f.Consent != nil {
			c := Consent{Purpose: f.Purpose, By: f.Consent.By, Notice: events.Word(e.Policy), Since: mark(e, f.Purpose)}
			if f.Notice != nil {
				c.Notice = f.Notice.Policy
			}
			s.consented(c)
		}
		s.touch(f.Matter, m)
	case *events.PurposeEnded:
		s.each(f.Of, func(r *Record) { r.end(f.Purpose, mark(e, f.Purpose), f.Reason) })
		s.touch(f.Matter, m)
	case *events.MilestoneReached:
		s.milestone(f.Matter, mark(e, f.Milestone))
	case *events.Moved:
		s.each(f.Of, func(r *Record) {
			if e.Type == events.TypeRemoved {
				leave(r.Locations, f.Location, m)
			} else if at(r.Locations, f.Location) == nil {
				r.Locations = append(r.Locations, Place{ID: f.Location, Since: m})
			}
		})
	case *events.Transferred:
		s.each(f.Of, func(r *Record) {
			r.handOver(f, m)
		})
		if f.Provision {
			s.provided(m)
		}
		s.touch(f.Matter, m)
		s.note(f, f.Of) // the recipient's reference goes with the last of the records
		notes = false
	case *events.DisposalConfirmed:
		s.each(f.Of, func(r *Record) { leave(r.With, f.Recipient, m) })
		s.confirmed(f.Recipient, m)
	case *events.Corrected:
		if r := s.Record(f.Of); r != nil {
			if f.Kept {
				r.Kept = append(r.Kept, r.Value)
			}
			r.Value = f.Value.Ordinal()
		}
		notes = false
		s.Next = max(s.Next, f.Value.Ordinal())
	case *events.Suspension:
		s.each(f.Of, func(r *Record) {
			switch e.Type {
			case events.TypeUseSuspended:
				r.Suspended = true
			case events.TypeUseResumed:
				r.Suspended = false
			case events.TypeProvisionCeased:
				r.Ceased = true
			}
		})
	case *events.Hold:
		s.hold(e, f, m)
	case *events.Deleted:
		s.deleted(f, m)
	case *events.Link:
		s.link(e, f, m)
	case *events.Recall:
		s.recall(e, f, m)
	case *events.NoticeShown:
		s.announce(e, f)
	case *events.Used, *events.KeysDestroyed, *events.Accessed:
		// recorded; nothing of the state rests on them
	default: // not about a person
	}
	if notes {
		s.note(f, nil)
	}
}

// mark is an event as something that rests on it remembers it.
func mark(e *events.Event, w events.Word) policy.Mark {
	return policy.Mark{Type: events.Word(events.Short(e.Type)), Word: w, Time: e.Time, Position: e.Position}
}

func (s *State) each(of []events.Ordinal, do func(*Record)) {
	for _, n := range of {
		if r := s.Record(n); r != nil {
			do(r)
		}
	}
}

// profile remembers what rules need to know of the person, as the last collection tells it, by when it happened: one that arrives
// late changes nothing. Age is told only with a birthdate.
func (s *State) profile(f *events.Collected, m policy.Mark) {
	if s.Told.Time.IsZero() || later(m, s.Told) {
		s.Kind, s.Country, s.Told = f.Person.Kind, f.Person.Country, m
	}
	if (f.Minor || !f.Person.Birthdate.IsZero()) && (s.ToldAge.Time.IsZero() || later(m, s.ToldAge)) {
		s.Minor, s.Majority, s.ToldAge = f.Minor, f.Majority, m
	}
}

func (s *State) collected(e *events.Event, f *events.Collected, m policy.Mark) {
	s.profile(f, m)
	var of []events.Ordinal
	for i := range f.Records {
		rec := &f.Records[i]
		n := rec.Value.Ordinal()
		of = append(of, n)
		r := Record{
			N: n, Value: n, Key: rec.Key, Category: rec.Category, Operation: f.Operation, Segment: Segment(e.Source), Source: e.Source,
			Matter: f.Matter, Client: f.Client, Processor: entrusted(f), Tracker: f.Tracker, Collected: m,
			Locations: []Place{{ID: f.Location, Since: m}},
		}
		for _, b := range f.Purposes {
			if slices.Contains(b.Of, n) {
				r.Bindings = append(r.Bindings, Binding{Purpose: b.ID, Basis: b.Basis, Since: mark(e, b.ID), Brought: b.Brought})
			}
		}
		if rec.Attachment != nil {
			r.Object = rec.Attachment.Object
		}
		s.Records = append(s.Records, r)
		s.heldToo(&s.Records[len(s.Records)-1])
	}
	for _, b := range f.Purposes {
		if b.Consent != nil {
			c := Consent{Purpose: b.ID, By: b.Consent.By, Since: mark(e, b.ID)}
			if f.Notice != nil {
				c.Notice = f.Notice.Policy
			}
			s.consented(c)
		}
	}
	if f.Operation == "rental" || f.Operation == "sales" {
		s.contact(m)
	}
	if f.Received != nil {
		s.provided(m)
	}
	s.touch(f.Matter, m)
	s.note(f, of)
}

// note remembers the sealed notes of an event and what they go with, and moves the count of ordinals on.
func (s *State) note(f events.Fact, of []events.Ordinal) {
	events.Walk(f, events.Carrying{Secret: func(_ string, x *events.Secret) {
		s.Next = max(s.Next, x.Ordinal())
		if !slices.Contains(of, x.Ordinal()) {
			s.Notes = append(s.Notes, Note{N: x.Ordinal(), Of: of})
		}
	}})
}

func (s *State) consented(c Consent) {
	s.Consents = slices.DeleteFunc(s.Consents, func(x Consent) bool { return x.Purpose == c.Purpose })
	s.Consents = append(s.Consents, c)
}

func (s *State) consent(e *events.Event, f *events.Consent) {
	for _, p := range f.Purposes {
		m := mark(e, p)
		if e.Type == events.TypeConsentGiven {
			c := Consent{Purpose: p, By: f.By, Since: m}
			if f.Notice != nil {
				c.Notice = f.Notice.Policy
			}
			s.consented(c)
			continue
		}
		for i := range s.Consents {
			if c := &s.Consents[i]; c.Purpose == p && c.Withdrawn == nil {
				c.Withdrawn = &m
			}
		}
		for i := range s.Records {
			for j := range s.Records[i].Bindings {
				if b := &s.Records[i].Bindings[j]; b.Purpose == p && b.Basis == "consent" && b.Ended == nil {
					b.Ended, b.Reason = &m, "withdrawn"
				}
			}
		}
	}
}

// end ends a purpose whole: a collection may have named it twice, on one basis or on two.
func (r *Record) end(purpose events.Word, m policy.Mark, reason events.Word) {
	for b := r.Bound(purpose); b != nil; b = r.Bound(purpose) {
		b.Ended, b.Reason = &m, reason
	}
}

func leave(places []Place, id events.Word, m policy.Mark) {
	if p := at(places, id); p != nil {
		p.Until = &m
	}
}

func (s *State) milestone(matter events.Key, m policy.Mark) {
	marks := s.Own
	if matter != "" {
		marks = s.Matters[matter]
	}
	if marks == nil {
		marks = Marks{}
	}
	marks.keep(m.Word, m)
	if matter != "" {
		if s.Matters == nil {
			s.Matters = map[events.Key]Marks{}
		}
		s.Matters[matter] = marks
		s.touch(matter, m)
	} else {
		s.Own = marks
	}
	if m.Word == "contact" {
		s.contact(m)
	}
}

// keep remembers the later of two occurrences; in which order they arrive does not matter.
func (marks Marks) keep(w events.Word, m policy.Mark) {
	if was, ok := marks[w]; !ok || later(m, was) {
		marks[w] = m
	}
}

// later orders marks by when they happened. What happened at one moment is ordered by what it is, and only then by where it stands
// in the log: which of two arrived first does not matter.
func later(a, b policy.Mark) bool {
	return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Word, b.Word), cmp.Compare(a.Position, b.Position)) > 0
}

func (s *State) contact(m policy.Mark) {
	if s.Contact.Time.IsZero() || later(m, s.Contact) {
		s.Contact = m
	}
}

// touch remembers the last event about a matter.
func (s *State) touch(matter events.Key, m policy.Mark) {
	if matter == "" {
		return
	}
	if s.Matters == nil {
		s.Matters = map[events.Key]Marks{}
	}
	if s.Matters[matter] == nil {
		s.Matters[matter] = Marks{}
	}
	s.Matters[matter].keep("", m)
}

func (s *State) hold(e *events.Event, f *events.Hold, m policy.Mark) {
	if e.Type == events.TypeHoldPlaced {
		s.Holds = append(s.Holds, Hold{Case: f.Case, Matter: f.Matter, Categories: f.Categories, Of: f.Of, Since: m})
		return
	}
	for i := range s.Holds {
		h := &s.Holds[i]
		if h.Case != f.Case || h.Released != nil {
			continue
		}
		if f.Selector.Empty() {
			h.Of = nil
		} else {
			h.Of = slices.DeleteFunc(slices.Clone(h.Of), func(n events.Ordinal) bool { return slices.Contains(f.Of, n) })
		}
		if len(h.Of) == 0 {
			h.Released = &m
		}
	}
	for i := range s.Records {
		if r := &s.Records[i]; len(s.Held(r)) == 0 {
			r.Kept = nil // destroyed with the release
		}
	}
}

// heldToo puts a new record under the holds of its matter.
func (s *State) heldToo(r *Record) {
	for i := range s.Holds {
		h := &s.Holds[i]
		if h.Released == nil && h.Matter != "" && h.Matter == r.Matter && (len(h.Categories) == 0 || slices.Contains(h.Categories, r.Category)) {
			h.Of = append(slices.Clone(h.Of), r.N)
		}
	}
}

func (s *State) deleted(f *events.Deleted, m policy.Mark) {
	gone := func(r *Record) {
		if r.Gone == nil {
			r.Gone, r.Cause, r.Kept = &m, f.Cause, nil
			for i := range r.Locations {
				if r.Locations[i].Until == nil {
					r.Locations[i].Until = &m
				}
			}
		}
	}
	if f.Person {
		for i := range s.Records {
			gone(&s.Records[i])
		}
		s.Gone, s.Notes = &m, nil
		return
	}
	s.each(f.Of, gone)
	s.Notes = slices.DeleteFunc(s.Notes, func(n Note) bool { return slices.Contains(f.Keys, n.N) })
}

func (s *State) link(e *events.Event, f *events.Link, m policy.Mark) {
	other := events.Pseudonym(strings.TrimPrefix(string(f.Other), "person:"))
	for i := range s.Links {
		if l := &s.Links[i]; l.Other == other && l.Until == nil {
			if e.Type == events.TypeIdentityUnlinked {
				l.Until = &m
			}
			return
		}
	}
	if e.Type == events.TypeIdentityLinked {
		s.Links = append(s.Links, Link{Other: other, Since: m})
	}
}

// Segment is the first segment of a source path: `/rental/web` is of `rental`.
func Segment(source string) events.Word {
	first, _, _ := strings.Cut(strings.TrimPrefix(source, "/"), "/")
	return events.Word(first)
}

// Clone is a copy that can be changed without changing s.
func (s *State) Clone() *State {
	n := *s
	n.Records = slices.Clone(s.Records)
	for i := range n.Records {
		r := &n.Records[i]
		r.Kept, r.Bindings = slices.Clone(r.Kept), slices.Clone(r.Bindings)
		r.Locations, r.With = slices.Clone(r.Locations), slices.Clone(r.With)
		for j := range r.With {
			r.With[j].Grounds = slices.Clone(r.With[j].Grounds)
		}
	}
	n.Recalls = slices.Clone(s.Recalls)
	for i := range n.Recalls {
		n.Recalls[i].Of = slices.Clone(n.Recalls[i].Of)
	}
	if s.Matters != nil {
		n.Matters = make(map[events.Key]Marks, len(s.Matters))
		for k, v := range s.Matters {
			n.Matters[k] = cloneMarks(v)
		}
	}
	n.Own = cloneMarks(s.Own)
	n.Consents, n.Holds, n.Links = slices.Clone(s.Consents), slices.Clone(s.Holds), slices.Clone(s.Links)
	n.Notes, n.Refused, n.Seen = slices.Clone(s.Notes), slices.Clone(s.Refused), slices.Clone(s.Seen)
	return &n
}

func cloneMarks(m Marks) Marks {
	if m == nil {
		return nil
	}
	n := make(Marks, len(m))
	for k, v := range m {
		n[k] = v
	}
	return n
}
