package historytest

import (
	"slices"
	"testing"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// A history is worth something only if it has everything in it: every type that is not the engine's own, and most refusals.
func TestAHistoryHasEverything(t *testing.T) {
	found := slices.DeleteFunc(policy.Lint(New(1, Catalogue).Catalogue()), func(f policy.Finding) bool { return f.Rule == "company_item_missing" }) // of no company
	if len(found) > 0 {
		t.Errorf("the catalogue is not clean: %+v", found)
	}
	types, refused := map[string]int{}, map[string]int{}
	for seed := range uint64(8) {
		m := New(seed, Catalogue)
		for range 600 {
			if _, err := m.Step(); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		for _, e := range m.Log {
			types[events.Short(e.Type)]++
		}
		for k, n := range m.Refused {
			refused[k] += n
		}
	}
	t.Log(types, refused)
	for _, k := range kinds {
		if types[events.Short(k.typ)] < 3 {
			t.Errorf("%s was recorded %d times", k.typ, types[events.Short(k.typ)])
		}
	}
	for _, rule := range []string{"record_unknown", "key_taken", "minor", "category_not_permitted", "consent_missing", "purpose_not_bound", "recipient_not_permitted", "suspended", "held", "tracking_refused", "person_unknown"} {
		if refused[rule] == 0 {
			t.Errorf("nothing was refused by %s", rule)
		}
	}
}

func TestEqualSeedsGiveEqualHistories(t *testing.T) {
	a, b := New(7, Catalogue), New(7, Catalogue)
	for range 300 {
		if _, err := a.Step(); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Step(); err != nil {
			t.Fatal(err)
		}
	}
	if len(a.Log) != len(b.Log) {
		t.Fatalf("%d events, and %d", len(a.Log), len(b.Log))
	}
	for i := range a.Log {
		if string(a.Log[i].Data) != string(b.Log[i].Data) || a.Log[i].Stream != b.Log[i].Stream {
			t.Fatalf("event %d differs", i)
		}
	}
}
