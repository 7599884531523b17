package events

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Submitted reads the data of a submission: strictly (no unknown or repeated names, valid UTF-8, known types) and checked.
// The refusal names a place, never a value.
func Submitted(k *Kind, data []byte) (Fact, *Refusal) {
	f := k.New()
	shape := ShapeOf(f)
	if r := depth(data); r != nil {
		return nil, r
	}
	if err := json.Unmarshal(data, f, json.RejectUnknownMembers(true)); err != nil {
		return nil, refusalOf(shape, err)
	}
	if r := Check(f); r != nil {
		return nil, r
	}
	return f, nil
}

// depth refuses nesting that no honest event has, before anything recursive looks at it.
func depth(data []byte) *Refusal {
	deep, in := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case in && c == '\\':
			i++
		case c == '"':
			in = !in
		case in:
		case c == '{' || c == '[':
			if deep++; deep > maxDepth {
				return malformed("/data", "is nested more than 32 deep")
			}
		case c == '}' || c == ']':
			deep--
		}
	}
	return nil
}

func refusalOf(shape *Shape, err error) *Refusal {
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		text := "is not JSON, or ends too early"
		if errors.Is(err, jsontext.ErrDuplicateName) {
			text = "has a name twice"
		}
		return malformed(clip(shape, syntax.JSONPointer), text)
	}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		text := "has the wrong JSON type"
		if errors.Is(err, json.ErrUnknownName) {
			text = "has a field that the contract does not know"
		} else if semantic.JSONKind != 0 && semantic.GoType != nil {
			text = "is " + kindName(semantic.JSONKind) + ", not " + typeName(semantic.GoType)
		}
		return malformed(clip(shape, semantic.JSONPointer), text)
	}
	return malformed("/data", "cannot be read")
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
		return nil, fmt.Errorf("event at position %v (%s) cannot be read at %s", e.Position, k.Short(), refusalOf(ShapeOf(f), err).Field)
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

// EncodeSubmission writes a fact the way that an emitter sends it, values in the clear.
func EncodeSubmission(f Fact) ([]byte, error) {
	return json.Marshal(f, json.WithMarshalers(json.MarshalToFunc(func(enc *jsontext.Encoder, s Secret) error {
		return enc.WriteValue(s.clear)
	})))
}
