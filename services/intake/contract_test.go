package intake

import (
	"fmt"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// moment is the world at a moment of its own; each test gives every moment once.
func (w *world) moment(at string) *world {
	w.n += 10
	return w.on(at)
}

func (w *world) registers(typ, id, more string) {
	w.t.Helper()
	w.as("/privacy/office", "").tells(typ, fmt.Sprintf(`{"recipient":%q%s}`, id, more))
}

// Nothing is handed over before the first day of a contract, nor after its last, in the company's zone; and nothing is entrusted to whom no
// contract is on file with (APPI 25).
func TestS63_AContractCoversItsDaysAndNoOthers(t *testing.T) {
	w := newWorld(t)
	register := func(id, kind, more string) {
		t.Helper()
		w.n++
		w.registers("recipient_registered", id, fmt.Sprintf(`,"name":"x","country":"JP","kinds":[%q],"purposes":["SVC-01","SVC-05"],"safeguard":"domestic"%s`, kind, more))
	}
	contract := func(ref, from, to string) string {
		if to != "" {
			to = fmt.Sprintf(`,"to":%q`, to)
		}
		return fmt.Sprintf(`,"contract":{"ref":%q,"from":%q%s}`, ref, from, to)
	}
	register("parcel", "entrusted", contract("V-1", "2026-04-01", "2026-09-30"))
	register("travel", "third_party", contract("V-2", "2026-04-01", ""))
	register("cards", "entrusted", "")
	register("mailer", "third_party", "")
	w.tells("collected", takes{purposes: rental + "," + linking, records: "name=pd:Name trip=pd:TravelHistory"}.String())
	entrust := func(to string) string { return transfer(`"name"`, to, "entrusted", "SVC-01", "contract", "JP") }
	provide := func(to string) string { return transfer(`"trip"`, to, "third_party", "SVC-05", "consent", "JP") }
	const no = "recipient_not_permitted /data/recipient"

	w.moment("2026-03-31T14:59:50Z").refused(no, "transferred", entrust("parcel")) // 31 March in Tokyo
	w.moment("2026-03-31T15:00:00Z").tells("transferred", entrust("parcel"))       // 1 April
	w.moment("2026-09-30T14:59:50Z").tells("transferred", entrust("parcel"))
	w.moment("2026-09-30T15:00:00Z").refused(no, "transferred", entrust("parcel"))
	w.moment("2026-03-31T14:59:50Z").refused(no, "transferred", provide("travel"))
	w.moment("2026-03-31T15:00:00Z").tells("transferred", provide("travel"))
	w.moment("2026-10-02T03:00:00Z").refused(no, "transferred", entrust("cards")) // no contract: entrusting needs one,
	w.moment("2026-10-02T03:00:00Z").tells("transferred", provide("mailer"))      // and provision the person's consent

	// A renewal filed before it begins ends nothing, and one that has begun leaves the days before it to the contract before.
	w.registers("recipient_reviewed", "travel", contract("V-3", "2026-11-01", ""))
	w.moment("2026-10-31T14:59:50Z").tells("transferred", provide("travel"))
	w.moment("2026-10-31T15:00:00Z").tells("transferred", provide("travel"))
	w.moment("2026-03-31T14:59:51Z").refused(no, "transferred", provide("travel"))
	// What is filed under the same reference is the contract as it reads now.
	w.registers("recipient_reviewed", "parcel", contract("V-1", "2026-05-01", ""))
	w.moment("2026-04-30T14:59:50Z").refused(no, "transferred", entrust("parcel"))
	w.moment("2026-09-30T15:00:01Z").tells("transferred", entrust("parcel"))
	w.registers("recipient_reviewed", "cards", contract("V-4", "2026-10-02", ""))
	w.moment("2026-10-02T03:00:01Z").tells("transferred", entrust("cards"))
	// Of two that begin on one day, the one filed last is in force.
	w.registers("recipient_reviewed", "cards", contract("V-5", "2026-10-02", "2026-10-31"))
	w.moment("2026-11-01T03:00:00Z").refused(no, "transferred", entrust("cards"))
	w.registers("recipient_reviewed", "cards", contract("V-6", "2026-12-01", ""))
	org := w.g.Organisation()
	for day, want := range map[string]events.Word{"2026-10-01": "contract_not_begun", "2026-10-02": "", "2026-10-31": "", "2026-11-01": "contract_not_begun", "2026-12-01": ""} {
		on, err := policy.ParseDate(day)
		if err != nil {
			t.Fatal(err)
		}
		var got events.Word
		for _, f := range org.Recipients["cards"].Findings(org.Policy, on) {
			if strings.HasPrefix(string(f), "contract_") {
				got = f
			}
		}
		if got != want {
			t.Errorf("on %s the finding is %q, want %q", day, got, want)
		}
	}
}

// That a law lets data go without consent and without a record (APPI 27(1), 28(1), 29(1) proviso) is found by an office, or told by a token
// made for it; an emitter's word is not enough.
func TestS9_NoProvisionOnAnEmittersWordThatALawAsksForIt(t *testing.T) {
	w := newWorld(t)
	for i, x := range []struct{ id, kind, country, safeguard string }{
		{"travel", "third_party", "JP", "domestic"}, {"analytics", "entrusted", "US", "consent"}, {"mailer", "entrusted", "US", "equivalent_system"},
	} {
		w.n += i
		w.registers("recipient_registered", x.id, fmt.Sprintf(`,"name":"x","country":%q,"kinds":[%q],"purposes":["SVC-01","SVC-05"],"safeguard":%q%s`, x.country, x.kind, x.safeguard, underContract))
	}
	w.tells("collected", takes{purposes: rental + "," + linking, records: "name=pd:Name trip=pd:TravelHistory"}.String())
	police := transfer(`"name"`, "travel", "third_party", "SVC-01", "legal_obligation", "JP")
	consented := transfer(`"trip"`, "travel", "third_party", "SVC-05", "legal_obligation", "JP")
	abroad := transfer(`"name"`, "analytics", "entrusted", "SVC-01", "legal_obligation", "US")
	system := transfer(`"name"`, "mailer", "entrusted", "SVC-01", "legal_obligation", "US")
	by := func(role events.Word, types ...string) *world {
		x := w.as("/rental/web", "rental:P")
		w.n += 10
		x.caller = Caller{Role: role, Holder: "staff:x", Sources: []string{"/rental"}, Types: types}
		return x
	}
	by("emitter").refused("not_permitted /data/basis", "transferred", police)
	by("emitter").refused("not_permitted /data/basis", "transferred", consented) // or its record would never be written
	by("emitter").refused("recipient_not_permitted /data/country", "transferred", abroad)
	by("emitter", "deleted").refused("not_permitted /data/basis", "transferred", police) // another type
	by("emitter").tells("transferred", system)                                           // rests on the recipient's system, not on the law
	if all := facts[*events.Transferred](w); len(all) != 1 || all[0].Route != "equivalent_system" {
		t.Errorf("%d transfers", len(all))
	}
	for _, x := range []*world{by("compliance"), by("responder"), by("admin"), by("emitter", "transferred")} {
		x.tells("transferred", police)
		x.tells("transferred", abroad)
	}
	for _, f := range facts[*events.Transferred](w)[1:] {
		if f.Provision || f.Country == "US" && f.Route != "legal_obligation" {
			t.Errorf("of an exception of 27(1) no record is kept (29(1), proviso): %+v", f)
		}
	}
	// With consent to go abroad, the route is the consent and the record is due, whatever the emitter calls the basis.
	by("emitter").tells("consent_given", `{"purposes":["SVC-01"],"by":"self",`+notice+`}`)
	by("emitter").tells("transferred", abroad)
	all := facts[*events.Transferred](w)
	if last := all[len(all)-1]; last.Route != "consent" || !last.Provision {
		t.Errorf("abroad on consent: by %q, a provision: %t", last.Route, last.Provision)
	}
}

// What a purpose needed under one policy and does not under the next is not handed over for it any more (APPI 18(1)).
func TestS9_NothingIsHandedOverThatThePolicyInForceDoesNotPermit(t *testing.T) {
	w := newWorld(t)
	vendor(t, w.g, "parcel", "entrusted", `"SVC-01"`, "JP", "domestic", "", "", "")
	w.tells("collected", takes{records: "name=pd:Name phone=pd:TelephoneNumber"}.String())
	both, name := transfer(`"name","phone"`, "parcel", "entrusted", "SVC-01", "contract", "JP"), transfer(`"name"`, "parcel", "entrusted", "SVC-01", "contract", "JP")
	w.tells("transferred", both)
	w.needsNoTelephone()
	w.refused("category_not_permitted /data/purpose", "transferred", both)
	w.tells("transferred", name)
}

// An entrustment that is said to rest on consent needs one that stands.
func TestS9_ABasisOfConsentNeedsOneForAnyTransfer(t *testing.T) {
	w := newWorld(t)
	vendor(t, w.g, "parcel", "entrusted", `"SVC-01"`, "JP", "domestic", "", "", "")
	w.tells("collected", takes{}.String())
	data := transfer(`"name"`, "parcel", "entrusted", "SVC-01", "consent", "JP")
	w.refused("consent_missing /data/basis", "transferred", data)
	w.tells("consent_given", `{"purposes":["SVC-01"],"by":"self",`+notice+`}`)
	w.tells("transferred", data)
	w.tells("consent_withdrawn", `{"purposes":["SVC-01"],"by":"self"}`)
	w.refused("consent_missing /data/basis", "transferred", data)
}

// Once a client's service is over nothing more is taken for it; what was taken before, and arrives late, is recorded, and goes 30 days
// after the end with the rest.
func TestS48_NothingIsTakenForAClientWhoseServiceIsOver(t *testing.T) {
	w := newWorld(t).as("/entrusted/client-x", "client-x:1")
	take := func(key string) string {
		return takes{purposes: on("SP-01", "contract"), records: key + "=pd:Name", operation: "entrusted", location: "entrusted-db", more: `,"role":"processor","client":"client-x"`}.String()
	}
	w.tells("collected", take("before"))
	w.as("/privacy/office", "").on("2026-10-10T03:00:00Z").tells("service_ended", `{"client":"client-x"}`)
	w.moment("2026-10-10T02:00:00Z").tells("collected", take("late"))
	w.moment("2026-10-10T04:00:00Z").refused("unknown_word /data/client", "collected", take("after"))
	w.as("/rental/web", "rental:P").on("2026-10-11T03:00:00Z").tells("collected", takes{}.String()) // the company's own goes on
}
