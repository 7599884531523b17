package attachments

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// waiting is the store of uploads that no record has yet. A claim is one guarded update: of two submissions, in two processes even, one has
// it. Nothing in it is clear but times and random names.
type waiting struct{ db contracts.Database }

// upcoming is one upload on its way.
type upcoming struct {
	upload  events.ID
	object  events.ID
	created time.Time
	holder  string // who uploaded, as a tag
	claim   string // the submission that it is kept for, as a tag; empty: none
	dropped bool   // nothing of it may be kept
	box     []byte // contracts.SealedAttachment, sealed under the upload's own key
}

func openWaiting(ctx context.Context, db contracts.Database, turn string) (*waiting, error) {
	if turn != "" { // several statements in one message are one transaction: of two who make a table at once, the second would fail
		turn += ";"
	}
	err := db.Make(ctx, turn+`create table if not exists uploads (upload text primary key, object text not null, created bigint not null,
		holder text not null, claim text not null, dropped integer not null, box bytea not null)`)
	if err != nil {
		return nil, fmt.Errorf("preparing the store of uploads: %w", err)
	}
	return &waiting{db}, nil
}

func (w *waiting) exec(ctx context.Context, query string, args ...any) (changed bool, err error) {
	r, err := w.db.Write.ExecContext(ctx, query, args...)
	if err != nil {
		return false, fmt.Errorf("writing uploads: %w", err)
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

func (w *waiting) add(ctx context.Context, u upcoming) error {
	_, err := w.exec(ctx, `insert into uploads (upload, object, created, holder, claim, dropped, box) values ($1, $2, $3, $4, '', 0, $5)`,
		string(u.upload), string(u.object), u.created.UnixMilli(), u.holder, u.box)
	return err
}

// claim keeps an upload for one submission. Asked again for the same, it answers the same.
func (w *waiting) claim(ctx context.Context, upload events.ID, by string) (bool, error) {
	return w.exec(ctx, `update uploads set claim = $2 where upload = $1 and dropped = 0 and (claim = '' or claim = $2)`, string(upload), by)
}

// recorded keeps an object's upload from everybody: a record has it. No claim is this word.
func (w *waiting) recorded(ctx context.Context, object events.ID) error {
	_, err := w.exec(ctx, `update uploads set claim = 'recorded' where object = $1`, string(object))
	return err
}

func (w *waiting) release(ctx context.Context, upload events.ID, by string) error {
	_, err := w.exec(ctx, `update uploads set claim = '' where upload = $1 and claim = $2`, string(upload), by)
	return err
}

func (w *waiting) drop(ctx context.Context, upload events.ID, by string) (bool, error) {
	return w.exec(ctx, `update uploads set dropped = 1 where upload = $1 and claim = $2`, string(upload), by)
}

func (w *waiting) remove(ctx context.Context, upload events.ID) error {
	_, err := w.exec(ctx, `delete from uploads where upload = $1`, string(upload))
	return err
}

const columns = `select upload, object, created, holder, claim, dropped, box from uploads `

func scan(row interface{ Scan(...any) error }) (u upcoming, err error) {
	var created int64
	err = row.Scan(&u.upload, &u.object, &created, &u.holder, &u.claim, &u.dropped, &u.box)
	u.created = time.UnixMilli(created)
	return u, err
}

func (w *waiting) find(ctx context.Context, upload events.ID) (upcoming, bool, error) {
	u, err := scan(w.db.Read.QueryRowContext(ctx, columns+`where upload = $1`, string(upload)))
	if errors.Is(err, sql.ErrNoRows) {
		return u, false, nil
	}
	if err != nil {
		return u, false, fmt.Errorf("reading uploads: %w", err)
	}
	return u, true, nil
}

// ofObject says whether an upload that holds an object is waiting.
func (w *waiting) ofObject(ctx context.Context, object string) (bool, error) {
	var one int
	err := w.db.Read.QueryRowContext(ctx, `select 1 from uploads where object = $1`, object).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading uploads: %w", err)
	}
	return true, nil
}

// all are the uploads that wait; they are few.
func (w *waiting) all(ctx context.Context) ([]upcoming, error) {
	rows, err := w.db.Read.QueryContext(ctx, columns+`order by created`)
	if err != nil {
		return nil, fmt.Errorf("reading uploads: %w", err)
	}
	defer rows.Close()
	var out []upcoming
	for rows.Next() {
		u, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("reading uploads: %w", err)
		}
		out = append(out, u)
	}
	return out, rows.Err()
}
