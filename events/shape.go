package events

import (
	"reflect"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// Leaf says what a field carries; see the package comment.
type Leaf int

// The leaves. A field of any other type is a mistake that a test finds.
const (
	LeafNone Leaf = iota // a struct, a list, a map
	LeafWord
	LeafText
	LeafKey
	LeafIdentity
	LeafID
	LeafOrdinal
	LeafSecret
	LeafCountry
	LeafDay
	LeafMonth
	LeafInstant
	LeafBool
	LeafInt
	LeafDocument // a whole JSON document that names nobody (a catalogue)
)

var leaves = map[reflect.Type]Leaf{
	reflect.TypeFor[Word]():           LeafWord,
	reflect.TypeFor[Text]():           LeafText,
	reflect.TypeFor[Key]():            LeafKey,
	reflect.TypeFor[Identity]():       LeafIdentity,
	reflect.TypeFor[ID]():             LeafID,
	reflect.TypeFor[Ordinal]():        LeafOrdinal,
	reflect.TypeFor[Secret]():         LeafSecret,
	reflect.TypeFor[Country]():        LeafCountry,
	reflect.TypeFor[Day]():            LeafDay,
	reflect.TypeFor[Month]():          LeafMonth,
	reflect.TypeFor[Instant]():        LeafInstant,
	reflect.TypeFor[bool]():           LeafBool,
	reflect.TypeFor[int]():            LeafInt,
	reflect.TypeFor[jsontext.Value](): LeafDocument,
}

// Shape describes the data of a fact: what the checker, the walker and the JSON Schemas are made from.
type Shape struct {
	Type    reflect.Type
	Leaf    Leaf   // what it carries, if it is a leaf
	Fields  []Slot // of a struct, in order, those of embedded structs in place
	Elem    *Shape // of a list or a map
	Map     bool   // an object whose members all have the shape Elem
	carrier bool   // holds a Key, an Identity or a Secret somewhere
}

// Slot is one field of a Shape.
type Slot struct {
	Name      string
	Index     []int
	Shape     *Shape
	Optional  bool // a pointer
	Required  bool
	Engine    bool     // filled in by the decision; refused from outside
	Submitted bool     // replaced by the decision; not recorded
	OneOf     []string // closed words
	Format    string   // "date": a Secret whose value is a day
}

var shapes sync.Map // reflect.Type → *Shape

// ShapeOf describes a fact's data.
func ShapeOf(f Fact) *Shape { return shapeOf(reflect.TypeOf(f).Elem()) }

func shapeOf(t reflect.Type) *Shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*Shape)
	}
	s := &Shape{Type: t, Leaf: leaves[t]}
	switch {
	case s.Leaf != LeafNone:
		s.carrier = s.Leaf == LeafKey || s.Leaf == LeafIdentity || s.Leaf == LeafSecret
	case t.Kind() == reflect.Struct:
		s.Fields = slotsOf(t, nil)
		for _, f := range s.Fields {
			s.carrier = s.carrier || f.Shape.carrier
		}
	case t.Kind() == reflect.Slice:
		s.Elem = shapeOf(t.Elem())
		s.carrier = s.Elem.carrier
	case t.Kind() == reflect.Map:
		s.Elem, s.Map = shapeOf(t.Elem()), true
	}
	shapes.Store(t, s)
	return s
}

func slotsOf(t reflect.Type, outer []int) []Slot {
	var all []Slot
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int(nil), outer...), i)
		if f.Anonymous {
			all = append(all, slotsOf(f.Type, index)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		marks := " " + f.Tag.Get("daicho") + " "
		slot := Slot{
			Name: name, Index: index, Format: f.Tag.Get("format"),
			Required:  strings.Contains(marks, " required "),
			Engine:    strings.Contains(marks, " engine "),
			Submitted: strings.Contains(marks, " submitted "),
		}
		if words := f.Tag.Get("oneof"); words != "" {
			slot.OneOf = strings.Split(words, "|")
		}
		ft := f.Type
		if ft.Kind() == reflect.Pointer {
			ft, slot.Optional = ft.Elem(), true
		}
		slot.Shape = shapeOf(ft)
		all = append(all, slot)
	}
	return all
}

// field finds a member by name.
func (s *Shape) field(name string) *Slot {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return &s.Fields[i]
		}
	}
	return nil
}

// Carrying is what Walk hands over, one pointer at a time, in the order of the fields. Where nil, that leaf is passed over.
type Carrying struct {
	Key      func(field string, k *Key)
	Identity func(field string, p *Identity)
	Secret   func(field string, s *Secret)
}

// Walk visits everything in a fact that belongs to a person: each Key, Identity and Secret that is there.
func Walk(f Fact, c Carrying) {
	v := reflect.ValueOf(f).Elem()
	walk(v, shapeOf(v.Type()), "", c)
}

func walk(v reflect.Value, s *Shape, name string, c Carrying) {
	switch {
	case !s.carrier:
	case s.Leaf == LeafKey:
		if k := v.Addr().Interface().(*Key); c.Key != nil && *k != "" {
			c.Key(name, k)
		}
	case s.Leaf == LeafIdentity:
		if p := v.Addr().Interface().(*Identity); c.Identity != nil && *p != "" {
			c.Identity(name, p)
		}
	case s.Leaf == LeafSecret:
		if x := v.Addr().Interface().(*Secret); c.Secret != nil && !x.IsZero() {
			c.Secret(name, x)
		}
	case s.Elem != nil:
		for i := range v.Len() {
			walk(v.Index(i), s.Elem, name, c)
		}
	default:
		for i := range s.Fields {
			slot := &s.Fields[i]
			if !slot.Shape.carrier {
				continue
			}
			fv := v.FieldByIndex(slot.Index)
			if slot.Optional {
				if fv.IsNil() {
					continue
				}
				fv = fv.Elem()
			}
			walk(fv, slot.Shape, slot.Name, c)
		}
	}
}
