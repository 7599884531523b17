package jetstream

import (
	"context"
	"errors"
	"iter"
	"strings"
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
		if l.order != nil {
			l.order.scan(ctx, after, only, yield)
			return
		}
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
	return func(yield func([]events.Event, error) bool) {
		if l.order != nil {
			l.order.tail(ctx, after, only, yield)
			return
		}
		l.read(ctx, after, forever, only, yield)
	}
}

// read goes through a log that is one stream.
func (l *Log) read(ctx context.Context, after, head events.Position, only contracts.Filter, yield func([]events.Event, error) bool) {
	err := l.parts[0].read(ctx, after, head, only, false, func(batch []events.Event, _ events.Position) bool {
		return len(batch) == 0 || yield(batch, nil)
	})
	if err != nil {
		yield(nil, err)
	}
}

// hand takes the next events that pass a filter, in their order, and up to where the stream has been read by now; false ends the reading.
type hand func(batch []events.Event, seen events.Position) bool

// read goes through a part, with as many consumers after each other as it takes; head forever means without end. Positions are those in
// the part. With all, the server hands over everything, so that it is known of every event when it has been passed. Nil means that
// the reading is over.
func (p *part) read(ctx context.Context, after, head events.Position, only contracts.Filter, all bool, yield hand) error {
	failing, told := time.Time{}, false
	for after < head {
		was := after
		err := p.follow(ctx, &after, head, only, all, yield)
		if err == nil {
			return nil
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case p.log.isClosed():
			return contracts.ErrClosed
		case errors.Is(err, errMessage):
			return err
		}
		if after > was {
			failing, told = time.Time{}, false
		}
		switch now := time.Now(); {
		case failing.IsZero(): // servers of a cluster may not know of a new consumer at once
			failing = now
		case !told:
			told = true
			p.log.opts.logf("log: a reading is being mended: %v", err)
		}
		if head != forever && time.Since(failing) > patience {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		case <-p.log.done:
		}
	}
	return nil
}

// follow reads from one consumer and moves after along. Nil means that the reading is over.
func (p *part) follow(ctx context.Context, after *events.Position, head events.Position, only contracts.Filter, all bool, yield hand) error {
	l, bytes := p.log, max(readBytes*p.ahead/readEvents, 2*contracts.MaxEvent)
	broken := l.whenBroken()
	c, filters, err := p.consumer(ctx, *after, head, only, all)
	if err != nil {
		return err
	}
	info := c.CachedInfo()
	stop := make(chan struct{})
	defer p.tidy(info.Name)
	defer close(stop)
	if head != forever && info.NumPending == 0 {
		return p.ended(ctx, *after, head, filters)
	}
	incoming, failed := make(chan jetstream.Msg, p.ahead), make(chan error, 1)
	consuming, err := c.Consume(func(m jetstream.Msg) {
		select {
		case incoming <- m:
		case <-stop:
		}
	}, jetstream.PullMaxMessagesWithBytesLimit(2*p.ahead, 2*bytes), jetstream.PullExpiry(20*time.Second),
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
		for more := true; more && len(batch) < p.ahead && size < bytes; {
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
			if late == nil {
				late = time.After(linger)
			}
			subject, ours := strings.CutPrefix(m.Subject(), p.prefix)
			if !ours {
				err, more = errMessage, false
				continue
			}
			if !passes(only, subject) {
				continue
			}
			e, bad := decode(subject, m.Headers(), m.Data(), at.seq)
			if bad != nil {
				err, more = bad, false
				continue
			}
			if batch == nil {
				batch = make([]events.Event, 0, min(uint64(p.ahead), at.pending+1))
			}
			batch, size = append(batch, e), size+len(e.Data)
		}
		further := seen > *after
		*after = seen
		if further && !yield(batch, seen) {
			return nil
		}
		if err == nil && !over && none && head != forever {
			return p.ended(ctx, *after, head, filters)
		}
		if err != nil || over {
			return err
		}
	}
}
