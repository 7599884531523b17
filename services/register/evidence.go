package register

import (
	"context"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// evidence is what the log shows, counted under names; obligations are judged by it.
type evidence map[string]*contracts.Evidence

func (ev evidence) note(what string, e *events.Event) {
	x := ev[what]
	if x == nil {
		t := e.Time
		x = &contracts.Evidence{What: what, Since: &t}
		ev[what] = x
	}
	x.Count++
	x.Position = e.Position
	if e.Time.Before(*x.Since) {
		t := e.Time
		x.Since = &t
	}
}

// evidence reads the log once. Evidence is counted from facts alone: nothing is kept because somebody says so.
func (r *Register) evidence(ctx context.Context) (evidence, error) {
	ev := evidence{}
	for batch, err := range r.Log.Scan(ctx, 0, contracts.Filter{}) {
		if err != nil {
			return nil, err
		}
		for i := range batch {
			e := &batch[i]
			f, err := events.Decode(e)
			if err != nil {
				return nil, err
			}
			ev.take(e, f)
		}
	}
	return ev, nil
}

func (ev evidence) take(e *events.Event, f events.Fact) {
	switch f := f.(type) {
	case *events.Collected:
		ev.note("collections recorded with operation, purpose and category", e)
		for _, b := range f.Purposes {
			if len(b.Of) > 0 {
				ev.note("records bound to "+string(b.ID), e)
			}
		}
		for _, rec := range f.Records {
			switch rec.Category {
			case "pd:Transaction", "pd:Purchase", "pd:TravelHistory", "ts:RentalDevice":
				ev.note("transaction records held as personal data", e)
			}
		}
		if f.Minor {
			ev.note("minors collected with a guardian's consent", e)
		}
		if f.Transport == "tls" {
			ev.note("collections over an encrypted connection", e)
		}
		if f.Role == "processor" {
			ev.note("entrusted records kept apart as not disclosable", e)
		}
		if !f.Person.Birthdate.IsZero() {
			ev.note("ages judged by the table at collection", e)
		}
	case *events.Refused:
		ev.note("refused: "+string(f.Rule), e)
	case *events.Used:
		ev.note("uses asked of the purpose gate", e)
		if !f.Allowed {
			ev.note("uses refused by the purpose gate", e)
		}
	case *events.Transferred:
		ev.note("transfers recorded with recipient and basis", e)
		if f.Kind == "entrusted" {
			ev.note("entrustments to registered recipients", e)
		}
	case *events.NoticeShown:
		if f.Deemed {
			ev.note("deemed acknowledgements recorded as notices, never as consent", e)
		}
	case *events.TrackingRefused:
		ev.note("refusals of tracking taken", e)
	case *events.PolicyPublished:
		ev.note("policies published with their purposes", e)
	case *events.Recipient:
		ev.note("recipients registered or reviewed", e)
	case *events.MilestoneReached:
		ev.note("milestones that end purposes", e)
	case *events.Deleted:
		ev.note("disposals", e)
	case *events.KeysDestroyed:
		ev.note("keys destroyed for good", e)
	case *events.Accessed:
		ev.note("looks at values recorded before they were shown", e)
	default: // no evidence of a sentence by itself
	}
}

// needs are, for a sentence, the kinds of evidence that show it: all in one list must be there.
var needs = map[string][]string{
	"S1":  {"collections recorded with operation, purpose and category"},
	"S7":  {"collections recorded with operation, purpose and category", "refused: unknown_purpose"},
	"S8":  {"uses asked of the purpose gate"},
	"S9":  {"transfers recorded with recipient and basis"},
	"S10": {"refused: category_not_permitted"},
	"S32": {"transaction records held as personal data"},
	"S33": {"minors collected with a guardian's consent", "refused: minor"},
	"S34": {"ages judged by the table at collection", "refused: minor"},
	"S36": {"records bound to SVC-01"}, "S37": {"records bound to SVC-02"}, "S38": {"records bound to SVC-03"}, "S39": {"records bound to SVC-04"},
	"S40": {"records bound to SVC-05"}, "S41": {"records bound to SVC-06"}, "S42": {"records bound to SVC-07"}, "S43": {"records bound to SVC-08"},
	"S44": {"records bound to SVC-09"}, "S45": {"records bound to DM-01"}, "S46": {"records bound to DM-02"}, "S47": {"records bound to HR-01"},
	"S48": {"records bound to SP-01"},
	"S49": {"entrusted records kept apart as not disclosable"},
	"S50": {"milestones that end purposes"},
	"S51": {"disposals", "keys destroyed for good"},
	"S56": {"deemed acknowledgements recorded as notices, never as consent"},
	"S57": {"refusals of tracking taken", "refused: tracking_refused"},
	"S62": {"collections over an encrypted connection"},
	"S63": {"entrustments to registered recipients", "recipients registered or reviewed"},
}

func (ev evidence) judge(o *contracts.Obligation) {
	want := needs[o.ID]
	if len(want) == 0 {
		o.Caveats = append(o.Caveats, "No evidence is gathered for this sentence yet.")
		return
	}
	missing := false
	for _, what := range want {
		if x := ev[what]; x != nil {
			o.Evidence = append(o.Evidence, *x)
		} else {
			missing = true
			o.Caveats = append(o.Caveats, "The log shows nothing yet of: "+what+".")
		}
	}
	if !missing {
		o.State = "kept"
	}
}
