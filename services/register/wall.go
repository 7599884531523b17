package register

import (
	"context"
	"slices"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// between are the walls of the policy that a record lies behind and the caller is not cleared for. No role opens them, admin's neither:
// who hands out tokens says by name who looks where.
func (r *Register) between(ctx context.Context, rec *contracts.DossierRecord) []events.Word {
	caller, c := CallerOf(ctx), r.Gateway.Organisation().Policy
	if c == nil || caller.Role == "engine" {
		return nil
	}
	bound := make([]events.Word, 0, len(rec.Purposes))
	for _, p := range rec.Purposes {
		bound = append(bound, p.ID)
	}
	var all []events.Word
	for _, w := range c.Behind(rec.Category, bound) {
		if !slices.Contains(caller.Walls, w.ID) {
			all = append(all, w.ID)
		}
	}
	return all
}
