package jetstream

import (
	"iter"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/internal/attribute"
	"github.com/nats-io/nats.go"
)

// FuzzDecode: whatever the headers are, reading them does not panic, and what was read can be written and read again.
func FuzzDecode(f *testing.F) {
	f.Add("person.abc", "1.0", "tag", "shop/checkout", "daicho.collected.v1", "2024-02-29T23:59:59.123Z", "2024-03-01T00:00:00.000Z", "v%207")
	f.Add(".", "1.0", "%", "%4", "%zz", "0001-01-01T00:00:00Z", "", "")
	f.Fuzz(func(t *testing.T, subject, version, id, source, typ, at, recorded, policy string) {
		h := nats.Header{
			hVersion: {version}, hID: {id}, hSource: {source}, hType: {typ}, hTime: {at}, hRecorded: {recorded}, hPolicy: {policy},
		}
		e, err := decode(subject, h, []byte("{}"), 7)
		if err != nil {
			return
		}
		m := encode("", e.Stream, &e)
		m.Header[hRecorded] = []string{e.Recorded.Format(attribute.Clock)}
		for _, v := range m.Header {
			for _, c := range []byte(v[0]) {
				if c < ' ' || c > '~' {
					t.Fatalf("a header holds %q", v[0])
				}
			}
		}
		if again, err := decode(m.Subject, m.Header, m.Data, 7); err != nil && e.Time.Year() >= 0 && e.Time.Year() <= 9999 ||
			err == nil && !reflect.DeepEqual(e, again) {
			t.Fatalf("%v: %+v became %+v", err, e, again)
		}
	})
}

// FuzzPlace: whatever a server sends as the place of a message is read without panic.
func FuzzPlace(f *testing.F) {
	f.Add("$JS.ACK.DAICHO.c.1.42.7.1700000000000000000.3")
	f.Add("$JS.ACK._.acc.DAICHO.c.1.42.7.1700000000000000000.3.rnd")
	f.Fuzz(func(_ *testing.T, reply string) { parsePlace(reply) })
}

func TestPlace(t *testing.T) {
	for _, reply := range []string{
		"$JS.ACK.DAICHO.c.1.42.7.1700000000000000000.3", "$JS.ACK._.acc.DAICHO.c.1.42.7.1700000000000000000.3",
		"$JS.ACK._.acc.DAICHO.c.1.42.7.1700000000000000000.3.rnd",
	} {
		if p, ok := parsePlace(reply); !ok || p != (place{42, 7, 3}) {
			t.Errorf("%v %v", p, ok)
		}
	}
}

// TestConsumersGo: a reading leaves no consumer behind.
func TestConsumersGo(t *testing.T) {
	l, err := Embedded(t.Context(), t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w := one(0)
	if r := l.Append(t.Context(), []contracts.Write{w})[0]; r.Err != nil {
		t.Fatal(r.Err)
	}
	for range 10 {
		for range l.Tail(t.Context(), 0, contracts.Filter{}) {
			break
		}
	}
	for range 100 {
		info, err := l.parts[0].stream.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if info.State.Consumers == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("consumers are left")
}

// TestClockBack: the recorded time does not go back when the machine's clock has.
func TestClockBack(t *testing.T) {
	dir := t.TempDir()
	l, err := Embedded(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	future := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	l.last = future
	l.Append(t.Context(), []contracts.Write{one(0)})
	l.Close()
	if l, err = Embedded(t.Context(), dir, Options{}); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Append(t.Context(), []contracts.Write{one(1)})
	var all []events.Event
	for batch, err := range l.Scan(t.Context(), 0, contracts.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, batch...)
	}
	if len(all) != 2 || !all[0].Recorded.Equal(future) || !all[1].Recorded.Equal(future) {
		t.Fatal("the recorded time went back")
	}
}

// TestCheaper: the server tells rare kinds apart, and common ones are told apart here.
func TestCheaper(t *testing.T) {
	for _, c := range []struct {
		kinds      int
		wanted, of uint64
		server     bool
	}{
		{1, 0, 0, true}, {1, 999, 999, true}, {1, 500, 1000, true}, {1, 501, 1000, false}, {1, 3, 10_000, true},
		{2, 0, 0, false}, {2, 0, 999, false}, {2, 31, 1000, true}, {2, 32, 1000, false}, {5, 9000, 10_000, false}, {5, 100, 10_000, true},
	} {
		if got := cheaper(c.kinds, c.wanted, c.of); got != c.server {
			t.Errorf("%d kinds, %d of %d: %v", c.kinds, c.wanted, c.of, got)
		}
	}
}

// TestKindsAmongMany: whichever way kinds are told apart, a reading gets exactly what it asks for, and a tail goes on.
func TestKindsAmongMany(t *testing.T) {
	l, err := Embedded(t.Context(), t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	put := func(from, n int) {
		var writes []contracts.Write
		for i := from; i < from+n; i++ {
			w := mixed(i)
			w.Stream.ID = strconv.Itoa(i)
			writes = append(writes, w)
		}
		for _, r := range l.Append(t.Context(), writes) {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
	}
	put(0, 3000)
	for _, f := range filters {
		only := contracts.Filter{Kinds: f.kinds}
		read := func(seq iter.Seq2[[]events.Event, error], want int) {
			t.Helper()
			n, last := 0, events.Position(0)
			for batch, err := range seq {
				if err != nil {
					t.Fatalf("%s: %v", f.name, err)
				}
				for _, e := range batch {
					if n++; !only.Has(e.Stream) || e.Position <= last {
						t.Fatalf("%s: an event of the kind %s at %d after %d", f.name, e.Stream.Kind, e.Position, last)
					}
					last = e.Position
				}
				if n >= want {
					break
				}
			}
			if n != want {
				t.Errorf("%s: %d of %d events", f.name, n, want)
			}
		}
		read(l.Scan(t.Context(), 0, only), f.passes(3000))
		read(l.Scan(t.Context(), 1500, only), f.passes(1500))
		read(l.Scan(t.Context(), 2900, only), f.passes(100))
		read(l.Tail(cut(t, time.Minute), 0, only), f.passes(3000))
		read(l.Tail(cut(t, time.Minute), 2000, only), f.passes(1000))
	}
}
