package eventstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/internal/attribute"
)

const (
	// A server takes 1 MiB in one append unless it is told otherwise (MaxAppendSize). A Write that would be larger has its data beside it.
	appendBytes = 900 << 10
	besideBytes = 512 // of data, above which it then lies beside its event
	lookups     = 16  // positions asked for at a time
)

var errWrite = errors.New("log: a write holds 1 to MaxWrite events of at most MaxEvent bytes, and a call at most one write a stream")

// put is a Write on its way.
type put struct {
	stream   string
	expect   events.Revision
	messages []*streams.BatchAppendReq_ProposedMessage
	besides  []*put // to be stored before it: data that it refers to
	bytes    int
	sent     *sent
	err      error // that kept it from being sent
}

// Append implements contracts.Log. Every Write is an append of its own, and they go one behind the other through one call, so that the
// server stores them in this order without being waited for.
func (l *Log) Append(ctx context.Context, writes []contracts.Write) []contracts.Result {
	results := make([]contracts.Result, len(writes))
	err := ctx.Err()
	if l.isClosed() {
		err = contracts.ErrClosed
	}
	puts := make([]*put, len(writes))
	seen := make(map[events.Stream]struct{}, len(writes))
	for i := range writes {
		_, twice := seen[writes[i].Stream]
		seen[writes[i].Stream] = struct{}{}
		if twice {
			puts[i] = &put{err: errWrite}
		} else {
			puts[i] = l.prepare(&writes[i])
		}
	}
	if err == nil {
		select {
		case l.order <- struct{}{}:
			for _, p := range puts {
				if p.err == nil {
					p.err = l.send(ctx, p)
				}
			}
			<-l.order
		case <-ctx.Done():
			err = ctx.Err()
		case <-l.life.Done():
			err = contracts.ErrClosed
		}
	}
	var several []int // of more than one event: only the last one's position is in the answer
	for i, p := range puts {
		switch {
		case err != nil:
			results[i].Err = err
		case p.err != nil:
			results[i].Err = p.err
		default:
			o := p.sent.await(ctx)
			if results[i].Err = o.err; o.err != nil {
				continue
			}
			results[i].Revision = revision(o.number)
			if len(p.messages) > 1 {
				several = append(several, i)
			} else if at, err := position(o.commit, o.prepare); err != nil {
				results[i] = contracts.Result{Err: contracts.ErrUnknown}
			} else {
				results[i].Positions = []events.Position{at}
			}
		}
	}
	l.locate(ctx, puts, results, several)
	return results
}

// prepare makes the messages of a Write.
func (l *Log) prepare(w *contracts.Write) *put {
	if len(w.Events) == 0 || len(w.Events) > contracts.MaxWrite || !attribute.Token(w.Stream.Kind) || !attribute.Token(w.Stream.ID) {
		return &put{err: errWrite}
	}
	bytes := 0
	for i := range w.Events {
		e := &w.Events[i]
		if len(e.Data) > contracts.MaxEvent {
			return &put{err: errWrite}
		}
		bytes += len(e.Data) + len(e.ID) + len(e.Source) + 3*len(e.Type) + len(e.Policy) + 256
	}
	p := &put{stream: l.names.write(w.Stream), expect: w.Expect}
	store := beside + uuid.NewString()
	for i := range w.Events {
		e := w.Events[i]
		besides := ""
		if bytes > appendBytes && len(e.Data) > besideBytes {
			besides = fmt.Sprintf("%s/%d", store, len(p.besides))
			p.besides = append(p.besides, &put{
				stream: store, expect: events.Revision(len(p.besides)), bytes: len(e.Data),
				messages: []*streams.BatchAppendReq_ProposedMessage{message(partType, e.Data)},
			})
			e.Data = nil
		}
		m, err := encode(&e, besides)
		if err != nil {
			return &put{err: err}
		}
		p.messages, p.bytes = append(p.messages, m), p.bytes+len(m.Data)+len(m.CustomMetadata)
	}
	return p
}

// send hands a Write to the server, while the caller holds the order. An error says that nothing of it will be stored.
func (l *Log) send(ctx context.Context, p *put) error {
	for _, b := range p.besides {
		if err := l.transmit(ctx, b); err != nil {
			return err
		}
	}
	for _, b := range p.besides { // an event must not refer to what is not there
		if err := b.sent.await(ctx).err; err != nil {
			return errors.Join(ctx.Err(), errAbsent)
		}
	}
	if now := time.Now().UTC().Truncate(time.Millisecond); now.After(l.last) {
		l.last = now
	}
	stamp := l.last.Format(attribute.Clock)
	for _, m := range p.messages {
		record(m, stamp)
	}
	return l.transmit(ctx, p)
}

// transmit sends one append. A call that has broken since the last one is made anew; what could not be handed to it is not stored.
func (l *Log) transmit(ctx context.Context, p *put) error {
	id := newID()
	req := &streams.BatchAppendReq{
		CorrelationId: id, IsFinal: true, ProposedMessages: p.messages,
		Options: &streams.BatchAppendReq_Options{
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(p.stream)},
			DeadlineOption:   &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(ackWait)},
		},
	}
	switch p.expect {
	case events.AnyRevision:
		req.Options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_Any{Any: &emptypb.Empty{}}
	case 0:
		req.Options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_NoStream{NoStream: &emptypb.Empty{}}
	default:
		req.Options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_StreamPosition{StreamPosition: uint64(p.expect) - 1}
	}
	for range 2 {
		if err := l.room.take(ctx, l.life.Done(), p.bytes); err != nil {
			return err
		}
		f, err := l.board(ctx)
		if err != nil {
			l.room.give(p.bytes)
			return err
		}
		var flies bool
		if p.sent, flies = f.expect(id, p.bytes, &l.room); flies && f.rpc.Send(req) == nil {
			return nil
		}
		if !flies || f.forget(id) {
			l.room.give(p.bytes)
		}
		f.cancel()
	}
	return errAbsent
}

// board answers the open call of appends, or opens one. The caller holds the order.
func (l *Log) board(ctx context.Context) (*flight, error) {
	if l.flight != nil && l.flight.ctx.Err() == nil {
		return l.flight, nil
	}
	opening, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	defer context.AfterFunc(l.life, cancel)()
	n, err := l.nodes.find(opening)
	if err == nil {
		f := &flight{waiting: map[[2]int64]*sent{}}
		f.ctx, f.cancel = context.WithCancel(l.life)
		if f.rpc, err = streams.NewStreamsClient(n.conn).BatchAppend(l.nodes.outgoing(f.ctx)); err == nil {
			l.flight = f
			l.active.Go(func() {
				trailer, err := f.land()
				if !l.isClosed() {
					l.nodes.failed(n, err, trailer)
				}
			})
			return f, nil
		}
		f.cancel()
		l.nodes.failed(n, err, nil)
	}
	switch {
	case l.isClosed():
		return nil, contracts.ErrClosed
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case final(err):
		return nil, told(err)
	}
	return nil, errAbsent
}

// locate asks where the events of some Writes stand. If that cannot be found out, neither is it known here that they are stored: who
// wrote them reads them again.
func (l *Log) locate(ctx context.Context, puts []*put, results []contracts.Result, which []int) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, lookups)
	for _, i := range which {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			n := len(puts[i].messages)
			first := uint64(results[i].Revision) - uint64(n)
			at := make([]events.Position, 0, n)
			err := l.ask(ctx, func(rpc streams.StreamsClient, ctx context.Context) (metadata.MD, error) {
				at = at[:0]
				return each(rpc, ctx, inStream(puts[i].stream, first, n), func(r *streams.ReadResp_ReadEvent_RecordedEvent) (bool, error) {
					p, err := position(r.GetCommitPosition(), r.GetPreparePosition())
					at = append(at, p)
					return true, err
				})
			})
			if results[i].Positions = at; err != nil || len(at) != n {
				results[i] = contracts.Result{Err: contracts.ErrUnknown}
			}
		})
	}
	wg.Wait()
}

// inStream is the reading of some events of one stream.
func inStream(stream string, from uint64, n int) *streams.ReadReq {
	return &streams.ReadReq{Options: &streams.ReadReq_Options{
		StreamOption: &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)},
			RevisionOption:   &streams.ReadReq_Options_StreamOptions_Revision{Revision: from},
		}},
		CountOption:  &streams.ReadReq_Options_Count{Count: uint64(n)},
		FilterOption: &streams.ReadReq_Options_NoFilter{NoFilter: &shared.Empty{}},
		UuidOption:   &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_Structured{Structured: &shared.Empty{}}},
	}}
}

// fetch reads data that lies beside its event.
func (l *Log) fetch(ctx context.Context, besides string) (data []byte, err error) {
	stream, number, err := place(besides)
	if err != nil {
		return nil, err
	}
	found := false
	err = l.ask(ctx, func(rpc streams.StreamsClient, ctx context.Context) (metadata.MD, error) {
		return each(rpc, ctx, inStream(stream, number, 1), func(r *streams.ReadResp_ReadEvent_RecordedEvent) (bool, error) {
			data, found = r.GetData(), r.GetStreamRevision() == number && r.GetMetadata()["type"] == partType
			return false, nil
		})
	})
	if err == nil && !found {
		err = errRecord
	}
	return data, err
}
