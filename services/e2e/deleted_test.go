package e2e

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

const subject = "rental:C-000337"

func deletion(id, subject, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/privacy/office","type":"daicho.deleted.v1","subject":%q,"time":"2026-11-20T00:00:00Z","data":%s}`, id, subject, data)
}

func values(t *testing.T, e *engine, who string) map[events.Word]any {
	t.Helper()
	d, err := e.as("admin").Dossier(context.Background(), contracts.DossierQuestion{Person: who, Purpose: "DSR-01"})
	if err != nil {
		t.Fatal(err)
	}
	out := map[events.Word]any{}
	for _, r := range d.Records {
		out[r.Category] = r.Value
	}
	return out
}

// destroyed waits until the log says that keys were destroyed, n times about this person.
func destroyed(t *testing.T, e *engine, person string, n int) {
	t.Helper()
	got := 0
	for range 200 {
		got = 0
		if err := e.as("admin").Replay(context.Background(), contracts.ReplayQuestion{Person: person, Type: "keys_destroyed"}, func(contracts.Recorded) error {
			got++
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if got >= n {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if got != n {
		t.Errorf("the log has %d keys_destroyed about this person, want %d", got, n)
	}
}

// opens tries to open every sealed value of a person with all that is on disk: log, vault and root key.
func opens(t *testing.T, e *engine, person string) (open, shut int) {
	t.Helper()
	ctx := context.Background()
	log, v := e.leftLog(), e.leftVault()
	owner := events.PersonStream(events.Pseudonym(person))
	keys, err := v.Keys(ctx, []events.Stream{owner})
	if err != nil {
		t.Fatal(err)
	}
	for batch, err := range log.Scan(ctx, 0, contracts.Filter{Kinds: []string{"person"}}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			e := &batch[i]
			if e.Stream != owner {
				continue
			}
			f, err := events.Decode(e)
			if err != nil {
				t.Fatal(err)
			}
			category := map[events.Ordinal]string{}
			if c, ok := f.(*events.Collected); ok {
				for _, r := range c.Records {
					category[r.Value.Ordinal()] = string(r.Category)
				}
			}
			events.Walk(f, events.Carrying{Secret: func(_ string, x *events.Secret) {
				c, ok := category[x.Ordinal()]
				if !ok {
					return
				}
				if keys[0] == nil {
					shut++
					return
				}
				if _, err := keys[0].Open(x.Ordinal(), contracts.Bound{Type: e.Type, Category: c}, x.Box()); err == nil {
					open++
				} else if errors.Is(err, contracts.ErrDestroyed) {
					shut++
				} else {
					t.Errorf("a value that is neither open nor destroyed: %v", err)
				}
			}})
		}
	}
	return open, shut
}

func TestDeletedRecordCannotBeOpened(t *testing.T) {
	e := fed(t, year(t)[:600])
	c := e.as("admin")
	ctx := context.Background()
	before := values(t, e, subject)
	if before["pd:Passport"] == nil || before["pd:Name"] == nil {
		t.Fatalf("the person has no values to begin with: %d categories", len(before))
	}
	p, err := c.Find(ctx, subject)
	if err != nil {
		t.Fatal(err)
	}
	n, err := send(c, [][]byte{[]byte(deletion("d1", subject, `{"records":["K-000337/passport"],"cause":"request"}`))}, 1)
	if err != nil || n.Recorded != 1 {
		t.Fatalf("the deletion: %+v %v", n, err)
	}
	destroyed(t, e, string(p.Person), 1)
	after := values(t, e, subject)
	if after["pd:Passport"] != nil {
		t.Error("the deleted value is still shown")
	}
	if after["pd:Name"] == nil || after["pd:EmailAddress"] == nil {
		t.Error("other values of the person are gone as well")
	}
	e.verified()
	e.stop()
	open, shut := opens(t, e, string(p.Person))
	if shut != 1 || open != len(before)-1 {
		t.Errorf("with everything on disk %d values open and %d do not, want %d and 1", open, shut, len(before)-1)
	}
}

func TestForgottenPersonCannotBeFoundOrOpened(t *testing.T) {
	e := fed(t, year(t)[:600])
	c := e.as("admin")
	ctx := context.Background()
	p, err := c.Find(ctx, subject)
	if err != nil {
		t.Fatal(err)
	}
	n, err := send(c, [][]byte{[]byte(deletion("d1", subject, `{"person":true,"cause":"request"}`))}, 1)
	if err != nil || n.Recorded != 1 {
		t.Fatalf("the deletion: %+v %v", n, err)
	}
	destroyed(t, e, string(p.Person), 1)
	var problem *contracts.Problem
	if _, err := c.Find(ctx, subject); !errors.As(err, &problem) || problem.Status != 404 {
		t.Errorf("the identifier still leads somewhere: %v", err)
	}
	d, err := c.Dossier(ctx, contracts.DossierQuestion{Person: string(p.Person), Purpose: "DSR-01"})
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(d.Records, func(r contracts.DossierRecord) bool { return r.Value != nil || r.State != "disposed" }); i >= 0 {
		t.Error("a record of somebody forgotten is not disposed of")
	}
	// An event that happened before is refused and makes nobody; a later one makes somebody new.
	past := `{"specversion":"1.0","id":"x%d","source":"/web/www","type":"daicho.notice_shown.v1","subject":"rental:C-000337","time":%q,"data":{"notice":{"policy":"2025-10","language":"ja"}}}`
	n, err = send(c, [][]byte{[]byte(fmt.Sprintf(past, 1, "2026-11-19T00:00:00Z")), []byte(fmt.Sprintf(past, 2, "2026-11-21T00:00:00Z"))}, 2)
	if err != nil || n.Refused["record_gone"] != 1 || n.Recorded != 1 {
		t.Errorf("events after the deletion: %+v %v, want one record_gone and one recorded", n, err)
	}
	if q, err := c.Find(ctx, subject); err != nil || q.Person == p.Person {
		t.Errorf("the identifier leads to the old pseudonym, or nowhere (%v)", err)
	}
	e.verified()
	e.stop()
	if open, shut := opens(t, e, string(p.Person)); open != 0 || shut < 5 {
		t.Errorf("with everything on disk %d values of somebody forgotten open (%d do not)", open, shut)
	}
}

func TestHeldPersonIsNotDeleted(t *testing.T) {
	lines := year(t)
	e := fed(t, lines)
	// The year holds matters of some customers for a case.
	held := ""
	for _, l := range lines {
		if strings.Contains(string(l), "hold_placed") {
			_, rest, _ := strings.Cut(string(l), `"subject":"`)
			held, _, _ = strings.Cut(rest, `"`)
			break
		}
	}
	n, err := send(e.as("admin"), [][]byte{[]byte(deletion("d1", held, `{"person":true,"cause":"request"}`))}, 1)
	if err != nil || n.Refused["held"] != 1 {
		t.Errorf("deleting somebody held: %+v %v, want the refusal held", n, err)
	}
}

// A crash after any of the three steps of a deletion is finished at the next start.
func TestDeletionSurvivesACrashAfterEachStep(t *testing.T) {
	for step := 1; step <= 3; step++ {
		for _, data := range []string{`{"person":true,"cause":"request"}`, `{"records":["K-000337/passport"],"cause":"request"}`} {
			t.Run(fmt.Sprintf("step %d %s", step, data[2:8]), func(t *testing.T) {
				e := start(t, t.TempDir(), fmt.Sprintf("DAICHO_CRASH_AT_STEP=%d", step))
				lines := slices.DeleteFunc(year(t)[:600], func(l []byte) bool { return strings.Contains(string(l), "corrected") })
				if _, err := send(e.as("admin"), lines, 1000); err != nil {
					t.Fatal(err)
				}
				p, err := e.as("admin").Find(context.Background(), subject)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = send(e.as("admin"), [][]byte{[]byte(deletion("d1", subject, data))}, 1) // the engine dies before or after it answers
				e.done <- <-e.done
				e.again()
				if n, err := send(e.as("admin"), [][]byte{[]byte(deletion("d1", subject, data))}, 1); err != nil {
					t.Fatal(err)
				} else if n.Duplicate != 1 && n.Refused["person_unknown"]+n.Refused["record_gone"] != 1 {
					t.Errorf("the deletion sent again: %+v, want a duplicate, or nobody there", n)
				}
				destroyed(t, e, string(p.Person), 1)
				e.verified()
				e.stop()
				open, shut := opens(t, e, string(p.Person))
				if person := strings.Contains(data, "true"); person && open != 0 || shut < 1 || !person && open < 5 {
					t.Errorf("after the crash %d values open and %d do not", open, shut)
				}
			})
		}
	}
}

func copyDir(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, path)
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// backUpVault copies the vault of a stopped engine, and answers what puts the copy in its place.
func (e *engine) backUpVault() (restore func()) {
	e.t.Helper()
	t := e.t
	if e.vault != "" {
		backup := on.postgres.Copy(t, e.vault)
		return func() {
			e.args[slices.Index(e.args, e.vault)] = backup
			e.vault = backup
		}
	}
	backup, at := t.TempDir(), filepath.Join(e.dir, "vault")
	copyDir(t, at, backup)
	return func() {
		if err := os.RemoveAll(at); err != nil {
			t.Fatal(err)
		}
		copyDir(t, backup, at)
	}
}

// A backup of the vault, put back after a deletion, does not bring anything back: the log's deletions are carried out again first.
func TestRestoredVaultForgetsAgain(t *testing.T) {
	e := fed(t, year(t)[:600])
	p, err := e.as("admin").Find(context.Background(), subject)
	if err != nil {
		t.Fatal(err)
	}
	e.stop()
	restore := e.backUpVault()
	e.again()
	if _, err := send(e.as("admin"), [][]byte{[]byte(deletion("d1", subject, `{"person":true,"cause":"request"}`))}, 1); err != nil {
		t.Fatal(err)
	}
	destroyed(t, e, string(p.Person), 1)
	e.stop()
	restore()
	e.again()
	if _, err := e.as("admin").Find(context.Background(), subject); err == nil {
		t.Error("a restored vault leads to somebody who was forgotten")
	}
	e.verified()
	e.stop()
	if open, shut := opens(t, e, string(p.Person)); open != 0 || shut < 5 {
		t.Errorf("after the restore %d values open (%d do not)", open, shut)
	}
}

// A log that was rolled back would give destroyed keys' places again: the engine does not start on it.
func TestLogBehindTheVaultDoesNotStart(t *testing.T) {
	lines := year(t)
	e := fed(t, lines[:300])
	e.stop()
	backup := t.TempDir()
	copyDir(t, filepath.Join(e.dir, "log"), backup)
	e.again()
	if _, err := send(e.as("admin"), lines[300:600], 1000); err != nil {
		t.Fatal(err)
	}
	if _, err := send(e.as("admin"), [][]byte{[]byte(deletion("d1", subject, `{"person":true,"cause":"request"}`))}, 1); err != nil {
		t.Fatal(err)
	}
	time.Sleep(6 * time.Second) // the vault notes now and then how far it is
	e.stop()
	if err := os.RemoveAll(filepath.Join(e.dir, "log")); err != nil {
		t.Fatal(err)
	}
	copyDir(t, backup, filepath.Join(e.dir, "log"))
	e.launch()
	select {
	case err := <-e.done:
		e.done <- err
		if err == nil || !strings.Contains(e.out.String(), "rolled back") {
			t.Errorf("the engine ended with %v, and does not say why", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the engine starts on a log that lacks what its vault has carried out")
	}
}
