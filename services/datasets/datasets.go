// Package datasets makes anonymously processed information (APPI 2(6)) and keeps what its maker owes (APPI 43, 44).
//
//	make     a recipe is checked against the policy; each person whom it selects gets a look in their history; only then are values
//	         opened, a group of people at a time. events/anonymize does the steps, measures, and judges the five criteria of Rule 34.
//	         What passes is shuffled, cut off from whom it came from, and written: CSV and Parquet, the same rows. What does not pass
//	         is written nowhere.
//	publish  the items, before any use (43(3)); the methods, before any provision (43(4)).
//	use      the rows leave for a purpose, once the use stands in the log.
//	provide  the rows leave for a recipient, once the provision stands in the log, and never without the notice of what they are.
//	join     never (43(5)). The attempt is recorded.
//	destroy  recorded first; then the files go, and the sweep takes what a crash left.
//
// No file, no name of one and no event of a dataset holds anything of a person. A person's own history shows that they were read for the
// purpose, and not for which dataset: who is in which is nobody's business any more.
package datasets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/projections/dossier"
	"github.com/daicho-dev/daicho/projections/retention"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/models"
	"github.com/daicho-dev/daicho/services/register"
	"github.com/daicho-dev/daicho/services/rounds"
)

// Parts are what the service works with.
type Parts struct {
	Log       contracts.Log
	Vault     contracts.Vault
	Gateway   *intake.Gateway
	Dossiers  *models.Model[*dossier.Dossier]
	Retention *models.Model[*retention.Retention]
}

// Service makes datasets and gives them. Its worker removes files that nothing names.
type Service struct {
	Parts
	folder *folder
	making chan struct{} // one at a time: a making holds all of its rows in memory
	now    func() time.Time
	mu     sync.Mutex
	busy   map[events.ID]bool // being made: files without an event yet
	rounds.Rounds
}

var _ contracts.Datasets = (*Service)(nil)

// New makes the service on a folder of its own, which it makes where there is none.
func New(dir string, parts Parts) (*Service, error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	return &Service{Parts: parts, folder: f, making: make(chan struct{}, 1), now: time.Now, busy: map[events.ID]bool{}}, nil
}

func notFound() error {
	return register.NotFound("no dataset of this name was made here")
}

// Datasets are all that were made, the newest first.
func (s *Service) Datasets(ctx context.Context) ([]contracts.Dataset, error) {
	if err := register.Allow(ctx, "compliance", "responder", "auditor"); err != nil {
		return nil, err
	}
	all := []contracts.Dataset{}
	for id, d := range s.Gateway.Organisation().Datasets {
		all = append(all, answerOf(id, d))
	}
	slices.SortFunc(all, func(a, b contracts.Dataset) int { return int(int64(b.Position) - int64(a.Position)) })
	return all, nil
}

// Dataset is one of them.
func (s *Service) Dataset(ctx context.Context, id events.ID) (contracts.Dataset, error) {
	if err := register.Allow(ctx, "compliance", "responder", "auditor"); err != nil {
		return contracts.Dataset{}, err
	}
	return s.known(id)
}

func (s *Service) known(id events.ID) (contracts.Dataset, error) {
	d := s.Gateway.Organisation().Datasets[id]
	if d == nil {
		return contracts.Dataset{}, notFound()
	}
	return answerOf(id, d), nil
}

// answerOf is a dataset as the log tells of it.
func answerOf(id events.ID, d *organisation.Dataset) contracts.Dataset {
	m := &d.Made
	out := contracts.Dataset{
		ID: id, State: "made", Made: d.Source.Time, Position: d.Source.Position, Purpose: m.Purpose, Items: m.Items, Empty: orNone(m.Empty), Categories: m.Categories,
		Steps: orNone(m.Steps), Recipe: m.Recipe, Digest: m.Digest, Parquet: m.Parquet, Rows: m.Rows, People: m.People, Groups: m.Groups, K: m.K, MaxRisk: m.MaxRisk,
		MeanRisk: m.MeanRisk, L: m.L, T: m.T, Alone: m.Alone, Linked: m.Linked, Criteria: m.Criteria, Destroyed: m.Destroyed,
		Methods: orNone(d.Methods), Provided: []contracts.DatasetProvided{}, Uses: d.Uses, Joins: d.Joins, Caveats: []string{},
	}
	if m.Suppressed != nil {
		out.Suppressed = *m.Suppressed
	}
	out.DestroyedAt, _ = time.Parse(time.RFC3339, string(m.DestroyedAt))
	if len(m.Empty) > 0 {
		out.Caveats = append(out.Caveats, "Columns of the recipe that hold no value in any row are left out, and not announced: "+list(m.Empty)+".")
	}
	if d.Published != nil {
		out.State, out.Published = "published", &d.Published.Time
	}
	for _, p := range d.Provided {
		out.Provided = append(out.Provided, contracts.DatasetProvided{Recipient: p.Recipient, Method: p.Method, Time: p.At.Time, Position: p.At.Position})
	}
	if d.Destroyed != nil {
		out.State, out.Ended = "destroyed", &d.Destroyed.Time
		out.Caveats = append(out.Caveats, "What was provided before is with its recipients; only the copy here is destroyed.")
	}
	out.Caveats = append(out.Caveats, "k and the risks count people as this register knows them, with linked identities as one; they are measures of the rows as made, not of what a recipient may add to them.")
	return out
}

func orNone(all []events.Word) []events.Word {
	if all == nil {
		return []events.Word{}
	}
	return all
}

// submit records a step in the life of a dataset, or says which rule refuses it.
func (s *Service) submit(ctx context.Context, typ, title string, f *events.Dataset) error {
	f.By = events.Identity(register.CallerOf(ctx).Holder)
	in := intake.Own(typ, events.Stream{Kind: "dataset", ID: string(f.Dataset)}, f)
	if fault := events.Check(f); fault != nil {
		return register.Refused(title, fault.Rule, fault.Field, fault.Text)
	}
	// What is recorded is recorded, whether or not who asked is still there.
	out, err := s.Gateway.Submit(context.WithoutCancel(ctx), intake.Engine, []intake.Submission{in})
	if err != nil {
		return err
	}
	if r := out[0]; r.Status == contracts.StatusRefused {
		return register.Refused(title, r.Rule, r.Field, r.Text)
	}
	return nil
}

// living is a dataset that is there and not destroyed.
func (s *Service) living(id events.ID) (*organisation.Dataset, error) {
	d := s.Gateway.Organisation().Datasets[id]
	switch {
	case d == nil:
		return nil, notFound()
	case d.Destroyed != nil:
		return nil, register.Refused("The dataset is gone", "record_gone", "/dataset", "it was destroyed")
	}
	return d, nil
}

// sound opens a file of a dataset after it was read whole: it is what was measured, or it is not given.
func (s *Service) sound(id events.ID, d *organisation.Dataset, format events.Word) (*os.File, error) {
	if format != csvFormat && format != parquetFormat {
		return nil, register.BadQuestion("format", "is csv or parquet")
	}
	f, err := s.folder.open(id, format)
	if err != nil {
		return nil, fmt.Errorf("the file of a dataset: %w (`daicho verify` says which; make the dataset again and destroy this one)", err)
	}
	digest, err := digestOf(f)
	if err == nil && digest != digestAs(d, format) {
		err = errors.New("the file of a dataset is not what was measured when it was made; it is not given (`daicho verify` says which)")
	}
	if err == nil {
		_, err = f.Seek(0, 0)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// digestAs is the digest of a dataset's file as the log has it.
func digestAs(d *organisation.Dataset, format events.Word) events.Word {
	if format == parquetFormat {
		return d.Made.Parquet
	}
	return d.Made.Digest
}

func list(all []events.Word) string {
	parts := make([]string, len(all))
	for i, w := range all {
		parts[i] = string(w)
	}
	return strings.Join(parts, ", ")
}
