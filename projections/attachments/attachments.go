// Package attachments knows which object holds an attachment of which record, and whether the key to it still stands: what a sweep of
// the object store must know before it removes anything.
package attachments

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/projections/store"
)

// Attachments is the projection.
type Attachments struct {
	*store.Store
}

var schema = []string{
	// gone: 1 once the leaf of the value that holds the content key was to be destroyed.
	`create table if not exists attached (object text primary key, person text not null, record bigint not null, gone integer not null) without rowid`,
	`create index if not exists attached_record on attached (person, record)`,
}

// New opens the projection on its store.
func New(ctx context.Context, db contracts.Database) (*Attachments, error) {
	s, err := store.Open(ctx, "attachments", db, schema)
	if err != nil {
		return nil, err
	}
	return &Attachments{s}, nil
}

// Name is "attachments".
func (a *Attachments) Name() string { return "attachments" }

// Apply notes what events attach and what they end.
func (a *Attachments) Apply(ctx context.Context, batch []events.Event) error {
	return a.Store.Apply(ctx, batch, func(tx *store.Tx, batch []events.Event) error {
		for i := range batch {
			if err := note(tx, &batch[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func note(tx *store.Tx, e *events.Event) error {
	switch e.Type {
	case events.TypeCollected, events.TypeDeleted, events.TypeCorrected, events.TypeHoldReleased:
		// Most collections attach nothing. (No sealed value, key or word holds a quotation mark in the log.)
		if e.Type == events.TypeCollected && !bytes.Contains(e.Data, []byte(`"attachment":`)) {
			return nil
		}
	default:
		if _, ok := events.KindOf(e.Type); !ok {
			return fmt.Errorf("the event at position %v is of type %q, which this version does not know", e.Position, e.Type)
		}
		return nil
	}
	f, err := events.Decode(e)
	if err != nil {
		return err
	}
	person := string(e.Stream.Person())
	gone := func(ordinals ...events.Ordinal) error {
		for _, n := range ordinals {
			if _, err := tx.Exec(`update attached set gone = 1 where person = $1 and record = $2`, person, int64(n)); err != nil {
				return err
			}
		}
		return nil
	}
	switch f := f.(type) {
	case *events.Collected:
		for i := range f.Records {
			if r := &f.Records[i]; r.Attachment != nil {
				if _, err := tx.Exec(`insert into attached (object, person, record, gone) values ($1, $2, $3, 0)`,
					string(r.Attachment.Object), person, int64(r.Value.Ordinal())); err != nil {
					return err
				}
			}
		}
	case *events.Deleted:
		if f.Person {
			_, err := tx.Exec(`update attached set gone = 1 where person = $1`, person)
			return err
		}
		return gone(f.Keys...)
	case *events.Corrected:
		if !f.Kept {
			return gone(f.Old)
		}
	case *events.Hold:
		return gone(f.Keys...)
	default: // neither attaches nor ends
	}
	return nil
}

// What the log says of an object.
const (
	Unknown = ""     // no record names it
	Live    = "live" // a record's value holds the key to it
	Gone    = "gone" // one did, and its key was to be destroyed
)

// State is what the log says of an object.
func (a *Attachments) State(ctx context.Context, object events.ID) (string, error) {
	var gone int
	err := a.Read.QueryRowContext(ctx, `select gone from attached where object = $1`, string(object)).Scan(&gone)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Unknown, nil
	case err != nil:
		return "", fmt.Errorf("reading which objects are attached: %w", err)
	case gone == 1:
		return Gone, nil
	}
	return Live, nil
}

// Each yields the objects of living values.
func (a *Attachments) Each(ctx context.Context, yield func(object events.ID) error) error {
	rows, err := a.Read.QueryContext(ctx, `select object from attached where gone = 0 order by object`)
	if err != nil {
		return fmt.Errorf("reading which objects are attached: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var object events.ID
		if err := rows.Scan(&object); err != nil {
			return fmt.Errorf("reading which objects are attached: %w", err)
		}
		if err := yield(object); err != nil {
			return err
		}
	}
	return rows.Err()
}
