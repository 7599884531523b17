package vault_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/vaulttest"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/postgres"
	"github.com/daicho-dev/daicho/infra/postgres/pgtest"
	"github.com/daicho-dev/daicho/infra/rootkey"
	"github.com/daicho-dev/daicho/infra/vault"
)

// together opens a vault as one of several processes does.
func together(t testing.TB, server *postgres.Server, dir string, keysFor time.Duration) *vault.Vault {
	t.Helper()
	root, err := rootkey.File(dir + ".keys")
	if err != nil {
		t.Fatal(err)
	}
	db, err := server.Together("vault").Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.New(t.Context(), db, root, vault.Options{Lingers: true, Turn: server.Turn("vault"), KeysFor: keysFor})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return v
}

func TestContractTogether(t *testing.T) {
	server := pgtest.Start(t)
	at := map[string]*postgres.Server{}
	vaulttest.Test(t, func(t *testing.T, dir string) contracts.Vault {
		if at[dir] == nil {
			at[dir] = server.At(t)
		}
		return together(t, at[dir], dir, 0)
	})
}

// Processes that have a vault open together begin at once, admit the same people as one, keep refusals on the same day, and see what
// another has destroyed; nobody gets in alone beside them, nor they beside somebody who is.
func TestProcessesHaveAVaultTogether(t *testing.T) {
	server := pgtest.Start(t).At(t)
	dir := filepath.Join(t.TempDir(), "vault")
	if _, err := rootkey.File(dir + ".keys"); err != nil { // the root key is there before
		t.Fatal(err)
	}
	all := make([]*vault.Vault, 4)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() { all[i] = together(t, server, dir, time.Hour); all[i].Level() })
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	if _, err := server.Durable("vault").Open(t.Context()); !errors.Is(err, contracts.ErrStandby) {
		t.Errorf("somebody gets in alone beside them: %v", err)
	}
	tag := all[0].Peppered("x", "y")
	for _, v := range all {
		if v.Peppered("x", "y") != tag {
			t.Fatal("they have different peppers")
		}
	}
	const people = 40
	streams := make([][]events.Stream, len(all))
	for i, v := range all {
		wg.Go(func() {
			for p := range people {
				n, err := v.Newcomer(events.PersonStream(v.NewPseudonym()), events.Identifier(fmt.Sprintf("rental:C-%d", p)))
				if err != nil {
					t.Error(err)
					return
				}
				admitted, err := v.Admit(t.Context(), []contracts.Newcomer{n})
				if err != nil {
					t.Error(err)
					return
				}
				streams[i] = append(streams[i], admitted[0])
				if err := v.Quarantine(t.Context(), []contracts.Quarantined{{ID: fmt.Sprintf("%d-%d", i, p), At: time.Now(), Rule: "schema", Body: []byte("{}")}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for i := range all {
		for p := range people {
			if streams[i][p] != streams[0][p] {
				t.Fatalf("person %d is another one at process %d", p, i)
			}
		}
	}
	if kept, err := all[3].Quarantined(t.Context(), 1000, true); err != nil || len(kept) != people*len(all) {
		t.Errorf("%d refusals are kept (%v)", len(kept), err)
	}
	one := streams[0][0]
	before, err := all[1].Keys(t.Context(), []events.Stream{one})
	if err != nil {
		t.Fatal(err)
	}
	box, err := before[0].Seal(1, contracts.Bound{Type: "t"}, []byte("v"))
	if err != nil {
		t.Fatal(err)
	}
	if err := all[0].Puncture(t.Context(), map[events.Stream][]events.Ordinal{one: {1}}); err != nil {
		t.Fatal(err)
	}
	all[1].Hear(one)
	after, err := all[1].Keys(t.Context(), []events.Stream{one})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := after[0].Open(1, contracts.Bound{Type: "t"}, box); !errors.Is(err, contracts.ErrDestroyed) {
		t.Errorf("what another process destroyed opens: %v", err)
	}
	if err := all[2].Forget(t.Context(), streams[0][1], time.Now(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if found, err := all[1].Find(t.Context(), []events.Identifier{"rental:C-1"}); err != nil || found[0].Person != "" || found[0].Gone.IsZero() {
		t.Errorf("somebody whom another process forgot is found: %+v %v", found, err)
	}
	if err := all[0].Rotate(t.Context()); err == nil {
		t.Error("the root key turns under the others")
	}
	for _, v := range all {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	}
	db, err := server.Durable("vault").Open(t.Context())
	if err != nil {
		t.Fatalf("when they have gone, nobody gets in alone: %v", err)
	}
	defer func() { _ = db.Close() }()
	if _, err := server.Together("vault").Open(t.Context()); !errors.Is(err, contracts.ErrStandby) {
		t.Errorf("one of several gets in beside somebody who is alone: %v", err)
	}
}
