package figures

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// tenfold is how many times as many people the second look at a question finds.
const tenfold = 10

// scale asks what is asked of one person, and what is due by a day, of the simulated year; then among ten times as many people. A question
// that costs by what it answers takes as long in both.
func (r *run) scale(ctx context.Context) error {
	few, err := r.asked(ctx, r.o.People)
	if err != nil {
		return err
	}
	if err := r.grow(ctx, r.o.People*(tenfold-1)); err != nil {
		return err
	}
	many, err := r.asked(ctx, r.o.People*tenfold)
	if err != nil {
		return err
	}
	small := fmt.Sprintf("the same among %d people", r.o.People)
	r.add(Figure{few.of("dossier of one person, sealed, over HTTP"), few.dossier99, "ms", "its median", few.dossier50, "< 20 ms"})
	r.add(Figure{many.of("dossier of one person, sealed, over HTTP"), many.dossier99, "ms", small, few.dossier99, "< 20 ms, ratio 1"})
	r.add(Figure{many.of("purpose gate, over HTTP, answered when it is on disk"), many.gate99, "ms", small, few.gate99, "< 5 ms"})
	r.add(Figure{fmt.Sprintf("what is due by a day, first page of %d, %d people: median", many.due, many.people), many.due50, "ms", small, few.due50, "ratio 1"})
	return r.memory(ctx)
}

// answers are how long some questions took among so many people, in milliseconds.
type answers struct {
	people                              int
	dossier50, dossier99, gate99, due50 float64
	due                                 int // records due
}

func (a answers) of(what string) string { return fmt.Sprintf("%s, %d people: p99", what, a.people) }

func (r *run) asked(ctx context.Context, people int) (answers, error) {
	r.say(fmt.Sprintf("questions among %d people", people))
	a := answers{people: people}
	sample, err := r.sample(ctx, 1000)
	if err != nil {
		return a, err
	}
	c := r.engine.Client("admin")
	took := func(n int, do func(i int) error) (all []time.Duration, err error) {
		for i := range n {
			began := time.Now()
			if err := do(i); err != nil {
				return nil, err
			}
			all = append(all, time.Since(began))
		}
		return all, nil
	}
	dossiers, err := took(len(sample), func(i int) error {
		_, err := c.Dossier(ctx, contracts.DossierQuestion{Person: sample[i], Sealed: true})
		return err
	})
	if err != nil {
		return a, err
	}
	uses, err := took(len(sample), func(i int) error {
		_, err := c.Use(ctx, contracts.UseQuestion{Person: events.Identifier("person:" + sample[i]), Purpose: "SVC-01", Categories: []events.Word{"pd:Name"}, By: "staff:bench"})
		return err
	})
	if err != nil {
		return a, err
	}
	due, err := took(min(len(sample), 30), func(int) error {
		d, err := c.Due(ctx, contracts.DueQuestion{By: "2026-01-31", Limit: 100})
		a.due = d.Total
		return err
	})
	a.dossier50, a.dossier99, a.gate99, a.due50 = percentile(dossiers, 50), percentile(dossiers, 99), percentile(uses, 99), percentile(due, 50)
	return a, err
}

// sample is some people with records, from anywhere in the log.
func (r *run) sample(ctx context.Context, n int) ([]string, error) {
	rnd := rand.New(rand.NewPCG(uint64(n), 7))
	var some []string
	seen := 0
	for batch, err := range r.engine.Log().Scan(ctx, 0, contracts.Filter{Kinds: []string{"person"}}) {
		if err != nil {
			return nil, err
		}
		for i := range batch {
			if batch[i].Type != events.TypeCollected {
				continue
			}
			if seen++; len(some) < n {
				some = append(some, batch[i].Stream.ID)
			} else if k := rnd.IntN(seen); k < n {
				some[k] = batch[i].Stream.ID
			}
		}
	}
	return some, nil
}

// grow makes more people known: three records each, which wait for a milestone, so that no more is due than before.
func (r *run) grow(ctx context.Context, people int) error {
	r.say(fmt.Sprintf("%d more people", people))
	r.engine.Hold()
	c := r.engine.Client("admin")
	const each = 500
	err := inFlight(4, (people+each-1)/each, func(part int) error {
		var b strings.Builder
		for n := part * each; n < min(people, (part+1)*each); n++ {
			fmt.Fprintf(&b, `{"specversion":"1.0","id":"grown","source":"/rental/web","type":"daicho.collected.v1","subject":"rental:G-%07d","time":"2026-10-01T00:00:00Z","data":{"records":[`+
				`{"key":"n","category":"pd:Name","value":"Name %d"},{"key":"m","category":"pd:EmailAddress","value":"g%d@example.jp"},{"key":"p","category":"pd:TelephoneNumber","value":"090%08d"}],`+
				`"purposes":[{"id":"SVC-01","basis":"contract"}],"operation":"rental","location":"rental-db","channel":"web","transport":"tls","notice":{"policy":"2025-10","language":"ja"},`+
				`"person":{"kind":"customer","country":"JP"}}}`+"\n", n, n, n, n)
		}
		receipts, err := c.Emit(ctx, []byte(b.String()))
		if err != nil {
			return err
		}
		for _, x := range receipts {
			if x.Status != contracts.StatusRecorded {
				return fmt.Errorf("growing: an event was answered %s (%s at %s)", x.Status, x.Rule, x.Field)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.people += people
	return r.engine.Resume(ctx)
}
