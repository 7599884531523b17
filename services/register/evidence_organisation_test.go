package register

import (
	"slices"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
	"github.com/daicho-dev/daicho/services/intake"
)

// What the company has not said is a gap of the sentence that promises it, with where to say it; what it has said is none.
func TestS31_S60_S73_S74_S75_WhatTheCompanyLeavesUnsaidIsAGap(t *testing.T) {
	for _, x := range []struct {
		name   string
		change func(*policy.Catalogue)
		gap    string // the sentence, besides those of parts that are not there
		names  string
	}{
		{"as shipped, without a representative's name", func(*policy.Catalogue) {}, "S73", "/company/representative"},
		{"whole", func(c *policy.Catalogue) { c.Company.Representative = "R" }, "", ""},
		{"no contacts", func(c *policy.Catalogue) { c.Company.Representative, c.Contacts = "R", nil }, "S31", "/contacts"},
		{"a desk without a telephone", func(c *policy.Catalogue) { c.Company.Representative, c.Contacts[0].Phone = "R", "" }, "S31", "/contacts/0/phone"},
		{"a desk without hours", func(c *policy.Catalogue) { c.Company.Representative, c.Contacts[0].Hours = "R", "" }, "S31", "/contacts/0/hours"},
		{"nothing is disclosable", func(c *policy.Catalogue) {
			c.Company.Representative = "R"
			for i := range c.Purposes {
				c.Purposes[i].Disclosable = false
			}
		}, "S75", "/purposes"},
		{"no manager", func(c *policy.Catalogue) { c.Company.Representative, c.Company.Manager = "R", "" }, "S74", "/company/manager"},
		{"no purposes", func(c *policy.Catalogue) { c.Company.Representative, c.Purposes = "R", nil }, "S75", "/purposes"},
		{"no trackers", func(c *policy.Catalogue) { c.Company.Representative, c.Trackers = "R", nil }, "S58 S59 S60", "inventory"},
		{"no tracker of mail", func(c *policy.Catalogue) {
			c.Company.Representative = "R"
			c.Trackers = slices.DeleteFunc(slices.Clone(c.Trackers), func(t policy.Tracker) bool { return t.Channel == "email" })
		}, "S60", "email"},
	} {
		t.Run(x.name, func(t *testing.T) {
			c, err := policy.Parse(policies.Default().JSON())
			if err != nil {
				t.Fatal(err)
			}
			x.change(c)
			gaps := companyGaps(c)
			for id, why := range gaps {
				if _, ok := unbuilt[id]; !ok && !slices.Contains(strings.Fields(x.gap), id) {
					t.Errorf("%s is a gap too: %s", id, why)
				}
			}
			for _, id := range strings.Fields(x.gap) {
				if !strings.Contains(gaps[id], x.names) {
					t.Errorf("%s: %q does not name %s", id, gaps[id], x.names)
				}
			}
		})
	}
}

// A policy that was published is evidence of what its catalogue says, and of nothing that it leaves out.
func TestS31_S58_S59_S73_S74_S75_APolicyShowsWhatItsPageSays(t *testing.T) {
	doc := string(policies.Default().JSON())
	says := func(doc string) (all []string) {
		for _, s := range sayings {
			if slices.Contains(shown(&events.PolicyPublished{Catalogue: []byte(doc)}), s.what) {
				all = append(all, s.of...)
			}
		}
		return all
	}
	const whole = "S31 S73 S74 S75 S58 S59"
	for _, x := range []struct{ cut, by, leaves string }{
		{"", "", whole},
		{`"phone":"03-3239-3278"`, `"phone":""`, "S73 S74 S75 S58 S59"},
		{`"mail":"privacy@telecomsquare.co.jp"`, `"mail":""`, "S73 S74 S75 S58 S59"},
		{`"name":"Telecom Square, Inc."`, `"name":""`, "S31 S74 S75 S58 S59"},
		{`"manager":"General Manager, General Affairs Group"`, `"manager":""`, "S31 S73 S75 S58 S59"},
		{doc, `{"version":"p"`, ""}, // none that can be read
		{doc, `{"version":"p","categories":[],"purposes":[]}`, ""},
	} {
		changed := strings.Replace(doc, x.cut, x.by, 1)
		if x.cut != "" && changed == doc {
			t.Fatalf("the shipped policy does not hold %s", x.cut)
		}
		if got := strings.Join(says(changed), " "); got != x.leaves {
			t.Errorf("without %.60s: %s, want %s", x.cut, got, x.leaves)
		}
	}
	c, err := policy.Parse([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	c.Trackers = nil
	for _, s := range sayings {
		if lacks := len(s.lacking(c)) > 0; lacks != slices.Contains(s.of, "S59") {
			t.Errorf("without trackers, %v lacks %q", s.of, s.lacking(c))
		}
	}
}

// What is no tracker of the inventory and was refused is evidence; other refusals of the like are not.
func TestS53_RefusedTrackersAreEvidence(t *testing.T) {
	for _, x := range []struct {
		f    events.Refused
		want bool
	}{
		{events.Refused{Type: events.TypeCollected, Rule: "unknown_word", Field: "/data/tracker"}, true},
		{events.Refused{Type: events.TypeCollected, Rule: "category_not_permitted", Field: "/data/channel"}, true},
		{events.Refused{Type: events.TypeCollected, Rule: "category_not_permitted", Field: "/data/records/0/category"}, false}, // of a purpose, perhaps
		{events.Refused{Type: events.TypeCollected, Rule: "unknown_word", Field: "/data/client"}, false},
		{events.Refused{Type: events.TypeUsed, Rule: "unknown_word", Field: "/data/tracker"}, false},
	} {
		if slices.Contains(shown(&x.f), trackersRefused) != x.want {
			t.Errorf("%+v shows %q", x.f, shown(&x.f))
		}
	}
}

// The evidence of announcements, trackers and changes is the facts that carry them, and no others.
func TestS28_S29_S30_S52_S64_EvidenceOfTheOrganisation(t *testing.T) {
	changed := []string{"policies published with their list of changes", "changes of the policy compared with what was in force: none of a purpose without notice"}
	for _, x := range []struct {
		fact events.Fact
		want []string
	}{
		{&events.PolicyPublished{}, nil},
		{&events.Collected{}, nil},
		{&events.Collected{Tracker: "site-session"}, []string{"collections by a tracker of the inventory"}},
		{&events.Collected{Announced: true}, []string{"telephone recordings announced before they began"}},
		{&events.PolicyPublished{Waits: true}, nil},
		{&events.PolicyPublished{Changes: []events.Change{{Major: true}}}, changed},
		{&events.PolicyPublished{Waits: true, Changes: []events.Change{{}}}, changed},
		{&events.PolicyPublished{Waits: true, Changes: []events.Change{{Major: true}}},
			append(slices.Clone(changed), "major changes announced before their first day")},
	} {
		var got []string
		organisingShows(x.fact, func(what string) { got = append(got, what) })
		if !slices.Equal(got, x.want) {
			t.Errorf("%+v shows %q, not %q", x.fact, got, x.want)
		}
	}
}

// A version without the list of its changes, in a log from before it was refused, is a gap; a version that changes nothing needs none.
func TestS29_AVersionWithoutItsListIsAGap(t *testing.T) {
	w := newWard(t)
	version := func(v, phone string) {
		t.Helper()
		doc := strings.NewReplacer(`"version":"2025-10"`, `"version":"`+v+`"`, "03-3239-3278", phone).Replace(string(policies.Default().JSON()))
		data, err := events.Encode(&events.PolicyPublished{Version: events.Word(v), Catalogue: []byte(doc)})
		if err != nil {
			t.Fatal(err)
		}
		if r := w.Log.Append(t.Context(), []contracts.Write{{Stream: events.Stream{Kind: "policy", ID: "main"}, Expect: events.AnyRevision,
			Events: []events.Event{{ID: v, Type: events.TypePolicyPublished, Source: "/privacy/office", Time: w.Now(), Data: data}}}}); r[0].Err != nil {
			t.Fatal(r[0].Err)
		}
	}
	gap := func() string {
		t.Helper()
		g, err := intake.Observe(t.Context(), w.Log)
		if err != nil {
			t.Fatal(err)
		}
		gaps, err := organising.gaps(t.Context(), &Register{Gateway: g})
		if err != nil {
			t.Fatal(err)
		}
		return gaps["S29"]
	}
	version("2025-11", "03-3239-3278")
	if got := gap(); got != "" {
		t.Errorf("a version that changes nothing: %s", got)
	}
	version("2025-12", "03-0000-0000")
	if got := gap(); !strings.Contains(got, "2025-12") || strings.Contains(got, "2025-11") {
		t.Errorf("a version without its list: %q", got)
	}
}

// A sentence whose part of the engine is not there is a gap with its reason, never kept.
func TestS2_S4_WhatIsNotThereIsAGap(t *testing.T) {
	if !strings.Contains(unbuilt["S2"], "request desk") || !strings.Contains(unbuilt["S4"], "requests and incidents") {
		t.Errorf("the reasons are not told: %q", unbuilt)
	}
	for id, why := range unbuilt {
		o := contracts.Obligation{ID: id, State: "unproved"}
		evidence{}.judge(&o, []string{companyGaps(nil)[id]})
		if o.State != "gap" || !slices.Contains(o.Caveats, why) {
			t.Errorf("%s: %s %q", id, o.State, o.Caveats)
		}
	}
}
