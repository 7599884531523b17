package intake

import (
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/events"
)

// visit is what the website's cookies bring; change is old, new, old, new …
func visit(change ...string) string {
	c := takes{purposes: on("CK-01", "legitimate_interest"), records: "ip=pd:IPAddress agent=pd:UserAgent", operation: "content", location: "web-analytics",
		channel: "cookie", transport: "tls", person: `{"kind":"visitor","country":"JP"}`}
	return strings.NewReplacer(change...).Replace(c.String())
}

const reading = `"key":"agent","category":"pd:UserAgent"`

// What no tracker of the inventory collects is refused: another category, another purpose, another source, a tracker that nobody listed.
func TestS53_NothingOutsideTheInventoryCollects(t *testing.T) {
	w := newWorld(t).as("/web/www", "cookie:b-1")
	w.refused("unknown_word /data/tracker", "collected", visit(`"channel":"cookie"`, `"tracker":"super-cookie","channel":"cookie"`))
	w.refused("category_not_permitted /data/records/1/category", "collected", visit(reading, `"key":"agent","category":"pd:BrowserFingerprint"`))
	w.refused("category_not_permitted /data/records/1/category", "collected", visit(reading, `"key":"page","category":"pd:BrowserHistory"`, `"channel":"cookie"`, `"tracker":"site-session","channel":"cookie"`))
	w.refused("category_not_permitted /data/purposes/0/id", "collected", visit(`"id":"CK-01","basis":"legitimate_interest"`, `"id":"SVC-07","basis":"legitimate_interest"`))
	w.refused("category_not_permitted /data/purposes/0/id", "collected", visit(`"channel":"cookie"`, `"tracker":"app-analytics","channel":"app"`))
	w.as("/callcenter/pbx", "cookie:b-2").refused("category_not_permitted /source", "collected", visit(`"channel":"cookie"`, `"tracker":"site-session","channel":"cookie"`))
	if n := len(facts[*events.Collected](w)); n != 0 {
		t.Fatalf("%d collections stand in the log", n)
	}
	w.tells("collected", visit())
	w.tells("collected", visit(`"key":"ip"`, `"key":"ip2"`, `"key":"agent","category":"pd:UserAgent"`, `"key":"page","category":"pd:BrowserHistory"`))
	w.tells("collected", visit(`"key":"ip"`, `"key":"ip3"`, `"key":"agent"`, `"key":"agent3"`, `"channel":"cookie"`, `"tracker":"site-preferences","channel":"cookie"`))
	var by []string
	for _, f := range facts[*events.Collected](w) {
		by = append(by, string(f.Tracker))
	}
	if got := strings.Join(by, " "); got != "site-session site-preferences site-preferences" {
		t.Errorf("recorded as collected by %s", got)
	}
}

// Whoever refuses cookies is observed by none of what leaves something in a browser; and nothing else is taken from them for it.
func TestS57_S58_ARefusalOfTrackingIsHonoured(t *testing.T) {
	w := newWorld(t).as("/web/www", "cookie:b-1")
	w.tells("collected", visit())
	w.tells("tracking_refused", `{"channel":"cookie"}`)
	w.refused("tracking_refused /data/channel", "collected", visit(`"key":"ip"`, `"key":"ip2"`, `"key":"agent"`, `"key":"agent2"`))
	w.refused("tracking_refused /data/tracker", "collected", visit(`"key":"ip"`, `"key":"ip2"`, `"key":"agent"`, `"key":"agent2"`, `"channel":"cookie"`, `"tracker":"service-storage","channel":"web"`))
	w.tells("collected", visit(`"key":"ip"`, `"key":"ip2"`, `"key":"agent"`, `"key":"agent2"`, `"channel":"cookie"`, `"channel":"web"`)) // not a tracker
	w.as("/web/www", "cookie:b-1").tells("collected", takes{records: "name=pd:Name", channel: "form"}.String())
}

// The e-mails, the application and the advertisements are in the inventory too.
func TestS60_TrackersOfTheFiveChannels(t *testing.T) {
	w := newWorld(t).as("/marketing/crm", "cookie:b-1")
	mail := takes{purposes: on("CK-02", "consent"), records: "link=pd:LinkClicked", operation: "content", location: "web-analytics", channel: "mail",
		person: `{"kind":"visitor","country":"FR"}`, more: `,"tracker":"mail-link"`}.String()
	w.tells("collected", mail)
	w.tells("tracking_refused", `{"channel":"mail"}`)
	w.refused("tracking_refused /data/channel", "collected", strings.Replace(mail, `"key":"link"`, `"key":"link2"`, 1))
}

// call is the recording of one; more is put among its members.
func call(key, more string) string {
	return takes{purposes: on("CALL-01", "legitimate_interest"), records: key + "=pd:VoiceCommunicationRecording", location: "call-store", channel: "phone", more: more}.String()
}

func TestS64_S65_ACallIsRecordedAfterItsAnnouncement(t *testing.T) {
	told := `{` + notice + `,"channel":"phone","matter":"T-1"}`
	start := newWorld(t).as("/callcenter/pbx", "rental:P")
	start.refused("notice_missing /data/records/0/category", "collected", call("r", ""))
	start.tells("collected", takes{}.String()) // known now, and not told
	start.refused("notice_missing /data/records/0/category", "collected", call("r", ""))
	start.tells("notice_shown", `{`+notice+`,"deemed":true,"channel":"phone"}`)
	start.tells("notice_shown", `{`+notice+`,"channel":"web"}`)
	start.refused("notice_missing /data/records/0/category", "collected", call("r", ""))

	start.on("2026-10-01T05:00:00Z").tells("notice_shown", told)
	after := start.on("2026-10-01T05:10:00Z")
	after.refused("notice_missing /data/records/0/category", "collected", call("r", `,"started":"2026-10-01T04:59:59Z"`)) // began before it was announced
	after.refused("schema /data/started", "collected", call("r", `,"started":"2026-10-01T05:11:00Z"`))
	after.refused("notice_missing /data/records/0/category", "collected", call("r", `,"matter":"T-2"`)) // another call
	start.on("2026-10-03T05:00:00Z").refused("notice_missing /data/records/0/category", "collected", call("r", `,"matter":"T-1"`))
	after.as("/rental/support", "rental:Q").refused("notice_missing /data/records/0/category", "collected", call("r", "")) // somebody else was told
	after.tells("collected", call("r", `,"started":"2026-10-01T05:00:10Z","matter":"T-1"`))
	got := facts[*events.Collected](start)
	if last := got[len(got)-1]; !last.Announced || len(got) != 2 || got[0].Announced {
		t.Errorf("%d collections, the last announced: %v", len(got), last.Announced)
	}
	start.uses("purpose_not_bound", "DM-02", "pd:VoiceCommunicationRecording") // and for nothing else
	start.uses("allowed", "CALL-01", "pd:VoiceCommunicationRecording")
	for reason, want := range map[string]string{"quality": "", "reference": "", "marketing": "unknown_word /data/reason"} {
		use := `{"purpose":"CALL-01","categories":["pd:VoiceCommunicationRecording"],"by":"call-store","reason":"` + reason + `"}`
		if want != "" {
			start.refused(want, "used", use)
			continue
		}
		start.tells("used", use)
		all := facts[*events.Used](start)
		if last := all[len(all)-1]; !last.Allowed || string(last.Reason) != reason {
			t.Errorf("used for %s: %+v", reason, last)
		}
	}
	start.refused("unknown_word /data/reason", "used", `{"purpose":"SVC-01","categories":["pd:Name"],"by":"call-store","reason":"quality"}`) // no reason of that purpose
}

// An announcement that names neither channel nor call counts for the system that makes the recordings, and for no other.
func TestS64_AnAnnouncementByTheSystemThatRecords(t *testing.T) {
	w := newWorld(t).as("/callcenter/pbx", "rental:P")
	w.as("/web/www", "rental:P").tells("notice_shown", `{`+notice+`}`)
	w.refused("notice_missing /data/records/0/category", "collected", call("r", ""))
	w.on("2026-10-02T00:00:00Z").tells("notice_shown", `{`+notice+`}`)
	w.on("2026-10-02T00:00:01Z").tells("collected", call("r", ""))
}
