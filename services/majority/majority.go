// Package majority records that a minor has come of age, when the month that the register keeps of them is over: the milestone
// majority.reached, which ends the time in which a guardian consents and which the keeping of a guardian's word counts from.
package majority

import (
	"context"
	"fmt"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/projections/retention"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/models"
	"github.com/daicho-dev/daicho/services/rounds"
)

// Gateway is what records.
type Gateway interface {
	Submit(context.Context, intake.Caller, []intake.Submission) ([]contracts.Receipt, error)
	Organisation() *organisation.State
}

// Worker looks once an hour. Several over one log do no harm: one month of one person is recorded once.
type Worker struct {
	rounds.Rounds
	Now     func() time.Time
	gateway Gateway
	minors  *models.Model[*retention.Retention]
	log     contracts.Log
}

// New makes a worker.
func New(g Gateway, log contracts.Log, minors *models.Model[*retention.Retention]) *Worker {
	return &Worker{Now: time.Now, gateway: g, log: log, minors: minors}
}

// Start looks at once, and then once an hour.
func (w *Worker) Start() { w.Begin(time.Hour, w.Look) }

// at is how many are recorded at once.
const at = 500

// Source is where the milestone comes from.
const source = "/daicho/majority"

// Look records every majority whose month is over. It decides by the register as it stood when it began, or later.
func (w *Worker) Look(ctx context.Context) error {
	c := w.gateway.Organisation().Policy
	if c == nil {
		return nil
	}
	head, err := w.log.Head(ctx)
	if err != nil {
		return err
	}
	for idle := 0; ; {
		if err := w.minors.Level(ctx, head); err != nil {
			return err
		}
		var grown []retention.Grown
		if err := w.minors.Ask(func(r *retention.Retention) (err error) {
			grown, err = r.Grown(ctx, c.Month(w.Now()), at)
			return err
		}); err != nil || len(grown) == 0 {
			return err
		}
		var all []intake.Submission
		for _, g := range grown {
			s := intake.Own(events.TypeMilestoneReached, events.PersonStream(g.Person), &events.MilestoneReached{Milestone: person.MajorityReached})
			// The same month of the same person has the same name: told twice, it is recorded once.
			s.Source, s.ID, s.Time = source, "majority "+string(g.Month), c.MonthEnd(g.Month).UTC()
			all = append(all, s)
		}
		receipts, err := w.gateway.Submit(ctx, intake.Engine, all)
		if err != nil {
			return fmt.Errorf("recording majorities: %w", err)
		}
		idle++
		for _, r := range receipts {
			if r.Status != contracts.StatusRefused {
				idle, head = 0, max(head, r.Position)
			}
		}
		if idle > 1 { // once, they may have been forgotten meanwhile
			return fmt.Errorf("recording majorities is refused (%s): %s", receipts[0].Rule, receipts[0].Text)
		}
		now, err := w.log.Head(ctx)
		if err != nil {
			return err
		}
		head = max(head, now)
	}
}
