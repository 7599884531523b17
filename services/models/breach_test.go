package models

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/historytest"
	"github.com/daicho-dev/daicho/projections/breach"
)

// change is a record that comes to a place, or leaves it, as the log tells.
type change struct {
	person   events.Pseudonym
	record   events.Ordinal
	category events.Word
	place    events.Word
	came     bool
	time     time.Time
	position events.Position
}

// changes reads a history in the plainest way: what each event moves, one line a record.
func changes(m *historytest.Maker) []change {
	type key struct {
		person events.Pseudonym
		record events.Ordinal
	}
	var all []change
	here := map[key][]events.Word{} // our own places, by the order of the log
	category := map[key]events.Word{}
	var log []historytest.Recorded
	for _, p := range m.People {
		log = append(log, p.Facts...)
	}
	slices.SortFunc(log, func(a, b historytest.Recorded) int { return int(int64(a.Position) - int64(b.Position)) })
	for _, e := range log {
		who := e.Stream.Person()
		move := func(n events.Ordinal, place events.Word, came, own bool) {
			k := key{who, n}
			all = append(all, change{who, n, category[k], place, came, e.Time, e.Position})
			if own {
				here[k] = slices.DeleteFunc(here[k], func(p events.Word) bool { return p == place })
				if came {
					here[k] = append(here[k], place)
				}
			}
		}
		switch f := e.Fact.(type) {
		case *events.Collected:
			for _, r := range f.Records {
				category[key{who, r.Value.Ordinal()}] = r.Category
				move(r.Value.Ordinal(), f.Location, true, true)
			}
		case *events.Moved:
			for _, n := range f.Of {
				move(n, f.Location, e.Type == events.TypeCopied, true)
			}
		case *events.Transferred:
			for _, n := range f.Of {
				move(n, f.Recipient, true, false)
			}
		case *events.DisposalConfirmed:
			for _, n := range f.Of {
				move(n, f.Recipient, false, false)
			}
		case *events.Deleted:
			for k := range category {
				if k.person == who && (f.Person || slices.Contains(f.Of, k.record)) {
					for _, place := range slices.Clone(here[k]) {
						move(k.record, place, false, true)
					}
				}
			}
		default: // moves nothing
		}
	}
	return all
}

// counted asks of every record, at the window's beginning and at every moment in it at which something moved, whether it is there.
func counted(all []change, s contracts.Scope) (records int, byCategory map[string]int, people map[events.Pseudonym]bool) {
	byCategory, people = map[string]int{}, map[events.Pseudonym]bool{}
	type key struct {
		person events.Pseudonym
		record events.Ordinal
		place  events.Word
	}
	of := map[key][]change{}
	for _, c := range all {
		if c.position <= s.KnownAt && slices.Contains(s.Locations, c.place) {
			k := key{c.person, c.record, c.place}
			of[k] = append(of[k], c)
		}
	}
	counted := map[key]bool{}
	for k, list := range of {
		slices.SortStableFunc(list, func(a, b change) int {
			if c := a.time.Compare(b.time); c != 0 {
				return c
			}
			return int(int64(a.position) - int64(b.position))
		})
		there := func(at time.Time) (yes bool) {
			for _, c := range list {
				if !c.time.After(at) {
					yes = c.came
				}
			}
			return yes
		}
		present := there(s.From)
		for _, c := range list {
			present = present || !c.time.Before(s.From) && c.time.Before(s.To) && there(c.time)
		}
		once := key{k.person, k.record, ""}
		if present && !counted[once] {
			counted[once] = true
			records++
			byCategory[string(list[0].category)]++
			people[k.person] = true
		}
	}
	return records, byCategory, people
}

// What a leak touched, over random histories and windows, as of random positions, is what is found by looking at every record by itself.
func TestImpactIsWhatLookingAtEveryRecordFinds(t *testing.T) { everywhere(t, impact) }

func impact(t *testing.T, at func(string) contracts.Place) {
	ctx := context.Background()
	touched := 0
	for seed := range uint64(12) {
		m := historytest.New(seed, historytest.Catalogue)
		for range 400 {
			if _, err := m.Step(); err != nil {
				t.Fatal(err)
			}
		}
		db, err := at(fmt.Sprint("breach", seed)).Open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		b, err := breach.New(ctx, db)
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(seed, 99))
		for rest := m.Log; len(rest) > 0; { // in batches of any size
			n := min(len(rest), 1+r.IntN(60))
			if err := b.Apply(ctx, rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		all := changes(m)
		var places []events.Word
		linked := false
		for _, c := range all {
			if !slices.Contains(places, c.place) {
				places = append(places, c.place)
			}
		}
		for _, e := range m.Log {
			linked = linked || e.Type == events.TypeIdentityLinked
		}
		for range 60 {
			from := all[r.IntN(len(all))].time.Add(time.Duration(r.IntN(3)-1) * time.Hour)
			s := contracts.Scope{Locations: []events.Word{places[r.IntN(len(places))], places[r.IntN(len(places))]}, From: from,
				To: from.Add(time.Duration(1+r.IntN(400)) * time.Hour), KnownAt: m.Log[r.IntN(len(m.Log))].Position}
			got, err := b.Impact(ctx, s)
			if err != nil {
				t.Fatal(err)
			}
			records, byCategory, people := counted(all, s)
			touched += records
			if got.Records.Total != records || len(got.Records.ByCategory) != len(byCategory) {
				t.Fatalf("seed %d, %+v: %d records by the projection, %d by looking at each", seed, s, got.Records.Total, records)
			}
			for c, n := range byCategory {
				if got.Records.ByCategory[c] != n {
					t.Fatalf("seed %d, %+v: %d of %s by the projection, %d by looking", seed, s, got.Records.ByCategory[c], c, n)
				}
			}
			if got.People.Total > len(people) || !linked && got.People.Total != len(people) {
				t.Fatalf("seed %d, %+v: %d people by the projection, %d by looking", seed, s, got.People.Total, len(people))
			}
		}
	}
	if touched < 1000 {
		t.Errorf("only %d records were ever touched: the windows show too little", touched)
	}
}
