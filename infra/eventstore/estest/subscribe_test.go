package estest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/daicho-dev/daicho/infra/eventstore/estest"
)

// follow says in words what a subscription brings, until it has brought a number of things.
func follow(t *testing.T, c *esdb.Client, o esdb.SubscribeToAllOptions, n int) (said []string, at []uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	s, err := c.SubscribeToAll(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for len(said) < n {
		switch e := s.Recv(); {
		case e.EventAppeared != nil:
			said, at = append(said, e.EventAppeared.Event.StreamID), append(at, e.EventAppeared.Event.Position.Commit)
		case e.CheckPointReached != nil:
			said, at = append(said, "checkpoint"), append(at, e.CheckPointReached.Commit)
		case e.CaughtUp != nil:
			said, at = append(said, "caught up"), append(at, 0)
		case e.SubscriptionDropped != nil:
			t.Fatalf("dropped after %v: %v", said, e.SubscriptionDropped.Error)
		}
	}
	return said, at
}

func TestFilteredSubscriptions(t *testing.T) {
	c := dial(t, estest.Start(t, estest.Options{}).URL())
	for i := range 20 {
		put(t, c, fmt.Sprintf("%c-%d", 'a'+i%2, i), event(i))
	}
	prefix := func(p ...string) *esdb.SubscriptionFilter {
		return &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: p}
	}
	for _, q := range []struct {
		name   string
		filter *esdb.SubscriptionFilter
		events int
	}{
		{"stream prefix", prefix("a-"), 10}, {"two prefixes", prefix("a-1", "b-1"), 11},
		{"stream expression", &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Regex: "^b-[0-4]$"}, 2},
		{"type prefix", &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Prefixes: []string{"test."}}, 20},
		{"type expression", &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Regex: "^\\$stats"}, 2},
		{"nothing", prefix("zz"), 0},
	} {
		said, at := follow(t, c, esdb.SubscribeToAllOptions{From: esdb.Start{}, Filter: q.filter, MaxSearchWindow: 1000}, q.events+2)
		for i, s := range said[:q.events] {
			if s == "checkpoint" || s == "caught up" || i > 0 && at[i] <= at[i-1] {
				t.Errorf("%s: %v", q.name, said)
				break
			}
		}
		// Whatever passed, there is a place to go on from, and word that the end is reached.
		if tail := strings.Join(said[q.events:], ", "); tail != "checkpoint, caught up" {
			t.Errorf("%s ends with %s", q.name, tail)
		}
	}
	// Going on from a checkpoint, or from an event, gives what comes after it.
	said, at := follow(t, c, esdb.SubscribeToAllOptions{From: esdb.Start{}, Filter: prefix("a-"), MaxSearchWindow: 1000}, 12)
	rest, _ := follow(t, c, esdb.SubscribeToAllOptions{From: esdb.Position{Commit: at[3], Prepare: at[3]}, Filter: prefix("a-"), MaxSearchWindow: 1000}, 8)
	if strings.Join(rest, " ") != strings.Join(said[4:], " ") {
		t.Errorf("after the fourth: %v, want %v", rest, said[4:])
	}
	// It is told that it has caught up although nothing was there to be searched.
	if rest, _ = follow(t, c, esdb.SubscribeToAllOptions{From: esdb.Position{Commit: at[10], Prepare: at[10]}, Filter: prefix("a-")}, 2); rest[len(rest)-1] != "caught up" {
		t.Errorf("after the checkpoint: %v", rest)
	}
}

// In small windows there is a checkpoint every so many records, whether anything passes or not.
func TestCheckpointsComeAtTheirInterval(t *testing.T) {
	c := dial(t, estest.Start(t, estest.Options{}).URL())
	for i := range 100 {
		put(t, c, fmt.Sprintf("a-%d", i), event(i))
	}
	said, at := follow(t, c, esdb.SubscribeToAllOptions{
		From: esdb.Start{}, Filter: &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"zz"}}, MaxSearchWindow: 10, CheckpointInterval: 2,
	}, 7)
	for i := range 5 {
		if said[i] != "checkpoint" || i > 0 && at[i] <= at[i-1] {
			t.Fatalf("%v", said)
		}
	}
	if said[6] != "caught up" {
		t.Errorf("%v", said)
	}
}

func TestLiveEventsArrive(t *testing.T) {
	c := dial(t, estest.Start(t, estest.Options{}).URL())
	put(t, c, "a-1", event(0))
	for i, from := range []esdb.AllPosition{esdb.Start{}, esdb.End{}} {
		s, err := c.SubscribeToAll(t.Context(), esdb.SubscribeToAllOptions{From: from})
		if err != nil {
			t.Fatal(err)
		}
		for e := s.Recv(); e.CaughtUp == nil; e = s.Recv() {
			if e.SubscriptionDropped != nil {
				t.Fatal(e.SubscriptionDropped.Error)
			}
		}
		r := put(t, c, "live", event(10+i))
		for {
			e := s.Recv()
			if e.SubscriptionDropped != nil {
				t.Fatal(e.SubscriptionDropped.Error)
			}
			if e.EventAppeared != nil && e.EventAppeared.Event.StreamID == "live" {
				if e.EventAppeared.Event.Position.Commit != r.CommitPosition {
					t.Error("another event than the one written came first")
				}
				break
			}
		}
		_ = s.Close()
		put(t, c, "a-1", event(20+i))
	}
	s, err := c.SubscribeToStream(t.Context(), "one", esdb.SubscribeToStreamOptions{From: esdb.Start{}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Recv().CaughtUp == nil {
		t.Error("a stream that is not there yet has no end to reach")
	}
	put(t, c, "one", several(0, 2)...)
	if e := s.Recv(); e.EventAppeared == nil || e.EventAppeared.Event.EventNumber != 0 {
		t.Errorf("%+v", e)
	}
}

func TestNobodySubscribesFromNowhere(t *testing.T) {
	c := dial(t, estest.Start(t, estest.Options{}).URL())
	if s, err := c.SubscribeToAll(t.Context(), esdb.SubscribeToAllOptions{From: esdb.Position{Commit: 3, Prepare: 3}}); err == nil {
		_ = s.Close()
		t.Error("a subscription from a position at which nothing begins")
	}
}

// Gossip leads the client to the leader; whoever asks another node for the leader is told where it is.
func TestOneNodeLeads(t *testing.T) {
	s := estest.Start(t, estest.Options{Nodes: 3})
	put(t, dial(t, s.URL()), "s", event(0))
	s.Lead(1)
	s.Node(0).Stop()
	put(t, dial(t, s.URL()), "s", event(1))
	if n := s.Streams()["s"]; n != 2 {
		t.Errorf("%d events", n)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "requires-leader", "true")
	_, trailer, err := batch(t, ctx, s.Node(2).Address(), request("s", 0, 0))
	if status.Code(err) != codes.NotFound || trailer.Get("exception")[0] != "not-leader" ||
		trailer.Get("leader-endpoint-host")[0]+":"+trailer.Get("leader-endpoint-port")[0] != s.Node(1).Address() {
		t.Errorf("%v, %v", err, trailer)
	}
	if _, _, err = batch(t, t.Context(), s.Node(2).Address(), request("s", 1, 1)); err != nil {
		t.Errorf("who does not ask for the leader: %v", err)
	}
	s.Lead(-1)
	if _, _, err = batch(t, ctx, s.Node(2).Address(), request("s", 2, 2)); status.Code(err) != codes.Unknown {
		t.Errorf("without a leader: %v", err)
	}
}

func request(stream string, id int64, expect uint64) *streams.BatchAppendReq {
	return &streams.BatchAppendReq{
		CorrelationId: uid(id), IsFinal: true,
		Options: &streams.BatchAppendReq_Options{
			StreamIdentifier:       &shared.StreamIdentifier{StreamName: []byte(stream)},
			ExpectedStreamPosition: &streams.BatchAppendReq_Options_StreamPosition{StreamPosition: expect},
			DeadlineOption:         &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(time.Second)},
		},
		ProposedMessages: []*streams.BatchAppendReq_ProposedMessage{{
			Id: uid(1000 + id), Metadata: map[string]string{"type": "t", "content-type": "application/json"}, Data: []byte("{}"),
		}},
	}
}

func uid(n int64) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{LeastSignificantBits: n}}}
}

// batch sends appends through one call; the client has no such call of its own.
func batch(t *testing.T, ctx context.Context, address string, reqs ...*streams.BatchAppendReq) (all []*streams.BatchAppendResp, trailer metadata.MD, err error) {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	call, err := streams.NewStreamsClient(conn).BatchAppend(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range reqs {
		if err := call.Send(r); err != nil {
			break
		}
	}
	if err := call.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for range reqs {
		m, err := call.Recv()
		if err != nil {
			return all, call.Trailer(), err
		}
		all = append(all, m)
	}
	return all, nil, nil
}

func TestBatchesOfAppends(t *testing.T) {
	s := estest.Start(t, estest.Options{MaxAppendSize: 100})
	first := request("s", 1, 0)
	first.Options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_NoStream{NoStream: &emptypb.Empty{}}
	late := request("s", 4, 1)
	late.Options.DeadlineOption = &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(0)}
	nowhere := request("s", 5, 1)
	nowhere.Options.StreamIdentifier = nil
	large := request("s", 6, 1)
	large.ProposedMessages[0].Data = make([]byte, 101)
	part := request("s", 7, 1) // in two parts, with another append between them
	part.IsFinal = false
	other := request("s", 7, 1)
	other.Options, other.ProposedMessages[0].Id = nil, uid(2007)
	all, _, err := batch(t, t.Context(), s.Node(0).Address(), first, request("s", 2, 0), request("s", 3, 9), late, nowhere, large, part,
		request("z", 8, 0), other)
	if err == nil {
		t.Error("one append more was answered than was complete")
	}
	want := []string{"1 at 0", "2 at 1", "3 WrongExpectedVersion", "4 Timeout", "5 BadRequest", "6 MaximumAppendSizeExceeded", "8 WrongExpectedVersion", "7 at 3"}
	var got []string
	for _, m := range all {
		id := m.GetCorrelationId().GetStructured().GetLeastSignificantBits()
		if e := m.GetError(); e != nil {
			got = append(got, fmt.Sprint(id, " ", e.GetDetails()[0].MessageName().Name()))
		} else {
			got = append(got, fmt.Sprint(id, " at ", m.GetSuccess().GetCurrentRevision()))
		}
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("%v, want %v", got, want)
	}
}
