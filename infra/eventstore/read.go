package eventstore

import (
	"context"
	"errors"
	"iter"
	"math"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/metadata"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

const (
	readEvents = 1000
	readBytes  = 8 << 20
	linger     = 5 * time.Millisecond // how long a batch waits for more while there is a past to catch up with
	forever    = ^events.Position(0)

	window      = 1000 // records that the server searches before it lets others read
	checkpoints = 4    // windows between two checkpoints
)

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

// read goes through the log, with as many calls after each other as it takes; head forever means without end.
func (l *Log) read(ctx context.Context, after, head events.Position, only contracts.Filter, yield func([]events.Event, error) bool) {
	failing := time.Time{}
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
		case final(err):
			err = told(err)
		default:
			if after > was {
				failing = time.Time{}
			}
			if failing.IsZero() {
				failing = time.Now()
				l.opts.logf("log: a reading is being mended (%s)", reason(err))
			}
			if head != forever && time.Since(failing) > patience {
				break // out of the switch: the scan fails
			}
			mending, stop := context.WithCancel(ctx)
			unlink := context.AfterFunc(l.life, stop)
			rest(mending, pause)
			unlink()
			stop()
			continue
		}
		yield(nil, err)
		return
	}
}

// arrived is what a call of Read brings: an event, or a place up to which there is none.
type arrived struct {
	event  events.Event
	beside string
	mine   bool
	upto   events.Position
	caught bool // up with the end
}

// follow reads in one call and moves after along. Nil means that the reading is over.
func (l *Log) follow(ctx context.Context, after *events.Position, head events.Position, only contracts.Filter, yield func([]events.Event, error) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.life, cancel)()
	n, err := l.nodes.find(ctx)
	if err != nil {
		return err
	}
	req := l.names.request(only.Kinds)
	from := &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_Start{Start: &shared.Empty{}}}
	if *after > 0 {
		from.AllOption = &streams.ReadReq_Options_AllOptions_Position{
			Position: &streams.ReadReq_Options_Position{CommitPosition: uint64(*after), PreparePosition: uint64(*after)},
		}
	}
	req.Options.StreamOption = &streams.ReadReq_Options_All{All: from}
	req.Options.CountOption = &streams.ReadReq_Options_Count{Count: math.MaxInt64}
	if head == forever {
		req.Options.CountOption = &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}}
	}
	in, err := streams.NewStreamsClient(n.conn).Read(l.nodes.outgoing(ctx), req)
	if err != nil {
		l.nodes.failed(n, err, nil)
		return err
	}
	incoming, failed := make(chan arrived, readEvents), make(chan error, 1)
	go l.receive(ctx, in, incoming, failed)
	err = l.gather(ctx, incoming, failed, after, head, only, yield)
	if err != nil && ctx.Err() == nil {
		l.nodes.failed(n, err, trailers(in, err))
	}
	return err
}

// trailers may be asked for once a call has ended.
func trailers(in streams.Streams_ReadClient, err error) metadata.MD {
	if errors.Is(err, errRecord) || errors.Is(err, errAgain) {
		return nil
	}
	return in.Trailer()
}

// errAgain: this call has brought what it can, another one goes on where it stopped.
var errAgain = errors.New("log: the reading goes on in another call")

// receive takes what a call brings, until it ends.
func (l *Log) receive(ctx context.Context, in streams.Streams_ReadClient, incoming chan<- arrived, failed chan<- error) {
	for {
		m, err := in.Recv()
		if err != nil {
			failed <- err
			return
		}
		var a arrived
		switch c := m.GetContent().(type) {
		case *streams.ReadResp_Event:
			if a.event, a.beside, a.mine, err = l.names.decodeAll(c.Event.GetEvent()); err != nil {
				failed <- err
				return
			}
			a.upto = events.Position(c.Event.GetEvent().GetCommitPosition())
		case *streams.ReadResp_Checkpoint_:
			a.upto = events.Position(c.Checkpoint.GetCommitPosition())
		case *streams.ReadResp_CaughtUp_:
			a.caught = true
		default:
			continue
		}
		select {
		case incoming <- a:
		case <-ctx.Done():
			failed <- ctx.Err()
			return
		}
	}
}

// gather makes batches of what arrives and hands them over.
func (l *Log) gather(ctx context.Context, incoming <-chan arrived, failed <-chan error, after *events.Position, head events.Position, only contracts.Filter, yield func([]events.Event, error) bool) (err error) {
	live, over := false, false
	for err == nil && !over {
		var batch []events.Event
		var late <-chan time.Time
		for size, more := 0, true; more && len(batch) < readEvents && size < readBytes; {
			a, got := arrived{}, false
			select {
			case a = <-incoming:
				got = true
			default:
				if live && batch != nil { // nothing more is under way, as far as one can know
					more = false
					continue
				}
				select {
				case a = <-incoming:
					got = true
				case <-late:
				case <-ctx.Done():
					return ctx.Err()
				case err = <-failed:
					// What came before the failure is there already, and is handed over first.
					select {
					case a = <-incoming:
						got = true
						again := make(chan error, 1)
						again <- err
						failed, err = again, nil
					default:
					}
				}
			}
			switch {
			case !got:
				more = false
				continue
			case a.caught:
				live, more = true, len(batch) == 0
				continue
			case head != forever && a.upto > head:
				over, more = true, false
				continue
			case a.upto <= *after:
				continue // a scan begins with the event that it is to come after
			case !a.mine || !only.Has(a.event.Stream):
				if len(batch) == 0 && a.upto > *after {
					*after = a.upto
				}
				over = a.upto == head
				more = !over
				continue
			}
			if a.beside != "" {
				if a.event.Data, err = l.fetch(ctx, a.beside); err != nil {
					more = false
					continue
				}
			}
			if batch == nil {
				batch = make([]events.Event, 0, 32)
				late = time.After(linger)
			}
			batch, size = append(batch, a.event), size+len(a.event.Data)
			over = a.upto == head
			more = !over
		}
		if len(batch) > 0 {
			*after = batch[len(batch)-1].Position
			if !yield(batch, nil) {
				return nil
			}
		}
	}
	if ended(err) {
		// No subscription ends by itself; and a scan of everything meets the head, which is an event.
		if head == forever || len(only.Kinds) == 0 && *after < head {
			return errAgain
		}
		return nil
	}
	return err
}
