package figures

import (
	"context"
	"fmt"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/infra/postgres"
	"github.com/daicho-dev/daicho/projections/breach"
	"github.com/daicho-dev/daicho/projections/dossier"
	"github.com/daicho-dev/daicho/projections/retention"
	"github.com/daicho-dev/daicho/services/models"
)

// onPostgres folds the log anew on a PostgreSQL server on this machine, beside what the same gave in files.
func (r *run) onPostgres(ctx context.Context, inFiles map[string]float64) error {
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
		rate, err := m.fold(ctx, r.engine.Log(), at.Place("bench_"+m.name))
		if err != nil {
			return fmt.Errorf("rebuilding %s on PostgreSQL: %w", m.name, err)
		}
		r.add(Figure{"rebuild of " + m.name + " on PostgreSQL", rate, "events/s", "the same in files", inFiles[m.name], ""})
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
