// Command generate writes what the contracts derive from the Go types: the JSON Schemas of the events, and the parts of
// asyncapi.yaml and openapi.json that repeat them. The hand-written parts are beside it, under templates.
//
// It is run in the contracts module: `go run ./internal/generate`. A test says when it should have been.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

type generator struct {
	root    string // of the contracts module
	events  docs
	answers docs
	files   map[string][]byte // by name below root
}

func (g *generator) put(name string, b []byte) { g.files[name] = b }

// generate makes all files, and writes none.
func generate(root string) (map[string][]byte, error) {
	g := &generator{root: root, files: map[string][]byte{}}
	var err error
	if g.events, err = readDocs(filepath.Join(root, "..", "events")); err != nil {
		return nil, err
	}
	if g.answers, err = readDocs(root); err != nil {
		return nil, err
	}
	for _, part := range []func() error{g.eventSchemas, g.openAPI, g.asyncAPI} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	return g.files, nil
}

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	files, err := generate(root)
	if err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(root, "schemas", "*.schema.json"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if rel, _ := filepath.Rel(root, name); files[filepath.ToSlash(rel)] == nil {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(root, name), files[name], 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("%d files\n", len(names))
	return nil
}
