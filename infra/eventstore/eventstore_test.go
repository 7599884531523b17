package eventstore

import (
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/logtest"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/eventstore/estest"
)

// suite runs the suite of every log, each test on a log that begin makes.
func suite(t *testing.T, begin func(t *testing.T) (address, name string)) {
	var address, name string
	var now *Log
	open := func(t *testing.T) contracts.Log {
		l, err := Connect(t.Context(), address, Options{Logf: t.Logf, Name: name})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(l.Close)
		now = l
		return l
	}
	logtest.Test(t, logtest.Adapter{
		Open:   func(t *testing.T) contracts.Log { address, name = begin(t); return open(t) },
		Reopen: func(t *testing.T) contracts.Log { now.Close(); return open(t) },
	})
}

// address is that of the server that DAICHO_ESDB names, or of one that speaks its protocol.
func address(t testing.TB) string {
	if a := os.Getenv("DAICHO_ESDB"); a != "" {
		return a
	}
	return estest.Start(t, estest.Options{}).URL()
}

func TestLog(t *testing.T) {
	a := address(t)
	suite(t, func(*testing.T) (string, string) { return a, "test-" + uuid.NewString() })
}

// TestClockBack: the recorded time does not go back when the machine's clock has.
func TestClockBack(t *testing.T) {
	a, name := address(t), "test-"+uuid.NewString()
	open := func() *Log {
		l, err := Connect(t.Context(), a, Options{Logf: t.Logf, Name: name})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(l.Close)
		return l
	}
	put := func(l *Log, n string) {
		e := events.Event{ID: n, Type: "daicho.test.v1", Source: "/test", Time: time.Now(), Policy: "1", Data: []byte(`{}`)}
		if r := l.Append(t.Context(), []contracts.Write{{Stream: events.Stream{Kind: "order", ID: "1"}, Expect: events.AnyRevision, Events: []events.Event{e}}}); r[0].Err != nil {
			t.Fatal(r[0].Err)
		}
	}
	l := open()
	future := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	l.last = future
	put(l, "1")
	l.Close()
	l = open()
	put(l, "2")
	var all []events.Event
	for batch, err := range l.Scan(t.Context(), 0, contracts.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, batch...)
	}
	if len(all) != 2 || !all[0].Recorded.Equal(future) || !all[1].Recorded.Equal(future) {
		t.Fatalf("of %d events the recorded times went back", len(all))
	}
}
