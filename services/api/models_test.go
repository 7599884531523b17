package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/natsbus"
	"github.com/daicho-dev/daicho/infra/sqlite"
	"github.com/daicho-dev/daicho/projections/breach"
	"github.com/daicho-dev/daicho/projections/dossier"
	"github.com/daicho-dev/daicho/services/client"
	"github.com/daicho-dev/daicho/services/front"
	"github.com/daicho-dev/daicho/services/models"
	"github.com/daicho-dev/daicho/services/register"
	"github.com/daicho-dev/daicho/services/tokens"
)

// process serves some parts of an engine over HTTP, from models of its own over the log that all share.
type process struct {
	*httptest.Server
	parts []string
	dir   string // of its models
	*client.Client
}

// engine is the processes that are there, and what they know of each other.
type engine struct {
	t     *testing.T
	log   *memlog.Log
	store *tokens.Store
	token string

	mu  sync.Mutex
	all []*process
}

func newEngine(t *testing.T) *engine {
	t.Helper()
	e := &engine{t: t, log: memlog.New()}
	t.Cleanup(e.log.Close)
	store, _, err := tokens.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	made, err := store.Create(contracts.Token{Role: "admin", Holder: "staff:test"})
	if err != nil {
		t.Fatal(err)
	}
	e.store, e.token = store, made.Secret
	for i := range 7 {
		for _, r := range e.log.Append(t.Context(), []contracts.Write{{Stream: events.PersonStream("abc"), Expect: events.AnyRevision, Events: []events.Event{{
			ID: fmt.Sprint(i), Type: events.TypeNoticeShown, Source: "/web/www", Policy: "2025-10", Time: time.Unix(1, 0).UTC(), Data: []byte(`{"notice":{"policy":"2025-10","language":"ja"}}`),
		}}}}) {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
	}
	return e
}

func (e *engine) begin(parts ...string) *process {
	e.t.Helper()
	a := New(e.store, zerolog.Nop(), http.NotFoundHandler())
	dir := e.t.TempDir()
	r := &register.Register{Log: e.log, Store: e.store, Divided: true, OfModels: true}
	for _, name := range Keeps(parts...) {
		place := sqlite.File(filepath.Join(dir, name+".db"))
		var m models.Runner
		if name == "dossier" {
			r.Dossiers = models.New(name, place, e.log, dossier.New)
			m = r.Dossiers
		} else { // for how far they are, one is as good as another
			m = models.New(name, place, e.log, breach.New)
		}
		m.Start()
		if err := m.Level(e.t.Context(), 7); err != nil {
			e.t.Fatal(err)
		}
		e.t.Cleanup(func() { _ = m.Close() })
		r.All = append(r.All, m)
	}
	p := &process{Server: httptest.NewServer(a), parts: parts, dir: dir}
	e.t.Cleanup(p.Close)
	p.Client = client.New(p.Server.URL, e.token)
	a.Only(parts, front.New(others{e, p}, nil, a.Fail))
	a.Ready(Parts{Register: r}, func() error { return nil })
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, p)
	return p
}

// forget lets the others know no more of a process.
func (e *engine) forget(gone *process) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = slices.DeleteFunc(e.all, func(p *process) bool { return p == gone })
}

// others are a process's peers, as they would tell themselves.
type others struct {
	*engine
	self *process
}

func (o others) Others() (all []natsbus.Peer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, p := range o.all {
		if p == o.self {
			continue
		}
		x := natsbus.Peer{ID: fmt.Sprint(i), URL: p.Server.URL, Parts: map[string]string{}}
		for _, part := range p.parts {
			x.Parts[part] = natsbus.Serving
		}
		all = append(all, x)
	}
	return all
}

// shown is what a process shows of all models: name, position, lag, state and error.
func (p *process) shown(t *testing.T) string {
	t.Helper()
	all, err := p.Models(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, m := range all {
		fmt.Fprintf(&b, "%s %d-%d %s %s\n", m.Name, m.Position, m.Lag, m.State, m.Error)
		if (m.People != nil) != (m.Name == "dossier" && m.State == models.Live) {
			t.Errorf("people of %s: %v", m.Name, m.People)
		}
	}
	return b.String()
}

// All models are shown once, whichever process is asked; and a model whose process is away stands there with the reason.
func TestEveryProcessShowsAllModels(t *testing.T) {
	e := newEngine(t)
	e.begin(Office)
	e.begin(Intake)
	away := e.begin(Breach)
	e.begin(Dossier)
	e.begin(Dossier) // of two that answer, one is shown
	e.begin(Retention)
	live := func(names ...string) (s string) {
		for _, name := range names {
			s += name + " 7-0 live \n"
		}
		return s
	}
	before, after := []string{"dossier", "office_dossier", "retention", "office_retention"}, []string{"attachments", "evidence", "recipients"}
	for _, p := range e.all {
		if got, want := p.shown(t), live(before...)+live("breach")+live(after...); got != want {
			t.Errorf("%v shows\n%s\nwant\n%s", p.parts, got, want)
		}
	}
	away.Close()
	asked := e.all[1]
	for _, why := range []string{"the process that serves its part breach does not answer: it cannot be reached", "no process of this engine serves its part breach now; start one: daicho serve --only breach"} {
		if got, want := asked.shown(t), live(before...)+"breach 0-7 unknown "+why+"\n"+live(after...); got != want {
			t.Errorf("with one away, it shows\n%s\nwant\n%s", got, want)
		}
		e.forget(away)
	}
}

// A model is rebuilt where it is kept, whichever process is asked; the office's copies at the office.
func TestAModelIsRebuiltWhereItIsKept(t *testing.T) {
	e := newEngine(t)
	asked := e.begin(Intake)
	e.begin(Office)
	e.begin(Breach)
	e.begin(Retention)
	for _, name := range []string{"breach", "retention", "office_retention", "recipients"} {
		var last contracts.Model
		if err := asked.Rebuild(t.Context(), name, func(m contracts.Model) { last = m }); err != nil || last.Name != name || last.Position != 7 {
			t.Errorf("rebuilding %s: %+v (%v)", name, last, err)
		}
	}
	for name, want := range map[string]int{"dossier": 503, "nonsense": 404} {
		var p *contracts.Problem
		if err := asked.Rebuild(t.Context(), name, nil); !errors.As(err, &p) || p.Status != want {
			t.Errorf("rebuilding %s: %v, want %d", name, err, want)
		}
	}
}

// Whoever applies a model speaks for it; where only one answers that stands by, the reason says who is silent.
func TestWhoAppliesAModelSpeaksForIt(t *testing.T) {
	standing := []byte(`[{"name":"retention","position":"5","lag":2,"state":"standby","error":"another instance is at work","new":"field"}]`)
	applying := []byte(`[{"name":"retention","position":"4","lag":3,"state":"catching up"}]`)
	stuck := []byte(`[{"name":"retention","position":"6","lag":1,"state":"stuck","error":"it cannot"}]`)
	for _, x := range []struct {
		heard [][]byte // nil: does not answer
		state string
		error string
	}{
		{[][]byte{standing, applying}, "catching up", ""},
		{[][]byte{applying, standing, nil}, "catching up", ""},
		{[][]byte{standing, stuck}, "stuck", "it cannot"},
		{[][]byte{stuck, applying}, "catching up", ""},
		{[][]byte{standing, nil}, "standby", "another instance is at work; the process that serves its part retention does not answer: gone"},
		{[][]byte{nil}, "unknown", "the process that serves its part retention does not answer: gone"},
		{[][]byte{[]byte("no JSON")}, "unknown", "the process that serves its part retention does not answer: its answer cannot be read; is it of this version?"},
	} {
		for range 2 {
			g := newGathered(map[string]bool{Intake: true})
			for _, body := range x.heard {
				var err error
				if body == nil {
					err = errors.New("gone")
				}
				g.hear([]string{Retention}, body, err)
			}
			all := g.models()
			i := slices.IndexFunc(all, func(m contracts.Model) bool { return m.Name == "retention" })
			if i < 0 || all[i].State != x.state || all[i].Error != x.error {
				t.Errorf("%q: %+v", x.heard, all)
			}
			slices.Reverse(x.heard)
		}
	}
}
