package rootkey

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
)

func openFile(t *testing.T, path string) contracts.RootKeys {
	t.Helper()
	k, err := File(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestFile(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "root.keys")
	k := openFile(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode: %v %v", info, err)
	}
	first, err := k.Current(ctx)
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := k.Wrap(ctx, first, []byte("secret"), []byte("bound"))
	if err != nil {
		t.Fatal(err)
	}
	old, _ := os.ReadFile(path)
	if err := k.DestroyEpoch(ctx, first); err == nil {
		t.Fatal("the current epoch was destroyed")
	}
	second, err := k.NewEpoch(ctx)
	if err != nil || second == first {
		t.Fatalf("a new epoch: %q %v", second, err)
	}
	for range 2 {
		if now, _ := k.Current(ctx); now != second {
			t.Fatal("the new epoch is not current")
		}
		if got, err := k.Unwrap(ctx, first, wrapped, []byte("bound")); err != nil || string(got) != "secret" {
			t.Fatalf("unwrapping: %v", err)
		}
		for _, c := range []struct {
			epoch   string
			wrapped []byte
			bound   string
		}{{second, wrapped, "bound"}, {first, wrapped, "other"}, {first, wrapped[1:], "bound"}, {first, nil, "bound"}, {"9", wrapped, "bound"}, {"01", wrapped, "bound"}, {"", wrapped, "bound"}} {
			if _, err := k.Unwrap(ctx, c.epoch, c.wrapped, []byte(c.bound)); err == nil || errors.Is(err, contracts.ErrDestroyed) {
				t.Fatalf("unwrapped what it should not: %v", err)
			}
		}
		k = openFile(t, path)
	}
	for range 2 {
		if err := k.DestroyEpoch(ctx, first); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Unwrap(ctx, first, wrapped, []byte("bound")); !errors.Is(err, contracts.ErrDestroyed) {
			t.Fatal(err)
		}
		if _, err := k.Wrap(ctx, first, nil, nil); !errors.Is(err, contracts.ErrDestroyed) {
			t.Fatal(err)
		}
		k = openFile(t, path)
	}
	now, _ := os.ReadFile(path)
	if bytes.Contains(now, old[keyAt:lineSize-1]) || len(now) != 2*lineSize {
		t.Fatal("the destroyed key is still in the file")
	}
}

func TestDamage(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "root.keys")
	openFile(t, path)
	good, _ := os.ReadFile(path)
	write := func(b []byte, mode os.FileMode) {
		t.Helper()
		_ = os.Remove(path)
		if err := errors.Join(os.WriteFile(path, b, mode), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	write(good, 0o640)
	if _, err := File(path); err == nil {
		t.Error("a file that others may read was opened")
	}
	bad := bytes.Clone(good)
	bad[3] = 'x'
	for _, b := range [][]byte{nil, good[:lineSize-1], bad, append(bytes.Clone(good), good...), bytes.Replace(good, good[keyAt:lineSize-1], destroyed, 1)} {
		write(b, 0o600)
		if _, err := File(path); err == nil {
			t.Error("a damaged file was opened")
		}
	}
	// A crash while an epoch was being added.
	write(append(bytes.Clone(good), "00000002 ab"...), 0o600)
	if epoch, err := openFile(t, path).NewEpoch(ctx); err != nil || epoch != "2" {
		t.Fatalf("%q %v", epoch, err)
	}
	if epoch, err := openFile(t, path).Current(ctx); err != nil || epoch != "2" {
		t.Fatalf("%q %v", epoch, err)
	}
	// A crash while one was being destroyed.
	b, _ := os.ReadFile(path)
	copy(b[keyAt:], "----")
	write(b, 0o600)
	if _, err := openFile(t, path).Unwrap(ctx, "1", nil, nil); !errors.Is(err, contracts.ErrDestroyed) {
		t.Fatal(err)
	}
}
