package attachments

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/postgres"
	"github.com/daicho-dev/daicho/infra/postgres/pgtest"
	"github.com/daicho-dev/daicho/infra/rootkey"
	"github.com/daicho-dev/daicho/infra/sqlite"
	"github.com/daicho-dev/daicho/infra/vault"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/keeper"
)

// together opens what one of several processes opens.
func together(t *testing.T, server *postgres.Server, root contracts.RootKeys) (*vault.Vault, contracts.Database, string) {
	t.Helper()
	db, err := server.Together("vault").Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.New(t.Context(), db, root, vault.Options{Lingers: true, Turn: server.Turn("vault")})
	if err != nil {
		t.Fatal(err)
	}
	uploads, err := server.Together("uploads").Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v, uploads, server.Turn("uploads")
}

// taking is another process, which takes events and has no bytes.
type taking struct {
	*intake.Gateway
	vault *vault.Vault
	fails atomic.Int32 // so many releases
}

// releasing is a store that is away for a while.
type releasing struct {
	*Claims
	p *taking
}

func (r releasing) Release(ctx context.Context, upload events.ID, by string, destroy bool) error {
	if r.p.fails.Add(-1) >= 0 {
		return errors.New("the server is away")
	}
	return r.Claims.Release(ctx, upload, by, destroy)
}

func (w *world) taking(server *postgres.Server) *taking {
	w.t.Helper()
	ctx, dir := w.t.Context(), w.t.TempDir()
	must := func(err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	root, err := rootkey.File(filepath.Join(w.dir, "root.key"))
	must(err)
	v, uploads, turn := together(w.t, server, root)
	states, err := sqlite.Open(ctx, filepath.Join(dir, "states.db"))
	must(err)
	g, err := intake.Open(ctx, w.log, v, states, nil, nil)
	must(err)
	claims, err := OpenClaims(ctx, v, uploads, turn)
	must(err)
	p := &taking{Gateway: g, vault: v}
	g.Shared, g.Uploads = true, releasing{claims, p}
	k := keeper.New(v, w.log, g)
	g.Destroy = func([]events.Event) {} // the office destroys
	k.Recorded = claims.Recorded
	must(k.Redo(ctx))
	g.Start()
	w.t.Cleanup(func() {
		_ = g.Close()
		_, _ = sqlite.Close(states), uploads.Close()
		_ = v.Close()
	})
	return p
}

func (w *world) at(p *taking, c intake.Caller, s intake.Submission) contracts.Receipt {
	w.t.Helper()
	out, err := p.Submit(w.t.Context(), c, []intake.Submission{s})
	if err != nil {
		w.t.Fatal(err)
	}
	return out[0]
}

// What is uploaded at one process is claimed at others: by one of them, once; refused there, it is given back, or its key is destroyed at once.
func TestClaimedAtAnotherProcess(t *testing.T) {
	server := pgtest.Start(t).At(t)
	w := newWorldOn(t, server)
	var all [2]*taking
	var wg sync.WaitGroup
	for i := range all { // the store is made by whoever comes first
		wg.Go(func() { all[i] = w.taking(server) })
	}
	wg.Wait()
	one, two := all[0], all[1]

	u := w.upload(emitter, "旅券.png", "a scan")
	if row, ok, err := w.waiting.find(t.Context(), u.Upload); err != nil || !ok || len(row.box) < 100 || bytes.Contains(row.box, []byte("png")) {
		t.Errorf("what waits is %q (%v, %v)", row.box, ok, err)
	}
	events := []intake.Submission{w.event("collected", scan1(u.Upload)), w.event("collected", strings.Replace(scan1(u.Upload), "scan/", "other/", 1))}
	var got [2]contracts.Receipt
	for i, p := range all {
		wg.Go(func() { got[i] = w.at(p, emitter, events[i]) })
	}
	wg.Wait()
	first, second := got[0], got[1]
	if second.Status == contracts.StatusRecorded {
		first, second = second, first
		one, two, events[0] = two, one, events[1]
	}
	if first.Status != contracts.StatusRecorded || second.Rule != "unknown_word" {
		t.Fatalf("one upload, two processes: %+v %+v", first, second)
	}
	if about, content, err := w.open(w.dossier(contracts.DossierQuestion{Sealed: true}).Records[0].ID); err != nil || content != "a scan" || about.Name != "旅券.png" {
		t.Errorf("%+v %q %v", about, content, err)
	}
	if r := w.at(two, emitter, events[0]); r.Status != contracts.StatusDuplicate {
		t.Errorf("the same at the other: %+v", r)
	}
	if err := w.Sweep(t.Context()); err != nil || w.rows() != 0 || len(w.stored()) != 1 {
		t.Errorf("after the sweep %d rows and %d objects: %v", w.rows(), len(w.stored()), err)
	}

	u = w.upload(emitter, "", "given back")
	one.fails.Store(2)
	if r := w.at(one, emitter, w.event("collected", strings.Replace(scan1(u.Upload), "SVC-01", "SVC-99", 1))); r.Rule != "unknown_purpose" {
		t.Fatalf("%+v", r)
	}
	if r := w.at(two, emitter, w.event("collected", scan1(u.Upload))); r.Status != contracts.StatusRecorded {
		t.Errorf("given back by one, at the other: %+v", r)
	}
	if err := one.Err(); err != nil {
		t.Errorf("a store that was away for a while has stopped intake: %v", err)
	}

	u = w.upload(emitter, "", "of a minor")
	if r := w.at(one, emitter, w.event("collected", strings.Replace(scan1(u.Upload), `"country":"JP"`, `"country":"JP","birthdate":"2020-01-01"`, 1))); r.Rule != "minor" {
		t.Fatalf("%+v", r)
	}
	if row, ok, err := w.waiting.find(t.Context(), u.Upload); !ok || err != nil || !row.dropped {
		t.Errorf("of what may not be kept: %+v %v %v", row, ok, err)
	}
	if keys, err := one.vault.Keys(t.Context(), owners(u.Upload)); err != nil || keys[0] != nil {
		t.Errorf("the key of what may not be kept: %v %v", keys, err)
	}
	if err := w.Sweep(t.Context()); err != nil || w.rows() != 0 || len(w.stored()) != 2 {
		t.Errorf("after the sweep %d rows and %d objects: %v", w.rows(), len(w.stored()), err)
	}
}

func owners(u events.ID) []events.Stream { return []events.Stream{ownerOf(u)} }

// A store and a vault that were put back from a copy show as waiting what a record has; whoever starts on them reads the log before it claims.
func TestAnOldStoreAtAnotherProcess(t *testing.T) {
	server := pgtest.Start(t).At(t)
	w := newWorldOn(t, server)
	before := w.taking(server)
	u := w.upload(emitter, "", "x")
	waiting, ok, err := w.waiting.find(t.Context(), u.Upload)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if r := w.at(before, emitter, w.event("collected", scan1(u.Upload))); r.Status != contracts.StatusRecorded {
		t.Fatalf("%+v", r)
	}
	if err := errors.Join(w.waiting.remove(t.Context(), u.Upload), w.waiting.add(t.Context(), waiting)); err != nil {
		t.Fatal(err)
	}
	if row, ok, err := w.waiting.find(t.Context(), u.Upload); err != nil || !ok || row.claim != "" {
		t.Fatalf("%+v %v %v", row, ok, err)
	}
	after := w.taking(server)
	if r := w.at(after, emitter, w.event("collected", strings.Replace(scan1(u.Upload), "scan/", "other/", 1))); r.Rule != "unknown_word" {
		t.Errorf("%+v", r)
	}
}
