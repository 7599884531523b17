package models

import (
	"context"
	"iter"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// Batch is how many events of a replay are folded in one transaction.
const Batch = 20_000

// Replay folds the log into a projection up to the head as it stands, in large transactions. It answers how many events it gave.
func Replay(ctx context.Context, log contracts.Log, p contracts.Projection, progress func(at, head events.Position)) (int, error) {
	head, err := log.Head(ctx)
	if err != nil {
		return 0, err
	}
	from, err := p.Position(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for batch, err := range ahead(large(log.Scan(ctx, from, contracts.Filter{}))) {
		if err == nil {
			err = p.Apply(ctx, batch)
		}
		if err != nil {
			return n, err
		}
		n += len(batch)
		if progress != nil {
			progress(batch[len(batch)-1].Position, head)
		}
	}
	return n, nil
}

// large joins a reading's batches into such as are folded in one transaction.
func large(reading iter.Seq2[[]events.Event, error]) iter.Seq2[[]events.Event, error] {
	return func(yield func([]events.Event, error) bool) {
		var pending []events.Event
		for batch, err := range reading {
			if err != nil {
				yield(nil, err)
				return
			}
			if pending = append(pending, batch...); len(pending) >= Batch {
				if !yield(pending, nil) {
					return
				}
				pending = nil
			}
		}
		if len(pending) > 0 {
			yield(pending, nil)
		}
	}
}

// ahead reads on while what was read before is being folded. It has ended reading when the loop over it ends.
func ahead(reading iter.Seq2[[]events.Event, error]) iter.Seq2[[]events.Event, error] {
	return func(yield func([]events.Event, error) bool) {
		read, stop := make(chan arrival, 1), make(chan struct{})
		go func() {
			defer close(read)
			for batch, err := range reading {
				select {
				case read <- arrival{batch, err}:
				case <-stop:
					return
				}
			}
		}()
		defer func() {
			close(stop)
			for range read { // until the reading has ended
			}
		}()
		for a := range read {
			if !yield(a.batch, a.err) {
				return
			}
		}
	}
}
