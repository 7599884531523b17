package dossier

import (
	"context"
	"fmt"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/projections/store"
)

// Values are a person's fold as it stands, and the sealed values of the living records, by record: for whoever may open them, after
// the look has been recorded.
func (d *Dossier) Values(ctx context.Context, p events.Pseudonym) (*person.State, map[events.Ordinal]Sealed, error) {
	history, err := d.History(ctx, p, store.Latest>>1)
	if err != nil {
		return nil, nil, err
	}
	t, err := tell(p, history, store.Ever)
	if err != nil {
		return nil, nil, err
	}
	boxes := t.boxes()
	sealed := map[events.Ordinal]Sealed{}
	for i := range t.state.Records {
		rec := &t.state.Records[i]
		if b, ok := boxes[rec.Value]; ok && rec.Live() {
			b.Owner, b.Bound.Category = events.PersonStream(p), string(rec.Category)
			sealed[rec.N] = b
		}
	}
	return t.state, sealed, nil
}

// Linked are the pseudonyms that were ever linked with another: few among many. Whether a link stands is for the fold to say.
func (d *Dossier) Linked(ctx context.Context) (map[events.Pseudonym]bool, error) {
	rows, err := d.Read.QueryContext(ctx, `select distinct person from links`)
	if err != nil {
		return nil, fmt.Errorf("reading links: %w", err)
	}
	defer rows.Close()
	all := map[events.Pseudonym]bool{}
	for rows.Next() {
		var p string
		if err := rows.Scan(&p); err != nil {
			return nil, fmt.Errorf("reading links: %w", err)
		}
		all[events.Pseudonym(p)] = true
	}
	return all, rows.Err()
}
