package logtest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

func testOrder(t *testing.T, a Adapter) {
	l := a.Open(t)
	if h := head(t, l); h != 0 {
		t.Fatalf("the head of an empty log is %d", h)
	}
	from := time.Now().Add(-time.Second)
	var last contracts.Result
	for i := range 20 {
		r := put(t, l, stream("order", 1), last.Revision, several(2*i, 2)...)
		if i > 0 && (r.Positions[0] <= last.Positions[1] || r.Revision == last.Revision) || r.Positions[1] <= r.Positions[0] {
			t.Fatalf("%v after %v", r, last)
		}
		last = r
	}
	if h := head(t, l); h != last.Positions[1] {
		t.Fatalf("head %d, last position %d", h, last.Positions[1])
	}
	all := scan(t, l, 0)
	if len(all) != 40 || all[39].Position != last.Positions[1] || all[39].Revision != last.Revision {
		t.Fatalf("%d events, the last at %d", len(all), all[len(all)-1].Position)
	}
	for i, e := range all {
		same(t, e, event(i))
		if e.Stream != stream("order", 1) || e.Recorded.Before(from) || e.Recorded.After(time.Now().Add(time.Second)) {
			t.Fatalf("event %d: stream or recorded time is wrong", i)
		}
	}
	// The revision that an event carries is as good as that of a result.
	put(t, l, stream("order", 1), all[39].Revision, event(40))
}

func testConflict(t *testing.T, a Adapter) {
	l := a.Open(t)
	s := stream("conflict", 1)
	first := put(t, l, s, 0, event(0))
	second := put(t, l, s, first.Revision, event(1))
	put(t, l, stream("conflict", 2), 0, event(2))
	for _, expect := range []events.Revision{0, first.Revision, second.Revision + 1000} {
		r := l.Append(limit(t), []contracts.Write{{Stream: s, Expect: expect, Events: several(3, 2)}})[0]
		if !errors.Is(r.Err, contracts.ErrConflict) || r.Positions != nil {
			t.Fatalf("expecting %d: %v", expect, r)
		}
	}
	if all := scan(t, l, 0); len(all) != 3 {
		t.Fatalf("a conflict stored something: %d events", len(all))
	}
	put(t, l, s, second.Revision, event(5))
}

func testIndependence(t *testing.T, a Adapter) {
	l := a.Open(t)
	for i := 0; i < 30; i += 3 {
		put(t, l, stream("two", i), 0, event(0))
	}
	var writes []contracts.Write
	for i := range 30 {
		writes = append(writes, contracts.Write{Stream: stream("two", i), Events: several(10*i, 2)})
	}
	rs := l.Append(limit(t), writes)
	at := map[events.Position]int{}
	for i, r := range rs {
		if i%3 == 0 {
			if !errors.Is(r.Err, contracts.ErrConflict) || r.Positions != nil {
				t.Fatalf("write %d should be in conflict: %v", i, r)
			}
			continue
		}
		stored(t, rs[i:i+1], 1, 2)
		at[r.Positions[0]], at[r.Positions[1]] = 10*i, 10*i+1
	}
	found := 0
	for _, e := range scan(t, l, 0)[10:] {
		n, ok := at[e.Position]
		if !ok {
			t.Fatalf("an event at %d that no result names", e.Position)
		}
		found++
		same(t, e, event(n))
	}
	if found != 40 {
		t.Fatalf("%d of 40 events", found)
	}
}

func testAtomicity(t *testing.T, a Adapter) {
	l := a.Open(t)
	s := stream("atom", 1)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			l.Append(limit(t), []contracts.Write{{Stream: s, Expect: events.AnyRevision, Events: several(100*i, 50)}})
		})
	}
	wg.Wait()
	all := scan(t, l, 0)
	if len(all) != 400 {
		t.Fatalf("%d of 400 events", len(all))
	}
	for i := 0; i < 400; i += 50 { // the events of a Write follow each other in their stream
		var first int
		for first = range 8 {
			if all[i].ID == event(100*first).ID {
				break
			}
		}
		for j := range 50 {
			same(t, all[i+j], event(100*first+j))
		}
	}
}

func testAnyRevision(t *testing.T, a Adapter) {
	l := a.Open(t)
	s := stream("any", 1)
	first := put(t, l, s, events.AnyRevision, event(0))
	second := put(t, l, s, events.AnyRevision, several(1, 2)...)
	if second.Revision == first.Revision {
		t.Fatal("the revision stayed")
	}
	put(t, l, s, second.Revision, event(3))
}

func testRefused(t *testing.T, a Adapter) {
	l := a.Open(t)
	big := event(0)
	big.Data = make([]byte, contracts.MaxEvent+1)
	rs := l.Append(limit(t), []contracts.Write{
		{Stream: stream("no", 1)},
		{Stream: stream("no", 2), Events: []events.Event{event(1), big}},
		{Stream: stream("no", 3), Events: several(0, contracts.MaxWrite+1)},
		{Stream: stream("yes", 1), Events: several(0, 1)},
		{Stream: stream("yes", 1), Expect: events.AnyRevision, Events: several(1, 1)},
	})
	for i, r := range rs {
		if (r.Err == nil) != (i == 3) || errors.Is(r.Err, contracts.ErrConflict) || errors.Is(r.Err, contracts.ErrUnknown) {
			t.Errorf("write %d: %v", i, r.Err)
		}
	}
	if all := scan(t, l, 0); len(all) != 1 {
		t.Fatalf("%d events instead of one", len(all))
	}
	if rs := l.Append(limit(t), nil); len(rs) != 0 {
		t.Fatalf("%d results for no write", len(rs))
	}
}

func testExact(t *testing.T, a Adapter) {
	l := a.Open(t)
	odd := []string{"", " ", " left", "right ", "100%", "%41", `"q"`, "a: b", "a\r\nb: c", "\x00\x7f\xff", "台帳", strings.Repeat("x", 3000)}
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	var want []events.Event
	for i, o := range odd {
		e := event(i)
		e.ID, e.Type, e.Source, e.Policy = o, odd[(i+1)%len(odd)], odd[(i+2)%len(odd)], odd[(i+3)%len(odd)]
		e.Data = bytes.Repeat(every, i)
		want = append(want, e)
	}
	want[1].Time = time.Date(1899, 12, 31, 0, 0, 0, 0, time.UTC)
	want[2].Time = time.Date(2199, 1, 1, 0, 0, 0, 1e6, time.UTC)
	in := append([]events.Event(nil), want...)
	in[3].Time = in[3].Time.Add(999 * time.Microsecond).In(time.FixedZone("", 3600)) // a log keeps milliseconds, in UTC
	put(t, l, events.Stream{Kind: "ex_a-ct", ID: "0-_z"}, 0, in...)
	all := scan(t, l, 0)
	if len(all) != len(want) || all[0].Stream != (events.Stream{Kind: "ex_a-ct", ID: "0-_z"}) {
		t.Fatalf("%d of %d events", len(all), len(want))
	}
	for i, e := range all {
		same(t, e, want[i])
	}
	// What a reading gave belongs to the caller.
	clear(all[11].Data)
	same(t, scan(t, l, 0)[11], want[11])
}

func testManyWrites(t *testing.T, a Adapter) {
	l := a.Open(t)
	var writes []contracts.Write
	for i := range 2500 {
		writes = append(writes, contracts.Write{Stream: stream("many", i), Events: several(i, 1)})
	}
	rs := l.Append(limit(t), writes)
	stored(t, rs, 2500, 1)
	for i, e := range scan(t, l, 0) {
		same(t, e, event(i))
		if e.Position != rs[i].Positions[0] || e.Revision != rs[i].Revision || e.Stream != writes[i].Stream {
			t.Fatalf("write %d lies elsewhere than its result says", i)
		}
	}
}

func testLargeWrite(t *testing.T, a Adapter) {
	l := a.Open(t)
	r := put(t, l, stream("large", 1), 0, several(0, contracts.MaxWrite)...)
	all := scan(t, l, 0)
	if len(all) != contracts.MaxWrite || all[contracts.MaxWrite-1].Revision != r.Revision {
		t.Fatalf("%d events", len(all))
	}
}

func testLargeEvent(t *testing.T, a Adapter) {
	l := a.Open(t)
	var want []events.Event
	for i := range 60 {
		e := event(i)
		e.Data = bytes.Repeat([]byte{byte(i), 'x'}, contracts.MaxEvent/2)
		want = append(want, e)
	}
	put(t, l, stream("large", 2), 0, want...)
	all := scan(t, l, 0)
	if len(all) != len(want) {
		t.Fatalf("%d of %d events", len(all), len(want))
	}
	for i := range want {
		same(t, all[i], want[i])
	}
}

func testStreams(t *testing.T, a Adapter) {
	l := a.Open(t)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			var at events.Revision
			for j := range 20 {
				r := l.Append(limit(t), []contracts.Write{{Stream: stream("own", i), Expect: at, Events: several(100*i+2*j, 2)}})[0]
				if r.Err != nil {
					t.Errorf("stream %d: %v", i, r.Err)
					return
				}
				at = r.Revision
			}
		})
	}
	wg.Wait()
	next := map[events.Stream]int{}
	for _, e := range scan(t, l, 0) {
		if e.ID[:4] != "tag-" {
			t.Fatal("not an event of this test")
		}
		next[e.Stream]++
	}
	for i := range 16 {
		if next[stream("own", i)] != 40 {
			t.Fatalf("stream %d has %d of 40 events", i, next[stream("own", i)])
		}
	}
}

func testOneStream(t *testing.T, a Adapter) {
	l := a.Open(t)
	s := stream("fought", 1)
	var at events.Revision
	for round := range 15 {
		var mu sync.Mutex
		var wg sync.WaitGroup
		var won []contracts.Result
		for i := range 8 {
			wg.Go(func() {
				r := l.Append(limit(t), []contracts.Write{{Stream: s, Expect: at, Events: several(10*round+i, 1)}})[0]
				mu.Lock()
				defer mu.Unlock()
				if r.Err == nil {
					won = append(won, r)
				} else if !errors.Is(r.Err, contracts.ErrConflict) {
					t.Errorf("round %d: %v", round, r.Err)
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("round %d: %d appends won", round, len(won))
		}
		at = won[0].Revision
	}
	if all := scan(t, l, 0); len(all) != 15 {
		t.Fatalf("%d events", len(all))
	}
}

// testCancelled cuts appends off at all kinds of moments: each is wholly there afterwards or wholly not, and who reads
// again and decides again stores it exactly once.
func testCancelled(t *testing.T, a Adapter) {
	l := a.Open(t)
	unknown := 0
	for i := range 60 {
		s := stream("cut", i)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Duration(i*i)*4*time.Microsecond, cancel)
		r := l.Append(ctx, []contracts.Write{{Stream: s, Events: several(0, 100)}})[0]
		cancel()
		if r.Err == nil {
			stored(t, []contracts.Result{r}, 1, 100)
			continue
		}
		if errors.Is(r.Err, contracts.ErrUnknown) {
			unknown++
		} else if !errors.Is(r.Err, context.Canceled) {
			t.Fatalf("round %d: %v", i, r.Err)
		}
		again := l.Append(limit(t), []contracts.Write{{Stream: s, Events: several(0, 100)}})[0]
		if again.Err != nil && !(errors.Is(r.Err, contracts.ErrUnknown) && errors.Is(again.Err, contracts.ErrConflict)) {
			t.Fatalf("round %d: %v, then %v", i, r.Err, again.Err)
		}
	}
	count := map[events.Stream]int{}
	for _, e := range scan(t, l, 0) {
		same(t, e, event(count[e.Stream]))
		count[e.Stream]++
	}
	for i := range 60 {
		if count[stream("cut", i)] != 100 {
			t.Fatalf("round %d: %d of 100 events", i, count[stream("cut", i)])
		}
	}
	t.Logf("%d of 60 outcomes were unknown", unknown)
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if r := l.Append(done, []contracts.Write{{Stream: stream("cut", 100), Events: several(0, 1)}})[0]; !errors.Is(r.Err, context.Canceled) {
		t.Fatalf("a context that had ended: %v", r.Err)
	}
}
