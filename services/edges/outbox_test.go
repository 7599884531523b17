package edges

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/daicho-dev/daicho/infra/postgres/pgtest"
	"github.com/daicho-dev/daicho/services/client/outbox"
)

// box is an application's database with an outbox.
func box(t *testing.T, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.ExecContext(t.Context(), outbox.Schema); err != nil {
		t.Fatal(err)
	}
	return db
}

// outbox begins to read a table, with rights.
func (w *world) outbox(address string, rights url.Values) *Edge {
	w.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		w.t.Fatal(err)
	}
	q := u.Query()
	for k, v := range rights {
		q[k] = v
	}
	u.RawQuery = q.Encode()
	e, err := Outbox(u.String(), w.House)
	if err != nil {
		w.t.Fatal(err)
	}
	w.begin(e)
	return e
}

func put(t *testing.T, db *sql.DB, all ...outbox.Event) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.Time.IsZero() {
			e.Time = time.Date(2026, 10, 1, 12, 0, 0, 0, time.FixedZone("JST", 9*3600))
		}
		if err := outbox.Put(t.Context(), tx, e); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

func left(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRowContext(context.Background(), `select count(*) from daicho_outbox`).Scan(&n); err != nil {
		return -1
	}
	return n
}

func rental(id, subject string) outbox.Event {
	return outbox.Event{ID: id, Source: "/rental/web", Type: "collected", Subject: subject, Data: json.RawMessage(collection("k"))}
}

func correction(id, subject string) outbox.Event {
	return outbox.Event{ID: id, Source: "/rental/web", Type: "daicho.corrected.v1", Subject: subject, Data: map[string]string{"record": "k", "value": "canary-again"}}
}

// Rows are recorded in their order and gone; what is refused, and what can never be decided, is in the quarantine and gone; what the engine
// cannot do now stays.
func TestOutbox(t *testing.T) {
	w := newWorld(t)
	address := pgtest.Start(t).Database(t)
	db := box(t, address)
	bad := "/rental/haneda-t3"
	w.faulty.source.Store(&bad)
	poison, foreign, steers := rental("3", "rental:B"), rental("4", "rental:C"), correction("6", "rental:A")
	poison.Source, foreign.Source = bad, "/sales/shop"
	steers.Type, steers.Data = "deleted", map[string]any{"person": true, "cause": "request"}
	put(t, db, rental("1", "rental:A"), correction("2", "rental:A"), poison, foreign, rental("1", "rental:A"), correction("5", "rental:A"), steers)
	w.outbox(address, url.Values{"source": {"/rental"}})
	w.until("an empty table", func() bool { return left(t, db) == 0 })
	got := w.recorded()
	slices.Sort(got[3:]) // refusals have a stream of their own
	if want := []string{"collected", "corrected", "corrected", "refused", "refused"}; !slices.Equal(got, want) {
		t.Errorf("recorded are %v, want %v", got, want)
	}
	var rules []string
	for _, q := range w.quarantined() {
		rules = append(rules, q.Rule)
	}
	slices.Sort(rules)
	if want := []string{"not_permitted", "not_your_source", "undecided"}; !slices.Equal(rules, want) {
		t.Errorf("in the quarantine: %v, want %v", rules, want)
	}

	w.faulty.all.Store(true)
	tries := w.faulty.tries.Load()
	put(t, db, rental("8", "rental:E"), correction("9", "rental:E"))
	w.until("a try", func() bool { return w.faulty.tries.Load() > tries })
	time.Sleep(20 * time.Millisecond)
	if left(t, db) != 2 {
		t.Error("what is not recorded is deleted")
	}
	w.faulty.all.Store(false)
	w.until("an empty table", func() bool { return left(t, db) == 0 })
	if got := w.recorded()[5:]; !slices.Equal(got, []string{"collected", "corrected"}) || len(w.quarantined()) != len(rules) {
		t.Errorf("after the engine is well again: %v, and %d in the quarantine", got, len(w.quarantined()))
	}
	if s := w.said.String(); strings.Contains(s, "canary") || strings.Contains(s, "rental:A") {
		t.Errorf("the engine's log holds clear text:\n%s", s)
	}
}

// A crash between recording and deleting, of either side, records nothing twice, and everything once.
func TestOutboxOverCrashes(t *testing.T) {
	w := newWorld(t)
	s := pgtest.Own(t)
	address := s.Database(t)
	db := box(t, address)
	const people = 400
	for i := range people {
		put(t, db, rental("a"+strconv.Itoa(i), "rental:P"+strconv.Itoa(i)), correction("b"+strconv.Itoa(i), "rental:P"+strconv.Itoa(i)))
	}
	e := w.outbox(address, url.Values{"source": {"/"}})
	for _, at := range []int{1, 300} {
		w.until("some of it", func() bool { return len(w.recorded()) >= at })
		s.Cut(t)
		s.Begin(t)
	}
	w.until("some more", func() bool { return len(w.recorded()) >= 500 })
	e.Close()
	w.outbox(address, url.Values{"source": {"/"}})
	w.until("an empty table", func() bool { return left(t, db) == 0 })
	if got := w.recorded(); len(got) != 2*people || slices.Contains(got, "refused") {
		t.Errorf("%d events of %d are recorded, refused among them: %v", len(got), 2*people, slices.Contains(got, "refused"))
	}
	if n := len(w.quarantined()); n > 0 {
		t.Errorf("%d are in the quarantine, the first by %s: %s", n, w.quarantined()[0].Rule, w.quarantined()[0].Body)
	}
}

func TestWhatAnOutboxIsToldToRead(t *testing.T) {
	w := newWorld(t)
	for _, wrong := range []string{"", "mysql://h/d?source=/", "postgres://u@127.0.0.1/d", "postgres://u@127.0.0.1/d?source=rental", "postgres://u@192.0.2.1/d?source=/"} {
		if _, err := Outbox(wrong, w.House); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
	e := w.outbox("postgres://u@127.0.0.1:1/d", url.Values{"source": {"/"}})
	w.until("an error", func() bool { return e.Err() != nil })
	e.Close()
	if n := strings.Count(w.said.String(), "nothing comes in"); n != 1 {
		t.Errorf("that it is away is said %d times", n)
	}
	if _, _, err := (outbox.Event{Source: "rental", Type: "collected", Time: time.Now()}).Row(); err == nil {
		t.Error("a source that is none is written")
	}
	if _, _, err := (outbox.Event{Source: "/rental", Type: "collected"}).Row(); err == nil {
		t.Error("an event without its moment is written")
	}
	_, one, err := (outbox.Event{Source: "/rental", Type: "collected", Time: time.Now()}).Row()
	_, two, _ := (outbox.Event{Source: "/rental", Type: "collected", Time: time.Now()}).Row()
	if err != nil || one[0] == two[0] || one[0] == "" {
		t.Errorf("two events have one id (%v)", err)
	}
}
