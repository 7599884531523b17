package register

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/contracts/obligations"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/sqlite"
	projection "github.com/daicho-dev/daicho/projections/evidence"
	"github.com/daicho-dev/daicho/services/models"
)

// refusing puts refusals by a rule into a log, the later ones about earlier moments.
func refusing(t *testing.T, log contracts.Log, rule string, n int) events.Position {
	t.Helper()
	var last events.Position
	for i := range n {
		r := log.Append(context.Background(), []contracts.Write{{Stream: events.Stream{Kind: "refusals", ID: "all"}, Expect: events.AnyRevision,
			Events: []events.Event{{ID: fmt.Sprint(rule, i), Type: events.TypeRefused, Source: "/daicho/intake", Time: moment.Add(-time.Duration(i) * time.Hour),
				Data: fmt.Appendf(nil, `{"tag":"t","rule":%q}`, rule)}}}})
		if r[0].Err != nil {
			t.Fatal(r[0].Err)
		}
		last = r[0].Positions[0]
	}
	return last
}

var moment = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)

func counting(t *testing.T, path string, log contracts.Log, names ...string) *models.Model[*projection.Evidence] {
	t.Helper()
	m, err := models.Open(context.Background(), "evidence", sqlite.File(path), log, projection.New(names, Shows))
	if err != nil {
		t.Fatal(err)
	}
	m.Start()
	return m
}

// What is counted live is what a fold of the log gives, however it came; a store that counted other names counts anew.
func TestEvidenceIsTheFoldOfTheLog(t *testing.T) {
	log := memlog.New()
	defer log.Close()
	path := filepath.Join(t.TempDir(), "evidence.db")
	m := counting(t, path, log, "refused: minor")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	shown := func(want map[string]int, at events.Position) {
		t.Helper()
		if err := m.Level(ctx, at); err != nil {
			t.Fatal(err)
		}
		if err := m.Ask(func(e *projection.Evidence) error {
			all, err := e.All(ctx)
			got := map[string]int{}
			for what, x := range all {
				got[what] = x.Count
			}
			if !maps.Equal(got, want) {
				t.Errorf("counted %v, want %v", got, want)
			}
			if x := all["refused: minor"]; err == nil && (!x.Since.Equal(moment.Add(-4*time.Hour)) || x.Position != 5 && x.Position != 7) {
				t.Errorf("since %v, last at %v", x.Since, x.Position)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, different, err := m.Compare(ctx); err != nil || len(different) > 0 {
			t.Errorf("a rebuilt model differs in %v (%v)", different, err)
		}
	}
	shown(map[string]int{"refused: minor": 5}, refusing(t, log, "minor", 5))
	shown(map[string]int{"refused: minor": 6}, func() events.Position {
		refusing(t, log, "transport", 1)
		return refusing(t, log, "minor", 1)
	}())
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	m = counting(t, path, log, "refused: transport", "refused: minor")
	defer func() { _ = m.Close() }()
	shown(map[string]int{"refused: minor": 6, "refused: transport": 1}, 7)
}

// Each sentence that needs evidence is one of the policy's, and each name of handling's is counted by something.
func TestNeedsNameSentencesOfThePolicy(t *testing.T) {
	known := map[string]bool{}
	all, err := obligations.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		known[o.ID] = true
	}
	for _, room := range rooms {
		for id := range room.needs {
			if !known[id] {
				t.Errorf("%s is no sentence of the policy", id)
			}
		}
	}
	if names := Needed(); !slices.IsSorted(names) || len(names) == 0 {
		t.Errorf("names: %v", names)
	}
}
