package intake

import (
	"context"
	"fmt"
	"testing"

	"github.com/daicho-dev/daicho/contracts/memlog"
)

// Forgetting somebody with few events and with many: the decision and what is stored of it, without the log's disk and the vault's.
func BenchmarkForget(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			log := memlog.New()
			b.Cleanup(log.Close)
			g := testGateway(b, log, testVault(b))
			publish(b, g)
			line := func(id, typ, who, data string) Submission {
				return ReadStructured(fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"/privacy/office","type":"daicho.%s.v1","subject":"rental:%s","time":"2026-10-01T00:00:00Z","data":%s}`, id, typ, who, data))
			}
			submit := func(all ...Submission) {
				if _, err := g.Submit(context.Background(), admin, all); err != nil {
					b.Fatal(err)
				}
			}
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				who := fmt.Sprint("F", i)
				var all []Submission
				for j := range n {
					all = append(all, line(fmt.Sprint("n", j), "notice_shown", who, `{"notice":{"policy":"2025-10","language":"ja"}}`))
				}
				submit(all...)
				b.StartTimer()
				submit(line("forget", "deleted", who, `{"person":true,"cause":"request"}`))
			}
		})
	}
}
