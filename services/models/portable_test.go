package models

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/historytest"
	"github.com/daicho-dev/daicho/projections/attachments"
	"github.com/daicho-dev/daicho/projections/breach"
	"github.com/daicho-dev/daicho/projections/dossier"
	"github.com/daicho-dev/daicho/projections/evidence"
	"github.com/daicho-dev/daicho/projections/recipients"
	"github.com/daicho-dev/daicho/projections/retention"
)

// told is a log of a random history, in which some have files attached and some are forgotten at the end.
func told(t *testing.T, seed uint64, steps int) *memlog.Log {
	t.Helper()
	m := historytest.New(seed, historytest.Catalogue)
	for range steps {
		if _, err := m.Step(); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range m.People[:3] {
		if _, _, err := m.Record(historytest.Submission{Person: p, Type: events.TypeDeleted, Source: m.Log[len(m.Log)-1].Source, ID: m.Name(), Time: m.Now, Data: `{"person":true,"cause":"request"}`}); err != nil {
			t.Fatal(err)
		}
	}
	log := memlog.New()
	t.Cleanup(log.Close)
	for i := range m.Log {
		e := m.Log[i]
		if e.Type == events.TypeCollected && i%3 == 0 {
			e.Data = bytes.Replace(e.Data, []byte(`"category":`), fmt.Appendf(nil, `"attachment":{"object":"object%d"},"category":`, i), 1)
		}
		if r := log.Append(t.Context(), []contracts.Write{{Stream: e.Stream, Expect: events.AnyRevision, Events: []events.Event{e}}}); r[0].Err != nil {
			t.Fatal(r[0].Err)
		} else if r[0].Positions[0] != e.Position {
			t.Fatalf("position %v became %v", e.Position, r[0].Positions[0])
		}
	}
	return log
}

// byType counts each type of event.
func byType() ([]string, evidence.Shows) {
	var names []string
	for _, k := range events.Kinds() {
		names = append(names, k.Type)
	}
	return names, func(e *events.Event, _ events.Fact, note func(string)) { note(e.Type) }
}

// kept folds a history in batches of any size, with new beginnings between, and answers a digest of each table's rows.
func kept[P contracts.Projection](t *testing.T, place contracts.Place, log *memlog.Log, seed uint64, construct func(context.Context, contracts.Database) (P, error)) map[string][32]byte {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 3))
	var all []events.Event
	for batch, err := range log.Scan(t.Context(), 0, contracts.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, batch...)
	}
	for from := 0; from < len(all); {
		db, err := place.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p, err := construct(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			to := min(len(all), from+1+r.IntN(80))
			if err := p.Apply(t.Context(), all[max(0, from-r.IntN(5)):to]); err != nil { // some of it again
				t.Fatal(err)
			}
			from = to
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var name string
	m, err := Open(t.Context(), "folded", place, log, func(ctx context.Context, db contracts.Database) (P, error) {
		p, err := construct(ctx, db)
		if err == nil {
			name = p.Name()
		}
		return p, err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	if rows, different, err := m.Compare(t.Context()); err != nil || rows == 0 || len(different) > 0 {
		t.Errorf("%s: live it has %d rows, and rebuilt %v differ (%v)", name, rows, different, err)
	}
	m.Halt()
	d, _, err := digests(t.Context(), m.db)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Every projection, over random histories, has on every kind of place the very same rows, live and rebuilt.
func TestEveryProjectionHasTheSameRowsEverywhere(t *testing.T) {
	names, shows := byType()
	const seeds = 3
	var logs []*memlog.Log
	for seed := range uint64(seeds) {
		logs = append(logs, told(t, seed, 400))
	}
	found, empty := map[string]map[string][32]byte{}, map[string]int{}
	everywhere(t, func(t *testing.T, at func(string) contracts.Place) {
		for seed := range uint64(seeds) {
			log := logs[seed]
			for _, p := range []struct {
				name string
				rows func(contracts.Place) map[string][32]byte
			}{
				{"dossier", func(p contracts.Place) map[string][32]byte { return kept(t, p, log, seed, dossier.New) }},
				{"retention", func(p contracts.Place) map[string][32]byte { return kept(t, p, log, seed, retention.New) }},
				{"breach", func(p contracts.Place) map[string][32]byte { return kept(t, p, log, seed, breach.New) }},
				{"attachments", func(p contracts.Place) map[string][32]byte { return kept(t, p, log, seed, attachments.New) }},
				{"evidence", func(p contracts.Place) map[string][32]byte { return kept(t, p, log, seed, evidence.New(names, shows)) }},
				{"recipients", func(p contracts.Place) map[string][32]byte { return kept(t, p, log, seed, recipients.New) }},
			} {
				got := p.rows(at(fmt.Sprint(p.name, seed)))
				for table, d := range got {
					if d == ([32]byte{}) {
						empty[p.name+"."+table]++
					}
				}
				key := fmt.Sprint(p.name, seed)
				want, ok := found[key]
				if !ok {
					found[key] = got
					continue
				}
				if !maps.Equal(got, want) {
					for _, table := range slices.Sorted(maps.Keys(want)) {
						if got[table] != want[table] {
							t.Errorf("seed %d: %s has other rows here in %s", seed, p.name, table)
						}
					}
				}
			}
		}
	})
	for table, n := range empty {
		if n == 2*seeds && !strings.HasSuffix(table, ".organisation") { // which not every projection needs
			t.Errorf("no history has a row in %s", table)
		}
	}
}
