package policies

import (
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/events/policy"
)

// What happened to one record, event by event, and the day that the policy's text gives, worked out by hand: purpose, category, operation,
// basis | events | the day | whether a law sets the period. A law's period runs through that day; of any other it is the day on which the
// record may go. Days are noon in Tokyo; what happened has the order of the line. `own:` is a milestone of no matter, `over` is
// device.returned, contract.closed and invoice.paid.
const lifetimes = `
SVC-01 pd:EmailAddress rental contract | collected=2026-01-10 device.returned=2026-01-20 contract.closed=2026-01-21 invoice.paid=2026-01-31 | 2026-05-01 |
SVC-01 pd:PaymentCardNumber rental contract | collected=2026-01-10 over=2026-01-31 | 2026-05-31 |
SVC-01 pd:EmailAddress sales contract | collected=2026-01-10 invoice.paid=2026-01-31 | 2026-05-01 |
SVC-01 pd:EmailAddress rental contract | collected=2026-01-10 device.returned=2026-02-28 | 2028-02-28 |
SVC-01 pd:EmailAddress rental contract | collected=2026-01-10 completed=2026-02-03 | 2026-02-03 |
SVC-02 pd:Username content contract | collected=2026-01-10 own:account.closed=2026-01-31 | 2026-03-02 |
SVC-03 pd:Name rental legitimate_interest | collected=2026-01-10 own:contact=2026-03-31 | 2028-03-31 |
SVC-03 pd:Name rental legitimate_interest | collected=2026-01-10 own:contact=2026-03-31 objected=2026-06-01 | 2026-06-01 |
SVC-04 pd:Interest content consent | collected=2026-01-10 consent=2026-01-31 | 2027-02-28 |
SVC-04 pd:Interest content consent | collected=2026-01-10 withdrawn=2026-03-01 | 2026-03-01 |
SVC-05 pd:Purchase content consent | collected=2026-01-10 own:account.closed=2026-01-31 | 2026-01-31 |
SVC-06 pd:Opinion rental consent | collected=2025-12-01 survey.closed=2026-01-01 prize.sent=2026-02-01 | 2026-05-02 |
SVC-07 pd:CallLog rental legitimate_interest | collected=2026-01-31 | 2027-02-28 |
SVC-08 pd:Communication rental legitimate_interest | collected=2024-01-10 case.closed=2024-02-29 | 2025-02-28 |
SVC-09 pd:Passport rental legitimate_interest | collected=2026-01-10 over=2026-01-31 | 2026-01-31 |
SVC-09 pd:Passport rental legitimate_interest | collected=2026-01-10 over=2026-01-21 claim.opened=2026-02-01 claim.settled=2027-02-28 | 2032-02-28 |
DM-01 pd:EmailAddress rental consent | collected=2026-01-10 own:contact=2026-02-28 | 2028-02-28 |
DM-02 pd:EmailAddress rental consent | collected=2026-01-10 withdrawn=2026-04-01 | 2026-04-01 |
DM-02 pd:EmailAddress rental consent | collected=2026-01-10 objected=2026-02-01 bound=2026-03-01 | 2028-03-01 |
HR-01 pd:Name hr contract | collected=2026-01-10 application.rejected=2026-08-31 | 2027-02-28 |
HR-01b pd:Name hr contract | collected=2026-01-10 own:employment.ended=2026-03-31 | 2031-03-31 |
HR-01b pd:Health hr legal_obligation | collected=2024-02-29 completed=2026-01-01 | 2029-02-28 | law
SPI-01 ts:MyNumber hr legal_obligation | collected=2026-01-10 own:employment.ended=2026-03-31 | 2034-01-10 | law
SP-01 pd:Health entrusted contract | collected=2026-01-10 service_ended=2026-01-31 | 2026-03-02 |
SP-01 pd:Name entrusted contract | collected=2026-01-10 service.ended=2026-01-31 | 2026-03-02 |
CK-01 pd:IPAddress content legitimate_interest | collected=2026-08-31 | 2027-02-28 |
CK-02 ts:CookieID content consent | collected=2026-01-10 consent=2026-03-31 | 2026-09-30 |
CALL-01 pd:VoiceCommunicationRecording rental legitimate_interest | collected=2025-12-31 | 2026-06-30 |
OUT-01 pd:Name rental contract | collected=2026-01-10 service_ended=2026-01-31 | 2026-03-02 |
DSR-01 pd:PersonalDocuments rental legal_obligation | collected=2026-01-10 request.closed=2026-01-31 | 2026-03-02 |
DSR-01 pd:Name rental legal_obligation | collected=2024-01-10 request.closed=2024-02-29 | 2027-02-28 |
ANON-01 pd:Purchase rental legitimate_interest | collected=2026-01-10 completed=2026-01-20 bound=2026-01-31 | 2026-03-02 |
ANON-02 pd:Purchase rental legitimate_interest | collected=2026-01-31 | 2029-01-31 |
CMP-01 pd:Opinion rental legitimate_interest | collected=2024-01-10 case.closed=2024-02-29 | 2027-02-28 |
GUA-01 pd:Name rental contract | collected=2024-01-10 own:majority.reached=2026-01-31 | 2029-01-31 |
IDV-01 pd:Passport rental legal_obligation | collected=2024-01-10 contract.closed=2024-02-29 completed=2024-03-01 | 2027-02-28 | law
ACC-01 pd:Name rental legal_obligation | collected=2026-01-10 over=2026-03-31 | 2033-05-31 | law
ACC-01 pd:Name rental legal_obligation | collected=2026-01-10 over=2026-04-01 | 2034-05-31 | law
INC-01 pd:Name rental legal_obligation | collected=2026-01-10 incident.closed=2026-01-31 | 2031-01-31 |
AUD-01 pd:AccountIdentifier hr legitimate_interest | collected=2026-01-31 | 2029-01-31 |
`

// told is one record's life under the shipped policy, told to the folds as the log would tell it.
type told struct {
	t         *testing.T
	org       *organisation.State
	s         person.State
	at        events.Position
	purpose   events.Word
	basis     events.Word
	category  events.Word
	operation events.Word
}

func (x *told) event(typ string, st events.Stream, when time.Time) *events.Event {
	x.at++
	return &events.Event{Stream: st, Position: x.at, Revision: events.Revision(x.at), ID: "AAAAAAAAAAAAAAAAAAAAAA", Type: typ, Source: "/rental/web", Time: when, Recorded: when}
}

func (x *told) happened(what string, when time.Time) {
	x.t.Helper()
	const matter = "M"
	who := events.Stream{Kind: "person", ID: "p"}
	sel := events.Selector{Of: []events.Ordinal{1}}
	apply := func(typ string, f events.Fact) { x.s.Apply(x.event(typ, who, when), f) }
	switch what {
	case "collected":
		b := events.Bind{ID: x.purpose, Basis: x.basis, Of: []events.Ordinal{1}}
		if x.basis == "consent" {
			b.Consent = &events.Giver{By: "self"}
		}
		f := &events.Collected{Purposes: []events.Bind{b}, Matter: matter, Operation: x.operation, Location: "rental-db", Client: "client-x"}
		f.Records = []events.NewRecord{{Key: "K", Category: x.category}}
		f.Records[0].Value.At(1)
		apply(events.TypeCollected, f)
	case "consent":
		apply(events.TypeConsentGiven, &events.Consent{Purposes: []events.Word{x.purpose}, By: "self"})
	case "withdrawn":
		apply(events.TypeConsentWithdrawn, &events.Consent{Purposes: []events.Word{x.purpose}, By: "self"})
	case "completed", "objected":
		apply(events.TypePurposeEnded, &events.PurposeEnded{Selector: sel, Purpose: x.purpose, Reason: events.Word(what)})
	case "bound":
		apply(events.TypePurposeBound, &events.PurposeBound{Selector: sel, Purpose: x.purpose, Basis: x.basis})
	case "service_ended":
		e := x.event(events.TypeServiceEnded, events.Stream{Kind: "client", ID: "client-x"}, when)
		e.Data = []byte(`{"client":"client-x"}`)
		org, err := x.org.With(e)
		if err != nil {
			x.t.Fatal(err)
		}
		x.org = org
	case "over":
		for _, m := range []string{"device.returned", "contract.closed", "invoice.paid"} {
			x.happened(m, when)
		}
	default:
		f := &events.MilestoneReached{Matter: matter, Milestone: events.Word(what)}
		if own, ok := strings.CutPrefix(what, "own:"); ok {
			f.Matter, f.Milestone = "", events.Word(own)
		}
		apply(events.TypeMilestoneReached, f)
	}
}

// From events to what may be disposed of: for every purpose of the policy, on the day before, on the day, and on the day after.
func TestS51_FromEventsToWhatMayGo(t *testing.T) {
	c := Default()
	seen := map[events.Word]bool{}
	for line := range strings.Lines(lifetimes) {
		part := strings.Split(strings.TrimSpace(line), "|")
		w := strings.Fields(part[0])
		if len(w) == 0 {
			continue
		}
		if len(part) != 4 || len(w) != 4 {
			t.Fatalf("not a row: %s", line)
		}
		x := &told{t: t, org: organisation.New(), purpose: events.Word(w[0]), category: events.Word(w[1]), operation: events.Word(w[2]), basis: events.Word(w[3])}
		x.org.Policy = c
		seen[x.purpose] = true
		if _, ok := c.Category(x.category); !ok || c.Purpose(x.purpose) == nil {
			t.Fatalf("the policy does not know the words of: %s", line)
		}
		for s := range strings.FieldsSeq(part[1]) {
			what, day, _ := strings.Cut(s, "=")
			x.happened(what, mark(t, day).Time)
		}
		due, err := policy.ParseDate(strings.TrimSpace(part[2]))
		if err != nil {
			t.Fatal(err)
		}
		byLaw := strings.TrimSpace(part[3]) == "law"
		for days, may := range map[int]bool{-1: false, 0: !byLaw, 1: true} {
			on := due.AddDays(days)
			ripe, limits := x.s.Ripe(x.org, on), x.s.Limits(x.org)
			if len(limits) != 1 {
				t.Fatalf("%s: %d deadlines, of one record for one purpose", line, len(limits))
			}
			if (len(ripe) == 1) != may || person.Bound(limits, on) == may {
				t.Errorf("%s: on %s it may go: %t (%d found), by %s on %s", line, on, !person.Bound(limits, on), len(ripe), limits[0].Rule, limits[0].Due)
			}
		}
	}
	for i := range c.Purposes {
		if !seen[c.Purposes[i].ID] {
			t.Errorf("%s is in no life", c.Purposes[i].ID)
		}
	}
}
