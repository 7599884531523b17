//go:build unix

package jetstream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/jetstream/clustertest"
)

// work is writers that behave as a caller has to, a tail beside them, and what they were told.
type work struct {
	t    *testing.T
	log  *Log
	stop chan struct{}
	once sync.Once
	done sync.WaitGroup

	mu      sync.Mutex
	told    map[events.Position]string // what was acknowledged, by where
	unknown int
	refused int
	tailed  []events.Event
}

const writers = 6

// begin starts it, with streams of a name of its own.
func begin(t *testing.T, l *Log, own string) *work {
	w := &work{t: t, log: l, stop: make(chan struct{}), told: map[events.Position]string{}}
	for i := range writers {
		w.done.Go(func() { w.write(events.Stream{Kind: []string{"person", "policy"}[i%2], ID: fmt.Sprint(own, i)}) })
	}
	ctx, cancel := context.WithCancel(t.Context())
	tail := make(chan struct{})
	go func() {
		defer close(tail)
		for batch, err := range l.Tail(ctx, 0, contracts.Filter{}) {
			if err != nil && ctx.Err() == nil {
				t.Errorf("the tail ended: %v", err)
			}
			w.mu.Lock()
			w.tailed = append(w.tailed, batch...)
			w.mu.Unlock()
		}
	}()
	t.Cleanup(func() { cancel(); <-tail })
	return w
}

// write puts numbered events at the end of a stream, one to three at a time. Whenever it does not know, it reads the
// stream again and goes on from what is there.
func (w *work) write(s events.Stream) {
	next, at, seen := 0, events.Revision(0), events.Position(0)
	for {
		select {
		case <-w.stop:
			return
		case <-time.After(time.Millisecond):
		}
		write := contracts.Write{Stream: s, Expect: at}
		for i := range 1 + rand.IntN(3) {
			write.Events = append(write.Events, events.Event{ID: fmt.Sprint(next + i), Type: "daicho.tested.v1", Data: []byte("{}")})
		}
		r := w.log.Append(w.t.Context(), []contracts.Write{write})[0]
		switch {
		case r.Err == nil:
			w.mu.Lock()
			for i, p := range r.Positions {
				if before, twice := w.told[p]; twice {
					w.t.Errorf("place %d was given to %s and again", p, before)
				}
				w.told[p] = name(s, write.Events[i])
			}
			w.mu.Unlock()
			next, at, seen = next+len(write.Events), r.Revision, r.Positions[len(r.Positions)-1]
		case errors.Is(r.Err, contracts.ErrUnknown), errors.Is(r.Err, contracts.ErrConflict):
			w.mu.Lock()
			w.unknown++
			w.mu.Unlock()
			for batch, err := range w.log.Scan(w.t.Context(), seen, contracts.Filter{Kinds: []string{s.Kind}}) {
				if err != nil {
					break
				}
				for _, e := range batch {
					if seen = e.Position; e.Stream == s {
						next, at = next+1, e.Revision
					}
				}
			}
		default:
			w.mu.Lock()
			w.refused++
			w.mu.Unlock()
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func name(s events.Stream, e events.Event) string { return s.Kind + " " + s.ID + " " + e.ID }

// goesOn waits until more has been acknowledged.
func (w *work) goesOn() {
	w.t.Helper()
	count := func() int { w.mu.Lock(); defer w.mu.Unlock(); return len(w.told) }
	enough := count() + 300
	until(w.t, func() bool { return count() >= enough })
}

// halt stops the writers.
func (w *work) halt() {
	w.once.Do(func() { close(w.stop) })
	w.done.Wait()
}

// check stops the writers and compares: nothing that was acknowledged is lost or elsewhere, nothing is there twice, every
// stream is in order, and who read on all the time has read the same.
func (w *work) check() {
	w.t.Helper()
	w.halt()
	var all []events.Event
	for batch, err := range w.log.Scan(cut(w.t, time.Minute), 0, contracts.Filter{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, batch...)
	}
	next := map[events.Stream]int{}
	there := map[events.Position]string{}
	var recorded time.Time
	late := 0
	for i, e := range all {
		if e.ID != fmt.Sprint(next[e.Stream]) {
			w.t.Fatalf("event %s of a stream stands where %d should", e.ID, next[e.Stream])
		}
		next[e.Stream]++
		there[e.Position] = name(e.Stream, e)
		if i > 0 && e.Position <= all[i-1].Position {
			w.t.Errorf("event %d comes before the one before it", i)
		}
		if e.Recorded.Before(recorded) { // a server held it back, and the connection to that server was lost meanwhile
			if late++; w.told[e.Position] != "" {
				w.t.Errorf("event %d was acknowledged, and is recorded before the one before it", i)
			}
		} else {
			recorded = e.Recorded
		}
	}
	for p, n := range w.told {
		if there[p] != n {
			w.t.Fatalf("acknowledged at %d: %q, there: %q", p, n, there[p])
		}
	}
	until(w.t, func() bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.tailed) >= len(all) })
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.EqualFunc(all, w.tailed, func(a, b events.Event) bool {
		return a.Position == b.Position && name(a.Stream, a) == name(b.Stream, b)
	}) {
		w.t.Fatalf("the tail has read something else: %d events of %d", len(w.tailed), len(all))
	}
	w.t.Logf("%d events there (%d of them late), %d acknowledged; %d outcomes were not known, %d appends refused", len(all), late, len(w.told), w.unknown, w.refused)
}

// TestFaults: whatever happens to the servers and the lines, what was acknowledged is there, once, in order.
func TestFaults(t *testing.T) {
	pingEvery = 500 * time.Millisecond
	defer func() { pingEvery = 5 * time.Second }()
	var lines []*clustertest.Proxy
	c := clustertest.Start(t, clustertest.Options{Advertise: func(_ int, address string) string {
		lines = append(lines, clustertest.NewProxy(t, address))
		return lines[len(lines)-1].Address
	}})
	follower := func() *clustertest.Node {
		leader := c.Leader()
		return c.Nodes[slices.IndexFunc(c.Nodes, func(n *clustertest.Node) bool { return n != leader })]
	}
	type fault struct {
		name string
		do   func(w *work, line *clustertest.Proxy)
		few  bool // of a divided log in a short run too; DAICHO_E2E_LONG=1 has all of them
	}
	faults := []fault{
		{"the leader is killed", func(w *work, _ *clustertest.Proxy) {
			n := c.Leader()
			n.Kill()
			w.goesOn()
			n.Start()
		}, true},
		{"one of the others is killed", func(w *work, _ *clustertest.Proxy) {
			n := follower()
			n.Kill()
			w.goesOn()
			n.Start()
		}, false},
		{"one after the other is killed", func(w *work, _ *clustertest.Proxy) {
			for _, n := range c.Nodes {
				n.Kill()
				w.goesOn()
				n.Start()
				c.Level()
			}
		}, false},
		{"all are killed at once", func(*work, *clustertest.Proxy) {
			for _, n := range c.Nodes {
				n.Kill()
			}
			for _, n := range c.Nodes {
				n.Start()
			}
		}, false},
		{"the leader stands still and then goes on", func(w *work, _ *clustertest.Proxy) {
			n := c.Leader()
			n.Freeze()
			w.goesOn()
			n.Thaw()
		}, false},
		{"one of the others stands still and then goes on", func(w *work, _ *clustertest.Proxy) {
			n := follower()
			n.Freeze()
			w.goesOn()
			n.Thaw()
		}, false},
		{"the line is cut", func(w *work, line *clustertest.Proxy) {
			for range 3 {
				line.Cut()
				w.goesOn()
				line.Mend()
			}
		}, true},
		{"all lines are cut", func(*work, *clustertest.Proxy) {
			for _, l := range lines {
				l.Cut()
			}
			time.Sleep(300 * time.Millisecond)
			for _, l := range lines {
				l.Mend()
			}
		}, false},
		{"nothing comes from the server", func(w *work, line *clustertest.Proxy) {
			line.HoldFromServer()
			w.goesOn()
			line.Mend()
		}, false},
		{"nothing gets to the server until later", func(w *work, line *clustertest.Proxy) {
			line.HoldToServer()
			w.goesOn()
			line.Mend()
		}, true},
	}
	for _, partitions := range divisions {
		for _, f := range faults {
			if partitions > 1 && !f.few && os.Getenv("DAICHO_E2E_LONG") != "1" {
				continue
			}
			t.Run(fmt.Sprintf("%s, partitions %d", f.name, partitions), func(t *testing.T) {
				c.Level()
				c.Empty()
				var urls []string
				for _, l := range lines {
					urls = append(urls, l.Address)
				}
				l := connect(t, "jetstream://"+strings.Join(urls, ","), partitions)
				w := begin(t, l, "s")
				w.goesOn()
				line := lines[slices.IndexFunc(lines, func(p *clustertest.Proxy) bool { return strings.HasSuffix(l.conn.ConnectedUrl(), p.Address) })]
				f.do(w, line)
				w.goesOn()
				c.Level()
				w.check()
			})
		}
	}
}

// TestLagging: a scan that stands on a server which is behind the others has all the same what its head promised.
func TestLagging(t *testing.T) { divided(t, testLagging) }

func testLagging(t *testing.T, partitions int) {
	c := clustertest.Start(t, clustertest.Options{})
	l := connect(t, c.URL(), partitions)
	total := 0
	for range 2 {
		leader := c.Leader()
		for _, n := range c.Nodes {
			if n != leader && n.Name != l.conn.ConnectedServerName() {
				n.Freeze()
				for i := range 20 {
					var writes []contracts.Write
					for j := range 500 {
						writes = append(writes, contracts.Write{Stream: events.Stream{Kind: "person", ID: fmt.Sprint(total, "-", i, "-", j)}, Events: make([]events.Event, 1)})
					}
					for ctx := cut(t, time.Minute); len(writes) > 0; { // the frozen server may have led a part: what is not known is sent again, and is there if it is in conflict
						var again []contracts.Write
						for k, r := range l.Append(ctx, writes) {
							if r.Err != nil && !errors.Is(r.Err, contracts.ErrConflict) {
								again = append(again, writes[k])
							}
						}
						if writes = again; ctx.Err() != nil {
							t.Fatal("nothing is stored any more")
						}
					}
				}
				total += 10_000
				n.Thaw()
				break
			}
		}
		var scans sync.WaitGroup
		for i := range 6 {
			scans.Go(func() {
				only, n := contracts.Filter{}, 0
				if i%2 == 0 {
					only.Kinds = []string{"person"}
				}
				for batch, err := range l.Scan(t.Context(), 0, only) {
					if err != nil {
						t.Error(err)
					}
					n += len(batch)
				}
				if n != total {
					t.Errorf("%d of %d events", n, total)
				}
			})
		}
		scans.Wait()
	}
}
