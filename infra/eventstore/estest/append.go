package estest

import (
	"context"
	"errors"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
)

// service are the streams of one node.
type service struct {
	streams.UnimplementedStreamsServer
	node *Node
}

// Append implements the protocol: a header, then the events one by one, then one answer.
func (s *service) Append(rpc streams.Streams_AppendServer) error {
	first, err := rpc.Recv()
	if err != nil {
		return err
	}
	o := first.GetOptions()
	if o == nil {
		return refuse(codes.Unknown, "Exception was thrown by handler.", nil)
	}
	expect := int64(0)
	switch v := o.ExpectedStreamRevision.(type) {
	case *streams.AppendReq_Options_Revision:
		expect = int64(v.Revision)
	case *streams.AppendReq_Options_Any:
		expect = anyVersion
	case *streams.AppendReq_Options_NoStream:
		expect = noStream
	case *streams.AppendReq_Options_StreamExists:
		expect = streamExists
	default:
		return refuse(codes.InvalidArgument, "an expected revision is required", nil)
	}
	var events []*record
	size := 0
	for {
		m, err := rpc.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		p := m.GetProposedMessage()
		e, err := proposed(p.GetId(), p.GetMetadata(), p.GetCustomMetadata(), p.GetData())
		if err != nil {
			return err
		}
		if size += sizeOf(e); size > s.node.cluster.limit() {
			return refuse(codes.InvalidArgument, "Maximum Append Size of "+strconv.Itoa(s.node.cluster.limit())+" Exceeded.",
				map[string]string{"exception": "maximum-append-size-exceeded", "maximum-append-size": strconv.Itoa(s.node.cluster.limit())})
		}
		events = append(events, e)
	}
	if err := s.node.leads(rpc.Context()); err != nil {
		return err
	}
	number, at, err := s.node.cluster.write(string(o.GetStreamIdentifier().GetStreamName()), expect, events)
	var wrong wrongVersion
	switch {
	case errors.As(err, &wrong):
		return rpc.SendAndClose(&streams.AppendResp{Result: &streams.AppendResp_WrongExpectedVersion_{WrongExpectedVersion: wrong.inAppend()}})
	case errors.Is(err, errLost):
		return refuse(codes.Aborted, "Operation timed out: the answer was lost", nil)
	case err != nil:
		return refuse(codes.Unavailable, "Server Is Not Ready", nil)
	}
	return rpc.SendAndClose(&streams.AppendResp{Result: &streams.AppendResp_Success_{Success: &streams.AppendResp_Success{
		CurrentRevisionOption: &streams.AppendResp_Success_CurrentRevision{CurrentRevision: number},
		PositionOption: &streams.AppendResp_Success_Position{
			Position: &streams.AppendResp_Position{CommitPosition: at, PreparePosition: at},
		},
	}}})
}

func (w wrongVersion) inAppend() *streams.AppendResp_WrongExpectedVersion {
	out := &streams.AppendResp_WrongExpectedVersion{}
	switch w.expected {
	case anyVersion:
		out.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedAny{ExpectedAny: &shared.Empty{}}
	case streamExists:
		out.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: &shared.Empty{}}
	case noStream:
		out.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &shared.Empty{}}
	default:
		out.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: uint64(w.expected)}
	}
	if w.current < 0 {
		out.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &shared.Empty{}}
	} else {
		out.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: uint64(w.current)}
	}
	return out
}

// pending is an append of which not everything has arrived.
type pending struct {
	stream *shared.StreamIdentifier
	expect int64
	events []*record
	size   int
}

// BatchAppend implements the protocol: appends arrive in parts under a correlation id and are written in the order in which they are
// complete; each is answered by itself.
func (s *service) BatchAppend(rpc streams.Streams_BatchAppendServer) error {
	waiting := map[uuid.UUID]*pending{}
	var sending sync.Mutex
	answer := func(id *shared.UUID, stream *shared.StreamIdentifier, a *streams.BatchAppendResp) error {
		a.CorrelationId, a.StreamIdentifier = id, stream
		sending.Lock()
		defer sending.Unlock()
		return rpc.Send(a)
	}
	for {
		m, err := rpc.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		id := parseID(m.GetCorrelationId())
		if o := m.GetOptions(); o != nil {
			p := &pending{stream: o.GetStreamIdentifier()}
			switch v := o.ExpectedStreamPosition.(type) {
			case *streams.BatchAppendReq_Options_StreamPosition:
				p.expect = int64(v.StreamPosition)
			case *streams.BatchAppendReq_Options_Any:
				p.expect = anyVersion
			case *streams.BatchAppendReq_Options_NoStream:
				p.expect = noStream
			case *streams.BatchAppendReq_Options_StreamExists:
				p.expect = streamExists
			}
			if p.stream == nil || o.ExpectedStreamPosition == nil {
				if err := answer(m.CorrelationId, p.stream, failed(codes.InvalidArgument, "BadRequest", &shared.BadRequest{})); err != nil {
					return err
				}
				continue
			}
			if late(o) {
				if err := answer(m.CorrelationId, p.stream, failed(codes.DeadlineExceeded, "Timeout", &shared.Timeout{})); err != nil {
					return err
				}
				continue
			}
			waiting[id] = p
		}
		p := waiting[id]
		if p == nil {
			continue // refused before
		}
		for _, pm := range m.GetProposedMessages() {
			e, err := proposed(pm.GetId(), pm.GetMetadata(), pm.GetCustomMetadata(), pm.GetData())
			if err != nil {
				return err
			}
			p.events, p.size = append(p.events, e), p.size+sizeOf(e)
		}
		if limit := s.node.cluster.limit(); p.size > limit {
			delete(waiting, id)
			if err := answer(m.CorrelationId, p.stream, failed(codes.InvalidArgument, "MaximumAppendSizeExceeded",
				&shared.MaximumAppendSizeExceeded{MaxAppendSize: uint32(limit)})); err != nil {
				return err
			}
			continue
		}
		if !m.GetIsFinal() {
			continue
		}
		delete(waiting, id)
		if err := s.node.leads(rpc.Context()); err != nil {
			return err
		}
		number, at, err := s.node.cluster.write(string(p.stream.GetStreamName()), p.expect, p.events)
		a := &streams.BatchAppendResp{Result: &streams.BatchAppendResp_Success_{Success: &streams.BatchAppendResp_Success{
			CurrentRevisionOption: &streams.BatchAppendResp_Success_CurrentRevision{CurrentRevision: number},
			PositionOption:        &streams.BatchAppendResp_Success_Position{Position: &shared.AllStreamPosition{CommitPosition: at, PreparePosition: at}},
		}}}
		var wrong wrongVersion
		switch {
		case errors.As(err, &wrong):
			a = failed(codes.AlreadyExists, "WrongExpectedVersion", wrong.inBatch())
		case errors.Is(err, errLost):
			a = failed(codes.DeadlineExceeded, "Timeout", &shared.Timeout{})
		case errors.Is(err, errGone):
			return refuse(codes.Unavailable, "the connection was lost", nil)
		case err != nil:
			a = failed(codes.OK, "Server Is Not Ready", &shared.Empty{})
		}
		if err := answer(m.CorrelationId, p.stream, a); err != nil {
			return err
		}
	}
}

func (w wrongVersion) inBatch() *shared.WrongExpectedVersion {
	out := &shared.WrongExpectedVersion{}
	switch w.expected {
	case anyVersion:
		out.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedAny{ExpectedAny: &emptypb.Empty{}}
	case streamExists:
		out.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: &emptypb.Empty{}}
	case noStream:
		out.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &emptypb.Empty{}}
	default:
		out.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedStreamPosition{ExpectedStreamPosition: uint64(w.expected)}
	}
	if w.current < 0 {
		out.CurrentStreamRevisionOption = &shared.WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &emptypb.Empty{}}
	} else {
		out.CurrentStreamRevisionOption = &shared.WrongExpectedVersion_CurrentStreamRevision{CurrentStreamRevision: uint64(w.current)}
	}
	return out
}

func failed(code codes.Code, message string, detail proto.Message) *streams.BatchAppendResp {
	st := &status.Status{Code: int32(code), Message: message}
	if d, err := anypb.New(detail); err == nil {
		st.Details = []*anypb.Any{d}
	}
	return &streams.BatchAppendResp{Result: &streams.BatchAppendResp_Error{Error: st}}
}

// late says whether an append's deadline has passed before it was taken up.
func late(o *streams.BatchAppendReq_Options) bool {
	switch d := o.DeadlineOption.(type) {
	case *streams.BatchAppendReq_Options_Deadline:
		return d.Deadline.AsDuration() <= 0
	case *streams.BatchAppendReq_Options_Deadline_21_10_0:
		return time.Until(d.Deadline_21_10_0.AsTime()) <= 0
	}
	return false
}

// proposed makes a record of an event as a client sends it.
func proposed(id *shared.UUID, metadata map[string]string, custom, data []byte) (*record, error) {
	for _, k := range []string{"type", "content-type"} {
		if _, ok := metadata[k]; !ok {
			return nil, refuse(codes.InvalidArgument, "Required Metadata Property '"+k+"' is missing",
				map[string]string{"exception": "missing-required-metadata-property", "required-metadata-properties": "type,content-type"})
		}
	}
	return &record{id: parseID(id), typ: metadata["type"], contentType: metadata["content-type"], data: data, meta: custom}, nil
}

func sizeOf(e *record) int { return len(e.data) + len(e.meta) + 2*len(e.typ) }

func parseID(id *shared.UUID) uuid.UUID {
	if s := id.GetStructured(); s != nil {
		var b uuid.UUID
		for i := range 8 {
			b[i] = byte(uint64(s.MostSignificantBits) >> (56 - 8*i))
			b[8+i] = byte(uint64(s.LeastSignificantBits) >> (56 - 8*i))
		}
		return b
	}
	b, err := uuid.Parse(id.GetString_())
	if err != nil {
		return uuid.Nil
	}
	return b
}

func writeID(id uuid.UUID, asText bool) *shared.UUID {
	if asText {
		return &shared.UUID{Value: &shared.UUID_String_{String_: id.String()}}
	}
	var most, least uint64
	for i := range 8 {
		most, least = most<<8|uint64(id[i]), least<<8|uint64(id[8+i])
	}
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits: int64(most), LeastSignificantBits: int64(least),
	}}}
}

// Delete and Tombstone are refused: what stands in this log is for good.
func (s *service) Delete(context.Context, *streams.DeleteReq) (*streams.DeleteResp, error) {
	return nil, denied()
}

// Tombstone implements the protocol.
func (s *service) Tombstone(context.Context, *streams.TombstoneReq) (*streams.TombstoneResp, error) {
	return nil, denied()
}

func denied() error {
	return refuse(codes.PermissionDenied, "Access Denied", map[string]string{"exception": "access-denied"})
}
