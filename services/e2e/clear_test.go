package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
)

// needles are every clear value and every outside name of people in some lines, of six bytes and more: what must be found nowhere.
// Words of the catalogue are clear by right.
func needles(lines [][]byte) map[string]bool {
	catalogue := policies.Default().JSON()
	all := map[string]bool{}
	add := func(s string) {
		if len(s) >= 6 && !bytes.Contains(catalogue, []byte(s)) {
			all[s] = true
		}
	}
	var texts func(v any)
	texts = func(v any) {
		switch v := v.(type) {
		case string:
			add(v)
			if q, _ := json.Marshal(v); len(q) > 2 { // as it stands escaped in JSON
				add(string(q[1 : len(q)-1]))
			}
		case []any:
			for _, x := range v {
				texts(x)
			}
		case map[string]any:
			for _, x := range v {
				texts(x)
			}
		}
	}
	for _, l := range lines {
		var e struct {
			ID, Subject string
			Data        map[string]any
		}
		if json.Unmarshal(l, &e) != nil {
			continue
		}
		if _, organisation := e.Data["contract"].(map[string]any); organisation {
			continue // a recipient: it names nobody
		}
		add(e.ID)
		add(e.Subject)
		if _, key, ok := strings.Cut(e.Subject, ":"); ok {
			add(key)
		}
		for _, field := range []string{"matter", "case", "certificate", "record", "other", "evidence", "value", "by"} {
			texts(e.Data[field])
		}
		if records, ok := e.Data["records"].([]any); ok {
			for _, r := range records {
				switch r := r.(type) {
				case string:
					add(r)
				case map[string]any:
					texts(r["key"])
					texts(r["value"])
				}
			}
		}
		for _, field := range []string{"person", "guardian"} {
			if m, ok := e.Data[field].(map[string]any); ok {
				for name, v := range m {
					if name != "kind" && name != "country" {
						texts(v)
					}
				}
			}
		}
	}
	return all
}

// haystack finds needles in bytes: by their first six.
type haystack struct {
	byHead map[[6]byte][]string
}

func newHaystack(all map[string]bool) *haystack {
	h := &haystack{map[[6]byte][]string{}}
	for n := range all {
		k := [6]byte([]byte(n[:6]))
		h.byHead[k] = append(h.byHead[k], n)
	}
	return h
}

func (h *haystack) find(b []byte) []string {
	var found []string
	for i := 0; i+6 <= len(b) && len(found) < 5; i++ {
		for _, n := range h.byHead[[6]byte(b[i:i+6])] {
			if bytes.HasPrefix(b[i:], []byte(n)) {
				found = append(found, n)
			}
		}
	}
	return found
}

func TestNothingClear(t *testing.T) {
	lines := year(t)
	all := needles(lines)
	if len(all) < 10_000 {
		t.Fatalf("only %d needles", len(all))
	}
	h := newHaystack(all)
	if len(h.find(lines[100])) == 0 {
		t.Fatal("the search finds nothing in a clear line")
	}
	e := fed(t, lines)
	c := e.as("admin")
	ctx := context.Background()
	var said bytes.Buffer // everything that the engine answers to anybody who asks for no value

	// Looks, refusals, faults: whatever makes an engine talk.
	if _, err := c.Dossier(ctx, contracts.DossierQuestion{Person: "rental:C-000337", Purpose: "DSR-01"}); err != nil {
		t.Fatal(err)
	}
	post := func(contentType string, body []byte) {
		req, _ := http.NewRequest(http.MethodPost, e.url+"/v1/events", bytes.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+c.Token)
		req.Header.Set("Content-Type", contentType)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		_, _ = io.Copy(&said, res.Body)
	}
	for i := 0; i < len(lines); i += 97 {
		l := lines[i]
		post("application/cloudevents+json", l[:len(l)*2/3])                                                          // ends early
		post("application/cloudevents+json", bytes.Replace(l, []byte(`"data":{`), []byte(`"data":{"unknown":1,`), 1)) // unknown field
		post("application/cloudevents+json", bytes.Replace(l, []byte(`"source":"/`), []byte(`"source":"/no/`), 1))    // unknown source
		post("application/x-ndjson", bytes.ReplaceAll(l, []byte(`"category":"`), []byte(`"category":"no:`)))
	}
	deleted := `{"specversion":"1.0","id":"canary-delete","source":"/privacy/office","type":"daicho.deleted.v1","subject":"rental:C-000612","time":"2026-11-20T00:00:00Z","data":{"person":true,"cause":"request"}}`
	if _, err := c.Emit(ctx, []byte(deleted)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/metrics", "/healthz", "/v1/models", "/v1/quarantine", "/v1/obligations", "/v1/retention/calendar", "/v1/replay"} {
		req, _ := http.NewRequest(http.MethodGet, e.url+path, nil)
		req.Header.Set("Authorization", "Bearer "+c.Token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(&said, res.Body)
		res.Body.Close()
	}
	if _, err := c.Find(ctx, events.Identifier("rental:C-999999")); err != nil {
		said.WriteString(err.Error())
	}
	time.Sleep(500 * time.Millisecond)
	search := func(when string) {
		t.Helper()
		files, size := 0, 0
		look := func(path string, d fs.DirEntry, err error) error {
			if os.IsNotExist(err) || err == nil && !d.Type().IsRegular() { // a server removes files of its own at any time
				return nil
			}
			if err != nil {
				return err
			}
			b, err := os.ReadFile(path)
			if os.IsNotExist(err) {
				return nil
			}
			if err != nil {
				return err
			}
			files, size = files+1, size+len(b)
			if f := h.find(b); len(f) > 0 {
				t.Errorf("%s: %s holds clear text, %d finds, the first of kind %q", when, filepath.Base(path), len(f), f)
			}
			if f := h.find([]byte(path)); len(f) > 0 {
				t.Errorf("%s: a file's name holds clear text", when)
			}
			return nil
		}
		for _, dir := range append([]string{e.dir}, on.folders...) {
			if err := filepath.WalkDir(dir, look); err != nil {
				t.Fatal(err)
			}
		}
		if files < 8 || size < 3<<20 {
			t.Errorf("%s: only %d files of %d bytes were searched", when, files, size)
		}
	}
	search("running")
	e.stop()
	search("stopped")
	if f := h.find(said.Bytes()); len(f) > 0 {
		t.Errorf("an answer holds clear text: %q", f)
	}
	if f := h.find([]byte(e.out.String())); len(f) > 0 {
		t.Errorf("the engine's own output holds clear text: %q", f)
	}
	if e.log == "" || e.log == memory { // it has been searched as files, or is gone
		return
	}
	n := 0
	for batch, err := range e.leftLog().Scan(ctx, 0, contracts.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			n++
			if f := h.find(fmt.Append(nil, batch[i].Stream, batch[i].Source, string(batch[i].Data))); len(f) > 0 {
				t.Errorf("an event of type %s holds clear text: %q", batch[i].Type, f)
			}
		}
	}
	if n < 4000 {
		t.Errorf("only %d events were searched", n)
	}
}
