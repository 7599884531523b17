package estest

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
)

// page is how many records the server takes from its log at a time.
const page = 32

// Read implements the protocol: a stream or $all, some events or a subscription, filtered or not.
func (s *service) Read(req *streams.ReadReq, rpc streams.Streams_ReadServer) error {
	o := req.GetOptions()
	if o.GetUuidOption() == nil {
		return refuse(codes.InvalidArgument, "'uuidOption' is a required argument", nil)
	}
	if err := s.node.leads(rpc.Context()); err != nil {
		return err
	}
	r := &reading{log: s.node.cluster.log, rpc: rpc, text: isText(o.GetUuidOption()), back: o.GetReadDirection() == streams.ReadReq_Options_Backwards}
	_, subscribed := o.GetCountOption().(*streams.ReadReq_Options_Subscription)
	var err error
	if r.passes, r.window, r.interval, err = filterOf(o.GetFilter(), subscribed); err != nil {
		return err
	}
	stream, all := o.GetStream(), o.GetAll()
	switch {
	case stream != nil && r.passes == nil && !subscribed:
		err = r.stream(stream, o.GetCount())
	case stream != nil && r.passes == nil && !r.back:
		err = r.subscribeStream(stream)
	case all != nil && !subscribed:
		err = r.all(all, o.GetCount())
	case all != nil && !r.back:
		err = r.subscribe(all)
	default:
		return refuse(codes.InvalidArgument, "The combination is invalid.", nil)
	}
	if errors.Is(err, errPosition) {
		return refuse(codes.InvalidArgument, "Trying to read from an invalid position.", nil)
	}
	return err
}

func isText(o *streams.ReadReq_Options_UUIDOption) bool {
	_, text := o.GetContent().(*streams.ReadReq_Options_UUIDOption_String_)
	return text
}

// reading is one call of Read.
type reading struct {
	log      *store
	rpc      streams.Streams_ReadServer
	text     bool // of event ids
	back     bool
	passes   func(*record) bool // nil: no filter
	window   int
	interval int // records considered between two checkpoints
}

// filterOf reads a filter: what passes, how many records one page may search, and how many are considered between two checkpoints.
func filterOf(f *streams.ReadReq_Options_FilterOptions, subscribed bool) (passes func(*record) bool, window, interval int, err error) {
	if f == nil {
		return nil, page, 0, nil
	}
	window = page
	if m, ok := f.GetWindow().(*streams.ReadReq_Options_FilterOptions_Max); ok {
		window = int(m.Max)
	} else if f.GetCount() == nil {
		return nil, 0, 0, refuse(codes.InvalidArgument, "a filter needs a window", nil)
	}
	if interval = window * int(f.GetCheckpointIntervalMultiplier()); interval == 0 && subscribed {
		return nil, 0, 0, refuse(codes.Unknown, "Exception was thrown by handler.", nil)
	}
	of := func(r *record) string { return r.stream }
	e := f.GetStreamIdentifier()
	if e == nil {
		e, of = f.GetEventType(), func(r *record) string { return r.typ }
	}
	if e == nil || window == 0 {
		return nil, 0, 0, refuse(codes.InvalidArgument, "a filter needs an expression and a window", nil)
	}
	if e.GetRegex() != "" {
		x, err := regexp.Compile(e.GetRegex())
		if err != nil {
			return nil, 0, 0, refuse(codes.InvalidArgument, "the expression of a filter is not regular", nil)
		}
		return func(r *record) bool { return x.MatchString(of(r)) }, window, interval, nil
	}
	return func(r *record) bool {
		for _, p := range e.GetPrefix() {
			if strings.HasPrefix(of(r), p) {
				return true
			}
		}
		return false
	}, window, interval, nil
}

// start is the position that a reading of $all is told to begin at.
func start(o *streams.ReadReq_Options_AllOptions) (at uint64, ok bool) {
	switch v := o.GetAllOption().(type) {
	case *streams.ReadReq_Options_AllOptions_Start:
		return 0, false
	case *streams.ReadReq_Options_AllOptions_End:
		return atEnd, true
	case *streams.ReadReq_Options_AllOptions_Position:
		return v.Position.GetCommitPosition(), true
	}
	return 0, false
}

// all reads $all: forwards from a position, that position included, or backwards from before it.
func (r *reading) all(o *streams.ReadReq_Options_AllOptions, count uint64) error {
	at, _ := start(o)
	for n := uint64(0); n < count; {
		var some []*record
		var next uint64
		var err error
		if r.back {
			some, next, err = r.log.backwards(at, r.window)
		} else {
			some, next, _, err = r.log.forwards(at, r.window)
		}
		if err != nil {
			return err
		}
		for _, e := range some {
			if n < count && (r.passes == nil || r.passes(e)) {
				if err := r.send(e); err != nil {
					return err
				}
				n++
			}
		}
		if len(some) < r.window {
			return nil
		}
		at = next
	}
	return nil
}

// stream reads one stream.
func (r *reading) stream(o *streams.ReadReq_Options_StreamOptions, count uint64) error {
	events, _, ok := r.log.of(string(o.GetStreamIdentifier().GetStreamName()))
	if !ok {
		return r.rpc.Send(&streams.ReadResp{Content: &streams.ReadResp_StreamNotFound_{
			StreamNotFound: &streams.ReadResp_StreamNotFound{StreamIdentifier: o.GetStreamIdentifier()},
		}})
	}
	i, step := 0, 1
	switch v := o.GetRevisionOption().(type) {
	case *streams.ReadReq_Options_StreamOptions_Revision:
		i = int(min(v.Revision, uint64(len(events))))
	case *streams.ReadReq_Options_StreamOptions_End:
		i = len(events)
	}
	if r.back {
		i, step = min(i, len(events)-1), -1
	}
	for ; count > 0 && i >= 0 && i < len(events); i, count = i+step, count-1 {
		if err := r.send(events[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) confirm() error {
	return r.rpc.Send(&streams.ReadResp{Content: &streams.ReadResp_Confirmation{
		Confirmation: &streams.ReadResp_SubscriptionConfirmation{SubscriptionId: uuid.NewString()},
	}})
}

func (r *reading) caughtUp() error {
	return r.rpc.Send(&streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: &streams.ReadResp_CaughtUp{}}})
}

func (r *reading) checkpoint(at uint64) error {
	return r.rpc.Send(&streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{
		Checkpoint: &streams.ReadResp_Checkpoint{CommitPosition: at, PreparePosition: at},
	}})
}

// subscribe follows $all, from after a position. While it catches up, pages are searched and checkpoints come at their interval; when
// the end is reached there is a checkpoint in any case, and word that it has caught up. A reader too slow to follow live falls back to
// catching up, and is told again.
func (r *reading) subscribe(o *streams.ReadReq_Options_AllOptions) error {
	at, given := start(o) // the last record dealt with, from when given is true
	if at == atEnd {
		last, _, err := r.log.backwards(atEnd, 1)
		if err != nil {
			return err
		}
		at = last[0].at
	}
	if _, _, _, err := r.log.forwards(at, 1); err != nil {
		return err
	}
	if err := r.confirm(); err != nil {
		return err
	}
	live, considered, told := false, 0, atEnd
	for {
		some, _, grown, err := r.log.forwards(at, r.window+1)
		if err != nil {
			return err
		}
		if given && len(some) > 0 && some[0].at <= at {
			some = some[1:]
		}
		full := len(some) >= r.window
		if live && full { // fell behind
			live = false
		}
		for _, e := range some {
			if r.passes == nil || r.passes(e) {
				if err := r.send(e); err != nil {
					return err
				}
			}
			at, given = e.at, true
			if considered++; live && r.interval > 0 && considered >= r.interval {
				considered, told = 0, at
				if err := r.checkpoint(at); err != nil {
					return err
				}
			}
		}
		if !live && r.interval > 0 && given && at != told && (considered >= r.interval || !full) {
			considered, told = considered%r.interval, at
			if err := r.checkpoint(at); err != nil {
				return err
			}
		}
		if full {
			continue
		}
		if !live {
			live, considered = true, 0
			if err := r.caughtUp(); err != nil {
				return err
			}
		}
		select {
		case <-grown:
		case <-r.rpc.Context().Done():
			return r.rpc.Context().Err()
		}
	}
}

// subscribeStream follows one stream, from after a revision.
func (r *reading) subscribeStream(o *streams.ReadReq_Options_StreamOptions) error {
	name := string(o.GetStreamIdentifier().GetStreamName())
	events, grown, _ := r.log.of(name)
	i := 0
	switch v := o.GetRevisionOption().(type) {
	case *streams.ReadReq_Options_StreamOptions_Revision:
		i = int(v.Revision) + 1
	case *streams.ReadReq_Options_StreamOptions_End:
		i = len(events)
	}
	if err := r.confirm(); err != nil {
		return err
	}
	for live := false; ; {
		for ; i < len(events); i++ {
			if err := r.send(events[i]); err != nil {
				return err
			}
		}
		if !live {
			live = true
			if err := r.caughtUp(); err != nil {
				return err
			}
		}
		select {
		case <-grown:
		case <-r.rpc.Context().Done():
			return r.rpc.Context().Err()
		}
		events, grown, _ = r.log.of(name)
	}
}

func (r *reading) send(e *record) error {
	return r.rpc.Send(&streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
		Event: &streams.ReadResp_ReadEvent_RecordedEvent{
			Id:               writeID(e.id, r.text),
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(e.stream)},
			StreamRevision:   e.number, PreparePosition: e.at, CommitPosition: e.at,
			Metadata: map[string]string{
				"type": e.typ, "content-type": e.contentType,
				"created": strconv.FormatInt(e.created.UnixNano()/100, 10), // ticks of 100 ns
			},
			CustomMetadata: e.meta, Data: e.data,
		},
		Position: &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: e.at},
	}}})
}
