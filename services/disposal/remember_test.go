package disposal

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/projections/retention"
)

// provides hands somebody's mail address to a third party, of which a record is to be kept (APPI 29).
func (w *world) provides(who, key string) {
	w.t.Helper()
	w.happened(who, "transferred", `{"records":["`+key+`"],"recipient":"agency","kind":"third_party","purpose":"DM-01","basis":"consent","country":"JP"}`)
}

// A record of provision says for three years whom it is about (APPI 29(2), 33(5)): a disposal that takes the last record leaves the
// person known, says how many it leaves so, and one after the three years forgets them.
func TestS51_ARecordOfProvisionKeepsAPersonKnownUntilItsPeriodIsOver(t *testing.T) {
	w := newWorld(t)
	w.happened("", "recipient_registered", `{"recipient":"agency","name":"x","country":"JP","kinds":["third_party"],"purposes":["DM-01"],"safeguard":"domestic"}`)
	kept, apart := w.takes("C-1", "a"), w.takes("C-2", "a")
	w.provides("C-1", "a")
	for _, who := range []string{"C-1", "C-2"} {
		w.ends(who, "a")
	}
	d := w.approved()
	if d.Records != 2 || d.People != 2 || d.Forgets != 1 || d.Remembers != 1 {
		t.Fatalf("the plan: %+v", d)
	}
	d, why := w.runs(d.Disposal)
	if d.State != "done" || d.Disposed != 2 || len(why) != 0 {
		t.Errorf("%+v %v", d, why)
	}
	if left := w.living(kept); left == nil || len(left) != 0 {
		t.Errorf("of whom a record of provision speaks, there is left: %v", left)
	}
	if w.living(apart) != nil {
		t.Error("the other is not forgotten")
	}
	c, err := w.Certificate(w.as(auditor), d.Disposal)
	if err != nil || c.Disposed != 2 || c.Forgotten != 1 || c.Remembered != 1 || !slices.ContainsFunc(c.Caveats, func(s string) bool { return strings.Contains(s, "APPI 29(2)") }) {
		t.Errorf("%+v %v", c, err)
	}
	if v, err := w.CheckCertificate(w.as(auditor), c); err != nil || !v.OK {
		t.Errorf("%+v %v", v, err)
	}
	if r := w.event("C-1", "deleted", `{"person":true,"cause":"retention"}`); r.Rule != "held" || r.Field != "/data/cause" {
		t.Errorf("forgotten within the period, in the name of time: %+v", r)
	}

	// The last day belongs to the period.
	today := w.gateway.Organisation().Policy.On(time.Now())
	last := w.gateway.Organisation().Policy.ProvisionKept(today, today, false)
	for day, want := range map[string]int{last.String(): 0, last.AddDays(1).String(): 1} {
		if d, err := w.Plan(w.as(compliance), contracts.DisposalQuestion{Preview: true, By: day}); err != nil || d.Forgets != want || d.Records != 0 {
			t.Errorf("by %s: %+v %v", day, d, err)
		}
		if err := w.retention.Ask(func(r *retention.Retention) error {
			due, err := r.Due(t.Context(), retention.Question{By: day})
			if err == nil && due.Forgettable != want {
				t.Errorf("by %s %d may be forgotten, not %d", day, due.Forgettable, want)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	}

	// Records that somebody asks to delete one by one leave nobody either.
	bare := w.takes("C-3", "a", "b")
	w.happened("C-3", "deleted", `{"records":["a","b"],"cause":"request"}`)
	d = w.approved()
	if d.Records != 0 || d.People != 1 || d.Forgets != 1 || len(d.Reasons) != 1 || d.Reasons[0].Rule != "no_record_left" || d.Reasons[0].People != 1 {
		t.Fatalf("the plan of whom nothing is left: %+v", d)
	}
	var items []contracts.DisposalItem
	if err := w.Items(w.as(auditor), d.Disposal, func(x contracts.DisposalItem) error { items = append(items, x); return nil }); err != nil || len(items) != 1 || items[0].Record != string(bare) {
		t.Errorf("%+v %v", items, err)
	}
	if d, why = w.runs(d.Disposal); d.State != "done" || d.Disposed != 0 || len(why) != 0 || w.living(bare) != nil {
		t.Errorf("%+v %v; left: %v", d, why, w.living(bare))
	}
	if c, err = w.Certificate(w.as(auditor), d.Disposal); err != nil || c.Forgotten != 1 || c.Records != 0 {
		t.Errorf("%+v %v", c, err)
	}
	if v, err := w.CheckCertificate(w.as(auditor), c); err != nil || !v.OK {
		t.Errorf("%+v %v", v, err)
	}
	if _, err := w.Plan(w.as(compliance), contracts.DisposalQuestion{}); ruleOf(err) != "refused record_unknown" {
		t.Errorf("what is forgotten is planned again: %v", err)
	}
}

// After its period a record of provision keeps nobody known: not with their last record, and not afterwards.
func TestS51_AfterTheirRecordsOfProvisionPeopleAreForgotten(t *testing.T) {
	w := newWorld(t)
	w.happened("", "recipient_registered", `{"recipient":"agency","name":"x","country":"JP","kinds":["third_party"],"purposes":["DM-01"],"safeguard":"domestic"}`)
	w.at = time.Now().AddDate(-3, 0, -2)
	people := []events.Pseudonym{w.takes("C-1", "a"), w.takes("C-2", "a"), w.takes("C-3", "a")}
	for _, who := range []string{"C-1", "C-2", "C-3"} {
		w.provides(who, "a")
	}
	w.at = time.Time{}
	w.ends("C-1", "a")
	w.happened("C-2", "deleted", `{"records":["a"],"cause":"request"}`)
	w.happened("C-3", "deleted", `{"records":["a"],"cause":"request"}`)
	d := w.approved()
	if d.Records != 1 || d.People != 3 || d.Forgets != 3 || d.Remembers != 0 {
		t.Fatalf("the plan: %+v", d)
	}
	w.takes("C-3", "b") // somebody comes back before the run
	d, why := w.runs(d.Disposal)
	if d.State != "done" || d.Disposed != 1 || len(why) != 1 || why[string(people[2])] != "bound" {
		t.Errorf("%+v %v", d, why)
	}
	if w.living(people[0]) != nil || w.living(people[1]) != nil || !slices.Equal(w.living(people[2]), []events.Ordinal{2}) {
		t.Errorf("left: %v", []any{w.living(people[0]), w.living(people[1]), w.living(people[2])})
	}
	if c, err := w.Certificate(w.as(auditor), d.Disposal); err != nil || c.Forgotten != 2 || c.Disposed != 1 {
		t.Errorf("%+v %v", c, err)
	}
}

// A consent that somebody gives when nothing of theirs is here any more, or not yet, is theirs to keep: it is forgotten when it is withdrawn.
func TestS51_AConsentThatCameSinceKeepsAPersonKnown(t *testing.T) {
	w := newWorld(t)
	consent := `{"purposes":["DM-01"],"by":"self","notice":{"policy":"2025-10","language":"ja"}}`
	after := w.takes("C-1", "a")
	w.happened("C-1", "deleted", `{"records":["a"],"cause":"request"}`)
	w.happened("C-1", "consent_given", consent)
	first := w.happened("C-2", "consent_given", consent)
	if _, err := w.Plan(w.as(compliance), contracts.DisposalQuestion{}); ruleOf(err) != "refused record_unknown" {
		t.Fatalf("while the consents stand: %v", err)
	}
	for _, who := range []string{"C-1", "C-2"} {
		w.happened(who, "consent_withdrawn", `{"purposes":["DM-01"],"by":"self"}`)
	}
	if d := w.approved(); d.Records != 0 || d.Forgets != 2 {
		t.Errorf("withdrawn: %+v", d)
	} else if d, _ = w.runs(d.Disposal); w.living(after) != nil || w.living(first) != nil {
		t.Errorf("%+v; left: %v %v", d, w.living(after), w.living(first))
	}
}
