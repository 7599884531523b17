package objects

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/objectstest"
)

func TestFolder(t *testing.T) {
	dirs := map[string]string{}
	open := func(t *testing.T) contracts.Objects {
		f, err := Open(filepath.Join(dirs[t.Name()], "objects"))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	objectstest.Test(t, objectstest.Adapter{
		Open:   func(t *testing.T) contracts.Objects { dirs[t.Name()] = t.TempDir(); return open(t) },
		Reopen: open,
	})
}

// Whoever shares the machine reads nothing, and a crash leaves no file that nothing would remove.
func TestFilesAreTheOwnersAndLeftoversGo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "objects")
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	w, _ := f.Create(t.Context(), "abc")
	_, _ = w.Write([]byte("x"))
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	left, _ := f.Create(t.Context(), "left")
	_, _ = left.Write([]byte("x"))
	files := func() (all []string) {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			info, infoErr := d.Info()
			if err != nil || infoErr != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s: %v %v %v", path, info.Mode(), err, infoErr)
			}
			if !d.IsDir() {
				all = append(all, strings.TrimPrefix(path, dir))
			}
			return nil
		})
		return all
	}
	if all := files(); len(all) != 2 {
		t.Errorf("there are %v", all)
	}
	if _, err := Open(dir); err != nil {
		t.Fatal(err)
	}
	if all := files(); len(all) != 1 || all[0] != "/ab/abc" {
		t.Errorf("after opening again there are %v", all)
	}
}

// An error says what went wrong and names no file.
func TestErrorsNameNoFile(t *testing.T) {
	dir := t.TempDir()
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ab"), nil, 0o600); err != nil { // where a folder should be
		t.Fatal(err)
	}
	w, err := f.Create(t.Context(), "abc")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{w.Commit(), f.Delete(t.Context(), "abc")} {
		if err == nil || strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "abc") {
			t.Errorf("the error is %v", err)
		}
	}
}
