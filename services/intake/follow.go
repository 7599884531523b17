package intake

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
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

// readOn tails the log from where it was read to. It ends with an error, or with the context.
func (g *Gateway) readOn(ctx context.Context) error {
	from := events.Position(g.heard.Load())
	head, err := g.log.Head(ctx)
	if err != nil {
		return err
	}
	if from >= head {
		g.behind.Store(nil)
	}
	for batch, err := range g.log.Tail(ctx, from, contracts.Filter{}) {
		if err != nil {
			return err
		}
		if err := g.states.apply(ctx, batch, g.organise); err != nil {
			return err
		}
		g.Destroy(batch)
		last := batch[len(batch)-1].Position
		g.states.read(last)
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
