package eventstore

import (
	"errors"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/logtest"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/eventstore/estest"
)

// On a database of its own a register has plain names, and the suite holds as well.
func TestLogOfItsOwn(t *testing.T) {
	logtest.Test(t, logtest.Adapter{Open: func(t *testing.T) contracts.Log { return connect(t, estest.Start(t, estest.Options{}).URL()) }})
}

func connect(t *testing.T, address string) *Log {
	t.Helper()
	l, err := Connect(t.Context(), address, Options{Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func write(id string, expect events.Revision, n int) contracts.Write {
	w := contracts.Write{Stream: events.Stream{Kind: "person", ID: id}, Expect: expect}
	for range n {
		w.Events = append(w.Events, events.Event{Type: "daicho.tested.v1", Data: []byte("{}")})
	}
	return w
}

func count(t *testing.T, l *Log) (n int) {
	t.Helper()
	for batch, err := range l.Scan(t.Context(), 0, contracts.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		n += len(batch)
	}
	return n
}

// What is not known to be stored shows itself afterwards, as stored or as not, and is stored once by whoever decides again.
func TestOutcomesThatAreNotKnown(t *testing.T) {
	s := estest.Start(t, estest.Options{})
	l := connect(t, s.URL())
	for i, c := range []struct {
		fate          estest.Fate
		known, stored bool
	}{{estest.NotReady, true, false}, {estest.AnswerLost, false, true}, {estest.CutBefore, false, false}, {estest.CutAfter, false, true}} {
		id := string(rune('a' + i))
		s.Fates(func(string) estest.Fate { return c.fate })
		r := l.Append(t.Context(), []contracts.Write{write(id, 0, 2)})[0]
		s.Fates(nil)
		if r.Err == nil || errors.Is(r.Err, contracts.ErrUnknown) == c.known {
			t.Errorf("fate %d: %v", c.fate, r.Err)
		}
		again := l.Append(t.Context(), []contracts.Write{write(id, 0, 2)})[0]
		if c.stored && !errors.Is(again.Err, contracts.ErrConflict) || !c.stored && again.Err != nil {
			t.Errorf("fate %d, again: %v", c.fate, again.Err)
		}
	}
	if n := count(t, l); n != 8 {
		t.Errorf("%d events instead of 8", n)
	}
}

// The log follows the leader: through gossip, through what a node says, and over its end.
func TestLeaderChanges(t *testing.T) {
	s := estest.Start(t, estest.Options{Nodes: 3})
	l := connect(t, "kurrentdb+discover"+strings.TrimPrefix(s.URL(), "esdb"))
	at := events.Revision(0)
	put := func() {
		t.Helper()
		for range 3 {
			r := l.Append(t.Context(), []contracts.Write{write("p", at, 1)})[0]
			if r.Err == nil {
				at = r.Revision
				return
			}
		}
		t.Fatal("three appends in a row failed")
	}
	got := make(chan events.Position, 100)
	go func() {
		defer close(got)
		for batch := range l.Tail(t.Context(), 0, contracts.Filter{Kinds: []string{"person"}}) {
			for _, e := range batch {
				got <- e.Position
			}
		}
	}()
	put()
	<-got
	s.Lead(1) // the old leader lives on and says so
	put()
	s.Lead(2)
	s.Node(1).Stop()
	put()
	s.Node(1).Start()
	last := events.Position(0)
	for range 2 {
		p := <-got
		if p <= last {
			t.Fatal("the tail lost its order")
		}
		last = p
	}
	if h, err := l.Head(t.Context()); err != nil || h != last {
		t.Errorf("head %d %v, the tail is at %d", h, err, last)
	}
}

// Users and TLS; and no error shows a password.
func TestUsersAndTLS(t *testing.T) {
	s := estest.Start(t, estest.Options{TLS: true, User: "daicho", Password: "geheim"})
	if r := connect(t, s.URL()).Append(t.Context(), []contracts.Write{write("p", 0, 2)})[0]; r.Err != nil {
		t.Error(r.Err)
	}
	for _, bad := range []string{
		strings.Replace(s.URL(), "geheim", "geheim2", 1), strings.Replace(s.URL(), "daicho:geheim@", "", 1),
		"esdb://daicho:geheim@host:port", "esdb://daicho:geh eim@host", "esdb://", "esdb://u:geheim@h?tlsCaFile=/nowhere",
	} {
		l, err := Connect(t.Context(), bad, Options{})
		if err == nil {
			l.Close()
			t.Errorf("%s is taken", bad)
		} else if strings.Contains(err.Error(), "geheim") {
			t.Errorf("an error shows the password: %v", err)
		}
	}
}

// Others write into the same database: what is not the register's is passed over, and the head is the register's own.
func TestOthersInTheDatabase(t *testing.T) {
	s := estest.Start(t, estest.Options{})
	l := connect(t, s.URL())
	r := l.Append(t.Context(), []contracts.Write{write("p", 0, 1)})[0]
	conf, err := esdb.ParseConnectionString(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	c, err := esdb.NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for _, stream := range []string{"person-x", "order-1", "other:person-y"} {
		if _, err := c.AppendToStream(t.Context(), stream, esdb.AppendToStreamOptions{}, esdb.EventData{EventType: "order.placed", Data: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	if h, err := l.Head(t.Context()); err != nil || h != r.Positions[0] {
		t.Errorf("head %d %v, want %d", h, err, r.Positions[0])
	}
	if n := count(t, l); n != 1 {
		t.Errorf("%d events instead of one", n)
	}
	// What pretends to be the register's, and is not, stops the reading.
	if _, err := c.AppendToStream(t.Context(), "person-x", esdb.AppendToStreamOptions{}, esdb.EventData{EventType: "daicho.forged", Data: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	for _, err = range l.Scan(t.Context(), 0, contracts.Filter{Kinds: []string{"person"}}) {
	}
	if !errors.Is(err, errRecord) {
		t.Errorf("a forged event: %v", err)
	}
}

// FuzzDecode: whatever a server sends as an event is read without panic.
func FuzzDecode(f *testing.F) {
	f.Add("person-a", "daicho.x.v1", []byte(`{"specversion":"1.0","id":"%41","time":"2024-02-29T00:00:00Z","daichorecorded":"2024-02-29T00:00:00Z"}`), uint64(7), uint64(7))
	f.Add("p.q-", "daicho.", []byte(`{`), uint64(0), ^uint64(0))
	f.Fuzz(func(t *testing.T, stream, typ string, meta []byte, commit, prepare uint64) {
		e, ok, err := names{}.decode(&streams.ReadResp_ReadEvent_RecordedEvent{
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)}, Metadata: map[string]string{"type": typ},
			CustomMetadata: meta, CommitPosition: commit, PreparePosition: prepare,
		})
		if ok && (err != nil || (names{}).write(e.Stream) != stream || uint64(e.Position) != commit || commit != prepare) {
			t.Fatalf("%q became %+v (%v)", stream, e.Stream, err)
		}
		_, _, _ = place(typ)
	})
}
