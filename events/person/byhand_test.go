package person_test

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/historytest"
)

// What follows reads the deadlines of historytest's catalogue off the facts, purpose by purpose as the catalogue's text has them, and
// shares nothing with what decides them: neither the fold, nor the catalogue's rules, nor its calendar.

var jst = time.FixedZone("JST", 9*60*60)

// day is a civil day in Tokyo, at midnight.
func day(t time.Time) time.Time {
	y, m, d := t.In(jst).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, jst)
}

// months goes on by months to the corresponding day, or to the month's last where there is none (Civil Code 143).
func months(t time.Time, n int) time.Time {
	y, m, d := t.Date()
	first := time.Date(y, m+time.Month(n), 1, 0, 0, 0, 0, jst)
	return first.AddDate(0, 0, min(d, first.AddDate(0, 1, -1).Day())-1)
}

func latest(at *time.Time, t time.Time) {
	if at.IsZero() || t.After(*at) {
		*at = t
	}
}

// life is one record's, read off the facts in the order of the log.
type life struct {
	category, operation, client       events.Word
	matter                            events.Key
	collected, touched, contact, over time.Time // touched: the last event about its matter; over: the client's service
	milestones                        map[events.Word]time.Time
	consents                          map[events.Word]time.Time // that stand
	bound                             map[events.Word]*tie      // the last of each purpose
}

type tie struct {
	basis        events.Word
	since, ended time.Time
	brought      bool
}

func lifeOf(log []events.Event, facts []historytest.Recorded, n events.Ordinal) *life {
	l := &life{milestones: map[events.Word]time.Time{}, consents: map[events.Word]time.Time{}, bound: map[events.Word]*tie{}}
	for _, r := range facts { // which record it is
		if f, ok := r.Fact.(*events.Collected); ok {
			for _, rec := range f.Records {
				if rec.Value.Ordinal() == n {
					l.category, l.operation, l.client, l.matter, l.collected = rec.Category, f.Operation, f.Client, f.Matter, r.Time
				}
			}
		}
	}
	l.touched = l.collected
	if l.matter != "" {
		l.touched = time.Time{}
	}
	touch := func(m events.Key, t time.Time) {
		if l.matter != "" && m == l.matter {
			latest(&l.touched, t)
		}
	}
	end := func(purpose events.Word, t time.Time) {
		if b := l.bound[purpose]; b != nil && b.ended.IsZero() {
			b.ended = t
		}
	}
	for _, r := range facts {
		switch f := r.Fact.(type) {
		case *events.Collected:
			for _, b := range f.Purposes {
				if slices.Contains(b.Of, n) {
					l.bound[b.ID] = &tie{basis: b.Basis, since: r.Time, brought: b.Brought}
				}
				if b.Consent != nil {
					l.consents[b.ID] = r.Time
				}
			}
			if f.Operation == "rental" || f.Operation == "sales" {
				latest(&l.contact, r.Time)
			}
			touch(f.Matter, r.Time)
		case *events.PurposeBound:
			if slices.Contains(f.Of, n) {
				l.bound[f.Purpose] = &tie{basis: f.Basis, since: r.Time}
			}
			if f.Consent != nil {
				l.consents[f.Purpose] = r.Time
			}
			touch(f.Matter, r.Time)
		case *events.PurposeEnded:
			if slices.Contains(f.Of, n) {
				end(f.Purpose, r.Time)
			}
			touch(f.Matter, r.Time)
		case *events.Transferred:
			touch(f.Matter, r.Time)
		case *events.Consent:
			for _, p := range f.Purposes {
				if r.Type == events.TypeConsentGiven {
					l.consents[p] = r.Time
					continue
				}
				delete(l.consents, p)
				if b := l.bound[p]; b != nil && b.basis == "consent" {
					end(p, r.Time)
				}
			}
		case *events.TrackingRefused:
			if slices.Contains(f.Of, n) {
				for p, b := range l.bound {
					if !b.brought {
						end(p, r.Time)
					}
				}
			}
		case *events.MilestoneReached:
			if f.Matter == "" || f.Matter == l.matter {
				if t, ok := l.milestones[f.Milestone]; !ok || r.Time.After(t) {
					l.milestones[f.Milestone] = r.Time
				}
			}
			if f.Milestone == "contact" {
				latest(&l.contact, r.Time)
			}
			touch(f.Matter, r.Time)
		}
	}
	for i := range log {
		if e := &log[i]; e.Type == events.TypeServiceEnded && l.client != "" {
			var f struct{ Client events.Word }
			if json.Unmarshal(e.Data, &f) == nil && f.Client == l.client {
				l.over = e.Time // said again, the last time counts
			}
		}
	}
	return l
}

// all is the last of some milestones, and whether all of them have come.
func (l *life) all(words ...events.Word) (last time.Time, ok bool) {
	for _, w := range words {
		t, came := l.milestones[w]
		if !came {
			return last, false
		}
		latest(&last, t)
	}
	return last, true
}

// due is the day of one purpose; zero while it waits.
func (l *life) due(purpose events.Word) time.Time {
	b := l.bound[purpose]
	var d time.Time
	switch purpose {
	case "SERVE":
		d = l.serve()
	case "MAIL": // 24 months after the last contact, and to be bound is one
		from := b.since
		latest(&from, l.contact)
		d = months(day(from), 24)
	case "LINK": // 13 months after the consent
		from := b.since
		if t, ok := l.consents[purpose]; ok && b.basis == "consent" {
			from = t
		}
		d = months(day(from), 13)
	case "LOOK":
		d = months(day(l.collected), 6)
	case "CARE":
		d = months(day(b.since), 12)
	case "BOOKS": // 7 years from two months after the fiscal year, which ends on 31 March; whatever ends the purpose
		at := day(l.collected)
		year := at.Year()
		if at.Month() > time.March {
			year++
		}
		return time.Date(year+7, time.May, 31, 0, 0, 0, 0, jst)
	case "CLIENT": // 30 days after the client's service
		if from := l.over; !from.IsZero() {
			d = day(from).AddDate(0, 0, 30)
		} else if from, ok := l.milestones["service.ended"]; ok {
			d = day(from).AddDate(0, 0, 30)
		}
	}
	if !b.ended.IsZero() && (d.IsZero() || day(b.ended).Before(d)) {
		return day(b.ended)
	}
	return d
}

func (l *life) serve() time.Time {
	if opened, ok := l.milestones["opened"]; ok { // a claim runs 5 years from its end
		if settled, ok := l.milestones["settled"]; ok && !settled.Before(opened) {
			return months(day(settled), 5*12)
		}
		return months(day(l.touched), 10*12)
	}
	var from time.Time
	var ok bool
	keep := 90
	closed, isClosed := l.milestones["closed"]
	paid, isPaid := l.milestones["paid"]
	switch {
	case l.category == "pd:PaymentCardNumber":
		from, ok = l.all("closed", "paid")
		keep = 120
	case l.operation == "sales": // either suffices, and the first counts
		from, ok = closed, isClosed
		if isPaid && (!isClosed || paid.Before(closed)) {
			from, ok = paid, true
		}
	default:
		from, ok = l.all("returned", "closed", "paid")
	}
	if ok {
		return day(from).AddDate(0, 0, keep)
	}
	return months(day(l.touched), 24)
}

// binds says whether any purpose still keeps the record: a law's period through its last day, any other until its day has come.
func (l *life) binds(now time.Time) bool {
	today := day(now)
	for p := range l.bound {
		if d := l.due(p); d.IsZero() || d.After(today) || p == "BOOKS" && d.Equal(today) {
			return true
		}
	}
	return false
}

// moments are those at which something may change: the day before each purpose's day, that day, and the day after.
func (l *life) moments() (all []time.Time) {
	for p := range l.bound {
		if d := l.due(p); !d.IsZero() {
			for n := -1; n <= 1; n++ {
				all = append(all, d.AddDate(0, 0, n).Add(time.Hour))
			}
		}
	}
	return all
}
