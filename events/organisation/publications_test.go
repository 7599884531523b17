package organisation_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
)

// A policy in two languages, and what may become of it. now is 1 April, 09:00 in Tokyo.
const spoken = `{"version":"1","zone":"Asia/Tokyo","languages":["en","ja"],"categories":[{"id":"pd:Purchase","label":{"en":"P"}},{"id":"pd:Name","label":{"en":"N"}}],
	"purposes":[{"id":"A","text":{"en":"to rent","ja":"貸与"},"categories":["pd:Purchase"],"bases":{"default":["contract"],"gdpr":["contract"]},"role":"controller","disclosable":true,
		"retention":[{"id":"r","from":"collected","keep":"P30D","assumption":"x"}]},
	{"id":"B","text":{"en":"to write","ja":"送付"},"categories":["pd:Name"],"bases":{"default":["consent"]},"role":"controller","disclosable":true,
		"retention":[{"id":"s","from":"collected","keep":"P30D","assumption":"x"}]}]}`

var (
	main  = events.Stream{Kind: "policy", ID: "main"}
	told  = []events.Change{{Text: map[events.Word]events.Text{"en": "we rent more", "ja": "貸与品の追加"}, Major: true}}
	one   = []events.Change{{Text: map[events.Word]events.Text{"en": "we rent more"}}}
	minor = []events.Change{{Text: map[events.Word]events.Text{"en": "we rent more", "ja": "貸与品の追加"}}}
)

func version(v, effective string, change ...string) *events.PolicyPublished {
	doc := strings.NewReplacer(append([]string{`{"version":"1"`, `{"version":"` + v + `","effective":"` + effective + `"`}, change...)...).Replace(spoken)
	return &events.PolicyPublished{Version: events.Word(v), Catalogue: []byte(doc)}
}

func speaking(t *testing.T) *register {
	r := &register{t: t, state: organisation.New()}
	f := version("1", "2026-12-01") // the first one has nothing to wait for
	if refused := r.decide(events.TypePolicyPublished, f); refused != nil || f.Waits {
		t.Fatalf("the first policy: %v, waits %v", refused, f.Waits)
	}
	r.fold(events.TypePolicyPublished, main, f)
	return r
}

func TestS28_PurposesDoNotChangeWithoutNotice(t *testing.T) {
	widened := []string{`"categories":["pd:Name"]`, `"categories":["pd:Name","pd:Purchase"]`}
	for _, x := range []struct {
		what      string
		effective string
		changes   []events.Change
		change    []string
		at        string // refused there; "" is recorded
		waits     bool
	}{
		{"other words of the company, listed", "2026-04-01", minor, []string{`"languages"`, `"company":{"name":"N"},"languages"`}, "", false},
		{"the same, for a later day", "2026-04-02", minor, []string{`"languages"`, `"company":{"name":"N"},"languages"`}, "", true},
		{"a shorter period, listed", "2026-04-01", minor, []string{`"P30D"`, `"P20D"`}, "", false},
		{"a purpose that ends, listed", "2026-04-01", minor, []string{`"categories":["pd:Purchase"]`, `"categories":[]`, `"categories":["pd:Name"]`, `"categories":["pd:Name"]`, `{"id":"pd:Purchase","label":{"en":"P"}},`, ``}, "", false},
		{"other words of the company, without a list", "2026-04-01", nil, []string{`"languages"`, `"company":{"name":"N"},"languages"`}, "/data/changes", false},
		{"the same, listed in one language", "2026-04-01", one, []string{`"languages"`, `"company":{"name":"N"},"languages"`}, "/data/changes", false},
		{"the same, one of two changes in one language", "2026-04-01", append(slices.Clone(minor), one...), []string{`"languages"`, `"company":{"name":"N"},"languages"`}, "/data/changes", false},
		{"a shorter period, without a list, for a later day", "2026-04-02", nil, []string{`"P30D"`, `"P20D"`}, "/data/changes", true},
		{"nothing but the version", "2026-04-01", nil, nil, "", false},
		{"a note of its makers, and a way in", "2026-04-01", nil, []string{`"assumption":"x"`, `"assumption":"y"`, `"languages"`, `"sources":["/shop"],"languages"`}, "", false},
		{"a new purpose, without notice", "2026-04-02", nil, []string{`"id":"B"`, `"id":"C"`}, "/data/changes", true},
		{"a new purpose, as a minor change", "2026-04-02", minor, []string{`"id":"B"`, `"id":"C"`}, "/data/changes", true},
		{"a new purpose, told in one language", "2026-04-02", []events.Change{{Text: map[events.Word]events.Text{"en": "x"}, Major: true}}, []string{`"id":"B"`, `"id":"C"`}, "/data/changes", true},
		{"a new purpose, told on its first day", "2026-04-01", told, []string{`"id":"B"`, `"id":"C"`}, "/data/catalogue/effective", false},
		{"a new purpose, told the day before", "2026-04-02", told, []string{`"id":"B"`, `"id":"C"`}, "", true},
		{"more categories, without notice", "2026-04-02", nil, widened, "/data/changes", true},
		{"more categories, told", "2026-04-02", told, widened, "", true},
		{"another text", "2026-04-02", nil, []string{"to write", "to write and to call"}, "/data/changes", true},
		{"another basis", "2026-04-02", nil, []string{`"default":["consent"]`, `"default":["consent","legitimate_interest"]`}, "/data/changes", true},
		{"another basis, where GDPR named its own", "2026-04-02", nil, []string{`"default":["contract"],"gdpr":["contract"]`, `"default":["contract"],"gdpr":["legitimate_interest"]`}, "/data/changes", true},
		{"no longer disclosed", "2026-04-02", nil, []string{`"disclosable":true,
		"retention":[{"id":"s"`, `"disclosable":false,
		"retention":[{"id":"s"`}, "/data/changes", true},
		{"another use of it", "2026-04-02", nil, []string{`"id":"B",`, `"id":"B","processing":["dpv:Profiling"],`}, "/data/changes", true},
	} {
		r := speaking(t)
		f := version("2", x.effective, x.change...)
		f.Changes = x.changes
		refused := r.decide(events.TypePolicyPublished, f)
		switch {
		case x.at == "" && refused != nil:
			t.Errorf("%s: refused: %v", x.what, refused)
		case x.at != "" && (refused == nil || refused.Rule != "notice_missing" || refused.Field != x.at):
			t.Errorf("%s: want notice_missing at %s, got %v", x.what, x.at, refused)
		case f.Waits != x.waits:
			t.Errorf("%s: it waits: %v", x.what, f.Waits)
		}
	}
}

func TestS30_AMajorChangeIsAnnouncedBeforeItTakesEffect(t *testing.T) {
	r := speaking(t)
	f := version("2", "2026-04-02", `"id":"B"`, `"id":"C"`)
	f.Changes = told
	if refused := r.decide(events.TypePolicyPublished, f); refused != nil {
		t.Fatal(refused)
	}
	r.fold(events.TypePolicyPublished, main, f)
	before := r.state
	if coming := before.Coming(); before.Policy.Version != "1" || len(coming) != 1 || !coming[0].Major() || coming[0].Effective.String() != "2026-04-02" {
		t.Fatalf("an announced policy: version %s in force, coming %+v", before.Policy.Version, coming)
	}
	if refused := r.decide(events.TypePolicyPublished, version("2", "2026-04-03")); refused == nil {
		t.Error("an announced version was published again")
	}
	day := func(at string, want string) {
		t.Helper()
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		kind, _ := events.KindOf(events.TypePolicyEffective)
		got := ""
		if refused := organisation.Decide(r.state, organisation.Submission{Kind: kind, Source: "/daicho/policy", Time: now, Fact: &events.PolicyEffective{Version: "2"}}, moment); refused != nil {
			got = refused.Rule
		}
		if got != want {
			t.Errorf("at %s: want %q, got %q", at, want, got)
		}
	}
	day("2026-04-01T23:59:59+09:00", "future")
	day("2026-04-02T00:00:00+09:00", "")
	r.fold(events.TypePolicyEffective, main, &events.PolicyEffective{Version: "2"})
	if r.state.Policy.Version != "2" || len(r.state.Coming()) != 0 || r.state.Policy.Purpose("C") == nil {
		t.Errorf("in force is %s, coming %v", r.state.Policy.Version, r.state.Coming())
	}
	if before.Policy.Version != "1" || before.Published[1].InForce != nil {
		t.Error("a state that somebody holds has changed")
	}
	day("2026-04-02T00:00:00+09:00", "unknown_policy")
}

func TestS29_EveryPublicationIsRemembered(t *testing.T) {
	r := speaking(t)
	for i, v := range []string{"2", "3"} {
		f := version(v, "2026-04-01", `"P30D"`, []string{`"P20D"`, `"P10D"`}[i])
		f.Changes = append([]events.Change{}, minor...)
		if refused := r.decide(events.TypePolicyPublished, f); refused != nil {
			t.Fatal(refused)
		}
		r.fold(events.TypePolicyPublished, main, f)
	}
	if n := len(r.state.Published); n != 3 || len(r.state.Published[2].Changes) != 1 || r.state.Published[2].Version != "3" {
		t.Errorf("%d publications: %+v", n, r.state.Published)
	}
}

// of is a version from a day on, told of by some changes.
func of(v, effective string, changes []events.Change, change ...string) *events.PolicyPublished {
	f := version(v, effective, change...)
	f.Changes = changes
	return f
}

// A change is one of the version before it, in force or announced: a purpose is not widened by way of one that narrowed it, whichever of
// the two is published first; and what was announced need not be announced again.
func TestS28_S29_AnnouncedVersionsAreComparedWithTheOneBefore(t *testing.T) {
	narrow, wide := []string{`"categories":["pd:Purchase"]`, `"categories":[]`, `{"id":"pd:Purchase","label":{"en":"P"}},`, ``}, []string{`"id":"B"`, `"id":"C"`}
	other := []string{`"P30D"`, `"P20D"`}
	for _, x := range []struct {
		what   string
		before *events.PolicyPublished // announced
		then   *events.PolicyPublished
		at     string // refused there
	}{
		{"wide again after a narrow one", of("2", "2026-04-02", minor, narrow...), of("3", "2026-04-03", minor), "/data/changes"},
		{"the same, told", of("2", "2026-04-02", minor, narrow...), of("3", "2026-04-03", told), ""},
		{"the same on one day", of("2", "2026-04-02", minor, narrow...), of("3", "2026-04-02", minor), "/data/changes"},
		{"narrow before a wide one", of("3", "2026-04-03", minor, other...), of("2", "2026-04-02", minor, slices.Concat(narrow, other)...), "/data/catalogue/effective"},
		{"narrow at once before a wide one", of("3", "2026-04-03", minor, other...), of("2", "2026-04-01", minor, slices.Concat(narrow, other)...), "/data/catalogue/effective"},
		{"narrow before a wide one that is told", of("3", "2026-04-03", told), of("2", "2026-04-02", minor, narrow...), ""},
		{"wide after a wide one that was told", of("2", "2026-04-02", told, wide...), of("3", "2026-04-03", minor, slices.Concat(wide, other)...), ""},
		{"back to what is in force, without a list", of("2", "2026-04-02", minor, other...), of("3", "2026-04-03", nil), "/data/changes"},
		{"no other than the one before", of("2", "2026-04-02", minor, other...), of("3", "2026-04-03", nil, other...), ""},
		{"before one that has no list, as it changed nothing", of("3", "2026-04-03", nil), of("2", "2026-04-02", minor, other...), "/data/catalogue/effective"},
	} {
		r := speaking(t)
		if refused := r.decide(events.TypePolicyPublished, x.before); refused != nil {
			t.Errorf("%s: the first of them: %v", x.what, refused)
			continue
		}
		r.fold(events.TypePolicyPublished, main, x.before)
		refused := r.decide(events.TypePolicyPublished, x.then)
		if x.at == "" && refused != nil || x.at != "" && (refused == nil || refused.Rule != "notice_missing" || refused.Field != x.at) {
			t.Errorf("%s: want %q, got %v", x.what, x.at, refused)
		}
	}
}

// A log from before versions were compared with those before them: a purpose that nobody was told of does not come into force, and what
// has no list is known.
func TestS28_S29_AnOlderLogIsNotTrusted(t *testing.T) {
	r := speaking(t)
	effective := func(v events.Word) (rule string) {
		kind, _ := events.KindOf(events.TypePolicyEffective)
		if refused := organisation.Decide(r.state, organisation.Submission{Kind: kind, Source: "/daicho/policy", Time: now, Fact: &events.PolicyEffective{Version: v}}, now.AddDate(0, 0, 9)); refused != nil {
			return refused.Rule
		}
		r.fold(events.TypePolicyEffective, main, &events.PolicyEffective{Version: v})
		return ""
	}
	for _, f := range []*events.PolicyPublished{
		of("2", "2026-04-02", nil, `"id":"B"`, `"id":"C"`), of("3", "2026-04-03", minor, `"P30D"`, `"P20D"`), of("4", "2026-04-04", nil, `"P30D"`, `"P20D"`, `"version":"4"`, `"version":"4","sources":["/shop"]`),
	} {
		f.Waits = true
		r.fold(events.TypePolicyPublished, main, f)
	}
	if got := r.state.Unlisted(); !slices.Equal(got, []events.Word{"2"}) {
		t.Errorf("without a list: %v", got)
	}
	if got := effective("2"); got != "notice_missing" {
		t.Errorf("a purpose that nobody was told of came into force: %q", got)
	}
	if got := effective("3"); got != "" || r.state.Policy.Version != "3" {
		t.Errorf("the version after it: %q", got)
	}
	if coming := r.state.Coming(); len(coming) != 1 || coming[0].Version != "4" || !r.state.Published[1].Passed {
		t.Errorf("still to come: %+v", coming)
	}
	if got := effective("2"); got != "unknown_policy" {
		t.Errorf("a version that was passed over came into force: %q", got)
	}
	if got := r.state.Unlisted(); got != nil {
		t.Errorf("without a list, as it never was in force: %v", got)
	}
}

// A version that is due comes into force before one that is published in the seconds until then.
func TestWhatIsDueComesIntoForceFirst(t *testing.T) {
	r := speaking(t)
	due := of("2", "2026-04-02", minor, `"P30D"`, `"P20D"`)
	if refused := r.decide(events.TypePolicyPublished, due); refused != nil {
		t.Fatal(refused)
	}
	r.fold(events.TypePolicyPublished, main, due)
	kind, _ := events.KindOf(events.TypePolicyPublished)
	midnight := time.Date(2026, 4, 1, 15, 0, 1, 0, time.UTC)
	late := of("3", "2026-04-02", minor, `"P30D"`, `"P10D"`)
	if refused := organisation.Decide(r.state, organisation.Submission{Kind: kind, Source: "/privacy/office", Time: midnight, Fact: late}, midnight); refused != nil || !late.Waits {
		t.Fatalf("%v, waits %v", refused, late.Waits)
	}
	r.fold(events.TypePolicyPublished, main, late)
	if coming := r.state.Coming(); len(coming) != 2 || coming[0].Version != "2" || coming[1].Version != "3" {
		t.Errorf("%+v", coming)
	}
}
