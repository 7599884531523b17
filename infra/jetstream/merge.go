package jetstream

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// scan reads a divided log up to where its order stands now.
func (o *order) scan(ctx context.Context, after events.Position, only contracts.Filter, yield func([]events.Event, error) bool) {
	if err := o.sure(ctx); err != nil {
		yield(nil, err)
		return
	}
	var head point
	if err := o.log.ask(ctx, func(ctx context.Context) (err error) {
		head, err = o.latest(ctx)
		return err
	}); err != nil {
		yield(nil, err)
		return
	}
	if after < head.total() {
		o.from(ctx, after, &head, only, yield)
	}
}

// tail reads a divided log on and on.
func (o *order) tail(ctx context.Context, after events.Position, only contracts.Filter, yield func([]events.Event, error) bool) {
	o.from(ctx, after, nil, only, yield)
}

// from finds the place that a position names in every part, and reads on from there, up to a head or without end.
func (o *order) from(ctx context.Context, after events.Position, head *point, only contracts.Filter, yield func([]events.Event, error) bool) {
	at := o.zero()
	for began := time.Now(); after > 0; {
		err := error(nil)
		if head != nil {
			at = *head
		} else {
			err = o.log.ask(ctx, func(ctx context.Context) (err error) {
				at, err = o.latest(ctx)
				return err
			})
		}
		if err == nil {
			at, err = o.before(ctx, at, func(p point) bool { return p.total() > after })
		}
		if err == nil {
			break
		}
		if ctx.Err() != nil || o.log.isClosed() || errors.Is(err, errMessage) || head != nil && time.Since(began) > patience {
			yield(nil, err)
			return
		}
		select {
		case <-time.After(mending):
		case <-ctx.Done():
		case <-o.log.done:
		}
	}
	if err := o.merge(ctx, at, after, head, only, yield); err != nil {
		yield(nil, err)
	}
}

// merge reads the order from a place on, and of each part what the order says is next. Nil means that the reading is over.
func (o *order) merge(ctx context.Context, at point, after events.Position, head *point, only contracts.Filter, yield func([]events.Event, error) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	defer reading.Wait()
	defer cancel()

	last := forever
	if head != nil {
		last = events.Position(head.seq)
	}
	orders := lane{in: o.part.lane(ctx, &reading, at.seq, last, contracts.Filter{})}
	lanes := make([]lane, len(o.log.parts))
	for n, p := range o.log.parts {
		last := forever
		if head != nil {
			last = events.Position(head.upto[n])
		}
		lanes[n] = lane{in: p.lane(ctx, &reading, at.upto[n], last, only), seen: at.upto[n]}
	}

	var batch []events.Event
	size := 0
	for {
		if len(orders.rest) == 0 {
			if len(batch) > 0 && !yield(batch, nil) {
				return nil
			}
			batch, size = nil, 0
			if more, _, err := orders.more(ctx, nil); err != nil || !more {
				return err
			}
			continue
		}
		next, err := readPoint(orders.rest[0], len(lanes))
		if err != nil {
			return err
		}
		if !next.follows(at) {
			return errMessage
		}
		orders.rest = orders.rest[1:]
		upto, base := at.upto, at.total()
		for _, r := range next.runs {
			from := upto[r.part]
			upto[r.part] += r.events
			for {
				for l := &lanes[r.part]; l.lacks(upto[r.part]); {
					var moment <-chan time.Time
					if len(batch) > 0 && len(l.in) == 0 {
						moment = time.After(linger)
					}
					more, late, err := l.more(ctx, moment)
					switch {
					case err != nil:
						return err
					case !more:
						return errBehind
					case late: // what there is does not wait for a part whose reading is being mended
						if !yield(batch, nil) {
							return nil
						}
						batch, size = nil, 0
					}
				}
				e, there := lanes[r.part].next(upto[r.part])
				if !there {
					break
				}
				e.Position = base + e.Position - events.Position(from)
				e.Recorded = next.recorded
				if e.Position <= after {
					continue
				}
				if batch == nil {
					batch = make([]events.Event, 0, min(readEvents, uint64(next.total()-e.Position)+1+uint64(len(orders.rest))))
				}
				if batch, size = append(batch, e), size+len(e.Data); len(batch) == readEvents || size >= readBytes {
					if !yield(batch, nil) {
						return nil
					}
					batch, size = nil, 0
				}
			}
			base += events.Position(r.events)
		}
		at = next
	}
}

// lane is the reading of one part, by which it runs ahead of the order.
type lane struct {
	in   <-chan stretch
	rest []events.Event // read, and not yet taken
	seen uint64         // everything up to there is read
}

// stretch is a piece of a part: what of it passes the filter, and where it ends.
type stretch struct {
	batch []events.Event
	seen  events.Position
	err   error
}

// lane begins to read a part behind a place.
func (p *part) lane(ctx context.Context, reading *sync.WaitGroup, after uint64, last events.Position, only contracts.Filter) <-chan stretch {
	in := make(chan stretch, 2)
	reading.Go(func() {
		defer close(in)
		hand := func(s stretch) bool {
			select {
			case in <- s:
				return true
			case <-ctx.Done():
				return false
			}
		}
		err := p.read(ctx, events.Position(after), last, only, true, func(batch []events.Event, seen events.Position) bool {
			return hand(stretch{batch: batch, seen: seen})
		})
		if err != nil {
			hand(stretch{err: err})
		}
	})
	return in
}

// lacks says that it is not known yet whether an event comes before a place.
func (l *lane) lacks(upto uint64) bool { return len(l.rest) == 0 && l.seen < upto }

// next is the next event of the part, if it comes before a place.
func (l *lane) next(upto uint64) (e events.Event, there bool) {
	if len(l.rest) == 0 || uint64(l.rest[0].Position) > upto {
		return e, false
	}
	e, l.rest = l.rest[0], l.rest[1:]
	return e, true
}

// more waits for the next stretch when all that was read is taken, and for no longer than until a moment, if there is one. Without more the
// reading is over.
func (l *lane) more(ctx context.Context, moment <-chan time.Time) (more, late bool, err error) {
	select {
	case s, ok := <-l.in:
		switch {
		case s.err != nil:
			return false, false, s.err
		case !ok:
			return false, false, ctx.Err()
		}
		l.rest, l.seen = s.batch, uint64(s.seen)
		return true, false, nil
	case <-moment:
		return true, true, nil
	case <-ctx.Done():
		return false, false, ctx.Err()
	}
}
