package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/jetstream/clustertest"
	"github.com/daicho-dev/daicho/infra/postgres/pgtest"
)

// house is an engine in processes: a log, databases, a root key and tokens that they share.
type house struct {
	t       *testing.T
	shared  string
	log     *clustertest.Cluster
	vault   string
	models  string
	running []*engine
}

func newHouse(t *testing.T) *house {
	server := pgtest.Start(t)
	h := &house{t: t, shared: t.TempDir(), log: clustertest.Start(t, clustertest.Options{Nodes: 1}), vault: server.Database(t), models: server.Database(t)}
	return h
}

// begin starts a process that serves some parts. Beside others of the same parts, it may stand by.
func (h *house) begin(parts string, more ...string) *engine {
	h.t.Helper()
	e := &engine{t: h.t, path: binary, dir: h.t.TempDir(), log: h.log.URL(), out: &output{}}
	e.args = []string{"--only", parts, "--vault", h.vault, "--models", h.models, "--tokens", h.shared, "--root-key", filepath.Join(h.shared, "root.key")}
	e.args = append(e.args, more...)
	if err := os.Symlink(filepath.Join(h.shared, "tokens"), filepath.Join(e.dir, "tokens")); err != nil {
		h.t.Fatal(err)
	}
	e.launch()
	h.t.Cleanup(e.kill)
	h.running = append(h.running, e)
	return e
}

// serving starts a process and waits until it answers.
func (h *house) serving(parts string, more ...string) *engine {
	h.t.Helper()
	e := h.begin(parts, more...)
	e.ready()
	return e
}

// found waits until every part can be asked through a process.
func (h *house) found(e *engine) {
	h.t.Helper()
	eventually(h.t, "every part to be found", func() error {
		c, ctx := e.as("admin"), context.Background()
		_, due := c.Due(ctx, contracts.DueQuestion{Limit: 1})
		_, impact := c.Impact(ctx, contracts.ImpactQuestion{Locations: []events.Word{"rental-db"}, From: time.Unix(0, 0), To: time.Now()})
		_, models := c.Models(ctx)
		_, find := c.Find(ctx, "rental:nobody")
		_, explain := c.Explain(ctx, "nobody.1")
		for _, err := range []*error{&find, &explain} {
			var p *contracts.Problem
			if errors.As(*err, &p) && p.Status == 404 {
				*err = nil
			}
		}
		return errors.Join(due, impact, models, find, explain)
	})
}

// shown is what a process shows of all models: each with its state, and why it is stuck or silent.
func shown(t *testing.T, e *engine) (all []string) {
	t.Helper()
	models, err := e.as("admin").Models(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range models {
		all = append(all, strings.TrimSpace(m.Name+" "+m.State+" "+m.Error))
	}
	return all
}

// verifiedBy is who has compared which model, whichever process is asked; of parts that could not be asked, a dash.
func verifiedBy(t *testing.T, e *engine) map[string]string {
	t.Helper()
	v, err := e.as("admin").Verify(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]string{}
	for _, c := range v.Checks {
		model, compared := strings.CutSuffix(c.Name, " equals its rebuild from the log")
		if part, silent := strings.CutPrefix(c.Name, "the part "); silent && !c.OK {
			by[strings.TrimSuffix(part, " answers")] = "-"
		} else if compared && c.OK {
			by[model] += c.By
		}
	}
	return by
}

// An engine in processes of its parts, asked and fed through any of them, gives the year's counts, and to the byte the dossiers, deadlines
// and impact of one process; also when two intakes take from the same emitters in turn, and when each process dies on the way and another
// comes in its place.
func TestYearInProcessesEqualsOne(t *testing.T) {
	expect := yearExpected(t)
	lines := year(t)
	ids := identifiers(lines)
	asOf := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	// Whoever comes of age by today is told so at the next start, which comes on the way for one of the two.
	told := func(e *engine) (n int) {
		if err := e.as("admin").Replay(context.Background(), contracts.ReplayQuestion{Type: "milestone_reached"}, func(r contracts.Recorded) error {
			if r.Source == "/daicho/majority" {
				n++
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	calm := fed(t, lines)
	calm.kill()
	calm.again()
	eventually(t, "majorities to be told", func() error {
		if told(calm) == 0 {
			return errors.New("none is")
		}
		return nil
	})
	time.Sleep(time.Second) // they are told at once, in one batch
	majorities := told(calm)
	want := normal(t, calm, ids, asOf, true)
	calm.kill()

	h := newHouse(t)
	office := h.serving("office")
	one, two := h.serving("intake"), h.serving("intake", "--nats-listen", "127.0.0.1:0")
	dossier, retention, breach := h.serving("dossier"), h.serving("retention"), h.serving("breach")
	everything := []string{"dossier live", "office_dossier live", "retention live", "office_retention live", "breach live", "attachments live", "evidence live", "recipients live"}
	for _, e := range h.running {
		h.found(e)
		if all := shown(t, e); !slices.Equal(all, everything) {
			t.Errorf("a process shows %q, want %q", all, everything)
		}
	}
	if err := two.as("admin").Rebuild(context.Background(), "breach", nil); err != nil {
		t.Errorf("a model is rebuilt through another process: %v", err)
	}
	doors := []*engine{one, two, dossier, retention, breach, office}
	var got counts
	got.Refused = map[string]int{}
	part := len(lines) / 7
	for i := 0; len(lines) > 0; i++ {
		n := min(part, len(lines))
		door := doors[i%len(doors)]
		sent, err := send(door.as("admin"), lines[:n], 100)
		if err != nil {
			t.Fatal(err)
		}
		got.Recorded += sent.Recorded
		got.Duplicate += sent.Duplicate
		for rule, k := range sent.Refused {
			got.Refused[rule] += k
		}
		lines = lines[n:]
		// One after another dies, as in a power cut, and comes again.
		dying := []*engine{one, dossier, breach, retention, office, two}[i%6]
		dying.kill()
		dying.again()
		h.found(doors[(i+1)%len(doors)])
	}
	if got.Recorded != expect.Recorded || got.Duplicate != expect.Duplicate || !maps.Equal(got.Refused, expect.Refused) {
		t.Errorf("the year gives %+v, want %+v", got, expect.counts)
	}
	office.kill()
	office.again()
	eventually(t, "majorities to be told", func() error {
		if n := told(office); n != majorities {
			return fmt.Errorf("%d of %d", n, majorities)
		}
		return nil
	})
	for _, e := range []*engine{two, breach} {
		h.found(e)
		if state := normal(t, e, ids, asOf, true); !bytes.Equal(state, want) {
			t.Errorf("the end state differs from one process's:\n%s", differ(want, state))
		}
	}
	two.verified()
	if by := verifiedBy(t, two); !maps.Equal(by, map[string]string{"dossier": "dossier", "office_dossier": "office", "retention": "retention", "office_retention": "office", "breach": "breach",
		"attachments": "office", "evidence": "office", "recipients": "office"}) {
		t.Errorf("models are verified by %v", by)
	}
	attachedApart(t, one, two, dossier)
	two.verified()
	for _, e := range h.running {
		e.stop()
	}
}

// attachedApart sends bytes by one process to the office, which has them, and the events that name them to two others: over HTTP and by a
// queue. They are read through a third.
func attachedApart(t *testing.T, one, two, three *engine) {
	t.Helper()
	ctx := context.Background()
	upload := func(content string) string {
		u, err := one.as("emitter").Upload(ctx, contracts.AttachmentInfo{Type: "image/png"}, strings.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		return string(u.Upload)
	}
	receipts, err := one.as("emitter").Emit(ctx, scanned("apart-1", upload("over HTTP")))
	if err != nil || receipts[0].Status != contracts.StatusRecorded {
		t.Fatalf("%+v %v", receipts, err)
	}
	queued := bytes.Replace(scanned("apart-2", upload("by a queue")), []byte(`"passport"`), []byte(`"another"`), 1)
	m := nats.NewMsg("daicho.queue.rental.web")
	m.Header.Set("Authorization", "Bearer "+two.as("emitter").Token)
	m.Data = queued
	js, err := jetstream.New(two.nats())
	if err == nil {
		_, err = js.PublishMsg(t.Context(), m)
	}
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "both to be in the dossier", func() error {
		d, err := three.as("compliance").Dossier(ctx, contracts.DossierQuestion{Person: "rental:C-SCAN", Sealed: true})
		if err == nil && len(d.Records) < 2 {
			err = fmt.Errorf("%d records", len(d.Records))
		}
		if err != nil {
			return err
		}
		if _, err := three.as("compliance").Provisions(ctx, contracts.ProvisionQuestion{Person: "rental:C-SCAN", Purpose: "SVC-01"}); err != nil { // of a person, and the office's too
			return err
		}
		for i, want := range []string{"over HTTP", "by a queue"} {
			_, from, err := three.as("compliance").Attachment(ctx, contracts.AttachmentQuestion{Record: d.Records[i].ID, Purpose: "SVC-01"})
			if err != nil {
				return err
			}
			got, err := io.ReadAll(from)
			if err := errors.Join(err, from.Close()); err != nil || string(got) != want {
				return fmt.Errorf("%q, want %q: %w", got, want, err)
			}
		}
		return nil
	})
}

// Of two that serve the same projection from the same schema, one answers and one stands by; when the first dies, the second takes over.
// What nobody serves is said so.
func TestAProjectionIsTakenOver(t *testing.T) {
	lines := year(t)[:400]
	h := newHouse(t)
	office := h.serving("office")
	intake := h.serving("intake")
	if _, err := intake.as("admin").Due(context.Background(), contracts.DueQuestion{Limit: 1}); err == nil {
		t.Error("what nobody serves is answered")
	} else if p := (&contracts.Problem{}); !errors.As(err, &p) || p.Code != "elsewhere" {
		t.Errorf("what nobody serves: %v", err)
	}
	eventually(t, "the office's models to be shown beside those that nobody has", func() error {
		if all := shown(t, intake); len(all) != 8 || !strings.HasPrefix(all[2], "retention unknown no process of this engine serves its part retention now") || all[7] != "recipients live" {
			return fmt.Errorf("%q", all)
		}
		return nil
	})
	first := h.serving("retention")
	second := h.begin("retention")
	eventually(t, "the second to listen", second.listens)
	if _, err := send(intake.as("admin"), lines, 100); err != nil {
		t.Fatal(err)
	}
	ask := func(e *engine) (int, error) {
		d, err := e.as("admin").Due(context.Background(), contracts.DueQuestion{By: "2099-12-31", Limit: 1})
		return d.Total, err
	}
	var n int
	eventually(t, "the projection to be found", func() (err error) { n, err = ask(office); return err })
	if n == 0 {
		t.Fatal("nothing is ever due")
	}
	eventually(t, "who stands by to show the model of who applies it", func() error {
		if all := shown(t, second); len(all) != 8 || all[2] != "retention live" {
			return fmt.Errorf("%q", all)
		}
		return nil
	})
	if by := verifiedBy(t, second); !maps.Equal(by, map[string]string{"retention": by["retention"], "office_dossier": "office", "office_retention": "office", "attachments": "office", "evidence": "office",
		"recipients": "office", "dossier": "-", "breach": "-"}) || !strings.HasPrefix(by["retention"], "retention") || len(by["retention"]) > len("retention (2)") {
		t.Errorf("models are verified by %v; one that stands by is not asked for more, and what nobody serves is missed", by)
	}
	first.tellsOf(map[string]float64{"retention": 0})
	second.tellsOf(map[string]float64{"retention": 1})
	first.kill()
	eventually(t, "the second to take over", func() error {
		m, err := ask(intake)
		if err == nil && m != n {
			err = fmt.Errorf("%d are due, before there were %d", m, n)
		}
		return err
	})
	if m, err := ask(second); err != nil || m != n {
		t.Errorf("asked itself, it says %d (%v)", m, err)
	}
	second.tellsOf(map[string]float64{"retention": 0})
}
