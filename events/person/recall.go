package person

import (
	"slices"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/policy"
)

// Ground is why a record may lie with a recipient: one transfer's purpose, basis, kind and route abroad.
type Ground struct {
	Purpose events.Word `json:"p"`
	Basis   events.Word `json:"b"`
	Kind    events.Word `json:"k"`
	Route   events.Word `json:"r,omitzero"`
}

// Recall is an asking back: a recipient is to give back or destroy records of this person (APPI 25, GDPR 28(3)(g)). What it names
// counts as being there until the recipient confirms.
type Recall struct {
	ID        events.ID        `json:"id"`
	Recipient events.Word      `json:"r"`
	Of        []events.Ordinal `json:"of"`
	Due       events.Day       `json:"due,omitzero"`
	Since     policy.Mark      `json:"s"`
	Overdue   *policy.Mark     `json:"o,omitempty"`
	Confirmed *policy.Mark     `json:"c,omitempty"` // of the last of its records
}

// Recalled finds a recall by its name, or nil.
func (s *State) Recalled(id events.ID) *Recall {
	for i := range s.Recalls {
		if s.Recalls[i].ID == id {
			return &s.Recalls[i]
		}
	}
	return nil
}

// Left are the records of a recall that are still with its recipient.
func (s *State) Left(r *Recall) []events.Ordinal {
	var left []events.Ordinal
	for _, n := range r.Of {
		if rec := s.Record(n); rec != nil && at(rec.With, r.Recipient) != nil {
			left = append(left, n)
		}
	}
	return left
}

func (r *Record) handOver(f *events.Transferred, m policy.Mark) {
	g := Ground{Purpose: f.Purpose, Basis: f.Basis, Kind: f.Kind, Route: f.Route}
	p := at(r.With, f.Recipient)
	if p == nil {
		r.With = append(r.With, Place{ID: f.Recipient, Since: m, Grounds: []Ground{g}})
		return
	}
	if !slices.Contains(p.Grounds, g) {
		p.Grounds = append(p.Grounds, g)
	}
}

func (s *State) recall(e *events.Event, f *events.Recall, m policy.Mark) {
	r := s.Recalled(f.Recall)
	switch {
	case e.Type == events.TypeRecallOverdue:
		if r != nil && r.Overdue == nil {
			r.Overdue = &m
		}
	case r == nil:
		s.Recalls = append(s.Recalls, Recall{ID: f.Recall, Recipient: f.Recipient, Of: f.Of, Due: f.Due, Since: m})
	default: // a later part of the same recall
		for _, n := range f.Of {
			if !slices.Contains(r.Of, n) {
				r.Of = append(r.Of, n)
			}
		}
		r.Confirmed = nil
	}
}

// confirmed closes the recalls of which a recipient has nothing left.
func (s *State) confirmed(recipient events.Word, m policy.Mark) {
	for i := range s.Recalls {
		if r := &s.Recalls[i]; r.Recipient == recipient && r.Confirmed == nil && len(s.Left(r)) == 0 {
			r.Confirmed = &m
		}
	}
}

// stands says whether a transfer's ground still holds. A business that was succeeded to is the successor's own.
func (s *State) stands(r *Record, to *organisation.Recipient, g Ground) bool {
	if g.Kind == "succession" {
		return true
	}
	if !r.Live() || to == nil || !to.Active || r.Bound(g.Purpose) == nil {
		return false
	}
	needs := g.Basis == "consent" || g.Route == "consent" || g.Kind == "third_party" && g.Basis != "legal_obligation"
	return !needs || s.Consented(g.Purpose) != nil
}

// Stranded are records that lie with one recipient on no ground any more: what they were handed over for has ended, the consent that
// it rested on was withdrawn, the record is gone here, or the recipient's contract is over.
type Stranded struct {
	Recipient events.Word
	Of        []events.Ordinal
}

// Stranded finds what is to be asked back and has not been yet, in the order in which recipients first had something.
func (s *State) Stranded(o *organisation.State) []Stranded {
	var all []Stranded
	for i := range s.Records {
		r := &s.Records[i]
		for j := range r.With {
			p := &r.With[j]
			if p.Until != nil || slices.ContainsFunc(p.Grounds, func(g Ground) bool { return s.stands(r, o.Recipients[p.ID], g) }) || s.asked(r.N, p.ID) {
				continue
			}
			k := slices.IndexFunc(all, func(x Stranded) bool { return x.Recipient == p.ID })
			if k < 0 {
				k, all = len(all), append(all, Stranded{Recipient: p.ID})
			}
			all[k].Of = append(all[k].Of, r.N)
		}
	}
	return all
}

// lies says whether anything of this person is with any recipient.
func (s *State) lies() bool {
	return slices.ContainsFunc(s.Records, func(r Record) bool {
		return slices.ContainsFunc(r.With, func(p Place) bool { return p.Until == nil })
	})
}

// asked says that a record has been asked back from a recipient who has not confirmed.
func (s *State) asked(n events.Ordinal, recipient events.Word) bool {
	return slices.ContainsFunc(s.Recalls, func(r Recall) bool {
		return r.Recipient == recipient && r.Confirmed == nil && slices.Contains(r.Of, n)
	})
}

// outlives says that a fact is about what lies elsewhere of somebody who has been forgotten here: the engine records it all the same,
// since it names nobody.
func (d *decision) outlives() bool {
	switch d.in.Fact.(type) {
	case *events.Recall, *events.DisposalConfirmed:
		return d.in.Own && d.s.Gone != nil
	default:
		return false
	}
}

// recalled decides recall_requested and recall_overdue.
func (d *decision) recalled(f *events.Recall, now time.Time) *events.Refusal {
	r := d.s.Recalled(f.Recall)
	if d.in.Kind.Type == events.TypeRecallOverdue {
		if refusal := d.open(r, f.Recipient, &f.Selector); refusal != nil {
			return refusal
		}
		f.Due = r.Due
		return d.withRecipient(&f.Selector, f.Recipient)
	}
	if r != nil && r.Recipient != f.Recipient {
		return refuse("record_unknown", "/data/recall", "is the name of a recall from another recipient")
	}
	if f.Due == "" {
		f.Due = d.recallDue(f.Recipient, now)
	}
	return d.withRecipient(&f.Selector, f.Recipient)
}

func (d *decision) disposalConfirmed(f *events.DisposalConfirmed) *events.Refusal {
	if f.Recall != "" {
		if refusal := d.open(d.s.Recalled(f.Recall), f.Recipient, &f.Selector); refusal != nil {
			return refusal
		}
	}
	return d.withRecipient(&f.Selector, f.Recipient)
}

// open narrows a selector to what is left of a recall. It refuses one that does not concern this person and recipient, or is over.
func (d *decision) open(r *Recall, recipient events.Word, sel *events.Selector) *events.Refusal {
	if r == nil || r.Recipient != recipient {
		return refuse("record_unknown", "/data/recall", "asks this recipient for nothing of this person")
	}
	left := d.s.Left(r)
	if len(left) == 0 {
		return refuse("record_unknown", "/data/recall", "has been confirmed for everything of this person")
	}
	if sel.Empty() {
		sel.Of = left
	}
	return nil
}

// askedBack are the recalls that go out before a deletion: once the keys are gone, nothing could say any more what lies where.
func (d *decision) askedBack(now time.Time) []*events.Recall {
	f, ok := d.in.Fact.(*events.Deleted)
	if !ok || !d.s.lies() {
		return nil
	}
	after := d.s.Clone()
	after.deleted(f, policy.Mark{})
	var all []*events.Recall
	for _, x := range after.Stranded(d.o) {
		all = append(all, &events.Recall{Selector: events.Selector{Of: x.Of}, Recipient: x.Recipient, Due: d.recallDue(x.Recipient, now)})
	}
	return all
}

// recallDue is the day through which a recipient has time to confirm.
func (d *decision) recallDue(recipient events.Word, now time.Time) events.Day {
	days := 0
	if to := d.o.Recipients[recipient]; to != nil {
		days = to.RecallDays
	}
	return events.Day(d.c.RecallDue(d.c.On(now), days).String())
}
