package simulate

import (
	"bytes"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/services/intake"
)

func written(t testing.TB, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Year(&b, o, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEveryLineIsOfTheContractsForm(t *testing.T) {
	o := Options{People: 400, Days: 365, Seed: 7, Start: time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC)}
	b := written(t, o)
	if !bytes.Equal(b, written(t, o)) {
		t.Error("the same options give other bytes")
	}
	var last time.Time
	ids, twice, types := map[string]int{}, 0, map[string]int{}
	n := 0
	for line := range bytes.Lines(b) {
		n++
		s := intake.ReadStructured(bytes.TrimSpace(line))
		if s.Refused != nil {
			t.Fatalf("line %d: %v\n%s", n, s.Refused, line)
		}
		if s.Time.Before(last) {
			t.Fatalf("line %d is earlier than the one before", n)
		}
		last = s.Time
		types[s.Kind.Short()]++
		if ids[s.Source+s.ID]++; ids[s.Source+s.ID] > 1 {
			twice++
		}
	}
	if n < 400*6 || len(types) < 11 || twice == 0 || twice > 20 {
		t.Errorf("%d lines of %d types, %d sent twice: %v", n, len(types), twice, types)
	}
	if !last.Before(o.Start.AddDate(0, 0, 365)) {
		t.Error("something happens after the end")
	}
}

func BenchmarkYear(b *testing.B) {
	for b.Loop() {
		written(b, Options{People: 1000, Days: 365, Seed: 1, Start: time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC)})
	}
}
