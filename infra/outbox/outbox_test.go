package outbox

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/components/forwarder"
	"github.com/ThreeDotsLabs/watermill/message"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/daicho-dev/daicho/infra/natsbus"
	"github.com/daicho-dev/daicho/infra/postgres/pgtest"
)

// debezium is its outbox, with what it leaves to the company.
const debezium = `create table box (id uuid primary key default gen_random_uuid(), aggregatetype varchar(255) not null, aggregateid varchar(255) not null,
	type varchar(255) not null, payload jsonb, created_at timestamptz default now(), seq bigserial)`

type world struct {
	t    *testing.T
	url  string
	db   *sql.DB
	said []string
}

func at(t *testing.T, url string) *world {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &world{t: t, url: url, db: db}
}

func (w *world) do(query string, args ...any) {
	w.t.Helper()
	if _, err := w.db.ExecContext(w.t.Context(), query, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) left(table string) (n int) {
	w.t.Helper()
	if err := w.db.QueryRowContext(w.t.Context(), `select count(*) from `+table).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) reads(table, order string) (<-chan *message.Message, func()) {
	w.t.Helper()
	b, err := Open(w.url, order, func(format string, a ...any) { w.said = append(w.said, fmt.Sprintf(format, a...)) })
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	var ch <-chan *message.Message
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) { // the server ends who read before a moment after they have gone
		if ch, err = b.Subscribe(ctx, table); err == nil {
			break
		}
		if time.Since(began) > 30*time.Second {
			w.t.Fatal(err)
		}
	}
	end := func() {
		cancel()
		for m := range ch {
			m.Nack()
		}
	}
	w.t.Cleanup(end)
	return ch, end
}

func take(t *testing.T, from <-chan *message.Message) *message.Message {
	t.Helper()
	select {
	case m, ok := <-from:
		if !ok {
			t.Fatal("the channel is closed")
		}
		return m
	case <-time.After(30 * time.Second):
		t.Fatal("no row comes")
	}
	return nil
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: does not come about", what)
		}
	}
}

// A row is a CloudEvent; what is acknowledged is deleted, what is not comes again, and what was written late is not missed.
func TestDebeziumsForm(t *testing.T) {
	w := at(t, pgtest.Start(t).Database(t))
	w.do(debezium)
	insert := func(by interface {
		ExecContext(context.Context, string, ...any) (sql.Result, error)
	}, key string) {
		t.Helper()
		if _, err := by.ExecContext(t.Context(), `insert into box (aggregatetype, aggregateid, type, payload, created_at) values ('rental.web', 'rental:山%', 'collected', $1, '2026-10-01T12:00:00.5+09')`,
			`{"key":"`+key+`"}`); err != nil {
			t.Fatal(err)
		}
	}
	late, err := w.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	insert(late, "late")
	for i := range 3 {
		insert(w.db, fmt.Sprint(i))
	}
	ch, end := w.reads("box", "seq")
	var first []*message.Message
	for i := range 3 { // all, before one is acknowledged
		m := take(t, ch)
		if string(m.Payload) != fmt.Sprintf(`{"key": "%d"}`, i) {
			t.Fatalf("%s comes as the %dth", m.Payload, i)
		}
		first = append(first, m)
	}
	for name, want := range map[string]string{
		"ce-specversion": "1.0", "ce-source": "/rental/web", "ce-subject": "rental:山%25", "ce-type": "daicho.collected.v1",
		"ce-time": "2026-10-01T03:00:00.500000Z", "content-type": "application/json",
	} {
		if got := first[0].Metadata.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if len(first[0].Metadata.Get("ce-id")) != 36 {
		t.Errorf("the id is %q", first[0].Metadata.Get("ce-id"))
	}
	if b, _ := Open(w.url, "seq", nil); func() bool { _, err := b.Subscribe(t.Context(), "box"); return err == nil }() {
		t.Error("two read one table")
	}
	first[0].Ack()
	first[1].Nack()
	first[2].Ack()
	for range ch { // it ends
	}
	end()
	if err := late.Commit(); err != nil {
		t.Fatal(err)
	}
	ch, end = w.reads("box", "seq")
	for _, want := range []string{"late", "1"} {
		m := take(t, ch)
		if string(m.Payload) != `{"key": "`+want+`"}` {
			t.Errorf("%s comes again, want %s", m.Payload, want)
		}
		m.Ack()
	}
	until(t, "an empty table", func() bool { return w.left("box") == 0 })
	insert(w.db, "live")
	take(t, ch).Ack()
	until(t, "an empty table", func() bool { return w.left("box") == 0 })
	end()
}

// Many rows, over a server that is cut in between: none is lost, and none deleted that was not acknowledged.
func TestDatabaseIsCut(t *testing.T) {
	s := pgtest.Own(t)
	w := at(t, s.Database(t))
	w.do(debezium)
	const n = 1700
	w.do(`insert into box (aggregatetype, aggregateid, type, payload) select 'a', 'b', 'c', to_jsonb(i) from generate_series(1, $1::int) i`, n)
	seen, again := map[string]bool{}, 0
	cuts := map[int]bool{300: true, 1200: true}
	for len(seen) < n {
		b, err := Open(w.url, "seq", nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ch, err := b.Subscribe(ctx, "box")
		if err != nil {
			cancel()
			time.Sleep(10 * time.Millisecond)
			continue
		}
		before := 0
		for m := range ch {
			i, err := strconv.Atoi(string(m.Payload))
			if err != nil || i <= before {
				t.Fatalf("%s comes after %d", m.Payload, before)
			}
			before = i
			if seen[string(m.Payload)] {
				again++
			}
			seen[string(m.Payload)] = true
			if cuts[len(seen)] {
				delete(cuts, len(seen))
				s.Cut(t)
				s.Begin(t)
			}
			m.Ack()
			if len(seen) == n {
				break
			}
		}
		cancel()
		for m := range ch {
			m.Ack()
		}
	}
	if len(cuts) > 0 || again == 0 {
		t.Errorf("the server was not cut where it should have been (%d rows came twice)", again)
	}
	ch, _ := w.reads("box", "seq")
	go func() {
		for m := range ch {
			m.Ack()
		}
	}()
	until(t, "an empty table", func() bool { return w.left("box") == 0 })
}

// What watermill's own publishers write is read as it was published, with or without the forwarder's envelope.
func TestWatermillsForm(t *testing.T) {
	for name, schema := range map[string]wsql.SchemaAdapter{
		"default": wsql.DefaultPostgreSQLSchema{},
		"bytes":   wsql.DefaultPostgreSQLSchema{GeneratePayloadType: func(string) string { return "BYTEA" }},
		"queue":   wsql.PostgreSQLQueueSchema{},
	} {
		t.Run(name, func(t *testing.T) {
			w := at(t, pgtest.Start(t).Database(t))
			p, err := wsql.NewPublisher(wsql.BeginnerFromStdSQL(w.db), wsql.PublisherConfig{SchemaAdapter: schema, AutoInitializeSchema: true}, watermill.NopLogger{})
			if err != nil {
				t.Fatal(err)
			}
			wrapped := forwarder.NewPublisher(p, forwarder.PublisherConfig{ForwarderTopic: "events"})
			for i := range 4 {
				m := message.NewMessage(watermill.NewUUID(), fmt.Appendf(nil, `{"n":%d}`, i))
				m.Metadata.Set("content-type", "application/cloudevents+json")
				m.Metadata.Set(natsbus.Reply, "somewhere")
				if err := []message.Publisher{p, wrapped}[i%2].Publish([]string{"events", "daicho.intake.rental.web"}[i%2], m); err != nil {
					t.Fatal(err)
				}
			}
			ch, _ := w.reads("watermill_events", "")
			for i := range 4 {
				m := take(t, ch)
				if string(m.Payload) != fmt.Sprintf(`{"n":%d}`, i) || m.Metadata.Get("content-type") != "application/cloudevents+json" || m.Metadata.Get(natsbus.Reply) != "" {
					t.Errorf("row %d is %s %v", i, m.Payload, m.Metadata)
				}
				if want := []string{"", "daicho.intake.rental.web"}[i%2]; m.Metadata.Get(natsbus.Subject) != want {
					t.Errorf("row %d: its topic is %q", i, m.Metadata.Get(natsbus.Subject))
				}
				m.Ack()
			}
			until(t, "an empty table", func() bool { return w.left("watermill_events") == 0 })
		})
	}
}

func TestWhatIsNoOutbox(t *testing.T) {
	w := at(t, pgtest.Start(t).Database(t))
	w.do(`create table other (id int, payload text)`)
	w.do(strings.Replace(debezium, "box", "nameless", 1))
	for table, order := range map[string]string{"other": "", "missing": "", "nameless": "", "no.such.table": "", `a"; drop table other`: ""} {
		b, err := Open(w.url, order, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Subscribe(t.Context(), table); err == nil {
			t.Errorf("%s is read", table)
		}
	}
	w.left("other")
	for _, url := range []string{"postgres://u@192.0.2.1/d", "postgres://u@192.0.2.1/d?sslmode=disable", "postgres://u@db.example/d?sslmode=prefer", "postgres://%"} {
		if _, err := Open(url, "", nil); err == nil {
			t.Errorf("%s is spoken to", url)
		}
	}
	for _, url := range []string{"postgres://u@192.0.2.1/d?sslmode=require", "postgres://u@127.0.0.1/d", "postgres://u@localhost/d"} {
		if _, err := Open(url, "", nil); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	f, err := formOf(map[string]string{"id": "text", "aggregatetype": "text", "aggregateid": "text", "type": "text", "payload": "text", "position": "bigint", "timestamp": "timestamp without time zone"}, "")
	if err != nil || !slices.Contains(f.columns, "null") {
		t.Errorf("a moment without its zone is taken for one: %v %v", f.columns, err)
	}
}

func FuzzRows(f *testing.F) {
	f.Add(`{"specversion":"1.0"}`, `{"a":"b"}`, "rental.web")
	f.Add(`{"destination_topic":"t","payload":"eA=="}`, `null`, "%")
	f.Add("base64:!", "", "")
	f.Fuzz(func(t *testing.T, payload, metadata, word string) {
		for _, m := range []*message.Message{
			ofWatermill([]*string{&payload, &metadata}), ofWatermill([]*string{&payload, nil}), ofWatermill([]*string{nil, &metadata}),
			ofDebezium([]*string{&word, &word, &word, &word, nil, &payload}), ofDebezium([]*string{&word, nil, nil, nil, nil, nil}),
		} {
			if m.Metadata == nil || m.Metadata.Get(natsbus.Reply) != "" {
				t.Errorf("%v", m.Metadata)
			}
		}
	})
}
