package figures

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// among is how many times as many people each look at a question finds.
var among = []int{1, 10, 100}

// scale asks what is asked of one person, and what is due by a day, of the simulated year; then among ten times as many people, and a
// hundred times. A question that costs by what it answers takes as long in each.
func (r *run) scale(ctx context.Context) error {
	var first answers
	for i, times := range among {
		people := r.o.People * times
		if i > 0 {
			if err := r.fill(ctx, r.o.People*among[i-1], people); err != nil {
				return err
			}
		}
		a, err := r.asked(ctx, people)
		if err != nil {
			return err
		}
		if i == 0 {
			first = a
			r.add(Figure{a.of("dossier of one person, sealed, over HTTP"), a.dossier99, "ms", "its median", a.dossier50, "< 20 ms"})
			r.add(Figure{a.of("purpose gate, over HTTP, answered when it is on disk"), a.gate99, "ms", "its median", a.gate50, "< 5 ms"})
			r.add(Figure{fmt.Sprintf("what is due by a day, the first 100 of %d, %d people: median", a.due, a.people), a.due50, "ms", fmt.Sprintf("the first 100 of %d", a.fewer), a.fewer50, "ratio 1"})
			continue
		}
		beside := fmt.Sprintf("the same among %d people", first.people)
		r.add(Figure{a.of("dossier of one person, sealed, over HTTP"), a.dossier99, "ms", beside, first.dossier99, "< 20 ms, ratio 1"})
		r.add(Figure{a.of("purpose gate, over HTTP, answered when it is on disk"), a.gate99, "ms", beside, first.gate99, "< 5 ms"})
		r.add(Figure{fmt.Sprintf("what is due by a day, the first 100 of %d, %d people: median", a.due, a.people), a.due50, "ms", beside, first.due50, "ratio 1"})
		if err := r.memory(ctx); err != nil {
			return err
		}
	}
	return nil
}

// answers are how long some questions took among so many people, in milliseconds.
type answers struct {
	people                                               int
	dossier50, dossier99, gate50, gate99, due50, fewer50 float64
	due, fewer                                           int // what is due by a day, and by one much earlier
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
	dueBy := func(day string, total *int) (float64, error) {
		all, err := took(min(len(sample), 100), func(int) error {
			d, err := c.Due(ctx, contracts.DueQuestion{By: day, Limit: 100})
			*total = d.Total
			return err
		})
		return percentile(all, 50), err
	}
	if a.due50, err = dueBy("2026-01-31", &a.due); err != nil {
		return a, err
	}
	a.fewer50, err = dueBy("2025-11-30", &a.fewer)
	a.dossier50, a.dossier99, a.gate50, a.gate99 = percentile(dossiers, 50), percentile(dossiers, 99), percentile(uses, 50), percentile(uses, 99)
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
