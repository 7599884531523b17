package attachments

import (
	"context"
	"errors"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	projection "github.com/daicho-dev/daicho/projections/attachments"
	"github.com/daicho-dev/daicho/services/models"
)

// Attached is what the sweep asks the log, by way of a projection that has read it.
type Attached interface {
	// State is that of an object: projection.Unknown, Live or Gone.
	State(ctx context.Context, object events.ID) (string, error)
	// Each yields the objects of living values.
	Each(ctx context.Context, yield func(events.ID) error) error
	// Level waits until the projection has read the log up to a position.
	Level(ctx context.Context, to events.Position) error
}

// Model is the projection at work, as Attached.
type Model struct {
	*models.Model[*projection.Attachments]
}

// State asks the projection.
func (m Model) State(ctx context.Context, object events.ID) (state string, err error) {
	err = m.Ask(func(a *projection.Attachments) error {
		state, err = a.State(ctx, object)
		return err
	})
	return state, err
}

// Each asks the projection.
func (m Model) Each(ctx context.Context, yield func(events.ID) error) error {
	return m.Ask(func(a *projection.Attachments) error { return a.Each(ctx, yield) })
}

// How often the worker looks at what waits, and at every object; how much longer than promised an upload stays, so that a claim that was
// made in time is in the log, and how long an event may take to get there.
const (
	lookEvery  = 5 * time.Second
	sweepEvery = time.Hour
	grace      = 10 * time.Minute
)

// Start begins to remove what has ended.
func (s *Service) Start() { s.Begin(lookEvery, s.Sweep) }

// Sweep destroys the keys of uploads that a record has by now, and everything of those that none has had in time; once an hour, it
// also removes objects that nothing names. It decides by the log as it stands at its beginning.
func (s *Service) Sweep(ctx context.Context) error {
	rows, err := s.waiting.all(ctx)
	if err != nil {
		return err
	}
	now := s.now()
	whole := now.Sub(s.swept) >= sweepEvery
	if len(rows) == 0 && !whole {
		return nil
	}
	head, err := s.log.Head(ctx)
	if err != nil {
		return err
	}
	if err := s.attached.Level(ctx, head); err != nil {
		return err
	}
	for _, row := range rows {
		state, err := s.attached.State(ctx, row.object)
		if err != nil {
			return err
		}
		switch {
		case state == projection.Live:
			if err = s.vault.Forget(ctx, ownerOf(row.upload), now, 0); err == nil {
				err = s.waiting.remove(ctx, row.upload)
			}
		case state == projection.Gone, row.dropped, now.Sub(row.created) >= contracts.UploadKept+grace:
			err = s.destroy(ctx, row)
		}
		if err != nil {
			return err
		}
	}
	if !whole {
		return nil
	}
	if err := s.orphans(ctx, now); err != nil {
		return err
	}
	s.swept = now
	return nil
}

// orphans removes objects that neither a living value nor a waiting upload names: those of values that are gone (after a crash, or in a
// folder that was put back from a copy), and those of uploads that were never answered.
func (s *Service) orphans(ctx context.Context, now time.Time) error {
	for o, err := range s.objects.List(ctx) {
		if err != nil {
			return err
		}
		waits, err := s.waiting.ofObject(ctx, o.Name)
		if err != nil {
			return err
		}
		state, err := s.attached.State(ctx, events.ID(o.Name))
		if err != nil {
			return err
		}
		if waits || state == projection.Live || state == projection.Unknown && now.Sub(o.Modified) < contracts.UploadKept+grace {
			continue
		}
		if err := s.objects.Delete(ctx, o.Name); err != nil {
			return err
		}
	}
	return nil
}

// Check counts living attachments and says how many have no object.
func (s *Service) Check(ctx context.Context) (contracts.Check, error) {
	c := contracts.Check{Name: "every living attachment has its object", OK: true}
	missing := 0
	err := s.attached.Each(ctx, func(object events.ID) error {
		c.Count++
		r, err := s.objects.Open(ctx, string(object))
		if errors.Is(err, contracts.ErrNoObject) {
			missing++
			return nil
		}
		if err != nil {
			return err
		}
		return r.Close()
	})
	if missing > 0 {
		c.OK, c.Detail = false, "objects are missing from the object store: a loss of data that may have to be reported (APPI 26); put the folder back from a copy"
	}
	return c, err
}
