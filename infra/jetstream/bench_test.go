package jetstream

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/internal/attribute"
	"github.com/daicho-dev/daicho/infra/jetstream/bare"
	"github.com/daicho-dev/daicho/infra/jetstream/clustertest"
)

// fact has 512 bytes with its attributes aside, as the yardstick's payloads have with the attributes put in.
var fact = bytes.Repeat([]byte("x"), 512)

func one(i int) contracts.Write {
	return contracts.Write{
		Stream: events.Stream{Kind: "person", ID: strconv.Itoa(i % bare.Subjects)}, Expect: events.AnyRevision,
		Events: []events.Event{{
			ID: "kq3v7n2m5x4w6z", Type: "daicho.collected.v1", Source: "shop/checkout", Policy: "v12",
			Time: time.UnixMilli(1.7e12), Data: fact,
		}},
	}
}

// payload is as many bytes as the log stores for one event: body and headers.
func payload() []byte {
	w := one(0)
	m := encode(prefix, w.Stream, &w.Events[0])
	m.Header[hRecorded] = []string{attribute.Clock}
	n := len(m.Data)
	for k, v := range m.Header {
		n += len(k) + len(v[0]) + 4
	}
	return make([]byte, n)
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 100, 1000} {
		for _, inFlight := range []int{1, 4} {
			name := fmt.Sprintf("batch=%d/flight=%d", size, inFlight)
			b.Run(name+"/log", func(b *testing.B) {
				l := benchLog(b, 1)
				b.ResetTimer()
				appendAll(b, l, b.N, size, inFlight, one)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
			b.Run(name+"/bare", func(b *testing.B) {
				s, payloads := benchBare(b)
				b.ResetTimer()
				var err error
				if size == 1 {
					err = s.Singles(context.Background(), payloads, inFlight)
				} else {
					err = s.Batches(b.Context(), payloads, size, inFlight)
				}
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

// BenchmarkCluster: three servers on this machine, which share its processors and its disk, and one beside them.
func BenchmarkCluster(b *testing.B) {
	for _, nodes := range []int{1, 3} {
		c := clustertest.Start(b, clustertest.Options{Nodes: nodes})
		for _, size := range []int{1, 1000} {
			b.Run(fmt.Sprintf("servers=%d/batch=%d", nodes, size), func(b *testing.B) {
				c.Empty()
				l, err := Connect(b.Context(), c.URL(), Options{})
				if err != nil {
					b.Fatal(err)
				}
				defer l.Close()
				b.ResetTimer()
				appendAll(b, l, b.N, size, 4, one)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

// BenchmarkPartitions: a log over several streams of one server in this process, and of three servers beside it.
func BenchmarkPartitions(b *testing.B) {
	for _, servers := range []int{0, 3} {
		var c *clustertest.Cluster
		if servers > 0 {
			c = clustertest.Start(b, clustertest.Options{Nodes: servers})
		}
		for _, n := range []int{1, 2, 4} {
			open := func(b *testing.B) *Log {
				if c == nil {
					return benchLog(b, n)
				}
				c.Empty()
				l, err := Connect(b.Context(), c.URL(), Options{Partitions: n})
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(l.Close)
				return l
			}
			for _, size := range []int{1, 1000} {
				b.Run(fmt.Sprintf("servers=%d/partitions=%d/append=%d", max(servers, 1), n, size), func(b *testing.B) {
					l := open(b)
					b.ResetTimer()
					appendAll(b, l, b.N, size, 8, one)
					b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
				})
			}
			b.Run(fmt.Sprintf("servers=%d/partitions=%d/scan", max(servers, 1), n), func(b *testing.B) {
				l := open(b)
				appendAll(b, l, b.N, 1000, 4, one)
				b.ResetTimer()
				scanAll(b, l)
			})
		}
	}
}

func BenchmarkScan(b *testing.B) {
	b.Run("log", func(b *testing.B) {
		l := benchLog(b, 1)
		appendAll(b, l, b.N, 1000, 4, one)
		b.ResetTimer()
		scanAll(b, l)
	})
	b.Run("bare", func(b *testing.B) {
		s, payloads := benchBare(b)
		if err := s.Batches(b.Context(), payloads, 1000, 4); err != nil {
			b.Fatal(err)
		}
		b.ResetTimer()
		if n, err := s.Replay(b.Context()); err != nil || n != b.N {
			b.Fatalf("%d of %d messages: %v", n, b.N, err)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
}

func scanAll(b *testing.B, l *Log) {
	n := 0
	for batch, err := range l.Scan(b.Context(), 0, contracts.Filter{}) {
		if err != nil {
			b.Fatal(err)
		}
		n += len(batch)
	}
	if n != b.N {
		b.Fatalf("%d of %d events", n, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func benchLog(b *testing.B, partitions int) *Log {
	l, err := Embedded(b.Context(), b.TempDir(), Options{Partitions: partitions})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(l.Close)
	return l
}

func benchBare(b *testing.B) (*bare.Stream, [][]byte) {
	s, err := bare.Open(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	p := payload()
	payloads := make([][]byte, b.N)
	for i := range payloads {
		payloads[i] = p
	}
	return s, payloads
}

func appendAll(b *testing.B, l *Log, n, size, inFlight int, event func(int) contracts.Write) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range inFlight {
		wg.Go(func() {
			for from := range next {
				var writes []contracts.Write
				for i := from; i < min(n, from+size); i++ {
					writes = append(writes, event(i))
				}
				for _, r := range l.Append(b.Context(), writes) {
					if r.Err != nil {
						b.Error(r.Err)
						break
					}
				}
			}
		})
	}
	for from := 0; from < n; from += size {
		next <- from
	}
	close(next)
	wg.Wait()
}
