package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// object is a JSON object whose members keep their order: the files are for people too.
type object []member

type member struct {
	name  string
	value any
}

func (o *object) set(name string, value any) { *o = append(*o, member{name, value}) }

func (o object) get(name string) any {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// replace changes a member that is there, in place.
func (o object) replace(name string, value any) error {
	for i := range o {
		if o[i].name == name {
			o[i].value = value
			return nil
		}
	}
	return fmt.Errorf("the template has no member %s where it is filled in", name)
}

// print writes a document: indented, in order, with a newline at the end.
func print(v any) []byte {
	var b bytes.Buffer
	write(&b, v, "\n")
	b.WriteByte('\n')
	// The character that stands for what could not be read stands in a pattern; nobody would know it there by sight.
	return bytes.ReplaceAll(b.Bytes(), []byte("\ufffd"), []byte(`\ufffd`))
}

func write(b *bytes.Buffer, v any, newline string) {
	inner := newline + "  "
	switch v := v.(type) {
	case object:
		b.WriteByte('{')
		for i, m := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(inner)
			write(b, m.name, "")
			b.WriteString(": ")
			write(b, m.value, inner)
		}
		if len(v) > 0 {
			b.WriteString(newline)
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, x := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(inner)
			write(b, x, inner)
		}
		if len(v) > 0 {
			b.WriteString(newline)
		}
		b.WriteByte(']')
	default:
		enc := json.NewEncoder(b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			panic(err) // a value that this program made
		}
		b.Truncate(b.Len() - 1)
	}
}

func list[T any](all []T) []any {
	out := make([]any, len(all))
	for i, x := range all {
		out[i] = x
	}
	return out
}

// read reads a YAML or JSON file and keeps the order of its members.
func read(name string) (any, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(doc.Content) == 0 {
		return nil, fmt.Errorf("%s is empty", name)
	}
	v, err := ordered(doc.Content[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return v, nil
}

func ordered(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		o := object{}
		for i := 0; i < len(n.Content); i += 2 {
			v, err := ordered(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			o.set(n.Content[i].Value, v)
		}
		return o, nil
	case yaml.SequenceNode:
		all := []any{}
		for _, x := range n.Content {
			v, err := ordered(x)
			if err != nil {
				return nil, err
			}
			all = append(all, v)
		}
		return all, nil
	case yaml.ScalarNode:
		switch n.Tag {
		case "!!str":
			return strings.TrimSuffix(n.Value, "\n"), nil
		case "!!null":
			if n.Value == "" {
				return nil, fmt.Errorf("line %d: nothing is there; a text with a comma or a colon needs quotes", n.Line)
			}
			return nil, nil
		case "!!bool":
			return strconv.ParseBool(n.Value)
		case "!!int", "!!float":
			return json.Number(n.Value), nil
		}
	}
	return nil, fmt.Errorf("line %d: %s is not of JSON; quote it", n.Line, n.Tag)
}
