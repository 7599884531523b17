package datasets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/anonymize"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/events/policy"
	"github.com/daicho-dev/daicho/projections/dossier"
	"github.com/daicho-dev/daicho/projections/retention"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/register"
)

// People are read this many at a time: their looks go to the log together, and as many keys are open at once.
const together = 500

// How long the reading waits for the models to see what was recorded before it, and its own looks.
const patience = 30 * time.Second

// source is a recipe's rows while they are read.
type source struct {
	*Service
	recipe    *anonymize.Recipe
	catalogue *policy.Catalogue
	caller    intake.Caller
	rows      []anonymize.Row
	people    int
	linked    map[events.Pseudonym]bool
	united    map[events.Pseudonym]events.Pseudonym // of linked people: towards the one who stands for all of them
	numbers   map[events.Pseudonym]int              // of linked people, by who stands for them
}

// read opens what a recipe selects. Nothing of a person is opened before the look at them is in the log, and what a record was at that
// moment decides whether it is used.
func (s *Service) read(ctx context.Context, r *anonymize.Recipe, c *policy.Catalogue) ([]anonymize.Row, error) {
	in := &source{Service: s, recipe: r, catalogue: c, caller: register.CallerOf(ctx), united: map[events.Pseudonym]events.Pseudonym{}, numbers: map[events.Pseudonym]int{}}
	head, err := s.Log.Head(ctx)
	if err != nil {
		return nil, err
	}
	if err := in.level(ctx, head); err != nil {
		return nil, err
	}
	if err := in.unite(ctx); err != nil {
		return nil, err
	}
	for after := events.Pseudonym(""); ; {
		var people []events.Pseudonym
		var states []*person.State
		if err := s.Retention.Ask(func(p *retention.Retention) (err error) {
			people, states, err = p.Page(ctx, after, together)
			return err
		}); err != nil {
			return nil, err
		}
		if len(people) == 0 {
			return in.rows, nil
		}
		after = people[len(people)-1]
		if err := in.page(ctx, people, states); err != nil {
			return nil, err
		}
	}
}

// level waits until the models have read the log up to a position.
func (in *source) level(ctx context.Context, to events.Position) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := errors.Join(in.Retention.Level(ctx, to), in.Dossiers.Level(ctx, to)); err != nil {
		return register.Problem(503, "starting", "Not ready", "the models have not read the log far enough to make a dataset of it; ask again when `daicho models status` shows no lag")
	}
	return nil
}

// unite finds who is one person under several pseudonyms: counted apart, they would hide behind themselves.
func (in *source) unite(ctx context.Context) error {
	return in.Dossiers.Ask(func(d *dossier.Dossier) (err error) {
		if in.linked, err = d.Linked(ctx); err != nil {
			return err
		}
		for p := range in.linked {
			state, _, err := d.Values(ctx, p)
			if err != nil {
				return err
			}
			for _, l := range state.Links {
				if a, b := in.stands(p), in.stands(l.Other); l.Until == nil && a != b {
					in.united[a] = b
				}
			}
		}
		return nil
	})
}

func (in *source) stands(p events.Pseudonym) events.Pseudonym {
	for {
		next, ok := in.united[p]
		if !ok {
			return p
		}
		p = next
	}
}

// number is a person's in the rows: it means nothing elsewhere, and is gone with the making.
func (in *source) number(p events.Pseudonym) int {
	if in.linked[p] {
		p = in.stands(p)
		if n, ok := in.numbers[p]; ok {
			return n
		}
		in.numbers[p] = in.people + 1
	}
	in.people++
	return in.people
}

// look is somebody whose records are about to be read, and which categories of theirs.
type look struct {
	person     events.Pseudonym
	categories []events.Word
}

// page reads some people: a look each in one group, then what the look was for.
func (in *source) page(ctx context.Context, people []events.Pseudonym, states []*person.State) error {
	var looks []look
	for i, p := range people {
		if rows := choose(in.recipe, in.catalogue, states[i]); len(rows) > 0 {
			looks = append(looks, look{p, categories(rows)})
		}
	}
	looks, at, err := in.record(ctx, looks)
	if err != nil || len(looks) == 0 {
		return err
	}
	if err := in.level(ctx, at); err != nil {
		return err
	}
	owners := make([]events.Stream, len(looks))
	for i, l := range looks {
		owners[i] = events.PersonStream(l.person)
	}
	opened := make([]contracts.Keys, len(looks))
	if len(in.recipe.Opened()) > 0 {
		if opened, err = in.Vault.Keys(ctx, owners); err != nil {
			return err
		}
	}
	return in.Dossiers.Ask(func(d *dossier.Dossier) error {
		for i, l := range looks {
			if err := in.one(ctx, d, l, opened[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// record writes the looks, and answers those that stand: whoever was forgotten meanwhile is not looked at.
func (in *source) record(ctx context.Context, looks []look) ([]look, events.Position, error) {
	if len(looks) == 0 {
		return nil, 0, nil
	}
	role := in.caller.Role
	if role == "engine" {
		role = "admin"
	}
	all := make([]intake.Submission, len(looks))
	for i, l := range looks {
		all[i] = intake.Own(events.TypeAccessed, events.PersonStream(l.person), &events.Accessed{
			By: events.Identity(in.caller.Holder), Role: role, Categories: l.categories, Purpose: in.recipe.Purpose,
		})
	}
	receipts, err := in.Gateway.Submit(ctx, intake.Engine, all)
	if err != nil {
		return nil, 0, err
	}
	var stand []look
	at := events.Position(0)
	for i, r := range receipts {
		switch {
		case r.Status == contracts.StatusRecorded:
			stand, at = append(stand, looks[i]), max(at, r.Position)
		case r.Rule != "person_unknown":
			p := register.Problem(409, "look", "The look could not be recorded", "so nothing is read: "+r.Text)
			p.Rule, p.Field = r.Rule, r.Field
			return nil, 0, p
		}
	}
	return stand, at, nil
}

// one adds a person's rows.
func (in *source) one(ctx context.Context, d *dossier.Dossier, l look, keys contracts.Keys) error {
	state, sealed, err := d.Values(ctx, l.person)
	if err != nil {
		return err
	}
	rows := choose(in.recipe, in.catalogue, state)
	if len(rows) == 0 {
		return nil
	}
	who := in.number(l.person)
	for _, row := range rows {
		values, err := in.values(state, row, l.categories, sealed, keys)
		if err != nil {
			return err
		}
		if in.rows = append(in.rows, anonymize.Row{Who: who, Values: values}); len(in.rows) > contracts.MaxDatasetRows {
			return register.Refused("The recipe is refused", "schema", "/query", "selects more than a million rows; narrow it by a window, an operation or a location")
		}
	}
	return nil
}

// values are a row's, one a column; nothing of a dropped one.
func (in *source) values(state *person.State, row selected, looked []events.Word, sealed map[events.Ordinal]dossier.Sealed, keys contracts.Keys) ([]anonymize.Value, error) {
	values := make([]anonymize.Value, len(in.recipe.Columns))
	for i := range in.recipe.Columns {
		col := &in.recipe.Columns[i]
		switch {
		case col.Dropped():
		case col.Field != "":
			values[i] = field(col, in.catalogue, state, row)
		default:
			v, err := in.open(col, row, looked, sealed, keys)
			if errors.Is(err, errComposite) {
				return nil, register.Refused("The recipe is refused", "schema", "/columns/"+strconv.Itoa(i)+"/path", errComposite.Error())
			}
			if err != nil {
				return nil, err
			}
			values[i] = v
		}
	}
	return values, nil
}

// open is the newest record of a column's category, opened. What came after the look was not looked at.
func (in *source) open(col *anonymize.Column, row selected, looked []events.Word, sealed map[events.Ordinal]dossier.Sealed, keys contracts.Keys) (anonymize.Value, error) {
	var none anonymize.Value
	if keys == nil || !slices.Contains(looked, col.Category) {
		return none, nil
	}
	for i := len(row.records) - 1; i >= 0; i-- {
		rec := row.records[i]
		if rec.Category != col.Category {
			continue
		}
		box, ok := sealed[rec.N]
		if !ok || box.Attached {
			return none, nil
		}
		value, err := keys.Open(box.N, box.Bound, box.Box)
		if errors.Is(err, contracts.ErrDestroyed) {
			return none, nil
		}
		if err != nil {
			return none, fmt.Errorf("opening a value for a dataset: %w", err)
		}
		v, err := valueOf(value, col.Path)
		clear(value)
		return v, err
	}
	return none, nil
}
