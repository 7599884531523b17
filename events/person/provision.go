package person

import (
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
)

// mayReceive asks whether the recipient of a transfer may have it, and completes the transfer: by which route of APPI 28 it may go, and
// whether it is a provision of which APPI 29 wants a record.
func (d *decision) mayReceive(f *events.Transferred, consented bool) *events.Refusal {
	to, day := d.o.Recipients[f.Recipient], d.c.On(d.in.Time)
	switch {
	case !to.Takes(f.Purpose, f.Kind):
		return refuse("recipient_not_permitted", "/data/recipient", "is not registered, or no longer, for this purpose and kind of transfer")
	case to.Over(day):
		return refuse("recipient_not_permitted", "/data/recipient", "had no contract any more on that day")
	case to.Contract != nil && !to.Under(day):
		return refuse("recipient_not_permitted", "/data/recipient", "had no contract yet on that day")
	case to.Contract == nil && f.Kind == "entrusted":
		return refuse("recipient_not_permitted", "/data/recipient", "has no contract on file: whom work is entrusted to is supervised under one (APPI 25)")
	case !to.In(f.Country):
		return refuse("recipient_not_permitted", "/data/country", "is not a country that the recipient is registered in")
	}
	for _, n := range f.Of {
		if !to.Covers(d.s.Record(n).Category) {
			return refuse("recipient_not_permitted", "/data/records", "is of a category that the recipient's contract does not cover")
		}
	}
	if f.Route = d.route(to, f, consented); f.Route == "" {
		return refuse("recipient_not_permitted", "/data/country", "abroad: neither a designated country, nor an equivalent system, nor consent, nor an exception of the law that the office has found (APPI 28)")
	}
	f.Provision = kept(f)
	return nil
}

// route finds how APPI 28 lets data go where it goes: not abroad; a country that the commission has designated; a recipient with an
// equivalent system; an exception of 27(1); or the person's consent. None is empty.
func (d *decision) route(to *organisation.Recipient, f *events.Transferred, consented bool) events.Word {
	switch {
	case f.Country == "JP":
		return "domestic"
	case d.c.Designated(events.Word(f.Country)):
		return "designated_country"
	case to.Safeguard == "equivalent_system":
		return "equivalent_system"
	case d.byLaw(f):
		return "legal_obligation"
	case consented:
		return "consent"
	}
	return ""
}

// byLaw says that an exception of APPI 27(1) lets a transfer go: without consent to a third party, or abroad, and without a record (29(1),
// proviso). Whether one applies is the company's own finding, and it answers for it: an office's word, or that of a source whose token
// names the type, as for an authority's requests. That a system has been told to call something a legal obligation is none.
func (d *decision) byLaw(f *events.Transferred) bool {
	return f.Basis == "legal_obligation" && d.in.Steers
}

// kept says whether a record of provision must be kept (APPI 29): of provision to third parties; and of anything that goes abroad on
// consent, since the exceptions of 27(5) (entrustment, succession, joint use) do not reach there. Not where an exception of 27(1) applies (29(1), proviso).
func kept(f *events.Transferred) bool {
	return f.Route == "consent" || f.Kind == "third_party" && f.Basis != "legal_obligation"
}
