package events

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Refusal says why a submission is not recorded: the rule, the place in its data as a JSON Pointer that ends at the last
// field that the contract knows, and words for a person to read. Never a value.
type Refusal struct {
	Rule  string
	Field string
	Text  string
}

// Error makes a refusal an error.
func (r *Refusal) Error() string { return r.Rule + " at " + strconv.Quote(r.Field) + ": " + r.Text }

// RuleSchema refuses what is not of the contract's form.
const RuleSchema = "schema"

func malformed(field, text string) *Refusal { return &Refusal{RuleSchema, field, text} }

const fromOutside = "is filled in by the engine; leave it out"

// MaxValue is the most bytes of one value.
const MaxValue = 64 << 10

// Limits of a submission's lists and words.
const (
	maxList  = 200
	maxDepth = 32
	maxKey   = 200
	maxWord  = 80
	maxText  = 2000
	maxInt   = 1<<53 - 1
)

// Check looks at a submitted fact's form: required fields, closed words, sizes, and nothing that only the engine writes.
// The first fault, in the order of the fields, is the answer.
func Check(f Fact) *Refusal {
	v := reflect.ValueOf(f).Elem()
	if r := check(v, shapeOf(v.Type()), nil, &path{}); r != nil {
		return r
	}
	if c, ok := f.(*Collected); ok {
		return c.check()
	}
	return nil
}

func (c *Collected) check() *Refusal {
	for i, rec := range c.Records {
		if rec.Value.IsZero() == (rec.Attachment == nil) {
			return malformed("/data/records/"+strconv.Itoa(i), "a record has a value or an attachment, and not both")
		}
	}
	return nil
}

// path is built on the way down and written only when something is wrong.
type path struct{ steps []step }
type step struct {
	name string
	i    int
}

func (p *path) push(name string, i int) { p.steps = append(p.steps, step{name, i}) }
func (p *path) pop()                    { p.steps = p.steps[:len(p.steps)-1] }
func (p *path) String() string {
	b := []byte("/data")
	for _, s := range p.steps {
		b = append(b, '/')
		if s.name != "" {
			b = append(b, s.name...)
		} else {
			b = strconv.AppendInt(b, int64(s.i), 10)
		}
	}
	return string(b)
}

func check(v reflect.Value, s *Shape, slot *Slot, at *path) *Refusal {
	if s.Leaf != LeafNone {
		if text := checkLeaf(v, s.Leaf, slot); text != "" {
			return malformed(at.String(), text)
		}
		return nil
	}
	if s.Map {
		if v.Len() > maxList {
			return malformed(at.String(), "too many members")
		}
		for it := v.MapRange(); it.Next(); {
			if !isWord(it.Key().String()) {
				return malformed(at.String(), "a member's name is not a word")
			}
			if text := checkLeaf(it.Value(), s.Elem.Leaf, slot); text != "" {
				return malformed(at.String(), text)
			}
		}
		return nil
	}
	if s.Elem != nil {
		if v.Len() > maxList {
			return malformed(at.String(), "more than 200 entries; send several events")
		}
		for i := range v.Len() {
			at.push("", i)
			if r := check(v.Index(i), s.Elem, slot, at); r != nil {
				return r
			}
			at.pop()
		}
		return nil
	}
	for i := range s.Fields {
		f := &s.Fields[i]
		fv := v.FieldByIndex(f.Index)
		at.push(f.Name, 0)
		switch {
		case isZero(fv):
			if f.Required {
				return malformed(at.String(), "is required")
			}
		case f.Engine:
			return malformed(at.String(), fromOutside)
		default:
			if f.Optional {
				fv = fv.Elem()
			}
			if r := check(fv, f.Shape, f, at); r != nil {
				return r
			}
		}
		at.pop()
	}
	return nil
}

func isZero(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.Struct:
		if s, ok := v.Interface().(Secret); ok {
			return s.IsZero()
		}
		return false // a struct that is not a pointer is always looked into
	default:
		return v.IsZero()
	}
}

func checkLeaf(v reflect.Value, leaf Leaf, slot *Slot) string {
	switch leaf {
	case LeafWord:
		if slot != nil && slot.OneOf != nil {
			if !slices.Contains(slot.OneOf, v.String()) {
				return "is none of " + strings.Join(slot.OneOf, ", ")
			}
		} else if !isWord(v.String()) {
			return "is not a word of a catalogue (letters, digits and : . _ / - ; at most 80)"
		}
	case LeafKey:
		if !isKey(v.String(), maxKey) {
			return "is not a key (1 to 200 printable characters)"
		}
	case LeafText:
		if !isKey(v.String(), maxText) {
			return "is longer than 2,000 characters, or has control characters"
		}
	case LeafIdentity:
		if s := v.String(); strings.ContainsRune(s, ':') {
			if _, ok := ParseIdentifier(s); !ok {
				return "is not a person (<scheme>:<key>)"
			}
		} else if !isWord(s) {
			return "is neither a person (<scheme>:<key>) nor a word"
		}
	case LeafID:
		if !isID(v.String()) {
			return "is not an id (3 to 64 of a-z, 0-9 and -)"
		}
	case LeafCountry:
		if !isCountry(v.String()) {
			return "is not a country (ISO 3166: two capitals, and -XX for a subdivision)"
		}
	case LeafDay:
		if _, err := time.Parse("2006-01-02", v.String()); err != nil {
			return "is not a day (2006-01-02)"
		}
	case LeafMonth:
		if _, err := time.Parse("2006-01", v.String()); err != nil {
			return "is not a month (2006-01)"
		}
	case LeafInstant:
		if !isInstant(v.String()) {
			return "is not a moment (RFC 3339, with offset)"
		}
	case LeafInt:
		if n := v.Int(); n < 0 || n > maxInt {
			return "is negative, or more than a JSON number holds exactly"
		}
	case LeafOrdinal:
		if v.Uint() == 0 {
			return "is not an ordinal; they count from 1"
		}
	case LeafSecret:
		s := v.Interface().(Secret)
		if s.clear == nil {
			return "is sealed already"
		}
		if len(*s.clear) > MaxValue {
			return "is larger than 64 KiB; send it as an attachment"
		}
		if *s.clear == "null" {
			return "is null"
		}
		if slot != nil && slot.Format == "date" {
			if _, ok := s.Date(); !ok {
				return "is not a day (2006-01-02)"
			}
		}
	case LeafDocument:
		if doc := v.Interface().(jsontext.Value); doc.Kind() != '{' {
			return "is not an object"
		}
	case LeafNone, LeafBool:
	}
	return ""
}

// Date reads a clear value that is a day.
func (s Secret) Date() (Day, bool) {
	var d string
	if s.clear == nil || json.Unmarshal([]byte(*s.clear), &d) != nil {
		return "", false
	}
	_, err := time.Parse("2006-01-02", d)
	return Day(d), err == nil
}

// isInstant is stricter than time.Parse, which takes a comma, an hour of one digit and an offset of 24:60.
func isInstant(s string) bool {
	if len(s) < len("2006-01-02T15:04:05Z") || s[len("2006-01-02T15")] != ':' || strings.IndexByte(s, ',') >= 0 {
		return false
	}
	if _, err := time.Parse(time.RFC3339, s); err != nil {
		return false
	}
	zone := s[len(s)-len("+09:00"):]
	return s[len(s)-1] == 'Z' || zone[1:3] <= "23" && zone[4:] <= "59"
}

func isWord(s string) bool {
	if s == "" || len(s) > maxWord {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(":._/-", c) >= 0) {
			return false
		}
	}
	return true
}

func isID(s string) bool {
	if len(s) < 3 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}

func isCountry(s string) bool {
	country, sub, divided := strings.Cut(s, "-")
	if len(country) != 2 || divided && (len(sub) < 1 || len(sub) > 3) {
		return false
	}
	for i := range len(country) {
		if country[i] < 'A' || country[i] > 'Z' {
			return false
		}
	}
	for i := range len(sub) {
		if c := sub[i]; !(c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') {
			return false
		}
	}
	return true
}

func isKey(s string, most int) bool {
	if s == "" || utf8.RuneCountInString(s) > most {
		return false
	}
	for _, r := range s {
		if r < 0x20 || r == 0x7f || r == utf8.RuneError {
			return false
		}
	}
	return true
}

// ParseIdentifier reads `<scheme>:<key>`. The caller has brought it to Unicode NFC.
func ParseIdentifier(s string) (Identifier, bool) {
	scheme, key, ok := strings.Cut(s, ":")
	return Identifier(s), ok && isID(scheme+"--") && isKey(key, maxKey)
}

// Scheme is the part before the colon.
func (i Identifier) Scheme() string {
	scheme, _, _ := strings.Cut(string(i), ":")
	return scheme
}

// clip ends a pointer at the last name that the shape knows: what follows is the emitter's own text. Containers are the kinds of
// JSON that the pointer leads through, where the data could not be decoded as the shape has it: a number after the name of a
// list is then an index only if a list is really there.
func clip(s *Shape, pointer jsontext.Pointer, containers []jsontext.Kind) string {
	out, depth := "/data", 0
	for token := range pointer.Tokens() {
		var next *Shape
		switch {
		case s == nil || s.Leaf != LeafNone || s.Map:
			return out
		case s.Elem != nil:
			if _, err := strconv.Atoi(token); err != nil || depth < len(containers) && containers[depth] != '[' {
				return out
			}
			next = s.Elem
		default:
			slot := s.field(token)
			if slot == nil || depth < len(containers) && containers[depth] != '{' {
				return out
			}
			next = slot.Shape
		}
		out, s = out+"/"+token, next
		depth++
	}
	return out
}
