package e2e

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/postgres/pgtest"
	"github.com/daicho-dev/daicho/services/client/outbox"
)

// prefix is the beginning of the year that the ways in are compared by: recipients, people, links, refusals and duplicates are in it.
const prefix = 1200

// The same lines over HTTP, over NATS and through an outbox: the answers are equal one by one, and the engines afterwards to the byte.
func TestEveryWayInIsTheSame(t *testing.T) {
	lines := year(t)[:prefix]
	lines = append(lines, lines[prefix-50:]...) // sent again
	ids := identifiers(lines)
	asOf := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	hidden := newHaystack(needles(lines))
	over := start(t, t.TempDir())
	receipts, err := over.as("admin").Emit(t.Context(), bytes.Join(lines, []byte("\n")))
	if err != nil {
		t.Fatal(err)
	}
	models, err := over.as("admin").Models(t.Context())
	if err != nil || models[0].Name != "dossier" {
		t.Fatal(models, err)
	}
	byType := models[0].Events
	over.grown() // as the engines below are, of which one is killed on the way
	want, refused := normal(t, over, ids, asOf, true), over.refused()
	if len(want) < 1<<20 || len(refused) < 3 {
		t.Fatalf("too little to compare: %d bytes, refusals %v", len(want), refused)
	}
	same := func(t *testing.T, e *engine) {
		t.Helper()
		e.t = t
		e.grown()
		if got := normal(t, e, ids, asOf, true); !bytes.Equal(got, want) {
			t.Errorf("it is not what came over HTTP:\n%s", differ(want, got))
		}
		if got := e.refused(); !maps.Equal(got, refused) {
			t.Errorf("refused are %v, over HTTP %v", got, refused)
		}
		e.verified()
		e.stop()
		if f := hidden.find([]byte(e.out.String())); len(f) > 0 {
			t.Errorf("the engine's output holds clear text: %q", f)
		}
		hidden.none(t, e.dir)
	}
	t.Run("NATS", func(t *testing.T) {
		e := startWith(t, "--nats-listen", "127.0.0.1:0")
		c := e.nats()
		token := e.as("admin").Token
		inbox := nats.NewInbox()
		answers, err := c.SubscribeSync(inbox)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			m := nats.NewMsg("daicho.intake" + strings.ReplaceAll(read(t, l).Source, "/", "."))
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
			} else {
				err = json.Unmarshal(m.Data, &got)
			}
			if want := receipts[i]; err != nil || got.Status != want.Status || got.Rule != want.Rule || got.Field != want.Field {
				t.Fatalf("line %d: %s over NATS, %+v over HTTP", i, m.Data, want)
			}
		}
		same(t, e)
	})
	t.Run("queue", func(t *testing.T) {
		e := startWith(t, "--nats-listen", "127.0.0.1:0")
		c := e.nats()
		js, err := jetstream.New(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			m := nats.NewMsg("daicho.queue" + strings.ReplaceAll(read(t, l).Source, "/", "."))
			m.Header.Set("Authorization", "Bearer "+e.as("admin").Token)
			m.Data = l
			if _, err := js.PublishMsg(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		e.until("the queue's events", func() bool { // the last of the year
			models, err := e.as("admin").Models(t.Context())
			return err == nil && maps.Equal(models[0].Events, byType) && maps.Equal(e.refused(), refused)
		})
		same(t, e)
	})
	t.Run("outbox", func(t *testing.T) {
		address := pgtest.Start(t).Database(t)
		db, err := sql.Open("pgx", address)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.ExecContext(t.Context(), outbox.Schema); err != nil {
			t.Fatal(err)
		}
		rights := url.Values{"source": {"/"}}
		for _, k := range events.Kinds() {
			if k.Steers {
				rights.Add("type", k.Short())
			}
		}
		and := "?"
		if strings.Contains(address, "?") {
			and = "&"
		}
		e := startWith(t, "--intake-outbox", address+and+rights.Encode())
		for i, l := range lines {
			ce := read(t, l)
			if err := outbox.Put(t.Context(), db, outbox.Event{ID: ce.ID, Source: ce.Source, Type: ce.Type, Subject: ce.Subject, Time: ce.Time, Data: ce.Data}); err != nil {
				t.Fatal(err)
			}
			if i%500 == 499 { // a power cut, wherever it is
				e.kill()
				e.again()
			}
		}
		e.until("an empty outbox", func() bool {
			var n int
			return db.QueryRowContext(t.Context(), `select count(*) from daicho_outbox`).Scan(&n) == nil && n == 0
		})
		same(t, e)
	})
}

// line is an event as the year has it.
type line struct {
	ID, Source, Type, Subject string
	Time                      time.Time
	Data                      json.RawMessage
}

func read(t *testing.T, l []byte) (ce line) {
	t.Helper()
	if err := json.Unmarshal(l, &ce); err != nil {
		t.Fatal(err)
	}
	return ce
}

// refused counts what the log says was refused: by type, source, rule and place.
func (e *engine) refused() map[string]int {
	e.t.Helper()
	all := map[string]int{}
	if err := e.as("admin").Replay(e.t.Context(), contracts.ReplayQuestion{Type: "refused"}, func(r contracts.Recorded) error {
		var f events.Refused
		b, err := json.Marshal(r.Data)
		if err == nil {
			err = json.Unmarshal(b, &f)
		}
		all[fmt.Sprintf("%s of %s: %s at %s", f.Type, f.Source, f.Rule, f.Field)]++
		return err
	}); err != nil {
		e.t.Fatal(err)
	}
	return all
}

func (e *engine) until(what string, is func() bool) {
	e.t.Helper()
	for end := time.Now().Add(2 * time.Minute); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			e.t.Fatalf("%s: does not come about\n%s", what, e.out)
		}
	}
}

// none says that no file of a folder holds what is hidden.
func (h *haystack) none(t *testing.T, dir string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if f := h.find(b); len(f) > 0 {
			t.Errorf("%s holds clear text: %q", filepath.Base(path), f)
		}
		return err
	}); err != nil {
		t.Fatal(err)
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
