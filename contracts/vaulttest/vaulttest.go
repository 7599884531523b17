// Package vaulttest is the suite that every implementation of contracts.Vault passes.
package vaulttest

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

var (
	bound = contracts.Bound{Type: "daicho.collected.v1", Category: "contact"}
	noon  = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
)

const day = 24 * time.Hour

// Test runs the suite. open opens the vault in a folder: the same folder is the same vault, under the same root keys. The
// suite closes what it opens.
func Test(t *testing.T, open func(t *testing.T, dir string) contracts.Vault) {
	for _, c := range []struct {
		name string
		run  func(*suite)
	}{
		{"NotLevel", notLevel}, {"Admission", admission}, {"AdmitAgain", admitAgain}, {"Race", race},
		{"Pseudonyms", pseudonyms}, {"Tags", tags}, {"Seal", seal}, {"Binding", binding}, {"Puncture", puncture},
		{"PunctureRace", punctureRace}, {"Forget", forget}, {"Tombstone", tombstone}, {"Cases", cases},
		{"Quarantine", quarantine}, {"QuarantineForget", quarantineForget}, {"Position", position}, {"Concurrent", concurrent},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &suite{T: t, dir: t.TempDir(), open: open}
			s.Vault = open(t, s.dir)
			t.Cleanup(func() { _ = s.Close() })
			if c.name != "NotLevel" {
				s.Level()
			}
			c.run(s)
		})
	}
}

type suite struct {
	*testing.T
	contracts.Vault
	dir  string
	open func(t *testing.T, dir string) contracts.Vault
}

// reopen closes the vault and opens it again.
func (s *suite) reopen() {
	s.Helper()
	s.ok(s.Close())
	s.Vault = s.open(s.T, s.dir)
	s.Level()
}

func (s *suite) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) newcomer(ids ...events.Identifier) contracts.Newcomer {
	s.Helper()
	n, err := s.Newcomer(events.PersonStream(s.NewPseudonym()), ids...)
	s.ok(err)
	return n
}

// person admits somebody.
func (s *suite) person(ids ...events.Identifier) events.Stream {
	s.Helper()
	n := s.newcomer(ids...)
	got, err := s.Admit(s.Context(), []contracts.Newcomer{n})
	s.ok(err)
	if len(got) != 1 || got[0] != n.Stream() {
		s.Fatal("a newcomer was not admitted under their own stream")
	}
	return got[0]
}

func (s *suite) find(ids ...events.Identifier) []contracts.Found {
	s.Helper()
	got, err := s.Find(s.Context(), ids)
	s.ok(err)
	if len(got) != len(ids) {
		s.Fatalf("%d answers for %d identifiers", len(got), len(ids))
	}
	return got
}

func (s *suite) keys(owner events.Stream) contracts.Keys {
	s.Helper()
	got, err := s.Keys(s.Context(), []events.Stream{owner})
	s.ok(err)
	if len(got) != 1 {
		s.Fatalf("%d answers for one owner", len(got))
	}
	return got[0]
}

func (s *suite) seal(k contracts.Keys, n events.Ordinal, value string) []byte {
	s.Helper()
	box, err := k.Seal(n, bound, []byte(value))
	s.ok(err)
	return box
}

func (s *suite) opens(k contracts.Keys, n events.Ordinal, box []byte, want string) {
	s.Helper()
	got, err := k.Open(n, bound, box)
	s.ok(err)
	if string(got) != want {
		s.Fatalf("opened something else than was sealed under %d", n)
	}
}

func (s *suite) destroyed(k contracts.Keys, n events.Ordinal, box []byte) {
	s.Helper()
	if _, err := k.Open(n, bound, box); !errors.Is(err, contracts.ErrDestroyed) {
		s.Fatalf("opening under the destroyed %d: %v", n, err)
	}
	if k.Alive(n) {
		s.Fatalf("%d is alive", n)
	}
}

func notLevel(s *suite) {
	owner := s.person("crm:1") // writing needs no level
	refused := func(err error) {
		s.Helper()
		if !errors.Is(err, contracts.ErrNotLevel) {
			s.Fatalf("a vault that is not level answered: %v", err)
		}
	}
	_, err := s.Find(s.Context(), []events.Identifier{"crm:1"})
	refused(err)
	_, err = s.Keys(s.Context(), []events.Stream{owner})
	refused(err)
	_, err = s.Cases(s.Context(), []events.Stream{owner})
	refused(err)
	_, err = s.Quarantined(s.Context(), 1, true)
	refused(err)
	_, err = s.OpenQuarantined(s.Context(), []string{"q1"})
	refused(err)
	s.ok(s.Puncture(s.Context(), map[events.Stream][]events.Ordinal{owner: {1}})) // replaying deletions is how it becomes level
	s.ok(s.Forget(s.Context(), owner, noon, day))
	s.Level()
	if s.keys(owner) != nil {
		s.Fatal("forgotten before Level, and still there")
	}
}

func admission(s *suite) {
	n := s.newcomer("crm:1", "mail:a@example.org")
	if f := s.find("crm:1", "mail:a@example.org"); f[0] != (contracts.Found{}) || f[1] != (contracts.Found{}) {
		s.Fatal("somebody was found before they were admitted")
	}
	if s.keys(n.Stream()) != nil {
		s.Fatal("an owner has keys before Admit")
	}
	box := s.seal(n.Keys(), 1, "before")
	got, err := s.Admit(s.Context(), []contracts.Newcomer{n, s.newcomer("crm:2"), s.newcomer("crm:1"), s.newcomer()})
	s.ok(err)
	if got[0] != n.Stream() || got[2] != n.Stream() || got[1] == got[0] || got[3] == got[0] {
		s.Fatal("admitted under streams that do not fit")
	}
	for range 2 {
		f := s.find("mail:a@example.org", "crm:3", "crm:2", "crm:1", "crm:1")
		if f[0].Person != n.Stream().Person() || f[3] != f[0] || f[4] != f[0] || f[2].Person != got[1].Person() || f[1].Person != "" {
			s.Fatal("identifiers lead elsewhere than they should")
		}
		s.opens(s.keys(n.Stream()), 1, box, "before")
		s.reopen()
	}
	desk := events.Stream{Kind: "request", ID: "r1"}
	d, err := s.Newcomer(desk)
	s.ok(err)
	_, err = s.Admit(s.Context(), []contracts.Newcomer{d})
	s.ok(err)
	if s.keys(desk) == nil {
		s.Fatal("a desk's stream has no keys")
	}
	many := make([]events.Stream, 0, 1200)
	for range cap(many) / 2 {
		many = append(many, n.Stream(), events.PersonStream(s.NewPseudonym()))
	}
	keys, err := s.Keys(s.Context(), many)
	s.ok(err)
	for i := range keys {
		if (keys[i] != nil) != (i%2 == 0) {
			s.Fatal("keys are not in the order asked for")
		}
	}
}

func admitAgain(s *suite) {
	n := s.newcomer("crm:1")
	for range 2 {
		got, err := s.Admit(s.Context(), []contracts.Newcomer{n})
		s.ok(err)
		if got[0] != n.Stream() {
			s.Fatal("admitted again, led elsewhere")
		}
	}
	other, err := s.Newcomer(n.Stream(), "crm:2")
	s.ok(err)
	if _, err := s.Admit(s.Context(), []contracts.Newcomer{s.newcomer("crm:3"), other}); !errors.Is(err, contracts.ErrAdmitted) {
		s.Fatalf("another key for the same stream: %v", err)
	}
	if s.find("crm:3")[0].Person != "" {
		s.Fatal("some of a refused admission were stored")
	}
}

func race(s *suite) {
	const racers = 8
	var wg sync.WaitGroup
	answers := make([]events.Stream, racers)
	errs := make([]error, racers)
	own := make([]contracts.Newcomer, racers)
	for i := range racers {
		own[i] = s.newcomer("crm:1")
	}
	for i := range racers {
		wg.Go(func() {
			got, err := s.Admit(s.Context(), own[i:i+1])
			if errs[i] = err; err == nil {
				answers[i] = got[0]
			}
		})
	}
	wg.Wait()
	s.ok(errors.Join(errs...))
	led := s.find("crm:1")[0].Person
	for i := range racers {
		if answers[i].Person() != led {
			s.Fatal("racers were told different people")
		}
		if (own[i].Stream() == answers[i]) != (s.keys(own[i].Stream()) != nil) {
			s.Fatal("a loser of the race was stored, or the winner was not")
		}
	}
}

func pseudonyms(s *suite) {
	form := regexp.MustCompile(`^[a-z2-7]{26}$`)
	seen := map[events.Pseudonym]bool{}
	for range 1000 {
		p := s.NewPseudonym()
		if !form.MatchString(string(p)) || seen[p] {
			s.Fatal("a pseudonym is not in its form, or came twice")
		}
		seen[p] = true
	}
}

func tags(s *suite) {
	form := regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)
	a, b := s.person("crm:1"), s.person("crm:2")
	ka, kb := s.keys(a), s.keys(b)
	all := []string{
		ka.Tag("record", "x"), ka.Tag("record", "y"), ka.Tag("case", "x"), ka.Tag("recor", "dx"), kb.Tag("record", "x"),
		s.Peppered("record", "x"), s.Peppered("recor", "dx"),
	}
	for i, x := range all {
		if !form.MatchString(x) || slices.Contains(all[:i], x) {
			s.Fatal("a tag is not in its form, or two are one")
		}
	}
	s.reopen()
	if s.keys(a).Tag("record", "x") != all[0] || s.Peppered("record", "x") != all[5] {
		s.Fatal("a tag changed when the vault was opened again")
	}
	s.ok(s.Puncture(s.Context(), map[events.Stream][]events.Ordinal{a: {1}}))
	if s.keys(a).Tag("record", "x") != all[0] {
		s.Fatal("a tag changed with a puncture")
	}
}

func seal(s *suite) {
	k := s.keys(s.person("crm:1"))
	n := events.Ordinal(0)
	for _, size := range []int{0, 1, 27, 28, 29, 60, 61, 1000, 64 << 10, 100 << 10} {
		n++
		value := bytes.Repeat([]byte{'v'}, size)
		box, err := k.Seal(n, bound, value)
		s.ok(err)
		if size > 8 && bytes.Contains(box, value[:8]) {
			s.Fatal("a box holds its value in the clear")
		}
		got, err := k.Open(n, bound, box)
		s.ok(err)
		if !bytes.Equal(got, value) {
			s.Fatalf("%d bytes came back as others", size)
		}
	}
	if len(s.seal(k, 20, "a")) != len(s.seal(k, 21, "twenty characters...")) {
		s.Fatal("small values can be told apart by their size")
	}
	if bytes.Equal(s.seal(k, 22, "a"), s.seal(k, 22, "a")) {
		s.Fatal("sealing is not random")
	}
	s.opens(k, ^events.Ordinal(0), s.seal(k, ^events.Ordinal(0), "last"), "last")
	if _, err := k.Seal(0, bound, nil); err == nil || k.Alive(0) {
		s.Fatal("there is an ordinal 0")
	}
}

func binding(s *suite) {
	k, other := s.keys(s.person("crm:1")), s.keys(s.person("crm:2"))
	box := s.seal(k, 7, "value")
	refused := func(k contracts.Keys, n events.Ordinal, b contracts.Bound, box []byte) {
		s.Helper()
		if got, err := k.Open(n, b, box); err == nil || got != nil || errors.Is(err, contracts.ErrDestroyed) {
			s.Fatalf("a box that was moved or changed: %v", err)
		}
	}
	refused(k, 8, bound, box)
	refused(other, 7, bound, box)
	refused(k, 7, contracts.Bound{Type: bound.Type, Category: "health"}, box)
	refused(k, 7, contracts.Bound{Type: "daicho.corrected.v1", Category: bound.Category}, box)
	refused(k, 7, contracts.Bound{Type: bound.Category, Category: bound.Type}, box)
	refused(k, 7, contracts.Bound{Type: "act" + bound.Type, Category: "cont"}, box)
	for i := range box {
		changed := bytes.Clone(box)
		changed[i] ^= 1
		refused(k, 7, bound, changed)
		refused(k, 7, bound, box[:i])
	}
	refused(k, 7, bound, append(bytes.Clone(box), 0))
	refused(k, 7, bound, nil)
	s.opens(k, 7, box, "value")
}
