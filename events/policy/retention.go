package policy

import (
	"errors"
	"slices"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// Mark is an event as something that rests on it remembers it.
type Mark struct {
	Type     events.Word     `json:"t"`
	Word     events.Word     `json:"w,omitzero"`
	Time     time.Time       `json:"at"`
	Position events.Position `json:"p"`
}

// Life is what a deadline may rest on: one binding of one record, and what has happened around it. The key "" of Milestones
// is the caller's and is not looked at.
type Life struct {
	Category, Operation       events.Word
	Collected, Bound          Mark
	Consent                   *Mark
	Ended                     *Mark // when the purpose was met, or the person withdrew or objected
	ServiceEnded              *Mark // of the client that the record was entrusted by
	Milestones                map[events.Word]Mark
	LastOfMatter, LastContact Mark
}

// Deadline is the last civil day that a record may be kept for a purpose: it may live through that day. Without a day the
// rule waits for the milestones named.
type Deadline struct {
	Due     Date          `json:"due,omitzero"`
	Rule    string        `json:"rule"`
	Waiting []events.Word `json:"waiting,omitempty"`
	Because []Mark        `json:"because,omitempty"`
	Gap     bool          `json:"gap,omitzero"` // the rule's own start is missing; a stated assumption stands in
	Law     bool          `json:"law,omitzero"` // a law sets the period
}

// The words of Rule.From.
const (
	fromCollected    = "collected"
	fromBound        = "bound"
	fromConsent      = "consent"
	fromLastOfMatter = "last_of_matter"
	fromLastContact  = "last_contact"
	fromServiceEnded = "service_ended"
)

var anchors = []events.Word{fromCollected, fromBound, fromConsent, fromLastOfMatter, fromLastContact, fromServiceEnded}

// serviceEnded is the milestone that says for one matter what the client's own event says for all.
const serviceEnded = "service.ended"

type calendarDay struct {
	m time.Month
	d int
}

func parseCalendarDay(s string) (calendarDay, error) {
	t, err := time.Parse("01-02", s)
	if err != nil || len(s) != 5 {
		return calendarDay{}, errors.New("a day of the year is written as 03-31")
	}
	return calendarDay{t.Month(), t.Day()}, nil
}

// in is the day in a year; 29 February is the month's last day.
func (d calendarDay) in(y int) Date { return Date{y, d.m, min(d.d, daysIn(y, d.m))} }

// rule is a Rule made ready.
type rule struct {
	*Rule
	categories    map[events.Word]bool // nil: all
	calendar      *start
	otherCalendar *start
}

type start struct {
	fiscal bool
	day    calendarDay
	plus   Period
}

func (c *Catalogue) compile(r *Rule, path string) (rule, error) {
	x := rule{Rule: r}
	if r.ID == "" {
		return x, wrong(path+"/id", "is missing")
	}
	if len(r.Categories) > 0 {
		all, err := c.expand(r.Categories, path+"/categories")
		if err != nil {
			return x, err
		}
		x.categories = set(all)
	}
	if r.Keep == nil || r.Otherwise != nil && r.Otherwise.Keep == nil {
		return x, wrong(path+"/keep", "is missing")
	}
	if r.Keep.hours != 0 || r.Otherwise != nil && r.Otherwise.Keep.hours != 0 {
		return x, wrong(path+"/keep", "is counted in civil days, not in hours")
	}
	given := 0
	for _, is := range []bool{len(r.All) > 0, len(r.Any) > 0, r.From != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		return x, wrong(path, "counts from exactly one of all, any and from")
	}
	if r.From != "" && !slices.Contains(anchors, r.From) {
		return x, wrong(path+"/from", "is not a start that this engine knows")
	}
	var err error
	if x.calendar, err = c.starting(r.Calendar, path+"/calendar"); err != nil {
		return x, err
	}
	if o := r.Otherwise; o != nil {
		if !slices.Contains(anchors, o.From) {
			return x, wrong(path+"/otherwise/from", "is not a start that this engine knows")
		}
		if x.otherCalendar, err = c.starting(o.Calendar, path+"/otherwise/calendar"); err != nil {
			return x, err
		}
	}
	return x, nil
}

func (c *Catalogue) starting(k *Calendar, path string) (*start, error) {
	if k == nil {
		return nil, nil
	}
	if k.Plus.hours != 0 {
		return nil, wrong(path+"/plus", "is counted in civil days, not in hours")
	}
	if k.To == "fiscal_year_end" {
		return &start{fiscal: true, day: c.index.fiscal, plus: k.Plus}, nil
	}
	d, err := parseCalendarDay(k.To)
	if err != nil {
		return nil, wrong(path+"/to", "is fiscal_year_end or a day such as 01-10")
	}
	return &start{day: d, plus: k.Plus}, nil
}

// from is the day that a period starts from, given the day of the event.
func (s *start) from(d Date) Date {
	if s == nil {
		return d
	}
	to := s.day.in(d.y)
	if !s.fiscal || to.Before(d) {
		to = s.day.in(d.y + 1)
	}
	return to.Add(s.plus)
}

// Deadline is the day until which a purpose keeps a record: the purpose met or the period over, whichever comes first. A period
// that a law sets is shortened neither by a purpose met nor by a wish.
func (c *Catalogue) Deadline(purpose events.Word, life Life) Deadline {
	p := c.index.purposes[purpose]
	d := Deadline{Rule: string(purpose) + "/none", Gap: true}
	if p != nil {
		for i := range p.rules {
			if r := &p.rules[i]; r.meets(&life, c.On(life.Collected.Time)) {
				d = c.run(r, &life)
				break
			}
		}
	}
	if life.Ended != nil && !d.Law {
		if day := c.On(life.Ended.Time); d.Due.IsZero() || !d.Due.Before(day) {
			return Deadline{Due: day, Rule: string(purpose) + "/ended", Because: []Mark{*life.Ended}}
		}
	}
	return d
}

func (r *rule) meets(l *Life, collected Date) bool {
	if !r.ValidFrom.IsZero() && collected.Before(r.ValidFrom) || !r.ValidTo.IsZero() && collected.After(r.ValidTo) {
		return false
	}
	if r.categories != nil && !r.categories[l.Category] {
		return false
	}
	if len(r.Operations) > 0 && !slices.Contains(r.Operations, l.Operation) {
		return false
	}
	if r.If != "" && !l.reached(r.If) {
		return false
	}
	return r.Unless == "" || !l.reached(r.Unless)
}

func (l *Life) reached(milestone events.Word) bool {
	_, ok := l.Milestones[milestone]
	return ok
}

func (c *Catalogue) run(r *rule, l *Life) Deadline {
	d := Deadline{Rule: r.ID, Law: r.Law != ""}
	at, ok := d.start(r, l)
	if ok {
		d.Due = r.calendar.from(c.On(at)).Add(*r.Keep)
		return d
	}
	if o := r.Otherwise; o != nil {
		if m := l.anchor(o.From); !m.Time.IsZero() {
			d.Due, d.Gap, d.Because = r.otherCalendar.from(c.On(m.Time)).Add(*o.Keep), true, append(d.Because, m)
		}
	}
	return d
}

// start finds the moment that a rule counts from, and notes what it rests on or waits for. A milestone from before the one
// that the rule is conditional on does not count: a claim opened anew is not settled by an earlier settlement.
func (d *Deadline) start(r *rule, l *Life) (time.Time, bool) {
	if r.From != "" {
		m := l.anchor(r.From)
		if m.Time.IsZero() {
			d.Waiting = []events.Word{waitsFor(r.From)}
			return time.Time{}, false
		}
		d.Because = []Mark{m}
		return m.Time, true
	}
	since := l.Milestones[r.If].Time
	if r.If == "" {
		since = time.Time{}
	}
	list, first := r.All, false
	if len(r.Any) > 0 {
		list, first = r.Any, true
	}
	var best Mark
	for _, w := range list {
		m, ok := l.Milestones[w]
		if !ok || w == "" || m.Time.Before(since) {
			d.Waiting = append(d.Waiting, w)
			continue
		}
		if !first {
			d.Because = append(d.Because, m)
		}
		if best.Time.IsZero() || m.Time.Before(best.Time) == first {
			best = m
		}
	}
	if first && !best.Time.IsZero() {
		d.Waiting, d.Because = nil, []Mark{best}
	}
	return best.Time, len(d.Waiting) == 0 && !best.Time.IsZero()
}

func waitsFor(from events.Word) events.Word {
	if from == fromServiceEnded {
		return serviceEnded
	}
	return from
}

// anchor is the event that a word of Rule.From names. The ones that may be missing fall back on the binding, which is always
// there; only the end of a service is waited for.
func (l *Life) anchor(from events.Word) Mark {
	switch from {
	case fromBound:
		return orMark(l.Bound, l.Collected)
	case fromConsent:
		if l.Consent != nil {
			return *l.Consent
		}
		return orMark(l.Bound, l.Collected)
	case fromLastOfMatter:
		return orMark(l.LastOfMatter, l.Collected)
	case fromLastContact:
		if l.LastContact.Time.After(l.Bound.Time) {
			return l.LastContact
		}
		return orMark(l.Bound, l.Collected) // to be bound to a purpose is a contact too
	case fromServiceEnded:
		if l.ServiceEnded != nil {
			return *l.ServiceEnded
		}
		return l.Milestones[serviceEnded]
	}
	return l.Collected
}

func orMark(a, b Mark) Mark {
	if a.Time.IsZero() {
		return b
	}
	return a
}
