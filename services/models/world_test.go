package models

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/postgres/pgtest"
	"github.com/daicho-dev/daicho/infra/sqlite"
	"github.com/daicho-dev/daicho/projections/store"
)

// everywhere runs a test on every kind of place; a name of the same test is the same place.
func everywhere(t *testing.T, run func(t *testing.T, at func(name string) contracts.Place)) {
	t.Run("SQLite", func(t *testing.T) {
		dir := t.TempDir()
		run(t, func(name string) contracts.Place { return sqlite.File(filepath.Join(dir, name+".db")) })
	})
	t.Run("PostgreSQL", func(t *testing.T) { run(t, pgtest.Start(t).At(t).Place) })
}

// ledger is a projection that remembers positions, in the order in which they came, and fails when it is told to.
type ledger struct {
	*store.Store
	fails *atomic.Bool
}

func newLedger(fails *atomic.Bool) func(context.Context, contracts.Database) (*ledger, error) {
	return func(ctx context.Context, db contracts.Database) (*ledger, error) {
		s, err := store.Open(ctx, "ledger", db, []string{`create table if not exists seen (position bigint not null, after bigint not null)`, `create index if not exists seen_position on seen (position)`})
		return &ledger{s, fails}, err
	}
}

func (l *ledger) Name() string { return "ledger" }

func (l *ledger) Apply(ctx context.Context, batch []events.Event) error {
	return l.Store.Apply(ctx, batch, func(tx *store.Tx, batch []events.Event) error {
		for i := range batch {
			if _, err := tx.Exec(`insert into seen (position, after) select $1, coalesce(max(position), 0) from seen`, int64(batch[i].Position)); err != nil {
				return err
			}
		}
		if l.fails.Load() {
			return errCannot
		}
		return nil
	})
}

// seen says how many events were folded, how many different ones, and how many came after a later one.
func (l *ledger) seen(t *testing.T) (all, different, late int) {
	t.Helper()
	if err := l.Read.QueryRowContext(t.Context(), `select count(*), count(distinct position), coalesce(sum(case when position <= after then 1 else 0 end), 0) from seen`).
		Scan(&all, &different, &late); err != nil {
		t.Fatal(err)
	}
	return all, different, late
}

// onceEach checks that a model has folded so many events, each once and in order.
func onceEach(t *testing.T, m *Model[*ledger], want int) {
	t.Helper()
	if err := m.Ask(func(l *ledger) error {
		all, different, late := l.seen(t)
		if all != want || different != want || late != 0 {
			t.Errorf("%d events were folded, %d different ones, %d late; want %d, each once and in order", all, different, late, want)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func appended(t *testing.T, log *memlog.Log, n int) events.Position {
	t.Helper()
	var last events.Position
	for range n {
		r := log.Append(context.Background(), []contracts.Write{{Stream: events.Stream{Kind: "refusals", ID: "all"}, Expect: events.AnyRevision,
			Events: []events.Event{{ID: "x", Type: events.TypeRefused, Source: "/daicho/intake", Time: time.Now(), Data: []byte(`{"tag":"t","rule":"schema"}`)}}}})
		if r[0].Err != nil {
			t.Fatal(r[0].Err)
		}
		last = r[0].Positions[0]
	}
	return last
}

// level waits until a model is at a position, through whatever it is stuck on meanwhile.
func level[P contracts.Projection](t *testing.T, m *Model[P], to events.Position) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for {
		err := m.Level(ctx, to)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// same checks that a model is what a fold of the log gives.
func same[P contracts.Projection](t *testing.T, m *Model[P]) {
	t.Helper()
	if rows, different, err := m.Compare(t.Context()); err != nil || rows == 0 || len(different) > 0 {
		t.Errorf("%d rows, %v differ from a fold of the log (%v)", rows, different, err)
	}
}
