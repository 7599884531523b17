package events

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// texts are all that a refusal may say about a shape. It is a closed set that owes nothing to what was submitted: that is
// why a refusal can be logged, answered and recorded.
func texts(s *Shape) []string {
	all := []string{
		"a record has a value or an attachment, and not both",
		"is required", fromOutside, "is null", "is null; leave it out", "is empty; leave it out",
		"is nested more than 32 deep", "more than 200 entries; send several events", "too many members",
		"a member's name is not a word", "is not JSON, or ends too early", "has a name twice", "has the wrong JSON type",
		"has a field that the contract does not know",
		"is not a word of a catalogue (letters, digits and : . _ / - ; at most 80)",
		"is not a key (1 to 200 printable characters)",
		"is longer than 2,000 characters, or has control characters",
		"is not a person (<scheme>:<key>)", "is neither a person (<scheme>:<key>) nor a word",
		"is not an id (3 to 64 of a-z, 0-9 and -)",
		"is not a country (ISO 3166: two capitals, and -XX for a subdivision)",
		"is not a day (2006-01-02)", "is not a moment (RFC 3339, with offset)",
		"is negative, or more than a JSON number holds exactly", "is not an ordinal; they count from 1",
		"is larger than 64 KiB; send it as an attachment", "is not an object",
	}
	for _, is := range []string{"null", "a boolean", "a string", "a number", "an object", "a list", "something else"} {
		for _, not := range []string{"a string", "a boolean", "a whole number", "a list", "an object"} {
			all = append(all, "is "+is+", not "+not)
		}
	}
	var closed func(s *Shape)
	closed = func(s *Shape) {
		for _, f := range s.Fields {
			if f.OneOf != nil {
				all = append(all, "is none of "+strings.Join(f.OneOf, ", "))
			}
			closed(f.Shape)
		}
		if s.Elem != nil {
			closed(s.Elem)
		}
	}
	closed(s)
	return all
}

// known says whether a refusal's place consists of names of the contract and indexes that the data can have.
func known(s *Shape, field string, data []byte) bool {
	rest, ok := strings.CutPrefix(field, "/data")
	if !ok {
		return false
	}
	for _, step := range strings.Split(rest, "/")[1:] {
		switch {
		case s.Leaf != LeafNone || s.Map:
			return false
		case s.Elem != nil:
			if i, err := strconv.Atoi(step); err != nil || i < 0 || i >= len(data) || strconv.Itoa(i) != step {
				return false
			}
			s = s.Elem
		default:
			slot := s.field(step)
			if slot == nil {
				return false
			}
			s = slot.Shape
		}
	}
	return true
}

func seeds(f *testing.F, add func(kind uint8, data []byte)) {
	f.Helper()
	for i, k := range Kinds() {
		for _, how := range []filling{{submitted: true}, {}, {sealed: true}} {
			fact := k.New()
			fill(fact, &how)
			b, err := encodeSubmission(fact)
			if how.sealed {
				b, err = Encode(fact)
			}
			if err != nil {
				f.Fatal(err)
			}
			add(uint8(i), b)
		}
	}
	for _, s := range []string{
		hire, `{`, `null`, `{"records":{"09000001234":1,"09000001234":2}}`, `{"records":[{"value":` + strings.Repeat("[", 40),
		`{"person":{"birthdate":"1990-13-01"}}`, `{"records":[null]}`, `{"records":[],"of":[]}`, "{\"\xff\":1}", `{"minor":0}`,
	} {
		add(0, []byte(s))
	}
}

func FuzzSubmitted(f *testing.F) {
	seeds(f, func(kind uint8, data []byte) { f.Add(kind, data) })
	all := Kinds()
	allowed := make([][]string, len(all))
	for i, k := range all {
		allowed[i] = texts(ShapeOf(k.New()))
	}
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		i := int(kind) % len(all)
		fact, r := Submitted(&all[i], data)
		if r != nil {
			if fact != nil || r.Rule != RuleSchema || !known(ShapeOf(all[i].New()), r.Field, data) || !slices.Contains(allowed[i], r.Text) {
				t.Fatalf("%s %q: %v", all[i].Short(), data, r)
			}
			return
		}
		// What was taken can be sent again, and is then the same. (White space aside, which may have made a value smaller.)
		b, err := encodeSubmission(fact)
		if err != nil {
			t.Fatalf("%s %q: %v", all[i].Short(), data, err)
		}
		again, r := Submitted(&all[i], b)
		if r != nil {
			t.Fatalf("%s %q was taken, %q is not: %v", all[i].Short(), data, b, r)
		}
		if c, err := encodeSubmission(again); err != nil || string(c) != string(b) {
			t.Fatalf("%s: %q became %q (%v)", all[i].Short(), b, c, err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	seeds(f, func(kind uint8, data []byte) { f.Add(kind, data) })
	all := Kinds()
	form := regexp.MustCompile(`^event at position 7 \([a-z_]+\)(: (a sealed value is not in its form\n?)+| cannot be read at (\S+))$`)
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		k := all[int(kind)%len(all)]
		fact, err := Decode(&Event{Position: 7, Type: k.Type, Data: data})
		if err != nil {
			m := form.FindStringSubmatch(err.Error())
			if m == nil || m[3] != "" && !known(ShapeOf(k.New()), m[3], data) {
				t.Fatalf("%s %q: %v", k.Short(), data, err)
			}
			return
		}
		for _, verb := range []string{"%v", "%+v", "%#v"} {
			_ = fmt.Sprintf(verb, fact)
		}
		if _, err := Encode(fact); err != nil {
			t.Fatalf("%s %q was read and cannot be written: %v", k.Short(), data, err)
		}
	})
}
