package feed

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/logtest"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/jetstream"
)

// closing is a feed whose log closes, as the suite expects it.
type closing struct {
	*Feed
	close func()
}

func (c closing) Close() { c.close() }

func TestInMemory(t *testing.T) {
	logtest.Test(t, logtest.Adapter{Open: func(*testing.T) contracts.Log {
		log := memlog.New()
		return closing{New(log), log.Close}
	}})
}

func TestOnJetStream(t *testing.T) {
	var dir string
	var now *jetstream.Log
	open := func(t *testing.T) contracts.Log {
		l, err := jetstream.Embedded(t.Context(), dir, jetstream.Options{Logf: t.Logf})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(l.Close)
		now = l
		return closing{New(l), l.Close}
	}
	logtest.Test(t, logtest.Adapter{
		Open:   func(t *testing.T) contracts.Log { dir = t.TempDir(); return open(t) },
		Reopen: func(t *testing.T) contracts.Log { now.Close(); return open(t) },
	})
}

// counted is a log that knows how many tails it has, and fails them when it is told to.
type counted struct {
	contracts.Log
	tails atomic.Int32
	all   atomic.Int32
	scans atomic.Int32
	fail  atomic.Pointer[chan struct{}]
}

func (c *counted) Scan(ctx context.Context, after events.Position, only contracts.Filter) iter.Seq2[[]events.Event, error] {
	c.scans.Add(1)
	return c.Log.Scan(ctx, after, only)
}

var errBroken = errors.New("the reading broke")

func (c *counted) Tail(ctx context.Context, after events.Position, only contracts.Filter) iter.Seq2[[]events.Event, error] {
	return func(yield func([]events.Event, error) bool) {
		fail := *c.fail.Load() // before it counts: who sees it counted has it fail
		c.tails.Add(1)
		c.all.Add(1)
		defer c.tails.Add(-1)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		var broke atomic.Bool
		go func() {
			select {
			case <-fail:
				broke.Store(true)
				cancel()
			case <-ctx.Done():
			}
		}()
		for batch, err := range c.Log.Tail(ctx, after, only) {
			if err != nil && broke.Load() {
				err = errBroken
			}
			if !yield(batch, err) {
				return
			}
		}
	}
}

const large = 100

// Whoever comes when the beginning is not kept any more reads it from the log, once, and is then among the others.
func TestWhoIsBehindReadsByThemselves(t *testing.T) {
	under := memlog.New()
	defer under.Close()
	log := &counted{Log: under}
	fail := make(chan struct{})
	log.fail.Store(&fail)
	f := New(log)
	f.keep = 10 * (large + perEvent)
	var last events.Position
	put := func(kind string, n int) {
		for range n {
			e := events.Event{ID: "x", Type: events.TypeRefused, Source: "/daicho/intake", Time: time.Now(), Data: make([]byte, large)}
			r := f.Append(t.Context(), []contracts.Write{{Stream: events.Stream{Kind: kind, ID: "all"}, Expect: events.AnyRevision, Events: []events.Event{e}}})
			if r[0].Err != nil {
				t.Fatal(r[0].Err)
			}
			last = r[0].Positions[0]
		}
	}
	follow := func(kinds ...string) <-chan events.Event {
		out := make(chan events.Event, 1000)
		go func() {
			for batch, err := range f.Tail(t.Context(), 0, contracts.Filter{Kinds: kinds}) {
				if err != nil {
					return
				}
				for i := range batch {
					out <- batch[i]
				}
			}
		}()
		return out
	}
	upTo := func(from <-chan events.Event, to events.Position) (n int) {
		for {
			select {
			case e := <-from:
				if n++; e.Position == to {
					return n
				}
			case <-time.After(time.Minute):
				t.Fatal("an event that was recorded does not come")
			}
		}
	}
	first := follow()
	put("person", 1)
	upTo(first, last)
	for range 30 { // one by one, so that each is kept by itself
		put("refusals", 5)
		upTo(first, last)
	}
	if n := upTo(follow(), last); n != 151 {
		t.Errorf("%d events of 151 came to one who came late", n)
	}
	log.scans.Store(0)
	people := follow("person")
	upTo(people, 1)
	put("refusals", 20)
	upTo(first, last)
	put("person", 1)
	if n := upTo(people, last); n != 1 {
		t.Errorf("%d events came of one", n)
	}
	if n := log.scans.Load(); n < 1 || n > 10 {
		t.Errorf("the log was read %d times for one who came late", n)
	}
}

// Whoever stands still while what they have not read yet goes out of what is kept goes on where they stood.
func TestWhoStandsStillMissesNothing(t *testing.T) {
	log := memlog.New()
	defer log.Close()
	f := New(log)
	f.keep = 10 * (large + perEvent)
	next, stop := iter.Pull2(f.Tail(t.Context(), 0, contracts.Filter{}))
	defer stop()
	quick, end := iter.Pull2(f.Tail(t.Context(), 0, contracts.Filter{}))
	defer end()
	var slow events.Position
	for n := range events.Position(200) {
		e := events.Event{ID: "x", Type: events.TypeRefused, Source: "/daicho/intake", Time: time.Now(), Data: make([]byte, large)}
		f.Append(t.Context(), []contracts.Write{{Stream: events.Stream{Kind: "refusals", ID: "all"}, Expect: events.AnyRevision, Events: []events.Event{e}}})
		if batch, err, ok := quick(); !ok || err != nil || len(batch) != 1 || batch[0].Position != n+1 {
			t.Fatalf("after %v came %v (%v)", n, batch, err)
		}
		if n%13 != 5 {
			continue
		}
		for slow < n+1 {
			batch, err, ok := next()
			if !ok || err != nil {
				t.Fatal(err)
			}
			for i := range batch {
				if slow++; batch[i].Position != slow {
					t.Fatalf("where %v should come, %v came", slow, batch[i].Position)
				}
			}
		}
	}
}

// Readers that start anywhere, in a log that grows by more than is kept, through failures, read every event once and in order; the log is
// read once for all of them, and not at all when nobody is left.
func TestReadersShareAReadingAndMissNothing(t *testing.T) {
	under := memlog.New()
	defer under.Close()
	log := &counted{Log: under}
	first := make(chan struct{})
	log.fail.Store(&first)
	fail := first
	f := New(log)
	f.keep = 40 * (large + perEvent)
	const all, readers = 3000, 6
	put := func(n int) {
		e := events.Event{ID: "x", Type: events.TypeRefused, Source: "/daicho/intake", Time: time.Now(), Data: make([]byte, large)}
		kind := []string{"refusals", "person"}[n%2]
		if r := f.Append(t.Context(), []contracts.Write{{Stream: events.Stream{Kind: kind, ID: "all"}, Expect: events.AnyRevision, Events: []events.Event{e}}}); r[0].Err != nil {
			t.Fatal(r[0].Err)
		}
	}
	for n := range all / 10 {
		put(n)
	}
	done := make(chan error, readers)
	for i := range readers {
		go func() {
			only, want := contracts.Filter{}, all
			if i%3 == 2 {
				only, want = contracts.Filter{Kinds: []string{"person"}}, all/2
			}
			var at events.Position
			for n := 0; ; {
				for batch, err := range f.Tail(t.Context(), at, only) {
					if errors.Is(err, errBroken) {
						break
					}
					if err != nil {
						done <- err
						return
					}
					for k := range batch {
						if batch[k].Position <= at || !only.Has(batch[k].Stream) {
							done <- errors.New("an event came twice, late, or unasked for")
							return
						}
						at = batch[k].Position
						n++
					}
					if i == 0 && n%7 == 0 { // one is slow
						time.Sleep(time.Millisecond)
					}
					if n == want {
						done <- nil
						return
					}
				}
			}
		}()
	}
	for n := all / 10; n < all; n++ {
		put(n)
		if n%1000 == 999 { // the reading breaks, and there is another: nobody has read all yet
			until(t, "the log is read", func() bool { return log.tails.Load() > 0 })
			was := log.all.Load()
			next := make(chan struct{})
			log.fail.Store(&next)
			close(fail)
			fail = next // what the pointers lead to does not change
			until(t, "the log is read anew", func() bool { return log.all.Load() > was })
		}
		if tails := log.tails.Load(); tails > 2 { // one ends while the next begins
			t.Fatalf("the log is read %d times at once", tails)
		}
	}
	for range readers {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("a reader waits for an event that was recorded long ago")
		}
	}
	for began := time.Now(); log.tails.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("nobody follows the log, and it is being read")
		}
	}
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for began := time.Now(); !is(); time.Sleep(time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatalf("it does not come to be that %s", what)
		}
	}
}
