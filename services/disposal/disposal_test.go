package disposal

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/intake"
)

func ruleOf(err error) string {
	var p *contracts.Problem
	if !errors.As(err, &p) {
		return ""
	}
	return p.Code + " " + p.Rule
}

func name(p events.Pseudonym, n events.Ordinal) string { return string(p) + "." + n.String() }

func TestS51_WhatIsHeldIsReportedAndGoesWhenTheHoldIsReleased(t *testing.T) {
	w := newWorld(t)
	free, kept := w.takes("C-1", "a"), w.takes("C-2", "a", "b")
	w.ends("C-1", "a")
	w.ends("C-2", "a", "b")
	w.happened("C-2", "hold_placed", `{"case":"L-1","records":["a"]}`)
	d := w.approved()
	if d.Records != 3 || d.People != 2 || d.Forgets != 2 || d.Reasons[0].Held != 1 || d.Reasons[0].Cause != "purpose_met" {
		t.Fatalf("%+v", d)
	}
	d, why := w.runs(d.Disposal)
	if d.State != "waiting" || d.Disposed != 2 || d.Left["held"] != 1 || !maps.Equal(why, map[string]string{name(kept, 1): "held"}) {
		t.Errorf("%+v %v", d, why)
	}
	if w.living(free) != nil || !slices.Equal(w.living(kept), []events.Ordinal{1}) {
		t.Errorf("left: %v %v", w.living(free), w.living(kept))
	}
	if again, _ := w.runs(d.Disposal); again.Disposed != 2 || len(w.gateway.Organisation().Disposals[d.Disposal].Runs) != 1 {
		t.Errorf("a run that changes nothing is recorded: %+v", again)
	}
	if _, err := w.Plan(w.as(compliance), contracts.DisposalQuestion{}); ruleOf(err) != "refused record_unknown" {
		t.Errorf("what waits in a disposal is planned again: %v", err)
	}
	w.Start()
	w.happened("C-2", "hold_released", `{"case":"L-1"}`)
	w.eventually("the waiting disposal ends", func() bool {
		d, err := w.Disposal(w.as(auditor), d.Disposal)
		return err == nil && d.State == "done" && d.Disposed == 3
	})
	if w.living(kept) != nil {
		t.Errorf("after the release there is left: %v", w.living(kept))
	}
	c, err := w.Certificate(w.as(auditor), d.Disposal)
	if err != nil || c.Disposed != 3 || c.Forgotten != 2 || c.Destruction.Pending != 0 || len(c.Executed) != 2 || len(c.Left) != 0 {
		t.Errorf("%+v %v", c, err)
	}
	if v, err := w.CheckCertificate(w.as(auditor), c); err != nil || !v.OK {
		t.Errorf("%+v %v", v, err)
	}
}

func TestS51_WhatIsBoundAnewStays(t *testing.T) {
	w := newWorld(t)
	p := w.takes("C-1", "a", "b")
	w.ends("C-1", "a", "b")
	d := w.approved()
	w.happened("C-1", "purpose_bound", `{"records":["b"],"purpose":"DM-01","basis":"consent","consent":{"by":"self"}}`)
	d, why := w.runs(d.Disposal)
	if d.State != "done" || d.Disposed != 1 || !maps.Equal(why, map[string]string{name(p, 2): "bound"}) {
		t.Errorf("%+v %v", d, why)
	}
	if !slices.Equal(w.living(p), []events.Ordinal{2}) {
		t.Errorf("left: %v", w.living(p))
	}
	w.ends("C-1", "b")
	if _, err := w.Run(w.as(compliance), d.Disposal, nil); err != nil || len(w.living(p)) != 1 {
		t.Errorf("a disposal that is done disposes of more: %v %v", err, w.living(p))
	}
	if d = w.approved(); d.Records != 1 {
		t.Errorf("the next plan: %+v", d)
	}
}

func TestS51_WhatCameAfterTheApprovalStays(t *testing.T) {
	w := newWorld(t)
	p := w.takes("C-1", "a")
	w.ends("C-1", "a")
	d := w.approved()
	w.takes("C-1", "later")
	w.ends("C-1", "later") // nothing binds it either; but nobody has approved that it goes
	if d, why := w.runs(d.Disposal); d.State != "done" || d.Disposed != 1 || len(why) != 0 {
		t.Errorf("%+v %v", d, why)
	}
	if !slices.Equal(w.living(p), []events.Ordinal{2}) {
		t.Errorf("left: %v", w.living(p))
	}
}

func TestS51_WhatIsGoneOtherwiseIsSaidToBe(t *testing.T) {
	w := newWorld(t)
	p, q := w.takes("C-1", "a", "b"), w.takes("C-2", "a")
	w.ends("C-1", "a", "b")
	w.ends("C-2", "a")
	d := w.approved()
	w.happened("C-1", "deleted", `{"records":["a"],"cause":"request"}`)
	w.happened("C-2", "deleted", `{"person":true,"cause":"request"}`)
	d, why := w.runs(d.Disposal)
	if d.State != "done" || d.Disposed != 1 || !maps.Equal(why, map[string]string{name(p, 1): "gone", name(q, 1): "gone"}) {
		t.Errorf("%+v %v", d, why)
	}
}

// A wish that tracking be refused outlives the data: who expressed it is not forgotten with the last record.
func TestS57_ARefusalOfTrackingOutlivesTheRecords(t *testing.T) {
	w := newWorld(t)
	p := w.takes("C-1", "a")
	w.ends("C-1", "a")
	d := w.approved()
	w.happened("C-1", "tracking_refused", `{"channel":"web"}`)
	if d, _ = w.runs(d.Disposal); d.Disposed != 1 || w.living(p) == nil {
		t.Errorf("%+v; left: %v", d, w.living(p))
	}
	q := w.takes("C-1", "b")
	if q != p {
		t.Error("the identifier leads to somebody else")
	}
	w.ends("C-1", "b")
	if d := w.approved(); d.Forgets != 0 {
		t.Errorf("it is planned to forget them: %+v", d)
	}
}

func TestS51_AListThatWasChangedOrLostDisposesOfNothing(t *testing.T) {
	for what, change := range map[string]string{
		"another record":   `insert into items select disposal, person, 2, category, purpose, rule, cause, due, held, forget, outcome from items`,
		"instead of it":    `update items set n = 2`,
		"the whole person": `update items set forget = 1`,
		"another purpose":  `update items set purpose = 'SVC-01'`,
		"another category": `update items set category = 'pd:Name'`,
		"another day":      `update items set due = '1999-01-01'`,
		"a hold":           `update items set held = 1`,
		"lost":             `delete from items`,
	} {
		w := newWorld(t)
		p := w.takes("C-1", "a", "b")
		w.ends("C-1", "a")
		d := w.approved()
		if _, err := w.lists.db.Write.Exec(change); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Run(w.as(compliance), d.Disposal, nil); ruleOf(err) != "refused not_permitted" {
			t.Errorf("%s: %v", what, err)
		}
		if len(w.living(p)) != 2 {
			t.Errorf("%s: left: %v", what, w.living(p))
		}
	}
}

func TestS51_WhoMayPlanApproveAndRun(t *testing.T) {
	w := newWorld(t)
	w.takes("C-1", "a")
	w.ends("C-1", "a")
	if d, err := w.Plan(w.as(auditor), contracts.DisposalQuestion{Preview: true, By: "2099-01-01"}); err != nil || d.State != "preview" || d.Records != 1 || d.Disposal != "" || d.Digest != "" {
		t.Errorf("%+v %v", d, err)
	}
	if all, err := w.Disposals(w.as(auditor)); err != nil || len(all) != 0 {
		t.Errorf("a preview is kept: %+v %v", all, err)
	}
	if _, err := w.Plan(w.as(auditor), contracts.DisposalQuestion{}); ruleOf(err) != "role " {
		t.Errorf("an auditor plans: %v", err)
	}
	if _, err := w.Plan(w.as(compliance), contracts.DisposalQuestion{By: "2099-01-01"}); ruleOf(err) != "question " {
		t.Errorf("planned for a day to come: %v", err)
	}
	d, err := w.Plan(w.as(compliance), contracts.DisposalQuestion{Purpose: "DM-01"})
	if err != nil {
		t.Fatal(err)
	}
	same := compliance
	same.Role = "admin" // another token of the same holder
	for what, who := range map[string]error{
		"an auditor approves": func() error { _, err := w.Approve(w.as(auditor), d.Disposal, ""); return err }(),
		"an auditor runs":     func() error { _, err := w.Run(w.as(auditor), d.Disposal, nil); return err }(),
	} {
		if ruleOf(who) != "role " {
			t.Errorf("%s: %v", what, who)
		}
	}
	for what, err := range map[string]error{
		"the planner approves":                    func() error { _, err := w.Approve(w.as(compliance), d.Disposal, ""); return err }(),
		"the planner approves with another token": func() error { _, err := w.Approve(w.as(same), d.Disposal, ""); return err }(),
		"run before approval":                     func() error { _, err := w.Run(w.as(compliance), d.Disposal, nil); return err }(),
		"a certificate of nothing":                func() error { _, err := w.Certificate(w.as(auditor), d.Disposal); return err }(),
	} {
		if ruleOf(err) != "refused not_permitted" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := w.Run(w.as(compliance), "d-none", nil); ruleOf(err) != "not_found " {
		t.Error(err)
	}
	if r := w.event("C-1", "deleted", `{"records":["a"],"cause":"request","run":"`+string(d.Disposal)+`"}`); r.Rule != "not_permitted" || r.Field != "/data/run" {
		t.Errorf("a deletion in the disposal's name from outside: %+v", r)
	}
	if r := w.event("", "disposal_approved", `{"disposal":"`+string(d.Disposal)+`","by":"staff:other","role":"admin","digest":"`+string(d.Digest)+`"}`); r.Rule != "not_permitted" {
		t.Errorf("an approval in somebody's name from outside: %+v", r)
	}
}

func TestS11_EveryRecordIsLookedAtOnceADay(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	if err := w.Scan(ctx); err != nil || w.gateway.Organisation().Scanned != nil {
		t.Fatalf("an empty register was scanned: %v", err)
	}
	w.takes("C-1", "a", "b")
	w.takes("C-2", "a", "b")
	w.ends("C-1", "a")
	w.ends("C-2", "a", "b")
	w.happened("C-2", "hold_placed", `{"case":"L-1","records":["b"]}`)
	for range 2 {
		if err := w.Scan(ctx); err != nil {
			t.Fatal(err)
		}
	}
	got := w.gateway.Organisation().Scanned
	want := events.Scan{On: got.On, Records: 4, Bound: 1, Held: 1, Due: 2}
	if got.Scan != want {
		t.Errorf("%+v", got.Scan)
	}
	at := got.At.Position
	if w.gateway.Organisation().Scanned.At.Position != at {
		t.Error("the day was scanned twice")
	}
	real := w.now
	w.now = func() time.Time { return real().AddDate(0, 0, 32) }
	if err := w.Scan(ctx); err != nil {
		t.Fatal(err)
	}
	if got := w.gateway.Organisation().Scanned; got.At.Position == at || got.Due != 2 || got.Overdue != 2 {
		t.Errorf("a month later: %+v", got.Scan)
	}
}

func TestS50_WhatAnotherPolicyWouldMove(t *testing.T) {
	w := newWorld(t)
	w.takes("C-1", "a", "b")
	w.ends("C-1", "a") // an ended purpose ends under any policy that knows it
	shipped := string(policies.Default().JSON())
	ask := func(from, to string) contracts.WhatIf {
		t.Helper()
		if !strings.Contains(shipped, from) {
			t.Fatalf("the policy no longer says %s", from)
		}
		out, err := w.WhatIf(w.as(auditor), []byte(strings.Replace(shipped, from, to, 1)))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if x := ask(`"version":"2025-10"`, `"version":"next"`); x.Version != "next" || x.Records != 2 || x.Same != 2 || x.Due != 0 || len(x.Purposes) != 0 {
		t.Errorf("the same under another name: %+v", x)
	}
	rule := `"id":"DM-01/contact","keep":"P24M"`
	if x := ask(rule, `"id":"DM-01/contact","keep":"P36M"`); x.Later != 1 || x.Same != 1 || x.Earlier != 0 || x.Purposes[0].Later != 1 {
		t.Errorf("longer: %+v", x)
	}
	if x := ask(rule, `"id":"DM-01/contact","keep":"P0D"`); x.Earlier != 1 || x.Same != 1 || x.Due != 1 || x.Purposes[0].Earlier != 1 {
		t.Errorf("not at all: %+v", x)
	}
	gone, err := w.WhatIf(w.as(auditor), []byte(strings.ReplaceAll(shipped, `"DM-01"`, `"DM-09"`)))
	if err != nil || gone.Lost != 2 || gone.Same+gone.Earlier+gone.Later != 0 || gone.Purposes[0].Lost != 2 {
		t.Errorf("without the purpose: %+v %v", gone, err)
	}
	if _, err := w.WhatIf(w.as(auditor), []byte(`{"version":1}`)); ruleOf(err) != "question " {
		t.Errorf("no catalogue: %v", err)
	}
}

func TestS51_HoldsArePlacedListedAndReleased(t *testing.T) {
	w := newWorld(t)
	p := w.takes("C-1", "a", "b")
	responder := intake.Caller{Role: "responder", Holder: "staff:responder"}
	order := contracts.HoldOrder{Case: "L-1", Person: "rental:C-1"}
	if r, err := w.Hold(w.as(responder), order); err != nil || r.Status != contracts.StatusRecorded {
		t.Fatalf("%+v %v", r, err)
	}
	all, err := w.Holds(w.as(auditor))
	if err != nil || len(all) != 1 || all[0].Case != "L-1" || all[0].Person != p || all[0].Records != 2 || all[0].Matter {
		t.Errorf("%+v %v", all, err)
	}
	w.ends("C-1", "a", "b")
	d := w.approved()
	if d, _ := w.runs(d.Disposal); d.Left["held"] != 2 {
		t.Errorf("%+v", d)
	}
	order.Release = true
	for what, x := range map[string]struct {
		who  intake.Caller
		h    contracts.HoldOrder
		want string
	}{
		"a responder releases": {responder, order, "role "},
		"an auditor places":    {auditor, contracts.HoldOrder{Case: "L-1", Person: "rental:C-1"}, "role "},
		"another case":         {compliance, contracts.HoldOrder{Case: "L-2", Person: "rental:C-1", Release: true}, "refused record_unknown"},
		"nobody":               {compliance, contracts.HoldOrder{Case: "L-1", Person: "rental:C-9"}, "not_found "},
		"no identifier":        {compliance, contracts.HoldOrder{Case: "L-1", Person: "C-1"}, "question "},
		"no case":              {compliance, contracts.HoldOrder{Person: "rental:C-1"}, "question "},
	} {
		if _, err := w.Hold(w.as(x.who), x.h); ruleOf(err) != x.want {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := w.Hold(w.as(compliance), order); err != nil {
		t.Fatal(err)
	}
	if all, err := w.Holds(w.as(auditor)); err != nil || len(all) != 0 {
		t.Errorf("after the release: %+v %v", all, err)
	}
	if d, _ := w.runs(d.Disposal); d.State != "done" || d.Disposed != 2 {
		t.Errorf("%+v", d)
	}
}
