package jetstream

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// Whoever reads first and gives its word what it has read is answered as if the server had been asked every time, with streams that the
// window knows, has forgotten, and never knew; by one who has read long ago, and by several at once.
func TestConflictsAreFoundWhetherTheServerIsAskedOrNot(t *testing.T) {
	l, err := Embedded(t.Context(), t.TempDir(), Options{Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.window.full = 4
	rnd := rand.New(rand.NewPCG(1, 2))
	type reading struct {
		at       events.Position
		revision map[events.Stream]events.Revision
	}
	stands := map[events.Stream]events.Revision{} // by the answers
	var head events.Position
	old := []reading{{revision: map[events.Stream]events.Revision{}}}
	read := func() {
		now := reading{at: head, revision: map[events.Stream]events.Revision{}}
		for st, r := range stands {
			now.revision[st] = r
		}
		old = append(old, now)
	}
	outcomes := map[string]int{}
	for range 600 {
		if rnd.IntN(3) > 0 {
			read()
		}
		r := old[max(0, len(old)-1-rnd.IntN(1+rnd.IntN(12)))]
		var writes []contracts.Write
		for _, n := range rnd.Perm(12)[:1+rnd.IntN(4)] {
			st := events.Stream{Kind: "person", ID: fmt.Sprint(n)}
			writes = append(writes, contracts.Write{Stream: st, Expect: r.revision[st], Known: r.at, Events: []events.Event{{ID: "x", Type: "t", Source: "/s", Data: []byte("{}")}}})
			if rnd.IntN(8) == 0 {
				writes[len(writes)-1].Expect = events.AnyRevision
			}
		}
		asked := 0
		for i := range writes {
			if s, ok := l.window.find(writes[i].Stream); ok && s.at != writes[i].Expect || !ok && writes[i].Known < l.window.since {
				asked++
			}
		}
		for i, got := range l.Append(t.Context(), writes) {
			st, expect := writes[i].Stream, writes[i].Expect
			if conflict := expect != events.AnyRevision && expect != stands[st]; conflict != errors.Is(got.Err, contracts.ErrConflict) || !conflict && got.Err != nil {
				t.Fatalf("expecting %d of a stream that stands at %d: %v", expect, stands[st], got.Err)
			}
			outcomes[fmt.Sprintf("%t asked=%t", got.Err == nil, asked > 0)]++
			if got.Err == nil {
				stands[st] = got.Revision
				head = max(head, got.Positions[0])
			}
		}
	}
	for _, o := range []string{"true asked=false", "true asked=true", "false asked=true"} {
		if outcomes[o] < 20 {
			t.Errorf("too few of %q: %v", o, outcomes)
		}
	}
	for st, s := range l.window.now.streams {
		if s.doubtful() {
			t.Errorf("%s is left as %+v", st, s)
		}
	}
}

// What the window says of a stream, step by step.
func TestWindow(t *testing.T) {
	st := func(n int) *contracts.Write {
		return &contracts.Write{Stream: events.Stream{Kind: "k", ID: fmt.Sprint(n)}, Expect: events.Revision(n)}
	}
	var closed window
	if ask, _ := closed.takeoff(st(1)); !ask {
		t.Error("where others append, the server is not asked")
	}
	var w window
	w.begin(100)
	w.full = 2
	before := map[*contracts.Write]int{} // of unknown outcome
	asks := func(n int, known events.Position, want bool, why string) *contracts.Write {
		t.Helper()
		x := st(n)
		x.Known = known
		got, unknown := w.takeoff(x)
		if got != want {
			t.Errorf("%s: the server is asked: %t", why, got)
		}
		before[x] = unknown
		return x
	}
	ok := func(x *contracts.Write, at events.Revision) {
		w.landed(x, before[x], contracts.Result{Revision: at, Positions: []events.Position{events.Position(at)}})
	}
	fails := func(x *contracts.Write, err error) { w.landed(x, before[x], contracts.Result{Err: err}) }

	fails(asks(7, 0, true, "without a word"), contracts.ErrConflict)
	fails(asks(7, 99, true, "read too long ago"), contracts.ErrConflict)
	x := asks(7, 100, false, "read up to the beginning")
	y := asks(7, 100, true, "while another is on its way")
	fails(y, contracts.ErrConflict)
	ok(x, 101)
	fails(asks(7, 200, true, "at another revision than it stands"), contracts.ErrConflict)
	again := func(why string, want bool) *contracts.Write {
		t.Helper()
		x := st(101)
		x.Stream.ID = "7"
		got, unknown := w.takeoff(x)
		if got != want {
			t.Errorf("%s: the server is asked: %t", why, got)
		}
		before[x] = unknown
		return x
	}
	early := again("at the revision that it stands at", false)
	fails(again("another is on its way", true), contracts.ErrUnknown)
	ok(early, 101) // sent before: it says nothing of the other
	fails(again("after an unknown outcome", true), contracts.ErrConflict)
	for n := range 6 { // two generations later it is still in doubt
		ok(asks(20+n, 1000, false, "a new one"), events.Revision(200+n))
	}
	ok(again("two generations later", true), 101)
	fails(again("after one that was sent later is stored", false), contracts.ErrConflict)
	if w.since <= 100 || w.since > 206 {
		t.Errorf("the window begins after %d", w.since)
	}
	asks(20, w.since-1, true, "forgotten, and read before it was")
}
