// Package policies carries the company's catalogue, written for people (YAML), and hands it to the engine as the JSON that is
// published.
package policies

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"gopkg.in/yaml.v3"

	"github.com/daicho-dev/daicho/events/policy"
)

//go:embed telecomsquare.yaml
var shipped []byte

// Schema is the JSON Schema of a catalogue.
//
//go:embed catalogue.schema.json
var Schema []byte

// Load reads a catalogue from a file of YAML, or of JSON, which is YAML too. With it comes the JSON to publish.
func Load(path string) (*policy.Catalogue, []byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	c, doc, err := Read(b)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, doc, nil
}

// Read is Load of what has been read already.
func Read(b []byte) (*policy.Catalogue, []byte, error) {
	var tree, more any
	in := yaml.NewDecoder(bytes.NewReader(b))
	if err := in.Decode(&tree); err != nil {
		return nil, nil, err
	}
	if err := in.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("a catalogue is one document")
	}
	if _, ok := tree.(map[string]any); !ok {
		return nil, nil, errors.New("a catalogue is a mapping")
	}
	doc, err := json.Marshal(tree)
	if err != nil {
		return nil, nil, err
	}
	c, err := policy.Parse(doc)
	if err != nil {
		return nil, nil, err
	}
	return c, c.JSON(), nil
}

var parsed = sync.OnceValue(func() *policy.Catalogue {
	c, _, err := Read(shipped)
	if err != nil {
		panic("the shipped catalogue: " + err.Error())
	}
	return c
})

// Default is the shipped catalogue. It is a part of the program: one that cannot be read is a program that was built wrong, and a test reads it.
func Default() *policy.Catalogue { return parsed() }
