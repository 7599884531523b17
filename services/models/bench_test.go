package models

import (
	"bytes"
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/rootkey"
	"github.com/daicho-dev/daicho/infra/sqlite"
	"github.com/daicho-dev/daicho/infra/vault"
	"github.com/daicho-dev/daicho/projections/breach"
	"github.com/daicho-dev/daicho/projections/dossier"
	"github.com/daicho-dev/daicho/projections/retention"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/simulate"
)

// year is the simulated year as it is recorded.
func year(b *testing.B, people int) *memlog.Log {
	b.Helper()
	ctx, dir := context.Background(), b.TempDir()
	check := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	log := memlog.New()
	b.Cleanup(log.Close)
	root, err := rootkey.File(filepath.Join(dir, "root.key"))
	check(err)
	v, err := vault.Open(ctx, filepath.Join(dir, "vault"), root, vault.Options{})
	check(err)
	v.Level()
	defer func() { _ = v.Close() }()
	db, err := sqlite.Open(ctx, filepath.Join(dir, "states.db"))
	check(err)
	defer func() { _ = sqlite.Close(db) }()
	g, err := intake.Open(ctx, log, v, db, nil, nil)
	check(err)
	g.Start()
	defer func() { _ = g.Close() }()
	c := policies.Default()
	_, err = g.Submit(ctx, intake.Engine, []intake.Submission{intake.Own(events.TypePolicyPublished, events.Stream{Kind: "policy", ID: "main"}, &events.PolicyPublished{Version: events.Word(c.Version), Catalogue: c.JSON()})})
	check(err)
	var text strings.Builder
	check(simulate.Year(&text, simulate.Options{People: people, Days: 365, Seed: 11, Start: time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC)}, nil))
	for lines := strings.SplitAfter(text.String(), "\n"); len(lines) > 0; {
		n := min(len(lines), 1000)
		all, _, err := intake.ReadRequest(http.Header{"Content-Type": {"application/x-ndjson"}}, bytes.NewReader([]byte(strings.Join(lines[:n], ""))))
		check(err)
		_, err = g.Submit(ctx, intake.Caller{Role: "admin", Holder: "staff:bench"}, all)
		check(err)
		lines = lines[n:]
	}
	return log
}

// Folding the year from nothing. The processor's time is the figure: what else the machine does shows in the other one.
func BenchmarkReplay(b *testing.B) {
	log := year(b, 5000)
	replay := func(name string, construct func(context.Context, contracts.Database) (contracts.Projection, error)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			n, busy := 0, time.Duration(0)
			for b.Loop() {
				// As in a rebuild, whoever asked may leave.
				ctx, cancel := context.WithCancel(context.Background())
				db, err := sqlite.Open(ctx, filepath.Join(b.TempDir(), "model.db"))
				if err != nil {
					b.Fatal(err)
				}
				p, err := construct(ctx, db)
				if err != nil {
					b.Fatal(err)
				}
				began := processor()
				if n, err = Replay(ctx, log, p, nil); err != nil {
					b.Fatal(err)
				}
				busy += processor() - began
				cancel()
				_ = sqlite.Close(db)
			}
			b.ReportMetric(float64(busy.Nanoseconds())/float64(b.N)/float64(n), "cpu-ns/event")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/event")
		})
	}
	replay("breach", func(ctx context.Context, db contracts.Database) (contracts.Projection, error) {
		return breach.New(ctx, db)
	})
	replay("dossier", func(ctx context.Context, db contracts.Database) (contracts.Projection, error) {
		return dossier.New(ctx, db)
	})
	replay("retention", func(ctx context.Context, db contracts.Database) (contracts.Projection, error) {
		return retention.New(ctx, db)
	})
}

// processor is how long this process has kept processors busy.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
