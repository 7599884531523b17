package reviews_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/infra/rootkey"
	"github.com/daicho-dev/daicho/infra/sqlite"
	"github.com/daicho-dev/daicho/infra/vault"
	"github.com/daicho-dev/daicho/projections/evidence"
	"github.com/daicho-dev/daicho/projections/retention"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/models"
	"github.com/daicho-dev/daicho/services/register"
	"github.com/daicho-dev/daicho/services/reviews"
	"github.com/daicho-dev/daicho/services/simulate"
)

// office is an engine's parts, and the day on which it is asked.
type office struct {
	t        *testing.T
	log      contracts.Log
	gateway  *intake.Gateway
	register *register.Register
	*reviews.Service
	caller intake.Caller
	today  time.Time
	n      int
}

func newOffice(t *testing.T) *office {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	log := memlog.New()
	o := &office{t: t, log: log}
	root, err := rootkey.File(filepath.Join(dir, "root.key"))
	must(err)
	v, err := vault.Open(ctx, filepath.Join(dir, "vault"), root, vault.Options{})
	must(err)
	v.Level()
	states, err := sqlite.Open(ctx, filepath.Join(dir, "states.db"))
	must(err)
	o.gateway, err = intake.Open(ctx, o.log, v, states, nil, nil)
	must(err)
	o.gateway.Start()
	shown, err := models.Open(ctx, "evidence", sqlite.File(filepath.Join(dir, "evidence.db")), o.log, evidence.New(register.Needed(), register.Shows))
	must(err)
	shown.Start()
	deadlines, err := models.Open(ctx, "retention", sqlite.File(filepath.Join(dir, "retention.db")), o.log, retention.New)
	must(err)
	deadlines.Start()
	now := func() time.Time { return o.today }
	o.Service = reviews.New(o.gateway, v, now)
	o.register = &register.Register{Log: o.log, Vault: v, Gateway: o.gateway, Evidence: shown, Retention: deadlines, Now: now}
	t.Cleanup(func() {
		_ = o.gateway.Close()
		_, _ = shown.Close(), deadlines.Close()
		_ = sqlite.Close(states)
		_ = v.Close()
		log.Close()
	})
	o.on("2025-01-06T10:00:00+09:00")
	c := policies.Default()
	first := intake.Own(events.TypePolicyPublished, events.Stream{Kind: "policy", ID: "main"}, &events.PolicyPublished{Version: events.Word(c.Version), Catalogue: c.JSON()})
	first.Time = o.today
	o.caller = intake.Engine
	o.submit(first)
	o.caller = intake.Caller{Role: "admin", Holder: "staff:office"}
	return o
}

func (o *office) on(moment string) *office {
	o.t.Helper()
	at, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		o.t.Fatal(err)
	}
	o.today = at
	return o
}

func (o *office) submit(s intake.Submission) {
	o.t.Helper()
	out, err := o.gateway.Submit(o.t.Context(), o.caller, []intake.Submission{s})
	if err != nil || out[0].Status != contracts.StatusRecorded {
		o.t.Fatalf("%s: %+v, %v", s.Type, out, err)
	}
}

// tells records an event of the office's on the day.
func (o *office) tells(typ, data string) {
	o.t.Helper()
	o.n++
	o.submit(intake.ReadStructured(fmt.Appendf(nil, `{"specversion":"1.0","id":"o-%d","source":"/privacy/office","type":"daicho.%s.v1","time":%q,"data":%s}`,
		o.n, typ, o.today.Format(time.RFC3339), data)))
}

// reviewed is a review of some things on the day; each has a name of its own.
func (o *office) reviewed(outcome string, subjects ...string) string {
	o.t.Helper()
	id := fmt.Sprintf("r-%d", o.n)
	o.tells("review_held", fmt.Sprintf(`{"review":%q,"subjects":["%s"],"outcome":%q,"note":"議事録 %s"}`, id, strings.Join(subjects, `","`), outcome, id))
	return id
}

func as(role events.Word) context.Context {
	return register.WithCaller(context.Background(), intake.Caller{Role: role, Holder: "staff:reader"})
}

// sentence is what `daicho obligations` says of one.
func (o *office) sentence(id string) contracts.Obligation {
	o.t.Helper()
	all, err := o.register.Obligations(as("auditor"))
	if err != nil {
		o.t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(x contracts.Obligation) bool { return x.ID == id })
	return all[i]
}

func (o *office) is(id, state string, says ...string) {
	o.t.Helper()
	x := o.sentence(id)
	if x.State != state {
		o.t.Errorf("%s on %s is %s, not %s: %q", id, o.today.Format(time.DateOnly), x.State, state, x.Caveats)
	}
	for _, s := range says {
		if !strings.Contains(strings.Join(x.Caveats, "\n"), s) {
			o.t.Errorf("%s does not say %q: %q", id, s, x.Caveats)
		}
	}
}

func TestS5_TheWorldOutsideIsLookedAtInItsCycle(t *testing.T) {
	o := newOffice(t)
	o.is("S5", "gap", "None is recorded yet of: reviews of trends in information technology; the first is due by 2025-07-06")
	o.reviewed("adequate", "technology", "public")
	o.is("S5", "gap", "None is recorded yet of: reviews of the economic environment")
	o.reviewed("adequate", "economy")
	o.is("S5", "kept", "is what whoever held it says")
	if ev := o.sentence("S5").Evidence; len(ev) != 3 || ev[0].Count != 1 || !ev[0].Since.Equal(o.today) {
		t.Errorf("evidence %+v", ev)
	}
	o.on("2025-07-06T23:59:59+09:00").is("S5", "kept")
	o.on("2025-07-07T00:00:00+09:00").is("S5", "gap", "Overdue since 2025-07-06 (by its cycle): reviews of trends in information technology", "expectations of the public")
	o.reviewed("adequate", "technology", "public")
	o.is("S5", "kept", "2 reviews were held after their last day.")
}

func TestS26_TheManagementSystemIsReviewedAlsoWhenThePolicyChanges(t *testing.T) {
	o := newOffice(t)
	o.reviewed("adequate", "law")
	o.is("S26", "gap", "None is recorded yet of: reviews of the management system itself")
	o.reviewed("adequate", "system")
	o.is("S26", "kept")
	o.tells("review_planned", `{"review":"plan-1","subjects":["law"],"reason":"law_changed","due":"2025-02-28"}`)
	o.on("2025-02-28T23:00:00+09:00").is("S26", "kept")
	o.on("2025-03-01T00:00:00+09:00").is("S26", "gap", "Overdue since 2025-02-28 (as planned): reviews of laws, guidelines and norms")
	o.tells("review_held", `{"review":"plan-1","subjects":["law"],"outcome":"adequate","note":"x"}`)
	o.is("S26", "kept", "1 reviews were held after their last day.")

	doc := bytes.Replace(policies.Default().JSON(), []byte(`"version":"2025-10"`), []byte(`"version":"2025-11"`), 1)
	o.tells("policy_published", fmt.Sprintf(`{"version":"2025-11","catalogue":%s}`, bytes.Replace(doc, []byte(`"effective":"2025-10-01"`), []byte(`"effective":"2025-03-01"`), 1)))
	o.is("S26", "kept")
	o.on("2025-04-01T00:00:00+09:00").is("S26", "gap", "Overdue since 2025-03-31 (after a change of the policy): reviews of the management system itself")
	o.reviewed("adequate", "system")
	o.is("S26", "kept")
}

func TestS6_ImprovementComesOfReviewsAndIsDone(t *testing.T) {
	o := newOffice(t)
	o.is("S6", "unproved", "The log shows nothing yet of: improvement actions opened, each with its cause.")
	id := o.reviewed("improve", "system")
	o.on("2025-01-07T00:00:00+09:00").is("S6", "gap", "1 reviews asked for improvement, and no action has come of them")
	o.tells("improvement_opened", fmt.Sprintf(`{"improvement":"i-1","cause":{"kind":"review","id":%q},"due":"2025-02-28","note":"x"}`, id))
	o.is("S6", "unproved", "The log shows nothing yet of: improvement actions completed, with evidence.")
	o.on("2025-03-01T00:00:00+09:00").is("S6", "gap", "1 improvement actions are open after their last day")
	o.tells("improvement_completed", `{"improvement":"i-1","evidence":"PRO-12"}`)
	o.is("S6", "kept", "the register does not judge it")
	o.tells("improvement_opened", `{"improvement":"i-2","cause":{"kind":"audit"},"due":"2025-04-30","note":"x"}`)
	o.tells("improvement_dropped", `{"improvement":"i-2","note":"x"}`)
	o.is("S6", "kept", "1 improvement actions were dropped")
}

func TestS27_ImprovementIsMeasuredAndDoesNotEnd(t *testing.T) {
	o := newOffice(t)
	open := func(id, due string) {
		o.tells("improvement_opened", fmt.Sprintf(`{"improvement":%q,"cause":{"kind":"audit"},"due":%q,"note":"x"}`, id, due))
	}
	open("i-1", "2025-01-31")
	o.on("2025-02-01T00:00:00+09:00").is("S27", "gap", "1 improvement actions are open after their last day")
	o.tells("improvement_completed", `{"improvement":"i-1","evidence":"x"}`)
	o.is("S27", "unproved", "The log shows nothing yet of: improvement actions completed by their last day.", "1 improvement actions were completed after their last day.")
	open("i-2", "2025-02-01")
	o.tells("improvement_completed", `{"improvement":"i-2","evidence":"x"}`)
	o.is("S27", "kept")
	o.on("2026-02-01T23:00:00+09:00").is("S27", "kept")
	o.on("2026-02-02T00:00:00+09:00").is("S27", "gap", "The last improvement was completed on 2025-02-01; the policy in force wants one every P1Y at least.")
}

// What is due stands first, by its day; what a list counts is what it lists.
func TestS5_S27_WhatIsDueIsListedFirst(t *testing.T) {
	o := newOffice(t)
	first := o.reviewed("improve", "system", "law")
	o.tells("review_planned", `{"review":"later","subjects":["law"],"reason":"audit","due":"2025-03-31"}`)
	o.tells("review_planned", `{"review":"sooner","subjects":["technology"],"reason":"incident","due":"2025-02-10"}`)
	o.tells("improvement_opened", fmt.Sprintf(`{"improvement":"i-late","cause":{"kind":"review","id":%q},"due":"2025-01-31","note":"x"}`, first))
	o.tells("improvement_opened", `{"improvement":"i-done","cause":{"kind":"audit"},"due":"2025-01-31","note":"x"}`)
	o.tells("improvement_opened", `{"improvement":"i-open","cause":{"kind":"audit"},"due":"2025-06-30","note":"x"}`)
	o.tells("improvement_opened", `{"improvement":"i-gone","cause":{"kind":"audit"},"due":"2025-06-30","note":"x"}`)
	o.on("2025-02-11T09:00:00+09:00").tells("improvement_completed", `{"improvement":"i-done","evidence":"x"}`)
	o.tells("improvement_dropped", `{"improvement":"i-gone","note":"x"}`)

	all, err := o.Reviews(as("auditor"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range all.Reviews {
		got = append(got, fmt.Sprint(r.ID, " ", r.State, " ", r.Improvements))
	}
	for _, c := range all.Cycles {
		got = append(got, fmt.Sprint(c.Subject, " ", c.State, " ", c.Due, " ", c.Because))
	}
	if want := []string{
		"sooner overdue 0", "later planned 0", first + " held 1",
		"technology overdue 2025-02-10 plan", "public never 2025-07-06 cycle", "economy never 2026-01-06 cycle", "law due 2025-03-31 plan", "system due 2026-01-06 cycle",
	}; !slices.Equal(got, want) || all.On != "2025-02-11" {
		t.Errorf("on %s: %q", all.On, got)
	}
	for state, want := range map[string]string{
		"": "[i-late overdue i-open open i-done completed i-gone dropped]", "open": "[i-late overdue i-open open]", "overdue": "[i-late overdue]",
		"completed": "[i-done completed]", "dropped": "[i-gone dropped]",
	} {
		list, err := o.Improvements(as("compliance"), contracts.ImprovementQuestion{State: state})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, i := range list.Improvements {
			got = append(got, string(i.ID)+" "+i.State)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", state, got, want)
		}
		if list.Open != 2 || list.Overdue != 1 || list.Completed != 1 || list.Late != 1 || list.Dropped != 1 {
			t.Errorf("%s counts %+v", state, list)
		}
	}
	if r, i := o.Overdue(); r != 1 || i != 1 {
		t.Errorf("%d reviews and %d actions overdue", r, i)
	}
	var p *contracts.Problem
	if _, err := o.Improvements(as("compliance"), contracts.ImprovementQuestion{State: "soon"}); !errors.As(err, &p) || p.Status != 400 {
		t.Errorf("an unknown state: %v", err)
	}
	if _, err := o.Review(as("auditor"), "no-such"); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("an unknown review: %v", err)
	}
	if _, err := o.Improvement(as("auditor"), "no-such"); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("an unknown action: %v", err)
	}
	if _, err := o.Reviews(as("emitter")); !errors.As(err, &p) || p.Status != 403 {
		t.Errorf("an emitter asks: %v", err)
	}
}

// Words are opened for compliance, after the look is in the log under whoever looked; an auditor reads none.
func TestS5_WordsAreReadAfterTheLookIsRecorded(t *testing.T) {
	o := newOffice(t)
	id := events.ID(o.reviewed("improve", "system"))
	o.tells("improvement_opened", fmt.Sprintf(`{"improvement":"i-1","cause":{"kind":"review","id":%q},"due":"2025-02-28","note":"手順書"}`, id))
	o.tells("improvement_completed", `{"improvement":"i-1","evidence":{"document":"PRO-12"},"note":"済"}`)
	looks := func() (n int) {
		for batch, err := range o.log.Scan(t.Context(), 0, contracts.Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range batch {
				if e.Type == events.TypeReviewRead || e.Type == events.TypeImprovementRead {
					n++
				}
			}
		}
		return n
	}
	var p *contracts.Problem
	for _, role := range []events.Word{"auditor", "responder", "emitter"} {
		if _, err := o.ReviewNotes(as(role), id); !errors.As(err, &p) || p.Status != 403 || looks() != 0 {
			t.Errorf("%s reads: %v", role, err)
		}
	}
	if _, err := o.ReviewNotes(as("compliance"), "no-such"); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("an unknown review: %v", err)
	}
	n, err := o.ReviewNotes(as("compliance"), id)
	if err != nil || len(n.Notes) != 1 || *n.Notes[0].Text != "議事録 "+string(id) || looks() != 1 {
		t.Errorf("%+v, %v, %d looks", n, err, looks())
	}
	n, err = o.ImprovementNotes(as("compliance"), "i-1")
	var got []string
	for _, x := range n.Notes {
		got = append(got, x.Event+" "+x.What+" "+*x.Text)
	}
	if want := []string{"improvement_opened note 手順書", `improvement_completed evidence {"document":"PRO-12"}`, "improvement_completed note 済"}; err != nil || !slices.Equal(got, want) || looks() != 2 {
		t.Errorf("%q, %v, %d looks", got, err, looks())
	}
}

// deaf takes no look.
type deaf struct{ *intake.Gateway }

func (deaf) Submit(context.Context, intake.Caller, []intake.Submission) ([]contracts.Receipt, error) {
	return []contracts.Receipt{{Status: contracts.StatusRefused, Rule: "not_permitted"}}, nil
}

// A look that cannot be recorded is not taken.
func TestS5_NothingIsReadWithoutTheLookInTheLog(t *testing.T) {
	o := newOffice(t)
	id := o.reviewed("improve", "system")
	var p *contracts.Problem
	n, err := reviews.New(deaf{o.gateway}, o.register.Vault, o.register.Now).ReviewNotes(as("compliance"), events.ID(id))
	if !errors.As(err, &p) || p.Status != 409 || p.Code != "look" || len(n.Notes) > 0 {
		t.Errorf("%+v, %v", n, err)
	}
}

// The simulated company governs itself: its year is recorded whole, and at its end the four sentences are kept, with what was late said.
func TestS5_S6_S26_S27_TheSimulatedYearIsGoverned(t *testing.T) {
	o := newOffice(t)
	start := o.today.UTC().Truncate(24 * time.Hour)
	var year bytes.Buffer
	if err := simulate.Year(&year, simulate.Options{Days: 365, Seed: 7, Start: start}, nil); err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(year.Bytes()) {
		o.submit(intake.ReadStructured(bytes.TrimSpace(line)))
	}
	o.today = start.AddDate(0, 0, 365)
	o.is("S5", "kept")
	o.is("S6", "kept", "1 improvement actions were dropped")
	o.is("S26", "kept")
	o.is("S27", "kept", "1 improvement actions were completed after their last day.")
	list, err := o.Improvements(as("auditor"), contracts.ImprovementQuestion{})
	if err != nil || list.Open != 1 || list.Overdue != 0 || list.Completed != 3 || list.Late != 1 || list.Dropped != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}

// A look at every record shows that none is there without a purpose for the day and the next, no longer.
func TestS11_ALookThatIsOldIsAGap(t *testing.T) {
	o := newOffice(t)
	o.caller = intake.Engine
	o.submit(intake.Own(events.TypeDisposalScanned, events.Stream{Kind: "disposal", ID: organisation.ScanID}, &events.Scan{On: "2025-01-06"}))
	o.on("2025-01-07T10:00:00+09:00").is("S11", "kept")
	o.on("2025-01-08T10:00:00+09:00").is("S11", "gap", "The last look at every record was on 2025-01-06")
}
