// Package outbox writes events into a company's own outbox, in the transaction in which what they tell of happens: either both are there or
// neither. `daicho serve --intake-outbox` reads the table, and deletes what is recorded.
//
//	tx, err := db.BeginTx(ctx, nil)
//	…                              // the rental itself
//	err = outbox.Put(ctx, tx, outbox.Event{Source: "/rental/web", Type: "collected", Subject: "rental:C-000123", Time: now, Data: data})
//	err = tx.Commit()
//
// A record's attachment is sent over HTTP before the commit, by a token that may write under the same source, and named in the data; see
// POST /v1/attachments.
//
// The table has the form of Debezium's outbox, so that any language can write it.
package outbox

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Schema makes the table. Position is the order in which rows are read.
const Schema = `create table if not exists daicho_outbox (
	position      bigint generated always as identity primary key,
	id            text not null,
	aggregatetype text not null,
	aggregateid   text not null,
	type          text not null,
	time          timestamptz not null,
	payload       json not null
)`

// Event is what happened.
type Event struct {
	ID      string    // with the source, what the event is known by: the same pair is recorded once. Empty: a random one
	Source  string    // a path of the policy, as /rental/web
	Type    string    // collected, or daicho.collected.v1
	Subject string    // the person, as rental:C-000123; empty for events about nobody
	Time    time.Time // when it happened
	Data    any       // marshals to the JSON that the type's schema describes
}

// Row is the statement that writes an event, for any driver of PostgreSQL: `tx.Exec(ctx, query, args...)`.
func (e Event) Row() (query string, args []any, err error) {
	if e.ID == "" {
		e.ID = strings.ToLower(rand.Text())
	}
	if !strings.HasPrefix(e.Source, "/") || e.Type == "" || e.Time.IsZero() {
		return "", nil, errors.New("outbox: an event has a source (as /rental/web), a type and a time")
	}
	data, err := json.Marshal(e.Data)
	if err != nil {
		return "", nil, errors.New("outbox: the event's data is nothing that JSON can hold")
	}
	return `insert into daicho_outbox (id, aggregatetype, aggregateid, type, time, payload) values ($1, $2, $3, $4, $5, $6)`,
		[]any{e.ID, e.Source, e.Subject, e.Type, e.Time, string(data)}, nil
}

// Put writes an event within a transaction of database/sql.
func Put(ctx context.Context, tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}, e Event) error {
	query, args, err := e.Row()
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("outbox: writing an event: %w", err)
	}
	return nil
}
