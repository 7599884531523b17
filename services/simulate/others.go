package simulate

import (
	"fmt"
	"time"
)

// recipients are registered first: nothing may go to a recipient that the office does not know.
func (s *scribe) recipients() {
	s.who, s.n, s.subject, s.begin = 0, 0, "", s.o.Start
	on := func(days int) string { return s.o.Start.AddDate(0, 0, days).Format("2006-01-02") }
	for _, r := range []struct{ id, name, country, kind, purposes, safeguard, more string }{
		{"parcel", "Parcel carrier", "JP", "entrusted", `"SVC-01","SVC-06"`, "domestic", `"tasks":["procurement","provision"]`},
		{"cards", "Card processor", "JP", "entrusted", `"SVC-01","SVC-02","SVC-09"`, "domestic", `"tasks":["provision"],"recallDays":14`},
		{"mailer", "Mail sending service", "US", "entrusted", `"DM-01","DM-02","SVC-03"`, "equivalent_system", `"tasks":["provision"],"categories":["pd:Name","pd:EmailAddress","pd:Language"]`},
		{"callcenter", "Call center outsourcer", "JP", "entrusted", `"SVC-08","CALL-01"`, "domestic", `"tasks":["provision"],"reentrusts":["A night shift in Okinawa"]`},
		{"travel", "Travel information partner", "TW", "third_party", `"SVC-05","ANON-02"`, "equivalent_system", `"address":"9 Minquan East Road, Taipei","representative":"Lin Mei-hua"`},
		{"analytics", "Analytics service", "SG", "entrusted", `"SVC-07","CK-02"`, "equivalent_system", `"tasks":["provision"]`},
	} {
		s.say(0, "/privacy/office", "recipient_registered", `{"recipient":%[1]q,"name":%[2]q,"country":%[3]q,"kinds":[%[4]q],"purposes":[%[5]s],`+
			`"contract":{"ref":"V-%[1]s","from":%[6]q},"safeguard":%[7]q,"reviewDue":%[8]q,"selection":{"on":%[9]q,"reasons":["ISO/IEC 27001 certificate seen","questionnaire answered"]},%[10]s}`,
			r.id, r.name, r.country, r.kind, r.purposes, on(0), r.safeguard, on(365), on(-20), r.more)
		s.say(300*day, "/privacy/office", "recipient_reviewed", `{"recipient":%q,"reviewDue":%q}`, r.id, on(300+365))
	}
}

var goods = []string{"Power bank", "SIM 10GB", "SIM 3GB", "Travel adapter", "eSIM Europe 7 days", "Router case"}

// sale writes a purchase. Two in three buyers are the rental customer before them, found out later.
func (s *scribe) sale(i int) {
	s.subject = fmt.Sprintf("sales:S-%06d", s.who)
	s.begin = s.begin.Add(day) // after the rental customer's first event, whatever the hour
	c, o := s.country(), fmt.Sprintf("O-%06d", s.who)
	born, guardian := s.birthdate(22, 78), ""
	if i%100 == 59 {
		born, guardian = s.birthdate(12, 17), fmt.Sprintf(`,"guardian":{"consent":"G-%06d","relation":"parent"}`, s.who)
	}
	s.say(0, "/sales/shop", "collected", `{"records":[{"key":"%[1]s/name","category":"pd:Name","value":%[2]q},{"key":"%[1]s/email","category":"pd:EmailAddress","value":%[3]q},`+
		`{"key":"%[1]s/address","category":"pd:PhysicalAddress","value":%[4]q},{"key":"%[1]s/card","category":"pd:PaymentCardNumber","value":"%[5]s"},`+
		`{"key":"%[1]s/bought","category":"pd:Purchase","value":%[6]q}],"purposes":[{"id":"SVC-01","basis":"contract"}],"matter":"%[1]s","operation":"sales",`+
		`"location":"sales-crm","channel":"web","transport":"tls","notice":{"policy":"2025-10","language":%[7]q},"person":{"kind":"customer","country":%[8]q,"birthdate":%[9]q}%[10]s}`,
		o, s.name(c), s.mail(c), s.address(c), s.card(), pick(s, goods), c.language, c.code, born, guardian)
	s.say(10*time.Minute, "/sales/shop", "transferred", `{"records":["%s/card"],"recipient":"cards","kind":"entrusted","purpose":"SVC-01","basis":"contract","country":"JP"}`, o)
	s.say(time.Hour, "/sales/shop", "transferred", `{"records":["%[1]s/name","%[1]s/address"],"recipient":"parcel","kind":"entrusted","purpose":"SVC-01","basis":"contract","country":"JP"}`, o)
	s.say(s.span(1, 12), "/sales/shop", "milestone_reached", `{"matter":%q,"milestone":"invoice.paid"}`, o)
	if s.chance(66) {
		linked := s.span(1, 10)
		self := s.subject
		s.subject = fmt.Sprintf("rental:C-%06d", s.who-1)
		s.say(linked, "/privacy/office", "identity_linked", `{"other":%q,"evidence":"same e-mail, confirmed by phone"}`, self)
		if s.chance(3) {
			s.say(linked+s.span(2, 9), "/privacy/office", "identity_unlinked", `{"other":%q,"evidence":"two people of one household"}`, self)
		}
	}
}

// visitor writes visits to the website. Browsing on is a deemed notice, never consent; who refuses is still counted once by
// a page that did not know, and that is refused.
func (s *scribe) visitor(i int) {
	s.subject = fmt.Sprintf("cookie:%016x%016x", s.rnd.Uint64(), s.rnd.Uint64())
	const www = "/web/www"
	c := s.country()
	basis := `{"id":"CK-01","basis":"legitimate_interest"}`
	if c.gdpr() {
		basis = `{"id":"CK-01","basis":"consent","consent":{"by":"self"}}`
	}
	visit := func(after time.Duration, n int) {
		s.say(after, www, "collected", `{"records":[{"key":"visit%[1]d/agent","category":"pd:UserAgent","value":%[2]q},{"key":"visit%[1]d/ip","category":"pd:IPAddress","value":"203.0.113.%[3]d"}],`+
			`"purposes":[%[4]s],"operation":"content","location":"web-analytics","channel":"cookie","transport":"tls",`+
			`"notice":{"policy":"2025-10","language":%[5]q},"person":{"kind":"visitor","country":%[6]q}}`,
			n, pick(s, agents), s.rnd.IntN(254)+1, basis, c.language, c.code)
	}
	s.say(0, www, "notice_shown", `{"notice":{"policy":"2025-10","language":%q},"deemed":true}`, c.language)
	visit(5*time.Second, 1)
	again := s.span(1, 20)
	if i%60 == 14 {
		s.say(30*time.Second, www, "tracking_refused", `{"channel":"cookie"}`)
		visit(again, 2)
		return
	}
	s.say(time.Minute, www, "used", `{"purpose":"CK-01","categories":["pd:UserAgent"],"by":"web-analytics"}`)
	if i%30 == 24 { // marketing would like to know who it was
		s.say(time.Hour, "/marketing/crm", "used", `{"purpose":"DM-02","categories":["pd:UserAgent"],"by":"marketing-crm"}`)
		// and tries a tool that nobody entered into the inventory
		s.say(2*time.Hour, www, "collected", `{"records":[{"key":"heat","category":"pd:BrowsingBehaviour","value":"pointer trail"}],"purposes":[%s],"operation":"content","location":"web-analytics",`+
			`"channel":"cookie","transport":"tls","tracker":"heat-map","notice":{"policy":"2025-10","language":%q},"person":{"kind":"visitor","country":%q}}`, basis, c.language, c.code)
	}
	for n := range s.rnd.IntN(4) {
		visit(again+time.Duration(n)*day, n+2)
	}
}

var jobs = []string{"Counter clerk, 3 years", "Network engineer, 6 years", "Customer support, 2 years", "Accountant, 9 years"}

func (s *scribe) applicant() {
	s.subject = fmt.Sprintf("applicant:A-%d", s.who)
	const hr = "/hr/recruiting"
	c := &atlas[0]
	s.say(0, hr, "collected", `{"records":[{"key":"cv/name","category":"pd:Name","value":%q},{"key":"cv/email","category":"pd:EmailAddress","value":%q},{"key":"cv/work","category":"pd:WorkHistory","value":%q}],`+
		`"purposes":[{"id":"HR-01","basis":"contract"}],"matter":"A-%d","operation":"hr","location":"hr-files","channel":"form",`+
		`"notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"applicant","country":"JP"}}`, s.name(c), s.mail(c), pick(s, jobs), s.who)
	s.say(s.span(2, 8), hr, "used", `{"purpose":"HR-01","categories":["pd:Name","pd:WorkHistory"],"by":"staff:h-%02d"}`, s.rnd.IntN(5)+1)
	decided := "application.rejected"
	if s.chance(15) {
		decided = "application.accepted"
	}
	s.say(s.span(9, 30), hr, "milestone_reached", `{"matter":"A-%d","milestone":%q}`, s.who, decided)
}

// entrusted writes a customer of a client, for whom the company is the processor.
func (s *scribe) entrusted() {
	s.subject = fmt.Sprintf("client-x:%d", s.who)
	c := s.country()
	s.say(0, "/entrusted/client-x", "collected", `{"records":[{"key":"n","category":"pd:Name","value":%q},{"key":"a","category":"pd:PhysicalAddress","value":%q}],"purposes":[{"id":"SP-01","basis":"contract"}],`+
		`"operation":"entrusted","location":"entrusted-db","channel":"form","role":"processor","client":"client-x",`+
		`"notice":{"policy":"2025-10","language":%q},"person":{"kind":"customer","country":%q}}`, s.name(c), s.address(c), c.language, c.code)
	if s.chance(50) {
		s.say(s.span(1, 6), "/entrusted/client-x", "used", `{"purpose":"SP-01","categories":["pd:Name"],"by":"entrusted-db"}`)
	}
}
