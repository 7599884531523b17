package events

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Word is a word that the catalogue defines, a closed word of this contract, a country or a language: never an emitter's own
// text. Stored in the clear.
type Word string

// Text is about the organisation and names nobody (a vendor's name, a contract reference). Stored in the clear.
type Text string

// Key is an emitter's own name for something that belongs to one person: a record, a matter, a case, a certificate. In the log
// it is a tag, made under a key that goes with the person.
type Key string

// Identifier is a person as the outside knows them: `<scheme>:<key>`, the key in Unicode NFC. Never recorded.
type Identifier string

// Identity is another person, or a member of staff. Submitted as an Identifier (or `person:<pseudonym>`), recorded as a
// pseudonym.
type Identity string

// ID is a random name that the engine gave (a hold, a request, a dataset). It says nothing; stored in the clear.
type ID string

// Ordinal counts the sealed values of one owner, from 1. It names a leaf of the owner's key tree, and a record by its
// first value.
type Ordinal uint32

// String writes an ordinal in decimal.
func (n Ordinal) String() string { return strconv.FormatUint(uint64(n), 10) }

// Secret is a personal value: any JSON, up to 64 KiB. Clear when it is submitted, sealed once it is recorded. However it is
// printed, it prints `[personal]`, and a clear one cannot be marshalled by accident.
type Secret struct {
	clear *string // a pointer to a string: where fmt may call no method (an unexported field), it prints an address and no more
	n     Ordinal
	box   []byte
}

// Clear makes a secret of a value that has not been sealed.
func Clear(v jsontext.Value) Secret {
	if v == nil {
		return Secret{}
	}
	text := string(v)
	return Secret{clear: &text}
}

// IsZero says that there is no value.
func (s Secret) IsZero() bool { return s.clear == nil && s.box == nil }

// Value is a copy of the clear JSON; nil once it is sealed.
func (s Secret) Value() jsontext.Value {
	if s.clear == nil {
		return nil
	}
	return jsontext.Value(*s.clear)
}

// Ordinal is the leaf that a value is, or is to be, sealed under.
func (s Secret) Ordinal() Ordinal { return s.n }

// Box is the sealed value; nil before it is sealed.
func (s Secret) Box() []byte { return s.box }

// At gives a clear value the ordinal that it will be sealed under.
func (s *Secret) At(n Ordinal) { s.n = n }

// Close replaces the clear value by the sealed one.
func (s *Secret) Close(box []byte) { s.clear, s.box = nil, box }

const masked = "[personal]"

func (Secret) String() string               { return masked }
func (Secret) GoString() string             { return masked }
func (Secret) LogValue() slog.Value         { return slog.StringValue(masked) }
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(masked)) }

var errClear = errors.New("a clear personal value was about to be written; seal it first")

// MarshalJSON writes the sealed form, `{"n":7,"box":"…"}`.
func (s Secret) MarshalJSON() ([]byte, error) {
	if s.box == nil {
		return nil, errClear
	}
	b := make([]byte, 0, len(s.box)*4/3+40)
	b = append(b, `{"n":`...)
	b = strconv.AppendUint(b, uint64(s.n), 10)
	b = append(b, `,"box":"`...)
	b = base64.StdEncoding.AppendEncode(b, s.box)
	return append(b, `"}`...), nil
}

// UnmarshalJSON takes a submitted value. What the log keeps is read by Decode.
func (s *Secret) UnmarshalJSON(b []byte) error {
	*s = Clear(b)
	return nil
}

// recorded turns what UnmarshalJSON took from the log into the sealed form.
func (s *Secret) recorded() error {
	if s.clear == nil {
		return nil
	}
	var form struct {
		N   Ordinal `json:"n"`
		Box []byte  `json:"box"`
	}
	if err := json.Unmarshal([]byte(*s.clear), &form, json.RejectUnknownMembers(true)); err != nil || form.N == 0 || len(form.Box) == 0 {
		return errors.New("a sealed value is not in its form")
	}
	*s = Secret{n: form.N, box: form.Box}
	return nil
}

// Country is ISO 3166-1 alpha-2, with a subdivision where law differs there ("US-AL").
type Country string

// Day is a civil day, "2006-01-02", in the company's time zone. Month is "2006-01".
type (
	Day   string
	Month string
)

// Instant is a moment, RFC 3339.
type Instant string
