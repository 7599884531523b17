package person

import (
	"slices"

	"github.com/daicho-dev/daicho/events"
)

// take resolves a selector to live records for which the event makes sense (fits; nil: any), and writes their ordinals into it.
// A key that names no live record refuses the whole, as does an empty answer. Where a named record does not fit, or none of
// those taken does, the rule given is the refusal.
func (d *decision) take(sel *events.Selector, rule, text string, fits func(*Record) bool) *events.Refusal {
	return d.takeFrom(sel, rule, text, (*Record).Live, fits)
}

// withRecipient resolves a selector to records that lie with a recipient, disposed of here or not: it may confirm later.
func (d *decision) withRecipient(sel *events.Selector, recipient events.Word) *events.Refusal {
	there := func(r *Record) bool { return at(r.With, recipient) != nil }
	return d.takeFrom(sel, "record_unknown", "is not with this recipient", there, there)
}

func (d *decision) takeFrom(sel *events.Selector, rule, text string, among, fits func(*Record) bool) *events.Refusal {
	field := "/data/matter"
	switch {
	case len(sel.Records) > 0:
		field = "/data/records"
	case sel.Matter == "" && len(sel.Categories) > 0:
		field = "/data/categories"
	case sel.Matter == "":
		field = "/data"
	}
	if len(sel.Of) > 0 && len(sel.Records) == 0 {
		named := sel.Of
		fits = both(fits, among)
		among = func(r *Record) bool { return slices.Contains(named, r.N) }
	}
	wide := func(r *Record) bool {
		return (sel.Matter == "" || r.Matter == sel.Matter) && (len(sel.Categories) == 0 || slices.Contains(sel.Categories, r.Category))
	}
	var of []events.Ordinal
	if len(sel.Records) > 0 {
		named := make([]*Record, len(sel.Records))
		for i, key := range sel.Records {
			if named[i] = d.newest(key, among); named[i] == nil {
				return refuse("record_unknown", indexed("/data/records/%", i), "names no record that is there")
			}
		}
		for i, r := range named {
			if !wide(r) {
				continue
			}
			if fits != nil && !fits(r) {
				return refuse(rule, indexed("/data/records/%", i), text)
			}
			if !slices.Contains(of, r.N) {
				of = append(of, r.N)
			}
		}
	} else {
		any := false
		for i := range d.s.Records {
			r := &d.s.Records[i]
			if !among(r) || !wide(r) || sel.Empty() && r.Segment != Segment(d.in.Source) {
				continue
			}
			any = true
			if fits == nil || fits(r) {
				of = append(of, r.N)
			}
		}
		if any && len(of) == 0 {
			return refuse(rule, field, "no record selected fits: it "+text)
		}
	}
	if len(of) == 0 {
		return refuse("record_unknown", field, "selects no record that is there")
	}
	slices.Sort(of)
	sel.Of, sel.Records = of, nil
	return nil
}

// both asks two conditions; a nil one is met.
func both(a, b func(*Record) bool) func(*Record) bool {
	if a == nil {
		return b
	}
	return func(r *Record) bool { return a(r) && b(r) }
}

// newest is the last record under a key among those that count, or nil: a key may name a new record once the old one is gone.
func (d *decision) newest(key events.Key, among func(*Record) bool) *Record {
	for i := len(d.s.Records) - 1; i >= 0; i-- {
		if r := &d.s.Records[i]; r.Key == key && among(r) {
			return r
		}
	}
	return nil
}
