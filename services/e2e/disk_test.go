package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// small is a file system of its own, of some megabytes.
func small(t *testing.T, megabytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=0700", megabytes)); err != nil {
		if os.Getenv("DAICHO_CI") != "" {
			t.Fatalf("no file system of one's own can be mounted here: %v", err)
		}
		t.Skipf("SKIPPED: no file system of one's own can be mounted here (%v); run as root to try a full disk", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fill takes all the room that is left, and answers what gives it back.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 64<<10); ; { // down to the last byte
		if _, err := f.Write(block); err != nil {
			if block = block[:len(block)/2]; len(block) == 0 {
				break
			}
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// On a disk that is full nothing is answered that is not kept, and the engine says that it is not well; with room again, and a start if it needs
// one, everything is taken once, and the end state is that of an undisturbed run.
func TestAFullDiskLosesNothing(t *testing.T) {
	lines := year(t)[:2000]
	ids, asOf, want := undisturbed(t, lines)

	dir := small(t, 192)
	e := start(t, dir)
	if _, err := send(e.as("admin"), lines[:800], 100); err != nil {
		t.Fatal(err)
	}
	free := fill(t, dir)
	answered := 800
	for began := time.Now(); time.Since(began) < 20*time.Second && answered < 1600; {
		c := e.as("admin")
		c.HTTP = &http.Client{Timeout: 10 * time.Second}
		if _, err := send(c, lines[answered:answered+20], 20); err != nil {
			break
		}
		answered += 20
	}
	if answered == 1600 {
		t.Fatal("a full disk takes everything")
	}
	t.Logf("%d lines were answered while the disk was full", answered-800)
	eventually(t, "the engine to say that it is not well", func() error {
		res, err := http.Get(e.url + "/healthz")
		if err != nil {
			return nil // it has ended, which says it too
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		if res.StatusCode == http.StatusOK {
			return fmt.Errorf("/healthz says %s", b)
		}
		return nil
	})
	free()
	e.kill()
	e.again()
	c := e.as("admin")
	before, err := send(c, lines[:answered], 500)
	if err != nil || before.Recorded != 0 {
		t.Errorf("of what was answered, %d lines are recorded anew (%v)", before.Recorded, err)
	}
	if _, err := send(c, lines[answered:], 500); err != nil {
		t.Fatal(err)
	}
	e.grown()
	if got := normal(t, e, ids, asOf, true); !bytes.Equal(got, want) {
		t.Errorf("the end state differs from an undisturbed run's:\n%s", differ(want, got))
	}
	e.verified()
	if err := e.as("admin").Ready(context.Background()); err != nil {
		t.Error(err)
	}
}
