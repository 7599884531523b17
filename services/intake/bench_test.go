package intake

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/infra/jetstream"
	"github.com/daicho-dev/daicho/services/simulate"
)

// The whole path but HTTP, durable: read, decide, seal, append, four emitters with batches of 1,000 of the simulated year, each its own
// people's events. Run it with -benchtime=30000x, so that an operation is an event.
func BenchmarkYear(b *testing.B) {
	log, err := jetstream.Embedded(context.Background(), b.TempDir(), jetstream.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(log.Close)
	g := testGateway(b, log, testVault(b))
	publish(b, g)
	var year strings.Builder
	if err := simulate.Year(&year, simulate.Options{People: b.N/6 + 1, Days: 365, Seed: 11, Start: time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC)}, nil); err != nil {
		b.Fatal(err)
	}
	submit := func(lines []byte) {
		all, _, err := ReadRequest(http.Header{"Content-Type": {"application/x-ndjson"}}, bytes.NewReader(lines))
		if err == nil {
			_, err = g.Submit(context.Background(), admin, all)
		}
		if err != nil {
			b.Error(err)
		}
	}
	const emitters, each = 4, 1000
	var batches [emitters][][]byte
	var count [emitters]int
	lines := strings.SplitAfter(year.String(), "\n")
	submit([]byte(strings.Join(lines[:6], ""))) // recipients
	for _, l := range lines[6:min(len(lines), 6+b.N)] {
		_, subject, _ := strings.Cut(l, `"subject":"`)
		subject, _, _ = strings.Cut(subject, `"`)
		i := int(("0" + subject)[len(subject)]) % emitters
		if count[i]%each == 0 {
			batches[i] = append(batches[i], nil)
		}
		count[i]++
		last := &batches[i][len(batches[i])-1]
		*last = append(*last, l...)
	}
	b.ReportAllocs()
	b.ResetTimer()
	began := processor()
	var wg sync.WaitGroup
	for i := range emitters {
		wg.Go(func() {
			for _, lines := range batches[i] {
				submit(lines)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64((processor()-began).Nanoseconds())/float64(b.N), "cpu-ns/op") // what others on the machine do does not show here
}

// processor is how long this process has kept processors busy.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
