package datasets

import (
	"context"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/register"
)

// PublishDataset announces all items that a dataset contains, and the methods named. Published again, methods are added.
func (s *Service) PublishDataset(ctx context.Context, id events.ID, q contracts.DatasetPublication) (contracts.Dataset, error) {
	var none contracts.Dataset
	if err := register.Allow(ctx, "compliance"); err != nil {
		return none, err
	}
	d, err := s.living(id)
	if err != nil {
		return none, err
	}
	f := &events.Dataset{Dataset: id, Items: d.Made.Items, Methods: q.Methods}
	if err := s.submit(ctx, events.TypeDatasetPublished, "The publication is refused", f); err != nil {
		return none, err
	}
	return s.known(id)
}

// UseDataset records a use.
func (s *Service) UseDataset(ctx context.Context, id events.ID, q contracts.DatasetUse) (contracts.Dataset, error) {
	var none contracts.Dataset
	if err := register.Allow(ctx, "compliance"); err != nil {
		return none, err
	}
	if err := s.use(ctx, id, q); err != nil {
		return none, err
	}
	return s.known(id)
}

func (s *Service) use(ctx context.Context, id events.ID, q contracts.DatasetUse) error {
	if len(q.With) > 0 {
		return s.JoinDataset(ctx, id, contracts.DatasetJoin{With: q.With, Purpose: q.Purpose})
	}
	if _, err := s.living(id); err != nil {
		return err
	}
	if q.Purpose == "" {
		return register.BadQuestion("purpose", "is required: for which purpose of use")
	}
	return s.submit(ctx, events.TypeDatasetUsed, "The use is refused", &events.Dataset{Dataset: id, Purpose: q.Purpose})
}

// JoinDataset records the attempt and refuses it.
func (s *Service) JoinDataset(ctx context.Context, id events.ID, q contracts.DatasetJoin) error {
	if err := register.Allow(ctx, "compliance"); err != nil {
		return err
	}
	if len(q.With) == 0 {
		return register.BadQuestion("with", "names nothing: categories of people, or other datasets")
	}
	org := s.Gateway.Organisation()
	var others []events.Word
	for _, w := range q.With {
		if d := org.Datasets[events.ID(w)]; d != nil {
			others = append(others, d.Made.Categories...)
		} else {
			others = append(others, w)
		}
	}
	return register.RefuseJoin(ctx, s.Gateway, id, q.Purpose, others)
}

// DestroyDataset records the end, then removes the files. What a crash leaves between, the sweep takes.
func (s *Service) DestroyDataset(ctx context.Context, id events.ID) (contracts.Dataset, error) {
	var none contracts.Dataset
	if err := register.Allow(ctx, "compliance"); err != nil {
		return none, err
	}
	if _, err := s.living(id); err != nil {
		return none, err
	}
	if err := s.submit(ctx, events.TypeDatasetDestroyed, "The destruction is refused", &events.Dataset{Dataset: id}); err != nil {
		return none, err
	}
	if err := s.folder.remove(id); err != nil {
		return none, err
	}
	return s.known(id)
}
