// Package figures measures the engine, each figure beside a yardstick from the same run: ratios travel between machines, absolute
// numbers do not. Everything is durable as in production, in a temporary folder.
package figures

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/jetstream/bare"
	"github.com/daicho-dev/daicho/services/client"
	"github.com/daicho-dev/daicho/services/simulate"
)

// Figure is one measurement.
type Figure struct {
	Name      string  `json:"name"`
	Measured  float64 `json:"measured"`
	Unit      string  `json:"unit"`
	Yardstick string  `json:"yardstick"`
	Beside    float64 `json:"beside"` // the yardstick's
	Goal      string  `json:"goal"`
}

// Ratio is measured by yardstick; zero without one.
func (f Figure) Ratio() float64 {
	if f.Beside == 0 {
		return 0
	}
	return f.Measured / f.Beside
}

// Engine is what is measured: something that serves on a folder, by the command's own wiring.
type Engine interface {
	Client(role string) *client.Client
	Dir() string
	Log() contracts.Log
	Vault() contracts.Vault
	// Restart stops and starts it on the same folder, as one to whose log somebody else has appended: it folds the states of people anew. It
	// waits until the engine is level with its log.
	Restart(ctx context.Context) error
	// Level waits until all projections are level with the log.
	Level(ctx context.Context) error
	// Hold stops the projections; Resume lets them go on, and waits until they are level.
	Hold()
	Resume(ctx context.Context) error
	Rebuild(ctx context.Context, model string) (eventsFolded int, took time.Duration, err error)
	Close() error
}

// Options say how much is measured.
type Options struct {
	People int
	Only   []string // names of steps; none: all
	Start  func(dir string) (Engine, error)
	// Intake starts the n-th of some processes that share a log and a vault, and what else they share in a folder.
	Intake   func(ctx context.Context, dir string, n int, log, vault string) (Process, error)
	Progress func(string)
}

// Run measures everything.
func Run(ctx context.Context, o Options) ([]Figure, error) {
	dir, err := os.MkdirTemp("", "daicho-bench-")
	if err != nil {
		return nil, fmt.Errorf("making a folder to measure in: %w", err)
	}
	defer os.RemoveAll(dir)
	r := &run{o: o, dir: dir, people: o.People}
	if err := r.all(ctx); err != nil {
		return r.figures, err
	}
	return r.figures, nil
}

type run struct {
	o        Options
	dir      string
	people   int // in the engine by now
	figures  []Figure
	engine   Engine
	payloads [][]byte // of the events recorded
	singles  [][]byte // submissions that are sent one by one
}

// add takes a figure, and tells it at once: a bench may take long, and be stopped.
func (r *run) add(f Figure) {
	r.figures = append(r.figures, f)
	r.say(fmt.Sprintf("  %s: %.2f %s (%s: %.2f)", f.Name, f.Measured, f.Unit, f.Yardstick, f.Beside))
}

func (r *run) say(what string) {
	if r.o.Progress != nil {
		r.o.Progress(what)
	}
}

func (r *run) all(ctx context.Context) (err error) {
	if r.engine, err = r.o.Start(filepath.Join(r.dir, "engine")); err != nil {
		return err
	}
	defer func() {
		if cerr := r.engine.Close(); err == nil {
			err = cerr
		}
	}()
	for _, s := range r.steps() {
		if len(r.o.Only) > 0 && !slices.Contains(r.o.Only, s.name) {
			continue
		}
		if err := s.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// step is a group of figures that can be asked for by name. What a later one needs, intake has left.
type step struct {
	name string
	do   func(context.Context) error
}

func (r *run) steps() []step {
	return []step{{"intake", r.intake}, {"single", r.single}, {"memory", r.memory}, {"deletion", r.deletions}, {"rebuild", r.rebuilds}, {"partitions", r.partitions}, {"scale", r.scale}}
}

// Steps are the names that Options.Only may have.
func Steps() (names []string) {
	for _, s := range (&run{}).steps() {
		names = append(names, s.name)
	}
	return names
}

// intake sends the year in HTTP batches of 1,000, four at a time, each worker its own people's events in order.
func (r *run) intake(ctx context.Context) error {
	var b strings.Builder
	if err := simulate.Year(&b, simulate.Options{People: r.o.People, Days: 365, Seed: 11, Start: time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC)}, nil); err != nil {
		return err
	}
	lines := strings.SplitAfter(strings.TrimSuffix(b.String(), "\n"), "\n")
	tail := min(len(lines)/10, 4000) // kept back: sent one by one below
	for _, l := range lines[len(lines)-tail:] {
		r.singles = append(r.singles, []byte(l))
	}
	lines = lines[:len(lines)-tail]
	// The first half without projections beside: the path itself. The second with them: what a small machine gives in all.
	half := len(lines) / 2
	r.engine.Hold()
	alone, err := r.send(ctx, "alone", lines[:half], r.engine.Client("admin"))
	if err != nil {
		return err
	}
	if err := r.engine.Resume(ctx); err != nil {
		return err
	}
	rate, err := r.send(ctx, "with projections", lines[half:], r.engine.Client("admin"))
	if err != nil {
		return err
	}
	for batch, err := range r.engine.Log().Scan(ctx, 0, contracts.Filter{}) {
		if err != nil {
			return err
		}
		for i := range batch {
			if batch[i].Type != events.TypePolicyPublished && batch[i].Type != events.TypeKeysDestroyed {
				r.payloads = append(r.payloads, sized(&batch[i]))
			}
		}
	}
	r.say("yardstick: bare JetStream")
	barely, err := r.bare(ctx, func(s *bare.Stream, all [][]byte) error { return s.Batches(ctx, all, 1000, 4) }, r.payloads)
	if err != nil {
		return err
	}
	r.add(Figure{"durable intake, HTTP batches of 1,000, 4 in flight", alone, "events/s", "bare JetStream atomic batches of 1,000, the same bytes, 4 in flight", barely, "≥ 0.6 ×"})
	r.add(Figure{"the same, with all projections running beside", rate, "events/s", "the same", barely, ""})
	r.say("yardstick: PostgreSQL COPY")
	copied, err := postgresCopy(ctx, r.payloads)
	if err != nil {
		r.say("no PostgreSQL: " + err.Error())
	}
	r.add(Figure{"durable intake, as above", alone, "events/s", "PostgreSQL event table, COPY in batches of 1,000", copied, "≥ 1 ×"})
	return nil
}

// send sends lines in batches of 1,000, four emitters at once, each with its own people's events in their order, to one of some intakes, and
// answers events a second.
func (r *run) send(ctx context.Context, how string, lines []string, intakes ...*client.Client) (float64, error) {
	r.say(fmt.Sprintf("intake %s: %d events", how, len(lines)))
	if len(lines) > 6 && strings.Contains(lines[0], "recipient") { // what everybody rests on comes first
		if _, err := intakes[0].Emit(ctx, []byte(strings.Join(lines[:6], ""))); err != nil {
			return 0, err
		}
		lines = lines[6:]
	}
	const emitters = 4
	var own [emitters][]string
	for _, l := range lines {
		own[emitter(l)%emitters] = append(own[emitter(l)%emitters], l)
	}
	began := time.Now()
	err := inFlight(emitters, emitters, func(i int) error {
		for part := range slices.Chunk(own[i], 1000) {
			if _, err := intakes[i%len(intakes)].Emit(ctx, []byte(strings.Join(part, ""))); err != nil {
				return err
			}
		}
		return nil
	})
	return float64(len(lines)) / time.Since(began).Seconds(), err
}

// emitter tells events apart by the digits at the end of their subject: linked identifiers have the same.
func emitter(line string) int {
	_, rest, _ := strings.Cut(line, `"subject":"`)
	subject, _, _ := strings.Cut(rest, `"`)
	n := 0
	for _, b := range []byte(subject[max(0, len(subject)-4):]) {
		n = n*10 + int(b)
	}
	return n
}

// sized is a payload as large as an event is in the log, attributes included.
func sized(e *events.Event) []byte {
	head := len(e.ID) + len(e.Type) + len(e.Source) + len(e.Policy) + 160
	return append(append([]byte(nil), e.Data...), make([]byte, head)...)
}

func (r *run) bare(ctx context.Context, do func(*bare.Stream, [][]byte) error, all [][]byte) (float64, error) {
	dir, err := os.MkdirTemp(r.dir, "bare-")
	if err != nil {
		return 0, err
	}
	s, err := bare.Open(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	began := time.Now()
	if err := do(s, all); err != nil {
		return 0, err
	}
	return float64(len(all)) / time.Since(began).Seconds(), nil
}

// single sends one event a request over 64 connections.
func (r *run) single(ctx context.Context) error {
	r.say("one event a request")
	c := r.engine.Client("admin")
	began := time.Now()
	if err := inFlight(64, len(r.singles), func(i int) error {
		_, err := c.Emit(ctx, r.singles[i])
		return err
	}); err != nil {
		return err
	}
	rate := float64(len(r.singles)) / time.Since(began).Seconds()
	barely, err := r.bare(ctx, func(s *bare.Stream, all [][]byte) error { return s.Singles(ctx, all, 1) }, r.payloads[:min(len(r.payloads), len(r.singles))])
	if err != nil {
		return err
	}
	r.add(Figure{"one event a request, 64 connections, projections running", rate, "events/s", "bare JetStream, one message at a time", barely, "≥ 2 ×"})
	return nil
}

func (r *run) memory(context.Context) error {
	mb, err := resident()
	if err != nil {
		return nil // no /proc here
	}
	r.add(Figure{fmt.Sprintf("resident memory, all services and the bench, %d people", r.people), mb, "MB", "", 0, "< 2,000 MB at 1 M"})
	return nil
}

// deletions forgets people with few events and one with many.
func (r *run) deletions(ctx context.Context) error {
	r.say("deletions")
	c := r.engine.Client("admin")
	seen := func(id string) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/web/www","type":"daicho.notice_shown.v1","subject":"cookie:bench-%%s","time":"2026-10-01T00:00:00Z","data":{"notice":{"policy":"2025-10","language":"ja"}}}`, id)
	}
	makePerson := func(name string, n int) error {
		for i := 0; i < n; i += 500 {
			var lines []string
			for j := i; j < min(n, i+500); j++ {
				lines = append(lines, fmt.Sprintf(seen(fmt.Sprint(name, "-", j)), name))
			}
			if _, err := c.Emit(ctx, []byte(strings.Join(lines, "\n"))); err != nil {
				return err
			}
		}
		return nil
	}
	forget := func(name string) (time.Duration, error) {
		if err := r.engine.Level(ctx); err != nil { // what the projections still have to fold of this person is not the deletion's
			return 0, err
		}
		began := time.Now()
		_, err := c.Emit(ctx, fmt.Appendf(nil, `{"specversion":"1.0","id":"forget","source":"/privacy/office","type":"daicho.deleted.v1","subject":"cookie:bench-%s","time":"2026-10-02T00:00:00Z","data":{"person":true,"cause":"request"}}`, name))
		if err != nil {
			return 0, err
		}
		for {
			if _, err := c.Find(ctx, events.Identifier("cookie:bench-"+name)); err != nil {
				return time.Since(began), nil
			}
		}
	}
	var few []time.Duration
	for i := range 20 {
		name := fmt.Sprint("few", i)
		if err := makePerson(name, 10); err != nil {
			return err
		}
		t, err := forget(name)
		if err != nil {
			return err
		}
		few = append(few, t)
	}
	var many []time.Duration
	for i := range 3 {
		name := fmt.Sprint("many", i)
		if err := makePerson(name, 10_000); err != nil {
			return err
		}
		t, err := forget(name)
		if err != nil {
			return err
		}
		many = append(many, t)
	}
	r.add(Figure{"forgetting a person with 10,000 events, until the identifier leads nowhere: median", percentile(many, 50), "ms", "the same with 10 events", percentile(few, 50), "< 5 ms, ratio 1"})
	return nil
}

// rebuilds folds the log anew.
func (r *run) rebuilds(ctx context.Context) error {
	r.say("yardstick: bare replay")
	dir, err := os.MkdirTemp(r.dir, "bare-")
	if err != nil {
		return err
	}
	s, err := bare.Open(ctx, dir)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Batches(ctx, r.payloads, 1000, 4); err != nil {
		return err
	}
	began := time.Now()
	n, err := s.Replay(ctx)
	if err != nil {
		return err
	}
	barely := float64(n) / time.Since(began).Seconds()
	for _, m := range []struct{ name, goal string }{{"breach", "≥ 0.4 ×"}, {"dossier", "≥ 0.15 ×"}, {"retention", "≥ 0.15 ×"}} {
		r.say("rebuild: " + m.name)
		n, took, err := r.engine.Rebuild(ctx, m.name)
		if err != nil {
			return err
		}
		r.add(Figure{"rebuild of " + m.name, float64(n) / took.Seconds(), "events/s", "bare replay of the same bytes", barely, m.goal})
	}
	return r.onPostgres(ctx)
}

// inFlight does n things, so many at once, and answers the first error.
func inFlight(at, n int, do func(int) error) error {
	var mu sync.Mutex
	var first error
	next := 0
	var wg sync.WaitGroup
	for range at {
		wg.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				stop := first != nil || i >= n
				mu.Unlock()
				if stop {
					return
				}
				if err := do(i); err != nil {
					mu.Lock()
					first = err
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return first
}

// percentile of durations, in milliseconds.
func percentile(all []time.Duration, p int) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return float64(all[min(len(all)-1, len(all)*p/100)].Microseconds()) / 1000
}
