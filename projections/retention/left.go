package retention

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/events/policy"
	"github.com/daicho-dev/daicho/projections/store"
)

// People of whom no record is left stand in a table of their own, with the first day on which they may be forgotten as well: at once, or
// when the record of the last provision about them need not say any more whom it is about.
const emptyTable = `create table if not exists empty (person text primary key, day text not null)`

const emptyIndex = `create index if not exists empty_day on empty (day, person)`

// emptyFrom is the day in somebody's row; none is no row.
func emptyFrom(s *person.State, c *policy.Catalogue) string {
	if c == nil {
		return ""
	}
	day, ok := s.Forgettable(c)
	if !ok {
		return ""
	}
	return day.String()
}

// empty writes the row of a person if it has changed.
func (b *run) empty(p events.Pseudonym, was, is string) (err error) {
	switch {
	case was == is:
	case is == "":
		_, err = b.tx.Exec(`delete from empty where person = $1`, string(p))
	default:
		_, err = b.tx.Exec(`insert into empty (person, day) values ($1, $2) on conflict (person) do update set day = excluded.day`, string(p), is)
	}
	return err
}

// EachEmpty gives the fold of everybody of whom no record is left and who may be forgotten on a day, in the order of pseudonyms, and the
// organisation as it stands.
func (r *Retention) EachEmpty(ctx context.Context, on string, yield func(events.Pseudonym, *person.State, *organisation.State) error) error {
	org, err := r.Organisation(ctx, store.Latest, store.Ever)
	if err != nil {
		return err
	}
	return r.states(ctx, func(p events.Pseudonym, s *person.State) error { return yield(p, s, org) },
		`select p.person, p.state from empty e join people p on p.person = e.person where e.day <= $1 order by e.person`, on)
}

// forgettable counts the people of whom no record is left and who may be forgotten on a day.
func forgettable(ctx context.Context, tx *sql.Tx, on string) (n int, err error) {
	if err := tx.QueryRowContext(ctx, `select count(*) from empty where day <= $1`, on).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting whom nothing is left of: %w", err)
	}
	return n, nil
}
