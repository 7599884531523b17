package datasets

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/daicho-dev/daicho/events/anonymize"
)

var errComposite = errors.New("leads to an object or a list; name one member of it by path")

// valueOf is a record's opened value, or the member of it that a pointer names, as a value of a row. What is not there is missing.
func valueOf(opened []byte, pointer string) (anonymize.Value, error) {
	var none anonymize.Value
	at := jsontext.Value(opened)
	for token := range jsontext.Pointer(pointer).Tokens() {
		var ok bool
		if at, ok = member(at, token); !ok {
			return none, nil
		}
	}
	d := jsontext.NewDecoder(bytes.NewReader(at))
	t, err := d.ReadToken()
	if err != nil {
		return none, errors.New("a record's value cannot be read")
	}
	switch t.Kind() {
	case jsontext.KindString:
		return anonymize.Text(t.String()), nil
	case jsontext.KindNumber:
		n, err := t.Float()
		if err != nil {
			return none, errors.New("a record's value cannot be read")
		}
		return anonymize.Number(n), nil
	case jsontext.KindTrue, jsontext.KindFalse:
		return anonymize.Text(strconv.FormatBool(t.Bool())), nil
	case jsontext.KindNull:
		return none, nil
	}
	return none, errComposite
}

// member is one step into an object or a list.
func member(v jsontext.Value, token string) (jsontext.Value, bool) {
	d := jsontext.NewDecoder(bytes.NewReader(v))
	open, err := d.ReadToken()
	if err != nil {
		return nil, false
	}
	list := open.Kind() == jsontext.KindBeginArray
	if !list && open.Kind() != jsontext.KindBeginObject {
		return nil, false
	}
	for i := 0; d.PeekKind() != jsontext.KindEndArray && d.PeekKind() != jsontext.KindEndObject; i++ {
		name := strconv.Itoa(i)
		if !list {
			t, err := d.ReadToken()
			if err != nil {
				return nil, false
			}
			name = t.String()
		}
		inner, err := d.ReadValue()
		if err != nil {
			return nil, false
		}
		if name == token {
			return inner.Clone(), true
		}
	}
	return nil, false
}
