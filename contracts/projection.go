package contracts

import (
	"context"

	"github.com/daicho-dev/daicho/events"
)

// Projection is a fold of the log that answers questions. It owns its position: rows and position change in one transaction,
// so a crash leaves it where it was and nothing is applied twice. It can be dropped and rebuilt from the log at any time.
//
// Errors: an event that it cannot apply is an error that names the position and the type; the projection stays before it and
// is asked again. It never skips.
//
// Concurrency: Apply is called from one goroutine; questions may be asked meanwhile and see whole batches.
type Projection interface {
	Name() string
	// Apply folds a batch of events in the order of the log. Those at or before the position are passed over.
	Apply(ctx context.Context, batch []events.Event) error
	// Position is that of the last event applied; zero at first.
	Position(ctx context.Context) (events.Position, error)
}
