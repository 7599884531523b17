package jetstream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/internal/attribute"
	"github.com/daicho-dev/daicho/infra/jetstream/clustertest"
)

// in is somebody whose events lie in a part.
func in(part, parts int) events.Stream {
	for i := 0; ; i++ {
		if s := (events.Stream{Kind: "person", ID: strconv.Itoa(i)}); partOf(s, parts) == part {
			return s
		}
	}
}

// put appends one event, without asking.
func put(t *testing.T, l *Log, s events.Stream) events.Position {
	t.Helper()
	r := l.Append(t.Context(), []contracts.Write{{Stream: s, Expect: events.AnyRevision, Events: make([]events.Event, 1)}})[0]
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return r.Positions[0]
}

// TestAMakerIsLate: of two processes that make the log at once with other numbers, the one whose number does not stand is told.
func TestAMakerIsLate(t *testing.T) {
	l := embedded(t, t.TempDir(), 2)
	late := &part{log: l, name: orderName, prefix: orderPrefix}
	want := settings(1, false)
	want.Metadata = map[string]string{partitions: "4"}
	if err := late.open(t.Context(), want, false); err == nil || !strings.Contains(err.Error(), "made with 2 partitions and cannot be opened with 4") {
		t.Fatal(err)
	}
}

// TestSeveralMakers: whatever processes that make a log at once are asked for, one division stands, and nobody writes to another.
func TestSeveralMakers(t *testing.T) {
	for _, asked := range [][]int{{3, 3, 3}, {3, 4}, {3, 3, 4, 1}, {0, 2}} {
		server := embedded(t, t.TempDir(), 0)
		if err := server.js.DeleteStream(t.Context(), wholeName); err != nil {
			t.Fatal(err)
		}
		results := make(chan error)
		for i, n := range asked {
			go func() {
				l, err := Connect(t.Context(), server.Address(), Options{Partitions: n})
				if err == nil {
					defer l.Close()
					err = l.Append(t.Context(), []contracts.Write{{Stream: events.Stream{Kind: "person", ID: strconv.Itoa(i)}, Events: make([]events.Event, 1)}})[0].Err
				}
				results <- err
			}()
		}
		written := 0
		for range asked {
			switch err := <-results; {
			case err == nil:
				written++
			case !errors.Is(err, errTwice) && !strings.Contains(err.Error(), "--partitions"):
				t.Error(err)
			}
		}
		l, err := Connect(t.Context(), server.Address(), Options{})
		if errors.Is(err, errTwice) { // as it says
			for info := range server.js.ListStreams(t.Context()).Info() {
				if info.State.Msgs == 0 && (info.Config.Name != wholeName || written == 0) {
					if err := server.js.DeleteStream(t.Context(), info.Config.Name); err != nil {
						t.Fatal(err)
					}
				}
			}
			l, err = Connect(t.Context(), server.Address(), Options{})
		}
		if err != nil {
			t.Fatalf("%v: %d wrote, and then: %v", asked, written, err)
		}
		if all := everything(t, l, 0); len(all) != written {
			t.Errorf("%v: %d events, %d written", asked, len(all), written)
		}
		l.Close()
	}
}

// TestALostOrder: the parts of a log whose order is missing are not put into another one, whatever number is asked for.
func TestALostOrder(t *testing.T) {
	l := embedded(t, t.TempDir(), 2)
	put(t, l, in(1, 2))
	if err := l.js.DeleteStream(t.Context(), orderName); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 2, 3} {
		if _, err := Connect(t.Context(), l.Address(), Options{Partitions: n}); !errors.Is(err, errNoOrder) {
			t.Errorf("with %d: %v", n, err)
		}
	}
}

// TestAnIdleProcess: who has not appended for long, while others did, need not read all of the order first; what was ordered meanwhile of
// its own is found.
func TestAnIdleProcess(t *testing.T) {
	busy := embedded(t, t.TempDir(), 3)
	idle := connect(t, busy.Address(), 0)
	for range 10 * fewBack {
		put(t, busy, in(0, 3))
	}
	slip(t, idle, in(1, 3).ID)
	own := put(t, busy, in(1, 3)) - 1 // behind the other's, which it orders
	for range 10 * fewBack {
		put(t, busy, in(0, 3))
	}
	asked := idle.conn.Stats().OutMsgs
	head, err := busy.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if at := put(t, idle, in(0, 3)); at != head+1 {
		t.Errorf("appended at %d behind %d", at, head)
	}
	s := newStored(1, 1, 1)
	if err := idle.order.wait(t.Context(), idle.order.enter(&ticket{steps: []step{{1, 1}}, stored: []*stored{s}})); err != nil || s.at[0] != own {
		t.Errorf("found at %d, not at %d: %v", s.at[0], own, err)
	}
	if n := idle.conn.Stats().OutMsgs - asked; n > fewBack {
		t.Errorf("it asked %d times", n)
	}
}

// TestMuchWaits: however much has to be ordered, no message is larger than the server takes.
func TestMuchWaits(t *testing.T) {
	c := clustertest.Start(t, clustertest.Options{Nodes: 1, Conf: "max_payload: 50000\n"})
	l := connect(t, c.URL(), 2)
	const each = 5000
	var waits ticket
	for n := range 2 {
		s := in(n, 2)
		for range each / 1000 {
			g := group{writes: []int{0, 1}}
			g.build(l.parts[n].prefix, []contracts.Write{{Stream: s, Events: make([]events.Event, 500)}, {Stream: s, Events: make([]events.Event, 500)}})
			for i, m := range g.messages {
				m.Header[hRecorded] = []string{time.Now().UTC().Format(attribute.Clock)}
				if i == len(g.messages)-1 {
					if _, err := l.conn.RequestMsg(m, 10*time.Second); err != nil {
						t.Fatal(err)
					}
				} else if err := l.conn.PublishMsg(m); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for i := range 2 * each {
		waits.steps = append(waits.steps, step{i % 2, uint64(i/2 + 1)})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := l.order.wait(ctx, l.order.enter(&waits)); err != nil {
		t.Fatal(err)
	}
	all := everything(t, l, 0)
	if len(all) != 2*each {
		t.Fatalf("%d events", len(all))
	}
	for i, e := range all {
		if partOf(e.Stream, 2) != i%2 || int(e.Position) != i+1 {
			t.Fatalf("event %d is of part %d at %d", i, partOf(e.Stream, 2), e.Position)
		}
	}
}

// TestWhoDoesNotKnowReadsOn: a scan that begins after an outcome was not known has what was stored.
func TestWhoDoesNotKnowReadsOn(t *testing.T) {
	l := embedded(t, t.TempDir(), 3)
	for i := range 5 {
		s := events.Stream{Kind: "person", ID: strconv.Itoa(i)}
		slip(t, l, s.ID)
		l.order.show(t.Context(), []contracts.Write{{Stream: s}}, []contracts.Result{{Err: contracts.ErrUnknown}})
		if n := len(everything(t, l, 0)); n != i+1 {
			t.Fatalf("%d of %d events", n, i+1)
		}
	}
	until(t, func() bool { return l.order.doubts[0].Load()+l.order.doubts[1].Load()+l.order.doubts[2].Load() == 0 })
}

// TestTheOrderTakesNothing: while it does, nothing more is stored that nobody can find; what was stored has its place afterwards.
func TestTheOrderTakesNothing(t *testing.T) {
	l := embedded(t, t.TempDir(), 2)
	s := in(1, 2)
	put(t, l, s)
	limit := func(bytes int64) {
		c := l.order.part.stream.CachedInfo().Config
		c.MaxBytes = bytes
		if _, err := l.js.UpdateStream(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	limit(1)
	waits := make(chan contracts.Result)
	go func() {
		waits <- l.Append(t.Context(), []contracts.Write{{Stream: s, Expect: events.AnyRevision, Events: make([]events.Event, 1)}})[0]
	}()
	until(t, func() bool { return l.order.stuck.Load() != nil })
	r := l.Append(t.Context(), []contracts.Write{{Stream: s, Expect: 2, Events: make([]events.Event, 1)}})[0]
	if r.Err == nil || errors.Is(r.Err, contracts.ErrUnknown) || errors.Is(r.Err, contracts.ErrConflict) {
		t.Errorf("appended: %+v", r)
	}
	limit(-1)
	if r := <-waits; r.Err != nil || r.Positions[0] != 2 {
		t.Errorf("what waited: %+v", r)
	}
	if at := put(t, l, s); at != 3 {
		t.Errorf("the next is at %d", at)
	}
}

// TestAStrangerInTheOrder: what another program has put into the order's stream stops appends, and does not keep the server busy.
func TestAStrangerInTheOrder(t *testing.T) {
	l := embedded(t, t.TempDir(), 2)
	put(t, l, in(1, 2))
	if _, err := l.conn.Request(orderPrefix+"not.ours", nil, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	asked := l.conn.Stats().OutMsgs
	go l.Append(t.Context(), []contracts.Write{{Stream: in(1, 2), Expect: events.AnyRevision, Events: make([]events.Event, 1)}})
	until(t, func() bool { return l.order.stuck.Load() != nil })
	if n := l.conn.Stats().OutMsgs - asked; n > 100 {
		t.Errorf("it asked %d times", n)
	}
}

// TestHowFarAReadingRunsAhead: a reader that stands still does not have all parts sent to it.
func TestHowFarAReadingRunsAhead(t *testing.T) {
	l := embedded(t, t.TempDir(), 8)
	for n := range 24 {
		var writes []contracts.Write
		for i := range 1000 {
			writes = append(writes, contracts.Write{Stream: events.Stream{Kind: "person", ID: fmt.Sprint(n, "-", i)}, Events: make([]events.Event, 1)})
		}
		for _, r := range l.Append(t.Context(), writes) {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
	}
	before := l.conn.Stats().InMsgs
	for _, err := range l.Tail(t.Context(), 0, contracts.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		if n := l.conn.Stats().InMsgs - before; n > 12_000 {
			t.Errorf("%d messages came", n)
		}
		break
	}
}

// TestNothingIsLeftBehind: of readings that are stopped early, while some of their parts are only being asked for, the server keeps nothing.
func TestNothingIsLeftBehind(t *testing.T) {
	l := embedded(t, t.TempDir(), 16)
	for n := range 16 {
		put(t, l, in(n, 16))
	}
	for range 30 {
		for _, err := range l.Tail(t.Context(), 0, contracts.Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	until(t, func() bool {
		left := 0
		for _, p := range append(l.parts, l.order.part) {
			info, err := p.stream.Info(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			left += info.State.Consumers
		}
		return left == 0
	})
}

// TestAPartIsAway: what comes before the events of a part that cannot be read is handed over.
func TestAPartIsAway(t *testing.T) {
	l := embedded(t, t.TempDir(), 2)
	for range 3 {
		put(t, l, in(0, 2))
	}
	put(t, l, in(1, 2))
	if err := l.js.DeleteStream(t.Context(), partName(1)); err != nil {
		t.Fatal(err)
	}
	var last events.Position
	for batch, err := range l.Tail(cut(t, 20*time.Second), 0, contracts.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if last += events.Position(len(batch)); last == 3 {
			break
		}
	}
}

// TestSeveralWriteThroughFaults: while the lines of two processes of three are cut and held, with what was sent and answered on them, every
// event has one place, and all read the same.
func TestSeveralWriteThroughFaults(t *testing.T) {
	pingEvery = 500 * time.Millisecond
	defer func() { pingEvery = 5 * time.Second }()
	server := embedded(t, t.TempDir(), 3)
	all := []*work{begin(t, server, "own")}
	var lines []*clustertest.Proxy
	for i := range 2 {
		lines = append(lines, clustertest.NewProxy(t, strings.TrimPrefix(server.Address(), "jetstream://")))
		all = append(all, begin(t, connect(t, "jetstream://"+lines[i].Address, 0), fmt.Sprint("other", i, "-")))
	}
	for end := time.Now().Add(2500 * time.Millisecond); time.Now().Before(end); {
		line := lines[rand.IntN(2)]
		switch rand.IntN(3) {
		case 0:
			line.HoldFromServer()
		case 1:
			line.HoldToServer()
		}
		time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond)
		if rand.IntN(3) > 0 {
			line.Cut()
		}
		line.Mend()
		time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond)
	}
	acknowledged := func(w *work) int { w.mu.Lock(); defer w.mu.Unlock(); return len(w.told) }
	for _, w := range all {
		enough := acknowledged(w) + 10
		until(t, func() bool { return acknowledged(w) >= enough })
	}
	for _, w := range all {
		w.halt()
	}
	for _, w := range all {
		w.check()
	}
}
