package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
)

// A vendor's life by the commands: registered, entrusted, asked to give back, told at its webhook over a power cut, confirming by itself; then
// ended, and confirmed by letter.
func TestRecipients(t *testing.T) {
	var mu sync.Mutex
	var told []string
	down := true
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		told = append(told, string(b))
	}))
	defer vendor.Close()
	e := start(t, t.TempDir())
	run := func(want int, args ...string) string {
		t.Helper()
		out, code := e.daicho(append([]string{"--role", "compliance"}, args...)...)
		if code != want {
			t.Fatalf("daicho %s: exit %d, want %d; %.400s", strings.Join(args, " "), code, want, out)
		}
		return out
	}
	run(0, "recipients", "register", "mailer", "--name", "Mail sender", "--country", "JP", "--kind", "entrusted", "--purpose", "DM-01", "--task", "provision", "--safeguard", "domestic",
		"--contract", "V-1", "--contract-from", "2025-01-01", "--selected-on", "2024-12-01", "--reason", "certificate seen", "--webhook", vendor.URL)
	run(1, "recipients", "register", "lender", "--name", "x", "--country", "JP", "--kind", "lent", "--purpose", "DM-01", "--safeguard", "domestic")
	run(2, "recipients", "register", "lender", "--contract", "V-1")
	run(0, "recipients", "review", "mailer", "--review-due", "2099-01-01")
	ctx := context.Background()
	sent := 0
	emit := func(typ, data string) {
		t.Helper()
		sent++
		line := fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"/rental/web","type":"daicho.%s.v1","subject":"rental:C-MAIL","time":%q,"data":%s}`, fmt.Sprint("e", sent), typ, time.Now().UTC().Format(time.RFC3339), data)
		r, err := e.as("admin").Emit(ctx, bytes.ReplaceAll(line, []byte("\n"), nil))
		if err != nil || r[0].Status != contracts.StatusRecorded {
			t.Fatalf("%s: %+v %v", typ, r, err)
		}
	}
	emit("collected", `{"records":[{"key":"email","category":"pd:EmailAddress","value":"hanako@example.com"},{"key":"name","category":"pd:Name","value":"Hanako"}],"purposes":[{"id":"DM-01","basis":"consent","consent":{"by":"self"}}],
		"operation":"rental","location":"rental-db","channel":"web","transport":"tls","notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"customer","country":"JP"}}`)
	emit("transferred", `{"records":["email"],"recipient":"mailer","kind":"entrusted","purpose":"DM-01","basis":"consent","country":"JP"}`)
	emit("transferred", `{"records":["name"],"recipient":"mailer","kind":"entrusted","purpose":"DM-01","basis":"consent","country":"JP"}`)
	var x contracts.Exposure
	exposure := func() contracts.Exposure {
		t.Helper()
		if err := json.Unmarshal([]byte(run(0, "recipients", "exposure", "mailer", "-o", "json")), &x); err != nil {
			t.Fatal(err)
		}
		return x
	}
	if x := exposure(); x.People.Total != 1 || x.Records.Total != 2 {
		t.Errorf("%+v", x)
	}
	emit("consent_withdrawn", `{"purposes":["DM-01"],"by":"self"}`)
	notice := func(state string) contracts.NoticeLine {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			all, err := e.as("auditor").Notices(ctx, true)
			if err == nil && len(all.Notices) == 1 && all.Notices[0].State == state && (state == "taken" || all.Notices[0].Attempts > 0) {
				return all.Notices[0]
			}
			if time.Now().After(end) {
				t.Fatalf("no notice is %s: %+v %v", state, all, err)
			}
		}
	}
	if n := notice("waiting"); n.Reason != "it answered 503" {
		t.Errorf("%+v", n)
	}
	e.kill()
	mu.Lock()
	down = false
	mu.Unlock()
	e.again()
	recall := notice("taken").Recall
	mu.Lock()
	body := told[0]
	mu.Unlock()
	var n contracts.RecallNotice
	if err := json.Unmarshal([]byte(body), &n); err != nil || n.Recall != recall || len(n.Records) != 2 || strings.Contains(body, "anako") || strings.Contains(body, "C-MAIL") {
		t.Errorf("told %s: %v", body, err)
	}
	post := func(token string) int {
		t.Helper()
		res, err := http.Post(e.url+n.Confirm.Path, "application/json", bytes.NewReader(fmt.Appendf(nil, `{"token":%q,"certificate":"CERT-4711"}`, token)))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	if a, b, c := post("guess"), post(n.Confirm.Token), post(n.Confirm.Token); a != 401 || b != 201 || c != 200 {
		t.Errorf("confirming answers %d, %d, %d", a, b, c)
	}
	empty := func() {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); exposure().Records.Total > 0; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("still there: %+v", x)
			}
		}
	}
	empty()
	emit("consent_given", `{"purposes":["DM-01"],"by":"self","notice":{"policy":"2025-10","language":"ja"}}`)
	emit("purpose_bound", `{"records":["name"],"purpose":"DM-01","basis":"consent"}`)
	emit("transferred", `{"records":["name"],"kind":"entrusted","recipient":"mailer","purpose":"DM-01","basis":"consent","country":"JP"}`)
	run(0, "recipients", "end", "mailer")
	var open contracts.RecallList
	for end := time.Now().Add(20 * time.Second); len(open.Recalls) == 0; time.Sleep(20 * time.Millisecond) {
		if err := json.Unmarshal([]byte(run(0, "recipients", "recalls", "-o", "json")), &open); err != nil || time.Now().After(end) {
			t.Fatalf("nothing is recalled: %v", err)
		}
	}
	run(1, "recipients", "confirm", string(open.Recalls[0].Recall), "--recipient", "parcel")
	run(0, "recipients", "confirm", string(open.Recalls[0].Recall), "--recipient", "mailer", "--certificate", "CERT-4712")
	empty()
	for _, args := range [][]string{{"list"}, {"show", "mailer"}, {"recalls", "--all"}, {"provisions"}, {"notices"}} {
		if out := run(0, append([]string{"recipients"}, args...)...); out == "" {
			t.Errorf("recipients %v says nothing", args)
		}
	}
	run(1, "recipients", "secret", "mailer") // not for compliance
	if out, code := e.daicho("recipients", "secret", "mailer"); code != 0 || !strings.Contains(out, "whsec_") {
		t.Errorf("%d %s", code, out)
	}
	e.verified()
}
