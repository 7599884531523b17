package figures

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/infra/postgres"
	"github.com/daicho-dev/daicho/infra/sqlite"
	"github.com/daicho-dev/daicho/projections/breach"
	"github.com/daicho-dev/daicho/projections/dossier"
	"github.com/daicho-dev/daicho/projections/retention"
	"github.com/daicho-dev/daicho/services/models"
)

// onPostgres folds the log anew on a PostgreSQL server, beside the same into files: each model into the one and right afterwards into the
// other, so that what else the machine does weighs on both.
func (r *run) onPostgres(ctx context.Context) error {
	address, stop, err := server()
	if err != nil {
		r.say("no PostgreSQL: " + err.Error())
		return nil
	}
	defer stop()
	at, err := postgres.At(address)
	if err != nil {
		return err
	}
	for _, m := range []struct {
		name string
		fold func(context.Context, contracts.Log, contracts.Place) (float64, error)
	}{{"breach", folding(breach.New)}, {"dossier", folding(dossier.New)}, {"retention", folding(retention.New)}} {
		r.say("rebuild on PostgreSQL: " + m.name)
		inFiles, err := m.fold(ctx, r.engine.Log(), sqlite.File(filepath.Join(r.dir, "bench_"+m.name+".db")))
		if err != nil {
			return fmt.Errorf("rebuilding %s in files: %w", m.name, err)
		}
		rate, err := m.fold(ctx, r.engine.Log(), at.Place("bench_"+m.name))
		if err != nil {
			return fmt.Errorf("rebuilding %s on PostgreSQL: %w", m.name, err)
		}
		r.add(Figure{"rebuild of " + m.name + " on PostgreSQL", rate, "events/s", "the same log into SQLite, as the engine keeps it in files", inFiles, ""})
	}
	return nil
}

// folding answers what folds a log into an empty projection, and says how many events a second.
func folding[P contracts.Projection](construct func(context.Context, contracts.Database) (P, error)) func(context.Context, contracts.Log, contracts.Place) (float64, error) {
	return func(ctx context.Context, log contracts.Log, place contracts.Place) (float64, error) {
		if err := place.Remove(ctx); err != nil {
			return 0, err
		}
		db, err := place.Open(ctx)
		if err != nil {
			return 0, err
		}
		defer func() { _, _ = db.Close(), place.Remove(ctx) }()
		p, err := construct(ctx, db)
		if err != nil {
			return 0, err
		}
		began := time.Now()
		n, err := models.Replay(ctx, log, p, nil)
		return float64(n) / time.Since(began).Seconds(), err
	}
}
