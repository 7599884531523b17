// Package evidence counts what the log shows, under names, so that asking what is kept costs by the names and not by the log.
//
// What is evidence of what is not known here: a pure function of the event and its fact says which names it is to be counted under. The names
// counted are those that somebody needs; a name that ends with ": " counts every name that begins with it, so that words of a catalogue can
// be told apart. A name never changes its meaning (a new meaning is a new name), so a store that was made for other names starts anew.
package evidence

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/projections/store"
)

// Shows tells under which names an event counts.
type Shows func(e *events.Event, f events.Fact, note func(what string))

// Evidence is the projection.
type Evidence struct {
	*store.Store
	shows Shows
	names map[string]bool
}

const namesTable = `create table if not exists names (id integer primary key, digest text not null)`

var schema = []string{
	namesTable,
	`create table if not exists counts (what text primary key, n bigint not null, since bigint not null, position bigint not null)`,
}

// New answers what opens the projection on its store, for facts that count under some names.
func New(names []string, shows Shows) func(context.Context, contracts.Database) (*Evidence, error) {
	return func(ctx context.Context, db contracts.Database) (*Evidence, error) {
		if err := forNames(ctx, db, names); err != nil {
			return nil, err
		}
		s, err := store.Open(ctx, "evidence", db, schema)
		if err != nil {
			return nil, err
		}
		e := &Evidence{Store: s, shows: shows, names: map[string]bool{}}
		for _, n := range names {
			e.names[n] = true
		}
		return e, nil
	}
}

// forNames empties a store that counted other names: the log is read again.
func forNames(ctx context.Context, db contracts.Database, names []string) error {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
	want, was := hex.EncodeToString(sum[:]), ""
	if err := db.Make(ctx, namesTable); err != nil {
		return fmt.Errorf("preparing the store of evidence: %w", err)
	}
	switch err := db.Read.QueryRowContext(ctx, `select digest from names where id = 1`).Scan(&was); {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("reading which evidence is counted: %w", err)
	case was == want:
		return nil
	}
	tx, err := db.Write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("preparing the store of evidence: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	for _, q := range []string{`drop table if exists counts`, `drop table if exists progress`, `drop table if exists clock`, `delete from names`} {
		if _, err := tx.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("preparing the store of evidence: %w", err)
		}
	}
	if _, err := tx.ExecContext(ctx, `insert into names (id, digest) values (1, $1)`, want); err != nil {
		return fmt.Errorf("preparing the store of evidence: %w", err)
	}
	return tx.Commit()
}

// counted says whether a name is one of those that somebody needs.
func (e *Evidence) counted(what string) bool {
	if e.names[what] {
		return true
	}
	i := strings.LastIndex(what, ": ")
	return i >= 0 && e.names[what[:i+2]]
}

// Name is "evidence".
func (e *Evidence) Name() string { return "evidence" }

// count is what is kept of a name.
type count struct {
	n     int
	since time.Time // of the earliest fact, by when it happened
	last  events.Position
}

// Apply counts what events show.
func (e *Evidence) Apply(ctx context.Context, batch []events.Event) error {
	return e.Store.Apply(ctx, batch, func(tx *store.Tx, batch []events.Event) error {
		counts, err := e.tally(batch)
		if err != nil {
			return err
		}
		for what, c := range counts {
			if _, err := tx.Exec(`insert into counts (what, n, since, position) values ($1, $2, $3, $4)
				on conflict (what) do update set n = counts.n + excluded.n, position = excluded.position,
					since = case when excluded.since < counts.since then excluded.since else counts.since end`,
				what, c.n, c.since.UnixMilli(), int64(c.last)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *Evidence) tally(batch []events.Event) (map[string]*count, error) {
	counts := map[string]*count{}
	for i := range batch {
		x := &batch[i]
		f, err := events.Decode(x)
		if err != nil {
			return nil, err
		}
		e.shows(x, f, func(what string) {
			if !e.counted(what) {
				return
			}
			c := counts[what]
			if c == nil {
				c = &count{since: x.Time}
				counts[what] = c
			}
			c.n++
			c.last = x.Position
			if x.Time.Before(c.since) {
				c.since = x.Time
			}
		})
	}
	return counts, nil
}

// All is what the log shows up to the projection's position, by name.
func (e *Evidence) All(ctx context.Context) (map[string]contracts.Evidence, error) {
	rows, err := e.Read.QueryContext(ctx, `select what, n, since, position from counts`)
	if err != nil {
		return nil, fmt.Errorf("reading evidence: %w", err)
	}
	defer rows.Close()
	all := map[string]contracts.Evidence{}
	for rows.Next() {
		var x contracts.Evidence
		var since, at int64
		if err := rows.Scan(&x.What, &x.Count, &since, &at); err != nil {
			return nil, fmt.Errorf("reading evidence: %w", err)
		}
		t := time.UnixMilli(since).UTC()
		x.Since, x.Position = &t, events.Position(at)
		all[x.What] = x
	}
	return all, rows.Err()
}
