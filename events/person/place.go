package person

import (
	"encoding/binary"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// Place moves what rests on events that were applied before the log had them to where they stand now: at answers the place of each, and
// any other position as it is. The order of events must be the same. What other states share is read only.
func (s *State) Place(r events.Revision, at func(events.Position) events.Position) {
	s.Revision, s.Position = r, at(s.Position)
	move := func(m *policy.Mark) {
		if m == nil {
			return
		}
		if p := at(m.Position); p != m.Position {
			m.Position = p
		}
	}
	places := func(all []Place) {
		for i := range all {
			move(&all[i].Since)
			move(all[i].Until)
		}
	}
	for _, m := range []*policy.Mark{&s.Told, &s.ToldAge, &s.Contact, &s.Provision, s.Gone} {
		move(m)
	}
	for i := range s.Records {
		r := &s.Records[i]
		move(&r.Collected)
		move(r.Gone)
		for j := range r.Bindings {
			move(&r.Bindings[j].Since)
			move(r.Bindings[j].Ended)
		}
		places(r.Locations)
		places(r.With)
	}
	s.Own.place(at)
	for _, marks := range s.Matters {
		marks.place(at)
	}
	for i := range s.Consents {
		move(&s.Consents[i].Since)
		move(s.Consents[i].Withdrawn)
	}
	for i := range s.Holds {
		move(&s.Holds[i].Since)
		move(s.Holds[i].Released)
	}
	for i := range s.Links {
		move(&s.Links[i].Since)
		move(s.Links[i].Until)
	}
	for i := range s.Recalls {
		move(&s.Recalls[i].Since)
		move(s.Recalls[i].Overdue)
		move(s.Recalls[i].Confirmed)
	}
	s.Seen.place(at)
}

func (marks Marks) place(at func(events.Position) events.Position) {
	for w, m := range marks {
		if p := at(m.Position); p != m.Position {
			m.Position = p
			marks[w] = m
		}
	}
}

// place moves the last of what was seen; what stood in the log before is in front of it.
func (s Seen) place(at func(events.Position) events.Position) {
	for i := len(s) - seenSize; i >= 0; i -= seenSize {
		was := s.position(i)
		p := at(was)
		if p == was {
			return
		}
		binary.BigEndian.PutUint64(s[i+12:], uint64(p))
	}
}
