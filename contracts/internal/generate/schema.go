package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/events"
)

const (
	dialect = "https://json-schema.org/draft/2020-12/schema"
	home    = "https://daicho.dev/schemas/"
)

// What events/check.go enforces, as patterns. A test feeds both the same inputs.
const (
	printable   = "[^\\x00-\\x1f\\x7f\ufffd]"
	wordPattern = "[A-Za-z0-9:._/-]{1,80}"
	dayPattern  = "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
	hourMinute  = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
	maxList     = 200
)

func pattern(p string) object { return object{{"type", "string"}, {"pattern", "^" + p + "$"}} }

// lengthy counts characters beside the pattern: not every engine repeats a pattern 2,000 times.
func lengthy(most int) object {
	return append(pattern(printable+"*"), member{"minLength", 1}, member{"maxLength", most})
}

// leafSchemas say what a submission may hold in a leaf, and what becomes of it in the log.
var leafSchemas = map[events.Leaf]struct {
	schema object
	stored string
}{
	events.LeafWord:     {pattern(wordPattern), "clear"},
	events.LeafText:     {lengthy(2000), "clear"},
	events.LeafKey:      {lengthy(200), "tag"},
	events.LeafIdentity: {pattern("(?:[a-z0-9-]{1,62}:" + printable + "{1,200}|[A-Za-z0-9._/-]{1,80})"), "pseudonym"},
	events.LeafID:       {pattern("[a-z0-9-]{3,64}"), "clear"},
	events.LeafCountry:  {pattern("[A-Z]{2}(?:-[A-Z0-9]{1,3})?"), "clear"},
	events.LeafDay:      {append(pattern(dayPattern), member{"format", "date"}), "clear"},
	events.LeafMonth:    {pattern("[0-9]{4}-(?:0[1-9]|1[0-2])"), "clear"},
	events.LeafInstant: {append(pattern(dayPattern+"T"+hourMinute+":[0-5][0-9](?:\\.[0-9]+)?(?:Z|[+-]"+hourMinute+")"),
		member{"format", "date-time"}), "clear"},
	events.LeafOrdinal: {object{{"type", "integer"}, {"minimum", 1}, {"maximum", 1<<32 - 1}}, "clear"},
	// The limit is 64 KiB of JSON; a schema can only count characters, and a text has two quotes.
	events.LeafSecret: {object{{"type", list([]string{"string", "number", "boolean", "object", "array"})},
		{"maxLength", events.MaxValue - 2}}, "sealed"},
	events.LeafBool:     {object{{"type", "boolean"}}, ""},
	events.LeafInt:      {object{{"type", "integer"}, {"minimum", 0}, {"maximum", 1<<53 - 1}}, ""},
	events.LeafDocument: {object{{"type", "object"}}, ""},
}

// eventSchema writes the schema of one event type's data, as it is submitted.
type eventSchema struct {
	docs docs
	defs object
}

func (g *generator) eventSchemas() error {
	for _, k := range events.Kinds() {
		shape := events.ShapeOf(k.New())
		w := &eventSchema{docs: g.events}
		body, err := w.structure(shape)
		if err != nil {
			return fmt.Errorf("%s: %w", k.Type, err)
		}
		examples, err := g.examples(k.Short())
		if err != nil {
			return err
		}
		name := k.Short() + ".v1.schema.json"
		doc := object{
			{"$schema", dialect}, {"$id", home + name}, {"title", k.Type},
			{"description", g.events[shape.Type.Name()]}, {"x-daicho", about(k)},
		}
		doc = append(doc, body...)
		doc.set("examples", examples)
		slices.SortFunc(w.defs, func(a, b member) int { return strings.Compare(a.name, b.name) })
		if len(w.defs) > 0 {
			doc.set("$defs", w.defs)
		}
		g.put("schemas/"+name, print(doc))
	}
	return nil
}

// about says what the contract says of a type besides its data.
func about(k events.Kind) object {
	o := object{{"event", k.Type}, {"stream", k.Stream}}
	writer := "emitter"
	switch {
	case k.Engine:
		writer = "engine"
	case k.Steers:
		writer = "role" // or an emitter's token that names the type
	}
	o.set("writtenBy", writer)
	if k.Makes {
		o.set("makesPerson", true)
	}
	return o
}

func (w *eventSchema) structure(s *events.Shape) (object, error) {
	properties, required := object{}, []any{}
	for _, f := range s.Fields {
		if f.Engine {
			continue
		}
		if f.Required && (f.Shape.Leaf == events.LeafBool || f.Shape.Leaf == events.LeafInt) {
			return nil, fmt.Errorf("%s is required, and false or 0 would count as absent", f.Name)
		}
		p, err := w.field(f)
		if err != nil {
			return nil, err
		}
		if text := w.docs[declaring(s.Type, f.Index)]; text != "" {
			p.set("description", strings.ToUpper(text[:1])+text[1:])
		}
		properties.set(f.Name, p)
		// A struct that is not a pointer is looked into, absent or not: what it requires is required.
		if f.Required {
			required = append(required, f.Name)
		}
	}
	o := object{{"type", "object"}, {"properties", properties}, {"required", required}, {"additionalProperties", false}}
	if s.Type == reflect.TypeFor[events.NewRecord]() {
		o.set("oneOf", []any{object{{"required", []any{"value"}}}, object{{"required", []any{"attachment"}}}})
	}
	return o, nil
}

// declaring names a field the way docs do, also where it comes from an embedded struct.
func declaring(t reflect.Type, index []int) string {
	for _, i := range index[:len(index)-1] {
		t = t.Field(i).Type
	}
	return t.Name() + "." + t.Field(index[len(index)-1]).Name
}

func (w *eventSchema) field(f events.Slot) (object, error) {
	if f.Shape.Leaf == events.LeafSecret && f.Format == "date" {
		day := append(pattern(dayPattern), member{"format", "date"})
		return w.def("SecretDay", "A civil day that is kept sealed.", append(day, member{"x-daicho", object{{"stored", "sealed"}}})), nil
	}
	return w.shape(f.Shape, f.OneOf)
}

func (w *eventSchema) shape(s *events.Shape, oneOf []string) (object, error) {
	name := s.Type.Name()
	switch {
	case s.Leaf == events.LeafWord && oneOf != nil:
		return object{{"type", "string"}, {"enum", list(oneOf)}}, nil
	case s.Leaf == events.LeafBool || s.Leaf == events.LeafInt || s.Leaf == events.LeafDocument:
		return slices.Clone(leafSchemas[s.Leaf].schema), nil
	case s.Leaf != events.LeafNone:
		leaf, ok := leafSchemas[s.Leaf]
		if !ok {
			return nil, fmt.Errorf("no schema for the leaf of %s", name)
		}
		mark := object{{"stored", leaf.stored}}
		if s.Leaf == events.LeafSecret {
			mark.set("maxBytes", events.MaxValue)
		}
		return w.def(name, w.docs[name], append(slices.Clone(leaf.schema), member{"x-daicho", mark})), nil
	case s.Map:
		value, err := w.shape(s.Elem, oneOf)
		return object{{"type", "object"}, {"propertyNames", pattern(wordPattern)}, {"additionalProperties", value},
			{"minProperties", 1}, {"maxProperties", maxList}}, err
	case s.Elem != nil:
		item, err := w.shape(s.Elem, oneOf)
		return object{{"type", "array"}, {"items", item}, {"minItems", 1}, {"maxItems", maxList}}, err
	}
	body, err := w.structure(s)
	return w.def(name, w.docs[name], body), err
}

// def puts a definition where every mention of it leads.
func (w *eventSchema) def(name, description string, body object) object {
	if w.defs.get(name) == nil {
		if description != "" {
			body = append(object{{"description", description}}, body...)
		}
		w.defs.set(name, body)
	}
	return object{{"$ref", "#/$defs/" + name}}
}

// examples are the data of a type's examples: `<short>.json` first, then `<short>.<variant>.json`.
func (g *generator) examples(short string) ([]any, error) {
	dir := filepath.Join(g.root, "schemas", "examples")
	names, err := filepath.Glob(filepath.Join(dir, short+".*.json"))
	if err != nil {
		return nil, err
	}
	var all []any
	for _, name := range append([]string{filepath.Join(dir, short+".json")}, names...) {
		v, err := read(name)
		if os.IsNotExist(err) {
			return nil, fmt.Errorf("every event type has an example: %w", err)
		} else if err != nil {
			return nil, err
		}
		event, ok := v.(object)
		if !ok {
			return nil, fmt.Errorf("%s is not an event", name)
		}
		all = append(all, event.get("data"))
	}
	return all, nil
}
