package schemas

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/events"
)

// spoils are what a member or an entry is replaced by. Left out is what only one side can know (the package comment): deep
// nesting, repeated names, numbers like 4.0.
var spoils = []any{
	nil, true, false, 0, 1, 7, -1, 1.5, json.Number("9007199254740991"), json.Number("9007199254740992"), json.Number("1e30"),
	"", "x", "ab", "abc", "ABC", "a b", "a\tb", "a\nb", "abc\n", "\x7f", "\x00", "\ufffd", "\u0085", "鍵", "é", " ", "pd:Name", "a.b_c/d-e:f", "a~b",
	"staff:s-1", "staff:", ":x", "Staff:1", "staff:a b", "st aff:1", "a:b:c", "person:abc",
	"JP", "jp", "JPN", "US-AL", "US-", "US-ABCD", "US-A-B", "US-al",
	"2026-02-28", "2026-02-29", "2024-02-29", "2026-13-01", "2026-00-10", "2026-1-1", "2026-01-01 ", "26-01-01", "0000-01-01", "2026-04", "20260101",
	"2026-01-01T00:00:00Z", "2026-01-01T00:00:00+09:00", "2026-01-01T00:00:00.5-00:30", "2026-01-01T00:00:00", "2026-01-01T0:00:00Z",
	"2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00.Z", "2026-01-01t00:00:00z", "2026-01-01T24:00:00Z", "2026-01-01T23:59:60Z",
	"2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+09:60", "2026-01-01T00:00:00+0900", "2026-02-30T00:00:00Z", "2026-01-01 00:00:00Z",
	[]any{}, []any{nil}, []any{""}, []any{"x"}, []any{"x", "x"}, []any{1}, []any{map[string]any{}}, []any{[]any{}},
	map[string]any{}, map[string]any{"": 1}, map[string]any{"x": nil}, map[string]any{"ja": "x"}, map[string]any{"a b": "x"},
	map[string]any{"n": 1, "box": "AAAA"},
}

// large are the spoils that take their time; they are tried on one type of those that share a Go type.
var large = func() []any {
	all := []any{slices.Repeat([]any{"x"}, 200), slices.Repeat([]any{"x"}, 201)}
	for _, n := range []int{62, 63, 64, 65, 80, 81, 200, 201, 2000, 2001} {
		all = append(all, strings.Repeat("x", n))
	}
	for _, n := range []int{200, 201, 2000, 2001} {
		all = append(all, strings.Repeat("鍵", n))
	}
	for _, n := range []int{62, 63, 64} {
		all = append(all, strings.Repeat("s", n)+":1")
	}
	for _, n := range []int{200, 201} {
		many := map[string]any{}
		for i := range n {
			many["w"+strings.Repeat("x", i%50)+string(rune('a'+i/50))] = "x"
		}
		all = append(all, many, "s:"+strings.Repeat("k", n))
	}
	return all
}()

// largest stand at the limit of a value.
var largest = []any{strings.Repeat("x", events.MaxValue-2), strings.Repeat("x", events.MaxValue-1)}

// fieldsOf are all names that a shape knows at any depth, those that the engine fills in too, and one that it does not know.
func fieldsOf(s *events.Shape) []string {
	names := map[string]bool{"daicho": true, "": true}
	var look func(s *events.Shape)
	look = func(s *events.Shape) {
		for _, f := range s.Fields {
			names[f.Name] = true
			look(f.Shape)
		}
		if s.Elem != nil {
			look(s.Elem)
		}
	}
	look(s)
	return slices.Sorted(maps.Keys(names))
}

// mutate yields data itself and everything that differs from it in one place: a spoil instead of a value, a member more or less.
func mutate(t *testing.T, data []byte, names []string, spoils []any, yield func([]byte)) {
	t.Helper()
	var root any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&root); err != nil {
		t.Fatal(err)
	}
	whole := func() {
		b, err := json.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		yield(b)
	}
	var at func(v any, put func(any))
	at = func(v any, put func(any)) {
		for _, spoil := range spoils {
			put(spoil)
			whole()
		}
		switch v := v.(type) {
		case map[string]any:
			put(v)
			for _, name := range slices.Sorted(maps.Keys(v)) {
				old := v[name]
				delete(v, name)
				whole()
				v[name] = old
				at(old, func(x any) { v[name] = x })
				v[name] = old
			}
			for _, name := range names {
				if _, ok := v[name]; ok {
					continue
				}
				for _, x := range []any{nil, false, true, 0, 1, "", "abc", "2026-01", []any{}, []any{1}, []any{"abc"}, map[string]any{},
					map[string]any{"by": "self"}, map[string]any{"upload": "u-1"}} {
					v[name] = x
					whole()
				}
				delete(v, name)
			}
		case []any:
			for _, changed := range [][]any{v[:len(v)-1], append(slices.Clone(v), v[0]), append(slices.Clone(v), nil),
				slices.Repeat(v[:1], 200), slices.Repeat(v[:1], 201)} {
				put(changed)
				whole()
			}
			put(v)
			for i, old := range v {
				at(old, func(x any) { v[i] = x })
				v[i] = old
			}
		}
		put(v)
	}
	whole()
	at(root, func(x any) { root = x })
	whole()
}
