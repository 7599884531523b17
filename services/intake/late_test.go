package intake

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/sqlite"
)

// late is a log of which one write's outcome is not known, and which stores it only after the log was read once more.
type late struct {
	contracts.Log
	mu    sync.Mutex
	of    events.Stream
	armed bool
	held  []contracts.Write
	first func() // before it is stored
	then  func()
}

func (l *late) Append(ctx context.Context, ws []contracts.Write) []contracts.Result {
	l.mu.Lock()
	if l.armed && len(ws) > 0 && ws[0].Stream == l.of {
		l.armed, l.held = false, ws
		l.mu.Unlock()
		return []contracts.Result{{Err: contracts.ErrUnknown}}
	}
	if l.held != nil && ws[0].Stream == l.of { // sent again, after the log was read
		h := l.held
		l.held = nil
		l.mu.Unlock()
		l.first()
		l.Log.Append(ctx, h)
		l.then()
		return l.Log.Append(ctx, ws)
	}
	l.mu.Unlock()
	return l.Log.Append(ctx, ws)
}

// A write that was given up, and stored when the log had been read to its end and more had been stored after it: it is read all the same, and
// the person goes on, before and after a new start. A log that is divided over several streams may store it even when what was sent after it
// has been answered, and read.
func TestAWriteThatIsStoredLateIsRead(t *testing.T) {
	t.Run("before what was sent after it", func(t *testing.T) { testStoredLate(t, false) })
	t.Run("after it", func(t *testing.T) { testStoredLate(t, true) })
}

func testStoredLate(t *testing.T, overtaken bool) {
	log := memlog.New()
	defer log.Close()
	l := &late{Log: log}
	v := testVault(t)
	file := filepath.Join(t.TempDir(), "states.db")
	open := func() (*Gateway, func()) {
		db, err := sqlite.Open(context.Background(), file)
		if err != nil {
			t.Fatal(err)
		}
		g, err := Open(context.Background(), l, v, db, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		g.Start()
		return g, func() { _ = g.Close(); _ = sqlite.Close(db) }
	}
	g, done := open()
	publish(t, g)
	w := &world{t: t, log: l, g: g, caller: admin, source: "/rental/web", subject: "rental:P", at: time.Date(2026, 10, 1, 3, 0, 0, 0, time.UTC)}
	l.of = events.PersonStream(w.tells("collected", take(rental, `,"matter":"K1",`+someone, "name=pd:Name")).Person)
	others := 0
	l.then = func() {
		var all []Submission
		for range 2 * worthwhile {
			others++
			all = append(all, w.as("/rental/web", fmt.Sprintf("rental:Q%d", others)).submission("collected", take(rental, `,"matter":"K1",`+someone, "name=pd:Name")))
		}
		if _, err := g.Submit(context.Background(), admin, all); err != nil {
			t.Error(err)
		}
	}
	l.first = func() {
		if overtaken {
			l.then()
			if err := g.states.catchUp(context.Background(), l, g.organise, nil); err != nil {
				t.Error(err)
			}
		}
	}
	l.armed = true
	send := func(when string, s Submission, want contracts.Status) {
		t.Helper()
		out, err := g.Submit(context.Background(), admin, []Submission{s})
		if err != nil || out[0].Status != want {
			t.Errorf("%s: %+v (%v), want it %s", when, out, err, want)
		}
	}
	second := w.submission("collected", take(rental, `,"matter":"K2",`+someone, "email=pd:EmailAddress"))
	third := w.submission("collected", take(rental, `,"matter":"K3",`+someone, "phone=pd:TelephoneNumber"))
	send("stored late", second, contracts.StatusDuplicate)
	send("afterwards", third, contracts.StatusRecorded)
	done()
	g, done = open()
	defer done()
	send("after a new start", third, contracts.StatusDuplicate)
	var given []events.Ordinal
	for batch, err := range log.Scan(context.Background(), 0, contracts.Filter{Kinds: []string{"person"}}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			if f, err := events.Decode(&batch[i]); err == nil && batch[i].Stream == l.of {
				given = append(given, f.(*events.Collected).Records[0].Value.Ordinal())
			}
		}
	}
	if !slices.Equal(given, []events.Ordinal{1, 2, 3}) {
		t.Errorf("their records are %v", given)
	}
}
