package jetstream

import (
	"context"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
)

// filters are readings of a log in which one event of a hundred is about a recipient, one about a policy, the others
// about people.
var filters = []struct {
	name   string
	kinds  []string
	passes func(n int) int // of n events
}{
	{"all", nil, func(n int) int { return n }},
	{"one-common", []string{"person"}, func(n int) int { return n - 2*((n+99)/100) }},
	{"one-rare", []string{"policy"}, func(n int) int { return (n + 99) / 100 }},
	{"three-with-common", []string{"person", "policy", "dataset"}, func(n int) int { return n - (n+99)/100 }},
	{"three-rare", []string{"recipient", "policy", "dataset"}, func(n int) int { return 2 * ((n + 99) / 100) }},
}

// mixed makes the i-th event of such a log.
func mixed(i int) contracts.Write {
	w := one(i)
	switch i % 100 {
	case 0:
		w.Stream.Kind = "policy"
	case 1:
		w.Stream.Kind = "recipient"
	}
	return w
}

// BenchmarkFilter: events of the whole log that a scan gets through in a second, by what it asks for.
func BenchmarkFilter(b *testing.B) {
	for _, f := range filters {
		b.Run(f.name, func(b *testing.B) {
			l := benchLog(b, 1)
			n := (b.N + 99) / 100 * 100
			appendAll(b, l, n, 1000, 4, mixed)
			b.ResetTimer()
			got := 0
			for batch, err := range l.Scan(b.Context(), 0, contracts.Filter{Kinds: f.kinds}) {
				if err != nil {
					b.Fatal(err)
				}
				got += len(batch)
			}
			if got != f.passes(n) {
				b.Fatalf("%d of %d events", got, f.passes(n))
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkBeside: events appended in a second while four tails follow, by what they ask for.
func BenchmarkBeside(b *testing.B) {
	for _, f := range filters {
		b.Run(f.name, func(b *testing.B) {
			l := benchLog(b, 1)
			const before = 10_000
			appendAll(b, l, before, 1000, 4, mixed)
			n := (b.N + 99) / 100 * 100
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan struct{}, 4)
			for range cap(done) {
				go func() {
					got := 0
					for batch := range l.Tail(ctx, before, contracts.Filter{Kinds: f.kinds}) {
						if got += len(batch); got == f.passes(n) {
							break
						}
					}
					done <- struct{}{}
				}()
			}
			time.Sleep(100 * time.Millisecond) // the tails stand at the head
			b.ResetTimer()
			appendAll(b, l, n, 1000, 4, mixed)
			for range cap(done) {
				<-done
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
			cancel()
		})
	}
}
