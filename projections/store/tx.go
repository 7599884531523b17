package store

import (
	"context"
	"database/sql"
)

// Tx is one batch being folded: a transaction in which each statement is prepared once.
//
// A cancelled context ends it before the next statement, and not within one: the driver would watch for that with a goroutine for every
// statement, which takes longer than most statements do.
type Tx struct {
	asked      context.Context
	tx         *sql.Tx
	form       func(string) string
	statements map[string]*sql.Stmt
}

func (s *Store) begin(ctx context.Context) (*Tx, error) {
	tx, err := s.Write.BeginTx(context.WithoutCancel(ctx), nil)
	return &Tx{ctx, tx, s.Statement, map[string]*sql.Stmt{}}, err
}

func (t *Tx) prepared(query string) (*sql.Stmt, error) {
	if err := t.asked.Err(); err != nil {
		return nil, err
	}
	s := t.statements[query]
	if s == nil {
		form := query
		if t.form != nil {
			form = t.form(query)
		}
		var err error
		if s, err = t.tx.Prepare(form); err != nil {
			return nil, err
		}
		t.statements[query] = s
	}
	return s, nil
}

// Exec runs a statement, and answers how many rows it changed.
func (t *Tx) Exec(query string, args ...any) (changed int64, err error) {
	s, err := t.prepared(query)
	if err != nil {
		return 0, err
	}
	r, err := s.Exec(args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// Query reads rows; the caller closes them before it does anything else.
func (t *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	s, err := t.prepared(query)
	if err != nil {
		return nil, err
	}
	return s.Query(args...)
}

// Row reads one row into what is given; sql.ErrNoRows if there is none.
func (t *Tx) Row(query string, args []any, into ...any) error {
	s, err := t.prepared(query)
	if err != nil {
		return err
	}
	return s.QueryRow(args...).Scan(into...)
}
