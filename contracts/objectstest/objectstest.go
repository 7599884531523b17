// Package objectstest is the suite that every contracts.Objects passes.
package objectstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
)

// Adapter opens the stores under test.
type Adapter struct {
	// Open opens an empty store.
	Open func(t *testing.T) contracts.Objects
	// Reopen opens again what Open gave to the same test, as after a crash: what was begun then was not finished.
	Reopen func(t *testing.T) contracts.Objects
}

// Test runs the whole suite.
func Test(t *testing.T, a Adapter) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Adapter)
	}{
		{"Whole", testWhole}, {"Unfinished", testUnfinished}, {"Taken", testTaken}, {"Deleted", testDeleted}, {"Names", testNames},
		{"Listed", testListed}, {"Reopened", testReopened}, {"Together", testTogether}, {"Cancelled", testCancelled},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, a) })
	}
}

// put stores an object in several writes.
func put(t *testing.T, s contracts.Objects, name string, content []byte) {
	t.Helper()
	w, err := s.Create(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for part := range slices.Chunk(content, 1000) {
		if n, err := w.Write(part); err != nil || n != len(part) {
			t.Fatalf("wrote %d of %d: %v", n, len(part), err)
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s contracts.Objects, name string) []byte {
	t.Helper()
	r, err := s.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func absent(t *testing.T, s contracts.Objects, name string) {
	t.Helper()
	if r, err := s.Open(t.Context(), name); !errors.Is(err, contracts.ErrNoObject) {
		t.Errorf("opening %s: %v, not ErrNoObject", name, err)
		if err == nil {
			_ = r.Close()
		}
	}
}

// all are the objects that a store lists, by name.
func all(t *testing.T, s contracts.Objects) map[string]contracts.Object {
	t.Helper()
	found := map[string]contracts.Object{}
	for o, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := found[o.Name]; twice {
			t.Errorf("%s is listed twice", o.Name)
		}
		found[o.Name] = o
	}
	return found
}

func testWhole(t *testing.T, a Adapter) {
	s := a.Open(t)
	for i, size := range []int{0, 1, 999, 1000, 1001, 200_000} {
		content := bytes.Repeat([]byte{byte(i), 0xff, '\n'}, size/3+1)[:size]
		name := fmt.Sprintf("whole%d", size)
		put(t, s, name, content)
		if got := get(t, s, name); !bytes.Equal(got, content) {
			t.Errorf("%d bytes came back as %d others", size, len(got))
		}
	}
	absent(t, s, "whole2")
}

func testUnfinished(t *testing.T, a Adapter) {
	s := a.Open(t)
	w, err := s.Create(t.Context(), "unfinished")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	absent(t, s, "unfinished")
	if found := all(t, s); len(found) != 0 {
		t.Errorf("what is being written is listed: %v", found)
	}
	w.Abort()
	absent(t, s, "unfinished")
	put(t, s, "unfinished", []byte("whole")) // the name is free again
	if got := get(t, s, "unfinished"); string(got) != "whole" {
		t.Errorf("it holds %q", got)
	}
}

func testTaken(t *testing.T, a Adapter) {
	s := a.Open(t)
	put(t, s, "taken", []byte("first"))
	w, err := s.Create(t.Context(), "taken")
	if err == nil {
		defer w.Abort()
		_, _ = w.Write([]byte("second"))
		err = w.Commit()
	}
	if !errors.Is(err, contracts.ErrObjectExists) {
		t.Errorf("writing over an object: %v, not ErrObjectExists", err)
	}
	if got := get(t, s, "taken"); string(got) != "first" {
		t.Errorf("it holds %q", got)
	}
}

func testDeleted(t *testing.T, a Adapter) {
	s := a.Open(t)
	put(t, s, "deleted", []byte("content"))
	put(t, s, "other", []byte("content"))
	open, err := s.Open(t.Context(), "deleted")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	for range 2 {
		if err := s.Delete(t.Context(), "deleted"); err != nil {
			t.Fatal(err)
		}
		absent(t, s, "deleted")
	}
	if err := s.Delete(t.Context(), "neverwas"); err != nil {
		t.Error(err)
	}
	if b, err := io.ReadAll(open); err != nil || string(b) != "content" {
		t.Errorf("a reader that was open got %q, %v", b, err)
	}
	if found := all(t, s); len(found) != 1 || found["other"].Size != 7 {
		t.Errorf("left are %v", found)
	}
}

func testNames(t *testing.T, a Adapter) {
	s := a.Open(t)
	for _, name := range []string{"", "A", "a.b", "../a", "a/b", "a-b", "a b", "é", "a\x00", strings.Repeat("a", 65)} {
		if _, err := s.Create(t.Context(), name); !errors.Is(err, contracts.ErrObjectName) {
			t.Errorf("creating %q: %v", name, err)
		}
		if _, err := s.Open(t.Context(), name); !errors.Is(err, contracts.ErrObjectName) {
			t.Errorf("opening %q: %v", name, err)
		}
		if err := s.Delete(t.Context(), name); !errors.Is(err, contracts.ErrObjectName) {
			t.Errorf("deleting %q: %v", name, err)
		}
	}
	for _, name := range []string{"a", "0", strings.Repeat("z", 64)} {
		put(t, s, name, []byte(name))
		if got := get(t, s, name); string(got) != name {
			t.Errorf("%s holds %q", name, got)
		}
	}
}

func testListed(t *testing.T, a Adapter) {
	s := a.Open(t)
	if found := all(t, s); len(found) != 0 {
		t.Errorf("an empty store lists %v", found)
	}
	before := time.Now().Add(-2 * time.Second) // file systems keep coarse times
	for i := range 40 {
		put(t, s, fmt.Sprintf("%02dlisted", i), make([]byte, i))
	}
	found := all(t, s)
	for i := range 40 {
		o, ok := found[fmt.Sprintf("%02dlisted", i)]
		if !ok || o.Size != int64(i) || o.Modified.Before(before) || o.Modified.After(time.Now().Add(2*time.Second)) {
			t.Errorf("object %d is listed as %+v", i, o)
		}
	}
	if len(found) != 40 {
		t.Errorf("%d are listed", len(found))
	}
	for range s.List(t.Context()) {
		break // a listing may be left early
	}
}

func testReopened(t *testing.T, a Adapter) {
	s := a.Open(t)
	put(t, s, "kept", []byte("kept"))
	w, err := s.Create(t.Context(), "begun")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("begun")); err != nil {
		t.Fatal(err)
	}
	s = a.Reopen(t)
	if got := get(t, s, "kept"); string(got) != "kept" {
		t.Errorf("it holds %q", got)
	}
	absent(t, s, "begun")
	if found := all(t, s); len(found) != 1 {
		t.Errorf("listed are %v", found)
	}
	put(t, s, "begun", []byte("anew"))
}

// Many are written, read, listed and deleted at once; each is whole or not there.
func testTogether(t *testing.T, a Adapter) {
	s := a.Open(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name, content := fmt.Sprintf("together%d", i), bytes.Repeat([]byte{byte(i)}, 30_000)
			for range 5 {
				w, err := s.Create(t.Context(), name)
				if err != nil {
					t.Error(err)
					return
				}
				_, err = w.Write(content)
				if err = errors.Join(err, w.Commit()); err != nil {
					t.Error(err)
				}
				r, err := s.Open(t.Context(), name)
				if err != nil {
					t.Error(err)
					return
				}
				b, err := io.ReadAll(r)
				_ = r.Close()
				if err != nil || !bytes.Equal(b, content) {
					t.Errorf("%s came back as %d bytes: %v", name, len(b), err)
				}
				if err := s.Delete(t.Context(), name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			for o, err := range s.List(t.Context()) {
				if err != nil || o.Size != 30_000 {
					t.Errorf("listed beside writers: %+v, %v", o, err)
				}
			}
		}
	})
	wg.Wait()
}

func testCancelled(t *testing.T, a Adapter) {
	s := a.Open(t)
	put(t, s, "there", []byte("x"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Create(ctx, "new"); !errors.Is(err, context.Canceled) {
		t.Errorf("creating: %v", err)
	}
	if _, err := s.Open(ctx, "there"); !errors.Is(err, context.Canceled) {
		t.Errorf("opening: %v", err)
	}
	if err := s.Delete(ctx, "there"); !errors.Is(err, context.Canceled) {
		t.Errorf("deleting: %v", err)
	}
	if got := get(t, s, "there"); string(got) != "x" {
		t.Errorf("it holds %q", got)
	}
}
