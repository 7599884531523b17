// Package inforce puts an announced policy into force on its first day: the one thing about the policy that no clerk does.
package inforce

import (
	"context"
	"fmt"
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

// Look puts into force what is due, in the order of the first days.
func (w *Worker) Look(ctx context.Context) error {
	for {
		next := first(w.gateway.Organisation(), w.Now())
		if next == nil {
			return nil
		}
		s := intake.Own(events.TypePolicyEffective, events.Stream{Kind: "policy", ID: "main"}, &events.PolicyEffective{Version: next.Version})
		out, err := w.gateway.Submit(ctx, intake.Engine, []intake.Submission{s})
		if err != nil {
			return fmt.Errorf("putting the policy %s into force: %w", next.Version, err)
		}
		if out[0].Status == contracts.StatusRefused && first(w.gateway.Organisation(), w.Now()) != nil {
			return fmt.Errorf("putting the policy %s into force is refused (%s): %s", next.Version, out[0].Rule, out[0].Text)
		}
	}
}

// first is the announced version whose first day has come before the others', or nil.
func first(org *organisation.State, now time.Time) *organisation.Publication {
	var next *organisation.Publication
	for _, p := range org.Coming() {
		if on := p.Catalogue().On(now); p.Effective.After(on) || next != nil && !p.Effective.Before(next.Effective) {
			continue
		}
		next = &p
	}
	return next
}
