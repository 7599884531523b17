package policy

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// lives makes lives at random: of a record of the small catalogue, with milestones that came, or did not, in any order.
func lives(r *rand.Rand) Life {
	day := func() Mark {
		return Mark{Type: "t", Time: time.Date(2020+r.IntN(8), 1, 1+r.IntN(366), r.IntN(24), 0, 0, 0, time.UTC), Position: events.Position(r.IntN(1000))}
	}
	l := Life{Category: "pd:Name", Operation: "rental", Collected: day(), Bound: day(), LastOfMatter: day(), LastContact: day(), Milestones: map[events.Word]Mark{}}
	for _, w := range []events.Word{"closed", "opened", "settled", "service.ended"} {
		if r.IntN(2) == 0 {
			l.Milestones[w] = day()
		}
	}
	if r.IntN(4) == 0 {
		m := day()
		l.Ended = &m
	}
	return l
}

func same(a, b Deadline) bool {
	return a.Due == b.Due && a.Rule == b.Rule && a.Gap == b.Gap && a.Law == b.Law && slices.Equal(a.Waiting, b.Waiting) && slices.Equal(a.Because, b.Because)
}

func TestAnUnrelatedMilestoneChangesNothing(t *testing.T) {
	c, r := parse(t, small), rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		l := lives(r)
		more := l
		more.Milestones = maps.Clone(l.Milestones)
		more.Milestones["unrelated"] = Mark{Time: l.Collected.Time.AddDate(0, r.IntN(48)-24, 0)}
		more.Milestones[""] = Mark{Time: time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)}
		for _, p := range []events.Word{"A", "L", "S"} {
			if was, is := c.Deadline(p, l), c.Deadline(p, more); !same(was, is) {
				t.Fatalf("%s: %+v became %+v", p, was, is)
			}
		}
	}
}

// The last occurrence of a milestone is what counts, so that a history folded in any order gives the same day.
func TestTheOrderInWhichMilestonesArriveDoesNotMatter(t *testing.T) {
	c, r := parse(t, small), rand.New(rand.NewPCG(5, 6))
	type arrival struct {
		word events.Word
		mark Mark
	}
	for range 2000 {
		l := lives(r)
		var all []arrival
		for w, m := range l.Milestones {
			all = append(all, arrival{w, m}, arrival{w, Mark{Type: "t", Time: m.Time.AddDate(0, 0, -1-r.IntN(30)), Position: m.Position}})
		}
		for _, p := range []events.Word{"A", "L", "S"} {
			want := c.Deadline(p, l)
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			folded := l
			folded.Milestones = map[events.Word]Mark{}
			for _, a := range all {
				if m, ok := folded.Milestones[a.word]; !ok || a.mark.Time.After(m.Time) {
					folded.Milestones[a.word] = a.mark
				}
			}
			if got := c.Deadline(p, folded); !same(want, got) {
				t.Fatalf("%s: %+v, in another order %+v", p, want, got)
			}
		}
	}
}

func TestADeadlineIsNeverBeforeWhatItRestsOn(t *testing.T) {
	c, r := parse(t, small), rand.New(rand.NewPCG(7, 8))
	for range 5000 {
		l := lives(r)
		for _, p := range []events.Word{"A", "L", "S"} {
			d := c.Deadline(p, l)
			if d.Due.IsZero() {
				if len(d.Waiting) == 0 {
					t.Fatalf("%s waits and does not say for what: %+v", p, d)
				}
				continue
			}
			if len(d.Because) == 0 {
				t.Fatalf("%s has a day and no reason: %+v", p, d)
			}
			for _, m := range d.Because {
				if d.Due.Before(c.On(m.Time)) {
					t.Fatalf("%s is due before what it rests on: %+v", p, d)
				}
			}
			if l.Ended != nil && !d.Law && d.Due.After(c.On(l.Ended.Time)) {
				t.Fatalf("%s outlives its end: %+v", p, d)
			}
		}
	}
}

// The law's own period is not cut short by a purpose met; a rule valid for a time gives way to the next.
func TestRowsOfLawAndTheirDays(t *testing.T) {
	c := parse(t, `{"version":"1","categories":[{"id":"pd:Health","label":{"en":"Health"}}],"purposes":[{"id":"H","text":{"en":"h"},
"categories":["pd:Health"],"bases":{"default":["contract"]},"role":"controller","disclosable":true,"retention":[
{"id":"H/old","from":"collected","keep":"P3Y","law":"Act 1","validTo":"2025-12-31"},
{"id":"H/new","from":"collected","keep":"P5Y","law":"Act 1","validFrom":"2026-01-01"}]}]}`)
	end := at("2026-06-01T00:00")
	for collected, want := range map[string][2]string{
		"2025-12-31T14:59": {"H/old", "2028-12-31"},
		"2025-12-31T15:00": {"H/new", "2031-01-01"}, // the day is the company's
	} {
		d := c.Deadline("H", Life{Category: "pd:Health", Collected: at(collected), Ended: &end})
		if d.Rule != want[0] || d.Due.String() != want[1] || !d.Law {
			t.Errorf("%s: %+v", collected, d)
		}
	}
}
