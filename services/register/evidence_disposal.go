package register

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/events/policy"
	"github.com/daicho-dev/daicho/projections/retention"
)

// disposing is what deadlines and disposals show.
var disposing = room{
	shows: func(f events.Fact, note func(what string)) {
		switch f := f.(type) {
		case *events.MilestoneReached:
			if f.Milestone != person.MajorityReached {
				note(reached + string(f.Milestone))
			}
		case *events.Scan:
			note("days on which every record was looked at for what it is still there for")
		case *events.Disposal:
			if f.Disposed > 0 {
				note("disposals of what was due, as planned and approved")
			}
		case *events.Deleted:
			note("deletions")
		case *events.KeysDestroyed:
			note("keys destroyed for good")
		default: // no evidence of these
		}
	},
	needs: map[string][]string{
		"S11": {"days on which every record was looked at for what it is still there for"},
		"S50": {ending, "days on which every record was looked at for what it is still there for"},
		"S51": {"disposals of what was due, as planned and approved", "deletions", "keys destroyed for good"},
	},
	counts: []string{reached},
	weigh:  disposalWeigh,
	gaps:   disposalGaps,
}

const (
	reached = "milestones reached: " // a word of the catalogue; none that the engine tells itself
	ending  = "milestones reached from which a retention period of the policy in force counts"
)

// disposalWeigh gathers the milestones that end a purpose: a rule of retention counts from them. That people were in contact, say, ends none.
func disposalWeigh(c *policy.Catalogue, ev evidence) map[string]string {
	sum := contracts.Evidence{What: ending}
	for what, x := range ev {
		w, ok := strings.CutPrefix(what, reached)
		if !ok || !c.CountsFrom(events.Word(w)) {
			continue
		}
		sum.Count += x.Count
		sum.Position = max(sum.Position, x.Position)
		if sum.Since == nil || x.Since.Before(*sum.Since) {
			sum.Since = x.Since
		}
	}
	if sum.Count > 0 {
		ev[ending] = sum
	}
	return nil
}

// disposalGaps says what is overdue now, and what the last look at every record found to be there for nothing.
func disposalGaps(ctx context.Context, r *Register) (map[string]string, error) {
	org := r.Gateway.Organisation()
	if org.Policy == nil {
		return nil, nil
	}
	today := org.Policy.On(r.Now())
	gaps := map[string]string{}
	var c person.Census
	late := 0 // people of whom no record is left
	r.level(ctx, r.Retention)
	if err := r.Retention.Ask(func(p *retention.Retention) error {
		return errors.Join(p.EachDue(ctx, today.String(), func(_ events.Pseudonym, s *person.State, _ *organisation.State) error {
			c.Count(s, org, today)
			return nil
		}), p.EachEmpty(ctx, today.String(), func(_ events.Pseudonym, s *person.State, _ *organisation.State) error {
			if day, ok := s.Forgettable(org.Policy); ok && day.Add(org.Policy.Grace()).Before(today) {
				late++
			}
			return nil
		}))
	}); err != nil {
		return nil, err
	}
	if c.Overdue+late > 0 {
		gaps["S51"] = fmt.Sprintf("%d records, and %d people of whom no record is left, have been due for longer than the policy's grace (%v): `daicho disposal plan`.", c.Overdue, late, org.Policy.Grace())
	}
	if why := scanGap(org.Scanned, today, c.Overdue, org.Policy.Grace()); why != "" {
		gaps["S11"] = why
	}
	return gaps, nil
}

// scanGap says why the looks at every record do not show today that none is there without a purpose; nothing while there was none to judge.
func scanGap(scan *organisation.Scanned, today policy.Date, overdue int, grace policy.Period) string {
	switch {
	case scan == nil: // unproved
		return ""
	case stale(scan, today):
		return "The last look at every record was on " + string(scan.On) + ": it is made once a day, while the engine runs."
	case scan.Unknown > 0:
		return fmt.Sprintf("%d records are bound to purposes alone that the policy in force does not know.", scan.Unknown)
	case overdue > 0:
		return fmt.Sprintf("%d records are there without a purpose for longer than the policy's grace (%v).", overdue, grace)
	}
	return ""
}

// stale says that the last scan is neither of today nor of yesterday.
func stale(scan *organisation.Scanned, today policy.Date) bool {
	return string(scan.On) < today.AddDays(-1).String()
}
