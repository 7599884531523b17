package person

import (
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
)

// mayReceive asks whether the recipient of a transfer may have it, and completes the transfer: by which route of APPI 28 it may go, and
// whether it is a provision of which APPI 29 wants a record.
func (d *decision) mayReceive(f *events.Transferred, consented bool) *events.Refusal {
	to := d.o.Recipients[f.Recipient]
	switch {
	case !to.Takes(f.Purpose, f.Kind):
		return refuse("recipient_not_permitted", "/data/recipient", "is not registered, or no longer, for this purpose and kind of transfer")
	case to.Over(d.c.On(d.in.Time)):
		return refuse("recipient_not_permitted", "/data/recipient", "had no contract any more on that day")
	case !to.In(f.Country):
		return refuse("recipient_not_permitted", "/data/country", "is not a country that the recipient is registered in")
	}
	for _, n := range f.Of {
		if !to.Covers(d.s.Record(n).Category) {
			return refuse("recipient_not_permitted", "/data/records", "is of a category that the recipient's contract does not cover")
		}
	}
	if f.Route = d.route(to, f, consented); f.Route == "" {
		return refuse("recipient_not_permitted", "/data/country", "abroad: neither a designated country, nor an equivalent system, nor consent (APPI 28)")
	}
	f.Provision = kept(f)
	return nil
}

// route finds how APPI 28 lets data go where it goes: not abroad; a country that the commission has designated; a recipient with an
// equivalent system; the person's consent; or an exception of 27(1). None is empty.
func (d *decision) route(to *organisation.Recipient, f *events.Transferred, consented bool) events.Word {
	switch {
	case f.Country == "JP":
		return "domestic"
	case d.c.Designated(events.Word(f.Country)):
		return "designated_country"
	case to.Safeguard == "equivalent_system":
		return "equivalent_system"
	case consented:
		return "consent"
	case f.Basis == "legal_obligation":
		return "legal_obligation"
	}
	return ""
}

// kept says whether a record of provision must be kept (APPI 29): of provision to third parties; and of anything that goes abroad on
// consent, since the exceptions of 27(5) (entrustment, succession, joint use) do not reach there. Not where an exception of 27(1) applies.
func kept(f *events.Transferred) bool {
	return f.Basis != "legal_obligation" && (f.Kind == "third_party" || f.Route == "consent")
}
