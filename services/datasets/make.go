package datasets

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/anonymize"
	"github.com/daicho-dev/daicho/services/register"
)

// What leads from the rows back to people while they are made, and is destroyed before anybody gets them (APPI 43(2), Rule 35).
var leadsBack = []events.Word{"row-order-key", "row-to-person-table", "opened-values"}

const recipeRefused = "The recipe is refused"

// MakeDataset makes one.
func (s *Service) MakeDataset(ctx context.Context, recipe []byte) (contracts.Dataset, error) {
	var none contracts.Dataset
	if err := register.Allow(ctx, "compliance"); err != nil {
		return none, err
	}
	r, err := anonymize.Parse(recipe)
	if err != nil {
		return none, register.BadQuestion("", "the body "+err.Error())
	}
	c := s.Gateway.Organisation().Policy
	if c == nil {
		return none, register.Problem(503, "no_policy", "No policy", "no policy has been published yet")
	}
	if bad := anonymize.Check(r, c); bad != nil {
		return none, register.Refused(recipeRefused, bad.Rule, bad.Field, bad.Text)
	}
	select {
	case s.making <- struct{}{}:
		defer func() { <-s.making }()
	case <-ctx.Done():
		return none, ctx.Err()
	}
	rows, err := s.read(ctx, r, c)
	if err != nil {
		return none, err
	}
	t, left := anonymize.Make(r, rows)
	if len(t.Columns) == 0 {
		return none, register.Refused(recipeRefused, "not_permitted", "/columns", "hold no value in any row, so that there is nothing to make a dataset of")
	}
	verdict := anonymize.Judge(r, c, rows, t, left)
	if ok, first := anonymize.Kept(verdict); !ok {
		bad := first.Refusal()
		return none, register.Refused(recipeRefused, bad.Rule, bad.Field, bad.Text)
	}
	made := measured(r, t, left, verdict)
	clear(rows)
	if err := shuffle(t); err != nil {
		return none, err
	}
	t.Forget()
	made.Destroyed, made.DestroyedAt = leadsBack, events.Instant(s.now().UTC().Format(time.RFC3339))
	if err := ctx.Err(); err != nil {
		return none, err
	}
	return s.keep(ctx, made, t)
}

// measured is what the log is told of a dataset.
func measured(r *anonymize.Recipe, t *anonymize.Table, left anonymize.Suppression, verdict []anonymize.Criterion) *events.Dataset {
	m := t.Measure()
	f := &events.Dataset{
		Items: t.Items(), Empty: t.Empty, Categories: r.Query.Categories, Purpose: r.Purpose, Recipe: events.Word(r.Digest()), Steps: r.StepWords(),
		Rows: m.Rows, People: m.People, Groups: m.Groups, K: m.K, MaxRisk: m.Max, MeanRisk: m.Mean, L: m.L, T: m.T, Alone: m.Alone,
		Linked: verdict[len(verdict)-1].Checked, Suppressed: &events.Suppressed{Rows: left.Rows, Cells: left.Cells, People: left.People},
	}
	for _, k := range verdict {
		f.Criteria = append(f.Criteria, events.Criterion{Number: k.Number, Met: k.Met, Checked: k.Checked})
	}
	return f
}

// shuffle orders the rows by chance of which nothing is left.
func shuffle(t *anonymize.Table) error {
	var seed [32]byte
	if _, err := crand.Read(seed[:]); err != nil {
		return fmt.Errorf("asking for chance: %w", err)
	}
	t.Shuffle(rand.New(rand.NewChaCha8(seed)))
	clear(seed[:])
	return nil
}

// keep writes the files and then records the dataset, so that there is none in the log without its rows. Files that no event came to
// name are taken by the sweep.
func (s *Service) keep(ctx context.Context, made *events.Dataset, t *anonymize.Table) (contracts.Dataset, error) {
	made.Dataset = events.ID("d-" + strings.ToLower(crand.Text())[:16])
	s.mu.Lock()
	s.busy[made.Dataset] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.busy, made.Dataset)
		s.mu.Unlock()
	}()
	digests, err := s.folder.write(made.Dataset, t)
	if err != nil {
		return contracts.Dataset{}, err
	}
	made.Digest, made.Parquet = digests[csvFormat], digests[parquetFormat]
	if err := s.submit(ctx, events.TypeDatasetAnonymized, "The dataset is refused", made); err != nil {
		var p *contracts.Problem
		if errors.As(err, &p) { // refused: it is not recorded, and so it is not kept
			err = errors.Join(err, s.folder.remove(made.Dataset))
		}
		return contracts.Dataset{}, err
	}
	return s.known(made.Dataset)
}
