package intake

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
)

// followAgain is how long after a failure the log is followed again.
const followAgain = time.Second

// follow keeps the states and the organisation level with what others append. While it cannot, nothing is decided: a policy, or the end of
// a recipient, might have been missed. (A person's own stream needs no following: the log refuses what was decided on an old state.)
func (g *Gateway) follow(ctx context.Context) {
	for {
		err := g.readOn(ctx)
		if ctx.Err() != nil {
			return
		}
		g.behind.Store(&err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(followAgain):
		}
	}
}

// Observe is a gateway that takes nothing: it knows what is in force, as long as it runs, and keeps nothing of anybody.
func Observe(ctx context.Context, log contracts.Log) (*Gateway, error) {
	g := &Gateway{log: log, now: time.Now, Destroy: func([]events.Event) {}, done: make(chan struct{})}
	if err := g.readOrganisation(ctx); err != nil {
		return nil, err
	}
	g.heard.Store(uint64(g.Organisation().Position))
	return g, nil
}

// take applies what has been read from the log.
func (g *Gateway) take(ctx context.Context, batch []events.Event) error {
	if g.states != nil {
		return g.states.apply(ctx, batch, g.organise)
	}
	for i := range batch {
		if err := g.organise(&batch[i]); err != nil {
			return err
		}
	}
	return nil
}

// readOn tails the log from where it was read to. It ends with an error, or with the context.
func (g *Gateway) readOn(ctx context.Context) error {
	from, only := events.Position(g.heard.Load()), contracts.Filter{}
	if g.states == nil {
		only.Kinds = organisation.Kinds
	}
	head, err := g.log.Head(ctx)
	if err != nil {
		return err
	}
	if from >= head || g.states == nil { // who only observes may wait long for the next event of its kinds
		g.behind.Store(nil)
	}
	for batch, err := range g.log.Tail(ctx, from, only) {
		if err != nil {
			return err
		}
		if err := g.take(ctx, batch); err != nil {
			return err
		}
		g.Destroy(batch)
		last := batch[len(batch)-1].Position
		if g.states != nil {
			g.states.read(last)
		}
		g.heard.Store(uint64(last))
		if last >= head {
			g.behind.Store(nil)
		}
	}
	return errors.New("the log's tail ended")
}

// old says whether what a group was decided by had moved on: the log refuses what rests on an old state, but a refusal it never sees. So
// before somebody is refused, everything that others had recorded by now is read.
func (gr *group) old(ctx context.Context) (bool, error) {
	if err := gr.g.states.catchUp(ctx, gr.g.log, gr.g.organise, nil); err != nil {
		return false, err
	}
	now, err := gr.g.states.load(ctx, slices.Collect(maps.Keys(gr.loaded)))
	if err != nil {
		return false, err
	}
	for st, s := range now {
		if s.Position != gr.loaded[st].Position {
			return true, nil
		}
	}
	return gr.g.Organisation().Position != gr.org.Position, nil
}
