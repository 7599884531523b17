package vault_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/vaulttest"
	"github.com/daicho-dev/daicho/infra/rootkey"
	"github.com/daicho-dev/daicho/infra/vault"
)

// open opens a vault; the root keys lie beside its folder, not in it.
func open(t testing.TB, dir string, opts vault.Options) *vault.Vault {
	t.Helper()
	root, err := rootkey.File(filepath.Join(filepath.Dir(dir), filepath.Base(dir)+".keys"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(t.Context(), dir, root, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return v
}

func TestContract(t *testing.T) {
	for name, opts := range map[string]vault.Options{
		"Cached": {}, "Uncached": {KeysFor: -1}, "Small": {KeysFor: time.Millisecond, KeysMax: 1, FoundMax: 1},
	} {
		t.Run(name, func(t *testing.T) {
			vaulttest.Test(t, func(t *testing.T, dir string) contracts.Vault { return open(t, dir, opts) })
		})
	}
}
