package simulate

import (
	"fmt"
	"time"
)

// governance is what the office does about its own handling of personal data in the year: management reviews in the cycles of the policy,
// and improvement actions, of which one is late, one is given up and one still open.
func (s *scribe) governance() {
	s.who, s.n, s.subject, s.begin = 0, 500, "", s.o.Start // ids apart from those of the recipients
	const office, clock = "/privacy/office", 2 * time.Hour // eleven in the morning in Tokyo
	on := func(days int) string { return s.o.Start.AddDate(0, 0, days).Format("2006-01-02") }
	at := func(days int) time.Duration { return time.Duration(days)*day + clock }
	name := func(prefix string, n int) string { return fmt.Sprintf("%s-%d-%d", prefix, s.o.Start.Year(), n) }
	review := func(days, n int, subjects, outcome, note string) {
		s.say(at(days), office, "review_held", `{"review":%q,"subjects":[%s],"by":"staff:o-01","outcome":%q,"note":%q}`, name("mr", n), subjects, outcome, note)
	}
	opened := func(days, n int, cause string, due int, note string) {
		s.say(at(days)+time.Hour, office, "improvement_opened", `{"improvement":%q,"cause":{%s},"by":"staff:o-02","due":%q,"note":%q}`, name("ia", n), cause, on(due), note)
	}
	completed := func(days, n int, evidence string) {
		s.say(at(days), office, "improvement_completed", `{"improvement":%q,"by":"staff:o-02","evidence":%q}`, name("ia", n), evidence)
	}
	from := func(n int) string { return fmt.Sprintf(`"kind":"review","id":%q`, name("mr", n)) }

	review(12, 1, `"technology","public","economy","law","system"`, "improve", "Call recordings are looked up more often than quality work explains.")
	opened(12, 1, from(1), 60, "Ask for a reason at every look at a recording.")
	completed(55, 1, "Release 14 of the call store; test report 3.")
	opened(90, 2, `"kind":"audit"`, 120, "Return counters keep paper forms longer than a week.")
	completed(126, 2, "Shredders at all three airports; photographs of 12 boxes.")
	s.say(at(140), office, "review_planned", `{"review":%q,"subjects":["law"],"by":"staff:o-01","reason":"law_changed","due":%q,"note":"Amended rules on leak reports."}`, name("mr", 2), on(185))
	review(180, 2, `"technology","public","law"`, "improve", "Leak reports: the night shift does not know the form.")
	opened(180, 3, from(2), 240, "Teach the night shift to report a leak.")
	completed(231, 3, "Attendance of 41 people; drill on the last day.")
	opened(250, 4, `"kind":"audit"`, 330, "Move the fax of the sales desk behind a door.")
	s.say(at(270), office, "improvement_dropped", `{"improvement":%q,"by":"staff:o-02","note":"The fax is given up altogether."}`, name("ia", 4))
	review(345, 3, `"technology","public","economy","law","system"`, "improve", "Passkeys would spare customers a password.")
	opened(345, 5, from(3), 420, "Offer passkeys in the customer account.")
}
