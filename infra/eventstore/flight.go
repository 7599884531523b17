package eventstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/daicho-dev/daicho/contracts"
)

const (
	ackWait = 30 * time.Second
	// What may be under way at once.
	roomWrites = 4000
	roomBytes  = 32 << 20
)

// flight is one call of appends, and what in it has been sent and not yet been answered.
type flight struct {
	rpc    streams.Streams_BatchAppendClient
	ctx    context.Context // ends with the call
	cancel context.CancelFunc

	mu      sync.Mutex
	waiting map[[2]int64]*sent
	landed  bool
}

type sent struct {
	answer chan outcome
	timer  *time.Timer
	bytes  int
	room   *room
}

// outcome is the server's answer to one append.
type outcome struct {
	number          uint64 // of the last event in its stream
	commit, prepare uint64 // of the last event in the log
	err             error
}

func key(id *shared.UUID) [2]int64 {
	s := id.GetStructured()
	return [2]int64{s.GetMostSignificantBits(), s.GetLeastSignificantBits()}
}

// expect registers what is about to be sent, unless the call has ended. A server that does not answer in time is given up with all that
// is under way.
func (f *flight) expect(id *shared.UUID, bytes int, r *room) (*sent, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.landed {
		return nil, false
	}
	s := &sent{answer: make(chan outcome, 1), timer: time.AfterFunc(ackWait, f.cancel), bytes: bytes, room: r}
	f.waiting[key(id)] = s
	return s, true
}

// forget strikes out what could not be sent; its room is the caller's again. It is false for what the end of the call struck out.
func (f *flight) forget(id *shared.UUID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.waiting[key(id)]
	if ok {
		delete(f.waiting, key(id))
		s.timer.Stop()
	}
	return ok
}

func (f *flight) end(k [2]int64, s *sent, o outcome) {
	delete(f.waiting, k)
	s.timer.Stop()
	s.answer <- o
	s.room.give(s.bytes)
}

// land takes the server's answers until the call ends, and then says why it did. What was not answered by then is not known.
func (f *flight) land() (metadata.MD, error) {
	defer f.cancel()
	for {
		m, err := f.rpc.Recv()
		if err != nil {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.landed = true
			for k, s := range f.waiting {
				f.end(k, s, outcome{err: contracts.ErrUnknown})
			}
			return f.rpc.Trailer(), err
		}
		o := outcome{}
		switch r := m.GetResult().(type) {
		case *streams.BatchAppendResp_Success_:
			at := r.Success.GetPosition()
			o = outcome{number: r.Success.GetCurrentRevision(), commit: at.GetCommitPosition(), prepare: at.GetPreparePosition()}
		case *streams.BatchAppendResp_Error:
			o.err = refused(r.Error)
		default:
			o.err = contracts.ErrUnknown
		}
		f.mu.Lock()
		if s, ok := f.waiting[key(m.GetCorrelationId())]; ok {
			f.end(key(m.GetCorrelationId()), s, o)
		}
		f.mu.Unlock()
	}
}

// refused reads what the server says of an append that it does not report as stored.
func refused(s *status.Status) error {
	for _, d := range s.GetDetails() {
		switch d.MessageName() {
		case "event_store.client.WrongExpectedVersion":
			return contracts.ErrConflict
		case "event_store.client.AccessDenied":
			return fmt.Errorf("log: the server does not let this user write; nothing was stored")
		case "event_store.client.StreamDeleted":
			return fmt.Errorf("log: the stream was deleted on the server, by another program; nothing was stored")
		case "event_store.client.MaximumAppendSizeExceeded":
			return fmt.Errorf("log: the write is larger than this server takes; nothing was stored; set its MaxAppendSize to %d or more", 1<<20)
		}
	}
	switch codes.Code(s.GetCode()) {
	case codes.OK, codes.InvalidArgument, codes.FailedPrecondition, codes.PermissionDenied:
		return errAbsent // not ready, busy, or not to be written: it was not stored
	}
	return contracts.ErrUnknown
}

// await waits for an answer. Who stops waiting does not know.
func (s *sent) await(ctx context.Context) outcome {
	select {
	case o := <-s.answer:
		return o
	default:
	}
	select {
	case o := <-s.answer:
		return o
	case <-ctx.Done():
		return outcome{err: contracts.ErrUnknown}
	}
}

// room bounds what is under way.
type room struct {
	mu     sync.Mutex
	writes int
	bytes  int
	freed  chan struct{} // gets a token when there may be room again
}

// take waits for room, unless nothing else is under way. Only one caller at a time waits.
func (r *room) take(ctx context.Context, done <-chan struct{}, bytes int) error {
	for {
		r.mu.Lock()
		if r.writes == 0 || r.writes < roomWrites && r.bytes+bytes <= roomBytes {
			r.writes, r.bytes = r.writes+1, r.bytes+bytes
			r.mu.Unlock()
			return nil
		}
		r.mu.Unlock()
		select {
		case <-r.freed:
		case <-ctx.Done():
			return ctx.Err()
		case <-done:
			return contracts.ErrClosed
		}
	}
}

func (r *room) give(bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes, r.bytes = r.writes-1, r.bytes-bytes
	select {
	case r.freed <- struct{}{}:
	default:
	}
}
