package intake

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// Every value that is held says of whom it is, in which operation it was taken, of which class it is, what for and where it lies; what
// leaves one out is not taken.
func TestS1_NothingIsHeldUntagged(t *testing.T) {
	w := newWorld(t)
	complete := takes{}.String()
	for what, x := range map[string]struct{ cut, field string }{
		"the operation":    {`"operation":"rental",`, "/data/operation"},
		"the location":     {`"location":"rental-db",`, "/data/location"},
		"the channel":      {`"channel":"counter",`, "/data/channel"},
		"the class":        {`"category":"pd:Name",`, "/data/records/0/category"},
		"the key":          {`"key":"name",`, "/data/records/0/key"},
		"the purposes":     {`"purposes":[` + rental + `],`, "/data/purposes"},
		"the basis":        {`,"basis":"contract"`, "/data/purposes/0/basis"},
		"the person":       {`,"person":{"kind":"customer","country":"JP"}`, "/data/person/kind"},
		"whose kind":       {`"kind":"customer",`, "/data/person/kind"},
		"whose country":    {`,"country":"JP"`, "/data/person/country"},
		"what was shown":   {notice + ",", "/data/notice"},
		"a purpose at all": {rental, "/data/purposes"},
	} {
		cut := strings.Replace(complete, x.cut, "", 1)
		rule := "schema"
		if what == "what was shown" {
			rule = "notice_missing"
		}
		if cut == complete {
			t.Fatalf("%s: nothing was cut", what)
		}
		w.refused(rule+" "+x.field, "collected", strings.ReplaceAll(cut, ",,", ","))
	}
	nobody := w.as("/rental/web", "")
	nobody.refused("schema /subject", "collected", complete)
	w.refused("schema /data/operation", "collected", strings.Replace(complete, `"rental"`, `"hobby"`, 1))
	got := w.tells("collected", complete)
	r := w.state(got.Person).Records[0]
	if r.Operation != "rental" || r.Category != "pd:Name" || len(r.Bindings) == 0 || len(r.Locations) != 1 || r.Source != "/rental/web" {
		t.Errorf("a record is held as %+v", r)
	}
}

// What the law lets a person ask for can be done to what is held: it is shown (the look is recorded), corrected, suspended from use,
// kept from third parties, and erased, and each holds from then on.
func TestS2_TheRightsOfAPersonTakeEffect(t *testing.T) {
	w := newWorld(t)
	vendor(t, w.g, "travel", "third_party", `"SVC-05"`, "JP", "domestic", "", "", "")
	who := w.tells("collected", takes{purposes: rental + "," + linking, records: "name=pd:Name trip=pd:TravelHistory"}.String()).Person
	office := w.as("/privacy/office", "rental:P")

	before := w.state(who).Records[0].Value
	office.tells("corrected", `{"record":"name","value":"right","request":"rq-1"}`)
	if after := w.state(who).Records[0].Value; after == before {
		t.Error("a correction leaves the old value in its place")
	}
	w.uses("allowed", "SVC-01", "pd:Name")
	office.tells("use_suspended", `{"records":["name"],"request":"rq-2"}`)
	w.uses("suspended", "SVC-01", "pd:Name")
	office.tells("use_resumed", `{"records":["name"],"request":"rq-2"}`)
	w.uses("allowed", "SVC-01", "pd:Name")

	toPartner := transfer(`"trip"`, "travel", "third_party", "SVC-05", "consent", "JP")
	w.tells("transferred", toPartner)
	office.tells("provision_ceased", `{"records":["trip"],"request":"rq-3"}`)
	w.refused("suspended /data/records", "transferred", toPartner)
	w.uses("allowed", "SVC-05", "pd:TravelHistory") // provision has ceased, use has not

	office.tells("deleted", `{"records":["name"],"cause":"request","request":"rq-4"}`)
	w.uses("record_unknown", "SVC-01", "pd:Name")
	office.tells("deleted", `{"person":true,"cause":"request","request":"rq-5"}`)
	if s := w.state(who); s.Exists() {
		t.Error("a person who was erased is still known")
	}
}

// Data is acquired for the purposes of the policy and no others.
func TestS7_NothingIsAcquiredWithoutAPurpose(t *testing.T) {
	w := newWorld(t)
	w.refused("unknown_purpose /data/purposes/0/id", "collected", takes{purposes: on("SVC-99", "contract")}.String())
	w.refused("schema /data/purposes", "collected", takes{purposes: " "}.String())
	w.refused("unknown_purpose /data/purposes/1/id", "collected", takes{purposes: rental + "," + on("HOBBY", "consent")}.String())
	w.refused("purpose_not_bound /data/purposes/0/basis", "collected", takes{purposes: on("SVC-01", "legitimate_interest")}.String())
	if n := len(facts[*events.Collected](w)); n != 0 {
		t.Errorf("%d collections were recorded", n)
	}
}

// Every use names a purpose, gets one answer at once, and leaves it in the log: allowed or not.
func TestS8_EveryUseIsAnsweredAndRecorded(t *testing.T) {
	w := newWorld(t)
	w.tells("collected", takes{records: "name=pd:Name email=pd:EmailAddress"}.String())
	w.uses("allowed", "SVC-01", "pd:Name", "pd:EmailAddress")
	w.uses("purpose_not_bound", "DM-02", "pd:EmailAddress")
	w.uses("record_unknown", "SVC-01", "pd:Passport")
	w.uses("unknown_purpose", "SVC-99", "pd:Name")
	w.tells("purpose_ended", `{"records":["email"],"purpose":"SVC-01","reason":"completed"}`)
	w.uses("purpose_not_bound", "SVC-01", "pd:EmailAddress")
	uses, refused := facts[*events.Used](w), facts[*events.Refused](w)
	answers := ""
	for _, u := range uses {
		answers += fmt.Sprintf("%t %s %d;", u.Allowed, u.Rule, len(u.Of))
	}
	if answers != "true  2;false purpose_not_bound 0;false record_unknown 0;false purpose_not_bound 0;" || len(refused) != 1 || refused[0].Rule != "unknown_purpose" {
		t.Errorf("the log has %q and %d refusals", answers, len(refused))
	}
}

// What a purpose needed under one policy and no longer needs under the next is not used for it any more.
func TestS8_AUseIsJudgedByThePolicyInForce(t *testing.T) {
	w := newWorld(t)
	w.tells("collected", takes{records: "name=pd:Name phone=pd:TelephoneNumber"}.String())
	w.uses("allowed", "SVC-01", "pd:TelephoneNumber")
	w.needsNoTelephone()
	w.uses("category_not_permitted", "SVC-01", "pd:TelephoneNumber")
	w.uses("allowed", "SVC-01", "pd:Name")
}

// Deny by default: of every purpose and every category, what the catalogue does not pair is refused, and what it pairs is taken.
func TestS10_EveryPurposeTakesItsCategoriesAndNoOthers(t *testing.T) {
	w := newWorld(t)
	c := policies.Default()
	var all []Submission
	var want []string
	for i := range c.Purposes {
		p := &c.Purposes[i]
		for _, k := range c.Categories {
			x, expected := pair(c, p, k)
			y := w.as(x.source, fmt.Sprintf("%s:%s-%d", x.scheme, p.ID, len(all)))
			all, want = append(all, y.submission("collected", x.String())), append(want, expected)
		}
	}
	out, err := w.g.Submit(context.Background(), admin, all)
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for i, r := range out {
		if r.Rule != want[i] {
			t.Errorf("%s: %s %q at %s (%s), want %q", all[i].Data, r.Status, r.Rule, r.Field, r.Text, want[i])
		}
		if r.Status == contracts.StatusRecorded {
			taken++
		}
	}
	if taken < 150 || len(out)-taken < 500 {
		t.Errorf("of %d pairs %d are taken: too few either way to tell", len(out), taken)
	}
}

// collection is a collection and where it comes from.
type collection struct {
	takes
	source, scheme string
}

// pair is a collection of one category for one purpose that meets every other rule, and the rule that refuses it.
func pair(c *policy.Catalogue, p *policy.Purpose, k policy.Category) (x collection, rule string) {
	x = collection{takes{records: "r=" + string(k.ID)}, "/rental/web", "rental"}
	basis := p.Bases["default"][0]
	if k.Special && slices.Contains(p.Bases["default"], "consent") {
		basis = "consent"
	}
	x.purposes = on(string(p.ID), string(basis))
	switch {
	case p.Role == "processor":
		x.operation, x.location, x.more, x.source, x.scheme = "entrusted", "entrusted-db", client, "/entrusted/client-x", "client-x"
	case slices.Contains([]events.Word{"HR-01", "HR-01b", "SPI-01"}, p.ID):
		x.operation, x.location, x.person, x.source, x.scheme = "hr", "hr-files", staff, "/hr/payroll", "employee"
	}
	switch {
	case k.Announced && p.Role != "processor":
		rule = "notice_missing" // nobody announced the recording
	case !p.Permits(k.ID) || k.ID == "ts:MyNumber" && p.ID != "SPI-01":
		rule = "category_not_permitted"
	case k.Observed && p.Role != "processor":
		rule = "category_not_permitted" // no tracker observes at a counter
	}
	return x, rule
}

// Transaction data is personal data of the person it is about: it stands in their record, is corrected and erased with it.
func TestS32_TransactionsAreThePersonsData(t *testing.T) {
	w := newWorld(t)
	who := w.as("/sales/shop", "sales:S").tells("collected", takes{operation: "sales", location: "sales-crm", more: `,"matter":"O-1"`,
		records: "name=pd:Name buy=pd:Purchase pay=pd:Transaction trip=pd:TravelHistory dev=ts:RentalDevice"}.String()).Person
	x := w.as("/privacy/office", "sales:S")
	for _, key := range []string{"buy", "pay", "trip", "dev"} {
		x.tells("corrected", fmt.Sprintf(`{"record":%q,"value":"right"}`, key))
		x.tells("deleted", fmt.Sprintf(`{"records":[%q],"cause":"request"}`, key))
	}
	for _, r := range w.state(who).Records {
		if r.Live() != (r.Category == "pd:Name") {
			t.Errorf("%s: live %t", r.Category, r.Live())
		}
	}
}

// Each bullet of the policy's table is a purpose: data is taken for it on its bases, used for it, not used for another, and its end ends
// the use. S35: for a customer there is no other.
func TestS35_S36_S37_S38_S39_S40_S41_S42_S43_S44_S45_S46_S47_S48_EachPurposeIsItsOwn(t *testing.T) {
	c := policies.Default()
	for sentence, x := range map[string]struct {
		id       events.Word
		category string
	}{
		"S36": {"SVC-01", "ts:RentalDevice"}, "S37": {"SVC-02", "pd:Username"}, "S38": {"SVC-03", "pd:Preference"}, "S39": {"SVC-04", "pd:Interest"},
		"S40": {"SVC-05", "pd:TravelHistory"}, "S41": {"SVC-06", "pd:Opinion"}, "S42": {"SVC-07", "pd:ServiceConsumptionBehaviour"}, "S43": {"SVC-08", "pd:Communication"},
		"S44": {"SVC-09", "pd:CreditRecord"}, "S45": {"DM-01", "pd:EmailAddress"}, "S46": {"DM-02", "pd:EmailAddress"}, "S47": {"HR-01", "pd:WorkHistory"}, "S48": {"SP-01", "pd:Name"},
	} {
		t.Run(sentence+"_"+string(x.id), func(t *testing.T) {
			w := newWorld(t)
			p := c.Purpose(x.id)
			if p == nil || p.Group == "" || p.Text.In("en") == "" || p.Text.In("ja") == "" {
				t.Fatalf("%s is no purpose of the published table", x.id)
			}
			one, _ := pair(c, p, policy.Category{ID: events.Word(x.category)})
			if !p.Permits(events.Word(x.category)) {
				t.Fatalf("%s does not permit %s", x.id, x.category)
			}
			y := w.as(one.source, one.scheme+":X")
			y.tells("collected", one.String())
			y.uses("allowed", string(x.id), x.category)
			for i := range c.Purposes {
				if other := &c.Purposes[i]; other.ID != x.id && other.Group != "" {
					y.uses("purpose_not_bound", string(other.ID), x.category)
				}
			}
			y.tells("purpose_ended", fmt.Sprintf(`{"records":["r"],"purpose":%q,"reason":"completed"}`, x.id))
			y.uses("purpose_not_bound", string(x.id), x.category)
		})
	}
	n := 0
	for i := range c.Purposes {
		if c.Purposes[i].Group != "" {
			n++
		}
	}
	if n != 14 { // thirteen bullets, of which that of recruiting and personnel is two purposes
		t.Errorf("the table has %d purposes", n)
	}
}

// Browsing on is an acknowledgement of the notice, and no consent: nothing that takes consent rests on it.
func TestS56_BrowsingOnIsNoConsent(t *testing.T) {
	w := newWorld(t).as("/web/www", "cookie:abc")
	got := w.tells("notice_shown", `{`+notice+`,"deemed":true}`)
	visit := takes{purposes: `{"id":"CK-02","basis":"consent"}`, records: "ip=pd:IPAddress", operation: "content", location: "web-analytics", channel: "cookie", transport: "tls", person: `{"kind":"visitor","country":"JP"}`}
	w.refused("consent_missing /data/purposes/0/consent", "collected", visit.String())
	europe := visit
	europe.purposes, europe.person = `{"id":"CK-01","basis":"legitimate_interest"}`, `{"kind":"visitor","country":"FR"}`
	w.refused("consent_missing /data/purposes/0/basis", "collected", europe.String())
	if s := w.state(got.Person); len(s.Consents) != 0 {
		t.Errorf("the acknowledgement counts as consent: %+v", s.Consents)
	}
	if f := facts[*events.NoticeShown](w); len(f) != 1 || !f[0].Deemed {
		t.Errorf("the acknowledgement is not recorded as deemed: %+v", f)
	}
	w.tells("consent_given", `{"purposes":["CK-02"],"by":"self",`+notice+`}`) // a click is
	w.tells("collected", visit.String())
}

// A refusal of tracking holds: for that channel and that browser, from then on, and nothing of what comes is kept.
func TestS57_ARefusalOfTrackingHolds(t *testing.T) {
	w := newWorld(t).as("/web/www", "cookie:abc")
	visit := takes{purposes: `{"id":"CK-01","basis":"legitimate_interest"}`, records: "ip=pd:IPAddress", operation: "content", location: "web-analytics", channel: "cookie", transport: "tls", person: `{"kind":"visitor","country":"JP"}`}
	w.tells("tracking_refused", `{"channel":"cookie"}`)
	for range 3 {
		w.refused("tracking_refused /data/channel", "collected", visit.String())
	}
	mail := visit
	mail.channel = "web"
	w.tells("collected", mail.String()) // that channel only
	w.as("/web/www", "cookie:xyz").tells("collected", visit.String())
	kept, err := w.g.vault.Quarantined(t.Context(), 10, true)
	if err != nil || len(kept) != 0 {
		t.Errorf("%d refused visits are kept (%v)", len(kept), err)
	}
}

// What comes from a customer's browser, application or cookie has come encrypted, or is not taken.
func TestS62_NothingComesUnencrypted(t *testing.T) {
	w := newWorld(t)
	for _, channel := range []string{"web", "app", "cookie"} {
		for _, transport := range []string{"", "internal", "paper"} {
			w.refused("transport /data/transport", "collected", takes{channel: channel, transport: transport}.String())
		}
		fits := takes{channel: channel, transport: "tls"}
		if channel == "cookie" {
			fits.purposes, fits.records = on("CK-01", "legitimate_interest"), "ip=pd:IPAddress" // what the inventory has a cookie for
		}
		w.as("/rental/web", "rental:"+channel).tells("collected", fits.String())
	}
	w.tells("collected", takes{channel: "counter"}.String())
	kept, err := w.g.vault.Quarantined(t.Context(), 10, true)
	if err != nil || len(kept) != 0 {
		t.Errorf("%d unencrypted submissions are kept (%v)", len(kept), err)
	}
}
