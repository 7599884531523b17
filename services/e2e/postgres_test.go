package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/infra/eventstore/estest"
	"github.com/daicho-dev/daicho/infra/postgres/pgtest"
)

// The year with its read models, person states and vault on PostgreSQL gives its exact counts, and to the byte the dossiers, deadlines and
// impact that files give: undisturbed, and when the server is cut off again and again.
func TestYearOnPostgreSQLEqualsFiles(t *testing.T) {
	server := pgtest.Own(t)
	expect := yearExpected(t)
	lines := year(t)
	ids := identifiers(lines)
	asOf := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	calm := fed(t, lines)
	want := normal(t, calm, ids, asOf, true)
	calm.kill()

	t.Run("undisturbed", func(t *testing.T) {
		e := startWith(t, "--models", server.Database(t), "--vault", server.Database(t))
		n, err := send(e.as("admin"), lines, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if n.Recorded != expect.Recorded || n.Duplicate != expect.Duplicate || !maps.Equal(n.Refused, expect.Refused) {
			t.Errorf("the year gives %+v, want %+v", n, expect.counts)
		}
		if got := normal(t, e, ids, asOf, true); !bytes.Equal(got, want) {
			t.Errorf("the end state differs from that in files:\n%s", differ(want, got))
		}
		all, err := e.as("admin").Models(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if err := e.as("admin").Rebuild(context.Background(), m.Name, nil); err != nil {
				t.Fatal(err)
			}
		}
		if got := normal(t, e, ids, asOf, true); !bytes.Equal(got, want) {
			t.Errorf("rebuilt, it differs:\n%s", differ(want, got))
		}
		e.verified()
		for _, file := range []string{"models", "vault"} {
			if _, err := os.Stat(filepath.Join(e.dir, file)); !os.IsNotExist(err) {
				t.Errorf("there is a folder %s, although it lies on the server (%v)", file, err)
			}
		}
		e.stop()
		e.again() // what is due by today's date is recorded now, so that only the year itself can be compared
		if n, err = send(e.as("admin"), lines, 1000); err != nil || n.Recorded != 0 {
			t.Errorf("sent again after a restart: %+v (%v)", n, err)
		}
		e.verified()
	})

	t.Run("cut", func(t *testing.T) {
		e := startWith(t, "--models", server.Database(t), "--vault", server.Database(t))
		t.Cleanup(func() {
			if t.Failed() {
				t.Log(e.out)
			}
		})
		cuts, failed := 0, 0
		var cut sync.WaitGroup
		for from := 0; from < len(lines); from += 300 {
			if from%900 == 300 { // in the middle of what comes now
				cut.Wait()
				cuts++
				cut.Go(func() {
					time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
					server.Cut(t)
					server.Begin(t)
				})
			}
			part := lines[from:min(len(lines), from+300)]
			eventually(t, "lines to be taken", func() error {
				_, err := send(e.as("admin"), part, len(part))
				if err != nil {
					failed++
				}
				return err
			})
		}
		cut.Wait()
		t.Logf("%d cuts, %d sendings failed", cuts, failed)
		if failed == 0 {
			t.Errorf("too little happened: no sending failed in %d cuts", cuts)
		}
		eventually(t, "the engine to be well again", func() error {
			n, err := send(e.as("admin"), lines, 1000)
			if n.Recorded != 0 {
				t.Errorf("sent again, %d events are recorded a second time", n.Recorded)
			}
			return errors.Join(err, e.level())
		})
		if got := normal(t, e, ids, asOf, true); !bytes.Equal(got, want) {
			t.Errorf("the end state differs from an undisturbed run's:\n%s", differ(want, got))
		}
		e.verified()
	})
}

// level says what is not level with the log.
func (e *engine) level() error {
	all, err := e.as("admin").Models(context.Background())
	for _, m := range all {
		if m.State != "live" || m.Lag != 0 {
			err = errors.Join(err, fmt.Errorf("%s is %s, %d behind", m.Name, m.State, m.Lag))
		}
	}
	return err
}

// eventually waits until something succeeds.
func eventually(t testing.TB, what string, do func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = do(); err == nil {
			return
		}
	}
	t.Fatalf("waiting for %s: %v", what, err)
}

// Of two engines over one log, one vault and one set of models, the first works and the second stands by and says so; when the first is
// killed in the middle of half a year, the second takes over, and knows in the end what one alone would.
func TestSecondEngineTakesOver(t *testing.T) {
	server, log := pgtest.Start(t), estest.Start(t, estest.Options{})
	lines := year(t)
	lines = lines[:len(lines)/2]
	ids, asOf, want := undisturbed(t, lines)
	shared := []string{"--log", log.URL(), "--models", server.Database(t), "--vault", server.Database(t), "--root-key", filepath.Join(t.TempDir(), "root.key")}
	first := startWith(t, shared...)
	second := &engine{t: t, path: binary, dir: t.TempDir(), args: shared, out: &output{}}
	second.launch()
	t.Cleanup(second.kill)
	second.standsBy()
	for range 5 {
		if err := second.as("admin").Ready(context.Background()); err == nil || !strings.Contains(err.Error(), "stands by") {
			t.Fatalf("the second one says: %v", err)
		}
		if _, err := second.as("admin").Models(context.Background()); err == nil || !strings.Contains(err.Error(), "stands by") {
			t.Fatalf("asked, the second one says: %v", err)
		}
		time.Sleep(300 * time.Millisecond)
	}
	at := func(n float64) map[string]float64 {
		return map[string]float64{"dossier": n, "retention": n, "breach": n, "attachments": n, "evidence": n, "recipients": n}
	}
	first.tellsOf(at(0))
	second.tellsOf(at(1))
	half := len(lines) / 2
	go func() {
		time.Sleep(700 * time.Millisecond)
		_ = first.cmd.Process.Kill()
	}()
	if n, err := send(first.as("admin"), lines[:half], 100); err == nil {
		t.Logf("all of the first half was answered before the kill: %+v", n)
	}
	first.kill()
	eventually(t, "the second to take over", func() error { return second.as("admin").Ready(context.Background()) })
	second.tellsOf(at(0))
	for range 2 {
		if _, err := send(second.as("admin"), lines, 1000); err != nil {
			t.Fatal(err)
		}
	}
	second.grown()
	if got := normal(t, second, ids, asOf, true); !bytes.Equal(got, want) {
		t.Errorf("the end state differs from that of one engine alone:\n%s", differ(want, got))
	}
	second.verified()
	// The first comes back, and stands by; it stops when it is told to.
	first.launch()
	first.standsBy()
	first.stop()
}

// standsBy waits until an engine says so, which it does as soon as it has asked; until then it is starting.
func (e *engine) standsBy() {
	e.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		err := e.listens()
		if err == nil {
			if err = e.as("admin").Ready(context.Background()); err == nil {
				e.t.Fatal("an engine that should stand by is ready")
			}
		}
		switch said := err.Error(); {
		case strings.Contains(said, "stands by"):
			return
		case time.Now().After(end):
			e.t.Fatalf("an engine that should stand by says: %v\n%s", err, e.out)
		}
	}
}
