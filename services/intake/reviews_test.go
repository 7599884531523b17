package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

const (
	looked  = `"outcome":"improve","note":"A 山田 of the audit said so."`
	actions = `"due":"2026-11-01","note":"Revise what 山田 found."`
)

// office is a world whose events are the office's own.
func office(t *testing.T) *world { return newWorld(t).as("/privacy/office", "") }

// A review is recorded under whose token it is, people by pseudonyms, its words sealed: nothing clear of it is in the log.
func TestS5_WhatAReviewFoundIsSealedAndWhoHeldItIsAPseudonym(t *testing.T) {
	w := office(t)
	w.tells("review_planned", `{"review":"r-1","subjects":["law","system"],"reason":"law_changed","due":"2026-10-31","by":"staff:s-12","note":"Ask 山田."}`)
	w.tells("review_held", `{"review":"r-1","subjects":["law","system"],`+looked+`}`)
	all := facts[*events.Review](w)
	if len(all) != 2 || all[0].By == all[1].By || !strings.HasPrefix(string(all[0].By), "person:") || !strings.HasPrefix(string(all[1].By), "person:") {
		t.Fatalf("%d reviews, by %v", len(all), all)
	}
	keys, err := w.g.vault.Keys(context.Background(), []events.Stream{{Kind: "review", ID: "r-1"}})
	if err != nil || keys[0] == nil {
		t.Fatal(keys, err)
	}
	for i, want := range []string{`"Ask 山田."`, `"A 山田 of the audit said so."`} {
		typ := []string{events.TypeReviewPlanned, events.TypeReviewHeld}[i]
		got, err := keys[0].Open(all[i].Note.Ordinal(), contracts.Bound{Type: typ, Category: "note:note"}, all[i].Note.Box())
		if err != nil || string(got) != want {
			t.Errorf("note %d: %s, %v", i, got, err)
		}
	}
	for batch, err := range w.log.Scan(context.Background(), 0, contracts.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			if line, _ := json.Marshal(batch[i]); bytes.Contains(batch[i].Data, []byte("山田")) || bytes.Contains(line, []byte("staff:")) {
				t.Errorf("%s has something clear of somebody", batch[i].Type)
			}
		}
	}
	again := w.submission("review_held", `{"review":"r-2","subjects":["law"],`+looked+`}`)
	for _, want := range []contracts.Status{contracts.StatusRecorded, contracts.StatusDuplicate} {
		if out, err := w.g.Submit(context.Background(), w.caller, []Submission{again}); err != nil || out[0].Status != want {
			t.Errorf("%+v %v, want %s", out, err, want)
		}
	}
}

// Who may steer, and what is nonsense; each refusal has its rule and its place.
func TestS26_ReviewsAreTheOfficesOwn(t *testing.T) {
	w := office(t)
	w.refused("schema /data/subjects/0", "review_held", `{"review":"r-1","subjects":["moon"],`+looked+`}`)
	w.refused("schema /data/late", "review_held", `{"review":"r-1","subjects":["law"],"late":["law"],`+looked+`}`)
	w.refused("schema /data/note", "review_held", `{"review":"r-1","subjects":["law"],"outcome":"adequate"}`)
	w.refused("schema /data/due", "review_planned", `{"review":"r-1","subjects":["law"],"reason":"cycle","due":"2026-09-30"}`)
	w.refused("not_permitted /type", "review_read", `{"review":"r-1"}`)
	w.tells("review_held", `{"review":"r-1","subjects":["law"],`+looked+`}`)
	w.refused("key_taken /data/review", "review_held", `{"review":"r-1","subjects":["law"],`+looked+`}`)
	for role, want := range map[events.Word]string{"responder": "not_permitted /type", "auditor": "not_permitted ", "emitter": "not_permitted /type", "compliance": ""} {
		x := w.as("/privacy/office", "")
		x.caller, x.n = Caller{Role: role, Holder: "staff:x", Sources: []string{"/privacy"}}, 100*len(role)
		data := fmt.Sprintf(`{"review":"r-%s","subjects":["law"],%s}`, role, looked)
		if want == "" {
			x.tells("review_held", data)
		} else {
			x.refused(want, "review_held", data)
		}
	}
	x := w.as("/privacy/office", "")
	x.caller, x.n = Caller{Role: "emitter", Sources: []string{"/privacy"}, Types: []string{"review_held"}}, 9000
	x.refused("schema /data/by", "review_held", `{"review":"r-7","subjects":["law"],`+looked+`}`)
	x.tells("review_held", `{"review":"r-7","subjects":["law"],"by":"staff:s-1",`+looked+`}`)
}

// An action comes from something that the register knows; the desk's own streams are looked up.
func TestS6_AnActionComesFromWhatIsRecorded(t *testing.T) {
	w := office(t)
	for kind, data := range map[string]string{
		"incident_opened": `{"incident":"inc-1","kind":"leak"}`, "complaint_received": `{"complaint":"cmp-1"}`, "request_received": `{"request":"req-1","kind":"DISCLOSE"}`,
	} {
		w.tells(kind, data)
	}
	w.tells("review_held", `{"review":"r-1","subjects":["system"],`+looked+`}`)
	for cause, want := range map[string]string{
		`"kind":"incident","id":"inc-1"`: "", `"kind":"complaint","id":"cmp-1"`: "", `"kind":"request","id":"req-1"`: "", `"kind":"review","id":"r-1"`: "", `"kind":"audit"`: "",
		`"kind":"incident","id":"inc-2"`: "record_unknown /data/cause/id", `"kind":"complaint","id":"inc-1"`: "record_unknown /data/cause/id",
		`"kind":"request","id":"r-1"`: "record_unknown /data/cause/id", `"kind":"review","id":"inc-1"`: "record_unknown /data/cause/id",
		`"kind":"incident"`: "schema /data/cause/id", `"kind":"dream","id":"d-1"`: "schema /data/cause/kind",
	} {
		w.n++
		data := fmt.Sprintf(`{"improvement":"i-%d","cause":{%s},%s}`, w.n, cause, actions)
		if want == "" {
			w.tells("improvement_opened", data)
		} else {
			w.refused(want, "improvement_opened", data)
		}
	}
}

// What an action took, and whether it was late, is the engine's to say.
func TestS27_NobodySaysOfHimselfThatHeWasInTime(t *testing.T) {
	w := office(t)
	w.tells("improvement_opened", `{"improvement":"i-1","cause":{"kind":"audit"},`+actions+`}`)
	w.tells("improvement_opened", `{"improvement":"i-2","cause":{"kind":"audit"},`+actions+`}`)
	w.refused("schema /data/late", "improvement_completed", `{"improvement":"i-1","evidence":"x","late":false}`)
	w.refused("schema /data/days", "improvement_completed", `{"improvement":"i-1","evidence":"x","days":1}`)
	w.refused("schema /data/evidence", "improvement_completed", `{"improvement":"i-1"}`)
	w.refused("schema /data/note", "improvement_dropped", `{"improvement":"i-1"}`)
	w.refused("record_unknown /data/improvement", "improvement_completed", `{"improvement":"i-9","evidence":"x"}`)
	w.on("2026-11-01T14:59:00Z").tells("improvement_completed", `{"improvement":"i-1","evidence":{"document":"PRO-12 v4"}}`)
	w.on("2026-11-01T15:00:00Z").tells("improvement_completed", `{"improvement":"i-2","evidence":"PRO-13"}`)
	w.refused("record_gone /data/improvement", "improvement_dropped", `{"improvement":"i-1","note":"x"}`)
	var got []string
	for _, i := range facts[*events.Improvement](w) {
		if i.Cause == nil {
			got = append(got, fmt.Sprintf("%d %v", i.Days, i.Late))
		}
	}
	if want := "[31 false 32 true]"; fmt.Sprint(got) != want {
		t.Errorf("took %v, want %s", got, want)
	}
}

// What the log says is what a gateway that starts later knows.
func TestS6_ReviewsAndActionsOutliveAStart(t *testing.T) {
	w := office(t)
	w.tells("review_held", `{"review":"r-1","subjects":["system"],`+looked+`}`)
	w.tells("improvement_opened", `{"improvement":"i-1","cause":{"kind":"review","id":"r-1"},`+actions+`}`)
	later := testGateway(t, w.log, w.g.vault)
	a, b := w.g.Organisation(), later.Organisation()
	if len(b.Reviews) != 1 || len(b.Improvements) != 1 || a.Reviews["r-1"].HeldAt != b.Reviews["r-1"].HeldAt || a.Improvements["i-1"].At != b.Improvements["i-1"].At {
		t.Errorf("%+v and %+v", a.Reviews["r-1"], b.Reviews["r-1"])
	}
}
