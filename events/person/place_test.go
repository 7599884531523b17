package person_test

import (
	"encoding/binary"
	"reflect"
	"testing"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/person"
)

// shift adds to every position below a value.
func shift(v reflect.Value, by uint64) {
	switch v.Kind() {
	case reflect.Uint64:
		if v.Type() == reflect.TypeFor[events.Position]() {
			v.SetUint(v.Uint() + by)
		}
	case reflect.Slice:
		for i := range v.Len() {
			shift(v.Index(i), by)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			shift(value, by)
			v.SetMapIndex(key, value)
		}
	case reflect.Pointer:
		shift(v.Elem(), by)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				shift(v.Field(i), by)
			}
		}
	default: // holds no position
	}
}

// A mark that were forgotten would name an event by a position that no log has.
func TestEveryPositionIsPlaced(t *testing.T) {
	const first = events.Position(1 << 40)
	later := func(p events.Position) events.Position {
		if p < first {
			return p
		}
		return p - first + 1000
	}
	was := func() *person.State {
		s, n := &person.State{}, 0
		fill(t, reflect.ValueOf(s).Elem(), &n)
		s.Seen = nil
		return s
	}
	seen := func(of ...events.Position) (s person.Seen) {
		for i, p := range of {
			s = binary.BigEndian.AppendUint64(append(s, make([]byte, 12)...), uint64(p))
			s[20*i] = byte(i)
		}
		return s
	}
	for name, by := range map[string]struct{ before, after uint64 }{"placed": {1 << 40, 1000}, "in the log already": {5, 5}} {
		got, want := was(), was()
		shift(reflect.ValueOf(got).Elem(), by.before)
		shift(reflect.ValueOf(want).Elem(), by.after)
		got.Seen, want.Seen = seen(7, 8, first+1, first+2), seen(7, 8, 1001, 1002)
		want.Revision = 77
		if got.Place(77, later); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: a state with every field set is\n%+v\nwant\n%+v", name, got, want)
		}
	}
}
