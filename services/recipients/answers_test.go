package recipients

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/intake"
)

var (
	auditor   = intake.Caller{Role: "auditor", Holder: "staff:auditor"}
	responder = intake.Caller{Role: "responder", Holder: "staff:responder"}
	emitter   = intake.Caller{Role: "emitter", Holder: "staff:shop", Sources: []string{"/"}}
)

func code(err error) string {
	var p *contracts.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

const supervised = `,"tasks":["provision"],"contract":{"ref":"V-1","from":"2026-01-01","to":"2030-12-31"},"selection":{"on":"2025-12-01","reasons":["certificate seen"]},"reviewDue":"2030-06-30"`

// S63: tasks go to registered processors only, for the two kinds of task, within their contract, with the least data.
func TestS63_OnlyRegisteredProcessorsGetTasksAndOnlyTheirData(t *testing.T) {
	w := newWorld(t)
	w.customer("rental:C-1")
	w.vendor("parcel", "entrusted", supervised+`,"categories":["pd:Name"]`)
	w.vendor("lapsed", "entrusted", `,"contract":{"ref":"V-2","from":"2020-01-01","to":"2020-12-31"}`)
	w.vendor("gone", "entrusted", supervised)
	w.must("", office, "recipient_ended", `{"recipient":"gone"}`)
	if r := w.tell("", office, "recipient_registered", `{"recipient":"x","name":"x","country":"JP","kinds":["entrusted"],"purposes":["SVC-01"],"safeguard":"domestic","tasks":["analysis"]}`); r.Rule != "schema" || !strings.HasPrefix(r.Field, "/data/tasks") {
		t.Errorf("a third kind of task: %+v", r)
	}
	for _, x := range []struct{ what, to, key, kind, purpose, rule string }{
		{"to somebody who is not registered", "stranger", "name", "entrusted", "SVC-01", "unknown_recipient"},
		{"for a purpose that it does not work for", "parcel", "name", "entrusted", "SVC-02", "purpose_not_bound"},
		{"as a third party", "parcel", "name", "third_party", "SVC-01", "consent_missing"},
		{"more than its contract covers", "parcel", "email", "entrusted", "SVC-01", "recipient_not_permitted"},
		{"after its contract", "lapsed", "name", "entrusted", "SVC-01", "recipient_not_permitted"},
		{"after its end", "gone", "name", "entrusted", "SVC-01", "recipient_not_permitted"},
		{"as registered", "parcel", "name", "entrusted", "SVC-01", ""},
	} {
		r := w.tell("rental:C-1", "/rental/web", "transferred", fmt.Sprintf(`{"records":[%q],"recipient":%q,"kind":%q,"purpose":%q,"basis":"contract","country":"JP"}`, x.key, x.to, x.kind, x.purpose))
		if r.Rule != x.rule {
			t.Errorf("%s: %q at %s (%s)", x.what, r.Rule, r.Field, r.Text)
		}
	}
}

// S63: selection, contract and monitoring are what it is proved by; what is missing or late is a gap with its reason.
func TestS63_SelectionContractAndMonitoringAreTheEvidence(t *testing.T) {
	w := newWorld(t)
	if o := w.sentence("S63"); o.State != "unproved" {
		t.Errorf("of nothing: %+v", o)
	}
	w.customer("rental:C-1")
	w.must("", office, "recipient_registered", `{"recipient":"parcel","name":"Vendor","country":"JP","kinds":["entrusted"],"purposes":["SVC-01"],"safeguard":"domestic"}`)
	gap := func(when string, words ...string) {
		t.Helper()
		o := w.sentence("S63")
		reasons := strings.Join(o.Caveats, " ")
		for _, x := range words {
			if o.State != "gap" || !strings.Contains(reasons, "parcel: "+x) {
				t.Errorf("%s: %s %q", when, o.State, reasons)
			}
		}
		if len(words) == 0 && o.State != "kept" {
			t.Errorf("%s: %s %q", when, o.State, reasons)
		}
	}
	gap("with no paper", "no contract", "it is not said which task", "why it was selected", "no day is set")
	w.must("", office, "recipient_reviewed", `{"recipient":"parcel"`+strings.ReplaceAll(supervised, "2030-12-31", "2031-12-31")+`}`)
	w.handOver("rental:C-1", "name", "parcel", "entrusted", "SVC-01", "contract")
	gap("with all papers")
	tokyo, _ := time.LoadLocation("Asia/Tokyo")
	clock := func(day string) {
		t.Helper()
		at, err := time.ParseInLocation("2006-01-02", day, tokyo)
		if err != nil {
			t.Fatal(err)
		}
		w.register.Now = func() time.Time { return at }
		w.now = w.register.Now
	}
	clock("2030-06-30")
	gap("on the day of the review")
	clock("2030-07-01")
	gap("the day after", "the day of its review has passed")
	clock("2032-01-01")
	gap("after the contract", "the day of its review has passed", "the contract has run out")
	clock("2026-12-01")
	w.must("rental:C-1", office, "deleted", `{"records":["name"],"cause":"request"}`)
	due := w.open()[0].Due
	clock(string(due))
	gap("on the due day of a recall")
	late, err := time.Parse("2006-01-02", string(due))
	if err != nil {
		t.Fatal(err)
	}
	clock(late.AddDate(0, 0, 1).Format("2006-01-02"))
	gap("the day after that", "1 recalls were not confirmed")
	all, err := w.Recipients(w.as(auditor))
	if err != nil || len(all.Recipients) != 1 || all.Recipients[0].Recalls != (contracts.RecipientRecallCounts{Open: 1, Overdue: 1}) {
		t.Errorf("%+v %v", all, err)
	}
	w.must("rental:C-1", "/rental/web", "disposal_confirmed", `{"records":["name"],"recipient":"parcel"}`)
	w.level()
	gap("once it has confirmed")
}

// S9: what is provided is provided with a recipient and a basis, and the record of it is written, kept, and shown to the person.
func TestS9_AProvisionNeedsRecipientAndBasisAndIsRecorded(t *testing.T) {
	w := newWorld(t)
	w.vendor("travel", "third_party", `,"contract":{"ref":"V-9","from":"2026-01-01"},"reviewDue":"2030-01-01","address":"Taipei","representative":"Lin Mei-hua"`)
	w.vendor("parcel", "entrusted", supervised)
	w.customer("rental:C-1")
	give := func(purpose, basis string) contracts.Receipt {
		return w.tell("rental:C-1", "/rental/web", "transferred", `{"records":["email"],"recipient":"travel","kind":"third_party","purpose":"`+purpose+`","basis":"`+basis+`","country":"JP","contract":"K-1"}`)
	}
	if r := give("SVC-01", "contract"); r.Rule != "consent_missing" {
		t.Errorf("to a third party without consent: %+v", r)
	}
	w.handOver("rental:C-1", "name", "parcel", "entrusted", "SVC-01", "contract")
	ask := func(c intake.Caller, q contracts.ProvisionQuestion) contracts.ProvisionList {
		t.Helper()
		all, err := w.Provisions(w.as(c), q)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if all := ask(auditor, contracts.ProvisionQuestion{}); len(all.Provisions) != 0 {
		t.Errorf("an entrustment is no provision: %+v", all)
	}
	if o := w.sentence("S9"); o.State != "unproved" {
		t.Errorf("without a provision: %+v", o)
	}
	given := give("DM-01", "consent")
	if given.Status != contracts.StatusRecorded {
		t.Fatalf("%+v", given)
	}
	w.must("rental:C-1", "/rental/web", "collected", `{"records":[{"key":"name2","category":"pd:Name","value":"x"}],"purposes":[{"id":"SVC-01","basis":"contract"}],"operation":"rental","location":"rental-db",
		"channel":"mail","received":{"from":"travel","acquired":"from_person"},"notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"customer","country":"JP"}}`)
	all := ask(auditor, contracts.ProvisionQuestion{Recipient: "travel"})
	if len(all.Provisions) != 2 {
		t.Fatalf("%+v", all)
	}
	p, r := all.Provisions[0], all.Provisions[1]
	c := w.gateway.Organisation().Policy
	made := c.On(p.Made)
	if p.Position != given.Position || p.Person != given.Person || p.Law != "APPI 29" || p.Kind != "provided" || p.Name != "Vendor travel" || p.Address != "Taipei" || p.Representative != nil ||
		!p.Consent || p.Basis != "consent" || p.Purpose != "DM-01" || p.Route != "domestic" || !reflect.DeepEqual(p.Items, []events.Word{"pd:EmailAddress"}) ||
		p.KeepUntil != c.ProvisionKept(made, made, false).String() || p.Forgotten {
		t.Errorf("%+v", p)
	}
	if r.Law != "APPI 30" || r.Acquired != "from_person" || !reflect.DeepEqual(r.Items, []events.Word{"pd:Name"}) || r.Recipient != "travel" {
		t.Errorf("%+v", r)
	}
	if o := w.sentence("S9"); o.State != "kept" {
		t.Errorf("%+v", o)
	}
	looks := func() int { return len(w.all(0, events.TypeAccessed)) }
	for _, x := range []struct {
		by   intake.Caller
		q    contracts.ProvisionQuestion
		code string
	}{
		{emitter, contracts.ProvisionQuestion{}, "role"},
		{responder, contracts.ProvisionQuestion{Person: "rental:C-1", Purpose: "DSR-01"}, "role"},
		{compliance, contracts.ProvisionQuestion{Purpose: "DSR-01"}, "question"},
		{compliance, contracts.ProvisionQuestion{Person: "rental:C-1", Purpose: "SVC-99"}, "question"},
		{compliance, contracts.ProvisionQuestion{Person: "rental:nobody", Purpose: "DSR-01"}, "not_found"},
		{compliance, contracts.ProvisionQuestion{Kind: "lent"}, "question"},
		{compliance, contracts.ProvisionQuestion{Limit: 1001}, "question"},
	} {
		if _, err := w.Provisions(w.as(x.by), x.q); code(err) != x.code {
			t.Errorf("%+v by a %s: %v", x.q, x.by.Role, err)
		}
	}
	if looks() != 0 {
		t.Error("a look is recorded, and nothing was shown")
	}
	opened := ask(compliance, contracts.ProvisionQuestion{Person: "rental:C-1", Request: "r-1"})
	if len(opened.Provisions) != 2 || fmt.Sprint(opened.Provisions[0].Representative) != `"Lin Mei-hua"` || looks() != 1 {
		t.Errorf("opened: %+v, %d looks", opened, looks())
	}
	w.must("", office, "recipient_reviewed", `{"recipient":"travel","representative":"Chen Wei"}`)
	if opened := ask(compliance, contracts.ProvisionQuestion{Person: "rental:C-1", Purpose: "DSR-01", Kind: "provided"}); len(opened.Provisions) != 1 || fmt.Sprint(opened.Provisions[0].Representative) != `"Chen Wei"` {
		t.Errorf("after a review: %+v", opened)
	}
	first := ask(auditor, contracts.ProvisionQuestion{Limit: 1})
	if first.Next == nil || len(first.Provisions) != 1 {
		t.Fatalf("%+v", first)
	}
	if rest := ask(auditor, contracts.ProvisionQuestion{After: *first.Next}); len(rest.Provisions) != 1 || rest.Provisions[0].Law != "APPI 30" {
		t.Errorf("%+v", rest)
	}
	w.must("rental:C-1", office, "deleted", `{"person":true,"cause":"request"}`)
	if after := ask(auditor, contracts.ProvisionQuestion{}); len(after.Provisions) != 2 || !after.Provisions[0].Forgotten || !strings.Contains(strings.Join(after.Caveats, " "), "forgotten") {
		t.Errorf("of somebody forgotten: %+v", after)
	}
}

// What lies with a recipient counts as being there until it confirms; and as of any moment, what lay there then.
func TestExposure(t *testing.T) {
	w := newWorld(t)
	w.vendor("mailer", "entrusted", "")
	w.customer("rental:C-1")
	w.customer("rental:C-2")
	ask := func(at time.Time, limit int) contracts.Exposure {
		t.Helper()
		x, err := w.Exposure(w.as(responder), contracts.ExposureQuestion{Recipient: "mailer", AsOf: at, Limit: limit})
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	then := func(id, key string, hours int) {
		t.Helper()
		w.n++
		at := time.Now().Add(-time.Duration(hours) * time.Hour).UTC().Format(time.RFC3339)
		out, err := w.gateway.Submit(t.Context(), admin, []intake.Submission{intake.ReadStructured(fmt.Appendf(nil, `{"specversion":"1.0","id":"t%d","source":"/rental/web","type":"daicho.transferred.v1",
			"subject":%q,"time":%q,"data":{"records":[%q],"recipient":"mailer","kind":"entrusted","purpose":"DM-01","basis":"consent","country":"JP"}}`, w.n, id, at, key))})
		if err != nil || out[0].Status != contracts.StatusRecorded {
			t.Fatal(out, err)
		}
	}
	then("rental:C-1", "email", 5)
	then("rental:C-1", "name", 2)
	then("rental:C-2", "email", 1)
	now := time.Now().Add(time.Minute)
	for _, x := range []struct {
		hours           float64
		people, records int
	}{{6, 0, 0}, {4, 1, 1}, {1.5, 1, 2}, {-0.1, 2, 3}} {
		got := ask(time.Now().Add(-time.Duration(x.hours*float64(time.Hour))), 0)
		if got.People.Total != x.people || got.Records.Total != x.records || len(got.Who) != x.people {
			t.Errorf("%v hours ago: %+v", x.hours, got)
		}
	}
	if x := ask(now, 1); len(x.Who) != 1 || x.More != 1 || x.People.ByCountry["JP"] != 2 || x.Records.ByCategory["pd:EmailAddress"] != 2 {
		t.Errorf("%+v", x)
	}
	w.must("rental:C-1", "/rental/web", "consent_withdrawn", `{"purposes":["DM-01"],"by":"self"}`)
	w.must("rental:C-2", office, "deleted", `{"person":true,"cause":"request"}`)
	w.react()
	if x := ask(now, 0); x.People.Total != 2 || x.Records.Total != 3 || x.People.Forgotten != 1 || len(x.Recalled) != 2 {
		t.Errorf("asked back, not confirmed: %+v", x)
	}
	for _, r := range w.open() {
		w.must("", office, "disposal_confirmed", fmt.Sprintf(`{"recall":%q,"recipient":"mailer"}`, r.ID))
	}
	w.react()
	if x := ask(now, 0); x.People.Total != 0 || x.Records.Total != 0 || len(x.Recalled) != 0 {
		t.Errorf("confirmed: %+v", x)
	}
	if x := ask(time.Now().Add(-time.Minute), 0); x.People.Total != 2 || x.Records.Total != 3 {
		t.Errorf("a minute ago: %+v", x)
	}
	for _, x := range []struct {
		by   intake.Caller
		q    contracts.ExposureQuestion
		code string
	}{
		{emitter, contracts.ExposureQuestion{Recipient: "mailer"}, "role"},
		{auditor, contracts.ExposureQuestion{Recipient: "nobody"}, "not_found"},
		{auditor, contracts.ExposureQuestion{Recipient: "mailer", Limit: -1}, "question"},
		{auditor, contracts.ExposureQuestion{Recipient: "mailer", KnownAt: "yesterday"}, "question"},
	} {
		if _, err := w.Exposure(w.as(x.by), x.q); code(err) != x.code {
			t.Errorf("%+v: %v", x.q, err)
		}
	}
}

// What is on file about a recipient, and its recalls a page at a time.
func TestFilesAndPages(t *testing.T) {
	w := newWorld(t)
	w.vendor("mailer", "entrusted", supervised+`,"representative":"Lin","reentrusts":["A data centre"],"recallDays":7`)
	f, err := w.Recipient(w.as(auditor), "mailer")
	if err != nil || f.State != "active" || !f.Representative || f.RecallDays != 7 || f.Contract == nil || f.Selection == nil || len(f.Findings) != 0 || len(f.Reentrusts) != 1 || f.Reviewed == nil {
		t.Errorf("%+v %v", f, err)
	}
	for i := range 3 {
		id := fmt.Sprintf("rental:C-%d", i)
		w.customer(id)
		w.handOver(id, "email", "mailer", "entrusted", "DM-01", "consent")
		w.must(id, "/rental/web", "consent_withdrawn", `{"purposes":["DM-01"],"by":"self"}`)
		w.react()
	}
	seen := 0
	q := contracts.RecallQuestion{Limit: 2, Recipient: "mailer"}
	for {
		page, err := w.Service.Recalls(w.as(auditor), q)
		if err != nil {
			t.Fatal(err)
		}
		seen += len(page.Recalls)
		if page.Next == nil {
			break
		}
		q.After = *page.Next
	}
	if seen != 3 {
		t.Errorf("%d recalls over the pages", seen)
	}
	w.must("", office, "recipient_ended", `{"recipient":"mailer"}`)
	if f, err := w.Recipient(w.as(auditor), "mailer"); err != nil || f.State != "ended" || f.Ended == nil || f.Recalls.Open != 3 {
		t.Errorf("%+v %v", f, err)
	}
	if _, err := w.Recipient(w.as(emitter), "mailer"); code(err) != "role" {
		t.Error(err)
	}
}
