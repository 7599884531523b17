package organisation

import (
	"slices"
	"strconv"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// Review is a management review that was planned, or held, or both.
type Review struct {
	Planned *events.Review // its last plan; nil of one that was held without
	At      policy.Mark    // of that plan
	Moved   int            // plans after the first
	Held    *events.Review // nil of one that is still to be held
	HeldAt  policy.Mark
}

// Cycle is how one thing that management reviews look at stands on a day.
type Cycle struct {
	Subject events.Word
	Every   policy.Period
	Last    policy.Date // of the last review of it; zero: never
	Due     policy.Date // last day of the next
	Because events.Word // what sets that day: cycle, change (of the policy), plan, review (the last one asked for it)
}

// Overdue says that the day of the next review has passed.
func (c *Cycle) Overdue(on policy.Date) bool { return c.Due.Before(on) }

// Cycles are the cycles of the policy in force, in its order. Days are those on which things happened, in the company's zone.
func (s *State) Cycles() []Cycle {
	if s.Policy == nil {
		return nil
	}
	all := make([]Cycle, 0, len(s.Policy.Governance.Reviews))
	for i := range s.Policy.Governance.Reviews {
		all = append(all, s.cycle(&s.Policy.Governance.Reviews[i]))
	}
	return all
}

func (s *State) cycle(r *policy.ReviewCycle) Cycle {
	c := Cycle{Subject: r.Subject, Every: r.Every, Because: "cycle"}
	last := s.lastReview(r.Subject)
	begins := s.asked(r.Subject)
	if last != nil {
		c.Last = s.Policy.On(last.HeldAt.Time)
		begins = c.Last
	}
	c.Due = begins.Add(r.Every)
	sooner := func(due policy.Date, because events.Word) {
		if due.Before(c.Due) {
			c.Due, c.Because = due, because
		}
	}
	if last != nil && last.Held.Next != "" {
		if next, err := policy.ParseDate(string(last.Held.Next)); err == nil {
			sooner(next, "review")
		}
	}
	for _, p := range s.Reviews {
		if p.Held == nil && p.Planned != nil && has(p.Planned.Subjects, r.Subject) {
			if due, err := policy.ParseDate(string(p.Planned.Due)); err == nil {
				sooner(due, "plan")
			}
		}
	}
	if !r.Changed.IsZero() {
		if first := s.changedSince(last); first != nil {
			sooner(s.Policy.On(*first).Add(r.Changed), "change")
		}
	}
	return c
}

// lastReview is the last review that was held of something, by when it was held.
func (s *State) lastReview(subject events.Word) (last *Review) {
	for _, r := range s.Reviews {
		if r.Held != nil && has(r.Held.Subjects, subject) && (last == nil || later(r.HeldAt, last.HeldAt)) {
			last = r
		}
	}
	return last
}

// later says that something happened after something else; of what happened at once, the log's order decides.
func later(a, b policy.Mark) bool {
	return a.Time.After(b.Time) || a.Time.Equal(b.Time) && a.Position > b.Position
}

// asked is the day from which on a policy in force has asked for reviews of something.
func (s *State) asked(subject events.Word) (first policy.Date) {
	for i := range s.Published {
		p := &s.Published[i]
		if p.InForce == nil || p.catalogue.Cycle(subject) == nil {
			continue
		}
		if on := s.Policy.On(*p.InForce); first.IsZero() || on.Before(first) {
			first = on
		}
	}
	return first
}

// changedSince is when another policy came into force first after a review, or after the register's first policy if there was none.
func (s *State) changedSince(last *Review) (first *time.Time) {
	for i := range s.Published {
		p := &s.Published[i]
		if i == 0 || p.InForce == nil || last != nil && !p.InForce.After(last.HeldAt.Time) {
			continue
		}
		if first == nil || p.InForce.Before(*first) {
			first = p.InForce
		}
	}
	return first
}

// reviewRules are what a review must say, and in which order it may be planned and held.
func (s *State) reviewRules(in Submission, f *events.Review) *events.Refusal {
	r, on := s.Reviews[f.Review], s.Policy.On(in.Time)
	if in.Kind.Type == events.TypeReviewRead {
		if r == nil || f.By == "" {
			return refuse("record_unknown", "/data/review", "names no review")
		}
		return nil
	}
	held := in.Kind.Type == events.TypeReviewHeld
	switch {
	case f.By == "":
		return refuse(events.RuleSchema, "/data/by", "is missing: a review is somebody's")
	case len(f.Subjects) == 0:
		return refuse(events.RuleSchema, "/data/subjects", "is missing: a review looks at something")
	case !held && (f.Outcome != "" || f.Next != ""):
		return refuse(events.RuleSchema, "/data", "has an outcome or a next day, which only a review that was held has")
	case !held && (f.Due == "" || f.Reason == ""):
		return refuse(events.RuleSchema, "/data", "a plan says until when, and for what reason")
	case !held && string(f.Due) < on.String():
		return refuse(events.RuleSchema, "/data/due", "is before the day on which it is planned")
	case held && (f.Due != "" || f.Reason != ""):
		return refuse(events.RuleSchema, "/data", "has a last day or a reason, which only a plan has")
	case held && f.Outcome == "":
		return refuse(events.RuleSchema, "/data/outcome", "is missing: adequate, or improve")
	case held && f.Note.IsZero():
		return refuse(events.RuleSchema, "/data/note", "is missing: what was found is what makes a review of a meeting")
	}
	for i, w := range f.Subjects {
		if s.Policy.Cycle(w) == nil {
			return refuse("unknown_word", "/data/subjects/"+strconv.Itoa(i), "has no cycle in the policy in force (/governance/reviews)")
		}
		if slices.Contains(f.Subjects[:i], w) {
			return refuse(events.RuleSchema, "/data/subjects/"+strconv.Itoa(i), "stands twice")
		}
	}
	if r != nil && r.Held != nil {
		return refuse("key_taken", "/data/review", "is the name of a review that was held; the next one needs a name of its own")
	}
	if !held {
		return nil
	}
	return s.holding(in, f, r, on)
}

// holding asks a review that was held to be the one that was planned, and its next day to be within the cycle.
func (s *State) holding(in Submission, f *events.Review, r *Review, on policy.Date) *events.Refusal {
	if r != nil {
		if in.Time.Before(r.At.Time) {
			return refuse(events.RuleSchema, "/time", "is before the review was planned")
		}
		for _, w := range r.Planned.Subjects {
			if !has(f.Subjects, w) {
				return refuse(events.RuleSchema, "/data/subjects", "leaves out something that was planned for it")
			}
		}
	}
	if f.Next != "" && string(f.Next) <= on.String() {
		return refuse(events.RuleSchema, "/data/next", "is not after the day on which it was held")
	}
	f.Late = nil
	for _, w := range f.Subjects {
		cycle := s.Policy.Cycle(w)
		if f.Next != "" && on.Add(cycle.Every).String() < string(f.Next) {
			return refuse("not_permitted", "/data/next", "is later than the policy's cycle lets the next review be ("+string(w)+": "+cycle.Every.String()+")")
		}
		if c := s.cycle(cycle); c.Overdue(on) {
			f.Late = append(f.Late, w)
		}
	}
	return nil
}

func review(was *Review, e *events.Event, f *events.Review) *Review {
	r := Review{}
	if was != nil {
		r = *was
	}
	mark := policy.Mark{Type: events.Word(e.Type), Word: events.Word(f.Review), Time: e.Time, Position: e.Position}
	switch e.Type {
	case events.TypeReviewRead:
		return was // a look changes nothing
	case events.TypeReviewPlanned:
		if r.Planned != nil {
			r.Moved++
		}
		r.Planned, r.At = f, mark
	case events.TypeReviewHeld:
		r.Held, r.HeldAt = f, mark
	}
	return &r
}
