package events

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// What is not there is left out. An emitter that writes `"records": []` means "none", where no selector at all means every
// record: so an empty text, an empty list and a null are refused rather than read as if the field were absent. Go cannot
// tell the two apart once a fact is decoded, so the text itself is looked at, and only if the scan that every submission
// passes has seen something that may be hollow.

// scan looks at every byte once, before anything recursive does. It refuses nesting that no honest event has, and says
// whether there may be something hollow: a null, false, 0, an empty text, list or object.
func scan(data []byte) (hollow bool, r *Refusal) {
	deep := 0
	var last byte // the one before, white space apart
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch c {
		case ' ', '\t', '\n', '\r':
			continue
		case '"':
			opened := i
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
			hollow = hollow || i == opened+1
		case '{', '[':
			if deep++; deep > maxDepth {
				return false, malformed("/data", "is nested more than 32 deep")
			}
		case '}', ']':
			deep--
			hollow = hollow || last == '{' || last == '['
		case 'n', 'f':
			hollow = true
		case '0', '-':
			hollow = hollow || last == ':' || last == '[' || last == 0
		}
		last = c
	}
	return hollow, nil
}

// checkHollow refuses what is hollow, and what the engine fills in even where it is zero. The data has been decoded into
// a fact of this shape, so its names and types are known to be right.
func checkHollow(s *Shape, data []byte) *Refusal {
	dec := jsontext.NewDecoder(bytes.NewReader(data))
	return hollowIn(dec, s, &path{})
}

func hollowIn(dec *jsontext.Decoder, s *Shape, at *path) *Refusal {
	unreadable := func() *Refusal { return malformed(at.String(), "cannot be read") }
	kind := dec.PeekKind()
	switch {
	case kind == 'n':
		return malformed(at.String(), "is null; leave it out")
	case s.Leaf == LeafSecret || s.Leaf == LeafDocument || kind != '"' && kind != '[' && kind != '{':
		if dec.SkipValue() != nil {
			return unreadable()
		}
		return nil
	}
	t, err := dec.ReadToken()
	if err != nil {
		return unreadable()
	}
	if kind == '"' {
		if t.String() == "" {
			return malformed(at.String(), "is empty; leave it out")
		}
		return nil
	}
	n := 0
	for ; dec.PeekKind() != '}' && dec.PeekKind() != ']'; n++ {
		inner, name := s.Elem, ""
		if kind == '{' {
			member, err := dec.ReadToken()
			if err != nil {
				return unreadable()
			}
			if !s.Map {
				slot := s.field(member.String())
				if slot == nil {
					return unreadable()
				}
				inner, name = slot.Shape, slot.Name
				if slot.Engine {
					at.push(name, 0)
					return malformed(at.String(), fromOutside)
				}
			}
		}
		if inner == nil {
			return unreadable()
		}
		if !s.Map {
			at.push(name, n)
		}
		if r := hollowIn(dec, inner, at); r != nil {
			return r
		}
		if !s.Map {
			at.pop()
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return unreadable()
	}
	if n == 0 && s.Elem != nil {
		return malformed(at.String(), "is empty; leave it out")
	}
	return nil
}
