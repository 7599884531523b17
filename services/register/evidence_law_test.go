package register

import (
	"slices"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/obligations"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
)

func shown(f events.Fact) []string {
	var got []string
	Shows(&events.Event{Policy: "p"}, f, func(what string) { got = append(got, what) })
	slices.Sort(got)
	return got
}

// Which law a decision rests on is its rule's, and what rests on none shows nothing.
func TestS12_S13_S14_S15_DecisionsAreCountedByTheirLaw(t *testing.T) {
	for rule, want := range map[events.Word][]events.Word{
		"minor":           {events.NormGuideline, events.NormOther},
		"unknown_purpose": {events.NormAPPI},
		"consent_missing": {events.NormAPPI, events.NormGuideline},
		"schema":          nil, // a mistake of form observes no law
		"future":          nil,
		"record_unknown":  nil,
		"key_taken":       nil,
		"":                nil,
		"no_rule":         nil,
	} {
		for _, f := range []events.Fact{&events.Refused{Rule: rule}, &events.Used{Purpose: "SVC-01", Rule: rule}} {
			got := shown(f)
			for of, name := range byLaw {
				if slices.Contains(got, name) != slices.Contains(want, of) {
					t.Errorf("%T by %q shows %q", f, rule, got)
				}
			}
		}
	}
	if got := shown(&events.Collected{Purposes: []events.Bind{{ID: "ACC-01", Brought: true}}}); !slices.Contains(got, "records bound because another law asks for it") {
		t.Errorf("what a law brought shows %q", got)
	}
}

// The GDPR is observed of people whom it protects; what is taken of others shows nothing of it.
func TestS3_S14_EvidenceOfTheGDPRIsOfThoseWhomItProtects(t *testing.T) {
	notice := &events.Notice{Policy: "p", Language: "en"}
	consent, contract := []events.Bind{{Consent: &events.Giver{By: "self"}}}, []events.Bind{{Basis: "contract"}}
	for _, x := range []struct {
		f              events.Fact
		basis, consent bool
	}{
		{&events.Collected{Notice: notice, Purposes: consent, Person: events.Profile{Country: "DE"}}, true, true},
		{&events.Collected{Notice: notice, Purposes: contract, Person: events.Profile{Country: "GB-SCT"}}, true, false},
		{&events.Collected{Purposes: consent, Person: events.Profile{Country: "DE"}}, false, false},
		{&events.Collected{Notice: notice, Purposes: consent, Person: events.Profile{Country: "JP"}}, false, false},
		{&events.Collected{Notice: notice, Purposes: consent, Person: events.Profile{Country: "CH"}}, false, false},
		{&events.Consent{Notice: notice}, false, false}, // of whom, it does not say
		{&events.Refused{Rule: "consent_missing"}, false, false},
	} {
		got := shown(x.f)
		if slices.Contains(got, gdprBasis) != x.basis || slices.Contains(got, gdprConsent) != x.consent {
			t.Errorf("%+v shows %q", x.f, got)
		}
	}
}

// A law is not observed while a sentence that rests on it is a gap, and no other law is touched by that.
func TestS3_S12_S13_S14_S15_AGapIsAGapOfItsLaw(t *testing.T) {
	all, err := obligations.All()
	if err != nil {
		t.Fatal(err)
	}
	for gap, laws := range map[string]string{
		"":    "",
		"S51": "S3 S12 S14",     // APPI 22; GDPR 17
		"S33": "S13 S14 S15 S3", // Guideline 2-16; Civil Code 5; GDPR 8
		"S60": "S15 S3",         // Telecommunications Business Act
		"S73": "S12 S3",
		"S59": "", // an information that no law asks for
	} {
		gaps := map[string][]string{}
		if gap != "" {
			gaps[gap] = []string{"something"}
		}
		inherit(all, gaps)
		delete(gaps, gap)
		var got []string
		for id, why := range gaps {
			got = append(got, id)
			if !strings.Contains(why[0], gap+" (") {
				t.Errorf("%s: %q does not name %s", id, why, gap)
			}
		}
		slices.Sort(got)
		want := strings.Fields(laws)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("a gap of %s is one of %v, want %v", gap, got, want)
		}
	}
}

// What visits, uses of what browsers told and pages show is of these facts, and of no others.
func TestS35_S54_S55_S58_S61_EvidenceOfBrowsers(t *testing.T) {
	const (
		visit   = "visits recorded under the identifier of a browser"
		adjust  = "uses of what browsers told for adjusting the website"
		refused = "uses of what browsers told refused: it serves other purposes"
		page    = "pages of the web that asked for personal information over an encrypted connection"
	)
	browser := []events.Word{"pd:UserAgent"}
	for _, x := range []struct {
		f    events.Fact
		want string // of these four, and the notice
	}{
		{&events.Collected{Channel: "cookie", Transport: "tls", Person: events.Profile{Kind: "visitor"}}, visit},
		{&events.Collected{Channel: "cookie", Transport: "tls", Person: events.Profile{Kind: "customer"}}, ""},
		{&events.Collected{Channel: "web", Transport: "tls", Person: events.Profile{Kind: "visitor"}}, page},
		{&events.Collected{Channel: "counter", Transport: "internal"}, ""},
		{&events.Used{Purpose: "CK-01", Allowed: true, Categories: browser}, adjust},
		{&events.Used{Purpose: "CK-01", Categories: browser}, ""},
		{&events.Used{Purpose: "CK-01", Allowed: true, Categories: []events.Word{"pd:Name"}}, ""},
		{&events.Used{Purpose: "DM-02", Categories: browser, Rule: "purpose_not_bound"}, refused},
		{&events.Used{Purpose: "DM-02", Categories: browser, Rule: "category_not_permitted"}, refused},
		{&events.Used{Purpose: "DM-02", Categories: browser, Rule: "record_unknown"}, ""},
		{&events.Used{Purpose: "DM-02", Categories: browser, Rule: "suspended"}, ""},
		{&events.Used{Purpose: "SVC-04", Allowed: true, Categories: browser}, ""},
		{&events.Used{Purpose: "DM-02", Categories: []events.Word{"pd:Name"}}, ""},
		{&events.NoticeShown{Deemed: true, Notice: &events.Notice{Policy: "p"}}, cookieNotices},
		{&events.NoticeShown{Channel: "cookie", Notice: &events.Notice{Policy: "p"}}, cookieNotices},
		{&events.NoticeShown{Channel: "cookie", Notice: &events.Notice{Policy: "older"}}, ""}, // not the one in force
		{&events.NoticeShown{Deemed: true}, ""},
		{&events.NoticeShown{Channel: "phone", Notice: &events.Notice{Policy: "p"}}, ""},
	} {
		got := shown(x.f)
		for _, name := range []string{visit, adjust, refused, page, cookieNotices} {
			if slices.Contains(got, name) != (name == x.want) {
				t.Errorf("%+v shows %q", x.f, got)
			}
		}
	}
	for id, lacks := range map[string]string{"S8": usesBeyond, "S35": "refused: unknown_purpose", "S53": trackersRefused, "S54": visit, "S55": refused, "S58": cookieNotices, "S59": saysCookies, "S61": page} {
		ev := evidence{}
		for _, name := range Needed() {
			if name != lacks {
				ev[name] = contracts.Evidence{What: name, Count: 1}
			}
		}
		o := contracts.Obligation{ID: id, State: "unproved"}
		if ev.judge(&o, nil); o.State != "unproved" {
			t.Errorf("%s is %s without %q", id, o.State, lacks)
		}
		ev[lacks] = contracts.Evidence{What: lacks, Count: 1}
		if ev.judge(&o, nil); o.State != "kept" {
			t.Errorf("%s is %s with everything", id, o.State)
		}
	}
}

// A use is refused as beyond the purposes where the data is there for others; that it is not there, or rests, shows nothing of purposes.
func TestS8_S35_WhatAUseIsRefusedFor(t *testing.T) {
	for rule, want := range map[events.Word]bool{"category_not_permitted": true, "purpose_not_bound": true, "record_unknown": false, "suspended": false, "": false} {
		f := &events.Used{Purpose: "SVC-01", Categories: []events.Word{"pd:Name"}, Rule: rule, Allowed: rule == ""}
		if slices.Contains(shown(f), usesBeyond) != want {
			t.Errorf("refused by %q shows %q", rule, shown(f))
		}
	}
}

// What browsers told and was used for something that no tracker serves is a gap, and names it.
func TestS55_AUseThatNoTrackerServesIsAGap(t *testing.T) {
	c := policies.Default()
	ev := evidence{}
	tell := func(purpose events.Word) {
		Shows(&events.Event{}, &events.Used{Purpose: purpose, Allowed: true, Categories: []events.Word{"pd:IPAddress"}}, func(what string) {
			ev[what] = contracts.Evidence{What: what, Count: ev[what].Count + 1}
		})
	}
	tell("CK-01")
	tell("CK-02")
	if gaps := handlingWeigh(c, ev); len(gaps) > 0 {
		t.Errorf("what trackers serve is a gap: %v", gaps)
	}
	tell("SVC-07")
	tell("SVC-07")
	if gaps := handlingWeigh(c, ev); len(gaps) != 1 || !strings.Contains(gaps["S55"], "SVC-07 (2)") {
		t.Errorf("what no tracker serves: %v", gaps)
	}
}

// S61, S62: what the evidence is worth is said beside it, whatever their state.
func TestS61_S62_AnEmittersWordIsACaveat(t *testing.T) {
	for _, id := range []string{"S61", "S62"} {
		if all := handlingCaveats(nil, nil)[id]; len(all) == 0 || !strings.Contains(all[0], "says of itself") {
			t.Errorf("%s: %q", id, all)
		}
	}
}

// Milestones end purposes where a period of the policy in force counts from them: contact and majority, say, end none.
func TestS50_MilestonesThatEndPurposes(t *testing.T) {
	c := policies.Default()
	ev := evidence{}
	tell := func(at int, w events.Word) {
		day := moment.AddDate(0, 0, at)
		Shows(&events.Event{}, &events.MilestoneReached{Milestone: w}, func(what string) {
			ev[what] = contracts.Evidence{What: what, Count: ev[what].Count + 1, Since: &day, Position: events.Position(at)}
		})
	}
	for _, w := range []events.Word{"contact", "majority.reached", "claim.opened"} {
		tell(1, w)
	}
	if disposalWeigh(c, ev); ev[ending].Count != 0 {
		t.Errorf("milestones that end nothing are counted: %+v", ev[ending])
	}
	tell(2, "invoice.paid")
	tell(3, "contract.closed")
	if disposalWeigh(c, ev); ev[ending].Count != 2 || !ev[ending].Since.Equal(moment.AddDate(0, 0, 2)) || ev[ending].Position != 3 {
		t.Errorf("milestones that end purposes: %+v", ev[ending])
	}
}

// A purpose is served by what is bound to it when it is collected, and by what is bound later.
func TestS38_S45_RecordsAreBoundToAPurposeLaterToo(t *testing.T) {
	for _, x := range []struct {
		f    events.Fact
		want bool
	}{
		{&events.PurposeBound{Purpose: "SVC-03", Selector: events.Selector{Of: []events.Ordinal{1}}}, true},
		{&events.PurposeBound{Purpose: "SVC-03"}, false},
		{&events.Collected{Purposes: []events.Bind{{ID: "SVC-03", Of: []events.Ordinal{1}}}}, true},
		{&events.Collected{Purposes: []events.Bind{{ID: "SVC-03"}}}, false},
	} {
		if slices.Contains(shown(x.f), "records bound to SVC-03") != x.want {
			t.Errorf("%+v shows %q", x.f, shown(x.f))
		}
	}
}

// What went before a law's period had run is said of the sentences that it weighs on, with its count; what did not says nothing.
func TestS15_S51_DeletionsAgainstALawAreSaid(t *testing.T) {
	if got := shown(&events.Deleted{Early: []events.Word{"ACC-01"}}); !slices.Contains(got, beforeLaw) || !slices.Contains(Needed(), beforeLaw) {
		t.Errorf("shows %q", got)
	}
	if got := shown(&events.Deleted{}); slices.Contains(got, beforeLaw) {
		t.Errorf("shows %q", got)
	}
	said := observing.caveats(nil, evidence{beforeLaw: {What: beforeLaw, Count: 3}})
	for _, id := range []string{"S15", "S51"} {
		if len(said[id]) != 1 || !strings.HasPrefix(said[id][0], "3 deletions") {
			t.Errorf("%s: %q", id, said[id])
		}
	}
	if said := observing.caveats(nil, evidence{}); len(said) != 0 {
		t.Errorf("of nothing: %q", said)
	}
}
