package contracts

import (
	"context"
	"database/sql"
	"errors"
)

// Database is where rows are kept: one writer, many readers. The SQL is the same for SQLite and PostgreSQL ($1 placeholders, guarded
// upserts, no JSON operators); what makes tables differs a little, so tables are made by Make.
//
// Order: texts and bytes compare by their bytes, on every database.
//
// Concurrency: who holds a Database is alone in writing to what it opens, for as long as it is open. Where another process could
// write too, it is kept from it (ErrStandby); where one has written all the same, because a connection was lost and with it the right
// to write, every further write fails (ErrSuperseded). So what is held in memory of the rows stays true.
//
// Connections that break are made again. A write under way then fails, and whether it was committed is not known.
type Database struct {
	Write *sql.DB
	Read  *sql.DB
	// Schema turns a statement that makes a table or an index, as it is written for SQLite, into this database's own. Nil: it stays.
	Schema func(statement string) string
	// Statement turns a statement that is run often into the form that costs this database least, with the same arguments. Nil: it stays.
	Statement func(statement string) string
	// Tables is the query for the names of the tables that Make has made.
	Tables string
}

// Make runs statements that make tables and indexes.
func (d Database) Make(ctx context.Context, statements ...string) error {
	for _, q := range statements {
		if d.Schema != nil {
			q = d.Schema(q)
		}
		if _, err := d.Write.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// Close closes both handles. Closing twice, or what was never opened, is nothing.
func (d Database) Close() error {
	if d.Write == nil {
		return nil
	}
	return errors.Join(d.Read.Close(), d.Write.Close())
}

// Place is where one Database lies: a file, or a schema of a server. Every implementation passes contracts/placetest.
type Place interface {
	// Open opens what lies here, and makes it where there is nothing. ErrStandby if another process is at work here.
	Open(ctx context.Context) (Database, error)
	// Beside is a place near this one, of the given name, that is empty: what an earlier run left there has been removed.
	Beside(ctx context.Context, name string) (Place, error)
	// Replace puts what lies beside in this place, at once or not at all, and opens it. Live is what Open of this place gave: it is
	// closed, also after an error. What was opened beside has been closed by the caller.
	Replace(ctx context.Context, live Database, beside Place) (Database, error)
	// Remove removes what lies here, which the caller has closed. Doing it again changes nothing.
	Remove(ctx context.Context) error
}

var (
	// ErrStandby: another process writes here. It is worth asking again: this one takes over when the other has ended.
	ErrStandby = errors.New("another instance is at work here; this one stands by until it ends")
	// ErrSuperseded: another process has written here since this Database was opened. Close it, and open it again.
	ErrSuperseded = errors.New("another instance has taken over here since; what is open must be opened again")
)
