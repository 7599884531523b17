// Package eventstore is the log on EventStoreDB (KurrentDB). README.md tells the life of an event here.
package eventstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

const (
	askWait  = 5 * time.Second // how long a question that may be repeated is repeated
	pause    = 50 * time.Millisecond
	patience = 30 * time.Second // how long a scan tries to mend
)

// Options of a log; the zero value will do.
type Options struct {
	Logf func(string, ...any) // gets what was mended, and warnings; nil: silence
	// Name keeps registers apart that share a database: it stands before the name of every stream, with a colon. Of [a-z0-9_-]; empty: the
	// register has the database's plain stream names.
	Name string
}

// Log is a contracts.Log on EventStoreDB. Connect makes one.
type Log struct {
	opts  Options
	names names
	nodes *nodes

	order  chan struct{} // holds a token while a call sends: whoever has it comes next in the log
	last   time.Time     // the latest recorded time; under order
	flight *flight       // the open call of appends; under order
	room   room

	life   context.Context // ends with Close
	end    context.CancelFunc
	active sync.WaitGroup // what receives in the background
}

var _ contracts.Log = (*Log)(nil)

// Connect opens the log at esdb://host:port, esdb+discover://host:port,…, or the same with kurrentdb. The settings in the address are
// those of the server's own clients.
func Connect(ctx context.Context, address string, opts Options) (*Log, error) {
	conf, err := configuration(address, opts.logf)
	if err != nil {
		return nil, err
	}
	n, err := newNames(opts.Name)
	if err != nil {
		return nil, err
	}
	l := &Log{opts: opts, names: n, nodes: newNodes(conf, opts.logf), order: make(chan struct{}, 1)}
	l.life, l.end = context.WithCancel(context.Background())
	l.room.freed = make(chan struct{}, 1)
	// This also finds the node that leads, and whether it lets us in.
	last, err := l.newest(ctx)
	if err != nil {
		l.Close()
		return nil, err
	}
	if last != nil {
		l.last = last.Recorded
	}
	return l, nil
}

// Head implements contracts.Log.
func (l *Log) Head(ctx context.Context) (events.Position, error) {
	e, err := l.newest(ctx)
	if err != nil || e == nil {
		return 0, err
	}
	return e.Position, nil
}

// newest is the last event of this register; nil in an empty one.
func (l *Log) newest(ctx context.Context) (found *events.Event, err error) {
	err = l.ask(ctx, func(rpc streams.StreamsClient, ctx context.Context) (metadata.MD, error) {
		req := l.names.request(nil)
		req.Options.ReadDirection = streams.ReadReq_Options_Backwards
		req.Options.StreamOption = &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{
			AllOption: &streams.ReadReq_Options_AllOptions_End{End: &shared.Empty{}},
		}}
		// Without end, and ended at the first that is ours: other registers may share the database.
		req.Options.CountOption = &streams.ReadReq_Options_Count{Count: math.MaxInt64}
		found = nil
		return each(rpc, ctx, req, func(r *streams.ReadResp_ReadEvent_RecordedEvent) (bool, error) {
			e, ours, err := l.names.decode(r)
			if err != nil || !ours {
				return err == nil, err
			}
			found = &e
			return false, nil
		})
	})
	return found, err
}

// each goes through the events of a reading that ends, for as long as it is told to go on.
func each(rpc streams.StreamsClient, ctx context.Context, req *streams.ReadReq, f func(*streams.ReadResp_ReadEvent_RecordedEvent) (more bool, err error)) (metadata.MD, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in, err := rpc.Read(ctx, req)
	if err != nil {
		return nil, err
	}
	for {
		m, err := in.Recv()
		switch {
		case ended(err):
			return nil, nil
		case err != nil:
			return in.Trailer(), err
		}
		if r := m.GetEvent().GetEvent(); r != nil {
			if more, err := f(r); err != nil || !more {
				return nil, err
			}
		}
	}
}

// ask does a request that may be repeated, on the node that leads, until it is answered or that takes too long.
func (l *Log) ask(ctx context.Context, request func(streams.StreamsClient, context.Context) (metadata.MD, error)) error {
	if l.isClosed() {
		return contracts.ErrClosed
	}
	asking, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	defer context.AfterFunc(l.life, cancel)()
	for {
		n, err := l.nodes.find(asking)
		if err == nil {
			var trailer metadata.MD
			if trailer, err = request(streams.NewStreamsClient(n.conn), l.nodes.outgoing(asking)); err == nil {
				return nil
			}
			l.nodes.failed(n, err, trailer)
		}
		switch {
		case l.isClosed():
			return contracts.ErrClosed
		case ctx.Err() != nil:
			return ctx.Err()
		case final(err):
			return told(err)
		case asking.Err() != nil || !rest(asking, pause):
			return fmt.Errorf("%w (%s)", errSilent, reason(err))
		}
	}
}

var (
	errSilent = errors.New("log: the server does not answer")
	errAbsent = errors.New("log: no server takes the events just now")
)

// final says whether an error will be the same however often one asks.
func final(err error) bool {
	if errors.Is(err, errRecord) || errors.Is(err, errServer) {
		return true
	}
	switch status.Code(err) {
	case codes.PermissionDenied, codes.Unauthenticated, codes.InvalidArgument, codes.Unimplemented, codes.OutOfRange:
		return true
	}
	return false
}

// told is an error for whoever runs the engine. What a server says is passed on by its kind only: its texts name streams.
func told(err error) error {
	switch status.Code(err) {
	case codes.PermissionDenied:
		return errors.New("log: the server does not let this user read $all and write; give the address a user who may (esdb://user:password@…, over TLS)")
	case codes.Unauthenticated:
		return errors.New("log: the server does not know the user, or not this password")
	case codes.InvalidArgument:
		return errors.New("log: the server refuses the request; if a position was given, it is not one of this log's")
	case codes.Unimplemented:
		return errServer
	}
	return err
}

// reason is what went wrong, in a word, for a line of the log.
func reason(err error) string {
	if s, ok := status.FromError(err); ok {
		return s.Code().String()
	}
	return err.Error()
}

// rest waits a while; false if the context ended first.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Close ends every call under way, and the connection.
func (l *Log) Close() {
	l.end()
	l.active.Wait()
	l.nodes.close()
}

func (l *Log) isClosed() bool { return l.life.Err() != nil }

func (o Options) logf(format string, a ...any) {
	if o.Logf != nil {
		o.Logf(format, a...)
	}
}
