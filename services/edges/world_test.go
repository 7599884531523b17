package edges

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/natsbus"
	"github.com/daicho-dev/daicho/infra/objects"
	"github.com/daicho-dev/daicho/infra/rootkey"
	"github.com/daicho-dev/daicho/infra/sqlite"
	"github.com/daicho-dev/daicho/infra/vault"
	projection "github.com/daicho-dev/daicho/projections/attachments"
	"github.com/daicho-dev/daicho/services/api"
	"github.com/daicho-dev/daicho/services/attachments"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/models"
	"github.com/daicho-dev/daicho/services/tokens"
)

// world is an engine's way in, over HTTP and by edges.
type world struct {
	t *testing.T
	House
	faulty *faulty
	http   *httptest.Server
	token  string // of an emitter under /rental
	said   bytes.Buffer
}

// faulty is a log that fails when it is told to.
type faulty struct {
	contracts.Log
	source atomic.Pointer[string] // writes that hold an event of this source fail
	all    atomic.Bool            // everything fails
	tries  atomic.Int32
}

var errDisk = errors.New("log: the disk is full")

func (f *faulty) Append(ctx context.Context, all []contracts.Write) []contracts.Result {
	out := make([]contracts.Result, len(all))
	for i := range all {
		source := f.source.Load()
		switch {
		case f.all.Load(), source != nil && all[i].Events[0].Source == *source:
			f.tries.Add(1)
			out[i].Err = errDisk
		default:
			out[i] = f.Log.Append(ctx, all[i:i+1])[0]
		}
	}
	return out
}

func (f *faulty) Head(ctx context.Context) (events.Position, error) {
	if f.all.Load() {
		return 0, errDisk
	}
	return f.Log.Head(ctx)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	w := &world{t: t, faulty: &faulty{Log: memlog.New()}}
	root, err := rootkey.File(filepath.Join(dir, "root.key"))
	must(err)
	v, err := vault.Open(ctx, filepath.Join(dir, "vault"), root, vault.Options{})
	must(err)
	v.Level()
	states, err := sqlite.Open(ctx, filepath.Join(dir, "states.db"))
	must(err)
	g, err := intake.Open(ctx, w.faulty, v, states, nil, nil)
	must(err)
	uploads, err := sqlite.Durable(ctx, filepath.Join(dir, "uploads.db"))
	must(err)
	claims, err := attachments.OpenClaims(ctx, v, uploads, "")
	must(err)
	store, err := objects.Open(filepath.Join(dir, "objects"))
	must(err)
	attached := models.New("attachments", sqlite.File(filepath.Join(dir, "attachments.db")), w.faulty.Log, projection.New)
	attached.Start()
	files := attachments.New(claims, store, attachments.Model{Model: attached}, w.faulty.Log)
	g.Uploads = files
	g.Start()
	known, _, err := tokens.Open(dir)
	must(err)
	w.House = House{Gateway: g, Log: w.faulty, Vault: v, Tokens: known, Logger: zerolog.New(zerolog.SyncWriter(&w.said))}
	made, err := known.Create(contracts.Token{Role: "emitter", Holder: "staff:rental", Sources: []string{"/rental"}})
	must(err)
	w.token = made.Secret
	a := api.New(known, zerolog.Nop(), http.NotFoundHandler())
	a.Ready(api.Parts{Gateway: g, Attachments: files}, func() error { return nil })
	w.http = httptest.NewServer(a)
	t.Cleanup(func() {
		w.http.Close()
		_ = g.Close()
		_ = attached.Close()
		_, _ = sqlite.Close(states), sqlite.Close(uploads)
		_ = v.Close()
	})
	c := policies.Default()
	out, err := g.Submit(ctx, intake.Engine, []intake.Submission{intake.Own(events.TypePolicyPublished, events.Stream{Kind: "policy", ID: "main"},
		&events.PolicyPublished{Version: events.Word(c.Version), Catalogue: c.JSON()})})
	if err != nil || out[0].Status != contracts.StatusRecorded {
		t.Fatal(out, err)
	}
	return w
}

// door is a NATS server of our own with its edges.
func (w *world) door() *nats.Conn {
	w.t.Helper()
	l, err := natsbus.Listen("127.0.0.1:0", natsbus.ListenOptions{Subjects: Subjects, Knows: func(s string) bool { _, ok := w.Tokens.Caller(s); return ok }})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(l.Close)
	all, err := Listen(l, w.House)
	if err != nil {
		w.t.Fatal(err)
	}
	w.begin(all...)
	return w.dial(l.Address(), nats.Token(w.token))
}

// begin starts edges, with short pauses, and waits until they are there.
func (w *world) begin(all ...*Edge) {
	w.t.Helper()
	for _, e := range all {
		e.pauses = []time.Duration{time.Millisecond, time.Millisecond}
		e.Start()
		w.t.Cleanup(e.Close)
	}
}

func (w *world) dial(address string, more ...nats.Option) *nats.Conn {
	w.t.Helper()
	c, err := nats.Connect(address, more...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	return c
}

// sent is a message for an emitter to publish.
func (w *world) sent(subject, media, body string, headers ...string) *nats.Msg {
	m := nats.NewMsg(subject)
	m.Data = []byte(body)
	if media != "" {
		m.Header.Set("content-type", media)
	}
	if w.token != "" {
		m.Header.Set("Authorization", "Bearer "+w.token)
	}
	for i := 0; i < len(headers); i += 2 {
		m.Header.Set(headers[i], headers[i+1])
	}
	return m
}

// asks publishes a message and waits for its answer; until somebody listens, again.
func (w *world) asks(c *nats.Conn, m *nats.Msg) *nats.Msg {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		a, err := c.RequestMsg(m, 20*time.Second)
		if err == nil {
			return a
		}
		if !errors.Is(err, nats.ErrNoResponders) || time.Now().After(end) {
			w.t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// posts sends the same over HTTP.
func (w *world) posts(m *nats.Msg) (int, string, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.http.URL+"/v1/events", bytes.NewReader(m.Data))
	if err != nil {
		w.t.Fatal(err)
	}
	for k, v := range m.Header {
		req.Header.Set(k, v[0])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Content-Type"), strings.TrimSpace(string(b))
}

// collected is a rental's event in structured form.
func collected(id, source, subject, key string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":%q,"type":"daicho.collected.v1","subject":%q,"time":"2026-10-01T03:00:00Z","data":%s}`,
		id, source, subject, collection(key))
}

func collection(key string) string {
	return fmt.Sprintf(`{"records":[{"key":%q,"category":"pd:Name","value":"canary-value"}],"purposes":[{"id":"SVC-01","basis":"contract"}],"matter":"K-1",`+
		`"operation":"rental","location":"rental-db","channel":"counter","notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"customer","country":"JP"}}`, key)
}

// corrected rests on what was collected before it.
func corrected(id, subject, key string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/rental/web","type":"daicho.corrected.v1","subject":%q,"time":"2026-10-01T03:00:00Z","data":{"record":%q,"value":"canary-again"}}`, id, subject, key)
}

// recorded are the types of what stands in the log of emitters, in order.
func (w *world) recorded() (all []string) {
	w.t.Helper()
	for batch, err := range w.faulty.Scan(w.t.Context(), 0, contracts.Filter{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		for i := range batch {
			if s := batch[i].Stream.Kind; s == "person" || s == "refusals" {
				all = append(all, events.Short(batch[i].Type))
			}
		}
	}
	return all
}

// until waits for what comes by itself.
func (w *world) until(what string, is func() bool) {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("%s: does not come about", what)
		}
	}
}

func (w *world) quarantined() []contracts.Quarantined {
	w.t.Helper()
	all, err := w.Vault.Quarantined(w.t.Context(), 100, true)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}
