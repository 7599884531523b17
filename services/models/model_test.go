package models

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
)

var errCannot = errors.New("cannot apply the event at its position")

func TestModelFollowsStopsAndGoesOn(t *testing.T) {
	everywhere(t, func(t *testing.T, at func(string) contracts.Place) {
		log := memlog.New()
		defer log.Close()
		fails := &atomic.Bool{}
		m, err := Open(t.Context(), "ledger", at("ledger"), log, newLedger(fails))
		if err != nil {
			t.Fatal(err)
		}
		appended(t, log, 10)
		m.Start()
		defer func() { _ = m.Close() }()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if err := m.Level(ctx, appended(t, log, 90)); err != nil {
			t.Fatal(err)
		}
		// It stops at what it cannot apply, says so, and goes on from there when it can.
		fails.Store(true)
		last := appended(t, log, 5)
		if err := m.Level(ctx, last); err == nil || !strings.Contains(err.Error(), "stuck") || !errors.Is(err, errCannot) {
			t.Errorf("waiting for a stuck model: %v", err)
		}
		if at, state, err := m.Status(); state != Stuck || err == nil || at >= last {
			t.Errorf("a stuck model is at %v of %v, %s, %v", at, last, state, err)
		}
		onceEach(t, m, 100) // and answers, as far as it is
		fails.Store(false)
		level(t, m, last)
		onceEach(t, m, 105)
		for range 2 {
			if err := m.Rebuild(ctx, nil); err != nil {
				t.Fatal(err)
			}
			onceEach(t, m, 105)
		}
		level(t, m, appended(t, log, 3))
		onceEach(t, m, 108)
		same(t, m)
		alter := func(by int) {
			if err := m.Ask(func(l *ledger) error {
				_, err := l.Write.ExecContext(ctx, `update seen set after = after + $1 where position = 7`, by)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		alter(1)
		if _, different, err := m.Compare(ctx); err != nil || len(different) != 1 || different[0] != "seen" {
			t.Errorf("a table with another row in it: %v differ (%v)", different, err)
		}
		alter(-1)
		// It is there again after a stop.
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		last = appended(t, log, 2)
		again, err := Open(t.Context(), "ledger", at("ledger"), log, newLedger(fails))
		if err != nil {
			t.Fatal(err)
		}
		again.Start()
		defer func() { _ = again.Close() }()
		level(t, again, last)
		onceEach(t, again, 110)
	})
}

// A model that cannot apply an event is mended by a rebuild.
func TestStuckModelIsRebuilt(t *testing.T) {
	everywhere(t, func(t *testing.T, at func(string) contracts.Place) {
		log := memlog.New()
		defer log.Close()
		fails := &atomic.Bool{}
		m, err := Open(t.Context(), "ledger", at("ledger"), log, newLedger(fails))
		if err != nil {
			t.Fatal(err)
		}
		m.Start()
		defer func() { _ = m.Close() }()
		level(t, m, appended(t, log, 10))
		fails.Store(true)
		last := appended(t, log, 1)
		if m.Level(t.Context(), last) == nil {
			t.Fatal("it is not stuck")
		}
		if err := m.Rebuild(t.Context(), nil); !errors.Is(err, errCannot) {
			t.Errorf("a rebuild that meets the same event: %v", err)
		}
		onceEach(t, m, 10)
		fails.Store(false)
		if err := m.Rebuild(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		onceEach(t, m, 11)
	})
}

// A store whose position somebody else has moved takes nothing: not even what would fit.
func TestStoreIsMovedByOneOnly(t *testing.T) {
	everywhere(t, func(t *testing.T, at func(string) contracts.Place) {
		log := memlog.New()
		defer log.Close()
		appended(t, log, 10)
		db, err := at("ledger").Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		construct := newLedger(&atomic.Bool{})
		first, err := construct(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		second, err := construct(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		for batch, err := range log.Scan(t.Context(), 0, contracts.Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			if err := first.Apply(t.Context(), batch[:5]); err != nil {
				t.Fatal(err)
			}
			for _, again := range [][2]int{{0, 5}, {5, 10}, {0, 10}} {
				if second.Apply(t.Context(), batch[again[0]:again[1]]) == nil {
					t.Errorf("events %v were folded by one who had not seen the store move", again)
				}
			}
			if err := first.Apply(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		if all, different, late := first.seen(t); all != 10 || different != 10 || late != 0 {
			t.Errorf("%d, %d, %d", all, different, late)
		}
	})
}
