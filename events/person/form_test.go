package person_test

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/historytest"
	"github.com/daicho-dev/daicho/events/person"
)

// again is a state as it is read from its stored form.
func again(t testing.TB, s *person.State) *person.State {
	t.Helper()
	b, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	read := &person.State{Next: 99, Refused: nil}
	if err := read.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	return read
}

// fill gives every field below a value a number of its own.
func fill(t testing.TB, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("w", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n) % 250)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(t, v.Index(i), n)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(t, key, n)
			fill(t, value, n)
			v.SetMapIndex(key, value)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.UnixMilli(int64(*n) * 1_000_001).UTC()))
			return
		}
		for i := range v.NumField() {
			fill(t, v.Field(i), n)
		}
	default:
		t.Fatalf("the form has no way for a %s", v.Kind())
	}
}

// A field that the form forgets would be lost between two events.
func TestEveryFieldIsInTheForm(t *testing.T) {
	s, n := &person.State{}, 0
	fill(t, reflect.ValueOf(s).Elem(), &n)
	if got := again(t, s); !reflect.DeepEqual(got, s) {
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(s)
		t.Errorf("read again, a state with every field set is\n%s\nand was\n%s", a, b)
	}
	if got := again(t, &person.State{}); !reflect.DeepEqual(got, &person.State{}) {
		t.Errorf("nobody, read again, is %+v", got)
	}
}

// States of random histories are the same read again, and go on to the same.
func TestStatesAreTheSameReadAgain(t *testing.T) {
	each(t, 60, historytest.Catalogue, func(t *testing.T, m *historytest.Maker, step int, _ historytest.Submission) {
		if step%10 != 9 {
			return
		}
		for _, p := range m.People {
			read := again(t, p.State)
			was, _ := json.Marshal(p.State, json.Deterministic(true))
			is, _ := json.Marshal(read, json.Deterministic(true))
			if !bytes.Equal(was, is) {
				t.Fatalf("%s\nread again is\n%s", was, is)
			}
			first, _ := p.State.MarshalBinary()
			if second, _ := read.MarshalBinary(); !bytes.Equal(first, second) {
				t.Fatal("a state has two forms")
			}
		}
	})
}

func FuzzForm(f *testing.F) {
	s, n := &person.State{}, 0
	fill(f, reflect.ValueOf(s).Elem(), &n)
	whole, err := s.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &person.State{}
		if s.UnmarshalBinary(b) != nil {
			if !reflect.DeepEqual(s, &person.State{}) {
				t.Error("a form that cannot be read has left something behind")
			}
			return
		}
		if !reflect.DeepEqual(again(t, s), s) {
			t.Error("what was read is not what is read again")
		}
	})
}

func BenchmarkForm(b *testing.B) {
	m := historytest.New(1, historytest.Catalogue)
	for range 600 {
		if _, err := m.Step(); err != nil {
			b.Fatal(err)
		}
	}
	var forms [][]byte
	size := 0
	for _, p := range m.People {
		form, err := p.State.MarshalBinary()
		if err != nil {
			b.Fatal(err)
		}
		forms, size = append(forms, form), size+len(form)
	}
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			_, _ = m.People[i%len(forms)].State.MarshalBinary()
		}
		b.ReportMetric(float64(size)/float64(len(forms)), "B/person")
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if err := new(person.State).UnmarshalBinary(forms[i%len(forms)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	var documents [][]byte
	b.Run("write JSON", func(b *testing.B) { // the yardstick
		size = 0
		for _, p := range m.People {
			document, err := json.Marshal(p.State)
			if err != nil {
				b.Fatal(err)
			}
			documents, size = append(documents, document), size+len(document)
		}
		for i := 0; b.Loop(); i++ {
			_, _ = json.Marshal(m.People[i%len(forms)].State)
		}
		b.ReportMetric(float64(size)/float64(len(forms)), "B/person")
	})
	b.Run("read JSON", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if err := json.Unmarshal(documents[i%len(documents)], new(person.State)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// What a fact that was just decided does to a state, it does when it is read from the log: who has decided it need not read it again.
func TestFactsDoTheSameReadFromTheLog(t *testing.T) {
	types := map[string]bool{}
	each(t, 90, historytest.Catalogue, func(t *testing.T, m *historytest.Maker, step int, _ historytest.Submission) {
		if step != 89 {
			return
		}
		for _, p := range m.People {
			decided, read := &person.State{}, &person.State{}
			for i := range p.Facts {
				e := &p.Facts[i].Event
				types[e.Type] = true
				f, err := events.Decode(e)
				if err != nil {
					t.Fatal(err)
				}
				decided.Apply(e, p.Facts[i].Fact)
				read.Apply(e, f)
			}
			was, _ := decided.MarshalBinary()
			is, _ := read.MarshalBinary()
			if !bytes.Equal(was, is) {
				a, _ := json.Marshal(decided, json.Deterministic(true))
				b, _ := json.Marshal(read, json.Deterministic(true))
				t.Fatalf("as decided\n%s\nas read\n%s", a, b)
			}
		}
	})
	if len(types) < 20 && *first == 1 {
		t.Errorf("only %d types of events were folded", len(types))
	}
}
