package register

import (
	"context"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/projections/retention"
)

// Majority lists who reaches majority up to a month, by the policy and by civil law, and what stands on a guardian's word.
func (r *Register) Majority(ctx context.Context, q contracts.MajorityQuestion) (out contracts.Majorities, err error) {
	if err := allow(ctx, readers...); err != nil {
		return out, err
	}
	c := r.Gateway.Organisation().Policy
	if c == nil {
		return out, problem(503, "no_policy", "No policy", "no policy has been published yet")
	}
	if q.By == "" {
		q.By = string(c.Month(r.Now()))
	} else if _, err := time.Parse("2006-01", q.By); err != nil {
		return out, badQuestion("by", "is not a month (2006-01)")
	}
	if q.Limit < 0 || q.Limit > 10_000 {
		return out, badQuestion("limit", "is between 1 and 10,000")
	}
	r.level(ctx, r.Retention)
	err = r.Retention.Ask(func(p *retention.Retention) (err error) {
		out, err = p.Majority(ctx, retention.MajorityQuestion{By: q.By, After: q.After, Limit: q.Limit, Now: r.Now()})
		return err
	})
	return out, err
}
