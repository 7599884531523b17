package simulate

import "time"

// What a rental customer lets their data serve beyond the rental, by number: so each purpose of the policy's table shows among a few
// hundred people too.
const (
	content  = 1 // an account of the digital content service, and how it is used
	products = 2 // mail about products
	interest = 3 // advertising by interests
	survey   = 5 // a questionnaire with a prize
	seminars = 6 // invitations
)

// beyond writes what else a customer of age agreed to, after the rental began.
func (s *scribe) beyond(i int, p *newcomer) {
	from := s.span(1, 20)
	switch i % 10 {
	case content:
		s.account(p, from)
	case products:
		s.agrees(p, "SVC-03", from)
	case interest:
		s.takes(p, from, "interests", `{"key":"%[1]s/interests","category":"pd:Interest","value":%[2]q}`, pick(s, interests), `{"id":"SVC-04","basis":"consent","consent":{"by":"self"}}`)
		if s.chance(20) {
			s.say(from+s.span(5, 60), "/rental/web", "consent_withdrawn", `{"purposes":["SVC-04"],"by":"self"}`)
		}
	case survey:
		s.takes(p, from, "survey", `{"key":"%[1]s/opinion","category":"pd:Opinion","value":%[2]q}`, pick(s, said[p.language]), `{"id":"SVC-06","basis":"consent","consent":{"by":"self"}}`)
		s.say(from+30*day, "/marketing/crm", "milestone_reached", `{"matter":"%s/survey","milestone":"survey.closed"}`, p.k)
		s.say(from+45*day, "/marketing/crm", "milestone_reached", `{"matter":"%s/survey","milestone":"prize.sent"}`, p.k)
	case seminars:
		s.agrees(p, "DM-01", from)
	}
}

var interests = words("hiking cooking museums football onsen railways photography diving")

// takes writes one record more, from a page of the web, under a matter of its own.
func (s *scribe) takes(p *newcomer, at time.Duration, matter, record, value, purposes string) {
	s.say(at, "/rental/web", "collected", `{"records":[`+record+`],"purposes":[`+purposes+`],"matter":"%[1]s/%[3]s","operation":"rental","location":"marketing-crm",`+
		`"channel":"web","transport":"tls","notice":{"policy":"2025-10","language":%[4]q},"person":{"kind":"customer","country":%[5]q}}`, p.k, value, matter, p.language, p.code)
}

// agrees writes a consent that came later, what it binds, and a mail that it allows.
func (s *scribe) agrees(p *newcomer, purpose string, at time.Duration) {
	s.say(at, "/rental/web", "consent_given", `{"purposes":[%q],"by":"self","notice":{"policy":"2025-10","language":%q},"evidence":"form %06d"}`, purpose, p.language, s.who)
	s.say(at+time.Minute, "/marketing/crm", "purpose_bound", `{"records":["%s/name","%s/email"],"purpose":%q,"basis":"consent"}`, p.k, p.k, purpose)
	s.say(at+s.span(1, 20), "/marketing/crm", "transferred", `{"records":["%s/email"],"recipient":"mailer","kind":"entrusted","purpose":%q,"basis":"consent","country":"US"}`, p.k, purpose)
}

// account writes an account of the content service: what it takes, how it is used, what is analysed of that, and its end.
func (s *scribe) account(p *newcomer, at time.Duration) {
	s.say(at, "/rental/web", "collected", `{"records":[{"key":"%[1]s/user","category":"pd:Username","value":"traveller%06[2]d"}],"purposes":[{"id":"SVC-02","basis":"contract"}],"matter":"%[1]s/account",`+
		`"operation":"content","location":"content-app","channel":"web","transport":"tls","notice":{"policy":"2025-10","language":%[3]q},"person":{"kind":"customer","country":%[4]q}}`, p.k, s.who, p.language, p.code)
	s.say(at+day, "/rental/web", "collected", `{"records":[{"key":"%[1]s/usage","category":"pd:ServiceConsumptionBehaviour","value":"%[2]d MB"}],"purposes":[{"id":"SVC-02","basis":"contract"},{"id":"SVC-07","basis":"legitimate_interest"}],"matter":"%[1]s/account",`+
		`"operation":"content","location":"content-app","channel":"app","transport":"tls","notice":{"policy":"2025-10","language":%[3]q},"person":{"kind":"customer","country":%[4]q}}`, p.k, s.rnd.IntN(9_000), p.language, p.code)
	s.say(at+2*day, "/rental/support", "used", `{"purpose":"SVC-07","categories":["pd:ServiceConsumptionBehaviour"],"by":"content-app"}`)
	if s.chance(40) {
		s.say(at+s.span(10, 120), "/rental/web", "milestone_reached", `{"matter":"%s/account","milestone":"account.closed"}`, p.k)
	}
}

// records writes a telephone call that is recorded: announced before it begins, but for the one system that forgot.
func (s *scribe) records(p *newcomer, call string, rung time.Duration) {
	if s.who%17 != 0 {
		s.say(rung-time.Minute, "/callcenter/pbx", "notice_shown", `{"notice":{"policy":"2025-10","language":%q},"channel":"phone","matter":%q}`, p.language, call)
	}
	s.say(rung, "/callcenter/pbx", "collected", `{"records":[{"key":"%[1]s/voice","category":"pd:VoiceCommunicationRecording","value":"recorder 3, reel %06[2]d"}],"purposes":[{"id":"CALL-01","basis":"legitimate_interest"}],`+
		`"matter":"%[1]s","operation":"rental","location":"call-store","channel":"phone","notice":{"policy":"2025-10","language":%[3]q},"person":{"kind":"customer","country":%[4]q}}`, call, s.who, p.language, p.code)
	if s.chance(70) {
		s.say(rung+s.span(1, 9), "/callcenter/pbx", "used", `{"purpose":"CALL-01","categories":["pd:VoiceCommunicationRecording"],"by":"call-store","reason":%q}`, []string{"quality", "reference"}[s.rnd.IntN(2)])
	}
}
