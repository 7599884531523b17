package register

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/projections/recipients"
)

// outsourcing is what handing data to others shows: provision within the purposes (S9), and tasks given to third parties (S63).
var outsourcing = room{shows: outsourcingShows, needs: outsourcingNeeds, gaps: outsourcingGaps}

func outsourcingShows(f events.Fact, note func(what string)) {
	switch f := f.(type) {
	case *events.Transferred:
		note("transfers recorded with recipient and basis")
		if f.Kind == "entrusted" {
			note("entrustments to registered recipients")
		}
		if f.Provision {
			note("records of provision to third parties")
		}
	case *events.Recipient:
		note("recipients registered or reviewed")
		if f.Selection != nil {
			note("recipients selected, with the reasons")
		}
		if f.Contract != nil {
			note("recipients under contract")
		}
		if f.ReviewDue != "" {
			note("reviews of recipients planned")
		}
		if len(f.Tasks) > 0 {
			note("tasks of procurement or provision entrusted")
		}
	default: // hands nothing over
	}
}

var outsourcingNeeds = map[string][]string{
	"S9": {"transfers recorded with recipient and basis", "records of provision to third parties"},
	"S63": {"entrustments to registered recipients", "recipients registered or reviewed", "tasks of procurement or provision entrusted",
		"recipients selected, with the reasons", "recipients under contract", "reviews of recipients planned"},
}

// provisionFindings concern provision and its routes abroad; the others the supervision of those who are entrusted.
var provisionFindings = []events.Word{"safeguard_does_not_fit", "information_abroad_missing", "record_items_missing"}

// outsourcingGaps are what is missing or late of recipients today, and recalls that were not confirmed in time.
func outsourcingGaps(ctx context.Context, r *Register) (map[string]string, error) {
	org := r.Gateway.Organisation()
	if org.Policy == nil {
		return nil, nil
	}
	today := org.Policy.On(r.Now())
	reasons := map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(org.Recipients)) {
		for _, w := range org.Recipients[id].Findings(org.Policy, today) {
			sentence := "S63"
			if slices.Contains(provisionFindings, w) {
				sentence = "S9"
			}
			reasons[sentence] = append(reasons[sentence], fmt.Sprintf("%s: %s.", id, organisation.FindingText(w)))
		}
	}
	late, err := r.late(ctx, events.Day(today.String()))
	if err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(late)) {
		reasons["S63"] = append(reasons["S63"], fmt.Sprintf("%s: %d recalls were not confirmed by their day; the data counts as being there still.", id, late[id]))
	}
	all := map[string]string{}
	for s, lines := range reasons {
		all[s] = strings.Join(lines, " ")
	}
	return all, nil
}

// late counts the recalls of each recipient that should have been confirmed before a day.
func (r *Register) late(ctx context.Context, today events.Day) (map[events.Word]int, error) {
	if r.Handed == nil {
		return nil, nil
	}
	r.level(ctx, r.Handed)
	late := map[events.Word]int{}
	err := r.Handed.Ask(func(p *recipients.Recipients) error {
		open, err := p.Recalls(ctx, recipients.Which{Open: true, DueBefore: today})
		for _, x := range open {
			late[x.Recipient]++
		}
		return err
	})
	return late, err
}
