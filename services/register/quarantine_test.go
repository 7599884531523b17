package register

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/rootkey"
	"github.com/daicho-dev/daicho/infra/sqlite"
	"github.com/daicho-dev/daicho/infra/vault"
	"github.com/daicho-dev/daicho/services/intake"
)

// ward is a register with what the quarantine needs of an engine.
type ward struct {
	t *testing.T
	*Register
}

func newWard(t *testing.T) *ward {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	log := memlog.New()
	root, err := rootkey.File(filepath.Join(dir, "root.key"))
	must(err)
	v, err := vault.Open(ctx, filepath.Join(dir, "vault"), root, vault.Options{})
	must(err)
	v.Level()
	states, err := sqlite.Open(ctx, filepath.Join(dir, "states.db"))
	must(err)
	g, err := intake.Open(ctx, log, v, states, nil, nil)
	must(err)
	g.Start()
	t.Cleanup(func() {
		_ = g.Close()
		_ = sqlite.Close(states)
		_ = v.Close()
		log.Close()
	})
	c := policies.Default()
	out, err := g.Submit(ctx, intake.Engine, []intake.Submission{intake.Own(events.TypePolicyPublished, events.Stream{Kind: "policy", ID: "main"},
		&events.PolicyPublished{Version: events.Word(c.Version), Catalogue: c.JSON()})})
	if err != nil || out[0].Status != contracts.StatusRecorded {
		t.Fatal(out, err)
	}
	return &ward{t, &Register{Log: log, Vault: v, Gateway: g, Now: time.Now}}
}

func (w *ward) as(role events.Word, walls ...events.Word) context.Context {
	return WithCaller(w.t.Context(), intake.Caller{Role: role, Holder: events.Identifier("staff:" + string(role)), Sources: []string{"/"}, Walls: walls})
}

// submits sends events of one request, and gives the rule that refused each, or what else became of it.
func (w *ward) submits(all ...string) (became []string) {
	w.t.Helper()
	var subs []intake.Submission
	for _, e := range all {
		subs = append(subs, intake.ReadStructured([]byte(e)))
	}
	out, err := w.Gateway.Submit(w.t.Context(), intake.Caller{Role: "admin", Holder: "staff:admin"}, subs)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range out {
		became = append(became, strings.TrimPrefix(string(r.Status)+" "+r.Rule, "refused "))
	}
	return became
}

// rules are those under which something is kept, the newest first.
func (w *ward) rules() []string {
	w.t.Helper()
	all, err := w.Quarantined(w.as("compliance"))
	if err != nil {
		w.t.Fatal(err)
	}
	rules := []string{}
	for _, i := range all {
		rules = append(rules, i.Rule)
	}
	return rules
}

// resends by a rule, and gives what became of each.
func (w *ward) resends(rule string) (became []string) {
	w.t.Helper()
	out, err := w.Resend(w.as("compliance"), contracts.QuarantineOrder{Rule: rule})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range out.Results {
		became = append(became, strings.TrimSpace(string(r.Status)+" "+r.Rule))
	}
	return became
}

func event(id, source, typ, subject, at, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":%q,"type":"daicho.%s.v1","subject":%q,"time":"2026-10-01T03:00:%sZ","data":%s}`, id, source, typ, subject, at, data)
}

func rents(purpose, location string) string {
	return fmt.Sprintf(`{"records":[{"key":"k","category":"pd:Name","value":"canary"}],"purposes":[{"id":%q,"basis":"contract"}],"operation":"rental","location":%q,"channel":"counter","notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"customer","country":"JP"}}`, purpose, location)
}

func TestResend(t *testing.T) {
	w := newWard(t)
	again := func(id, key string) string {
		return event(id, "/rental/web", "corrected", "rental:A", "0"+id, fmt.Sprintf(`{"record":%q,"value":"canary-%s"}`, key, id))
	}
	// In one moment, and the later first: they are sent again as they happened.
	if got := w.submits(again("3", "k"), again("2", "k"), again("4", "none")); !slices.Equal(got, []string{"person_unknown", "person_unknown", "person_unknown"}) {
		t.Fatal(got)
	}
	if got := w.resends("person_unknown"); !slices.Equal(got, []string{"refused person_unknown", "refused person_unknown", "refused person_unknown"}) || len(w.rules()) != 3 {
		t.Errorf("nothing is mended, but %v, and %v are kept", got, w.rules())
	}
	if got := w.submits(event("1", "/rental/web", "collected", "rental:A", "01", rents("SVC-01", "rental-db"))); got[0] != "recorded " {
		t.Fatal(got)
	}
	if got := w.resends("person_unknown"); !slices.Equal(got, []string{"recorded", "recorded", "refused record_unknown"}) {
		t.Errorf("mended: %v", got)
	}
	if got := w.rules(); !slices.Equal(got, []string{"record_unknown"}) {
		t.Errorf("kept are then %v", got)
	}
	kept, err := w.Vault.Quarantined(t.Context(), 10, true)
	if err != nil || !strings.Contains(string(kept[0].Body), "canary-4") || kept[0].Source != "/rental/web" {
		t.Errorf("%v %v", kept, err)
	}
	var last []time.Time
	for batch, err := range w.Log.Scan(t.Context(), 0, contracts.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			if batch[i].Type == events.TypeCorrected {
				last = append(last, batch[i].Time)
			}
		}
	}
	if len(last) != 2 || !last[0].Before(last[1]) {
		t.Errorf("recorded in the order %v", last)
	}
	if got := w.resends("record_unknown"); !slices.Equal(got, []string{"refused record_unknown"}) || len(w.rules()) != 1 {
		t.Errorf("again: %v, kept are %v", got, w.rules())
	}

	// What the policy forbids to take is not kept any longer, once that is known; what was recorded elsewhere meanwhile is a duplicate, and gone.
	if err := errors.Join(w.Vault.Release(t.Context(), []string{kept[0].ID}), w.Vault.Quarantine(t.Context(), []contracts.Quarantined{
		{ID: "never", At: time.Now(), Rule: "undecided", Subject: "rental:B", Body: []byte(event("b", "/rental/web", "collected", "rental:B", "01", rents("HR-01", "rental-db")))},
		{ID: "twice", At: time.Now(), Rule: "undecided", Subject: "rental:A", Body: []byte(event("1", "/rental/web", "collected", "rental:A", "01", rents("SVC-01", "rental-db")))},
		{ID: "noise", At: time.Now(), Rule: "unreadable", Body: []byte("canary, but no event")},
	})); err != nil {
		t.Fatal(err)
	}
	out, err := w.Resend(w.as("admin"), contracts.QuarantineOrder{IDs: []string{"twice", "never"}})
	if err != nil || len(out.Results) != 2 || !slices.Equal(w.rules(), []string{"unreadable"}) {
		t.Errorf("%+v %v, kept are %v", out, err, w.rules())
	}
	if got := w.resends("unreadable"); !slices.Equal(got, []string{"refused schema"}) || !slices.Equal(w.rules(), []string{"schema"}) {
		t.Errorf("noise: %v, kept are %v", got, w.rules())
	}

	var p *contracts.Problem
	for _, o := range []contracts.QuarantineOrder{{}, {IDs: []string{"none"}}, {IDs: []string{"x"}, Rule: "schema"}} {
		if _, err := w.Resend(w.as("compliance"), o); !errors.As(err, &p) || p.Status < 400 || p.Status > 404 {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, role := range []events.Word{"emitter", "auditor", "responder"} {
		if _, err := w.Resend(w.as(role), contracts.QuarantineOrder{Rule: "schema"}); !errors.As(err, &p) || p.Status != 403 {
			t.Errorf("%s: %v", role, err)
		}
	}
}

// A submission is shown after the look is in the log: in the history of whoever is known, and once for all that was seen. What lies behind a
// wall is shown to who is cleared for it.
func TestLookAtTheQuarantine(t *testing.T) {
	w := newWard(t)
	if got := w.submits(event("1", "/rental/web", "collected", "rental:A", "01", rents("SVC-01", "rental-db"))); got[0] != "recorded " {
		t.Fatal(got)
	}
	payroll := `{"records":[{"key":"k","category":"pd:Name","value":"canary-hr"}],"purposes":[{"id":"HR-01b","basis":"contract"}],"operation":"hr","location":"moon","channel":"form","notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"employee","country":"JP"}}`
	if got := w.submits(
		event("2", "/rental/web", "collected", "rental:A", "02", rents("SVC-01", "moon")),
		event("3", "/rental/web", "collected", "rental:B", "03", rents("SVC-01", "moon")),
		event("4", "/hr/payroll", "collected", "employee:E", "04", payroll),
		"canary, but no event",
	); !slices.Equal(got, []string{"unknown_location", "unknown_location", "unknown_location", "schema"}) {
		t.Fatal(got)
	}
	looks := func() (all []string) {
		t.Helper()
		for batch, err := range w.Log.Scan(t.Context(), 0, contracts.Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			for i := range batch {
				e := &batch[i]
				if e.Type == events.TypeAccessed || e.Type == events.TypeQuarantineRead {
					if strings.Contains(string(e.Data), "staff:") || !strings.Contains(string(e.Data), `"person:`) || !strings.Contains(string(e.Data), "DSR-01") {
						t.Errorf("%s holds %s", e.Type, e.Data)
					}
					all = append(all, events.Short(e.Type))
				}
			}
		}
		return all
	}
	shown := func(rule string, ctx context.Context) string {
		t.Helper()
		out, err := w.OpenQuarantined(ctx, contracts.QuarantineQuestion{Rule: rule, Purpose: "DSR-01"})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var p *contracts.Problem
	for want, q := range map[int]struct {
		ctx context.Context
		q   contracts.QuarantineQuestion
	}{
		400: {w.as("compliance"), contracts.QuarantineQuestion{}},
		403: {w.as("auditor"), contracts.QuarantineQuestion{Purpose: "DSR-01"}},
		404: {w.as("compliance"), contracts.QuarantineQuestion{Purpose: "DSR-01", IDs: []string{"none"}}},
	} {
		if _, err := w.OpenQuarantined(q.ctx, q.q); !errors.As(err, &p) || p.Status != want {
			t.Errorf("%+v: %v, want %d", q.q, err, want)
		}
	}
	if got := looks(); len(got) != 0 {
		t.Errorf("what was not shown is looked at: %v", got)
	}
	if got := shown("schema", w.as("admin")); strings.Contains(got, "canary") || len(looks()) != 0 {
		t.Errorf("what cannot be read may be behind any wall, but is shown: %s", got)
	}
	got := shown("unknown_location", w.as("compliance"))
	if strings.Count(got, `"canary"`) != 2 || strings.Contains(got, "canary-hr") || !strings.Contains(got, `"withheld":"personnel"`) {
		t.Errorf("shown is %s", got)
	}
	if got := looks(); !slices.Equal(got, []string{"quarantine_read", "accessed"}) && !slices.Equal(got, []string{"accessed", "quarantine_read"}) {
		t.Errorf("the looks are %v", got)
	}
	if got := shown("unknown_location", w.as("compliance", "personnel")); !strings.Contains(got, "canary-hr") {
		t.Errorf("who is cleared sees %s", got)
	}
	var every []events.Word
	for _, wall := range w.Gateway.Organisation().Policy.Walls {
		every = append(every, wall.ID)
	}
	if got := shown("schema", w.as("compliance", every...)); !strings.Contains(got, `"text":"canary, but no event"`) {
		t.Errorf("who is cleared for everything sees %s", got)
	}
}
