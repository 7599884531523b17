package estest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/daicho-dev/daicho/infra/eventstore/estest"
)

// dial connects the database's own client.
func dial(t *testing.T, url string) *esdb.Client {
	t.Helper()
	conf, err := esdb.ParseConnectionString(url)
	if err != nil {
		t.Fatal(err)
	}
	conf.Logger, conf.MaxDiscoverAttempts = nil, 3
	c, err := esdb.NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func event(n int) esdb.EventData {
	return esdb.EventData{
		EventID: uuid.NewSHA1(uuid.Nil, fmt.Append(nil, n)), EventType: "test.happened", ContentType: esdb.ContentTypeJson,
		Data: fmt.Appendf(nil, `{"n":%d}`, n), Metadata: fmt.Appendf(nil, `{"m":%d}`, n),
	}
}

func several(from, n int) (all []esdb.EventData) {
	for i := range n {
		all = append(all, event(from+i))
	}
	return all
}

func put(t *testing.T, c *esdb.Client, stream string, events ...esdb.EventData) *esdb.WriteResult {
	t.Helper()
	r, err := c.AppendToStream(t.Context(), stream, esdb.AppendToStreamOptions{}, events...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// is checks the code of an error of the client.
func is(t *testing.T, err error, code esdb.ErrorCode) {
	t.Helper()
	var e *esdb.Error
	if !errors.As(err, &e) || !e.IsErrorCode(code) {
		t.Errorf("got %v, want code %d", err, code)
	}
}

func drain(t *testing.T, r *esdb.ReadStream, err error) (all []*esdb.RecordedEvent) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		e, err := r.Recv()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e.OriginalEvent())
	}
}

func numbers(events []*esdb.RecordedEvent) string {
	var s []string
	for _, e := range events {
		s = append(s, fmt.Sprintf("%s@%d", e.StreamID, e.EventNumber))
	}
	return strings.Join(s, " ")
}

func TestStreamsAreAppendedAndRead(t *testing.T) {
	c := dial(t, estest.Start(t, estest.Options{}).URL())
	r := put(t, c, "a-1", several(0, 3)...)
	put(t, c, "b-1", event(10))
	r2 := put(t, c, "a-1", event(3))
	if r.NextExpectedVersion != 2 || r2.NextExpectedVersion != 3 || r2.CommitPosition <= r.CommitPosition || r.CommitPosition != r.PreparePosition {
		t.Errorf("%+v, then %+v", r, r2)
	}
	for _, q := range []struct {
		opts  esdb.ReadStreamOptions
		count uint64
		want  string
	}{
		{esdb.ReadStreamOptions{}, 10, "a-1@0 a-1@1 a-1@2 a-1@3"},
		{esdb.ReadStreamOptions{From: esdb.Revision(1)}, 2, "a-1@1 a-1@2"},
		{esdb.ReadStreamOptions{From: esdb.Revision(9)}, 2, ""},
		{esdb.ReadStreamOptions{From: esdb.End{}}, 2, ""},
		{esdb.ReadStreamOptions{From: esdb.End{}, Direction: esdb.Backwards}, 2, "a-1@3 a-1@2"},
		{esdb.ReadStreamOptions{From: esdb.Revision(1), Direction: esdb.Backwards}, 9, "a-1@1 a-1@0"},
	} {
		in, err := c.ReadStream(t.Context(), "a-1", q.opts, q.count)
		if got := numbers(drain(t, in, err)); got != q.want {
			t.Errorf("%+v: %s, want %s", q.opts, got, q.want)
		}
	}
	in, err := c.ReadStream(t.Context(), "a-1", esdb.ReadStreamOptions{}, 10)
	all := drain(t, in, err)
	if e := all[2]; string(e.Data) != `{"n":2}` || string(e.UserMetadata) != `{"m":2}` || e.EventType != "test.happened" || e.EventID != event(2).EventID ||
		e.ContentType != "application/json" || e.Position.Commit != r.CommitPosition || time.Since(e.CreatedDate).Abs() > time.Minute {
		t.Errorf("an event came back as %+v", e)
	}
	in, err = c.ReadStream(t.Context(), "none", esdb.ReadStreamOptions{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = in.Recv()
	is(t, err, esdb.ErrorCodeResourceNotFound)
}

func TestAllIsOneOrderWithTheServersOwn(t *testing.T) {
	c := dial(t, estest.Start(t, estest.Options{}).URL())
	for i := range 50 {
		put(t, c, fmt.Sprintf("a-%d", i%3), event(i))
	}
	in, err := c.ReadAll(t.Context(), esdb.ReadAllOptions{}, 1000)
	all := drain(t, in, err)
	own, system, at := 0, 0, uint64(0)
	for i, e := range all {
		if strings.HasPrefix(e.StreamID, "$") {
			system++
		} else {
			own++
		}
		if i > 0 && e.Position.Commit <= at {
			t.Fatal("positions do not grow")
		}
		at = e.Position.Commit
	}
	if own != 50 || system < 2 {
		t.Errorf("%d events and %d of the server's", own, system)
	}
	in, err = c.ReadAll(t.Context(), esdb.ReadAllOptions{From: all[40].Position}, 2)
	if some := drain(t, in, err); some[0].Position != all[40].Position || len(some) != 2 {
		t.Error("reading from a position does not begin there")
	}
	in, err = c.ReadAll(t.Context(), esdb.ReadAllOptions{From: all[40].Position, Direction: esdb.Backwards}, 1)
	if some := drain(t, in, err); some[0].Position != all[39].Position {
		t.Error("reading backwards from a position does not begin before it")
	}
	in, err = c.ReadAll(t.Context(), esdb.ReadAllOptions{From: esdb.End{}, Direction: esdb.Backwards}, 1)
	if some := drain(t, in, err); some[0].Position != all[len(all)-1].Position {
		t.Error("reading backwards from the end does not begin with the last")
	}
	in, err = c.ReadAll(t.Context(), esdb.ReadAllOptions{From: esdb.Position{Commit: all[40].Position.Commit + 1, Prepare: 1}}, 1)
	if err == nil {
		_, err = in.Recv()
	}
	if err == nil || errors.Is(err, io.EOF) {
		t.Error("one can read from a position at which nothing begins")
	}
}

func TestExpectedVersions(t *testing.T) {
	c := dial(t, estest.Start(t, estest.Options{}).URL())
	put(t, c, "s", several(0, 2)...)
	n := 100
	for _, q := range []struct {
		stream string
		expect esdb.ExpectedRevision
		ok     bool
	}{
		{"s", esdb.NoStream{}, false}, {"s", esdb.Revision(0), false}, {"s", esdb.Revision(7), false}, {"s", esdb.Revision(1), true},
		{"s", esdb.StreamExists{}, true}, {"s", esdb.Any{}, true}, {"new", esdb.StreamExists{}, false}, {"new", esdb.Revision(0), false},
		{"new", esdb.NoStream{}, true},
	} {
		n++
		_, err := c.AppendToStream(t.Context(), q.stream, esdb.AppendToStreamOptions{ExpectedRevision: q.expect}, event(n))
		if q.ok && err != nil {
			t.Errorf("%s expecting %v: %v", q.stream, q.expect, err)
		} else if !q.ok {
			is(t, err, esdb.ErrorCodeWrongExpectedVersion)
		}
	}
	// The same events again, expecting what they expected: answered as the first time, and stored once.
	first, err := c.AppendToStream(t.Context(), "twice", esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, several(0, 2)...)
	if err != nil {
		t.Fatal(err)
	}
	put(t, c, "twice", event(5))
	for _, e := range []esdb.ExpectedRevision{esdb.NoStream{}, esdb.Any{}} {
		again, err := c.AppendToStream(t.Context(), "twice", esdb.AppendToStreamOptions{ExpectedRevision: e}, several(0, 2)...)
		if err != nil || *again != *first {
			t.Errorf("again: %+v %v, first %+v", again, err, first)
		}
	}
	in, err := c.ReadStream(t.Context(), "twice", esdb.ReadStreamOptions{}, 10)
	if got := drain(t, in, err); len(got) != 3 {
		t.Errorf("%d events instead of 3", len(got))
	}
}

func TestWhatIsRefused(t *testing.T) {
	s := estest.Start(t, estest.Options{})
	c := dial(t, s.URL())
	put(t, c, "s", event(0))
	_, err := c.DeleteStream(t.Context(), "s", esdb.DeleteStreamOptions{})
	is(t, err, esdb.ErrorCodeAccessDenied)
	_, err = c.TombstoneStream(t.Context(), "s", esdb.TombstoneStreamOptions{})
	is(t, err, esdb.ErrorCodeAccessDenied)
	big := event(1)
	big.Data = make([]byte, 1<<20+1)
	if _, err = c.AppendToStream(t.Context(), "s", esdb.AppendToStreamOptions{}, big); err == nil {
		t.Error("an append of more than MaxAppendSize was taken")
	}
	if n := s.Streams()["s"]; n != 1 {
		t.Errorf("%d events are in the stream", n)
	}
	if v, err := c.GetServerVersion(); err != nil || v.Major < 22 {
		t.Errorf("version %v %v", v, err)
	}
}

func TestAnswersThatDoNotCome(t *testing.T) {
	s := estest.Start(t, estest.Options{})
	c := dial(t, s.URL())
	put(t, c, "s", event(0))
	forever := make(chan struct{})
	s.Fates(func(string) estest.Fate { <-forever; return estest.Stored })
	soon := 100 * time.Millisecond
	_, err := c.AppendToStream(t.Context(), "s", esdb.AppendToStreamOptions{Deadline: &soon}, event(1))
	is(t, err, esdb.ErrorCodeDeadlineExceeded)
	close(forever)
	s.Fates(func(string) estest.Fate { return estest.AnswerLost })
	_, err = c.AppendToStream(t.Context(), "lost", esdb.AppendToStreamOptions{}, event(2))
	is(t, err, esdb.ErrorAborted)
	s.Fates(func(string) estest.Fate { return estest.CutBefore })
	_, err = c.AppendToStream(t.Context(), "cut", esdb.AppendToStreamOptions{}, event(3))
	is(t, err, esdb.ErrorUnavailable)
	s.Fates(nil)
	if n := s.Streams(); n["lost"] != 1 || n["cut"] != 0 {
		t.Errorf("what was lost and what was cut: %v", n)
	}
}

func TestRestartKeepsTheLog(t *testing.T) {
	s := estest.Start(t, estest.Options{})
	r := put(t, dial(t, s.URL()), "s", several(0, 3)...)
	s.Node(0).Stop()
	c := dial(t, s.URL())
	_, err := c.AppendToStream(t.Context(), "s", esdb.AppendToStreamOptions{}, event(3))
	is(t, err, esdb.ErrorUnavailable)
	s.Node(0).Start()
	in, err := dial(t, s.URL()).ReadStream(t.Context(), "s", esdb.ReadStreamOptions{}, 10)
	if all := drain(t, in, err); len(all) != 3 || all[2].Position.Commit != r.CommitPosition {
		t.Errorf("%d of 3 events", len(all))
	}
}

func TestUsersAndTLS(t *testing.T) {
	s := estest.Start(t, estest.Options{TLS: true, User: "admin", Password: "right"})
	put(t, dial(t, s.URL()), "s", event(0))
	ask := func(url string) error { // by a read: of an append refused before it was read, the client may see no more than the end of the call
		in, err := dial(t, url).ReadStream(context.Background(), "s", esdb.ReadStreamOptions{}, 1)
		if err == nil {
			defer in.Close()
			_, err = in.Recv()
		}
		return err
	}
	is(t, ask(strings.Replace(s.URL(), "right", "wrong", 1)), esdb.ErrorCodeUnauthenticated)
	is(t, ask(strings.Replace(s.URL(), "admin:right@", "", 1)), esdb.ErrorCodeAccessDenied)
	url, _, _ := strings.Cut(s.URL(), "&tlsCaFile")
	is(t, ask(url), esdb.ErrorUnavailable) // a certificate that nobody vouches for
}
