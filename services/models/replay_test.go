package models

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/sqlite"
)

// A replay reads on while it folds; an error of either ends both, and the reading has ended when the replay has.
func TestReplayEndsWithWhatFails(t *testing.T) {
	ctx := context.Background()
	log := memlog.New()
	defer log.Close()
	last := appended(t, log, 30)
	reading, ended := errors.New("reading failed"), false
	batches := func(err error) func(func([]events.Event, error) bool) {
		return func(yield func([]events.Event, error) bool) {
			defer func() { ended = true }()
			for batch, bad := range log.Scan(ctx, 0, contracts.Filter{}) {
				for i := range batch {
					if !yield(batch[i:i+1], bad) {
						return
					}
				}
			}
			if err != nil {
				yield(nil, err)
			}
		}
	}
	var at events.Position
	for batch, err := range ahead(batches(nil)) {
		if err != nil || batch[0].Position <= at {
			t.Fatalf("after %v came %v, %v", at, batch, err)
		}
		at = batch[0].Position
	}
	if at != last || !ended {
		t.Fatalf("read up to %v of %v; ended: %v", at, last, ended)
	}
	n, got := 0, error(nil)
	for _, err := range ahead(batches(reading)) {
		if n++; err != nil {
			got = err
		}
	}
	if n != 31 || !errors.Is(got, reading) {
		t.Fatalf("%d batches, the last an error: %v", n, got)
	}
	ended = false
	for range ahead(batches(nil)) {
		break
	}
	if !ended {
		t.Fatal("who stops reading leaves a reader behind")
	}
	db, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	fails := &atomic.Bool{}
	fails.Store(true)
	l, err := newLedger(fails)(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := Replay(ctx, log, l, nil); !errors.Is(err, errCannot) || n != 0 {
		t.Fatalf("a fold that fails: %d folded, %v", n, err)
	}
	fails.Store(false)
	if n, err := Replay(ctx, log, l, nil); err != nil || n != 30 {
		t.Fatalf("%d folded of 30, %v", n, err)
	}
	if all, different, late := l.seen(t); all != 30 || different != 30 || late != 0 {
		t.Errorf("%d folded, %d different, %d late", all, different, late)
	}
	gone, leave := context.WithCancel(ctx)
	leave()
	appended(t, log, 1)
	if n, err := Replay(gone, log, l, nil); !errors.Is(err, context.Canceled) || n != 0 {
		t.Fatalf("nobody asks any more: %d folded, %v", n, err)
	}
}
