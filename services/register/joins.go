package register

import (
	"context"
	"slices"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/intake"
)

// RefuseJoin records an attempt to bring a dataset of anonymously processed information together with people's data, and answers the
// refusal (APPI 43(5)). Words that the policy does not know are not told to the log; the attempt is.
func RefuseJoin(ctx context.Context, g *intake.Gateway, dataset events.ID, purpose events.Word, with []events.Word) error {
	org := g.Organisation()
	if org.Datasets[dataset] == nil {
		return notFound("no dataset of this name was made here")
	}
	f := &events.Dataset{Dataset: dataset, By: events.Identity(CallerOf(ctx).Holder)}
	if org.Policy.Purpose(purpose) != nil {
		f.Purpose = purpose
	}
	for _, w := range with {
		if _, ok := org.Policy.Category(w); ok && !slices.Contains(f.Categories, w) {
			f.Categories = append(f.Categories, w)
		}
	}
	out, err := g.Submit(context.WithoutCancel(ctx), intake.Engine, []intake.Submission{
		intake.Own(events.TypeDatasetJoinRefused, events.Stream{Kind: "dataset", ID: string(dataset)}, f)})
	if err != nil {
		return err
	}
	if out[0].Status == contracts.StatusRefused {
		return problem(500, "internal", "The attempt could not be recorded", "and nothing was joined: "+out[0].Text)
	}
	p := problem(422, "refused", "The join is refused", "anonymously processed information is not collated with other information (APPI 43(5)); nothing was joined, and the attempt is recorded")
	p.Rule, p.Field = "not_permitted", "/with"
	return p
}
