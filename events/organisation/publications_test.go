package organisation_test

import (
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
		{"other words of the company, without notice", "2026-04-01", nil, []string{`"languages"`, `"company":{"name":"N"},"languages"`}, "", false},
		{"the same, for a later day", "2026-04-02", nil, []string{`"languages"`, `"company":{"name":"N"},"languages"`}, "", true},
		{"a shorter period, without notice", "2026-04-01", nil, []string{`"P30D"`, `"P20D"`}, "", false},
		{"a purpose that ends, without notice", "2026-04-01", nil, []string{`"categories":["pd:Purchase"]`, `"categories":[]`, `"categories":["pd:Name"]`, `"categories":["pd:Name"]`, `{"id":"pd:Purchase","label":{"en":"P"}},`, ``}, "", false},
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
