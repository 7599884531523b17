package models

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/events"
)

// ledger is a projection that remembers positions, and fails when it is told to.
type ledger struct {
	fails *atomic.Bool
	seen  []events.Position
}

func (l *ledger) Name() string { return "ledger" }
func (l *ledger) Apply(_ context.Context, batch []events.Event) error {
	if l.fails.Load() {
		return errors.New("cannot apply the event at its position")
	}
	for _, e := range batch {
		l.seen = append(l.seen, e.Position)
	}
	return nil
}
func (l *ledger) Position(context.Context) (events.Position, error) {
	if len(l.seen) == 0 {
		return 0, nil
	}
	return l.seen[len(l.seen)-1], nil
}

func appended(t *testing.T, log contracts.Log, n int) events.Position {
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

func TestModelFollowsStopsAndGoesOn(t *testing.T) {
	log := memlog.New()
	defer log.Close()
	fails := &atomic.Bool{}
	var folds []*ledger
	m, err := Open(context.Background(), "ledger", filepath.Join(t.TempDir(), "ledger.db"), log, func(context.Context, contracts.Database) (*ledger, error) {
		l := &ledger{fails: fails}
		folds = append(folds, l)
		return l, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	appended(t, log, 10)
	m.Start()
	defer func() { _ = m.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := m.Level(ctx, appended(t, log, 90)); err != nil {
		t.Fatal(err)
	}
	// It stops at what it cannot apply, says so, and goes on from there when it can.
	fails.Store(true)
	last := appended(t, log, 5)
	if err := m.Level(ctx, last); err == nil || !strings.Contains(err.Error(), "stuck") {
		t.Errorf("waiting for a stuck model: %v", err)
	}
	if at, state, err := m.Status(); state != Stuck || err == nil || at >= last {
		t.Errorf("a stuck model is at %v of %v, %s, %v", at, last, state, err)
	}
	fails.Store(false)
	for ctx.Err() == nil {
		if m.Level(ctx, last) == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	want := folds[0].seen
	if len(want) != 105 || !slices.IsSorted(want) || len(slices.Compact(slices.Clone(want))) != 105 {
		t.Errorf("%d events were folded, want 105, each once and in order", len(want))
	}
	if err := m.Rebuild(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if rebuilt := folds[1].seen; !slices.Equal(rebuilt, want) {
		t.Errorf("the rebuild folded %d events, the live model %d", len(rebuilt), len(want))
	}
}
