package intake

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/jetstream"
	"github.com/daicho-dev/daicho/infra/sqlite"
)

// The log is put back as it was a while ago, and the store of states is not: what it has of the longer log is dropped, and the person goes on
// from what the log has.
func TestStatesOfALongerLogAreDropped(t *testing.T) {
	dir := t.TempDir()
	v := testVault(t)
	open := func(logDir string) (*jetstream.Log, *Gateway, func()) {
		l, err := jetstream.Embedded(context.Background(), logDir, jetstream.Options{Logf: t.Logf})
		if err != nil {
			t.Fatal(err)
		}
		db, err := sqlite.Open(context.Background(), filepath.Join(dir, "states.db"))
		if err != nil {
			t.Fatal(err)
		}
		g, err := Open(context.Background(), l, v, db, nil, nil)
		if err != nil {
			t.Fatalf("refused at the start: %v", err)
		}
		g.Start()
		return l, g, func() { _ = g.Close(); _ = sqlite.Close(db); l.Close() }
	}
	l, g, done := open(filepath.Join(dir, "log"))
	publish(t, g)
	w := &world{t: t, log: l, g: g, caller: admin, source: "/rental/web", subject: "rental:P", at: time.Date(2026, 10, 1, 3, 0, 0, 0, time.UTC)}
	w.tells("collected", take(rental, `,"matter":"K1",`+someone, "name=pd:Name"))
	done()
	if err := os.CopyFS(filepath.Join(dir, "backup"), os.DirFS(filepath.Join(dir, "log"))); err != nil {
		t.Fatal(err)
	}
	l, g, done = open(filepath.Join(dir, "log"))
	w.g, w.log = g, l
	w.tells("collected", take(rental, `,"matter":"K2",`+someone, "email=pd:EmailAddress"))
	done()
	l, g, done = open(filepath.Join(dir, "backup"))
	defer done()
	w.g, w.log = g, l
	w.tells("collected", take(rental, `,"matter":"K3",`+someone, "phone=pd:TelephoneNumber"))
	f := facts[*events.Collected](w)
	if len(f) != 2 || f[1].Records[0].Value.Ordinal() != 2 {
		t.Errorf("recorded on a state that the log does not have: %d collections, the last %v", len(f), f[len(f)-1].Records[0].Value.Ordinal())
	}
}
