package policies

import (
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

func noon(t *testing.T, day string) policy.Mark {
	t.Helper()
	x, err := time.ParseInLocation("2006-01-02 15:04", day+" 12:00", Default().Zone())
	if err != nil {
		t.Fatal(err)
	}
	return policy.Mark{Type: "x", Time: x, Position: 1}
}

// life reads "collected=2026-01-10 invoice.paid=2026-01-20 …": the anchors by their names, all else milestones.
func life(t *testing.T, category, operation, said string) policy.Life {
	l := policy.Life{Category: events.Word(category), Operation: events.Word(operation), Milestones: map[events.Word]policy.Mark{}}
	l.Collected = noon(t, "2026-01-10")
	for _, s := range strings.Fields(said) {
		k, v, _ := strings.Cut(s, "=")
		m := noon(t, v)
		switch k {
		case "collected":
			l.Collected = m
		case "bound":
			l.Bound = m
		case "consent":
			l.Consent = &m
		case "ended":
			l.Ended = &m
		case "service_ended":
			l.ServiceEnded = &m
		case "last":
			l.LastOfMatter = m
		case "contact":
			l.LastContact = m
		default:
			l.Milestones[events.Word(k)] = m
		}
	}
	return l
}

// The table of retention: purpose, category, operation, what happened, the last day, the rule. A rule followed by ? is a gap.
const table = `
SVC-01 pd:EmailAddress rental | device.returned=2026-01-20 contract.closed=2026-01-21 invoice.paid=2026-01-31 | 2026-05-01 | SVC-01/rest
SVC-01 pd:EmailAddress rental | device.returned=2024-01-20 contract.closed=2023-12-01 invoice.paid=2023-12-01 | 2024-04-19 | SVC-01/rest
SVC-01 pd:EmailAddress rental | device.returned=2025-01-20 contract.closed=2024-12-01 invoice.paid=2024-12-01 | 2025-04-20 | SVC-01/rest
SVC-01 pd:PaymentCardNumber rental | device.returned=2026-01-20 contract.closed=2026-01-21 invoice.paid=2026-01-31 | 2026-05-31 | SVC-01/cards
SVC-01 pd:BankAccount rental | device.returned=2026-01-20 contract.closed=2026-01-21 invoice.paid=2026-01-31 | 2026-05-01 | SVC-01/rest
SVC-01 pd:EmailAddress rental | device.returned=2026-01-20 last=2026-02-28 | 2028-02-28 | SVC-01/rest?
SVC-01 pd:EmailAddress rental | last=2024-02-29 | 2026-02-28 | SVC-01/rest?
SVC-01 pd:EmailAddress sales | invoice.paid=2025-12-31 | 2026-03-31 | SVC-01/sales
SVC-01 pd:EmailAddress sales | contract.closed=2026-01-01 invoice.paid=2026-02-01 | 2026-04-01 | SVC-01/sales
SVC-01 pd:PaymentCard sales | invoice.paid=2025-12-31 | 2026-04-30 | SVC-01/sales-cards
SVC-01 pd:EmailAddress rental | ended=2026-02-03 | 2026-02-03 | SVC-01/ended
SVC-02 pd:Username content | account.closed=2026-01-31 | 2026-03-02 | SVC-02/account
SVC-02 pd:Username content | last=2026-01-31 | 2028-01-31 | SVC-02/account?
SVC-03 pd:Name rental | contact=2026-03-31 | 2028-03-31 | SVC-03/contact
SVC-03 pd:Name rental | contact=2026-03-31 ended=2026-06-01 | 2026-06-01 | SVC-03/ended
SVC-04 pd:Interest content | consent=2026-01-31 | 2027-02-28 | SVC-04/consent
SVC-05 pd:Purchase content | account.closed=2026-01-31 | 2026-01-31 | SVC-05/account
SVC-05 pd:Purchase content | contact=2026-01-31 | 2028-01-31 | SVC-05/account?
SVC-06 pd:Opinion rental | survey.closed=2026-01-01 prize.sent=2026-02-01 | 2026-05-02 | SVC-06/survey
SVC-06 pd:Opinion rental | survey.closed=2026-01-01 last=2026-01-01 | 2028-01-01 | SVC-06/survey?
SVC-07 pd:CallLog rental | collected=2026-01-31 | 2027-02-28 | SVC-07/raw
SVC-08 pd:Communication rental | case.closed=2024-02-29 | 2025-02-28 | SVC-08/case
SVC-09 pd:Passport rental | device.returned=2026-01-20 contract.closed=2026-01-21 invoice.paid=2026-01-31 | 2026-01-31 | SVC-09/rest
SVC-09 pd:Passport rental | device.returned=2026-01-20 contract.closed=2026-01-21 claim.opened=2026-02-01 claim.settled=2027-02-28 | 2032-02-28 | SVC-09/claim
SVC-09 pd:Passport rental | claim.opened=2026-02-01 claim.written_off=2028-02-29 | 2033-02-28 | SVC-09/claim
SVC-09 pd:Passport rental | claim.opened=2026-02-01 last=2026-02-01 | 2036-02-01 | SVC-09/claim?
SVC-09 pd:Reliability rental | last=2024-02-29 | 2029-02-28 | SVC-09/flag
SVC-09 pd:Reliability rental | last=2026-01-10 claim.opened=2026-02-01 claim.settled=2026-03-31 | 2031-03-31 | SVC-09/claim
SVC-09 pd:Name sales | invoice.paid=2026-01-31 | 2026-01-31 | SVC-09/sales
DM-01 pd:EmailAddress rental | contact=2024-02-29 | 2026-02-28 | DM-01/contact
DM-02 pd:EmailAddress rental | contact=2025-01-01 bound=2026-02-01 | 2028-02-01 | DM-02/contact
DM-02 pd:EmailAddress rental | contact=2026-03-31 ended=2026-04-01 | 2026-04-01 | DM-02/ended
HR-01 pd:Name hr | application.rejected=2026-08-31 | 2027-02-28 | HR-01/rejected
HR-01 pd:Name hr | application.accepted=2026-08-31 | 2026-09-30 | HR-01/accepted
HR-01b pd:Name hr | employment.ended=2026-03-31 | 2031-03-31 | HR-01b/staff
HR-01b pd:Health hr | collected=2024-02-29 | 2029-02-28 | HR-01b/health
HR-01b pd:Health hr | collected=2024-02-29 ended=2026-01-01 | 2029-02-28 | HR-01b/health
HR-01b pd:Name hr | ended=2026-01-01 | 2026-01-01 | HR-01b/ended
HR-01b pd:Tax hr | collected=2026-12-31 | 2034-01-10 | HR-01b/tax
HR-01b pd:Tax hr | collected=2026-01-01 | 2034-01-10 | HR-01b/tax
HR-01b pd:Name hr | | | HR-01b/staff
SPI-01 ts:MyNumber hr | employment.ended=2026-03-31 | 2034-01-10 | SPI-01/affair
SP-01 pd:Health entrusted | service_ended=2026-01-31 | 2026-03-02 | SP-01/service
SP-01 pd:Name entrusted | | | SP-01/service
CK-01 pd:IPAddress content | collected=2026-08-31 | 2027-02-28 | CK-01/collected
CK-02 ts:CookieID content | consent=2026-03-31 | 2026-09-30 | CK-02/consent
CALL-01 pd:CallLog rental | collected=2025-12-31 | 2026-06-30 | CALL-01/call
OUT-01 pd:Name rental | service_ended=2026-01-31 | 2026-03-02 | OUT-01/return
OUT-01 pd:Name rental | | | OUT-01/return
DSR-01 pd:PersonalDocuments rental | request.closed=2026-01-31 | 2026-03-02 | DSR-01/identity
DSR-01 pd:Name rental | request.closed=2024-02-29 | 2027-02-28 | DSR-01/file
ANON-01 pd:Purchase rental | bound=2026-01-31 | 2026-03-02 | ANON-01/run
ANON-02 pd:Purchase rental | collected=2026-01-31 | 2029-01-31 | ANON-02/log
CMP-01 pd:Opinion rental | case.closed=2026-01-31 | 2029-01-31 | CMP-01/case
GUA-01 pd:Name rental | majority.reached=2028-02-29 | 2031-02-28 | GUA-01/majority
GUA-01 pd:Name rental | collected=2026-01-31 | 2050-01-31 | GUA-01/majority?
IDV-01 pd:Passport rental | contract.closed=2024-02-29 | 2027-02-28 | IDV-01/contract
IDV-01 pd:Passport rental | contract.closed=2026-01-21 ended=2026-02-01 | 2029-01-21 | IDV-01/contract
IDV-01 pd:Passport rental | last=2026-01-21 | 2031-01-21 | IDV-01/contract?
ACC-01 pd:Name rental | device.returned=2026-03-01 contract.closed=2026-03-01 invoice.paid=2026-03-31 | 2033-05-31 | ACC-01/rental
ACC-01 pd:Name rental | device.returned=2026-03-01 contract.closed=2026-03-01 invoice.paid=2026-04-01 | 2034-05-31 | ACC-01/rental
ACC-01 pd:Name rental | last=2026-01-10 ended=2026-02-01 | 2033-05-31 | ACC-01/rental?
ACC-01 pd:Purchase sales | invoice.paid=2026-03-31 | 2033-05-31 | ACC-01/sales
ACC-01 pd:Transaction content | collected=2026-04-01 | 2034-05-31 | ACC-01/rest
INC-01 pd:Name rental | incident.closed=2026-01-31 | 2031-01-31 | INC-01/incident
AUD-01 pd:AccountIdentifier hr | collected=2024-02-29 | 2027-02-28 | AUD-01/log
`

func TestS51RetentionTable(t *testing.T) {
	c, seen := Default(), map[events.Word]bool{}
	for line := range strings.Lines(strings.TrimSpace(table)) {
		part := strings.Split(strings.TrimSpace(line), "|")
		w := strings.Fields(part[0])
		want, rule := strings.TrimSpace(part[2]), strings.TrimSpace(part[3])
		rule, gap := strings.CutSuffix(rule, "?")
		seen[events.Word(w[0])] = true
		d := c.Deadline(events.Word(w[0]), life(t, w[1], w[2], part[1]))
		if d.Due.String() != want || d.Rule != rule || d.Gap != gap {
			t.Errorf("%s: %s by %s, gap %t, waiting for %v", line, d.Due, d.Rule, d.Gap, d.Waiting)
		}
		if law := strings.HasPrefix(rule, "ACC-") || strings.HasPrefix(rule, "IDV-") || rule == "HR-01b/health" || rule == "HR-01b/tax" || rule == "SPI-01/affair"; d.Law != law {
			t.Errorf("%s: by law is %t", line, d.Law)
		}
	}
	for _, p := range c.Purposes {
		if !seen[p.ID] {
			t.Errorf("%s is not in the table", p.ID)
		}
	}
}

func TestS34Minors(t *testing.T) {
	c := Default()
	for _, x := range []struct {
		country, birth, on string
		minor, civil       bool
	}{
		{"JP", "2006-01-16", "2026-01-15", true, false},
		{"JP", "2006-01-16", "2026-01-16", false, false},
		{"JP", "2008-01-16", "2026-01-15", true, true},
		{"JP", "2008-01-16", "2026-01-16", true, false},
		{"JP", "2004-02-29", "2024-02-28", true, false},
		{"JP", "2004-02-29", "2024-02-29", false, false},
		{"FR", "2008-02-29", "2026-02-28", true, true},
		{"FR", "2008-02-29", "2026-03-01", false, false},
		{"KR", "2007-01-01", "2025-12-31", true, true},
		{"KR", "2007-01-01", "2026-01-01", false, false},
		{"TH", "2006-06-01", "2026-05-31", true, true},
		{"SG", "2005-06-01", "2026-05-31", true, true},
		{"SG", "2005-06-01", "2026-06-01", false, false},
		{"TW", "2008-01-01", "2025-12-31", true, true},
		{"TW", "2008-01-01", "2026-01-01", false, false},
		{"US", "2007-06-01", "2026-01-01", false, false},
		{"US-AL", "2007-06-01", "2026-01-01", true, true},
		{"US-CA", "2007-06-01", "2026-01-01", false, false},
		{"GB-SCT", "2010-01-01", "2026-01-01", false, false},
		{"GB", "2010-01-01", "2026-01-01", true, true},
		{"", "2005-06-01", "2026-05-31", true, true},
		{"", "2005-06-01", "2026-06-01", false, false},
	} {
		birth, _ := policy.ParseDate(x.birth)
		on, err := policy.ParseDate(x.on)
		if err != nil {
			t.Fatal(err)
		}
		if m, v := c.MinorOn(events.Word(x.country), birth, on), c.CivilMinorOn(events.Word(x.country), birth, on); m != x.minor || v != x.civil {
			t.Errorf("%+v: minor %t, by civil law %t", x, m, v)
		}
	}
}

func TestS34TheMonthOfMajority(t *testing.T) {
	for _, x := range []struct{ country, birth, month string }{
		{"JP", "2011-04-30", "2031-04"}, {"JP", "2004-02-29", "2024-02"}, {"FR", "2008-02-29", "2026-03"},
		{"KR", "2007-12-31", "2026-12"}, {"US-MS", "2005-01-01", "2026-01"}, {"", "2005-06-01", "2026-06"}, {"GB-SCT", "2010-06-01", "2026-06"},
	} {
		birth, err := policy.ParseDate(x.birth)
		if err != nil {
			t.Fatal(err)
		}
		if got := Default().MajorityMonth(events.Word(x.country), birth); got != x.month {
			t.Errorf("%+v: %s", x, got)
		}
	}
}
