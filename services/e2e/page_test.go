package e2e

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/policies"
)

func (e *engine) publicPage(lang string) string {
	e.t.Helper()
	req, err := http.NewRequestWithContext(e.t.Context(), http.MethodGet, e.url+"/policy?lang="+lang, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Language") != lang || !strings.HasPrefix(res.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		e.t.Fatalf("%d %v %v", res.StatusCode, res.Header, err)
	}
	return string(b)
}

// The public page of a running engine: for everybody, in four languages; a change of purposes that is not told is refused; one that is told
// is announced, and stays announced over a power cut, while the policy before it is in force.
func TestS28_S30_ThePublicPage(t *testing.T) {
	e := start(t, t.TempDir())
	for lang, title := range map[string]string{"ja": "個人情報保護方針", "en": "Personal information protection policy", "zh-Hant": "個人資料保護方針", "ko": "개인정보 보호 정책"} {
		if page := e.publicPage(lang); !strings.Contains(page, `<html lang="`+lang+`">`) || !strings.Contains(page, "<h1>"+title+"</h1>") || strings.Contains(page, `class="banner"`) {
			t.Errorf("%s: %.300s", lang, page)
		}
	}
	zone := policies.Default().Zone()
	later := time.Now().In(zone).AddDate(0, 0, 40)
	publish := func(id, changes string) contracts.Receipt {
		t.Helper()
		doc := strings.NewReplacer(`"version":"2025-10"`, `"version":"next"`, `"effective":"2025-10-01"`, `"effective":"`+later.Format("2006-01-02")+`"`,
			"For responding to customer opinions", "For responding to everybody's opinions").Replace(string(policies.Default().JSON()))
		event := `{"specversion":"1.0","id":"` + id + `","source":"/privacy/office","type":"daicho.policy_published.v1","time":"` + time.Now().UTC().Format(time.RFC3339) +
			`","data":{"version":"next","catalogue":` + doc + changes + `}}`
		if !json.Valid([]byte(event)) {
			t.Fatal("the event is no JSON")
		}
		r, err := e.as("admin").Emit(context.Background(), []byte(event))
		if err != nil {
			t.Fatal(err)
		}
		return r[0]
	}
	if r := publish("p1", ``); r.Status != contracts.StatusRefused || r.Rule != "notice_missing" {
		t.Fatalf("a purpose was changed without notice: %+v", r)
	}
	if r := publish("p2", `,"changes":[{"text":{"en":"Everybody's opinions","ja":"すべての方のご意見","zh-Hant":"所有人之意見","ko":"모든 분의 의견"},"major":true}]`); r.Status != contracts.StatusRecorded {
		t.Fatalf("%+v", r)
	}
	e.kill()
	e.again()
	page := e.publicPage("ja")
	if !strings.Contains(page, `class="banner"`) || !strings.Contains(page, later.Format("2006年1月2日")) || strings.Count(page, "すべての方のご意見") != 2 || !strings.Contains(page, `<span id="version">2025-10</span>`) {
		t.Error("the change is not announced as it should be")
	}
	all, err := e.as("auditor").Policies(context.Background())
	if err != nil || len(all) != 2 || !all[0].Current || all[1].Current {
		t.Errorf("%+v %v", all, err)
	}
	e.verified()
}

// The record of processing activities by the command, in its three forms; an emitter may not read it.
func TestTheRecordOfProcessingActivities(t *testing.T) {
	e := start(t, t.TempDir())
	out, code := e.daicho("register", "--output", "json", "--lang", "ja")
	var record contracts.ProcessingRegister
	if err := json.Unmarshal([]byte(out), &record); err != nil || code != 0 || len(record.Controller) == 0 || len(record.Processor) == 0 || record.Language != "ja" {
		t.Fatalf("%d %v %.200s", code, err, out)
	}
	rows, err := csv.NewReader(strings.NewReader(first(e.daicho("register", "--output", "csv")))).ReadAll()
	if err != nil || len(rows) != 1+len(record.Controller)+len(record.Processor) {
		t.Errorf("%d rows %v", len(rows), err)
	}
	var linked struct {
		Graph []any `json:"@graph"`
	}
	if err := json.Unmarshal([]byte(first(e.daicho("register", "--output", "jsonld"))), &linked); err != nil || len(linked.Graph) <= len(record.Controller) {
		t.Errorf("%d nodes %v", len(linked.Graph), err)
	}
	if out, code := e.daicho("register"); code != 0 || !strings.Contains(out, "in_union is for the company to supply") {
		t.Errorf("%d %s", code, out)
	}
	if _, code := e.daicho("--role", "emitter", "register"); code != 1 {
		t.Errorf("an emitter read it: %d", code)
	}
	if _, code := e.daicho("register", "--lang", "fr"); code != 1 {
		t.Errorf("in a language that is not there: %d", code)
	}
}

func first(s string, _ int) string { return s }
