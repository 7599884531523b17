package organisation_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/policy"
)

// office is the organisation's side of a log, at a moment: what is decided is folded.
type office struct {
	t     *testing.T
	state *organisation.State
	at    time.Time
	n     events.Position
}

const governed = `{"version":"1","zone":"Asia/Tokyo","categories":[{"id":"pd:Name","label":{"en":"N"}}],"sources":["/privacy/office"],
	"governance":{"reviews":[{"subject":"technology","every":"P6M"},{"subject":"law","every":"P90D"},{"subject":"system","every":"P1Y","changed":"P30D"}],"improvement":"P1Y"},
	"purposes":[{"id":"A","text":{"en":"x"},"categories":["pd:Name"],"bases":{"default":["contract"]},"role":"controller","disclosable":true,
		"retention":[{"id":"r","from":"collected","keep":"P30D"}]}]}`

func newOffice(t *testing.T) *office {
	o := &office{t: t, state: organisation.New()}
	o.on("2026-01-01T09:00:00+09:00")
	o.does(events.TypePolicyPublished, &events.PolicyPublished{Version: "1", Catalogue: []byte(governed)})
	return o
}

func (o *office) on(moment string) *office {
	o.t.Helper()
	at, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		o.t.Fatal(err)
	}
	o.at = at
	return o
}

func (o *office) decide(typ string, f events.Fact) *events.Refusal {
	o.t.Helper()
	kind, ok := events.KindOf(typ)
	if !ok {
		o.t.Fatal(typ)
	}
	known := func(st events.Stream) bool { return st == events.Stream{Kind: "incident", ID: "inc-1"} }
	return organisation.Decide(o.state, organisation.Submission{Kind: kind, Source: "/privacy/office", Time: o.at, Fact: f, Known: known}, o.at)
}

func (o *office) does(typ string, f events.Fact) {
	o.t.Helper()
	if r := o.decide(typ, f); r != nil {
		o.t.Fatalf("%s: %v", typ, r)
	}
	st := events.Stream{Kind: "policy", ID: "main"}
	switch f := f.(type) {
	case *events.Review:
		st = events.Stream{Kind: "review", ID: string(f.Review)}
	case *events.Improvement:
		st = events.Stream{Kind: "improvement", ID: string(f.Improvement)}
	}
	events.Walk(f, events.Carrying{Secret: func(_ string, s *events.Secret) { s.At(1); s.Close([]byte("box")) }})
	data, err := events.Encode(f)
	if err != nil {
		o.t.Fatal(err)
	}
	o.n++
	if o.state, err = o.state.With(&events.Event{Stream: st, Type: typ, Time: o.at, Position: o.n, Data: data}); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) refuses(what, typ string, f events.Fact, want string) {
	o.t.Helper()
	r := o.decide(typ, f)
	if r == nil || r.Rule+" "+r.Field != want {
		o.t.Errorf("%s: want %s, got %v", what, want, r)
	}
}

// due is when something is due for review, why, and whether that has passed: "2026-07-01 cycle overdue".
func (o *office) due(subject events.Word) string {
	o.t.Helper()
	for _, c := range o.state.Cycles() {
		if c.Subject == subject {
			s := c.Due.String() + " " + string(c.Because)
			if c.Overdue(o.state.Policy.On(o.at)) {
				s += " overdue"
			}
			return s
		}
	}
	return "not looked at"
}

func note(s string) events.Secret {
	b, _ := json.Marshal(s)
	return events.Clear(b)
}

func held(id events.ID, subjects ...events.Word) *events.Review {
	return &events.Review{Review: id, Subjects: subjects, By: "person:a", Outcome: "adequate", Note: note("looked")}
}

func planned(id events.ID, due events.Day, subjects ...events.Word) *events.Review {
	return &events.Review{Review: id, Subjects: subjects, By: "person:a", Reason: "law_changed", Due: due}
}

// A review is due on the last day of its cycle in the company's zone, and overdue from the next day's first second.
func TestS5_ACycleIsOverAtMidnightInTheCompanysZone(t *testing.T) {
	o := newOffice(t)
	if got := o.due("technology"); got != "2026-07-01 cycle" {
		t.Errorf("never held: %s", got)
	}
	// In London both are on the 10th; in Tokyo it is half an hour before and after midnight.
	o.on("2026-01-10T14:30:00Z").does(events.TypeReviewHeld, held("r-1", "technology"))
	if got := o.due("technology"); got != "2026-07-10 cycle" {
		t.Errorf("held before midnight: %s", got)
	}
	o.on("2026-01-10T15:30:00Z").does(events.TypeReviewHeld, held("r-2", "technology"))
	if got := o.due("technology"); got != "2026-07-11 cycle" {
		t.Errorf("held after midnight: %s", got)
	}
	for moment, want := range map[string]string{"2026-07-11T14:59:59Z": "2026-07-11 cycle", "2026-07-11T15:00:00Z": "2026-07-11 cycle overdue"} {
		if got := o.on(moment).due("technology"); got != want {
			t.Errorf("at %s: %s, want %s", moment, got, want)
		}
	}
	late := held("r-3", "technology")
	o.on("2026-07-11T15:00:00Z").does(events.TypeReviewHeld, late)
	if !slices.Equal(o.state.Reviews["r-3"].Held.Late, []events.Word{"technology"}) || len(o.state.Reviews["r-2"].Held.Late) > 0 {
		t.Errorf("late: %v, %v", o.state.Reviews["r-3"].Held.Late, o.state.Reviews["r-2"].Held.Late)
	}
	if got := o.due("technology"); got != "2027-01-12 cycle" {
		t.Errorf("held late: %s", got)
	}
	// What is told later of an earlier review sets nothing back.
	o.on("2026-03-01T00:00:00Z").does(events.TypeReviewHeld, held("r-0", "technology"))
	if got := o.due("technology"); got != "2027-01-12 cycle" {
		t.Errorf("an earlier review, told later: %s", got)
	}
}

// A plan, the last review's own wish and another policy each bring the day forward; none puts it off.
func TestS26_TheSystemIsReviewedSoonerWhenLawsOrThePolicyChange(t *testing.T) {
	o := newOffice(t)
	o.on("2026-01-05T10:00:00+09:00").does(events.TypeReviewHeld, held("r-1", "law", "system"))
	o.on("2026-01-20T10:00:00+09:00").does(events.TypeReviewPlanned, planned("r-2", "2026-02-10", "law"))
	if got := o.due("law"); got != "2026-02-10 plan" {
		t.Errorf("planned: %s", got)
	}
	if got := o.due("system"); got != "2027-01-05 cycle" {
		t.Errorf("not planned: %s", got)
	}
	o.does(events.TypeReviewPlanned, planned("r-2", "2026-06-30", "law"))
	if got := o.due("law"); got != "2026-04-05 cycle" || o.state.Reviews["r-2"].Moved != 1 {
		t.Errorf("a plan after the cycle: %s, moved %d times", got, o.state.Reviews["r-2"].Moved)
	}
	h := held("r-2", "law")
	h.Next = "2026-03-01"
	o.on("2026-02-01T10:00:00+09:00").does(events.TypeReviewHeld, h)
	if got := o.due("law"); got != "2026-03-01 review" {
		t.Errorf("as the review asked: %s", got)
	}

	next := strings.Replace(governed, `"version":"1"`, `"version":"2"`, 1)
	o.on("2026-03-10T10:00:00+09:00").does(events.TypePolicyPublished, &events.PolicyPublished{Version: "2", Catalogue: []byte(next)})
	if got := o.due("system"); got != "2026-04-09 change" {
		t.Errorf("another policy: %s", got)
	}
	if got := o.due("law"); got != "2026-03-01 review overdue" {
		t.Errorf("law: %s", got)
	}
	o.on("2026-04-10T00:00:00+09:00")
	if got := o.due("system"); got != "2026-04-09 change overdue" {
		t.Errorf("a month after another policy: %s", got)
	}
	o.does(events.TypeReviewHeld, held("r-4", "law", "system"))
	if got := o.due("system"); got != "2027-04-10 cycle" {
		t.Errorf("reviewed after another policy: %s", got)
	}
	if late := o.state.Reviews["r-4"].Held.Late; !slices.Equal(late, []events.Word{"law", "system"}) {
		t.Errorf("late for %v", late)
	}
}

func TestS5_WhatIsNoReviewIsRefused(t *testing.T) {
	o := newOffice(t)
	o.on("2026-01-05T10:00:00+09:00").does(events.TypeReviewPlanned, planned("r-1", "2026-02-10", "law", "system"))
	o.does(events.TypeReviewHeld, held("r-0", "technology"))
	for _, x := range []struct {
		what, want, typ string
		f               *events.Review
		change          func(f *events.Review)
	}{
		{"nobody", "schema /data/by", events.TypeReviewHeld, held("r-2", "law"), func(f *events.Review) { f.By = "" }},
		{"of nothing", "schema /data/subjects", events.TypeReviewHeld, held("r-2"), nil},
		{"of one thing twice", "schema /data/subjects/1", events.TypeReviewHeld, held("r-2", "law", "law"), nil},
		{"of what the policy does not ask for", "unknown_word /data/subjects/1", events.TypeReviewHeld, held("r-2", "law", "economy"), nil},
		{"no outcome", "schema /data/outcome", events.TypeReviewHeld, held("r-2", "law"), func(f *events.Review) { f.Outcome = "" }},
		{"no words", "schema /data/note", events.TypeReviewHeld, held("r-2", "law"), func(f *events.Review) { f.Note = events.Secret{} }},
		{"held with a plan's day", "schema /data", events.TypeReviewHeld, held("r-2", "law"), func(f *events.Review) { f.Due = "2026-03-01" }},
		{"held with a plan's reason", "schema /data", events.TypeReviewHeld, held("r-2", "law"), func(f *events.Review) { f.Reason = "cycle" }},
		{"the next on the same day", "schema /data/next", events.TypeReviewHeld, held("r-2", "law"), func(f *events.Review) { f.Next = "2026-01-05" }},
		{"the next after the cycle", "not_permitted /data/next", events.TypeReviewHeld, held("r-2", "law"), func(f *events.Review) { f.Next = "2026-04-06" }},
		{"held twice", "key_taken /data/review", events.TypeReviewHeld, held("r-0", "technology"), nil},
		{"less than was planned", "schema /data/subjects", events.TypeReviewHeld, held("r-1", "law"), nil},
		{"planned by nobody", "schema /data/by", events.TypeReviewPlanned, planned("r-2", "2026-02-10", "law"), func(f *events.Review) { f.By = "" }},
		{"planned with an outcome", "schema /data", events.TypeReviewPlanned, planned("r-2", "2026-02-10", "law"), func(f *events.Review) { f.Outcome = "improve" }},
		{"planned without a day", "schema /data", events.TypeReviewPlanned, planned("r-2", "", "law"), nil},
		{"planned without a reason", "schema /data", events.TypeReviewPlanned, planned("r-2", "2026-02-10", "law"), func(f *events.Review) { f.Reason = "" }},
		{"planned for yesterday", "schema /data/due", events.TypeReviewPlanned, planned("r-2", "2026-01-04", "law"), nil},
		{"planned under the name of one that was held", "key_taken /data/review", events.TypeReviewPlanned, planned("r-0", "2026-02-10", "law"), nil},
		{"a look at none", "record_unknown /data/review", events.TypeReviewRead, &events.Review{Review: "r-9", By: "person:a"}, nil},
		{"a look by nobody", "record_unknown /data/review", events.TypeReviewRead, &events.Review{Review: "r-0"}, nil},
	} {
		if x.change != nil {
			x.change(x.f)
		}
		o.refuses(x.what, x.typ, x.f, x.want)
	}
	o.on("2026-01-05T09:59:59+09:00").refuses("held before it was planned", events.TypeReviewHeld, held("r-1", "law", "system"), "schema /time")
	ok := held("r-2", "law")
	ok.Next = "2026-04-05"
	o.on("2026-01-05T10:00:00+09:00").does(events.TypeReviewHeld, ok)
	today := planned("r-3", "2026-01-05", "law")
	o.does(events.TypeReviewPlanned, today)
}

func opensAction(id events.ID, due events.Day, kind events.Word, cause events.ID) *events.Improvement {
	return &events.Improvement{Improvement: id, By: "person:a", Due: due, Note: note("mend it"), Cause: &events.Cause{Kind: kind, ID: cause}}
}

func TestS6_AnActionIsOpenedWithItsCauseAndEndedOnce(t *testing.T) {
	o := newOffice(t)
	o.on("2026-01-05T10:00:00+09:00").does(events.TypeReviewHeld, held("r-1", "system"))
	o.does(events.TypeReviewPlanned, planned("r-2", "2026-02-10", "law"))
	for _, x := range []struct {
		what, want string
		f          *events.Improvement
		change     func(f *events.Improvement)
	}{
		{"nobody", "schema /data/by", opensAction("i-1", "2026-02-01", "review", "r-1"), func(f *events.Improvement) { f.By = "" }},
		{"no cause", "schema /data/cause", opensAction("i-1", "2026-02-01", "review", "r-1"), func(f *events.Improvement) { f.Cause = nil }},
		{"no day", "schema /data/due", opensAction("i-1", "", "review", "r-1"), nil},
		{"due before it is opened", "schema /data/due", opensAction("i-1", "2026-01-04", "review", "r-1"), nil},
		{"nothing to do", "schema /data/note", opensAction("i-1", "2026-02-01", "review", "r-1"), func(f *events.Improvement) { f.Note = events.Secret{} }},
		{"some incident", "schema /data/cause/id", opensAction("i-1", "2026-02-01", "incident", ""), nil},
		{"an unknown review", "record_unknown /data/cause/id", opensAction("i-1", "2026-02-01", "review", "r-9"), nil},
		{"a review that was not held", "record_unknown /data/cause/id", opensAction("i-1", "2026-02-01", "review", "r-2"), nil},
		{"an unknown incident", "record_unknown /data/cause/id", opensAction("i-1", "2026-02-01", "incident", "inc-2"), nil},
		{"a request of an incident's name", "record_unknown /data/cause/id", opensAction("i-1", "2026-02-01", "request", "inc-1"), nil},
		{"done before it is begun", "schema /data/evidence", opensAction("i-1", "2026-02-01", "review", "r-1"), func(f *events.Improvement) { f.Evidence = note("x") }},
	} {
		if x.change != nil {
			x.change(x.f)
		}
		o.refuses(x.what, events.TypeImprovementOpened, x.f, x.want)
	}
	o.does(events.TypeImprovementOpened, opensAction("i-1", "2026-01-05", "review", "r-1"))
	o.does(events.TypeImprovementOpened, opensAction("i-2", "2026-02-01", "incident", "inc-1"))
	o.does(events.TypeImprovementOpened, opensAction("i-3", "2026-02-01", "audit", ""))
	o.refuses("the same name again", events.TypeImprovementOpened, opensAction("i-1", "2026-02-01", "audit", ""), "key_taken /data/improvement")
	if got := o.state.ActionsOf("r-1"); !slices.Equal(got, []events.ID{"i-1"}) {
		t.Errorf("of the review came %v", got)
	}

	done := func(id events.ID) *events.Improvement {
		return &events.Improvement{Improvement: id, By: "person:b", Evidence: note("PRO-12")}
	}
	dropped := func(id events.ID) *events.Improvement {
		return &events.Improvement{Improvement: id, By: "person:b", Note: note("why")}
	}
	without := done("i-2")
	without.Evidence = events.Secret{}
	o.refuses("done without evidence", events.TypeImprovementCompleted, without, "schema /data/evidence")
	o.refuses("dropped without a reason", events.TypeImprovementDropped, &events.Improvement{Improvement: "i-2", By: "person:b"}, "schema /data/note")
	o.refuses("what was not opened", events.TypeImprovementCompleted, done("i-9"), "record_unknown /data/improvement")
	moved := done("i-2")
	moved.Due = "2026-12-31"
	o.refuses("another last day", events.TypeImprovementCompleted, moved, "schema /data")
	o.on("2026-01-05T09:00:00+09:00").refuses("done before it was opened", events.TypeImprovementCompleted, done("i-2"), "schema /time")
	o.on("2026-01-20T10:00:00+09:00").does(events.TypeImprovementCompleted, done("i-2"))
	o.refuses("done twice", events.TypeImprovementCompleted, done("i-2"), "record_gone /data/improvement")
	o.refuses("dropped after it is done", events.TypeImprovementDropped, dropped("i-2"), "record_gone /data/improvement")
	o.does(events.TypeImprovementDropped, dropped("i-3"))
	o.refuses("done after it was dropped", events.TypeImprovementCompleted, done("i-3"), "record_gone /data/improvement")
	o.refuses("a look at none", events.TypeImprovementRead, &events.Improvement{Improvement: "i-9", By: "person:a"}, "record_unknown /data/improvement")
}

// How long an action took, and whether it was late, is measured by the engine, in civil days of the company's zone.
func TestS27_WhatAnActionTookIsMeasured(t *testing.T) {
	for _, x := range []struct {
		at      string
		days    int
		late    bool
		overdue bool // just before
	}{
		{"2026-01-31T14:59:59Z", 26, false, false}, // the last second of the 31st in Tokyo
		{"2026-01-31T15:00:00Z", 27, true, true},
		{"2026-01-05T03:00:00Z", 0, false, false},
	} {
		o := newOffice(t)
		o.on("2026-01-05T10:00:00+09:00").does(events.TypeImprovementOpened, opensAction("i-1", "2026-01-31", "audit", ""))
		o.on(x.at)
		if got := o.state.Improvements["i-1"].Overdue(o.state.Policy.On(o.at)); got != x.overdue {
			t.Errorf("%s: overdue is %v", x.at, got)
		}
		o.does(events.TypeImprovementCompleted, &events.Improvement{Improvement: "i-1", By: "person:b", Evidence: note("x")})
		i := o.state.Improvements["i-1"]
		if i.Ended.Days != x.days || i.Ended.Late != x.late || !i.Completed() || i.Overdue(o.state.Policy.On(o.at)) {
			t.Errorf("%s: %d days, late %v, completed %v", x.at, i.Ended.Days, i.Ended.Late, i.Completed())
		}
	}
}

// A review that asks for improvement is unanswered from the next day on, until an action names it as its cause.
func TestS6_AReviewThatAsksForImprovementIsAnswered(t *testing.T) {
	o := newOffice(t)
	h := held("r-1", "system")
	h.Outcome = "improve"
	o.on("2026-01-05T10:00:00+09:00").does(events.TypeReviewHeld, h)
	today := func() bool { return o.state.Unanswered("r-1", o.state.Policy.On(o.at)) }
	if o.on("2026-01-05T14:59:59Z"); today() {
		t.Error("unanswered on its own day")
	}
	if o.on("2026-01-05T15:00:00Z"); !today() {
		t.Error("answered by nothing")
	}
	o.does(events.TypeImprovementOpened, opensAction("i-1", "2026-02-01", "audit", ""))
	if !today() {
		t.Error("answered by an action of another cause")
	}
	o.does(events.TypeImprovementOpened, opensAction("i-2", "2026-02-01", "review", "r-1"))
	if today() {
		t.Error("unanswered, though an action came of it")
	}
}

// In whatever order reviews are told of, they come to the same; no review is due later than its cycle after the last.
func TestS26_TheOrderInWhichReviewsAreToldDoesNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(26, 5))
	subjects := []events.Word{"technology", "law", "system"}
	for range 300 {
		type told struct {
			at time.Time
			f  *events.Review
		}
		var all []told
		for i := range 1 + r.IntN(6) {
			at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.IntN(400*24)) * time.Hour)
			f := held(events.ID(fmt.Sprintf("r-%d", i)), subjects[:1+r.IntN(3)]...)
			if r.IntN(3) == 0 {
				f = planned(f.Review, events.Day(at.AddDate(0, 0, 1+r.IntN(200)).Format(time.DateOnly)), f.Subjects...)
			}
			all = append(all, told{at, f})
		}
		tell := func() []organisation.Cycle {
			o := newOffice(t)
			for _, x := range all {
				o.at = x.at
				typ := events.TypeReviewHeld
				if x.f.Due != "" {
					typ = events.TypeReviewPlanned
				}
				c := *x.f
				c.Late = nil
				if typ == events.TypeReviewHeld {
					c.Note = note("looked")
				}
				o.does(typ, &c)
			}
			return o.state.Cycles()
		}
		want := tell()
		for i, c := range want {
			begins := c.Last
			if begins.IsZero() {
				begins = policy.NewDate(2026, time.January, 1)
			}
			if c.Due.After(begins.Add(c.Every)) {
				t.Fatalf("%s is due on %s, later than %s after %s", c.Subject, c.Due, c.Every, begins)
			}
			for _, x := range all {
				on := policy.NewDate(x.at.In(tokyo).Year(), x.at.In(tokyo).Month(), x.at.In(tokyo).Day())
				if x.f.Outcome != "" && slices.Contains(x.f.Subjects, c.Subject) && c.Last.Before(on) {
					t.Fatalf("%d: the last review of %s was on %s, not %s", i, c.Subject, on, c.Last)
				}
			}
		}
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if got := tell(); !slices.Equal(got, want) {
			t.Fatalf("told in another order: %+v, not %+v", got, want)
		}
	}
}

var tokyo = time.FixedZone("JST", 9*60*60)
