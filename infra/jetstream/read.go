package jetstream

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/internal/attribute"
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
	filters := []string{prefix + ">"}
	if len(only.Kinds) > 0 {
		filters = filters[:0]
		seen := map[string]bool{}
		for _, k := range only.Kinds {
			if attribute.Token(k) && !seen[k] {
				filters, seen[k] = append(filters, prefix+k+".>"), true
			}
		}
		if len(filters) == 0 { // no event can be of such kinds, but a tail waits all the same
			filters = append(filters, prefix+"-.-.-")
		}
	}
	var c jetstream.Consumer
	err := l.ask(ctx, func(ctx context.Context) (err error) {
		c, err = l.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
			DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: uint64(*after) + 1,
			AckPolicy: jetstream.AckNonePolicy, FilterSubjects: filters,
			MemoryStorage: true, Replicas: 1, InactiveThreshold: time.Minute,
		})
		return err
	})
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

	delivered := uint64(0)
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
			over, more = e.Position == head, at.pending > 0 && e.Position != head
			none = at.pending == 0
		}
		if len(batch) > 0 {
			*after = batch[len(batch)-1].Position
			if !yield(batch, nil) {
				return nil
			}
		}
		if err == nil && !over && none && head != forever {
			return l.ended(ctx, *after, head, filters)
		}
		if err != nil || over {
			return err
		}
	}
}

// ended says whether a scan has all: its consumer has no more, but may stand on a server that lags behind the others.
func (l *Log) ended(ctx context.Context, after, head events.Position, filters []string) error {
	if l.copies == 1 || after >= head {
		return nil
	}
	return l.ask(ctx, func(ctx context.Context) error {
		for _, f := range filters {
			if e, err := l.first(ctx, uint64(after)+1, f); err != nil || e != nil && e.Position <= head {
				return errors.Join(err, errAgain)
			}
		}
		return nil
	})
}

// tidy removes a consumer, without keeping its reader.
func (l *Log) tidy(name string) {
	l.mu.Lock() // so that Close does not miss it
	defer l.mu.Unlock()
	if l.isClosed() {
		return
	}
	l.tidying.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = l.stream.DeleteConsumer(ctx, name) // the server itself removes what nobody asks for
	})
}

// place is where the server says that a message stands.
type place struct{ seq, delivered, pending uint64 }

// parsePlace reads it from the subject of the answer that the server would take:
// $JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<tries>.<seq>.<delivered>.<time>.<pending>[.<random>]
func parsePlace(reply string) (p place, ok bool) {
	parts := strings.SplitN(reply, ".", 13)
	switch {
	case len(parts) == 9:
	case len(parts) >= 11:
		parts = parts[2:]
	default:
		return p, false
	}
	var err [3]error
	p.seq, err[0] = strconv.ParseUint(parts[5], 10, 64)
	p.delivered, err[1] = strconv.ParseUint(parts[6], 10, 64)
	p.pending, err[2] = strconv.ParseUint(parts[8], 10, 64)
	return p, errors.Join(err[:]...) == nil
}
