// Package inforce puts an announced policy into force on its first day: the one thing about the policy that no clerk does.
package inforce

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/rounds"
)

// Gateway is what records, and knows what is announced.
type Gateway interface {
	Submit(context.Context, intake.Caller, []intake.Submission) ([]contracts.Receipt, error)
	Organisation() *organisation.State
}

// Worker looks at the calendar now and then. Several over one log do no harm: a version comes into force once.
type Worker struct {
	rounds.Rounds
	Now     func() time.Time
	gateway Gateway
}

// New makes a worker.
func New(g Gateway) *Worker {
	return &Worker{Now: time.Now, gateway: g}
}

// Start looks at once, and then every so often: several seconds after midnight are soon enough.
func (w *Worker) Start() { w.Begin(10*time.Second, w.Look) }

// Look puts into force what is due, in the order of the first days. One that is refused stops none that comes after it.
func (w *Worker) Look(ctx context.Context) error {
	var refused error
	for _, p := range w.gateway.Organisation().Coming() {
		if p.Effective.After(p.Catalogue().On(w.Now())) {
			continue
		}
		s := intake.Own(events.TypePolicyEffective, events.Stream{Kind: "policy", ID: "main"}, &events.PolicyEffective{Version: p.Version})
		out, err := w.gateway.Submit(ctx, intake.Engine, []intake.Submission{s})
		if err != nil {
			return fmt.Errorf("putting the policy %s into force: %w", p.Version, err)
		}
		if out[0].Status == contracts.StatusRefused && waits(w.gateway.Organisation(), p.Version) {
			refused = errors.Join(refused, fmt.Errorf("putting the policy %s into force is refused (%s): %s %s", p.Version, out[0].Rule, out[0].Field, out[0].Text))
		}
	}
	return refused
}

// waits says that a version is still to come: nobody else put it into force meanwhile.
func waits(org *organisation.State, version events.Word) bool {
	return slices.ContainsFunc(org.Coming(), func(p organisation.Publication) bool { return p.Version == version })
}
