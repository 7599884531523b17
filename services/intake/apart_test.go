package intake

import (
	"slices"
	"testing"

	"github.com/daicho-dev/daicho/events"
)

const (
	staff    = `{"kind":"employee","country":"JP"}`
	client   = `,"role":"processor","client":"client-x"`
	numbered = `{"id":"SPI-01","basis":"legal_obligation"}`
	employed = `{"id":"HR-01b","basis":"contract"}`
	healthy  = `{"id":"HR-01b","basis":"consent","consent":{"by":"self"}}`
)

// What is entrusted serves the client's work and nothing else, lies where entrusted data lies, and names the client to whom requests
// about it go (Note 1).
func TestS49_EntrustedDataIsKeptApart(t *testing.T) {
	w := newWorld(t)
	x := w.as("/entrusted/client-x", "client-x:7")
	entrusts := takes{purposes: on("SP-01", "contract"), operation: "entrusted", location: "entrusted-db", more: client}
	with := func(change func(*takes)) string { c := entrusts; change(&c); return c.String() }
	x.refused("unknown_word /data/client", "collected", with(func(c *takes) { c.more = `,"role":"processor"` }))
	x.refused("category_not_permitted /data/purposes/0/id", "collected", with(func(c *takes) { c.purposes = rental }))
	x.refused("category_not_permitted /data/purposes/1/id", "collected", with(func(c *takes) { c.purposes += "," + rental }))
	x.refused("category_not_permitted /data/purposes/0/id", "collected", with(func(c *takes) { c.operation, c.more = "rental", "" })) // no own data for the client's work
	x.refused("category_not_permitted /data/location", "collected", with(func(c *takes) { c.location = "marketing-crm" }))
	w.as("/rental/web", "client-x:7").refused("category_not_permitted /source", "collected", entrusts.String())
	got := x.tells("collected", entrusts.String())
	x.refused("category_not_permitted /data/purpose", "purpose_bound", `{"records":["name"],"purpose":"DM-02","basis":"consent","consent":{"by":"self"}}`)
	x.refused("category_not_permitted /data/location", "copied", `{"records":["name"],"location":"marketing-crm"}`)
	x.uses("allowed", "SP-01", "pd:Name")
	w.as("/marketing/crm", "client-x:7").uses("category_not_permitted", "SP-01", "pd:Name") // the company's own systems do not reach it
	x.uses("purpose_not_bound", "DM-02", "pd:Name")
	r := &w.state(got.Person).Records[0]
	if !r.Processor || r.Client != "client-x" || len(r.Bindings) != 1 {
		t.Errorf("the record: %+v", r)
	}
}

// The company's own data is not bound to a client's work.
func TestS48_OwnDataDoesNotServeAClient(t *testing.T) {
	w := newWorld(t)
	w.tells("collected", takes{}.String())
	w.refused("category_not_permitted /data/purpose", "purpose_bound", `{"records":["name"],"purpose":"SP-01","basis":"contract"}`)
}

// Specific Personal Information (My Number): collected, used and handed over for the procedures that the law names, by who has them to
// do; and consent opens nothing.
func TestS7_MyNumberServesTheStatutoryPurposeAlone(t *testing.T) {
	w := newWorld(t)
	hr := w.as("/hr/payroll", "employee:E-1")
	number := takes{purposes: numbered + "," + employed, records: "no=ts:MyNumber name=pd:Name", operation: "hr", location: "hr-files", channel: "form", person: staff}
	with := func(change func(*takes)) string { c := number; change(&c); return c.String() }
	hr.refused("category_not_permitted /data/records/0/category", "collected", with(func(c *takes) { c.purposes = employed }))
	hr.refused("category_not_permitted /data/location", "collected", with(func(c *takes) { c.location = "rental-db" }))
	hr.refused("category_not_permitted /data/purposes/0/id", "collected", with(func(c *takes) {
		c.purposes, c.operation, c.records = on("SP-01", "contract"), "entrusted", "no=ts:MyNumber"
		c.more = client
	})) // entrusted work takes every category, and this one not
	w.as("/privacy/office", "employee:E-1").refused("category_not_permitted /source", "collected", number.String())
	w.as("/rental/web", "employee:E-1").refused("category_not_permitted /source", "collected", number.String())
	hr.refused("consent_missing /data/purposes/0/consent", "collected", with(func(c *takes) { c.purposes = `{"id":"HR-01b","basis":"consent"}`; c.records = "name=pd:Name" }))
	hr.tells("collected", number.String())

	hr.uses("allowed", "SPI-01", "ts:MyNumber")
	hr.uses("purpose_not_bound", "HR-01b", "ts:MyNumber")
	w.as("/rental/support", "employee:E-1").uses("category_not_permitted", "SPI-01", "ts:MyNumber")
	w.as("/privacy/office", "employee:E-1").uses("category_not_permitted", "SPI-01", "ts:MyNumber") // behind the number's wall, though not the other
	hr.refused("category_not_permitted /data/purpose", "purpose_bound", `{"records":["no"],"purpose":"SVC-09","basis":"legitimate_interest"}`)
	hr.refused("category_not_permitted /data/location", "copied", `{"records":["no"],"location":"marketing-crm"}`)

	vendor(t, w.g, "partner", "third_party", `"SPI-01"`, "JP", "domestic", "", "", "")
	hr.tells("consent_given", `{"purposes":["SPI-01"],"by":"self",`+notice+`}`)
	hr.refused("category_not_permitted /data/basis", "transferred", transfer(`"no"`, "partner", "third_party", "SPI-01", "consent", "JP"))
	w.as("/rental/web", "employee:E-1").refused("category_not_permitted /source", "transferred", transfer(`"no"`, "partner", "third_party", "SPI-01", "legal_obligation", "JP"))
	hr.tells("transferred", transfer(`"no"`, "partner", "third_party", "SPI-01", "legal_obligation", "JP"))
}

// What is refused at a wall is not kept for mending either.
func TestS10_WhatAWallKeepsOutIsNotKept(t *testing.T) {
	w := newWorld(t)
	w.refused("category_not_permitted /source", "collected", takes{purposes: numbered, records: "no=ts:MyNumber", operation: "hr", location: "hr-files", person: staff}.String())
	kept, err := w.g.vault.Quarantined(t.Context(), 10, true)
	if err != nil || len(kept) != 0 {
		t.Errorf("%d submissions are kept (%v)", len(kept), err)
	}
}

// Personnel data is that department's alone, and no other purpose's.
func TestS47_PersonnelDataStaysWithPersonnel(t *testing.T) {
	w := newWorld(t)
	hr := w.as("/hr/recruiting", "applicant:A-1")
	applies := takes{purposes: on("HR-01", "contract"), records: "name=pd:Name work=pd:WorkHistory", operation: "hr", location: "hr-files", channel: "form", person: `{"kind":"applicant","country":"JP"}`}
	w.as("/rental/web", "applicant:A-1").refused("category_not_permitted /source", "collected", applies.String())
	hr.refused("category_not_permitted /data/purposes/1/id", "collected", takes{purposes: on("HR-01", "contract") + "," + mailing, operation: "hr", location: "hr-files"}.String())
	hr.tells("collected", applies.String())
	hr.uses("allowed", "HR-01", "pd:Name", "pd:WorkHistory")
	w.as("/marketing/crm", "applicant:A-1").uses("category_not_permitted", "HR-01", "pd:WorkHistory")
	hr.refused("category_not_permitted /data/purpose", "purpose_bound", `{"records":["name"],"purpose":"DM-02","basis":"consent","consent":{"by":"self"}}`)
	hr.refused("category_not_permitted /data/location", "copied", `{"records":["name"],"location":"marketing-crm"}`)
	hr.tells("purpose_bound", `{"records":["name","work"],"purpose":"HR-01b","basis":"contract"}`) // who is hired moves on
	// A customer's record does not become personnel data by being bound to it: it is collected anew.
	w.tells("collected", takes{}.String())
	w.refused("category_not_permitted /data/purpose", "purpose_bound", `{"records":["name"],"purpose":"HR-01","basis":"contract"}`)
}

// Special care-required data is taken with consent, or where a law asks for it, and for nobody else's purposes.
func TestS10_CareRequiredDataNeedsConsent(t *testing.T) {
	w := newWorld(t)
	hr := w.as("/hr/payroll", "employee:E-2")
	takesHealth := func(purposes string) string {
		return takes{purposes: purposes, records: "h=pd:Health", operation: "hr", location: "hr-files", channel: "form", person: staff}.String()
	}
	w.refused("category_not_permitted /data/records/0/category", "collected", takes{records: "h=pd:Health"}.String())
	hr.refused("consent_missing /data/records/0/category", "collected", takesHealth(employed))
	hr.tells("collected", takesHealth(healthy))
	hr.as("/hr/payroll", "employee:E-3").tells("collected", takesHealth(`{"id":"HR-01b","basis":"legal_obligation"}`))
	x := w.as("/entrusted/client-x", "client-x:8")
	x.tells("collected", takes{purposes: on("SP-01", "contract"), records: "h=pd:Health", operation: "entrusted", location: "entrusted-db", more: client}.String())
	w.as("/privacy/office", "employee:E-2").uses("allowed", "HR-01b", "pd:Health")
	w.as("/rental/support", "employee:E-2").uses("category_not_permitted", "HR-01b", "pd:Health")
}

// Who asks the gate at the desk, and not by a system, reaches behind a wall only if cleared for it.
func TestS8_TheDeskReachesBehindAWallOnlyIfCleared(t *testing.T) {
	w := newWorld(t)
	hr := w.as("/hr/recruiting", "applicant:A-1")
	hr.tells("collected", takes{purposes: on("HR-01", "contract"), operation: "hr", location: "hr-files"}.String())
	desk := w.as("/daicho/uses", "applicant:A-1")
	desk.caller = Engine
	desk.uses("category_not_permitted", "HR-01", "pd:Name")
	desk.caller.Walls = []events.Word{"my-number"}
	desk.uses("category_not_permitted", "HR-01", "pd:Name")
	desk.caller.Walls = []events.Word{"personnel"}
	desk.uses("allowed", "HR-01", "pd:Name")
	if uses := facts[*events.Used](w); len(uses) != 3 || !slices.ContainsFunc(uses, func(u *events.Used) bool { return u.Allowed }) {
		t.Errorf("%d uses were recorded, with both answers", len(uses))
	}
}
