package simulate

import (
	"fmt"
	"time"
)

// What a person is, by number and not by dice: so every kind, and every mistake, shows among a few hundred people too.
const (
	rental = iota
	sales
	visitor
	applicant
	entrusted
)

func kindOf(i int) int {
	switch {
	case i%10 == 9:
		return sales
	case i%10 == 4:
		return visitor
	case i%50 == 7:
		return applicant
	case i%50 == 27:
		return entrusted
	}
	return rental
}

// linkable rental customers have no mistakes of their own: the sales customer after them may be linked to them.
func linkable(i int) bool { return i%10 == 8 }

// What goes wrong, or is rare, for a rental customer, again by number. None of these numbers ends as another kind's does.
const (
	every          = 120
	health         = 11
	unknownPurpose = 23
	unencrypted    = 36
	childAlone     = 41
	child          = 52
	twice          = 65
	held           = 71
	released       = 92
	childToo       = 105
)

// newcomer is a rental customer's data.
type newcomer struct {
	*country
	source string
	k      string // the contract; also the beginning of its record keys
	mail   string
	dm     bool // consented to mail at the counter
	trip   bool // consented to give the trip to the travel partner
	web    bool
	young  bool
}

var counters = []string{"/rental/haneda-t3", "/rental/narita-t1", "/rental/kansai-t1"}

func (s *scribe) rental(i int) {
	odd := i % every
	if linkable(i) {
		odd = -1
	}
	s.subject = fmt.Sprintf("rental:C-%06d", s.who)
	c := s.country()
	p := newcomer{country: c, k: fmt.Sprintf("K-%06d", s.who), mail: s.mail(c), dm: s.chance(40), trip: s.chance(9), web: s.chance(30)}
	p.source = pick(s, counters)
	if p.web || odd == unencrypted {
		p.source, p.web = "/rental/web", true
	}
	if odd == child || odd == childToo || odd == childAlone {
		p.young, p.dm, p.trip = true, false, false
	}
	dice := s.src
	s.rents(&p, odd)
	switch odd {
	case childAlone:
		return // nothing may follow
	case health, unknownPurpose, unencrypted:
		// The mistake is mended, and the same data sent again: the same dice.
		s.src = dice
		s.begin = s.begin.Add(20 * time.Minute)
		s.rents(&p, -1)
	}
	s.delivers(&p)
	s.markets(&p)
	if !p.young {
		s.beyond(i, &p)
	}
	if odd == held || odd == released {
		placed := s.span(6, 30)
		s.say(placed, "/legal/cases", "hold_placed", `{"case":"L-%06d","matter":%q}`, s.who, p.k)
		if odd == released {
			s.say(placed+s.span(20, 60), "/legal/cases", "hold_released", `{"case":"L-%06d","matter":%q}`, s.who, p.k)
		}
	}
}

// rents writes the collection.
func (s *scribe) rents(p *newcomer, odd int) {
	r := fmt.Appendf(nil, `{"key":"%[1]s/name","category":"pd:Name","value":%[2]q},{"key":"%[1]s/email","category":"pd:EmailAddress","value":%[3]q},`+
		`{"key":"%[1]s/phone","category":"pd:TelephoneNumber","value":%[4]q},{"key":"%[1]s/address","category":"pd:PhysicalAddress","value":%[5]q},`+
		`{"key":"%[1]s/card","category":"pd:PaymentCardNumber","value":"%[6]s"},{"key":"%[1]s/device","category":"ts:RentalDevice","value":"WF-%08[7]d"}`,
		p.k, s.name(p.country), p.mail, s.phone(p.country), s.address(p.country), s.card(), s.rnd.IntN(100_000_000))
	if p.code != "JP" {
		r = fmt.Appendf(r, `,{"key":"%s/passport","category":"pd:Passport","value":"%s"}`, p.k, s.passport())
	}
	if p.trip {
		r = fmt.Appendf(r, `,{"key":"%s/trip","category":"pd:TravelHistory","value":%q}`, p.k, pick(s, trips))
	}
	if odd == health {
		r = fmt.Appendf(r, `,{"key":"%s/note","category":"pd:Health","value":"wheelchair"}`, p.k)
	}
	purposes := `{"id":"SVC-01","basis":"contract"},{"id":"SVC-09","basis":"legitimate_interest"}`
	if p.dm {
		purposes += `,{"id":"DM-02","basis":"consent","consent":{"by":"self"}}`
	}
	if p.trip {
		purposes += `,{"id":"SVC-05","basis":"consent","consent":{"by":"self"}}`
	}
	if odd == unknownPurpose {
		purposes += `,{"id":"MKT-99","basis":"consent","consent":{"by":"self"}}`
	}
	channel := `"counter","transport":"internal"`
	switch {
	case odd == unencrypted:
		channel = `"web"`
	case p.web:
		channel = `"web","transport":"tls"`
	}
	born, guardian := s.birthdate(22, 78), ""
	switch odd {
	case child, childToo:
		born = s.birthdate(10, 16)
		guardian = fmt.Sprintf(`,"guardian":{"consent":"G-%06d","name":%q,"relation":"parent"}`, s.who, s.name(p.country))
	case childAlone:
		born = s.birthdate(10, 16)
	}
	write := func() {
		s.say(0, p.source, "collected", `{"records":[%s],"purposes":[%s],"matter":%q,"operation":"rental","location":"rental-db","channel":%s,`+
			`"notice":{"policy":"2025-10","language":%q},"person":{"kind":"customer","country":%q,"birthdate":%q}%s}`,
			r, purposes, p.k, channel, p.language, p.code, born, guardian)
	}
	write()
	if odd == twice {
		s.n-- // the same id again: an emitter that did not hear the answer
		write()
	}
}

var trips = words("Paris Honolulu Taipei Seoul Bangkok Singapore Osaka Sapporo Kyoto Okinawa Frankfurt")

// delivers writes what a rental is made of, from the payment to the end of the contract.
func (s *scribe) delivers(p *newcomer) {
	const minute = time.Minute
	s.say(10*minute, p.source, "transferred", `{"records":["%s/card"],"recipient":"cards","kind":"entrusted","purpose":"SVC-01","basis":"contract","country":"JP"}`, p.k)
	if p.web {
		s.say(12*minute, p.source, "transferred", `{"records":["%[1]s/name","%[1]s/address","%[1]s/phone"],"recipient":"parcel","kind":"entrusted","purpose":"SVC-01","basis":"contract","country":"JP"}`, p.k)
		if s.chance(70) {
			s.say(s.span(26, 32), "/vendors/parcel", "disposal_confirmed", `{"records":["%[1]s/name","%[1]s/address","%[1]s/phone"],"recipient":"parcel","certificate":"PC-%06[2]d"}`, p.k, s.who)
		}
	}
	if p.trip {
		s.say(15*minute, p.source, "transferred", `{"records":["%s/trip"],"recipient":"travel","kind":"third_party","purpose":"SVC-05","basis":"consent","country":"TW"}`, p.k)
	}
	for range s.rnd.IntN(4) {
		s.say(s.span(1, 20), "/rental/support", "used", `{"purpose":"SVC-01","categories":["pd:Name","pd:TelephoneNumber"],"by":"staff:s-%02d"}`, s.rnd.IntN(60)+1)
	}
	if s.chance(5) {
		s.say(s.span(1, 20), p.source, "corrected", `{"record":"%s/email","value":"new.%s"}`, p.k, p.mail)
	}
	if s.chance(11) {
		s.calls(p)
	}
	if s.chance(2) { // some never come back
		return
	}
	back := s.span(4, 21)
	s.say(back, p.source, "milestone_reached", `{"matter":%q,"milestone":"device.returned"}`, p.k)
	s.say(back+time.Hour, p.source, "milestone_reached", `{"matter":%q,"milestone":"contract.closed"}`, p.k)
	s.say(back+s.span(1, 14), "/rental/billing", "milestone_reached", `{"matter":%q,"milestone":"invoice.paid"}`, p.k)
}

// calls writes a call to the support and what follows.
func (s *scribe) calls(p *newcomer) {
	rung := s.span(1, 9)
	t := fmt.Sprintf("T-%06d", s.who)
	s.say(rung, "/callcenter/pbx", "collected", `{"records":[{"key":"%[1]s/text","category":"pd:Communication","value":%[2]q}],"purposes":[{"id":"SVC-08","basis":"legitimate_interest"}],`+
		`"matter":"%[1]s","operation":"rental","location":"call-store","channel":"phone","notice":{"policy":"2025-10","language":%[3]q},"person":{"kind":"customer","country":%[4]q}}`,
		t, pick(s, said[p.language]), p.language, p.code)
	if s.chance(60) {
		s.records(p, t, rung-20*time.Minute)
	}
	if s.chance(40) {
		s.say(rung+5*time.Minute, "/callcenter/pbx", "transferred", `{"records":["%s/text"],"recipient":"callcenter","kind":"entrusted","purpose":"SVC-08","basis":"legitimate_interest","country":"JP"}`, t)
	}
	if s.chance(50) {
		s.say(rung+time.Hour, "/callcenter/pbx", "used", `{"purpose":"SVC-08","categories":["pd:Communication"],"by":"staff:c-%02d"}`, s.rnd.IntN(20)+1)
	}
	s.say(rung+s.span(1, 5), "/callcenter/pbx", "milestone_reached", `{"matter":%q,"milestone":"case.closed"}`, t)
}

// markets writes what a consent to mail brings, until an objection ends it.
func (s *scribe) markets(p *newcomer) {
	const crm = "/marketing/crm"
	from := s.span(1, 6)
	switch {
	case p.dm:
	case !p.young && s.chance(4): // later, by the web form
		s.say(from, "/rental/web", "consent_given", `{"purposes":["DM-02"],"by":"self","notice":{"policy":"2025-10","language":%q},"evidence":"form %06d"}`, p.language, s.who)
		s.say(from+time.Minute, crm, "purpose_bound", `{"records":["%s/email"],"purpose":"DM-02","basis":"consent"}`, p.k)
	case s.chance(1): // sent to somebody who never agreed
		s.mails(p, from)
		return
	default:
		return
	}
	copied := s.chance(45)
	if copied {
		s.say(from+time.Hour, crm, "copied", `{"records":["%s/email"],"location":"marketing-crm"}`, p.k)
	}
	s.mails(p, from+2*time.Hour)
	until := from + s.span(3, 45)
	switch {
	case s.chance(12):
		s.say(until, crm, "purpose_ended", `{"records":["%s/email"],"purpose":"DM-02","reason":"objected"}`, p.k)
	case s.chance(6):
		s.say(until, "/rental/web", "consent_withdrawn", `{"purposes":["DM-02"],"by":"self"}`)
	default:
		if s.chance(30) {
			s.mails(p, until)
		}
		return
	}
	if copied {
		s.say(until+time.Hour, crm, "removed", `{"records":["%s/email"],"location":"marketing-crm"}`, p.k)
	}
	if s.chance(25) { // a list that was made before the objection
		s.mails(p, until+s.span(1, 8))
	}
}

func (s *scribe) mails(p *newcomer, at time.Duration) {
	s.say(at, "/marketing/crm", "transferred", `{"records":["%s/email"],"recipient":"mailer","kind":"entrusted","purpose":"DM-02","basis":"consent","country":"US"}`, p.k)
}
