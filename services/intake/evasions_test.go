package intake

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/person"
)

// Whoever is known to be a minor consents to nothing alone, by whichever event the consent comes and whether or not it tells the age again; and
// what is not for minors is not taken of one.
func TestS33_S39_AMinorConsentsToNothingAlone(t *testing.T) {
	const born = `{"kind":"customer","country":"JP","birthdate":"2012-05-05"}`
	guardian := `,"guardian":{"consent":"G-1","relation":"parent"}`
	by := func(id, who string) string {
		return fmt.Sprintf(`{"id":%q,"basis":"consent","consent":{"by":%q}}`, id, who)
	}
	w := newWorld(t)
	w.refused("minor /data/purposes/1/consent/by", "collected", takes{purposes: rental + "," + by("DM-02", "self"), records: "a=pd:Name m=pd:EmailAddress", person: born, more: guardian}.String())
	w.tells("collected", takes{records: "a=pd:Name m=pd:EmailAddress", person: born, more: guardian}.String())
	// The age is known now, and not told again.
	w.refused("consent_missing /data/purposes/0/consent/by", "collected", takes{purposes: by("DM-02", "self"), records: "x=pd:EmailAddress"}.String())
	w.refused("consent_missing /data/purposes/0/id", "collected", takes{purposes: by("SVC-04", "guardian"), records: "x=pd:Interest"}.String())
	w.refused("consent_missing /data/purposes/0/id", "collected", takes{purposes: by("SVC-04", "self"), records: "x=pd:Interest"}.String())
	w.refused("minor /data/consent/by", "purpose_bound", `{"records":["m"],"purpose":"DM-02","basis":"consent","consent":{"by":"self"}}`)
	w.refused("minor /data/by", "consent_given", `{"purposes":["DM-02"],"by":"self",`+notice+`}`)
	w.tells("collected", takes{purposes: by("DM-02", "guardian"), records: "x=pd:EmailAddress"}.String())
	got := w.tells("purpose_bound", `{"records":["m"],"purpose":"DM-01","basis":"consent","consent":{"by":"guardian"}}`)
	for _, c := range w.state(got.Person).Consents {
		if c.By != "guardian" {
			t.Errorf("a consent to %s stands by %s", c.Purpose, c.By)
		}
	}
	// Of age, they consent themselves, and nobody for them.
	later := w.on("2032-07-01T00:00:00Z")
	later.g.now = func() time.Time { return later.at.Add(time.Hour) }
	later.refused("consent_missing /data/consent/by", "purpose_bound", `{"records":["m"],"purpose":"SVC-03","basis":"consent","consent":{"by":"guardian"}}`)
	later.tells("purpose_bound", `{"records":["m"],"purpose":"SVC-03","basis":"consent","consent":{"by":"self"}}`)
}

// A consent stands with the version of the notice that it rests on, by whichever event it came.
func TestS46_AConsentKnowsItsNotice(t *testing.T) {
	w := newWorld(t)
	w.tells("collected", takes{records: "m=pd:EmailAddress"}.String())
	w.tells("purpose_bound", `{"records":["m"],"purpose":"DM-02","basis":"consent","consent":{"by":"self"}}`)
	got := w.tells("purpose_bound", `{"records":["m"],"purpose":"DM-01","basis":"consent","consent":{"by":"self"},`+notice+`}`)
	all := w.state(got.Person).Consents
	if len(all) != 2 || slices.ContainsFunc(all, func(c person.Consent) bool { return c.Notice != "2025-10" || c.By != "self" }) {
		t.Errorf("%+v", all)
	}
	w.refused("unknown_policy /data/notice/policy", "purpose_bound", `{"records":["m"],"purpose":"SVC-03","basis":"consent","consent":{"by":"self"},"notice":{"policy":"1999","language":"ja"}}`)
}

// A consent that is withdrawn ends what rests on it, and nothing that has another basis.
func TestS42_AWithdrawalEndsWhatRestsOnItAlone(t *testing.T) {
	w := newWorld(t)
	w.tells("collected", takes{purposes: on("SVC-07", "legitimate_interest"), records: "u=pd:Interest"}.String())
	w.tells("collected", takes{purposes: on("SVC-07", "consent"), records: "v=pd:Gender"}.String())
	w.tells("consent_withdrawn", `{"purposes":["SVC-07"],"by":"self"}`)
	w.uses("allowed", "SVC-07", "pd:Interest")
	w.uses("purpose_not_bound", "SVC-07", "pd:Gender")
}

// What the inventory's trackers observed serves their purposes and no others, however it is asked for; and under a policy that takes a purpose
// from a tracker, no longer that one.
func TestS55_WhatBrowsersToldServesTheSiteAlone(t *testing.T) {
	w := newWorld(t).as("/web/www", "cookie:b-1")
	w.tells("collected", visit())
	w.uses("allowed", "CK-01", "pd:UserAgent")
	for _, purpose := range []string{"SVC-07", "SVC-04"} {
		basis := map[string]string{"SVC-07": `"legitimate_interest"`, "SVC-04": `"consent","consent":{"by":"self"}`}[purpose]
		w.refused("category_not_permitted /data/purpose", "purpose_bound", fmt.Sprintf(`{"records":["agent"],"purpose":%q,"basis":%s}`, purpose, basis))
		w.uses("purpose_not_bound", purpose, "pd:UserAgent")
	}
	doc := strings.Replace(string(policies.Default().JSON()), `"version":"2025-10"`, `"version":"2026-10"`, 1)
	before, its, _ := strings.Cut(doc, `"id":"site-session"`)
	doc = before + `"id":"site-session"` + strings.Replace(its, `"purposes":["CK-01"]`, `"purposes":["CK-02"]`, 1)
	c, _, err := policies.Read([]byte(doc))
	if err != nil || c.Tracker("site-session").Serves("CK-01") {
		t.Fatal("the second policy is not what this test is about", err)
	}
	told := []events.Change{{Major: true, Text: map[events.Word]events.Text{"en": "x", "ja": "x", "zh-Hant": "x", "ko": "x"}}}
	s := Own(events.TypePolicyPublished, events.Stream{Kind: "policy", ID: "main"}, &events.PolicyPublished{Version: events.Word(c.Version), Catalogue: c.JSON(), Changes: told})
	if out, err := w.g.Submit(context.Background(), Engine, []Submission{s}); err != nil || out[0].Status != contracts.StatusRecorded {
		t.Fatalf("publishing: %+v %v", out, err)
	}
	w.uses("category_not_permitted", "CK-01", "pd:UserAgent")
}

// What only a tracker observes is a tracker's, whatever the event calls its channel: one that the inventory names is recorded with it, any other
// is refused, and a refusal of cookies reaches it.
func TestS53_S57_TheInventoryIsNotEvadedByAnotherWord(t *testing.T) {
	w := newWorld(t).as("/web/www", "cookie:b-1")
	web := func(key, category, purposes string) string {
		return takes{purposes: purposes, records: key + "=" + category, operation: "content", location: "web-analytics", channel: "web", transport: "tls", person: `{"kind":"visitor","country":"JP"}`}.String()
	}
	w.refused("category_not_permitted /data/records/0/category", "collected", web("f", "pd:BrowserFingerprint", on("CK-01", "legitimate_interest")))
	w.refused("category_not_permitted /data/purposes/0/id", "collected", web("h", "pd:BrowsingBehaviour", on("SVC-04", "consent")))
	w.tells("collected", web("id", "ts:CookieID", on("CK-01", "legitimate_interest")))
	if f := facts[*events.Collected](w); len(f) != 1 || f[0].Tracker != "site-session" {
		t.Errorf("recorded as collected by %q", f[0].Tracker)
	}
	w.tells("tracking_refused", `{"channel":"cookie"}`)
	w.refused("tracking_refused /data/tracker", "collected", web("id2", "ts:CookieID", on("CK-01", "legitimate_interest")))
	w.as("/rental/haneda-t3", "rental:Q").refused("category_not_permitted /data/channel", "collected", takes{purposes: on("CK-01", "legitimate_interest"), records: "id=ts:CookieID"}.String()) // at a counter
	// A client's data is the client's.
	w.as("/entrusted/client-x", "client-x:1").tells("collected", takes{purposes: on("SP-01", "contract"), records: "id=ts:CookieID", operation: "entrusted", location: "entrusted-db", channel: "form", more: client}.String())
}

// A refusal ends at once what trackers on that channel have collected, and nothing else of the person.
func TestS57_ARefusalEndsWhatWasCollected(t *testing.T) {
	w := newWorld(t).as("/web/www", "cookie:b-1")
	w.tells("collected", visit())
	w.as("/rental/web", "cookie:b-1").tells("collected", takes{records: "name=pd:Name", channel: "form"}.String())
	w.tells("tracking_refused", `{"channel":"mail"}`) // another channel's trackers
	w.uses("allowed", "CK-01", "pd:UserAgent")
	got := w.tells("tracking_refused", `{"channel":"cookie"}`)
	w.uses("purpose_not_bound", "CK-01", "pd:UserAgent")
	w.uses("allowed", "SVC-01", "pd:Name")
	for _, r := range w.state(got.Person).Records {
		if b := r.Bindings[0]; (b.Ended != nil) != (b.Purpose == "CK-01") || b.Ended != nil && b.Reason != "objected" {
			t.Errorf("%s: %+v", r.Category, b)
		}
	}
	if f := facts[*events.TrackingRefused](w); len(f) != 2 || len(f[0].Of) != 0 || len(f[1].Of) != 2 {
		t.Errorf("%+v", f)
	}
}

// A recording is announced over whichever channel people speak.
func TestS64_ARecordingIsAnnouncedOnEveryChannel(t *testing.T) {
	for _, channel := range []string{"counter", "app", "form"} {
		w := newWorld(t).as("/rental/support", "rental:P")
		transport := ""
		if channel == "app" {
			transport = "tls"
		}
		voice := takes{purposes: on("CALL-01", "legitimate_interest"), records: "r=pd:VoiceCommunicationRecording", location: "call-store", channel: channel, transport: transport}.String()
		w.refused("notice_missing /data/records/0/category", "collected", voice)
		w.as("/web/www", "rental:P").tells("notice_shown", `{`+notice+`,"channel":"phone"}`)
		w.refused("notice_missing /data/records/0/category", "collected", voice)
		w.as("/web/www", "rental:P").tells("notice_shown", fmt.Sprintf(`{%s,"channel":%q}`, notice, channel))
		late := w.on("2026-10-01T03:10:00Z")
		late.tells("collected", voice)
	}
}

// A deletion on request goes before a law's period, and says so: which purposes that law was about. One that the period has run for says nothing.
func TestS15_ADeletionAgainstALawsPeriodSaysSo(t *testing.T) {
	w := newWorld(t).as("/privacy/office", "rental:P")
	w.as("/rental/haneda-t3", "rental:P").tells("collected", takes{records: "name=pd:Name mail=pd:EmailAddress pass=pd:Passport buy=pd:Purchase"}.String())
	w.tells("deleted", `{"records":["mail"],"cause":"request"}`)
	w.tells("deleted", `{"records":["buy"],"cause":"withdrawal"}`)
	w.tells("deleted", `{"person":true,"cause":"request"}`)
	var early []string
	for _, f := range facts[*events.Deleted](w) {
		early = append(early, fmt.Sprint(f.Early))
	}
	if got := strings.Join(early, " "); got != "[] [ACC-01] [ACC-01 IDV-01]" {
		t.Errorf("said to go against %s", got)
	}
	past := newWorld(t).as("/privacy/office", "rental:Q")
	past.as("/rental/haneda-t3", "rental:Q").tells("collected", takes{records: "buy=pd:Purchase"}.String())
	past.g.now = func() time.Time { return past.at.AddDate(20, 0, 0) }
	past.tells("deleted", `{"person":true,"cause":"request"}`)
	if f := facts[*events.Deleted](past); len(f) != 1 || len(f[0].Early) != 0 {
		t.Errorf("long after the law's period: %+v", f)
	}
}

// What is held is kept as it was, also when it is corrected: the old value goes with the last hold.
func TestS51_ACorrectionOfWhatIsHeldKeepsTheOldValue(t *testing.T) {
	w := newWorld(t)
	w.tells("collected", takes{records: "name=pd:Name mail=pd:EmailAddress", more: `,"matter":"K"`}.String())
	office := w.as("/legal/cases", "rental:P")
	office.tells("hold_placed", `{"case":"L-1","records":["name"]}`)
	w.tells("corrected", `{"record":"name","value":"right"}`)
	w.tells("corrected", `{"record":"mail","value":"right@example.com"}`)
	f := facts[*events.Corrected](w)
	if len(f) != 2 || !f[0].Kept || f[1].Kept {
		t.Errorf("%+v", f)
	}
	office.tells("hold_released", `{"case":"L-1"}`)
	if h := facts[*events.Hold](w); len(h) != 2 || len(h[1].Keys) != 1 || h[1].Keys[0] != f[0].Old {
		t.Errorf("%+v", h)
	}
}
