package intake

import (
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
)

// The rules, by the law that each is there to observe: what it forbids is refused, the answer names the rule and the place in that law; and
// what differs from it by nothing but that is recorded.
var (
	customer   = `{"kind":"customer","country":"JP"}`
	european   = `{"kind":"customer","country":"DE"}`
	entrustee  = `recipient_registered {"recipient":"v","name":"x","country":"JP","kinds":["entrusted"],"purposes":["SVC-01"],"safeguard":"domestic"` + underContract + `}`
	suggesting = takes{purposes: on("SVC-06", "legitimate_interest"), records: "name=pd:Name mail=pd:EmailAddress"}
)

// pack is a rule of a law: something refused by it, and the same without what it forbids.
type pack struct {
	law, rule string // "APPI 21", "notice_missing /data/notice"
	first     []string
	typ       string
	bad, good string
}

func (p pack) observed(t *testing.T) {
	t.Helper()
	w := newWorld(t)
	for _, f := range p.first {
		typ, data, _ := strings.Cut(f, " ")
		if typ == "recipient_registered" {
			w.as("/privacy/office", "").tells(typ, data)
			continue
		}
		w.tells(typ, data)
	}
	out := w.send(p.typ, p.bad)
	if out.Status != contracts.StatusRefused || out.Rule+" "+out.Field != p.rule {
		t.Fatalf("%s: %s by %q, not by %q (%s)", p.law, out.Status, out.Rule+" "+out.Field, p.rule, out.Text)
	}
	if !strings.Contains(out.Law, p.law) {
		t.Errorf("%s is said to come from %q", p.law, out.Law)
	}
	if p.good != "" {
		w.tells(p.typ, p.good)
	}
}

func with(c takes, change func(*takes)) string {
	change(&c)
	return c.String()
}

func TestS12_TheActOnTheProtectionOfPersonalInformation(t *testing.T) {
	whole := takes{}.String()
	for name, p := range map[string]pack{
		"a purpose that was never told":    {"APPI 17(1), 18(1)", "unknown_purpose /data/purposes/0/id", nil, "collected", with(takes{}, func(c *takes) { c.purposes = on("SVC-99", "contract") }), whole},
		"beyond what the purpose needs":    {"APPI 18(1)", "category_not_permitted /data/records/0/category", nil, "collected", with(takes{}, func(c *takes) { c.records = "x=pd:WorkHistory" }), whole},
		"without telling the purpose":      {"APPI 21", "notice_missing /data/notice", nil, "collected", strings.Replace(whole, notice+",", "", 1), whole},
		"unencrypted over the net":         {"APPI 23", "transport /data/transport", nil, "collected", with(takes{}, func(c *takes) { c.channel = "web" }), with(takes{}, func(c *takes) { c.channel, c.transport = "web", "tls" })},
		"to somebody who is not entrusted": {"APPI 25", "unknown_recipient /data/recipient", []string{"collected " + whole}, "transferred", transfer(`"name"`, "nobody", "entrusted", "SVC-01", "contract", "JP"), ""},
		"while its use is suspended": {"APPI 35", "suspended /data/records", []string{
			entrustee, "collected " + whole, `use_suspended {"records":["name"]}`}, "transferred", transfer(`"name"`, "v", "entrusted", "SVC-01", "contract", "JP"), ""},
	} {
		t.Run(name, func(t *testing.T) { p.observed(t) })
	}
}

func TestS13_TheCommissionsGuidelines(t *testing.T) {
	whole := takes{}.String()
	for name, p := range map[string]pack{
		"a child without a guardian":        {"Guideline 2-16", "minor /data/guardian", nil, "collected", born("JP", "2014-04-01", "").String(), born("JP", "2014-04-01", guarded).String()},
		"on a consent that was not given":   {"Guideline 2-16", "consent_missing /data/basis", []string{entrustee, "collected " + whole}, "transferred", transfer(`"name"`, "v", "entrusted", "SVC-01", "consent", "JP"), transfer(`"name"`, "v", "entrusted", "SVC-01", "contract", "JP")},
		"to whom it is not entrusted":       {"Guideline 3-4-4", "recipient_not_permitted /data/recipient", []string{entrustee, "collected " + whole}, "transferred", transfer(`"name"`, "v", "joint_use", "SVC-01", "contract", "JP"), transfer(`"name"`, "v", "entrusted", "SVC-01", "contract", "JP")},
		"deleted while a law's period runs": {"Guideline 3-4-1", "held /data/cause", []string{"collected " + whole}, "deleted", `{"records":["name"],"cause":"retention"}`, `{"records":["name"],"cause":"request"}`},
	} {
		t.Run(name, func(t *testing.T) { p.observed(t) })
	}
}

// Whom the GDPR protects, its rules protect: the same collection that may rest on the company's interest in Japan needs consent in Germany.
func TestS14_TheGDPROfThoseWhomItProtects(t *testing.T) {
	at := func(person, purposes string) string {
		return with(suggesting, func(c *takes) { c.person, c.purposes = person, purposes })
	}
	newWorld(t).tells("collected", at(customer, on("SVC-06", "legitimate_interest")))
	for name, p := range map[string]pack{
		"without the basis that it wants": {"GDPR 6(1)", "consent_missing /data/purposes/0/basis", nil, "collected", at(european, on("SVC-06", "legitimate_interest")), at(european, on("SVC-06", "consent"))},
		"a child of fifteen":              {"GDPR 8", "minor /data/guardian", nil, "collected", born("DE", "2011-02-01", "").String(), born("DE", "2011-02-01", guarded).String()},
	} {
		t.Run(name, func(t *testing.T) { p.observed(t) })
	}
}

// Other norms, of which the catalogue names the periods: the law behind a rule is a part of the policy's version, not of the program.
func TestS15_OtherNorms(t *testing.T) {
	for name, p := range map[string]pack{
		"a minor's contract":        {"Civil Code 5", "minor /data/guardian", nil, "collected", born("JP", "2012-04-01", "").String(), born("JP", "2012-04-01", guarded).String()},
		"a cookie that was refused": {"Telecommunications Business Act 27-12", "tracking_refused /data/channel", []string{`tracking_refused {"channel":"cookie"}`}, "collected", takes{purposes: on("CK-01", "legitimate_interest"), records: "ip=pd:IPAddress", operation: "content", location: "web-analytics", channel: "cookie", transport: "tls", person: `{"kind":"visitor","country":"JP"}`}.String(), ""},
	} {
		t.Run(name, func(t *testing.T) { p.observed(t) })
	}
}
