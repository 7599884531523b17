package jetstream

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	readEvents = 1000
	readBytes  = 8 << 20
	linger     = 5 * time.Millisecond // how long a batch waits for events that the server says are coming
	patience   = 30 * time.Second     // how long a scan tries to mend
	forever    = ^events.Position(0)
)

// errAgain: reading from this consumer has ended, a new one goes on where it stopped.
var errAgain = errors.New("log: the reading was interrupted")

// Scan implements contracts.Log.
func (l *Log) Scan(ctx context.Context, after events.Position, only contracts.Filter) iter.Seq2[[]events.Event, error] {
	return func(yield func([]events.Event, error) bool) {
		head, err := l.Head(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		l.read(ctx, after, head, only, yield)
	}
}

// Tail implements contracts.Log.
func (l *Log) Tail(ctx context.Context, after events.Position, only contracts.Filter) iter.Seq2[[]events.Event, error] {
	return func(yield func([]events.Event, error) bool) { l.read(ctx, after, forever, only, yield) }
}

// read goes through the log, with as many consumers after each other as it takes; head forever means without end.
func (l *Log) read(ctx context.Context, after, head events.Position, only contracts.Filter, yield func([]events.Event, error) bool) {
	failing, told := time.Time{}, false
	for after < head {
		was := after
		err := l.follow(ctx, &after, head, only, yield)
		if err == nil {
			return
		}
		switch {
		case ctx.Err() != nil:
			err = ctx.Err()
		case l.isClosed():
			err = contracts.ErrClosed
		case errors.Is(err, errMessage):
		default:
			if after > was {
				failing, told = time.Time{}, false
			}
			switch now := time.Now(); {
			case failing.IsZero(): // servers of a cluster may not know of a new consumer at once
				failing = now
			case !told:
				told = true
				l.opts.logf("log: a reading is being mended: %v", err)
			}
			if head != forever && time.Since(failing) > patience {
				break // out of the switch: the scan fails
			}
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
			case <-l.done:
			}
			continue
		}
		yield(nil, err)
		return
	}
}

// follow reads from one consumer and moves after along. Nil means that the reading is over.
func (l *Log) follow(ctx context.Context, after *events.Position, head events.Position, only contracts.Filter, yield func([]events.Event, error) bool) error {
	broken := l.whenBroken()
	c, filters, err := l.consumer(ctx, *after, head, only)
	if err != nil {
		return err
	}
	info := c.CachedInfo()
	stop := make(chan struct{})
	defer l.tidy(info.Name)
	defer close(stop)
	if head != forever && info.NumPending == 0 {
		return l.ended(ctx, *after, head, filters)
	}
	incoming, failed := make(chan jetstream.Msg, readEvents), make(chan error, 1)
	consuming, err := c.Consume(func(m jetstream.Msg) {
		select {
		case incoming <- m:
		case <-stop:
		}
	}, jetstream.PullMaxMessagesWithBytesLimit(2*readEvents, 2*readBytes), jetstream.PullExpiry(20*time.Second),
		jetstream.PullHeartbeat(2*time.Second), jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
			select {
			case failed <- err:
			default:
			}
		}))
	if err != nil {
		return err
	}
	defer consuming.Stop()

	delivered, seen := uint64(0), *after
	for {
		var batch []events.Event
		var late <-chan time.Time
		size, over, none := 0, false, false
		for more := true; more && len(batch) < readEvents && size < readBytes; {
			var m jetstream.Msg
			select {
			case m = <-incoming:
			case <-late:
				more = false
				continue
			case <-ctx.Done():
				return ctx.Err()
			case <-l.done:
				return contracts.ErrClosed
			case <-broken:
				err = errAgain
			case err = <-failed:
			}
			if m == nil { // first hand over what there is; the new consumer starts behind it
				more = false
				continue
			}
			at, ok := parsePlace(m.Reply())
			if delivered++; !ok || at.delivered != delivered {
				err, more = errAgain, false // something was lost on the way to here
				continue
			}
			if head != forever && events.Position(at.seq) > head {
				over, more = true, false
				continue
			}
			seen, none = events.Position(at.seq), at.pending == 0
			over, more = seen == head, !none && seen != head
			if !passes(only, m.Subject()) {
				continue
			}
			e, bad := decode(m.Subject(), m.Headers(), m.Data(), at.seq)
			if bad != nil {
				err, more = bad, false
				continue
			}
			if batch == nil {
				batch = make([]events.Event, 0, min(readEvents, at.pending+1))
				late = time.After(linger)
			}
			batch, size = append(batch, e), size+len(e.Data)
		}
		*after = seen
		if len(batch) > 0 && !yield(batch, nil) {
			return nil
		}
		if err == nil && !over && none && head != forever {
			return l.ended(ctx, *after, head, filters)
		}
		if err != nil || over {
			return err
		}
	}
}
