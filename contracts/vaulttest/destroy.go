package vaulttest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

func puncture(s *suite) {
	owner := s.person("crm:1")
	held := s.keys(owner)
	boxes := map[events.Ordinal][]byte{}
	for n := events.Ordinal(1); n <= 40; n++ {
		boxes[n] = s.seal(held, n, fmt.Sprint(n))
	}
	gone := map[events.Ordinal]bool{}
	check := func(k contracts.Keys) {
		s.Helper()
		for n, box := range boxes {
			if gone[n] {
				s.destroyed(k, n, box)
			} else {
				s.opens(k, n, box, fmt.Sprint(n))
			}
		}
	}
	check(held)
	for _, ns := range [][]events.Ordinal{{3}, {3, 4, 4, 40}, {1, 2}, {3}, {}, {17}} {
		s.ok(s.Puncture(s.Context(), map[events.Stream][]events.Ordinal{owner: ns}))
		for _, n := range ns {
			gone[n] = true
		}
		check(s.keys(owner))
	}
	s.reopen()
	check(s.keys(owner))
	if _, err := s.keys(owner).Seal(3, bound, []byte("again")); !errors.Is(err, contracts.ErrDestroyed) {
		s.Fatalf("sealing under a destroyed ordinal: %v", err)
	}
	other, nobody := s.person("crm:2"), events.PersonStream(s.NewPseudonym())
	s.ok(s.Puncture(s.Context(), map[events.Stream][]events.Ordinal{nobody: {1}}))
	s.ok(s.Puncture(s.Context(), map[events.Stream][]events.Ordinal{nobody: {1}, owner: {20}, other: {2}}))
	gone[20] = true
	check(s.keys(owner))
	if k := s.keys(other); k.Alive(2) || !k.Alive(20) {
		s.Fatal("several owners' keys were destroyed at once, and of one of them not those that were named")
	}
}

func punctureRace(s *suite) {
	owner := s.person("crm:1")
	const racers, each = 4, 5
	var wg sync.WaitGroup
	errs := make([]error, racers)
	for i := range racers {
		wg.Go(func() {
			for j := range each {
				errs[i] = errors.Join(errs[i], s.Puncture(s.Context(), map[events.Stream][]events.Ordinal{owner: {events.Ordinal(1 + 2*(i*each+j))}}))
				_, err := s.Keys(s.Context(), []events.Stream{owner})
				errs[i] = errors.Join(errs[i], err)
			}
		})
	}
	wg.Wait()
	s.ok(errors.Join(errs...))
	for _, again := range []bool{false, true} {
		k := s.keys(owner)
		for n := events.Ordinal(1); n <= 2*racers*each; n++ {
			if k.Alive(n) != (n%2 == 0) {
				s.Fatalf("a puncture was lost, or one too many was made, at %d", n)
			}
		}
		if !again {
			s.reopen()
		}
	}
}

func forget(s *suite) {
	owner, other := s.person("crm:1", "mail:a@example.org"), s.person("crm:2")
	held := s.keys(owner)
	s.ok(s.AddCases(s.Context(), map[contracts.CaseRef]string{{Owner: owner, Tag: held.Tag("case", "2026/7")}: "2026/7"}))
	s.find("crm:1", "crm:2")
	for i := range 3 {
		// Again, later, changes nothing: not the tombstone's time either.
		s.ok(s.Forget(s.Context(), owner, noon.Add(time.Duration(i)*time.Hour), day))
		if s.keys(owner) != nil {
			s.Fatal("a forgotten owner has keys")
		}
		for _, f := range s.find("crm:1", "mail:a@example.org") {
			if f.Person != "" || !f.Gone.Equal(noon) {
				s.Fatal("a forgotten identifier leads somewhere, or does not say when")
			}
		}
		words, err := s.Cases(s.Context(), []events.Stream{owner})
		s.ok(err)
		if len(words) != 0 {
			s.Fatal("a case word outlived its owner")
		}
		if s.find("crm:2")[0].Person != other.Person() || s.keys(other) == nil {
			s.Fatal("somebody else was forgotten too")
		}
		s.reopen()
	}
	if err := s.AddCases(s.Context(), map[contracts.CaseRef]string{{Owner: other, Tag: "tag"}: "word", {Owner: owner, Tag: "tag"}: "word"}); !errors.Is(err, contracts.ErrDestroyed) {
		s.Fatalf("a case of somebody forgotten: %v", err)
	}
	words, err := s.Cases(s.Context(), []events.Stream{other})
	s.ok(err)
	if len(words) != 0 {
		s.Fatal("a case was stored beside one of somebody forgotten")
	}
	s.ok(s.Puncture(s.Context(), map[events.Stream][]events.Ordinal{owner: {1}}))
}

func tombstone(s *suite) {
	first := s.person("crm:1")
	s.ok(s.Forget(s.Context(), first, noon, 10*day))
	second := s.person("crm:1") // somebody new under the same identifier
	if f := s.find("crm:1")[0]; f.Person != second.Person() || f.Person == first.Person() {
		s.Fatal("a tombstone stands in the way of somebody new")
	}
	s.ok(s.Forget(s.Context(), second, noon.Add(day), 10*day))
	for _, c := range []struct {
		now  time.Time
		gone time.Time
	}{{noon.Add(10 * day), noon.Add(day)}, {noon.Add(11*day - time.Second), noon.Add(day)}, {noon.Add(11 * day), time.Time{}}} {
		s.ok(s.Sweep(s.Context(), c.now, day))
		if f := s.find("crm:1")[0]; f.Person != "" || !f.Gone.Equal(c.gone) {
			s.Fatal("a tombstone went too early, or stayed too long")
		}
	}
}

func cases(s *suite) {
	a, b := s.person("crm:1"), s.person("crm:2")
	s.ok(s.AddCases(s.Context(), map[contracts.CaseRef]string{{Owner: a, Tag: "t1"}: "2026/7"}))
	s.ok(s.AddCases(s.Context(), map[contracts.CaseRef]string{{Owner: a, Tag: "t2"}: "2026/8"}))
	s.ok(s.AddCases(s.Context(), map[contracts.CaseRef]string{{Owner: b, Tag: "t1"}: "2026/9"}))
	s.ok(s.AddCases(s.Context(), map[contracts.CaseRef]string{{Owner: b, Tag: "t1"}: "2026/9"}))
	for range 2 {
		words, err := s.Cases(s.Context(), []events.Stream{a, b, a, events.PersonStream(s.NewPseudonym())})
		s.ok(err)
		if len(words) != 3 || words[contracts.CaseRef{Owner: a, Tag: "t1"}] != "2026/7" ||
			words[contracts.CaseRef{Owner: a, Tag: "t2"}] != "2026/8" || words[contracts.CaseRef{Owner: b, Tag: "t1"}] != "2026/9" {
			s.Fatal("case words are not those added")
		}
		words, err = s.Cases(s.Context(), []events.Stream{b})
		s.ok(err)
		if len(words) != 1 {
			s.Fatal("case words of somebody not asked for")
		}
		s.reopen()
	}
}

func refused(id string, at time.Time, subject events.Identifier) contracts.Quarantined {
	return contracts.Quarantined{ID: id, At: at, Source: "shop/eu", Type: "collected", Rule: "unknown-category",
		Field: "data.category", Subject: subject, Body: []byte(`{"id":"` + id + `"}`)}
}

// quarantined checks that what is kept is what is wanted, in order.
func (s *suite) quarantined(want ...contracts.Quarantined) {
	s.Helper()
	for _, values := range []bool{false, true} {
		got, err := s.Quarantined(s.Context(), 100, values)
		s.ok(err)
		if len(got) != len(want) {
			s.Fatalf("%d in quarantine, not %d", len(got), len(want))
		}
		for i, w := range want {
			g := got[i]
			if g.ID != w.ID || !g.At.Equal(w.At) || g.Source != w.Source || g.Type != w.Type || g.Rule != w.Rule ||
				g.Field != w.Field || g.Subject != "" {
				s.Fatal("the quarantine lists something else than was put in")
			}
			if values && string(g.Body) != string(w.Body) || !values && g.Body != nil {
				s.Fatal("a body is not as it came, or is there unasked")
			}
		}
	}
}

func quarantine(s *suite) {
	s.quarantined()
	first := refused("q1", noon, "crm:1")
	second := refused("q2", noon.Add(day), "crm:2")
	third := refused("q3", noon.Add(day+time.Minute), "")
	s.ok(s.Quarantine(s.Context(), []contracts.Quarantined{first, third}))
	s.ok(s.Quarantine(s.Context(), []contracts.Quarantined{second}))
	s.quarantined(third, second, first)
	s.reopen()
	s.quarantined(third, second, first)
	got, err := s.Quarantined(s.Context(), 1, false)
	s.ok(err)
	if len(got) != 1 || got[0].ID != third.ID {
		s.Fatal("a limit was not kept, or the newest is not first")
	}
	opened, err := s.OpenQuarantined(s.Context(), []string{third.ID, "none", first.ID})
	s.ok(err)
	if len(opened) != 2 || opened[0].ID != first.ID || string(opened[0].Body) != string(first.Body) || string(opened[1].Body) != string(third.Body) || opened[1].Rule != third.Rule {
		s.Fatal("what was asked for by id is not what was opened")
	}
	fourth := refused("q4", noon, "")
	s.ok(s.Quarantine(s.Context(), []contracts.Quarantined{fourth}))
	for range 2 {
		s.ok(s.Release(s.Context(), []string{fourth.ID, "none"}))
		s.quarantined(third, second, first)
		s.reopen()
	}
	s.ok(s.Sweep(s.Context(), noon.Add(3*day), 3*day)) // the first day is not over as long ago yet
	s.quarantined(third, second, first)
	s.ok(s.Sweep(s.Context(), noon.Add(3*day+12*time.Hour), 3*day))
	s.quarantined(third, second)
	s.ok(s.Sweep(s.Context(), noon.Add(30*day), 3*day))
	s.quarantined()
	s.ok(s.Quarantine(s.Context(), []contracts.Quarantined{first})) // a day whose key has gone gets a new one
	s.quarantined(first)
}

func quarantineForget(s *suite) {
	a, b := s.person("crm:1", "mail:a@example.org"), s.person("crm:2")
	mine := []contracts.Quarantined{
		refused("q1", noon, "crm:1"), refused("q2", noon, "mail:a@example.org"),
		refused("q3", noon, events.Identifier("person:"+string(a.Person()))),
	}
	theirs := refused("q4", noon, "crm:2")
	s.ok(s.Quarantine(s.Context(), append(mine, theirs)))
	s.ok(s.Forget(s.Context(), a, noon, day))
	s.quarantined(theirs)
	s.ok(s.Forget(s.Context(), b, noon, day))
	s.quarantined()
}

func position(s *suite) {
	at := func(want events.Position) {
		s.Helper()
		got, err := s.Position(s.Context())
		s.ok(err)
		if got != want {
			s.Fatalf("position %d, not %d", got, want)
		}
	}
	at(0)
	for _, c := range []struct{ to, want events.Position }{{5, 5}, {3, 5}, {5, 5}, {1 << 40, 1 << 40}, {0, 1 << 40}} {
		s.ok(s.Advance(s.Context(), c.to))
		at(c.want)
	}
	s.reopen()
	at(1 << 40)
	epoch, _, err := s.Epoch(s.Context())
	s.ok(err)
	if epoch == "" {
		s.Fatal("the epoch has no name")
	}
}

func concurrent(s *suite) {
	owner := s.person("crm:1")
	k := s.keys(owner)
	const workers, each = 8, 50
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for j := range each {
				n := events.Ordinal(1 + i*each + j)
				box, err := k.Seal(n, bound, []byte("value"))
				if err == nil {
					var got []byte
					if got, err = k.Open(n, bound, box); err == nil && string(got) != "value" {
						err = errors.New("opened something else")
					}
				}
				k.Tag("scope", "text")
				errs[i] = errors.Join(errs[i], err)
			}
		})
	}
	wg.Wait()
	s.ok(errors.Join(errs...))
}
