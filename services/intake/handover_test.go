package intake

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/events"
)

const underContract = `,"contract":{"ref":"V-0","from":"2025-10-01"}`

// vendor registers a recipient; more is put into its data. Whom work is entrusted to has a contract, unless more says of which days.
func vendor(t *testing.T, g *Gateway, id, kind, purposes, country, safeguard, more string, rule, field string) {
	t.Helper()
	if kind == "entrusted" && !strings.Contains(more, `"contract"`) {
		more += underContract
	}
	one(t, g, "/privacy/office", "", tell{"recipient_registered", `{"recipient":"` + id + `","name":"x","country":"` + country + `","kinds":["` + kind + `"],"purposes":[` + purposes + `],"safeguard":"` + safeguard + `"` + more + `}`, rule, field}, 0)
}

const linking = `{"id":"SVC-05","basis":"consent","consent":{"by":"self"}}`

// transfers are the recorded transfers, in the order of the log.
func transfers(t *testing.T, log contracts.Log) (all []*events.Transferred) {
	t.Helper()
	for batch, err := range log.Scan(context.Background(), 0, contracts.Filter{Kinds: []string{"person"}}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			f, err := events.Decode(&batch[i])
			if err != nil {
				t.Fatal(err)
			}
			if x, ok := f.(*events.Transferred); ok {
				all = append(all, x)
			}
		}
	}
	return all
}

// S63: work is given only to registered recipients under a contract that stands, for its purposes, and no more data than it covers.
func TestS63_OutsourcingOnlyUnderAContractAndOnlyWhatItCovers(t *testing.T) {
	log := memlog.New()
	defer log.Close()
	g := testGateway(t, log, testVault(t))
	publish(t, g)
	vendor(t, g, "narrow", "entrusted", `"SVC-01"`, "JP", "domestic", `,"categories":["pd:Name"],"contract":{"ref":"V-1","from":"2026-01-01"}`, "", "")
	vendor(t, g, "past", "entrusted", `"SVC-01"`, "JP", "domestic", `,"contract":{"ref":"V-2","from":"2026-01-01","to":"2026-09-30"}`, "", "")
	vendor(t, g, "today", "entrusted", `"SVC-01"`, "JP", "domestic", `,"contract":{"ref":"V-3","from":"2026-01-01","to":"2026-10-01"}`, "", "")
	vendor(t, g, "wrong", "entrusted", `"SVC-01"`, "JP", "domestic", `,"contract":{"ref":"V-4","from":"2026-01-01","to":"2025-10-01"}`, "schema", "/data/contract/to")
	vendor(t, g, "wrong", "entrusted", `"SVC-01"`, "JP", "domestic", `,"categories":["pd:Shoe"]`, "unknown_category", "/data/categories/0")
	vendor(t, g, "wrong", "entrusted", `"SVC-01"`, "JP", "domestic", `,"webhook":"http://vendor.example/"`, "schema", "/data/webhook")
	vendor(t, g, "fine", "entrusted", `"SVC-01"`, "JP", "domestic", `,"webhook":"https://vendor.example/hook"`, "", "")
	for i, s := range []tell{
		{"collected", take(rental, `,"matter":"K1",`+someone, "name=pd:Name", "email=pd:EmailAddress"), "", ""},
		{"transferred", transfer(`"name"`, "stranger", "entrusted", "SVC-01", "contract", "JP"), "unknown_recipient", "/data/recipient"},
		{"transferred", transfer(`"name"`, "narrow", "entrusted", "SVC-01", "contract", "JP"), "", ""},
		{"transferred", transfer(`"email"`, "narrow", "entrusted", "SVC-01", "contract", "JP"), "recipient_not_permitted", "/data/records"},
		{"transferred", transfer(`"name"`, "narrow", "third_party", "SVC-01", "legal_obligation", "JP"), "recipient_not_permitted", "/data/recipient"},
		{"transferred", transfer(`"name"`, "past", "entrusted", "SVC-01", "contract", "JP"), "recipient_not_permitted", "/data/recipient"},
		{"transferred", transfer(`"name"`, "today", "entrusted", "SVC-01", "contract", "JP"), "", ""}, // through the last day
	} {
		one(t, g, "/rental/web", "rental:P", s, i+1)
	}
	one(t, g, "/privacy/office", "", tell{"recipient_reviewed", `{"recipient":"narrow","categories":["pd:Name","pd:EmailAddress"],"reviewDue":"2027-10-01"}`, "", ""}, 20)
	one(t, g, "/rental/web", "rental:P", tell{"transferred", transfer(`"email"`, "narrow", "entrusted", "SVC-01", "contract", "JP"), "", ""}, 21)
	one(t, g, "/privacy/office", "", tell{"recipient_ended", `{"recipient":"narrow"}`, "", ""}, 22)
	one(t, g, "/rental/web", "rental:P", tell{"transferred", transfer(`"email"`, "narrow", "entrusted", "SVC-01", "contract", "JP"), "recipient_not_permitted", "/data/recipient"}, 23)
	for _, f := range transfers(t, log) {
		if f.Provision || f.Route != "domestic" {
			t.Errorf("an entrustment within the country is no provision (APPI 27(5)): %v by %q", f.Provision, f.Route)
		}
	}
}

// S9: provision to a third party needs consent, or an exception of the law; it leaves the record of APPI 29, and none where none is due.
func TestS9_ProvisionNeedsConsentAndLeavesItsRecord(t *testing.T) {
	log := memlog.New()
	defer log.Close()
	g := testGateway(t, log, testVault(t))
	publish(t, g)
	vendor(t, g, "travel", "third_party", `"SVC-05","SVC-01"`, "JP", "domestic", "", "", "")
	for i, s := range []tell{
		{"collected", take(rental+","+linking, `,"matter":"K1",`+someone, "trip=pd:TravelHistory"), "", ""},
		{"transferred", transfer(`"trip"`, "travel", "third_party", "SVC-01", "contract", "JP"), "consent_missing", "/data/basis"},
		{"transferred", transfer(`"trip"`, "travel", "third_party", "SVC-05", "consent", "JP"), "", ""},
		{"transferred", transfer(`"trip"`, "travel", "third_party", "SVC-01", "legal_obligation", "JP"), "", ""}, // 27(1)(1): no record is due
		{"consent_withdrawn", `{"purposes":["SVC-05"],"by":"self"}`, "", ""},
		{"transferred", transfer(`"trip"`, "travel", "third_party", "SVC-05", "consent", "JP"), "purpose_not_bound", "/data/records/0"},
	} {
		one(t, g, "/rental/web", "rental:P", s, i+1)
	}
	all := transfers(t, log)
	if len(all) != 2 || !all[0].Provision || all[1].Provision {
		t.Fatalf("of %d transfers, only the one on consent leaves a record of provision", len(all))
	}
	if len(all[0].Of) != 1 || all[0].Recipient != "travel" || all[0].Basis != "consent" {
		t.Errorf("the record: %+v", all[0])
	}
}

// Who is forgotten on request while a record of provision is to say whom it is about: the log says what that goes against (APPI 29(2)).
func TestS15_ForgettingWithinTheTimeOfARecordOfProvisionSaysSo(t *testing.T) {
	for name, x := range map[string]struct {
		provides bool
		years    int
		want     events.Word
	}{"never provided": {false, 0, ""}, "provided": {true, 0, "record_of_provision"}, "on the last day": {true, 3, "record_of_provision"}, "long ago": {true, 4, ""}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).as("/marketing/crm", "rental:P")
			w.as("/privacy/office", "").tells("recipient_registered", `{"recipient":"agency","name":"x","country":"JP","kinds":["third_party"],"purposes":["DM-01"],"safeguard":"domestic"}`)
			w.tells("collected", takes{purposes: on("DM-01", "consent"), records: "mail=pd:EmailAddress", location: "marketing-crm"}.String())
			if x.provides {
				w.tells("transferred", transfer(`"mail"`, "agency", "third_party", "DM-01", "consent", "JP"))
			}
			office := w.as("/privacy/office", "rental:P")
			office.g.now = func() time.Time { return w.at.AddDate(x.years, 0, 0) }
			office.tells("deleted", `{"person":true,"cause":"request"}`)
			f := facts[*events.Deleted](office)
			if got := slices.Contains(f[0].Early, "record_of_provision"); got != (x.want != "") {
				t.Errorf("said to go against %v", f[0].Early)
			}
		})
	}
}

// The routes of APPI 28, one after another, and the record where consent is the route.
func TestRoutesAbroad(t *testing.T) {
	for name, c := range map[string]struct {
		country, safeguard, purposes, basis string
		route                               events.Word
		provision                           bool
	}{
		"a designated country":          {"DE", "designated_country", rental, "contract", "designated_country", false},
		"the designated United Kingdom": {"GB", "consent", rental, "contract", "designated_country", false},
		"an equivalent system":          {"US", "equivalent_system", rental, "contract", "equivalent_system", false},
		"neither":                       {"US", "consent", rental, "contract", "", false},
		"an exception of 27(1)":         {"US", "consent", rental, "legal_obligation", "legal_obligation", false},
	} {
		t.Run(name, func(t *testing.T) {
			log := memlog.New()
			defer log.Close()
			g := testGateway(t, log, testVault(t))
			publish(t, g)
			vendor(t, g, "far", "entrusted", `"SVC-01"`, c.country, c.safeguard, "", "", "")
			one(t, g, "/rental/web", "rental:P", tell{"collected", take(c.purposes, ","+someone, "name=pd:Name"), "", ""}, 1)
			s := tell{"transferred", transfer(`"name"`, "far", "entrusted", "SVC-01", c.basis, c.country), "", ""}
			if c.route == "" {
				s.rule, s.field = "recipient_not_permitted", "/data/country"
			}
			one(t, g, "/rental/web", "rental:P", s, 2)
			if c.route == "" {
				// With consent it may go, and then even an entrustment leaves the record of provision.
				one(t, g, "/rental/web", "rental:P", tell{"consent_given", `{"purposes":["SVC-01"],"by":"self",` + notice + `}`, "", ""}, 3)
				s.rule, s.field = "", ""
				one(t, g, "/rental/web", "rental:P", s, 4)
				c.route, c.provision = "consent", true
			}
			all := transfers(t, log)
			if len(all) != 1 || all[0].Route != c.route || all[0].Provision != c.provision {
				t.Errorf("%d transfers, by %q, a provision: %v", len(all), all[0].Route, all[0].Provision)
			}
		})
	}
}

// What a recipient knows the data by is sealed, and goes when the last record that it was handed over with goes.
func TestTheRecipientsReferenceGoesWithTheRecords(t *testing.T) {
	log := memlog.New()
	defer log.Close()
	v := testVault(t)
	g := testGateway(t, log, v)
	publish(t, g)
	vendor(t, g, "parcel", "entrusted", `"SVC-01"`, "JP", "domestic", "", "", "")
	reference := strings.Replace(transfer(`"name","email"`, "parcel", "entrusted", "SVC-01", "contract", "JP"), `{`, `{"reference":"PC-4711",`, 1)
	one(t, g, "/rental/web", "rental:P", tell{"collected", take(rental, ","+someone, "name=pd:Name", "email=pd:EmailAddress"), "", ""}, 1)
	one(t, g, "/rental/web", "rental:P", tell{"transferred", reference, "", ""}, 2)
	one(t, g, "/privacy/office", "rental:P", tell{"deleted", `{"records":["name"],"cause":"request"}`, "", ""}, 3)
	n := transfers(t, log)[0].Reference.Ordinal()
	gone := func() bool {
		found := false
		for batch := range log.Scan(context.Background(), 0, contracts.Filter{Kinds: []string{"person"}}) {
			for i := range batch {
				if f, _ := events.Decode(&batch[i]); f != nil {
					if d, ok := f.(*events.Deleted); ok {
						for _, k := range d.Keys {
							found = found || k == n
						}
					}
				}
			}
		}
		return found
	}
	if gone() {
		t.Error("the reference goes although the e-mail is still there")
	}
	one(t, g, "/privacy/office", "rental:P", tell{"deleted", `{"records":["email"],"cause":"request"}`, "", ""}, 4)
	if !gone() {
		t.Error("the reference stays after the last record")
	}
}

// APPI 30: what a third party provides is taken with who provides it and how they came by it.
func TestReceivingNamesTheProvider(t *testing.T) {
	log := memlog.New()
	defer log.Close()
	g := testGateway(t, log, testVault(t))
	publish(t, g)
	vendor(t, g, "travel", "third_party", `"SVC-05"`, "JP", "domestic", "", "", "")
	one(t, g, "/rental/web", "rental:P", tell{"collected", take(rental, `,"received":{"from":"stranger","acquired":"from_person"},`+someone, "a=pd:Name"), "unknown_recipient", "/data/received/from"}, 1)
	one(t, g, "/rental/web", "rental:P", tell{"collected", take(rental, `,"received":{"from":"travel"},`+someone, "a=pd:Name"), "schema", "/data/received/acquired"}, 2)
	one(t, g, "/rental/web", "rental:P", tell{"collected", take(rental, `,"received":{"from":"travel","acquired":"from_person"},`+someone, "a=pd:Name"), "", ""}, 3)
}
