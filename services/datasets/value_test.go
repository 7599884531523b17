package datasets

import (
	"errors"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/events/anonymize"
)

func TestValueOf(t *testing.T) {
	for _, x := range []struct {
		json, path string
		want       anonymize.Value
	}{
		{`"Paris"`, "", anonymize.Text("Paris")}, {`12.5`, "", anonymize.Number(12.5)}, {`true`, "", anonymize.Text("true")}, {`null`, "", anonymize.Value{}},
		{`{"to":{"city":"京都","days":3}}`, "/to/city", anonymize.Text("京都")}, {`{"to":{"days":3}}`, "/to/days", anonymize.Number(3)},
		{`{"to":["a","b"]}`, "/to/1", anonymize.Text("b")}, {`{"to":["a"]}`, "/to/1", anonymize.Value{}}, {`{"a":1}`, "/b", anonymize.Value{}},
		{`"text"`, "/b", anonymize.Value{}}, {`{"a/b":{"~":1}}`, "/a~1b/~0", anonymize.Number(1)}, {`{}`, "/a", anonymize.Value{}}, {`[]`, "/0", anonymize.Value{}},
		{`{"a":{"b":1},"b":2}`, "/b", anonymize.Number(2)},
	} {
		if got, err := valueOf([]byte(x.json), x.path); err != nil || got != x.want {
			t.Errorf("%s at %q: %+v %v", x.json, x.path, got, err)
		}
	}
	for _, x := range [][2]string{{`{"a":{}}`, "/a"}, {`[1]`, ""}, {`{}`, ""}} {
		if _, err := valueOf([]byte(x[0]), x[1]); !errors.Is(err, errComposite) {
			t.Errorf("%s at %q: %v", x[0], x[1], err)
		}
	}
	if _, err := valueOf([]byte(`{`), ""); errors.Is(err, errComposite) {
		t.Log("a cut object begins like one")
	}
}

func FuzzValueOf(f *testing.F) {
	f.Add([]byte(`{"a":["x",1,null]}`), "/a/0")
	f.Add([]byte(`"`), "/")
	f.Fuzz(func(t *testing.T, b []byte, path string) {
		_, _ = valueOf(b, path)
	})
}

func TestDays(t *testing.T) {
	w := newWorld(t)
	c := w.gateway.Organisation().Policy
	at := func(s string) time.Time {
		t.Helper()
		m, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, x := range []struct {
		from, to string
		want     float64
	}{
		{"2026-01-01T00:00:00+09:00", "2026-01-01T23:59:59+09:00", 0},
		{"2025-12-31T14:59:59Z", "2025-12-31T15:00:00Z", 1}, // midnight in Tokyo
		{"2024-02-28T10:00:00+09:00", "2024-03-01T09:00:00+09:00", 2},
	} {
		if got := days(c, at(x.from), at(x.to)); got != x.want {
			t.Errorf("%s to %s: %v", x.from, x.to, got)
		}
	}
}
