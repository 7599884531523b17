package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestCommittedFilesAreWhatTheTypesGive(t *testing.T) {
	const root = "../.."
	files, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator gives (%v): run `go run ./internal/generate` in contracts", name, err)
		}
	}
	there, err := filepath.Glob(filepath.Join(root, "schemas", "*.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range there {
		if files["schemas/"+filepath.Base(name)] == nil {
			t.Errorf("%s belongs to no event type", name)
		}
	}
}

func TestGenerateTwiceIsTheSame(t *testing.T) {
	a, err := generate("../..")
	if err != nil {
		t.Fatal(err)
	}
	b, err := generate("../..")
	if err != nil {
		t.Fatal(err)
	}
	for name := range a {
		if !bytes.Equal(a[name], b[name]) {
			t.Errorf("%s differs from run to run", name)
		}
	}
}
