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
		if a.people == 0 { // only this is measured, and nobody is there yet
			continue
		}
		if first.people == 0 {
			first = a
			r.add(Figure{a.of("dossier of one person, sealed, over HTTP"), a.dossier99, "ms", "its median", a.dossier50, "< 20 ms"})
			r.gate(a, "its median", a.gate50)
			r.add(Figure{fmt.Sprintf("what is due by a day, the first 100 of %d, %d people: median", a.due, a.people), a.due50, "ms", fmt.Sprintf("the first 100 of %d", a.fewer), a.fewer50, "ratio 1"})
			continue
		}
		beside := fmt.Sprintf("the same among %d people", first.people)
		r.add(Figure{a.of("dossier of one person, sealed, over HTTP"), a.dossier99, "ms", beside, first.dossier99, "< 20 ms, ratio 1"})
		r.gate(a, beside, first.gate99)
		r.add(Figure{fmt.Sprintf("what is due by a day, the first 100 of %d, %d people: median", a.due, a.people), a.due50, "ms", beside, first.due50, "ratio 1"})
		if err := r.memory(ctx); err != nil {
			return err
		}
	}
	return nil
}

// gate adds the purpose gate's figures: what it is answered in rests on a flush of the disk, whose own time is beside.
func (r *run) gate(a answers, beside string, other float64) {
	name := a.of("purpose gate, over HTTP, answered when it is on disk")
	r.add(Figure{name, a.gate99, "ms", beside, other, "< 5 ms"})
	r.add(Figure{name, a.gate99, "ms", "this disk's flush of as many bytes, in between: p99", a.flush99, ""})
}

// answers are how long some questions took among so many people, in milliseconds.
type answers struct {
	people                                                        int
	dossier50, dossier99, gate50, gate99, flush99, due50, fewer50 float64
	due, fewer                                                    int // what is due by a day, and by one much earlier
}

func (a answers) of(what string) string { return fmt.Sprintf("%s, %d people: p99", what, a.people) }

func (r *run) asked(ctx context.Context, people int) (answers, error) {
	r.say(fmt.Sprintf("questions among %d people", people))
	a := answers{people: people}
	sample, err := r.sample(ctx, 1000)
	if err != nil || len(sample) == 0 {
		return answers{}, err
	}
	c := r.engine.Client("admin")
	flush, done, err := flusher(r.dir)
	if err != nil {
		return a, err
	}
	defer done()
	var dossiers, uses, flushes []time.Duration
	for _, who := range sample {
		if err := timed(&dossiers, func() error {
			_, err := c.Dossier(ctx, contracts.DossierQuestion{Person: who, Sealed: true})
			return err
		}); err != nil {
			return a, err
		}
	}
	for _, who := range sample {
		if err := timed(&uses, func() error {
			_, err := c.Use(ctx, contracts.UseQuestion{Person: events.Identifier("person:" + who), Purpose: "SVC-01", Categories: []events.Word{"pd:Name"}, By: "staff:bench"})
			return err
		}); err != nil {
			return a, err
		}
		if err := timed(&flushes, flush); err != nil {
			return a, err
		}
	}
	dueBy := func(day string) (median float64, total int, err error) {
		var took []time.Duration
		for range 100 {
			if err := timed(&took, func() error {
				d, err := c.Due(ctx, contracts.DueQuestion{By: day, Limit: 100})
				total = d.Total
				return err
			}); err != nil {
				return 0, 0, err
			}
		}
		return percentile(took, 50), total, nil
	}
	if a.due50, a.due, err = dueBy("2026-01-31"); err != nil {
		return a, err
	}
	a.fewer50, a.fewer, err = dueBy("2025-11-30")
	a.dossier50, a.dossier99 = percentile(dossiers, 50), percentile(dossiers, 99)
	a.gate50, a.gate99, a.flush99 = percentile(uses, 50), percentile(uses, 99), percentile(flushes, 99)
	return a, err
}

// timed does something, and notes how long it took.
func timed(all *[]time.Duration, do func() error) error {
	began := time.Now()
	err := do()
	*all = append(*all, time.Since(began))
	return err
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
