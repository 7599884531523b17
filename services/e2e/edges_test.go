package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/daicho-dev/daicho/contracts"
)

// prefix is the beginning of the year that the ways in are compared by: recipients, people, links, refusals and duplicates are in it.
const prefix = 1500

// The same lines over HTTP and over NATS: the answers are equal one by one, and the engines afterwards to the byte.
func TestNATSEqualsHTTP(t *testing.T) {
	lines := year(t)[:prefix]
	lines = append(lines, lines[prefix-50:]...) // sent again
	ids := identifiers(lines)
	asOf := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	over := start(t, t.TempDir())
	want, err := over.as("admin").Emit(t.Context(), bytes.Join(lines, []byte("\n")))
	if err != nil {
		t.Fatal(err)
	}
	e := startWith(t, "--nats-listen", "127.0.0.1:0")
	c := e.nats()
	token := e.as("admin").Token
	inbox := nats.NewInbox()
	answers, err := c.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, l := range lines {
		var ce struct{ Source string }
		if err := json.Unmarshal(l, &ce); err != nil {
			t.Fatal(err)
		}
		m := nats.NewMsg("daicho.intake" + strings.ReplaceAll(ce.Source, "/", "."))
		m.Header.Set("Authorization", "Bearer "+token)
		m.Data, m.Reply = l, inbox
		if err := c.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	for i := range lines {
		m, err := answers.NextMsg(time.Minute)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		got := contracts.Receipt{Status: contracts.StatusRefused}
		if m.Header.Get("daicho-status") == "422" {
			var p contracts.Problem
			err = json.Unmarshal(m.Data, &p)
			got.Rule, got.Field = p.Rule, p.Field
			refused++
		} else {
			err = json.Unmarshal(m.Data, &got)
		}
		if err != nil || got.Status != want[i].Status || got.Rule != want[i].Rule || got.Field != want[i].Field {
			t.Fatalf("line %d: %s over NATS, %+v over HTTP", i, m.Data, want[i])
		}
	}
	if refused == 0 || refused == len(lines) {
		t.Errorf("%d of %d were refused", refused, len(lines))
	}
	a, b := normal(t, over, ids, asOf, true), normal(t, e, ids, asOf, true)
	if len(a) < 1<<20 || !bytes.Equal(a, b) {
		t.Errorf("what came over NATS is not what came over HTTP:\n%s", differ(a, b))
	}
	e.verified()
	e.stop()
	if f := newHaystack(needles(lines)).find([]byte(e.out.String())); len(f) > 0 {
		t.Errorf("the engine's output holds clear text: %q", f)
	}
}

// nats is a connection to the engine's own server, with the admin's token.
func (e *engine) nats() *nats.Conn {
	e.t.Helper()
	b, err := os.ReadFile(filepath.Join(e.dir, "engine.json"))
	if err != nil {
		e.t.Fatal(err)
	}
	var f struct{ NATS string }
	if err := json.Unmarshal(b, &f); err != nil {
		e.t.Fatal(err)
	}
	c, err := nats.Connect(f.NATS, nats.Token(e.as("admin").Token))
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(c.Close)
	return c
}
