package person

import (
	"slices"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// observed honours a refusal of tracking: on the channel, and by whatever leaves something in the browser that was told to refuse cookies
// (S57).
func (d *decision) observed(f *events.Collected) *events.Refusal {
	if slices.Contains(d.s.Refused, f.Channel) {
		return refuse("tracking_refused", "/data/channel", "the person has refused collecting on this channel")
	}
	if t := d.c.Tracker(f.Tracker); t != nil && t.Stored() && slices.Contains(d.s.Refused, "cookie") {
		return refuse("tracking_refused", "/data/tracker", "leaves something in a browser whose user has refused cookies")
	}
	return nil
}

// tracked refuses what no tracker of the inventory collects (S53, S60): all of a collection by cookie, or by a tracker that it names, and on any
// other channel whatever only a tracker can have observed. Where the emitter does not say which one it was, the first that covers it is
// recorded. A catalogue without an inventory asks nothing.
func (d *decision) tracked(f *events.Collected) *events.Refusal {
	switch {
	case len(d.c.Trackers) == 0:
		return nil
	case f.Tracker != "":
		return d.within(f, d.c.Tracker(f.Tracker))
	case f.Channel != "cookie" && (entrusted(f) || !slices.ContainsFunc(f.Records, func(r events.NewRecord) bool { return d.watched(f, &r) })):
		return nil
	}
	var first *events.Refusal
	for i := range d.c.Trackers {
		t := &d.c.Trackers[i]
		if !t.On(f.Channel) {
			continue
		}
		r := d.within(f, t)
		if r == nil {
			f.Tracker = t.ID
			return d.observed(f)
		}
		if first == nil {
			first = r
		}
	}
	if first != nil {
		return refuse("category_not_permitted", first.Field, "is collected by no tracker of the inventory, for these purposes and from this source")
	}
	return refuse("category_not_permitted", "/data/channel", "has no tracker in the inventory")
}

// watched says that a record of a collection is a tracker's: all of what a cookie brings, or a tracker that is named; else what the catalogue
// says that only a tracker observes. What people typed beside it is theirs.
func (d *decision) watched(f *events.Collected, r *events.NewRecord) bool {
	if f.Tracker != "" || f.Channel == "cookie" {
		return true
	}
	c, _ := d.c.Category(r.Category)
	return c.Observed
}

func (d *decision) within(f *events.Collected, t *policy.Tracker) *events.Refusal {
	if !t.From(d.in.Source) {
		return refuse("category_not_permitted", "/source", "does not collect with this tracker of the inventory")
	}
	for i := range f.Purposes {
		its := func(n events.Ordinal) bool {
			return slices.ContainsFunc(f.Records, func(r events.NewRecord) bool { return r.Value.Ordinal() == n && d.watched(f, &r) })
		}
		if !t.Serves(f.Purposes[i].ID) && (f.Tracker != "" || f.Channel == "cookie" || slices.ContainsFunc(f.Purposes[i].Of, its)) {
			return refuse("category_not_permitted", indexed("/data/purposes/%/id", i), "is no purpose of this tracker of the inventory")
		}
	}
	for i := range f.Records {
		if !t.Collects(f.Records[i].Category) && d.watched(f, &f.Records[i]) {
			return refuse("category_not_permitted", indexed("/data/records/%/category", i), "is not among what this tracker of the inventory collects")
		}
	}
	return nil
}

// beyondTracker says that a purpose is none of those that the inventory names for the tracker which collected a record (S55). What is no longer
// in the inventory serves what it was bound to.
func (d *decision) beyondTracker(r *Record, purpose events.Word) bool {
	t := d.c.Tracker(r.Tracker)
	return t != nil && !t.Serves(purpose)
}

// refusedTracking selects what a refusal ends: what trackers on that channel have collected and still serves something (S57; GDPR 7(3), 21).
func (d *decision) refusedTracking(f *events.TrackingRefused) {
	f.Of = nil
	for i := range d.s.Records {
		r := &d.s.Records[i]
		if t := d.c.Tracker(r.Tracker); t == nil || !r.Live() || !t.On(f.Channel) {
			continue
		}
		if slices.ContainsFunc(r.Bindings, func(b Binding) bool { return b.Ended == nil && !b.Brought }) {
			f.Of = append(f.Of, r.N)
		}
	}
}

// linked leads a browser back to a customer only where whoever sits before it has agreed to something there: what it told is then personal
// information about somebody (S54; APPI 2(7), 31(1); GDPR 6(1)(a)). Whom nothing was collected of counts as a browser.
func (d *decision) linked(f *events.Link) *events.Refusal {
	if d.in.Kind.Type != events.TypeIdentityLinked {
		return nil
	}
	for _, s := range []*State{d.s, d.in.Other(pseudonymOf(f.Other))} {
		browser := s.Kind == "visitor" || s.Kind == ""
		if browser && !slices.ContainsFunc(s.Consents, func(c Consent) bool { return c.Withdrawn == nil }) {
			return refuse("consent_missing", "/data/other", "is a browser, or would be led to by one, and no consent given in it stands: it is not linked with a customer")
		}
	}
	return nil
}
