package intake

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/events"
)

// tell is one event of a story about rental:P: its type and data, and what is expected of it ("" is recorded; else rule and field).
type tell struct{ typ, data, rule, field string }

const (
	notice  = `"notice":{"policy":"2025-10","language":"ja"}`
	someone = `"person":{"kind":"customer","country":"JP"}`
)

// take is a collection: purposes, then key:category pairs.
func take(purposes, more string, records ...string) string {
	var rs []string
	for _, r := range records {
		key, category, _ := strings.Cut(r, "=")
		rs = append(rs, fmt.Sprintf(`{"key":%q,"category":%q,"value":"v of %s"}`, key, category, key))
	}
	return `{"records":[` + strings.Join(rs, ",") + `],"purposes":[` + purposes + `],"operation":"rental","location":"rental-db","channel":"counter",` + notice + more + `}`
}

const (
	rental  = `{"id":"SVC-01","basis":"contract"}`
	mailing = `{"id":"DM-02","basis":"consent","consent":{"by":"self"}}`
)

var basic = tell{"collected", take(rental+","+mailing, `,"matter":"K1",`+someone, "name=pd:Name", "email=pd:EmailAddress", "card=pd:PaymentCardNumber"), "", ""}

func transfer(records, to, kind, purpose, basis, country string) string {
	return `{"records":[` + records + `],"recipient":"` + to + `","kind":"` + kind + `","purpose":"` + purpose + `","basis":"` + basis + `","country":"` + country + `"}`
}

func TestRules(t *testing.T) {
	adult, minor := `,"person":{"kind":"customer","country":"JP","birthdate":"2006-10-01"}`, `,"person":{"kind":"customer","country":"JP","birthdate":"2006-10-02"}`
	guardian := `,"guardian":{"consent":"G-1"}`
	stories := map[string][]tell{
		"a purpose that is not one":             {{"collected", take(`{"id":"SVC-99","basis":"contract"}`, ","+someone, "n=pd:Name"), "unknown_purpose", "/data/purposes/0/id"}},
		"a category that no purpose needs":      {{"collected", take(rental, ","+someone, "n=pd:Name", "h=pd:Health"), "category_not_permitted", "/data/records/1/category"}},
		"the location is asked before the rest": {{"collected", strings.Replace(take(`{"id":"SVC-99","basis":"contract"}`, ","+someone, "n=pd:Nam"), "rental-db", "moon", 1), "unknown_location", "/data/location"}},
		"the 20th birthday is of age":           {{"collected", take(rental, adult, "n=pd:Name"), "", ""}},
		"a day before it is not":                {{"collected", take(rental, minor, "n=pd:Name"), "minor", "/data/guardian"}},
		"a guardian consents for a minor":       {{"collected", take(rental, minor+guardian, "n=pd:Name"), "", ""}},
		"consent is needed":                     {{"collected", take(`{"id":"DM-02","basis":"consent"}`, ","+someone, "n=pd:Name"), "consent_missing", "/data/purposes/0/consent"}},
		"consent given before serves": {
			{"consent_given", `{"purposes":["DM-02"],"by":"self",` + notice + `}`, "", ""},
			{"collected", take(`{"id":"DM-02","basis":"consent"}`, ","+someone, "n=pd:Name"), "", ""},
			{"consent_withdrawn", `{"purposes":["DM-02"],"by":"self"}`, "", ""},
			{"collected", take(`{"id":"DM-02","basis":"consent"}`, ","+someone, "m=pd:Name"), "consent_missing", "/data/purposes/0/consent"},
			{"transferred", transfer(`"n"`, "mailer", "entrusted", "DM-02", "consent", "US"), "purpose_not_bound", "/data/records/0"},
		},
		"browsing on is no consent": {
			{"notice_shown", `{` + notice + `,"deemed":true}`, "", ""},
			{"collected", take(`{"id":"DM-02","basis":"consent"}`, ","+someone, "n=pd:Name"), "consent_missing", "/data/purposes/0/consent"},
		},
		"cookies of the EEA take consent": {
			{"collected", strings.NewReplacer(`"counter"`, `"cookie","transport":"tls"`, `"JP"`, `"DE"`).Replace(take(`{"id":"CK-01","basis":"legitimate_interest"}`, ","+someone, "ip=pd:IPAddress")), "consent_missing", "/data/purposes/0/basis"},
		},
		"a refusal of tracking is heeded": {
			{"tracking_refused", `{"channel":"cookie"}`, "", ""},
			{"collected", strings.Replace(take(`{"id":"CK-01","basis":"legitimate_interest"}`, ","+someone, "ip=pd:IPAddress"), `"counter"`, `"cookie","transport":"tls"`, 1), "tracking_refused", "/data/channel"},
		},
		"nobody is known":          {{"milestone_reached", `{"matter":"K1","milestone":"invoice.paid"}`, "person_unknown", "/subject"}},
		"a key is taken":           {basic, {"collected", take(rental, ","+someone, "name=pd:Name"), "key_taken", "/data/records/0/key"}},
		"a key twice in one event": {{"collected", take(rental, ","+someone, "n=pd:Name", "n=pd:EmailAddress"), "key_taken", "/data/records/1/key"}},
		"a key is free once the record is gone": {
			basic,
			{"deleted", `{"records":["name"],"cause":"request"}`, "", ""},
			{"collected", take(rental, ","+someone, "name=pd:Name"), "", ""},
		},
		"selecting": {
			basic,
			{"copied", `{"records":["name","nothing"],"location":"marketing-crm"}`, "record_unknown", "/data/records/1"},
			{"copied", `{"matter":"K2","location":"marketing-crm"}`, "record_unknown", "/data/matter"},
			{"copied", `{"categories":["pd:Name"],"location":"marketing-crm"}`, "", ""},
			{"removed", `{"records":["email"],"location":"marketing-crm"}`, "record_unknown", "/data/records/0"},
			{"removed", `{"matter":"K1","location":"marketing-crm"}`, "", ""},
			{"removed", `{"matter":"K1","location":"marketing-crm"}`, "record_unknown", "/data/matter"},
			{"copied", `{"location":"marketing-crm"}`, "", ""}, // all that this source's segment brought
			{"copied", `{"categories":["pd:Shoe"],"location":"marketing-crm"}`, "unknown_category", "/data/categories/0"},
		},
		"handing over": {
			basic,
			{"transferred", transfer(`"card"`, "nobody", "entrusted", "SVC-01", "contract", "JP"), "unknown_recipient", "/data/recipient"},
			{"transferred", transfer(`"card"`, "cards", "entrusted", "SVC-01", "contract", "JP"), "", ""},
			{"transferred", transfer(`"card"`, "cards", "third_party", "SVC-01", "contract", "JP"), "consent_missing", "/data/basis"},
			{"transferred", transfer(`"card"`, "parcel", "entrusted", "SVC-09", "contract", "JP"), "purpose_not_bound", "/data/records/0"},
			{"transferred", transfer(`"email"`, "mailer", "entrusted", "DM-02", "consent", "JP"), "recipient_not_permitted", "/data/country"},
			{"transferred", transfer(`"email"`, "cards", "entrusted", "DM-02", "consent", "JP"), "recipient_not_permitted", "/data/recipient"},
			{"use_suspended", `{"records":["email"]}`, "", ""},
			{"transferred", transfer(`"email"`, "mailer", "entrusted", "DM-02", "consent", "US"), "suspended", "/data/records"},
			{"use_resumed", `{"records":["email"]}`, "", ""},
			{"transferred", transfer(`"email"`, "mailer", "entrusted", "DM-02", "consent", "US"), "", ""},
			{"purpose_ended", `{"matter":"K1","purpose":"DM-02","reason":"objected"}`, "", ""},
			{"transferred", transfer(`"email"`, "mailer", "entrusted", "DM-02", "consent", "US"), "purpose_not_bound", "/data/records/0"},
			{"purpose_ended", `{"matter":"K1","purpose":"DM-02","reason":"objected"}`, "purpose_not_bound", "/data/matter"},
			{"disposal_confirmed", `{"records":["name"],"recipient":"cards"}`, "record_unknown", "/data/records/0"},
			{"deleted", `{"records":["card"],"cause":"request"}`, "", ""},
			{"disposal_confirmed", `{"records":["card"],"recipient":"cards","certificate":"C-1"}`, "", ""}, // of what is gone here
			{"disposal_confirmed", `{"records":["card"],"recipient":"cards","certificate":"C-2"}`, "record_unknown", "/data/records/0"},
		},
		"holding": {
			basic,
			{"hold_placed", `{"case":"L-1","matter":"K1"}`, "", ""},
			{"deleted", `{"records":["name"],"cause":"retention"}`, "held", "/data/records"},
			{"deleted", `{"person":true,"cause":"request"}`, "held", "/data/person"},
			{"collected", take(rental, `,"matter":"K1",`+someone, "phone=pd:TelephoneNumber"), "", ""},
			{"deleted", `{"records":["phone"],"cause":"retention"}`, "held", "/data/records"}, // a later record of the matter
			{"hold_released", `{"case":"L-2"}`, "record_unknown", "/data/case"},
			{"hold_released", `{"case":"L-1"}`, "", ""},
			{"deleted", `{"person":true,"cause":"request"}`, "", ""},
		},
		"binding to another purpose": {
			basic,
			{"purpose_bound", `{"records":["card"],"purpose":"SVC-08","basis":"legitimate_interest"}`, "category_not_permitted", "/data/purpose"},
			{"purpose_bound", `{"records":["name"],"purpose":"SVC-08","basis":"legitimate_interest"}`, "", ""},
			{"purpose_bound", `{"records":["name"],"purpose":"DM-01","basis":"consent"}`, "consent_missing", "/data/consent"},
			{"purpose_bound", `{"records":["name"],"purpose":"DM-01","basis":"consent","consent":{"by":"self"}}`, "", ""},
		},
		"correcting": {
			basic,
			{"corrected", `{"record":"nothing","value":"x"}`, "record_unknown", "/data/record"},
			{"corrected", `{"record":"name","value":"x"}`, "", ""},
		},
		"linking to nobody": {basic, {"identity_linked", `{"other":"sales:nobody","evidence":"x"}`, "person_unknown", "/data/other"}},
		"what only the engine writes": {
			basic,
			{"keys_destroyed", `{"epoch":"e","final":true}`, "not_permitted", "/type"},
			{"milestone_reached", `{"milestone":"moon.landed"}`, "unknown_word", "/data/milestone"},
		},
	}
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			log := memlog.New()
			defer log.Close()
			g := testGateway(t, log, testVault(t))
			publish(t, g)
			for _, r := range []struct{ id, kind, purposes, country, safeguard string }{
				{"cards", "entrusted", `"SVC-01"`, "JP", "domestic"}, {"parcel", "entrusted", `"SVC-01"`, "JP", "domestic"}, {"mailer", "entrusted", `"DM-02"`, "US", "equivalent_system"},
			} {
				one(t, g, "/privacy/office", "", tell{"recipient_registered", `{"recipient":"` + r.id + `","name":"x","country":"` + r.country + `","kinds":["` + r.kind + `"],"purposes":[` + r.purposes + `],"safeguard":"` + r.safeguard + `"` + underContract + `}`, "", ""}, 0)
			}
			for i, s := range story {
				one(t, g, "/rental/web", "rental:P", s, i+1)
				if s.rule == "" { // the same again is recorded once
					if out := give(t, g, "/rental/web", "rental:P", s, i+1); s.typ != "deleted" && out.Status != contracts.StatusDuplicate {
						t.Errorf("step %d (%s) again: %s (%s)", i+1, s.typ, out.Status, out.Rule)
					}
				}
			}
		})
	}
}

func give(t *testing.T, g *Gateway, source, subject string, s tell, i int) contracts.Receipt {
	t.Helper()
	who := ""
	if subject != "" {
		who = `"subject":"` + subject + `",`
	}
	in := ReadStructured([]byte(fmt.Sprintf(`{"specversion":"1.0","id":"%s-%d-%d","source":%q,"type":"daicho.%s.v1",%s"time":"2026-10-01T00:00:%02dZ","data":%s}`, s.typ, i, len(s.data), source, s.typ, who, i, s.data)))
	out, err := g.Submit(context.Background(), admin, []Submission{in})
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

func one(t *testing.T, g *Gateway, source, subject string, s tell, i int) {
	t.Helper()
	out := give(t, g, source, subject, s, i)
	want := contracts.StatusRecorded
	if s.rule != "" {
		want = contracts.StatusRefused
	}
	if out.Status != want || out.Rule != s.rule && s.rule != "" || s.rule != "" && out.Field != s.field {
		t.Errorf("step %d (%s): %s by %q at %q (%s), want %q at %q", i, s.typ, out.Status, out.Rule, out.Field, out.Text, s.rule, s.field)
	}
}

// The law brings purposes with a rental: the identity record, and the books.
func TestBroughtPurposesAreBound(t *testing.T) {
	log := memlog.New()
	defer log.Close()
	g := testGateway(t, log, testVault(t))
	publish(t, g)
	one(t, g, "/rental/web", "rental:P", tell{"collected", take(rental, `,"matter":"K1",`+someone, "name=pd:Name", "passport=pd:Passport", "email=pd:EmailAddress"), "", ""}, 1)
	states, _ := folded(t, log)
	for _, s := range states {
		for key, want := range map[events.Word]string{"pd:Name": "ACC-01", "pd:Passport": "IDV-01", "pd:EmailAddress": ""} {
			for i := range s.Records {
				r := &s.Records[i]
				if r.Category != key {
					continue
				}
				brought := ""
				for _, b := range r.Bindings {
					if b.Brought {
						brought += string(b.Purpose)
					}
				}
				if brought != want {
					t.Errorf("%s: the law brings %q, want %q", key, brought, want)
				}
			}
		}
	}
}
