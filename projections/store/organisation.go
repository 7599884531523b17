package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
)

// The organisation's events are few, and every projection reads its people in their light: each keeps its own copy.
const organisationTable = `create table if not exists organisation (position bigint primary key, stream text not null, revision bigint not null,
	time bigint not null, type text not null, data bytea not null)`

// KeepOrganisation stores an event about the organisation, and folds it.
func (s *Store) KeepOrganisation(tx *Tx, e *events.Event, was *organisation.State) (*organisation.State, error) {
	next, err := was.With(e)
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(`insert into organisation (position, stream, revision, time, type, data) values ($1, $2, $3, $4, $5, $6)`,
		int64(e.Position), e.Stream.String(), int64(e.Revision), e.Time.UnixMilli(), e.Type, e.Data)
	return next, err
}

// Ever is a moment after every event.
var Ever = time.UnixMilli(1 << 52)

// folded is what some of the organisation's events come to. Which they are never changes what they come to: to read a catalogue again
// for every question would take longer than most questions.
type folded struct {
	of    []int64 // positions
	state *organisation.State
}

const keptFolds = 8 // questions are of now, and of a few moments before

// Organisation is what was in force: what was known at a position, and had happened by a moment. A policy counts from the position
// at which it is known, whatever its time: it is the yardstick, not part of the story. What it answers must not be changed.
func (s *Store) Organisation(ctx context.Context, upTo events.Position, asOf time.Time) (*organisation.State, error) {
	rows, err := s.Read.QueryContext(ctx, `select position from organisation where position <= $1 and (time <= $2 or type in ($3, $4)) order by position`,
		signed(upTo), asOf.UnixMilli(), events.TypePolicyPublished, events.TypePolicyEffective)
	if err != nil {
		return nil, fmt.Errorf("reading the organisation's events: %w", err)
	}
	defer rows.Close()
	var of []int64
	for rows.Next() {
		var position int64
		if err := rows.Scan(&position); err != nil {
			return nil, fmt.Errorf("reading the organisation's events: %w", err)
		}
		of = append(of, position)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the organisation's events: %w", err)
	}
	start := s.startingWith(of)
	state, err := s.fold(ctx, start.state, of[len(start.of):])
	if err == nil && len(start.of) < len(of) {
		s.keep(folded{of, state})
	}
	return state, err
}

// startingWith is what is kept of the most of the first of some events.
func (s *Store) startingWith(of []int64) folded {
	s.foldsMu.Lock()
	defer s.foldsMu.Unlock()
	best := folded{state: organisation.New()}
	for _, f := range s.folds {
		if len(f.of) > len(best.of) && len(f.of) <= len(of) && slices.Equal(f.of, of[:len(f.of)]) {
			best = f
		}
	}
	return best
}

func (s *Store) keep(f folded) {
	s.foldsMu.Lock()
	defer s.foldsMu.Unlock()
	if len(s.folds) == keptFolds {
		s.folds = slices.Delete(s.folds, 0, 1)
	}
	s.folds = append(s.folds, f)
}

// fold goes on with some events.
func (s *Store) fold(ctx context.Context, state *organisation.State, of []int64) (*organisation.State, error) {
	for _, position := range of {
		var revision, at int64
		var stream string
		var e events.Event
		if err := s.Read.QueryRowContext(ctx, `select stream, revision, time, type, data from organisation where position = $1`, position).
			Scan(&stream, &revision, &at, &e.Type, &e.Data); err != nil {
			return nil, fmt.Errorf("reading the organisation's events: %w", err)
		}
		e.Position, e.Revision, e.Time = events.Position(position), events.Revision(revision), time.UnixMilli(at).UTC()
		e.Stream, _ = events.ParseStream(stream)
		var err error
		if state, err = state.With(&e); err != nil {
			return nil, err
		}
	}
	return state, nil
}

// Latest is any position.
const Latest = ^events.Position(0)

func signed(p events.Position) int64 { return int64(min(p, 1<<62)) }
