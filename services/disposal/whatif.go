package disposal

import (
	"context"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/events/policy"
	"github.com/daicho-dev/daicho/projections/retention"
	"github.com/daicho-dev/daicho/services/register"
)

// WhatIf compares deadlines under the policy in force with those under another catalogue. Nothing is recorded.
func (s *Service) WhatIf(ctx context.Context, catalogue []byte) (contracts.WhatIf, error) {
	var out contracts.WhatIf
	if err := register.Allow(ctx, readers...); err != nil {
		return out, err
	}
	c, err := policy.Parse(catalogue)
	if err != nil {
		return out, register.BadQuestion("", "is not a catalogue; `daicho policy lint FILE` says where")
	}
	was := s.gateway.Organisation()
	if was.Policy == nil {
		return out, register.Problem(503, "no_policy", "No policy", "no policy has been published yet")
	}
	if err := s.level(ctx); err != nil {
		return out, err
	}
	is := *was
	is.Policy = c
	w := whatIf{was: was, is: &is, today: was.Policy.On(s.now()), out: &out, by: map[events.Word]*contracts.WhatIfPurpose{}}
	out.Version, out.Instead, out.On, out.Purposes = c.Version, was.Policy.Version, w.today.String(), []contracts.WhatIfPurpose{}
	if err := s.retention.Ask(func(r *retention.Retention) (err error) {
		if out.Position, err = r.Position(ctx); err != nil {
			return err
		}
		return r.Each(ctx, func(_ events.Pseudonym, state *person.State) error {
			w.count(state)
			return nil
		})
	}); err != nil {
		return out, err
	}
	for _, p := range w.by {
		out.Purposes = append(out.Purposes, *p)
	}
	slices.SortFunc(out.Purposes, func(a, b contracts.WhatIfPurpose) int { return strings.Compare(string(a.Purpose), string(b.Purpose)) })
	return out, nil
}

type whatIf struct {
	was, is *organisation.State
	today   policy.Date
	out     *contracts.WhatIf
	by      map[events.Word]*contracts.WhatIfPurpose
}

// count adds a person. The limits of one state come in the same order under every policy.
func (w *whatIf) count(state *person.State) {
	before, after := state.Limits(w.was), state.Limits(w.is)
	for from := 0; from < len(before); {
		to, known := from, false
		for ; to < len(before) && before[to].Record == before[from].Record; to++ {
			p := before[to].Binding.Purpose
			known = known || w.is.Policy.Purpose(p) != nil
			w.binding(p, moved(&before[to], &after[to]))
		}
		a, b := before[from:to], after[from:to]
		from = to
		w.out.Records++
		if !known {
			w.out.Lost++
			continue
		}
		switch m := moved(person.Longest(a), person.Longest(b)); {
		case m < 0:
			w.out.Earlier++
		case m > 0:
			w.out.Later++
		default:
			w.out.Same++
		}
		if person.Bound(a, w.today) && !person.Bound(b, w.today) {
			w.out.Due++
		}
	}
}

func (w *whatIf) binding(p events.Word, m int) {
	lost := w.is.Policy.Purpose(p) == nil
	if m == 0 && !lost {
		return
	}
	x := w.by[p]
	if x == nil {
		x = &contracts.WhatIfPurpose{Purpose: p}
		w.by[p] = x
	}
	switch {
	case lost:
		x.Lost++
	case m < 0:
		x.Earlier++
	default:
		x.Later++
	}
}

// moved says whether b ends before (-1) or after (1) a. What waits without a day ends after any day.
func moved(a, b *person.Limit) int {
	switch {
	case a.Due.IsZero() && b.Due.IsZero():
		return 0
	case a.Due.IsZero():
		return -1
	case b.Due.IsZero():
		return 1
	}
	return b.Due.Compare(a.Due)
}
