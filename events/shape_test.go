package events

import (
	"encoding/base64"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// A new field of a plain string would be stored in the clear without anybody having decided that. This test is why the
// package comment may say that there is no other way to carry text.
func TestEveryFieldIsALeaf(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var look func(typ reflect.Type, at string)
	look = func(typ reflect.Type, at string) {
		if leaves[typ] != LeafNone {
			return
		}
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice:
			look(typ.Elem(), at)
		case reflect.Map:
			if typ.Key() != reflect.TypeFor[Word]() {
				t.Errorf("%s: the names of a map are not words", at)
			}
			if leaves[typ.Elem()] == LeafNone || shapeOf(typ).carrier || shapeOf(typ.Elem()).carrier {
				t.Errorf("%s: a map holds something that the checker or the walker does not look into", at)
			}
		case reflect.Struct:
			if seen[typ] {
				return
			}
			seen[typ] = true
			for i := range typ.NumField() {
				f := typ.Field(i)
				where := typ.Name() + "." + f.Name
				name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
				switch {
				case !f.IsExported():
					t.Errorf("%s is not exported: it would never be stored", where)
				case !f.Anonymous && !isWord(name):
					t.Errorf("%s has no stored name of its own", where)
				case strings.ContainsAny(name, "/~"):
					t.Errorf("%s: its name needs escaping in a JSON Pointer", where)
				case f.Anonymous && rest != "inline":
					t.Errorf("%s is embedded but not inline", where)
				case leaves[f.Type] == LeafSecret && !strings.Contains(rest, "omitzero"):
					t.Errorf("%s: an absent secret would be written", where)
				}
				for _, mark := range strings.Fields(f.Tag.Get("daicho")) {
					if mark != "required" && mark != "engine" && mark != "submitted" {
						t.Errorf("%s has the mark %q, which nothing reads", where, mark)
					}
				}
				look(f.Type, where)
			}
		default:
			t.Errorf("%s is a %s: no known leaf", at, typ)
		}
	}
	for _, k := range Kinds() {
		look(reflect.TypeOf(k.New()).Elem(), k.Type)
	}
}

func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Kinds() {
		if seen[k.Type] || !strings.HasPrefix(k.Type, "daicho.") || !strings.HasSuffix(k.Type, ".v1") {
			t.Errorf("%q is not a stored name, or stands twice", k.Type)
		}
		seen[k.Type] = true
		if found, ok := KindOf(k.Type); !ok || found.Type != k.Type {
			t.Errorf("%q is not found", k.Type)
		}
		if !isID(k.Stream) {
			t.Errorf("%q has no stream", k.Type)
		}
	}
	if _, ok := KindOf("daicho.collected.v2"); ok {
		t.Error("a type that does not exist was found")
	}
}

// filling is what a fully populated fact holds, and how much of it belongs to a person.
type filling struct {
	submitted               bool // leave out what the engine fills in
	sealed                  bool
	keys, identities, boxes int
	seen                    map[string]bool // the names of the fields that carry something
}

// fill populates a fact: every field, two entries a list, each value valid.
func fill(f Fact, how *filling) {
	how.seen = map[string]bool{}
	v := reflect.ValueOf(f).Elem()
	how.fill(v, shapeOf(v.Type()), nil)
	if c, ok := f.(*Collected); ok { // a record has a value or an attachment
		c.Records[0].Attachment = nil
		how.boxes--
		c.Records[1].Value = Secret{}
	}
}

func (how *filling) fill(v reflect.Value, s *Shape, slot *Slot) {
	switch {
	case s.Leaf != LeafNone:
		how.leaf(v, s.Leaf, slot)
	case s.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf(Word("ja")), reflect.ValueOf(Text("改定")))
	case s.Elem != nil:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			how.fill(v.Index(i), s.Elem, slot)
		}
	default:
		for i := range s.Fields {
			slot := &s.Fields[i]
			if how.submitted && slot.Engine {
				continue
			}
			fv := v.FieldByIndex(slot.Index)
			if slot.Optional {
				fv.Set(reflect.New(fv.Type().Elem()))
				fv = fv.Elem()
			}
			how.fill(fv, slot.Shape, slot)
		}
	}
}

func (how *filling) leaf(v reflect.Value, leaf Leaf, slot *Slot) {
	switch leaf {
	case LeafWord:
		v.SetString("pd:Name")
		if slot.OneOf != nil {
			v.SetString(slot.OneOf[0])
		}
	case LeafText:
		v.SetString("Parcel carrier")
	case LeafKey:
		v.SetString("K-77/email")
		how.keys, how.seen[slot.Name] = how.keys+1, true
	case LeafIdentity:
		v.SetString("staff:s-12")
		how.identities, how.seen[slot.Name] = how.identities+1, true
	case LeafID:
		v.SetString("r-2025-1")
	case LeafOrdinal:
		v.SetUint(7)
	case LeafSecret:
		value := `"090-0000-1234"`
		if slot.Format == "date" {
			value = `"1990-04-01"`
		}
		x := Clear(jsontext.Value(value))
		if how.sealed {
			x.At(9)
			x.Close([]byte("not what it was"))
		}
		v.Set(reflect.ValueOf(x))
		how.boxes, how.seen[slot.Name] = how.boxes+1, true
	case LeafCountry:
		v.SetString("US-AL")
	case LeafDay:
		v.SetString("2026-03-31")
	case LeafMonth:
		v.SetString("2026-03")
	case LeafInstant:
		v.SetString("2026-03-31T09:00:00+09:00")
	case LeafBool:
		v.SetBool(true)
	case LeafInt:
		v.SetInt(3)
	case LeafDocument:
		v.SetBytes([]byte(`{"version":"2025-10"}`))
	}
}

// What the walker does not see is neither tagged nor sealed.
func TestWalkVisitsAllThatBelongsToAPerson(t *testing.T) {
	for _, k := range Kinds() {
		f, how := k.New(), &filling{}
		fill(f, how)
		got := filling{seen: map[string]bool{}}
		Walk(f, Carrying{
			Key:      func(name string, x *Key) { got.keys++; got.seen[name] = true; *x = "tag" },
			Identity: func(name string, x *Identity) { got.identities++; got.seen[name] = true; *x = "pseudonym" },
			Secret:   func(name string, x *Secret) { got.boxes++; got.seen[name] = true; x.At(1); x.Close([]byte{1}) },
		})
		if got.keys != how.keys || got.identities != how.identities || got.boxes != how.boxes {
			t.Errorf("%s: visited %d keys, %d identities, %d secrets; it has %d, %d, %d", k.Short(),
				got.keys, got.identities, got.boxes, how.keys, how.identities, how.boxes)
		}
		if !reflect.DeepEqual(got.seen, how.seen) {
			t.Errorf("%s: visited %v of %v", k.Short(), got.seen, how.seen)
		}
		b, err := Encode(f)
		if err != nil {
			t.Errorf("%s: %v", k.Short(), err)
		}
		for _, left := range []string{"K-77", "s-12", "090-0000", "1990-04"} {
			if strings.Contains(string(b), left) || strings.Contains(string(b), base64.StdEncoding.EncodeToString([]byte(left))[:4]) {
				t.Errorf("%s: %q is left after the walk", k.Short(), left)
			}
		}
		Walk(f, Carrying{}) // nobody is interested in anything
	}
}
