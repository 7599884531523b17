package simulate

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/services/intake"
)

var start = time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC)

func year(t testing.TB, o Options) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Year(&out, o, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// What is invented has the contract's form: refusals are to come from the policy.
func TestYear(t *testing.T) {
	o := Options{People: 300, Days: 365, Seed: 7, Start: start}
	all := year(t, o)
	if !bytes.Equal(all, year(t, o)) {
		t.Fatal("the same options gave other bytes")
	}
	ids, types := map[string]int{}, map[string]int{}
	subjects := map[string]bool{}
	last, n, again := start, 0, 0
	for line := range bytes.Lines(all) {
		n++
		s := intake.ReadStructured(bytes.TrimSuffix(line, []byte("\n")))
		if s.Refused != nil {
			t.Fatalf("%+v: %s", *s.Refused, line)
		}
		if n <= 6 && s.Kind.Short() != "recipient_registered" {
			t.Errorf("line %d is %s before the recipients are registered", n, s.Type)
		}
		if s.Time.Before(last) || !s.Time.Before(start.Add(365*day)) {
			t.Fatalf("out of order, or of the period: %s", line)
		}
		last = s.Time
		id := s.Source + " " + s.ID
		if ids[id]++; ids[id] > 1 {
			again++
		}
		types[s.Kind.Short()]++
		subjects[string(s.Subject)] = true
	}
	if again != 2 {
		// the people numbered 65 and 185
		t.Errorf("%d duplicates, not the 2 intended", again)
	}
	if got := len(subjects) - 1; got != o.People {
		t.Errorf("%d people", got)
	}
	for _, typ := range []string{"collected", "transferred", "milestone_reached", "used", "corrected", "disposal_confirmed", "notice_shown",
		"tracking_refused", "identity_linked", "consent_given", "purpose_bound", "purpose_ended", "copied", "removed", "hold_placed", "hold_released"} {
		if types[typ] == 0 {
			t.Errorf("no %s", typ)
		}
	}
	t.Log(n, types)
}

// What should be refused is there, whatever the seed.
func TestMistakes(t *testing.T) {
	for seed := range uint64(3) {
		all := year(t, Options{People: 300, Days: 365, Seed: seed, Start: start})
		for _, sign := range []string{`"MKT-99"`, `"pd:Health"`, `"channel":"web","notice"`, `"guardian":{`} {
			if !bytes.Contains(all, []byte(sign)) {
				t.Errorf("seed %d: no %s", seed, sign)
			}
		}
	}
}

func TestSeeds(t *testing.T) {
	o := Options{People: 50, Days: 30, Start: start}
	one := year(t, o)
	o.Seed = 1
	if bytes.Equal(one, year(t, o)) {
		t.Error("another seed gave the same bytes")
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{{People: -1, Days: 1, Start: start}, {People: 1, Start: start}, {People: 1, Days: 1}} {
		if Year(io.Discard, o, nil) == nil {
			t.Errorf("took %+v", o)
		}
	}
	// Nobody, and a single day, are fine; a start within a day too.
	odd := start.Add(9*time.Hour + 1234567*time.Nanosecond)
	for _, people := range []int{0, 1, 10, 40} {
		year(t, Options{People: people, Days: 1, Start: odd})
	}
}

func TestProgress(t *testing.T) {
	calls, before := 0, 0
	err := Year(io.Discard, Options{People: 5000, Days: 60, Seed: 2, Start: start}, func(done, total int) {
		if done < before || total != 5000 {
			t.Errorf("%d of %d after %d", done, total, before)
		}
		calls, before = calls+1, done
	})
	if err != nil || before != 5000 || calls != 60 {
		t.Error(err, before, calls)
	}
}

func BenchmarkYear(b *testing.B) {
	for _, people := range []int{10_000} {
		b.Run(fmt.Sprint(people), func(b *testing.B) {
			o := Options{People: people, Days: 365, Start: start}
			events := bytes.Count(year(b, o), []byte("\n"))
			for b.Loop() {
				_ = Year(io.Discard, o, nil)
			}
			b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(events), "events")
		})
	}
}
