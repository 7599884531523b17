package vault_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/rootkey"
	"github.com/daicho-dev/daicho/infra/vault"
)

var (
	bound = contracts.Bound{Type: "daicho.collected.v1", Category: "contact"}
	noon  = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
)

func must[T any](t testing.TB) func(T, error) T {
	return func(got T, err error) T {
		t.Helper()
		ok(t, err)
		return got
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// admit admits somebody, and answers their stream.
func admit(t testing.TB, v *vault.Vault, ids ...events.Identifier) events.Stream {
	t.Helper()
	n := must[contracts.Newcomer](t)(v.Newcomer(events.PersonStream(v.NewPseudonym()), ids...))
	return must[[]events.Stream](t)(v.Admit(t.Context(), []contracts.Newcomer{n}))[0]
}

func keysOf(t testing.TB, v *vault.Vault, owner events.Stream) contracts.Keys {
	t.Helper()
	return must[[]contracts.Keys](t)(v.Keys(t.Context(), []events.Stream{owner}))[0]
}

// onDisk is every byte of every file of a folder.
func onDisk(t testing.TB, dir string) (all []byte) {
	t.Helper()
	ok(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all = append(all, b...)
		return err
	}))
	return all
}

func TestNothingClearOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "vault")
	v := open(t, dir, vault.Options{})
	v.Level()
	owner := admit(t, v, "crm:4711-4711", "mail:aoi.tanaka@example.org")
	k := keysOf(t, v, owner)
	box := must[[]byte](t)(k.Seal(1, bound, []byte("sealed-value")))
	ok(t, v.AddCases(t.Context(), map[contracts.CaseRef]string{{Owner: owner, Tag: k.Tag("case", "case-word-2026")}: "case-word-2026"}))
	ok(t, v.Quarantine(t.Context(), []contracts.Quarantined{{ID: "q1", At: noon, Source: "emitter-source", Type: "emitter-type",
		Rule: "emitter-rule", Field: "emitter-field", Subject: "crm:4711-4711", Body: []byte("refused-body")}}))
	v.Peppered("scope", "peppered-text")
	check := func() {
		t.Helper()
		all := bytes.ToLower(onDisk(t, dir))
		for _, clear := range []string{"4711-4711", "aoi.tanaka", "example.org", "sealed-value", "case-word", "emitter-", "refused-body", "peppered-text"} {
			for _, form := range []string{clear, hex.EncodeToString([]byte(clear)), base64.RawStdEncoding.EncodeToString([]byte(clear))} {
				if bytes.Contains(all, []byte(strings.ToLower(form))) {
					t.Errorf("%q lies on disk", form)
				}
			}
		}
	}
	check()
	// A pseudonym names an owner's row and their case words', and nothing beside them: the directory keeps it sealed.
	for _, query := range []string{
		`SELECT hash FROM directory`, `SELECT sealed FROM directory`, `SELECT hash FROM tombstones`, `SELECT wrapped FROM owners`,
		`SELECT sealed FROM cases`, `SELECT subject FROM quarantine`, `SELECT head FROM quarantine`, `SELECT body FROM quarantine`,
	} {
		for _, b := range blobs(t, dir, query) {
			if bytes.Contains(b, []byte(owner.ID)) {
				t.Errorf("%s: a pseudonym in the clear", query)
			}
		}
	}
	ok(t, v.Puncture(t.Context(), map[events.Stream][]events.Ordinal{owner: {1}}))
	ok(t, v.Rotate(t.Context()))
	ok(t, v.Forget(t.Context(), owner, noon, time.Hour))
	check()
	ok(t, v.Close())
	check()
	if bytes.Contains(onDisk(t, dir), []byte(owner.ID)) {
		t.Error("the pseudonym of somebody forgotten lies on disk")
	}
	if bytes.Contains(onDisk(t, dir), box) {
		t.Error("the vault keeps a sealed value")
	}
	for _, e := range must[[]os.DirEntry](t)(os.ReadDir(dir)) {
		info := must[os.FileInfo](t)(e.Info())
		emptied := e.Name() == "vault.db-journal" && info.Size() == 0
		if info.Mode().Perm() != 0o600 || e.Name() != "vault.db" && !emptied {
			t.Errorf("%s has mode %v and %d bytes", e.Name(), info.Mode(), info.Size())
		}
	}
}

// blobs reads a column of the file beside the vault.
func blobs(t testing.TB, dir, query string) (all [][]byte) {
	t.Helper()
	db := must[*sql.DB](t)(sql.Open("sqlite", "file:"+filepath.Join(dir, "vault.db")+"?mode=ro"))
	defer func() { _ = db.Close() }()
	rows := must[*sql.Rows](t)(db.QueryContext(t.Context(), query))
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var b []byte
		ok(t, rows.Scan(&b))
		all = append(all, b)
	}
	ok(t, rows.Err())
	return all
}

func TestReplacedBytesAreGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "vault")
	v := open(t, dir, vault.Options{})
	v.Level()
	var owners []events.Stream
	for i := range 50 {
		owners = append(owners, admit(t, v, events.Identifier("crm:"+string(rune('A'+i)))))
	}
	gone := func(old [][]byte) {
		t.Helper()
		all := onDisk(t, dir)
		for _, b := range old {
			for at := 0; at+16 <= len(b); at += 16 { // parts of it, too
				if bytes.Contains(all, b[at:at+16]) {
					t.Fatal("replaced bytes are still in the file")
				}
			}
		}
	}
	owner := owners[25]
	of := `SELECT wrapped FROM owners WHERE stream = '` + owner.String() + `'`
	many := make([]events.Ordinal, 500)
	for i := range many {
		many[i] = events.Ordinal(2 + 2*i)
	}
	// Small, then so large that it needs pages of its own, then smaller again.
	rest := make([]events.Ordinal, 1000)
	for i := range rest {
		rest[i] = events.Ordinal(1 + i)
	}
	for _, ns := range [][]events.Ordinal{{1}, many, rest} {
		old := blobs(t, dir, of)
		ok(t, v.Puncture(t.Context(), map[events.Stream][]events.Ordinal{owner: ns}))
		gone(old)
	}
	ok(t, v.AddCases(t.Context(), map[contracts.CaseRef]string{{Owner: owner, Tag: "tag"}: "word"}))
	ok(t, v.Quarantine(t.Context(), []contracts.Quarantined{{ID: "q1", At: noon, Subject: "crm:Z", Body: make([]byte, 20_000)}}))
	old := append(blobs(t, dir, of), blobs(t, dir, `SELECT sealed FROM cases`)...)
	before := len(blobs(t, dir, `SELECT hash FROM directory`))
	ok(t, v.Forget(t.Context(), owner, noon, time.Hour))
	gone(old)
	if after := len(blobs(t, dir, `SELECT hash FROM directory`)); after != before-1 {
		t.Fatal("the directory still has the entry")
	}
	old = append(blobs(t, dir, `SELECT body FROM quarantine`), blobs(t, dir, `SELECT wrapped FROM days`)...)
	ok(t, v.Sweep(t.Context(), noon.Add(100*time.Hour), time.Hour))
	gone(old)
	old = append(blobs(t, dir, `SELECT wrapped FROM owners`), blobs(t, dir, `SELECT sealed FROM directory`)...)
	old = append(append(old, blobs(t, dir, `SELECT wrapped FROM secrets`)...), blobs(t, dir, `SELECT wrapped FROM epochs`)...)
	ok(t, v.Rotate(t.Context()))
	gone(old)
}

func TestOldCopyOpensNothingAfterRotate(t *testing.T) {
	parent := t.TempDir()
	dir, copied := filepath.Join(parent, "vault"), filepath.Join(parent, "copy")
	v := open(t, dir, vault.Options{KeysFor: -1})
	v.Level()
	owner := admit(t, v, "crm:1")
	box := must[[]byte](t)(keysOf(t, v, owner).Seal(1, bound, []byte("one")))
	two := must[[]byte](t)(keysOf(t, v, owner).Seal(2, bound, []byte("two")))
	word := v.Peppered("s", "t")
	ok(t, v.AddCases(t.Context(), map[contracts.CaseRef]string{{Owner: owner, Tag: "tag"}: "word"}))
	ok(t, v.Quarantine(t.Context(), []contracts.Quarantined{{ID: "q1", At: noon, Body: []byte("body")}}))
	ok(t, os.CopyFS(copied, os.DirFS(dir)))
	ok(t, v.Puncture(t.Context(), map[events.Stream][]events.Ordinal{owner: {1}}))
	ok(t, v.Rotate(t.Context()))
	ok(t, v.Rotate(t.Context()))
	check := func() {
		t.Helper()
		if f := must[[]contracts.Found](t)(v.Find(t.Context(), []events.Identifier{"crm:1"})); f[0].Person != owner.Person() {
			t.Fatal("an identifier leads elsewhere after Rotate")
		}
		k := keysOf(t, v, owner)
		if got := must[[]byte](t)(k.Open(2, bound, two)); string(got) != "two" || v.Peppered("s", "t") != word {
			t.Fatal("something changed with Rotate")
		}
		if _, err := k.Open(1, bound, box); !errors.Is(err, contracts.ErrDestroyed) {
			t.Fatal(err)
		}
		if c := must[map[contracts.CaseRef]string](t)(v.Cases(t.Context(), []events.Stream{owner})); len(c) != 1 {
			t.Fatal("a case word was lost")
		}
		if q := must[[]contracts.Quarantined](t)(v.Quarantined(t.Context(), 9, true)); len(q) != 1 || string(q[0].Body) != "body" {
			t.Fatal("the quarantine was lost")
		}
	}
	check()
	ok(t, v.Close())
	v = open(t, dir, vault.Options{})
	v.Level()
	check()
	ok(t, v.Close())
	root := must[contracts.RootKeys](t)(rootkey.File(dir + ".keys"))
	if _, err := vault.Open(t.Context(), copied, root, vault.Options{}); !errors.Is(err, contracts.ErrDestroyed) {
		t.Fatalf("an old copy opened: %v", err)
	}
	// Not with today's own keys put into it either: its owners and its directory are of a destroyed epoch.
	grafted := must[*sql.DB](t)(sql.Open("sqlite", "file:"+filepath.Join(copied, "vault.db")))
	defer func() { _ = grafted.Close() }()
	for _, q := range []string{
		`ATTACH DATABASE '` + filepath.Join(dir, "vault.db") + `' AS today`,
		`DELETE FROM secrets`, `INSERT INTO secrets SELECT * FROM today.secrets`, `INSERT INTO epochs SELECT * FROM today.epochs`,
	} {
		grafted.SetMaxOpenConns(1)
		must[sql.Result](t)(grafted.ExecContext(t.Context(), q))
	}
	g := must[*vault.Vault](t)(vault.Open(t.Context(), copied, root, vault.Options{}))
	defer func() { _ = g.Close() }()
	g.Level()
	if _, err := g.Keys(t.Context(), []events.Stream{owner}); !errors.Is(err, contracts.ErrDestroyed) {
		t.Errorf("an old key state: %v", err)
	}
	if _, err := g.Find(t.Context(), []events.Identifier{"crm:1"}); !errors.Is(err, contracts.ErrDestroyed) {
		t.Errorf("an old directory: %v", err)
	}
}

func TestRotateWhileOthersWork(t *testing.T) {
	v := open(t, filepath.Join(t.TempDir(), "vault"), vault.Options{KeysFor: -1})
	v.Level()
	first := admit(t, v, "crm:0")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	var owners []events.Stream
	go func() {
		for i := 1; ctx.Err() == nil; i++ {
			n, err := v.Newcomer(events.PersonStream(v.NewPseudonym()), events.Identifier("crm:"+events.Ordinal(i).String()))
			if err == nil {
				var got []events.Stream
				if got, err = v.Admit(t.Context(), []contracts.Newcomer{n}); err == nil {
					owners = append(owners, got...)
					err = v.Puncture(t.Context(), map[events.Stream][]events.Ordinal{first: {events.Ordinal(i)}})
				}
			}
			if err == nil {
				_, err = v.Keys(t.Context(), owners)
			}
			if err == nil {
				_, err = v.Find(t.Context(), []events.Identifier{"crm:0", events.Identifier("crm:" + events.Ordinal(i).String())})
			}
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for range 5 {
		ok(t, v.Rotate(t.Context()))
	}
	stop()
	ok(t, <-done)
	for _, k := range must[[]contracts.Keys](t)(v.Keys(t.Context(), owners)) {
		if k == nil {
			t.Fatal("an owner was lost")
		}
	}
	k := keysOf(t, v, first)
	for i := range owners {
		if k.Alive(events.Ordinal(i + 1)) {
			t.Fatal("a puncture was lost")
		}
	}
}

// The settings that durability and overwriting rest on hold on every connection: what is misspelt in them is ignored.
func TestSettings(t *testing.T) {
	db := must[contracts.Database](t)(vault.SQLite(filepath.Join(t.TempDir(), "vault")))
	for _, handle := range []*sql.DB{db.Write, db.Read} {
		for pragma, want := range map[string]string{"journal_mode": "truncate", "synchronous": "3", "secure_delete": "1", "busy_timeout": "10000"} {
			var got string
			ok(t, handle.QueryRowContext(t.Context(), `PRAGMA `+pragma).Scan(&got))
			if got != want {
				t.Errorf("%s is %s, not %s", pragma, got, want)
			}
		}
		ok(t, handle.Close())
	}
}

// On a store that keeps what has been replaced, a destruction is not called final.
func TestLingers(t *testing.T) {
	for _, lingers := range []bool{false, true} {
		v := open(t, filepath.Join(t.TempDir(), "vault"), vault.Options{Lingers: lingers})
		if _, final, err := v.Epoch(t.Context()); err != nil || final == lingers {
			t.Errorf("final: %v %v", final, err)
		}
	}
}

// Rows that somebody has damaged are an error, never a panic.
func TestDamagedRows(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "vault")
	v := open(t, dir, vault.Options{KeysFor: -1, FoundMax: 1})
	v.Level()
	owner := admit(t, v, "crm:1")
	db := must[*sql.DB](t)(sql.Open("sqlite", "file:"+filepath.Join(dir, "vault.db")))
	defer func() { _ = db.Close() }()
	for _, query := range []string{
		`UPDATE directory SET sealed = x'00'`, `UPDATE directory SET hash = x'0102'`,
		`UPDATE owners SET wrapped = x''`, `UPDATE secrets SET wrapped = x'00'`,
	} {
		must[sql.Result](t)(db.ExecContext(t.Context(), query))
		if err := v.Rotate(t.Context()); err == nil {
			t.Errorf("%s: rotated", query)
		}
	}
	if _, err := v.Keys(t.Context(), []events.Stream{owner}); err == nil {
		t.Error("a damaged key state was opened")
	}
	ok(t, v.Close())
	root := must[contracts.RootKeys](t)(rootkey.File(dir + ".keys"))
	if _, err := vault.Open(t.Context(), dir, root, vault.Options{}); err == nil {
		t.Error("a vault opened without its own keys")
	}
}
