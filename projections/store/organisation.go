package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
)

// The organisation's events are few, and every projection reads its people in their light: each keeps its own copy.
const organisationTable = `create table if not exists organisation (position bigint primary key, stream text not null, revision bigint not null,
	time bigint not null, type text not null, data bytea not null)`

// KeepOrganisation stores an event about the organisation, and folds it.
func (s *Store) KeepOrganisation(ctx context.Context, tx *sql.Tx, e *events.Event, was *organisation.State) (*organisation.State, error) {
	next, err := was.With(e)
	if err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx, `insert into organisation (position, stream, revision, time, type, data) values ($1, $2, $3, $4, $5, $6)`,
		int64(e.Position), e.Stream.String(), int64(e.Revision), e.Time.UnixMilli(), e.Type, e.Data)
	return next, err
}

// Ever is a moment after every event.
var Ever = time.UnixMilli(1 << 52)

// Organisation is what was in force: what was known at a position, and had happened by a moment. A policy counts from the position
// at which it is known, whatever its time: it is the yardstick, not part of the story.
func (s *Store) Organisation(ctx context.Context, upTo events.Position, asOf time.Time) (*organisation.State, error) {
	rows, err := s.Read.QueryContext(ctx, `select position, stream, revision, time, type, data from organisation
		where position <= $1 and (time <= $2 or type in ($3, $4)) order by position`,
		signed(upTo), asOf.UnixMilli(), events.TypePolicyPublished, events.TypePolicyEffective)
	if err != nil {
		return nil, fmt.Errorf("reading the organisation's events: %w", err)
	}
	defer rows.Close()
	state := organisation.New()
	for rows.Next() {
		var position, revision, at int64
		var stream string
		var e events.Event
		if err := rows.Scan(&position, &stream, &revision, &at, &e.Type, &e.Data); err != nil {
			return nil, fmt.Errorf("reading the organisation's events: %w", err)
		}
		e.Position, e.Revision, e.Time = events.Position(position), events.Revision(revision), time.UnixMilli(at).UTC()
		e.Stream, _ = events.ParseStream(stream)
		if state, err = state.With(&e); err != nil {
			return nil, err
		}
	}
	return state, rows.Err()
}

// Latest is any position.
const Latest = ^events.Position(0)

func signed(p events.Position) int64 { return int64(min(p, 1<<62)) }
