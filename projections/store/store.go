// Package store is what every projection's store has in common: a position that moves in the same transaction as the rows, and the
// clock that turns "what we knew at that moment" into a position.
package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// Store is a projection's database.
type Store struct {
	contracts.Database
	name     string
	position events.Position // as committed; owned by Apply

	foldsMu sync.Mutex
	folds   []folded // of the organisation's events, the last ones asked for
}

// WithoutRowID ends the statement of a table that is all key. SQLite stores rows in the order of the key then; where there is no such
// clause, contracts.Database.Make leaves it out.
const WithoutRowID = `without rowid`

// ErrShape: what is stored was written in another shape than this program's.
var ErrShape = errors.New("the store has the shape of another version")

var common = []string{
	`create table if not exists progress (id integer primary key, position bigint not null)`,
	// One row a moment of recording: the last position that was recorded then. Recorded times never decrease along the log.
	`create table if not exists clock (recorded bigint primary key, position bigint not null)`,
	organisationTable,
}

// Open prepares a store. The statements create what is not there yet; of a store that other statements made, the error is ErrShape: it
// is to be dropped, and folded anew.
func Open(ctx context.Context, name string, db contracts.Database, schema []string) (*Store, error) {
	schema = slices.Concat(common, schema)
	err := shaped(ctx, db, schema)
	if err == nil {
		err = db.Make(ctx, schema...)
	}
	if err != nil {
		return nil, fmt.Errorf("preparing the store of %s: %w", name, err)
	}
	s := &Store{Database: db, name: name}
	at, err := s.Position(ctx)
	if err != nil {
		return nil, err
	}
	s.position = at
	return s, nil
}

// shaped compares the statements with those that made the store. In what form a column holds what it holds is told by a comment there.
func shaped(ctx context.Context, db contracts.Database, schema []string) error {
	if err := db.Make(ctx, `create table if not exists shape (id integer primary key, made text not null)`); err != nil {
		return err
	}
	is := fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(schema, ";"))))
	var made string
	err := db.Write.QueryRowContext(ctx, `select made from shape where id = 1`).Scan(&made)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		_, err = db.Write.ExecContext(ctx, `insert into shape (id, made) values (1, $1)`, is)
	case err == nil && made != is:
		err = ErrShape
	}
	return err
}

// Position is that of the last event applied.
func (s *Store) Position(ctx context.Context) (events.Position, error) {
	var at int64
	err := s.Read.QueryRowContext(ctx, `select position from progress where id = 1`).Scan(&at)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("reading the position of %s: %w", s.name, err)
	}
	return events.Position(at), nil
}

// Apply gives the events after the position to fold, with a transaction in which the position moves as well. On an error nothing
// has changed, unless it came while committing: then nobody knows, and the store is to be opened again.
func (s *Store) Apply(ctx context.Context, batch []events.Event, fold func(*Tx, []events.Event) error) error {
	for len(batch) > 0 && batch[0].Position <= s.position {
		batch = batch[1:]
	}
	if len(batch) == 0 {
		return nil
	}
	tx, err := s.begin(ctx)
	if err != nil {
		return fmt.Errorf("beginning to write %s: %w", s.name, err)
	}
	defer func() { _ = tx.tx.Rollback() }()
	if err := fold(tx, batch); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if err := tick(tx, s.position, batch); err != nil {
		return fmt.Errorf("writing the position of %s: %w", s.name, err)
	}
	if err := tx.tx.Commit(); err != nil {
		return fmt.Errorf("committing %s: %w", s.name, err)
	}
	s.position = batch[len(batch)-1].Position
	return nil
}

func tick(tx *Tx, from events.Position, batch []events.Event) error {
	for i := range batch {
		if i+1 < len(batch) && batch[i+1].Recorded.Equal(batch[i].Recorded) {
			continue
		}
		if _, err := tx.Exec(`insert into clock (recorded, position) values ($1, $2)
			on conflict (recorded) do update set position = excluded.position where clock.position < excluded.position`,
			batch[i].Recorded.UnixMilli(), int64(batch[i].Position)); err != nil {
			return err
		}
	}
	// The position moves from where the store saw it. Where somebody else has moved it, or it moved in a transaction whose outcome was
	// not known, the same events would be folded twice.
	n, err := tx.Exec(`insert into progress (id, position) values (1, $1)
		on conflict (id) do update set position = excluded.position where progress.position = $2`,
		int64(batch[len(batch)-1].Position), int64(from))
	if err == nil && n != 1 {
		err = errMoved
	}
	return err
}

var errMoved = errors.New("it has moved since it was read; open the store again")

// At is the position of the last event that had been recorded at a moment.
func (s *Store) At(ctx context.Context, t time.Time) (events.Position, error) {
	var at sql.NullInt64
	err := s.Read.QueryRowContext(ctx, `select position from clock where recorded <= $1 order by recorded desc limit 1`, t.UnixMilli()).Scan(&at)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("reading the clock of %s: %w", s.name, err)
	}
	return events.Position(at.Int64), nil
}
