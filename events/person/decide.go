package person

import (
	"slices"
	"strconv"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/policy"
)

// Submission is one event about a person as a decision sees it: keys are tags, identities pseudonyms, values still clear.
type Submission struct {
	Kind   *events.Kind
	Source string
	Tag    string // of (source, id)
	Time   time.Time
	Fact   events.Fact
	Gone   time.Time                       // when somebody was forgotten under the same identifier; zero if nobody was
	Other  func(p events.Pseudonym) *State // another person, or nobody
	Own    bool                            // it is the engine's own
	Steers bool                            // who submits it may steer: with a role for it, or a token that names the type
	Walls  []events.Word                   // that who asks is cleared for
}

// Decision is what becomes of a submission: a fact to record, or a refusal, or where it was recorded before.
type Decision struct {
	Fact      events.Fact
	First     []*events.Recall // to be recorded before the fact, in the same write; their names are the caller's to give
	Refusal   *events.Refusal
	Duplicate events.Position
}

// Ahead is how far an event's time may be ahead of the engine's clock.
const Ahead = 5 * time.Minute

// Decide says what is recorded of a submission about a person, given all that is known: no clock, no I/O. The fact that it
// answers is the submission's own, completed: selectors resolved to records, values given their ordinals, bindings that the
// law brings added. A refusal names the first rule that applies, in the contract's order.
func Decide(o *organisation.State, s *State, in Submission, now time.Time) Decision {
	if p, ok := s.Seen.Find(in.Tag); ok {
		return Decision{Duplicate: p}
	}
	d := decision{o: o, s: s, in: in, c: o.Policy}
	if in.Time.After(now.Add(Ahead)) {
		return Decision{Refusal: refuse("future", "/time", "is more than 5 minutes ahead of this engine's clock")}
	}
	if r := d.words(); r != nil {
		return Decision{Refusal: r}
	}
	if r := d.circumstances(); r != nil {
		return Decision{Refusal: r}
	}
	d.number()
	if r := d.rules(now); r != nil {
		return Decision{Refusal: r}
	}
	return Decision{Fact: in.Fact, First: d.askedBack(now)}
}

type decision struct {
	o  *organisation.State
	c  *policy.Catalogue
	s  *State
	in Submission
}

func refuse(rule, field, text string) *events.Refusal {
	return &events.Refusal{Rule: rule, Field: field, Text: text}
}

// circumstances are the rules about the submission as a whole, before its records are looked at.
func (d *decision) circumstances() *events.Refusal {
	notice := func(n *events.Notice) *events.Refusal {
		if n == nil {
			return refuse("notice_missing", "/data/notice", "says which notice the person was shown (APPI 21, GDPR 13); it is missing")
		}
		return nil
	}
	var r *events.Refusal
	switch f := d.in.Fact.(type) {
	case *events.Collected:
		if slices.Contains([]events.Word{"web", "app", "cookie"}, f.Channel) && f.Transport != "tls" {
			return refuse("transport", "/data/transport", "data from the web, an app or a cookie must come over tls")
		}
		if r = notice(f.Notice); r == nil {
			r = d.announced(f)
		}
	case *events.NoticeShown:
		r = notice(f.Notice)
	case *events.Consent:
		if d.in.Kind.Type == events.TypeConsentGiven {
			r = notice(f.Notice)
		}
	default: // no notice is shown
	}
	if r != nil {
		return r
	}
	if !d.s.Exists() && !d.in.Kind.Makes && !d.outlives() {
		if !d.in.Gone.IsZero() && !d.in.Time.After(d.in.Gone) {
			return refuse("record_gone", "/subject", "the person was forgotten")
		}
		return refuse("person_unknown", "/subject", "nobody is known under this subject, and this type does not make a person known")
	}
	if f, ok := d.in.Fact.(*events.Link); ok && d.in.Kind.Type == events.TypeIdentityLinked && !d.in.Other(pseudonymOf(f.Other)).Exists() {
		return refuse("person_unknown", "/data/other", "nobody is known under this identifier")
	}
	if !d.in.Gone.IsZero() && !d.in.Time.After(d.in.Gone) {
		return refuse("record_gone", "/time", "this person was forgotten after the event happened")
	}
	if f, ok := d.in.Fact.(*events.Collected); ok {
		return d.observed(f)
	}
	return nil
}

// number gives every value its ordinal: the next ones of this person, in the order of the fields.
func (d *decision) number() {
	n := d.s.Next
	events.Walk(d.in.Fact, events.Carrying{Secret: func(_ string, x *events.Secret) {
		n++
		x.At(n)
	}})
}

// rules are the rules of each type, which also complete its fact.
func (d *decision) rules(now time.Time) *events.Refusal {
	switch f := d.in.Fact.(type) {
	case *events.Collected:
		return d.collected(f)
	case *events.PurposeBound:
		return d.purposeBound(f)
	case *events.Consent:
		return d.consenting(f)
	case *events.MilestoneReached:
		if f.Milestone == MajorityReached && !d.in.Own {
			return refuse("not_permitted", "/data/milestone", "is told by the engine itself, from the month that it keeps of a minor")
		}
		return nil
	case *events.PurposeEnded:
		return d.take(&f.Selector, "purpose_not_bound", "is not bound to this purpose", func(r *Record) bool { return r.Bound(f.Purpose) != nil })
	case *events.Moved:
		if d.in.Kind.Type == events.TypeRemoved {
			return d.take(&f.Selector, "record_unknown", "is not in this location", func(r *Record) bool { return at(r.Locations, f.Location) != nil })
		}
		return d.copied(f)
	case *events.Used:
		d.used(f)
		return nil
	case *events.Transferred:
		return d.transferred(f)
	case *events.Recall:
		return d.recalled(f, now)
	case *events.DisposalConfirmed:
		return d.disposalConfirmed(f)
	case *events.Corrected:
		return d.corrected(f)
	case *events.Suspension:
		if d.in.Kind.Type == events.TypeUseResumed {
			return d.take(&f.Selector, "record_unknown", "is not suspended", func(r *Record) bool { return r.Suspended })
		}
		return d.take(&f.Selector, "record_unknown", "", nil)
	case *events.Hold:
		return d.hold(f)
	case *events.Deleted:
		return d.deleted(f, now)
	case *events.Link:
		return d.linked(f)
	case *events.TrackingRefused:
		d.refusedTracking(f)
		return nil
	case *events.NoticeShown, *events.Accessed, *events.KeysDestroyed:
		return nil
	default: // not about a person
		return nil
	}
}

func (d *decision) collected(f *events.Collected) *events.Refusal {
	for i := range f.Records {
		key := f.Records[i].Key
		taken := slices.ContainsFunc(d.s.Records, func(r Record) bool { return r.Live() && r.Key == key })
		for j := range i {
			taken = taken || f.Records[j].Key == key
		}
		if taken {
			return refuse("key_taken", indexed("/data/records/%/key", i), "names a record that is still there; correct that one, or choose another key")
		}
	}
	of, r := d.age(f)
	if r != nil {
		return r
	}
	country := events.Word(f.Person.Country)
	brought := map[events.Word]*events.Bind{}
	var added []*events.Bind
	for i := range f.Records {
		rec, permitted := &f.Records[i], false
		n := rec.Value.Ordinal()
		for j := range f.Purposes {
			b := &f.Purposes[j]
			if !d.c.Purpose(b.ID).Permits(rec.Category) {
				continue
			}
			permitted = true
			b.Of = append(b.Of, n)
			for _, br := range d.c.Brings(b.ID, rec.Category, f.Operation) {
				if named(f.Purposes, br.Purpose) {
					continue
				}
				x := brought[br.Purpose]
				if x == nil {
					x = &events.Bind{ID: br.Purpose, Basis: br.Basis, Brought: true}
					brought[br.Purpose], added = x, append(added, x)
				}
				if !slices.Contains(x.Of, n) {
					x.Of = append(x.Of, n)
				}
			}
		}
		if !permitted {
			return refuse("category_not_permitted", indexed("/data/records/%/category", i), "is permitted by none of the purposes named")
		}
	}
	if r := d.tracked(f); r != nil {
		return r
	}
	if r := d.apart(f); r != nil {
		return r
	}
	if r := d.care(f); r != nil {
		return r
	}
	if r := d.ofWhom(f, of); r != nil {
		return r
	}
	for _, rule := range []string{"consent_missing", "purpose_not_bound"} {
		for i := range f.Purposes {
			if r := d.basis(f.Purposes[i].ID, f.Purposes[i].Basis, country, f.Purposes[i].Consent != nil, indexed("/data/purposes/%", i)); r != nil && r.Rule == rule {
				return r
			}
		}
	}
	for _, x := range added {
		f.Purposes = append(f.Purposes, *x)
	}
	for i := range f.Records {
		if a := f.Records[i].Attachment; a != nil {
			a.Upload = ""
		}
	}
	return nil
}

func named(all []events.Bind, purpose events.Word) bool {
	return slices.ContainsFunc(all, func(b events.Bind) bool { return b.ID == purpose })
}

// basis checks a legal basis: one that the purpose takes under the person's regime, and for a consent, that there is one.
func (d *decision) basis(purpose, basis, country events.Word, given bool, field string) *events.Refusal {
	p := d.c.Purpose(purpose)
	if !d.c.Takes(p, basis, country) {
		if d.c.Takes(p, "consent", country) {
			return refuse("consent_missing", field+"/basis", "is not enough for this purpose and country; it takes consent")
		}
		return refuse("purpose_not_bound", field+"/basis", "is not a basis that this purpose takes")
	}
	if basis == "consent" && !given && d.s.Consented(purpose) == nil {
		return refuse("consent_missing", field+"/consent", "is missing, and no consent to this purpose stands")
	}
	return nil
}

func (d *decision) purposeBound(f *events.PurposeBound) *events.Refusal {
	if r := d.take(&f.Selector, "record_unknown", "", nil); r != nil {
		return r
	}
	for _, n := range f.Of {
		if !d.c.Purpose(f.Purpose).Permits(d.s.Record(n).Category) {
			return refuse("category_not_permitted", "/data/purpose", "does not permit the category of a record selected")
		}
	}
	if r := d.reaches(f); r != nil {
		return r
	}
	f.Of = slices.DeleteFunc(f.Of, func(n events.Ordinal) bool { return d.s.Record(n).Bound(f.Purpose) != nil })
	if f.Consent != nil {
		if r := d.whose(f.Consent.By, "minor", "/data/consent/by"); r != nil {
			return r
		}
	}
	return d.basis(f.Purpose, f.Basis, events.Word(d.s.Country), f.Consent != nil, "/data")
}

// used answers whether a use is allowed. Both answers are recorded, so it never refuses the event.
func (d *decision) used(f *events.Used) {
	f.Allowed, f.Of, f.Rule = true, nil, ""
	order := []events.Word{"record_unknown", "category_not_permitted", "purpose_not_bound", "suspended"} // as the contract asks them
	deny := func(rule events.Word) {
		if f.Allowed || slices.Index(order, rule) < slices.Index(order, f.Rule) {
			f.Allowed, f.Rule = false, rule
		}
	}
	for _, c := range f.Categories {
		permits := d.c.Purpose(f.Purpose).Permits(c) // the policy may have changed since it was bound
		held, bound, open, free := false, false, false, false
		for i := range d.s.Records {
			r := &d.s.Records[i]
			if !r.Live() || r.Category != c {
				continue
			}
			held = true
			if r.Bound(f.Purpose) == nil {
				continue
			}
			bound = true
			if !permits || !d.mayUse(r, f.Purpose) || d.beyondTracker(r, f.Purpose) {
				continue
			}
			open = true
			if !r.Suspended {
				free = true
				f.Of = append(f.Of, r.N)
			}
		}
		switch {
		case !held:
			deny("record_unknown")
		case !bound:
			deny("purpose_not_bound")
		case !open:
			deny("category_not_permitted")
		case !free:
			deny("suspended")
		}
	}
	if !f.Allowed {
		f.Of = nil
	}
}

func (d *decision) transferred(f *events.Transferred) *events.Refusal {
	// Whether its records are bound belongs to the selection, and is asked with it: before consent, unlike in a collection.
	if r := d.take(&f.Selector, "purpose_not_bound", "is not bound to this purpose", func(r *Record) bool { return r.Bound(f.Purpose) != nil }); r != nil {
		return r
	}
	for _, n := range f.Of {
		if !d.c.Purpose(f.Purpose).Permits(d.s.Record(n).Category) {
			return refuse("category_not_permitted", "/data/purpose", "does not permit the category of a record selected")
		}
	}
	if r := d.mayLeave(f); r != nil {
		return r
	}
	consented := d.s.Consented(f.Purpose) != nil
	if f.Basis == "consent" && !consented {
		return refuse("consent_missing", "/data/basis", "no consent to this purpose stands")
	}
	if f.Kind == "third_party" && f.Basis == "legal_obligation" && !d.byLaw(f) {
		return refuse("not_permitted", "/data/basis", "is for an office to find, or for a token that names this type: an exception of APPI 27(1) needs neither consent nor a record, and does not rest on an emitter's word")
	}
	if f.Kind == "third_party" && !consented && f.Basis != "legal_obligation" {
		return refuse("consent_missing", "/data/basis", "provision to a third party needs consent or a legal obligation (APPI 27(1))")
	}
	if r := d.mayReceive(f, consented); r != nil {
		return r
	}
	for _, n := range f.Of {
		if r := d.s.Record(n); r.Suspended || r.Ceased && f.Kind == "third_party" {
			return refuse("suspended", "/data/records", "a record selected is suspended from use or provision")
		}
	}
	return nil
}

func (d *decision) corrected(f *events.Corrected) *events.Refusal {
	r := d.newest(f.Record, (*Record).Live)
	if r == nil {
		return refuse("record_unknown", "/data/record", "names no record that is there")
	}
	f.Record, f.Of, f.Old, f.Kept = "", r.N, r.Value, len(d.s.Held(r)) > 0
	return nil
}

func (d *decision) hold(f *events.Hold) *events.Refusal {
	if d.in.Kind.Type == events.TypeHoldPlaced {
		return d.take(&f.Selector, "record_unknown", "", nil)
	}
	of := func(r *Record) bool { return slices.Contains(d.s.Held(r), f.Case) }
	if f.Selector.Empty() {
		if !slices.ContainsFunc(d.s.Holds, func(h Hold) bool { return h.Case == f.Case && h.Released == nil }) {
			return refuse("record_unknown", "/data/case", "holds nothing of this person")
		}
	} else if r := d.take(&f.Selector, "record_unknown", "is not held for this case", of); r != nil {
		return r
	}
	after := d.s.Clone()
	after.hold(&events.Event{Type: d.in.Kind.Type}, f, policy.Mark{})
	f.Keys = nil
	for i := range d.s.Records {
		if r := &d.s.Records[i]; len(r.Kept) > 0 && len(after.Held(after.Record(r.N))) == 0 {
			f.Keys = append(f.Keys, r.Kept...)
		}
	}
	return nil
}

// deleted decides a disposal. A hold stops any; and one that says that the time is over (retention, purpose_met) is stopped by
// whatever still binds the record: another purpose, or a law's period.
func (d *decision) deleted(f *events.Deleted, now time.Time) *events.Refusal {
	if r := d.run(f); r != nil {
		return r
	}
	var limits []Limit
	if timely(f) {
		limits = d.s.Limits(d.o)
	}
	today := d.c.On(now)
	if f.Person {
		f.Early = d.early(f, today)
		for i := range d.s.Records {
			if r := &d.s.Records[i]; r.Live() && len(d.s.Held(r)) > 0 {
				return refuse("held", "/data/person", "a record of this person is held for a case; release it first")
			}
		}
		if Bound(limits, today) {
			return refuse("held", "/data/cause", "a record of this person is still bound by a purpose or a law; its time is not over")
		}
		if timely(f) && !d.s.Remembered(d.c).Before(today) {
			return refuse("held", "/data/cause", "a record of provision or receiving about this person is to be kept, and to say whom it is about (APPI 29(2), 30(4)); its time is not over")
		}
		return nil
	}
	if r := d.take(&f.Selector, "record_unknown", "", nil); r != nil {
		return r
	}
	f.Early = d.early(f, today)
	f.Keys = nil
	for _, n := range f.Of {
		r := d.s.Record(n)
		if len(d.s.Held(r)) > 0 {
			return refuse("held", "/data/records", "a record selected is held for a case; release it first")
		}
		if Bound(OfRecord(limits, n), today) {
			return refuse("held", "/data/cause", "a record selected is still bound by a purpose or a law; its time is not over")
		}
		f.Keys = append(append(f.Keys, r.Value), r.Kept...)
	}
	for _, note := range d.s.Notes {
		if len(note.Of) > 0 && !slices.ContainsFunc(note.Of, func(n events.Ordinal) bool {
			r := d.s.Record(n)
			return r != nil && r.Live() && !slices.Contains(f.Of, n)
		}) {
			f.Keys = append(f.Keys, note.N)
		}
	}
	return nil
}

// timely says of a deletion that it happens because the time is over, and not before.
func timely(f *events.Deleted) bool {
	return f.Run != "" || f.Cause == "retention" || f.Cause == "purpose_met"
}

// early are the purposes that a law sets a period for which has not run, of what is deleted all the same: on somebody's request, or because a
// consent or a service ended; and the record of a provision about somebody who is forgotten. The deletion is not refused; the log says what
// it went against (APPI 22; the laws that the catalogue names).
func (d *decision) early(f *events.Deleted, today policy.Date) []events.Word {
	if timely(f) {
		return nil // it is refused as long as a law's period runs
	}
	var all []events.Word
	if f.Person && !d.s.Remembered(d.c).Before(today) {
		all = append(all, RecordOfProvision)
	}
	for i := range d.s.Records {
		r := &d.s.Records[i]
		if !r.Live() || !f.Person && !slices.Contains(f.Of, r.N) {
			continue
		}
		for j := range r.Bindings {
			b := &r.Bindings[j]
			if !b.Brought && b.Basis != "legal_obligation" || slices.Contains(all, b.Purpose) {
				continue
			}
			l := Limit{r, b, d.c.Deadline(b.Purpose, d.s.life(d.o, r, b))}
			if l.Law && l.Binds(today) {
				all = append(all, b.Purpose)
			}
		}
	}
	return all
}

func pseudonymOf(i events.Identity) events.Pseudonym { return events.Pseudonym(i[len("person:"):]) }

func indexed(pattern string, i int) string {
	for j := range pattern {
		if pattern[j] == '%' {
			return pattern[:j] + strconv.Itoa(i) + pattern[j+1:]
		}
	}
	return pattern
}
