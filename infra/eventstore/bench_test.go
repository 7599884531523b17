package eventstore

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/jetstream"
)

// people are how many streams the events are spread among, and several how many each of them gets in a batch.
const people, several = 1000, 4

// BenchmarkAppend appends the same events to this log and to the embedded JetStream, in turn: a batch as intake makes them of a busy
// minute, of people each at the revision where they stand, and one event at a time. The server that speaks the protocol for tests keeps
// its log in memory and flushes nothing, so that beside it stands what the adapter and the protocol cost, and not what a database does.
func BenchmarkAppend(b *testing.B) {
	who := "protocol-server-in-memory"
	if os.Getenv("DAICHO_ESDB") != "" {
		who = "server-of-DAICHO_ESDB"
	}
	for _, size := range []int{1000, 1} {
		b.Run(fmt.Sprintf("batch=%d/%s", size, who), func(b *testing.B) {
			here, err := Connect(b.Context(), address(b), Options{Name: "bench-" + uuid.NewString()})
			if err != nil {
				b.Fatal(err)
			}
			defer here.Close()
			beside, err := jetstream.Embedded(b.Context(), b.TempDir(), jetstream.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer beside.Close()
			mine, theirs := &appender{log: here}, &appender{log: beside}
			for b.Loop() {
				mine.append(b, size)
				theirs.append(b, size)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(mine.rate(), "events/s")
			b.ReportMetric(theirs.rate(), "jetstream-events/s")
			b.ReportMetric(mine.rate()/theirs.rate(), "ratio")
		})
	}
}

// appender appends events to one log, and keeps the time.
type appender struct {
	log      contracts.Log
	standing [people]events.Revision
	events   int
	took     time.Duration
}

var fact = bytes.Repeat([]byte("x"), 512)

// append appends so many events, of the people whose turn it is.
func (a *appender) append(b *testing.B, n int) {
	var writes []contracts.Write
	first := a.events / several
	for i := 0; i < n; i += several {
		who := (first + len(writes)) % people
		w := contracts.Write{Stream: events.Stream{Kind: "person", ID: strconv.Itoa(who)}, Expect: a.standing[who]}
		for range min(several, n) {
			w.Events = append(w.Events, events.Event{ID: "kq3v7n2m5x4w6z", Type: "daicho.collected.v1", Source: "/rental/web", Policy: "2025-10", Time: time.UnixMilli(1.7e12), Data: fact})
		}
		writes = append(writes, w)
	}
	began := time.Now()
	results := a.log.Append(b.Context(), writes)
	a.took += time.Since(began)
	for i, r := range results {
		if r.Err != nil {
			b.Fatal(r.Err)
		}
		a.standing[(first+i)%people] = r.Revision
	}
	a.events += n
}

func (a *appender) rate() float64 { return float64(a.events) / a.took.Seconds() }
