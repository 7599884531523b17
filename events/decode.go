package events

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Submitted reads the data of a submission: strictly (no unknown or repeated names, valid UTF-8, known types, nothing empty)
// and checked. The refusal names a place, never a value.
func Submitted(k *Kind, data []byte) (Fact, *Refusal) {
	f := k.New()
	shape := ShapeOf(f)
	hollow, r := scan(data)
	if r != nil {
		return nil, r
	}
	if err := json.Unmarshal(data, f, json.RejectUnknownMembers(true)); err != nil {
		return nil, refusalOf(shape, data, err)
	}
	if r := Check(f); r != nil {
		return nil, r
	}
	if hollow {
		if r := checkHollow(shape, data); r != nil {
			return nil, r
		}
	}
	return f, nil
}

func refusalOf(shape *Shape, data []byte, err error) *Refusal {
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		text := "is not JSON, or ends too early"
		if errors.Is(err, jsontext.ErrDuplicateName) {
			text = "has a name twice"
		}
		return malformed(clip(shape, syntax.JSONPointer, containers(data)), text)
	}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		text := "has the wrong JSON type"
		if errors.Is(err, json.ErrUnknownName) {
			text = "has a field that the contract does not know"
		} else if semantic.JSONKind != 0 && semantic.GoType != nil {
			text = "is " + kindName(semantic.JSONKind) + ", not " + typeName(semantic.GoType)
		}
		return malformed(clip(shape, semantic.JSONPointer, nil), text)
	}
	return malformed("/data", "cannot be read")
}

// containers are the kinds of what is open where data stops being JSON.
func containers(data []byte) []jsontext.Kind {
	dec := jsontext.NewDecoder(bytes.NewReader(data))
	for {
		if _, err := dec.ReadToken(); err != nil {
			break
		}
	}
	var open []jsontext.Kind
	for i := range dec.StackDepth() {
		kind, _ := dec.StackIndex(i + 1)
		open = append(open, kind)
	}
	return open
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "a list"
	}
	return "something else"
}

func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "a boolean"
	case reflect.Int, reflect.Uint32:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}

// Decode reads the data of a recorded event. What is not understood is an error: a projection stops there.
func Decode(e *Event) (Fact, error) {
	k, ok := KindOf(e.Type)
	if !ok {
		return nil, fmt.Errorf("event at position %v is of type %q, which this version does not know", e.Position, e.Type)
	}
	f := k.New()
	if err := json.Unmarshal(e.Data, f); err != nil {
		return nil, fmt.Errorf("event at position %v (%s) cannot be read at %s", e.Position, k.Short(), refusalOf(ShapeOf(f), e.Data, err).Field)
	}
	var bad error
	Walk(f, Carrying{Secret: func(_ string, s *Secret) { bad = errors.Join(bad, s.recorded()) }})
	if bad != nil {
		return nil, fmt.Errorf("event at position %v (%s): %w", e.Position, k.Short(), bad)
	}
	return f, nil
}

// Encode writes a fact the way that the log keeps it. Every Secret must be sealed.
func Encode(f Fact) ([]byte, error) { return json.Marshal(f) }
