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

// tracked refuses what no tracker of the inventory collects (S53, S60). Where the emitter does not say which one it was, the first that
// covers all of it is recorded. A catalogue without an inventory asks nothing.
func (d *decision) tracked(f *events.Collected) *events.Refusal {
	if len(d.c.Trackers) == 0 || f.Tracker == "" && f.Channel != "cookie" {
		return nil
	}
	if f.Tracker != "" {
		return d.within(f, d.c.Tracker(f.Tracker))
	}
	var first *events.Refusal
	for i := range d.c.Trackers {
		t := &d.c.Trackers[i]
		if !t.Stored() {
			continue
		}
		r := d.within(f, t)
		if r == nil {
			f.Tracker = t.ID
			return nil
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

func (d *decision) within(f *events.Collected, t *policy.Tracker) *events.Refusal {
	if !t.From(d.in.Source) {
		return refuse("category_not_permitted", "/source", "does not collect with this tracker of the inventory")
	}
	for i := range f.Purposes {
		if !t.Serves(f.Purposes[i].ID) {
			return refuse("category_not_permitted", indexed("/data/purposes/%/id", i), "is no purpose of this tracker of the inventory")
		}
	}
	for i := range f.Records {
		if !t.Collects(f.Records[i].Category) {
			return refuse("category_not_permitted", indexed("/data/records/%/category", i), "is not among what this tracker of the inventory collects")
		}
	}
	return nil
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
