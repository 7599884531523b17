package retention

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/projections/store"
)

// A person has one row for each purpose of which something of theirs falls due on a day, with the first such day; and one under no
// purpose, with the first day of all. A row changes only when that day does, and a page of what is due is a range of the key.
const dueTable = `create table if not exists due (purpose text not null, day text not null, person text not null, primary key (purpose, day, person)) ` + store.WithoutRowID

// The calendar counts the limits that end on each day; under no day, those that wait for something to happen first.
const calendarTable = `create table if not exists calendar (day text not null, purpose text not null, n bigint not null, primary key (day, purpose))`

// entry is a limit as the calendar counts it. No day: it waits.
type entry struct{ day, purpose string }

func entries(s *person.State, org *organisation.State) []entry {
	limits := s.Limits(org)
	all := make([]entry, 0, len(limits))
	for _, l := range limits {
		day := ""
		if !l.Due.IsZero() {
			day = l.Due.String()
		}
		all = append(all, entry{day, string(l.Binding.Purpose)})
	}
	return all
}

// firsts are the rows that somebody with these limits has: few, so that a list serves better than a map.
func firsts(all []entry) (rows []entry) {
	first := func(purpose, day string) {
		i := slices.IndexFunc(rows, func(e entry) bool { return e.purpose == purpose })
		if i < 0 {
			rows = append(rows, entry{day, purpose})
		} else {
			rows[i].day = min(rows[i].day, day)
		}
	}
	for _, e := range all {
		if e.day != "" {
			first(e.purpose, e.day)
			first("", e.day)
		}
	}
	return rows
}

// days writes where to look for what is due.
type days struct {
	tx    *store.Tx
	due   *store.Rows
	delta map[entry]int
}

func newDays(tx *store.Tx) *days {
	return &days{tx: tx, due: tx.Rows(`insert into due (purpose, day, person)`, 3, ""), delta: map[entry]int{}}
}

// change takes a person's limits as they were counted, and as they are.
func (d *days) change(p events.Pseudonym, was, is []entry) error {
	if slices.Equal(was, is) {
		return nil
	}
	for _, e := range was {
		d.delta[e]--
	}
	for _, e := range is {
		d.delta[e]++
	}
	before, after := firsts(was), firsts(is)
	write := func(rows, except []entry, do func(...any) error) error {
		for _, e := range rows {
			if slices.Contains(except, e) {
				continue
			}
			if err := do(e.purpose, e.day, string(p)); err != nil {
				return err
			}
		}
		return nil
	}
	return errors.Join(
		write(before, after, func(row ...any) error {
			_, err := d.tx.Exec(`delete from due where purpose = $1 and day = $2 and person = $3`, row...)
			return err
		}),
		write(after, before, d.due.Add))
}

// count moves the calendar by the difference that the batch made.
func (d *days) count() error {
	if err := d.due.Flush(); err != nil {
		return err
	}
	fewer := false
	for e, n := range d.delta {
		if n == 0 {
			continue
		}
		fewer = fewer || n < 0
		if _, err := d.tx.Exec(`insert into calendar (day, purpose, n) values ($1, $2, $3) on conflict (day, purpose) do update set n = calendar.n + excluded.n`,
			e.day, e.purpose, n); err != nil {
			return err
		}
	}
	if fewer {
		_, err := d.tx.Exec(`delete from calendar where n = 0`)
		return err
	}
	return nil
}

// total is how many limits end by a day, of one purpose or of all.
func total(ctx context.Context, tx *sql.Tx, by string, purpose events.Word) (n int, err error) {
	err = tx.QueryRowContext(ctx, `select coalesce(sum(n), 0) from calendar where day <> '' and day <= $1 and ($2 = '' or purpose = $2)`, by, string(purpose)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting what is due: %w", err)
	}
	return n, nil
}

// Calendar counts the bindings that end in each month.
func (r *Retention) Calendar(ctx context.Context) (contracts.Calendar, error) {
	at, err := r.Position(ctx)
	if err != nil {
		return contracts.Calendar{}, err
	}
	c := contracts.Calendar{Position: at, Months: []contracts.CalendarMonth{}}
	rows, err := r.Read.QueryContext(ctx, `select substr(day, 1, 7), purpose, sum(n) from calendar group by 1, 2 order by 1, 2`)
	if err != nil {
		return c, fmt.Errorf("reading the calendar: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var m, p string
		var n int
		if err := rows.Scan(&m, &p, &n); err != nil {
			return c, fmt.Errorf("reading the calendar: %w", err)
		}
		if m == "" {
			c.Waiting += n
			continue
		}
		if len(c.Months) == 0 || c.Months[len(c.Months)-1].Month != m {
			c.Months = append(c.Months, contracts.CalendarMonth{Month: m, Purposes: map[events.Word]int{}})
		}
		last := &c.Months[len(c.Months)-1]
		last.Total += n
		last.Purposes[events.Word(p)] = n
	}
	return c, rows.Err()
}
