package rootkey

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
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
	// A power cut after the file had grown, before what it grew by was on disk.
	two, _ := os.ReadFile(path)
	for _, tail := range [][]byte{make([]byte, lineSize), append([]byte("00000003 "), make([]byte, lineSize-9)...)} {
		write(append(bytes.Clone(two), tail...), 0o600)
		if epoch, err := openFile(t, path).NewEpoch(ctx); err != nil || epoch != "3" {
			t.Fatalf("%q %v", epoch, err)
		}
		if epoch, err := openFile(t, path).Current(ctx); err != nil || epoch != "3" {
			t.Fatalf("%q %v", epoch, err)
		}
	}
	write(two, 0o600)
	// A crash while one was being destroyed.
	b, _ := os.ReadFile(path)
	copy(b[keyAt:], "----")
	write(b, 0o600)
	if _, err := openFile(t, path).Unwrap(ctx, "1", nil, nil); !errors.Is(err, contracts.ErrDestroyed) {
		t.Fatal(err)
	}
}

// Whoever meets one of these stands before a vault that does not open: the text has to say what to do.
type stat struct {
	os.FileInfo
	mode os.FileMode
	uid  uint32
}

func (s stat) Mode() os.FileMode { return s.mode }
func (s stat) Sys() any          { return &syscall.Stat_t{Uid: s.uid} }

// A key is its owner's alone, or root's and handed over read-only to somebody else.
func TestWhoMayReadTheFile(t *testing.T) {
	for _, x := range []struct {
		mode  os.FileMode
		owner uint32
		user  int
		ok    bool
	}{
		{0o600, 1000, 1000, true},
		{0o400, 0, 0, true},
		{0o440, 0, 1000, true},
		{0o440, 0, 0, false},
		{0o440, 1000, 1000, false},
		{0o640, 0, 1000, false},
		{0o460, 0, 1000, false},
		{0o444, 0, 1000, false},
		{0o604, 1000, 1000, false},
		{os.ModeDir | 0o700, 1000, 1000, false},
		{os.ModeNamedPipe | 0o400, 1000, 1000, false},
	} {
		if got := private(stat{mode: x.mode, uid: x.owner}, x.user); got != x.ok {
			t.Errorf("%v of %d, read by %d: %v, want %v", x.mode, x.owner, x.user, got, x.ok)
		}
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	for _, err := range []error{errForm, errEpoch, errWrap, errMode, errCurrent} {
		if !regexp.MustCompile(`put back|chmod|make a new`).MatchString(err.Error()) {
			t.Error(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	first, _, err1 := newLine(1)
	second, _, err2 := newLine(2)
	if err := errors.Join(err1, err2); err != nil {
		f.Fatal(err)
	}
	gone := append([]byte("00000001 "), append(bytes.Clone(destroyed), '\n')...)
	for _, b := range [][]byte{
		nil, first, append(gone, second...), append(bytes.Clone(first), second[:20]...), append(bytes.Clone(first), make([]byte, lineSize)...),
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		k := new(file)
		if k.parse(b) != nil {
			return
		}
		n := len(k.epochs)
		if n == 0 || k.epochs[n-1] == nil || n != len(bytes.TrimRight(b, "\x00"))/lineSize {
			t.Fatal("read without a current key, or not every line")
		}
	})
}
