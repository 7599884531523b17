package disposal

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/projections/retention"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/register"
)

// watcher lets disposals finish whose holds have been released, and looks once a day at every record for what it is still there for.
type watcher struct {
	cancel context.CancelFunc
	done   chan struct{}
	wake   chan struct{}
	broken atomic.Pointer[error]
}

// How often the watcher looks for released holds (of which it also hears at once), and whether the day's scan has been made. A start has
// other things to do first.
const (
	resumeEvery = time.Minute
	scanEvery   = 5 * time.Second
)

// Start begins to watch.
func (s *Service) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.watcher.cancel, s.watcher.done, s.watcher.wake = cancel, make(chan struct{}), make(chan struct{}, 1)
	go func() {
		defer close(s.watcher.done)
		from, err := s.log.Head(ctx) // before the first look: what it does not see is heard of
		if err != nil {
			s.watcher.broken.Store(&err)
			return
		}
		heard := make(chan struct{})
		go func() {
			defer close(heard)
			s.hear(ctx, from)
		}()
		defer func() { <-heard }()
		resume, scan := time.NewTicker(resumeEvery), time.NewTicker(scanEvery)
		defer resume.Stop()
		defer scan.Stop()
		looks := [...]func(context.Context) error{s.Resume, s.Scan}
		var failed [len(looks)]error
		for i := 0; ctx.Err() == nil; {
			var p *contracts.Problem
			if failed[i] = looks[i](ctx); errors.As(failed[i], &p) {
				failed[i] = nil // it passes: the model is not level yet, a disposal runs already
			}
			s.watcher.broken.Store(nil)
			if err := errors.Join(failed[:]...); err != nil && ctx.Err() == nil {
				s.watcher.broken.Store(&err)
			}
			select {
			case <-ctx.Done():
			case <-s.watcher.wake:
				i = 0
			case <-resume.C:
				i = 0
			case <-scan.C:
				i = 1
			}
		}
	}()
}

// Close stops watching, and ends what it has begun at its next step.
func (s *Service) Close() {
	s.Halt()
	if s.watcher.cancel != nil {
		s.watcher.cancel()
		<-s.watcher.done
	}
}

// Err is why watching does not go on, or nil.
func (s *Service) Err() error {
	if e := s.watcher.broken.Load(); e != nil {
		return *e
	}
	return nil
}

// hear wakes the watcher when a hold is released. Where the log cannot be read, its own health check says so, and the look of every minute
// finds what was missed.
func (s *Service) hear(ctx context.Context, from events.Position) {
	for batch, err := range s.log.Tail(ctx, from, contracts.Filter{Kinds: []string{"person"}}) {
		if err != nil {
			return
		}
		for i := range batch {
			if batch[i].Type == events.TypeHoldReleased {
				select {
				case s.watcher.wake <- struct{}{}:
				default:
				}
			}
		}
	}
}

// Resume goes on with disposals that wait for a hold which has been released. They have been approved; the rules look at each record again.
func (s *Service) Resume(ctx context.Context) error {
	for id, d := range s.gateway.Organisation().Disposals {
		if d.Waiting() == 0 {
			continue
		}
		free, err := s.released(ctx, d)
		if err != nil {
			return err
		}
		if !free {
			continue
		}
		if _, err = s.Run(register.WithCaller(ctx, intake.Engine), id, nil); err != nil {
			return fmt.Errorf("going on with a disposal: %w", err)
		}
	}
	return nil
}

// released says that a record of a list which waited for a hold is held no longer, by what the log says.
func (s *Service) released(ctx context.Context, d *organisation.Disposal) (free bool, err error) {
	all, err := s.lists.all(ctx, d.Planned.Disposal)
	if err != nil {
		return false, err
	}
	if err := s.level(ctx); err != nil {
		return false, err
	}
	err = s.retention.Ask(func(r *retention.Retention) error {
		for i := range all {
			e := &all[i]
			if e.outcome != held && e.outcome != "" {
				continue
			}
			state, err := r.Person(ctx, e.person)
			if err != nil {
				return err
			}
			if rec := state.Record(e.n); rec == nil || !rec.Live() || len(state.Held(rec)) == 0 {
				free = true
				return nil
			}
		}
		return nil
	})
	return free, err
}

// level waits until the retention model has read the log as it stands.
func (s *Service) level(ctx context.Context) error {
	head, err := s.log.Head(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.retention.Level(ctx, head); err != nil {
		return register.Problem(503, "starting", "Not ready", "the retention model has not read the whole log yet")
	}
	return nil
}

// patience is how long a question waits for the retention model to reach the log's head.
const patience = 30 * time.Second

// Scan counts what every record is still there for, once a day and after each change of the policy, and records the count (S11).
func (s *Service) Scan(ctx context.Context) error {
	org := s.gateway.Organisation()
	if org.Policy == nil {
		return nil
	}
	today := org.Policy.On(s.now())
	last := org.Scanned
	if last != nil && last.On == events.Day(today.String()) && last.At.Position > org.Versions[events.Word(org.Policy.Version)] {
		return nil
	}
	if err := s.level(ctx); err != nil {
		return err
	}
	var c person.Census
	if err := s.retention.Ask(func(r *retention.Retention) error {
		return r.Each(ctx, func(_ events.Pseudonym, state *person.State) error {
			c.Count(state, org, today)
			return nil
		})
	}); err != nil {
		return err
	}
	if c.Records == 0 {
		return nil // an empty register proves nothing
	}
	f := &events.Scan{On: events.Day(today.String()), Records: c.Records, Bound: c.Bound, Held: c.Held, Due: c.Due, Overdue: c.Overdue, Unknown: c.Unknown}
	return s.submit(ctx, events.TypeDisposalScanned, events.Stream{Kind: "disposal", ID: organisation.ScanID}, f)
}
