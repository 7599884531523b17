package jetstream

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/internal/attribute"
)

func embedded(t *testing.T, dir string, partitions int) *Log {
	t.Helper()
	l, err := Embedded(t.Context(), dir, Options{Logf: t.Logf, Listen: "127.0.0.1:0", Partitions: partitions})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func everything(t *testing.T, l *Log, after events.Position, kinds ...string) (all []events.Event) {
	t.Helper()
	for batch, err := range l.Scan(t.Context(), after, contracts.Filter{Kinds: kinds}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, batch...)
	}
	return all
}

// TestPartitions: their number is chosen when the log is made, and stays.
func TestPartitions(t *testing.T) {
	for _, c := range []struct {
		made, opened, has int
		wrong             string
	}{
		{0, 0, 1, ""}, {0, 1, 1, ""}, {1, 0, 1, ""}, {3, 0, 3, ""}, {3, 3, 3, ""}, {MaxPartitions, 0, MaxPartitions, ""},
		{3, 1, 0, "made with 3 partitions and cannot be opened with 1"}, {3, 4, 0, "made with 3 partitions and cannot be opened with 4"},
		{0, 2, 0, "made with 1 partitions and cannot be opened with 2"}, {0, -1, 0, "1 to 64"}, {0, MaxPartitions + 1, 0, "1 to 64"},
	} {
		dir := t.TempDir()
		embedded(t, dir, c.made).Close()
		l, err := Embedded(t.Context(), dir, Options{Partitions: c.opened})
		if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("made with %d, opened with %d: %v", c.made, c.opened, err)
		}
		if err == nil {
			if len(l.parts) != c.has {
				t.Errorf("made with %d, opened with %d: it has %d", c.made, c.opened, len(l.parts))
			}
			l.Close()
		}
	}
}

// TestPersonsStayTogether: all that is about one person is in one part, and people are spread evenly.
func TestPersonsStayTogether(t *testing.T) {
	for _, parts := range []int{2, 4, 7} {
		count := make([]int, parts)
		for i := range 4000 {
			id := fmt.Sprintf("%016x", rand.Uint64())
			n := partOf(events.Stream{Kind: "person", ID: id}, parts)
			if n != partOf(events.Stream{Kind: "other", ID: id}, parts) {
				t.Fatalf("two kinds of %d lie in two parts", i)
			}
			count[n]++
		}
		if least, most := slices.Min(count), slices.Max(count); least*4 < most*3 {
			t.Errorf("%d parts have %v", parts, count)
		}
	}
	// The server finds a stream in its part only, so this may never become another one.
	if n := partOf(events.Stream{Kind: "person", ID: "0123456789abcdef"}, 5); n != 0 {
		t.Errorf("part %d", n)
	}
}

// TestSeveralWrite: what several processes append to a divided log, also to the same streams, stands in one order, without a gap and
// recorded in that order, whatever their clocks say; every answer names the place where the event is found.
func TestSeveralWrite(t *testing.T) {
	server := embedded(t, t.TempDir(), 3)
	logs := []*Log{server, connect(t, server.Address(), 0), connect(t, server.Address(), 3)}
	logs[1].last = time.Now().Add(time.Hour)
	var mu sync.Mutex
	told := map[events.Position]string{}
	var writing sync.WaitGroup
	for i, l := range logs {
		writing.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(i), 1))
			at := map[string]events.Revision{}
			for k := 0; k < 150; k++ {
				var writes []contracts.Write
				for _, n := range rnd.Perm(30)[:1+rnd.IntN(8)] {
					s := events.Stream{Kind: []string{"person", "policy"}[n%2], ID: strconv.Itoa(n)}
					if n >= 10 {
						s.ID = fmt.Sprint(i, "-", n) // nobody else's
					}
					w := contracts.Write{Stream: s, Expect: at[s.ID]}
					for range 1 + rnd.IntN(3) {
						w.Events = append(w.Events, events.Event{ID: fmt.Sprint(i, k, len(w.Events)), Type: "daicho.tested.v1", Data: []byte("{}")})
					}
					writes = append(writes, w)
				}
				lost := false
				for j, r := range l.Append(t.Context(), writes) {
					switch {
					case r.Err == nil:
						at[writes[j].Stream.ID] = r.Revision
						mu.Lock()
						for n, p := range r.Positions {
							if told[p] != "" {
								t.Errorf("position %d was given twice", p)
							}
							told[p] = writes[j].Stream.ID + " " + writes[j].Events[n].ID
						}
						mu.Unlock()
					case errors.Is(r.Err, contracts.ErrConflict):
						lost = true
					default:
						t.Error(r.Err)
					}
				}
				if lost { // what the others did is there to be read
					for _, e := range everything(t, l, 0) {
						at[e.Stream.ID] = e.Revision
					}
				}
			}
		})
	}
	writing.Wait()
	var first []events.Event
	for i, l := range logs {
		all := everything(t, l, 0)
		if i == 0 {
			first = all
		}
		if !reflect.DeepEqual(all, first) {
			t.Fatal("two readers have two orders")
		}
		if head, err := l.Head(t.Context()); err != nil || int(head) != len(all) {
			t.Fatalf("head %d of %d events: %v", head, len(all), err)
		}
	}
	if len(first) != len(told) {
		t.Fatalf("%d events, %d acknowledged", len(first), len(told))
	}
	last := map[string]events.Revision{}
	for i, e := range first {
		if int(e.Position) != i+1 || told[e.Position] != e.Stream.ID+" "+e.ID || e.Revision <= last[e.Stream.ID] {
			t.Fatalf("event %d has position %d; told there was %q", i, e.Position, told[e.Position])
		}
		if last[e.Stream.ID] = e.Revision; i > 0 && e.Recorded.Before(first[i-1].Recorded) {
			t.Fatalf("event %d is recorded before the one before it", i)
		}
	}
	// From every position on it is the same.
	for range 40 {
		after := rand.IntN(len(first) + 1)
		if rest := everything(t, logs[1], events.Position(after)); len(rest) != len(first)-after || len(rest) > 0 && !reflect.DeepEqual(rest, first[after:]) {
			t.Fatalf("after %d: %d events of %d", after, len(rest), len(first)-after)
		}
	}
	var people []events.Event
	for _, e := range first {
		if e.Stream.Kind == "person" {
			people = append(people, e)
		}
	}
	if !reflect.DeepEqual(everything(t, logs[2], 0, "person"), people) {
		t.Fatal("a filter changes the order")
	}
}

// slip stores an event in its part as a writer does that dies before it has ordered it.
func slip(t *testing.T, l *Log, id string) {
	t.Helper()
	s := events.Stream{Kind: "person", ID: id}
	m := encode(l.parts[partOf(s, len(l.parts))].prefix, s, &events.Event{ID: "slipped", Type: "daicho.tested.v1", Data: []byte("{}")})
	m.Header[hRecorded] = []string{time.Now().UTC().Format(attribute.Clock)}
	if _, err := l.conn.RequestMsg(m, 5*time.Second); err != nil {
		t.Fatal(err)
	}
}

// TestAWriterDiesBeforeTheOrder: what it stored is nowhere until it is ordered: by who writes next to the part, by who is in conflict with
// it, or by who opens the log next. Then it is there, once.
func TestAWriterDiesBeforeTheOrder(t *testing.T) {
	ids := func(all []events.Event) (ids []string) {
		for _, e := range all {
			ids = append(ids, e.Stream.ID+" "+e.ID)
		}
		return ids
	}
	write := func(id string) []contracts.Write {
		return []contracts.Write{{Stream: events.Stream{Kind: "person", ID: id}, Events: []events.Event{{ID: "written", Type: "daicho.tested.v1", Data: []byte("{}")}}}}
	}
	// Two people of one part, and one of another.
	const a, b, other = "1", "4", "3"
	if partOf(events.Stream{ID: a}, 3) != partOf(events.Stream{ID: b}, 3) || partOf(events.Stream{ID: a}, 3) == partOf(events.Stream{ID: other}, 3) {
		t.Fatal("they lie elsewhere")
	}
	for _, c := range []struct {
		name string
		do   func(t *testing.T, l *Log, dir string) *Log
		want []string
	}{
		{"nobody came", func(t *testing.T, l *Log, _ string) *Log { return l }, nil},
		{"somebody writes to another part", func(t *testing.T, l *Log, _ string) *Log {
			if r := l.Append(t.Context(), write(other))[0]; r.Err != nil || r.Positions[0] != 1 {
				t.Fatal(r)
			}
			return l
		}, []string{"3 written"}},
		{"somebody writes to the part", func(t *testing.T, l *Log, _ string) *Log {
			if r := l.Append(t.Context(), write(b))[0]; r.Err != nil || r.Positions[0] != 2 {
				t.Fatal(r)
			}
			return l
		}, []string{"1 slipped", "4 written"}},
		{"somebody is in conflict", func(t *testing.T, l *Log, _ string) *Log {
			if r := l.Append(t.Context(), write(a))[0]; !errors.Is(r.Err, contracts.ErrConflict) {
				t.Fatal(r)
			}
			return l
		}, []string{"1 slipped"}},
		{"somebody opens the log", func(t *testing.T, l *Log, dir string) *Log {
			l.Close()
			return embedded(t, dir, 0)
		}, []string{"1 slipped"}},
		{"another process opens the log", func(t *testing.T, l *Log, _ string) *Log {
			connect(t, l.Address(), 0)
			return l
		}, []string{"1 slipped"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			l := embedded(t, dir, 3)
			slip(t, l, a)
			l = c.do(t, l, dir)
			if got := ids(everything(t, l, 0)); !slices.Equal(got, c.want) {
				t.Fatalf("%q, not %q", got, c.want)
			}
		})
	}
}

// TestAnOutcomeIsFoundOut: an append that was given up while its answer was on its way is ordered without anybody's doing.
func TestAnOutcomeIsFoundOut(t *testing.T) {
	l := embedded(t, t.TempDir(), 3)
	slip(t, l, "1")
	l.order.show(t.Context(), []contracts.Write{{Stream: events.Stream{Kind: "person", ID: "1"}}}, []contracts.Result{{Err: contracts.ErrUnknown}})
	until(t, func() bool { return len(everything(t, l, 0)) == 1 })
}

// TestLateTickets: positions are found of what another process has ordered long ago.
func TestLateTickets(t *testing.T) {
	l := embedded(t, t.TempDir(), 3)
	want := map[string]events.Position{}
	for i := range 50 {
		s := events.Stream{Kind: "person", ID: strconv.Itoa(i)}
		r := l.Append(t.Context(), []contracts.Write{{Stream: s, Events: make([]events.Event, 1)}})[0]
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		want[s.ID] = r.Positions[0]
	}
	for _, e := range everything(t, l, 0) {
		n := partOf(e.Stream, 3)
		s := newStored(n, uint64(e.Revision), 1)
		if err := l.order.wait(t.Context(), l.order.enter(&ticket{steps: []step{{n, uint64(e.Revision)}}, stored: []*stored{s}})); err != nil || s.at[0] != want[e.Stream.ID] {
			t.Fatalf("position %d is found at %d: %v", want[e.Stream.ID], s.at[0], err)
		}
	}
}

// TestARestoredPartition: a part from an older copy than the order is refused; an order from an older copy is made up for.
func TestARestoredPartition(t *testing.T) {
	l := embedded(t, t.TempDir(), 2)
	for i := range 20 {
		if r := l.Append(t.Context(), []contracts.Write{{Stream: events.Stream{Kind: "person", ID: strconv.Itoa(i)}, Events: make([]events.Event, 1)}})[0]; r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	p, err := l.order.latest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next := p.next(time.Now())
	next.advance(step{1, p.upto[1] + 1})
	m, err := next.message()
	if err != nil {
		t.Fatal(err)
	}
	if _, err = l.conn.RequestMsg(m, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := Connect(t.Context(), l.Address(), Options{}); !errors.Is(err, errBehind) {
		t.Fatalf("a part that lacks an event: %v", err)
	}
}

// TestPoints: whatever is stored in whatever turns, the messages of the order give every event one position, without a gap, and read as
// they were written.
func TestPoints(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		parts := 2 + rnd.IntN(5)
		now := point{upto: make([]uint64, parts)}
		stands := make([]uint64, parts)
		given := events.Position(0)
		for range 1 + rnd.IntN(6) {
			var all []*stored
			next := now.next(time.Now())
			for range rnd.IntN(8) {
				n, k := rnd.IntN(parts), 1+rnd.IntN(5)
				stands[n] += uint64(k)
				all = append(all, newStored(n, stands[n], k))
				if rnd.IntN(4) > 0 { // others are ordered with what comes behind them, or not at all
					next.advance(step{n, stands[n]})
				}
			}
			if len(next.runs) == 0 {
				continue
			}
			m, err := next.message()
			if err != nil {
				t.Fatal(err)
			}
			e, err := decode(strings.TrimPrefix(m.Subject, orderPrefix), m.Header, m.Data, next.seq)
			if err != nil {
				t.Fatal(err)
			}
			read, err := readPoint(e, parts)
			if err != nil || !reflect.DeepEqual(read, next) || !read.follows(now) {
				t.Fatalf("%+v became %+v: %v", next, read, err)
			}
			at := map[events.Position]bool{}
			pieces := read.pieces(now)
			for _, s := range all {
				s.fill(pieces[s.part])
				for i, p := range s.at {
					if ordered := s.first+uint64(i) <= next.upto[s.part]; ordered != (p > 0) || p > next.total() || at[p] && ordered || ordered && p <= given && s.first > now.upto[s.part] {
						t.Fatalf("position %d of %d", p, next.total())
					}
					at[p] = true
				}
			}
			given, now = next.total(), next
		}
	}
}

// FuzzPoint: whatever stands in a message of the order is read without panic, and what follows another point can be laid out.
func FuzzPoint(f *testing.F) {
	f.Add([]byte(`{"upto":[3,4],"runs":[[0,3],[1,4]]}`), uint8(2))
	f.Add([]byte(`{"upto":[18446744073709551615,1],"runs":[[1,18446744073709551615],[9,1]]}`), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, parts uint8) {
		e := events.Event{Type: orderedType, Position: 1, Data: data}
		p, err := readPoint(e, int(parts))
		if err != nil {
			return
		}
		if before := (point{upto: make([]uint64, parts)}); p.follows(before) {
			p.pieces(before)
		}
	})
}
