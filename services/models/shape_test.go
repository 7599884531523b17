package models

import (
	"context"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/events/historytest"
	"github.com/daicho-dev/daicho/projections/retention"
)

// A store that another version made in another shape is dropped and folded anew; one of this version is kept.
func TestAStoreOfAnotherShapeIsFoldedAnew(t *testing.T) {
	everywhere(t, anotherShape)
}

func anotherShape(t *testing.T, at func(string) contracts.Place) {
	ctx := context.Background()
	log := memlog.New()
	defer log.Close()
	history := historytest.New(1, historytest.Catalogue).Log
	open := func(prepare func(*retention.Retention)) (found int64) {
		m, err := Open(ctx, "retention", at("retention"), log, retention.New)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = m.Close() }()
		_ = m.Ask(func(r *retention.Retention) error {
			at, err := r.Position(ctx)
			if err != nil {
				t.Fatal(err)
			}
			found = int64(at)
			prepare(r)
			return nil
		})
		return found
	}
	open(func(r *retention.Retention) {
		if err := r.Apply(ctx, history); err != nil {
			t.Fatal(err)
		}
	})
	if at := open(func(r *retention.Retention) {
		if _, err := r.Write.ExecContext(ctx, `update shape set made = 'otherwise'; alter table calendar rename column day to month`); err != nil {
			t.Fatal(err)
		}
	}); at != int64(len(history)) {
		t.Fatalf("a store of this version stands at %d of %d", at, len(history))
	}
	if at := open(func(r *retention.Retention) {
		if err := r.Apply(ctx, history); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Calendar(ctx); err != nil {
			t.Fatal(err)
		}
	}); at != 0 {
		t.Fatalf("what another version has stored was taken as it is: it stands at %d", at)
	}
}
