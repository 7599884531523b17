package register

import (
	"slices"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/obligations"
	"github.com/daicho-dev/daicho/events"
)

func shown(f events.Fact) []string {
	var got []string
	Shows(&events.Event{}, f, func(what string) { got = append(got, what) })
	slices.Sort(got)
	return got
}

// Which law a decision rests on is its rule's, and what rests on none shows nothing.
func TestS12_S13_S14_S15_DecisionsAreCountedByTheirLaw(t *testing.T) {
	for rule, want := range map[events.Word][]events.Word{
		"minor":           {events.NormGuideline, events.NormGDPR, events.NormOther},
		"unknown_purpose": {events.NormAPPI, events.NormGDPR},
		"consent_missing": {events.NormAPPI, events.NormGuideline, events.NormGDPR},
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
	const consented = "consents recorded with who gave them and the notice shown"
	notice := &events.Notice{Policy: "p", Language: "ja"}
	for _, x := range []struct {
		f    events.Fact
		want bool
	}{
		{&events.Consent{Notice: notice}, true},
		{&events.Consent{}, false}, // withdrawn
		{&events.Collected{Notice: notice, Purposes: []events.Bind{{Consent: &events.Giver{By: "self"}}}}, true},
		{&events.Collected{Notice: notice, Purposes: []events.Bind{{}}}, false},
	} {
		if slices.Contains(shown(x.f), consented) != x.want {
			t.Errorf("%+v shows %q", x.f, shown(x.f))
		}
	}
	if got := shown(&events.Collected{Purposes: []events.Bind{{ID: "ACC-01", Brought: true}}}); !slices.Contains(got, "records bound because another law asks for it") {
		t.Errorf("what a law brought shows %q", got)
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
func TestS35_S54_S55_S58_S59_S61_EvidenceOfBrowsers(t *testing.T) {
	const (
		visit   = "visits recorded under the identifier of a browser"
		adjust  = "uses for adjusting the website"
		refused = "uses of what browsers told for other purposes, refused"
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
		{&events.Used{Purpose: "DM-02", Categories: browser}, refused},
		{&events.Used{Purpose: "SVC-04", Allowed: true, Categories: browser}, ""},
		{&events.Used{Purpose: "DM-02", Categories: []events.Word{"pd:Name"}}, ""},
		{&events.NoticeShown{Deemed: true}, cookieNotices},
		{&events.NoticeShown{Channel: "cookie"}, cookieNotices},
		{&events.NoticeShown{Channel: "phone"}, ""},
	} {
		got := shown(x.f)
		for _, name := range []string{visit, adjust, refused, page, cookieNotices} {
			if slices.Contains(got, name) != (name == x.want) {
				t.Errorf("%+v shows %q", x.f, got)
			}
		}
	}
	for id, lacks := range map[string]string{"S35": "refused: unknown_purpose", "S54": visit, "S55": refused, "S58": cookieNotices, "S59": cookieNotices, "S61": page} {
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
