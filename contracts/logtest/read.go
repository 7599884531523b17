package logtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// fill appends n events, one a stream, of the kinds in turn.
func fill(t *testing.T, l contracts.Log, from, n int, kinds ...string) {
	t.Helper()
	var writes []contracts.Write
	for i := from; i < from+n; i++ {
		writes = append(writes, contracts.Write{Stream: stream(kinds[i%len(kinds)], i), Events: several(i, 1)})
	}
	stored(t, l.Append(limit(t), writes), n, 1)
}

func testScan(t *testing.T, a Adapter) {
	l := a.Open(t)
	if all := scan(t, l, 0); all != nil {
		t.Fatal("an empty log has events")
	}
	fill(t, l, 0, 3000, "scan")
	all := scan(t, l, 0)
	if len(all) != 3000 {
		t.Fatalf("%d of 3000 events", len(all))
	}
	for i, e := range all {
		same(t, e, event(i))
	}
	if rest := scan(t, l, all[1234].Position); len(rest) != 3000-1235 || rest[0].Position != all[1235].Position {
		t.Fatalf("%d events after the 1,235th", len(rest))
	}
	if rest := scan(t, l, all[2999].Position); rest != nil {
		t.Fatal("there are events after the head")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var err error
	for _, err = range l.Scan(ctx, 0, contracts.Filter{}) {
	}
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("a context that had ended: %v", err)
	}
}

// testScanEnds appends while it scans: a scan does not follow.
func testScanEnds(t *testing.T, a Adapter) {
	l := a.Open(t)
	fill(t, l, 0, 2500, "ends", "other")
	for _, kinds := range [][]string{nil, {"ends"}, {"other", "ends"}} {
		stood, n := head(t, l), 0
		for batch, err := range l.Scan(limit(t), 0, contracts.Filter{Kinds: kinds}) {
			if err != nil {
				t.Fatal(err)
			}
			if batch[len(batch)-1].Position > stood {
				t.Fatal("the scan ran past the head as it stood")
			}
			put(t, l, stream("ends", 1), events.AnyRevision, event(9000+n))
			n++
		}
	}
}

func testFilter(t *testing.T, a Adapter) {
	l := a.Open(t)
	fill(t, l, 0, 300, "a", "b", "ab")
	fill(t, l, 300, 1, "last")
	for _, c := range []struct {
		kinds []string
		want  int
	}{
		{nil, 301}, {[]string{"a"}, 100}, {[]string{"b", "ab"}, 200}, {[]string{"last"}, 1}, {[]string{"none"}, 0},
		{[]string{"a", "none", "a"}, 100}, {[]string{"a", "b", "ab", "last"}, 301},
	} {
		all := scan(t, l, 0, c.kinds...)
		if len(all) != c.want {
			t.Fatalf("%v: %d of %d events", c.kinds, len(all), c.want)
		}
		for _, e := range all {
			if !(contracts.Filter{Kinds: c.kinds}).Has(e.Stream) {
				t.Fatalf("%v: an event of kind %s", c.kinds, e.Stream.Kind)
			}
		}
		if c.want > 0 {
			if rest := scan(t, l, all[0].Position, c.kinds...); len(rest) != c.want-1 {
				t.Fatalf("%v: %d events after the first", c.kinds, len(rest))
			}
		}
	}
}

func testStopEarly(t *testing.T, a Adapter) {
	l := a.Open(t)
	fill(t, l, 0, 3000, "stop")
	for range 5 {
		for range l.Scan(limit(t), 0, contracts.Filter{}) {
			break
		}
		for range l.Tail(limit(t), 0, contracts.Filter{}) {
			break
		}
	}
	if n := len(scan(t, l, 0)); n != 3000 {
		t.Fatalf("%d of 3000 events", n)
	}
}

// tail reads in the background, into a channel that ends with the sequence.
func tail(ctx context.Context, l contracts.Log, after events.Position, kinds ...string) (<-chan events.Event, <-chan error) {
	out, ended := make(chan events.Event, 10_000), make(chan error, 1)
	go func() {
		defer close(out)
		for batch, err := range l.Tail(ctx, after, contracts.Filter{Kinds: kinds}) {
			if err != nil {
				ended <- err
				return
			}
			for _, e := range batch {
				out <- e
			}
		}
		ended <- nil
	}()
	return out, ended
}

func take(t *testing.T, from <-chan events.Event, n int) (all []events.Event) {
	t.Helper()
	for late := time.After(30 * time.Second); len(all) < n; {
		select {
		case e, ok := <-from:
			if !ok {
				t.Fatalf("the tail ended after %d of %d events", len(all), n)
			}
			all = append(all, e)
		case <-late:
			t.Fatalf("%d of %d events arrived", len(all), n)
		}
	}
	return all
}

func testTail(t *testing.T, a Adapter) {
	l := a.Open(t)
	fill(t, l, 0, 1500, "tail")
	ctx, cancel := context.WithCancel(limit(t))
	defer cancel()
	from, ended := tail(ctx, l, 0)
	var late <-chan events.Event // another that begins in the middle, at the head
	late, _ = tail(ctx, l, head(t, l))
	all := take(t, from, 1500)
	for i := range 200 {
		fill(t, l, 1500+3*i, 3, "tail")
		if i == 0 {
			all = append(all, take(t, from, 3)...)
			time.Sleep(50 * time.Millisecond) // let it come to rest, then go on
		}
	}
	all = append(all, take(t, from, 597)...)
	inOrder(t, 0, all)
	for i, e := range all {
		same(t, e, event(i))
	}
	for i, e := range take(t, late, 600) {
		same(t, e, event(1500+i))
	}
	// Live, an event arrives at once.
	var slowest time.Duration
	for i := range 20 {
		put(t, l, stream("live", i), 0, event(i))
		began := time.Now()
		same(t, take(t, from, 1)[0], event(i))
		slowest = max(slowest, time.Since(began))
	}
	if slowest > 2*time.Second { // generous: machines that run tests are busy
		t.Fatalf("an event took %v to arrive", slowest)
	}
	t.Logf("live, the slowest of 20 events took %v after its append", slowest)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("the tail ended with %v", err)
	}
}

func testTailFilter(t *testing.T, a Adapter) {
	l := a.Open(t)
	ctx, cancel := context.WithCancel(limit(t))
	defer cancel()
	from, _ := tail(ctx, l, 0, "b", "c")
	fill(t, l, 0, 300, "a", "b", "c")
	all := take(t, from, 200)
	fill(t, l, 300, 300, "a", "b", "c")
	all = append(all, take(t, from, 200)...)
	inOrder(t, 0, all)
	for i, e := range all {
		same(t, e, event(i/2*3+1+i%2))
	}
}

func testTailEnds(t *testing.T, a Adapter) {
	l := a.Open(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, ended := tail(ctx, l, 0)
	select {
	case err := <-ended:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the tail ended with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the tail did not end with its context")
	}
}

func testReopen(t *testing.T, a Adapter) {
	if a.Reopen == nil {
		t.Skip("a log that keeps nothing")
	}
	l := a.Open(t)
	fill(t, l, 0, 1200, "kept")
	r := put(t, l, stream("kept", 5000), 0, several(1200, 3)...)
	before := scan(t, l, 0)
	l = a.Reopen(t)
	after := scan(t, l, 0)
	if len(after) != len(before) || head(t, l) != r.Positions[2] {
		t.Fatalf("%d of %d events are there after reopening", len(after), len(before))
	}
	for i, e := range after {
		same(t, e, before[i])
		if e.Position != before[i].Position || e.Revision != before[i].Revision || !e.Recorded.Equal(before[i].Recorded) {
			t.Fatalf("event %d changed over reopening", i)
		}
	}
	if again := l.Append(limit(t), []contracts.Write{{Stream: stream("kept", 0), Events: several(0, 1)}})[0]; !errors.Is(again.Err, contracts.ErrConflict) {
		t.Fatalf("a revision was forgotten: %v", again.Err)
	}
	put(t, l, stream("kept", 5000), r.Revision, event(1203))
	scan(t, l, 0)
}

func testClosed(t *testing.T, a Adapter) {
	l := a.Open(t)
	fill(t, l, 0, 10, "closed")
	_, ended := tail(limit(t), l, 0)
	switch c := l.(type) {
	case interface{ Close() }:
		c.Close()
	case interface{ Close() error }:
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	default:
		t.Skip("a log that cannot be closed")
	}
	r := l.Append(limit(t), []contracts.Write{{Stream: stream("closed", 99), Events: several(0, 1)}})[0]
	_, headErr := l.Head(limit(t))
	var scanErr error
	for _, scanErr = range l.Scan(limit(t), 0, contracts.Filter{}) {
	}
	for i, err := range []error{r.Err, headErr, scanErr, <-ended} {
		if !errors.Is(err, contracts.ErrClosed) {
			t.Errorf("call %d after closing: %v", i, err)
		}
	}
}
