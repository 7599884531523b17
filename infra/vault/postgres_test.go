package vault_test

import (
	"errors"
	"path/filepath"
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

// openOn opens a vault on PostgreSQL; its root keys are those of a folder.
func openOn(t testing.TB, server *postgres.Server, dir string, opts vault.Options) *vault.Vault {
	t.Helper()
	opts.Lingers = true
	root := must[contracts.RootKeys](t)(rootkey.File(dir + ".keys"))
	db := must[contracts.Database](t)(server.Durable("vault").Open(t.Context()))
	v := must[*vault.Vault](t)(vault.New(t.Context(), db, root, opts))
	t.Cleanup(func() { _ = v.Close() })
	return v
}

func TestContractOnPostgreSQL(t *testing.T) {
	server := pgtest.Start(t)
	for name, opts := range map[string]vault.Options{"Cached": {}, "Uncached": {KeysFor: -1}} {
		t.Run(name, func(t *testing.T) {
			at := map[string]*postgres.Server{}
			vaulttest.Test(t, func(t *testing.T, dir string) contracts.Vault {
				if at[dir] == nil {
					at[dir] = server.At(t)
				}
				return openOn(t, at[dir], dir, opts)
			})
		})
	}
}

// What was destroyed is destroyed after the server's crash, what was not is not, and a destruction names the epoch that it waits for:
// with the next one it is final.
func TestServerIsCutUnderTheVault(t *testing.T) {
	own := pgtest.Own(t)
	server, dir := own.At(t), filepath.Join(t.TempDir(), "vault")
	v := openOn(t, server, dir, vault.Options{KeysFor: -1})
	v.Level()
	kept, gone := admit(t, v, "crm:1"), admit(t, v, "crm:2")
	box := must[[]byte](t)(keysOf(t, v, kept).Seal(2, bound, []byte("two")))
	ok(t, v.Puncture(t.Context(), map[events.Stream][]events.Ordinal{kept: {1}}))
	ok(t, v.Forget(t.Context(), gone, noon, time.Hour))
	ok(t, v.Advance(t.Context(), 7))
	before, final, err := v.Epoch(t.Context())
	if err != nil || final {
		t.Fatalf("a destruction is final at once: %v %v", final, err)
	}
	own.Cut(t)
	if err := v.Puncture(t.Context(), map[events.Stream][]events.Ordinal{kept: {3}}); err == nil {
		t.Fatal("a puncture succeeded without a server")
	}
	if _, err := v.Keys(t.Context(), []events.Stream{kept}); err == nil {
		t.Fatal("a key was opened without a server")
	}
	own.Begin(t)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if err = v.Puncture(t.Context(), map[events.Stream][]events.Ordinal{kept: {3}}); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	check := func(v *vault.Vault) {
		t.Helper()
		k := keysOf(t, v, kept)
		if k.Alive(1) || !k.Alive(2) || k.Alive(3) || !k.Alive(4) {
			t.Error("other keys live than before the crash")
		}
		if got := must[[]byte](t)(k.Open(2, bound, box)); string(got) != "two" {
			t.Error("a value was lost")
		}
		found := must[[]contracts.Found](t)(v.Find(t.Context(), []events.Identifier{"crm:1", "crm:2"}))
		if found[0].Person != kept.Person() || found[1].Person != "" || !found[1].Gone.Equal(noon) {
			t.Error("identifiers lead elsewhere than before the crash")
		}
		if at := must[events.Position](t)(v.Position(t.Context())); at != 7 {
			t.Errorf("the position is %v", at)
		}
	}
	check(v)
	ok(t, v.Rotate(t.Context()))
	if after, _, _ := v.Epoch(t.Context()); after == before {
		t.Error("the epoch that destructions waited for has not come")
	}
	check(v)
	ok(t, v.Close())
	v = openOn(t, server, dir, vault.Options{})
	v.Level()
	check(v)
}

// One process at a time has a vault open.
func TestTwoVaultsInOnePlace(t *testing.T) {
	server, dir := pgtest.Start(t).At(t), filepath.Join(t.TempDir(), "vault")
	v := openOn(t, server, dir, vault.Options{})
	if db, err := server.Durable("vault").Open(t.Context()); !errors.Is(err, contracts.ErrStandby) {
		_ = db.Close()
		t.Fatalf("a second one: %v", err)
	}
	v.Level()
	admit(t, v, "crm:1")
	ok(t, v.Close())
	second := openOn(t, server, dir, vault.Options{})
	second.Level()
	if found := must[[]contracts.Found](t)(second.Find(t.Context(), []events.Identifier{"crm:1"})); found[0].Person == "" {
		t.Error("the second one does not know whom the first has admitted")
	}
}
