package breach

import (
	"strconv"

	"github.com/daicho-dev/daicho/contracts"
)

// duties are what the law asks for after a leak of this extent. Due counts from the moment of knowing; the incident desk turns it
// into a day. Whether an attacker had an improper purpose (Rule 7(3): 60 days) is not for the register to say.
func duties(i *contracts.Impact, gdpr int) []contracts.Duty {
	out := []contracts.Duty{}
	appi := func(rule, because string) {
		out = append(out, contracts.Duty{Regime: "APPI", Rule: rule, Because: because, Due: "preliminary report in 3 to 5 days, final report on day 30 (the day of knowing is day 1)"})
	}
	if i.Special > 0 {
		appi("Art. 26(1), Rules 7(1)", strconv.Itoa(i.Special)+" records of special care-required categories")
	}
	if i.Finance > 0 {
		appi("Art. 26(1), Rules 7(2)", strconv.Itoa(i.Finance)+" records whose misuse may cost money")
	}
	if i.People.Total > 1000 {
		appi("Art. 26(1), Rules 7(4)", strconv.Itoa(i.People.Total)+" people, more than 1,000")
	}
	if len(out) > 0 {
		out = append(out, contracts.Duty{Regime: "APPI", Rule: "Art. 26(2), Rules 10", Because: "a reportable leak", Due: "notice to the people concerned, promptly according to the situation"})
	}
	if gdpr > 0 {
		out = append(out, contracts.Duty{Regime: "GDPR", Rule: "Art. 33(1)", Because: strconv.Itoa(gdpr) + " people of the EEA or Great Britain", Due: "72 hours from becoming aware"})
		if i.Special > 0 || i.Finance > 0 {
			out = append(out, contracts.Duty{Regime: "GDPR", Rule: "Art. 34", Because: "a high risk to people of the EEA or Great Britain is likely", Due: "notice to the people concerned, without undue delay"})
		}
	}
	for _, c := range i.Clients {
		out = append(out, contracts.Duty{Regime: "APPI", Rule: "Art. 26(1) proviso", Because: strconv.Itoa(c.Records) + " records entrusted by " + string(c.Client), Due: "tell the client in 3 to 5 days; it stands in the place of the company's own report and notice"})
		if gdpr > 0 {
			out = append(out, contracts.Duty{Regime: "GDPR", Rule: "Art. 33(2)", Because: "the company is the processor for " + string(c.Client), Due: "tell the controller without undue delay"})
		}
	}
	return out
}
