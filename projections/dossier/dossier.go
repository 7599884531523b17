// Package dossier keeps each person's history, sealed as it was recorded, and answers what is held about somebody.
//
// Nothing is folded when an event arrives: a dossier is the fold of a person's few events at the moment of reading, so the same
// store answers it as of any moment and as it was known at any position.
package dossier

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/projections/store"
)

// Dossier is the projection.
type Dossier struct {
	*store.Store
}

var schema = []string{
	// Primary key first: a person's history is one range, however much there is of others.
	`create table if not exists history (person text not null, position bigint not null, revision bigint not null, recorded bigint not null,
		time bigint not null, type text not null, source text not null, policy text not null, id text not null, data bytea not null,
		primary key (person, position)) ` + store.WithoutRowID,
	`create table if not exists links (person text not null, other text not null, position bigint not null, primary key (person, other, position))`,
	`create table if not exists people (person text primary key) ` + store.WithoutRowID,
	`create table if not exists counts (type text primary key, n bigint not null)`,
}

// New opens the projection on its store.
func New(ctx context.Context, db contracts.Database) (*Dossier, error) {
	s, err := store.Open(ctx, "dossier", db, schema)
	if err != nil {
		return nil, err
	}
	return &Dossier{s}, nil
}

// people is the row of counts that counts people; no event type has a space in it.
const people = "people known"

// Name is "dossier".
func (d *Dossier) Name() string { return "dossier" }

// Apply files events under their people.
func (d *Dossier) Apply(ctx context.Context, batch []events.Event) error {
	return d.Store.Apply(ctx, batch, func(tx *store.Tx, batch []events.Event) error { return d.file(tx, batch) })
}

func (d *Dossier) file(tx *store.Tx, batch []events.Event) error {
	counts := map[string]int{}
	of := map[events.Pseudonym][]*events.Event{}
	for i := range batch {
		e := &batch[i]
		k, ok := events.KindOf(e.Type)
		if !ok {
			return fmt.Errorf("the event at position %v is of type %q, which this version does not know", e.Position, e.Type)
		}
		if !k.Engine && !strings.HasPrefix(e.Source, "/daicho/") {
			counts[k.Short()]++
		}
		person := e.Stream.Person()
		if person == "" {
			if organisation.Concerns(e) {
				if _, err := d.KeepOrganisation(tx, e, organisation.New()); err != nil {
					return err
				}
			}
			continue
		}
		of[person] = append(of[person], e)
		if e.Type == events.TypeIdentityLinked {
			if err := link(tx, e); err != nil {
				return err
			}
		}
	}
	history := tx.Rows(`insert into history (person, position, revision, recorded, time, type, source, policy, id, data)`, 10, "")
	for _, person := range slices.Sorted(maps.Keys(of)) { // in the order of the key, so that neighbours are written together
		n, err := tx.Exec(`insert into people (person) values ($1) on conflict do nothing`, string(person))
		if err != nil {
			return err
		}
		counts[people] += int(n)
		for _, e := range of[person] {
			if err := history.Add(string(person), int64(e.Position), int64(e.Revision), e.Recorded.UnixMilli(), e.Time.UnixMilli(), e.Type, e.Source, e.Policy, e.ID, e.Data); err != nil {
				return err
			}
		}
	}
	if err := history.Flush(); err != nil {
		return err
	}
	for typ, n := range counts {
		if _, err := tx.Exec(`insert into counts (type, n) values ($1, $2) on conflict (type) do update set n = counts.n + excluded.n`, typ, n); err != nil {
			return err
		}
	}
	return nil
}

// link makes both sides of a link findable. Whether it stands at a moment is for the fold to say.
func link(tx *store.Tx, e *events.Event) error {
	f, err := events.Decode(e)
	if err != nil {
		return err
	}
	other := strings.TrimPrefix(string(f.(*events.Link).Other), "person:")
	for _, p := range [][2]string{{string(e.Stream.Person()), other}, {other, string(e.Stream.Person())}} {
		if _, err := tx.Exec(`insert into links (person, other, position) values ($1, $2, $3) on conflict do nothing`, p[0], p[1], int64(e.Position)); err != nil {
			return err
		}
	}
	return nil
}

// Stats counts people (pseudonyms with at least one recorded event as its subject) and recorded events by short type; what the
// engine writes of its own accord is not counted.
func (d *Dossier) Stats(ctx context.Context) (n int, byType map[string]int, err error) {
	rows, err := d.Read.QueryContext(ctx, `select type, n from counts`)
	if err != nil {
		return 0, nil, fmt.Errorf("counting events: %w", err)
	}
	defer rows.Close()
	byType = map[string]int{}
	for rows.Next() {
		var typ string
		var n int
		if err := rows.Scan(&typ, &n); err != nil {
			return 0, nil, fmt.Errorf("counting events: %w", err)
		}
		byType[typ] = n
	}
	n = byType[people]
	delete(byType, people)
	return n, byType, rows.Err()
}

// History is a person's events up to a position, sealed as they were recorded.
func (d *Dossier) History(ctx context.Context, person events.Pseudonym, upTo events.Position) ([]events.Event, error) {
	rows, err := d.Read.QueryContext(ctx, `select position, revision, recorded, time, type, source, policy, id, data from history where person = $1 and position <= $2 order by position`,
		string(person), int64(upTo))
	if err != nil {
		return nil, fmt.Errorf("reading a history: %w", err)
	}
	defer rows.Close()
	var all []events.Event
	for rows.Next() {
		e := events.Event{Stream: events.PersonStream(person)}
		if err := scan(rows, &e); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, rows.Err()
}

func scan(rows *sql.Rows, e *events.Event) error {
	var position, revision, recorded, at int64
	if err := rows.Scan(&position, &revision, &recorded, &at, &e.Type, &e.Source, &e.Policy, &e.ID, &e.Data); err != nil {
		return fmt.Errorf("reading a history: %w", err)
	}
	e.Position, e.Revision = events.Position(position), events.Revision(revision)
	e.Recorded, e.Time = time.UnixMilli(recorded).UTC(), time.UnixMilli(at).UTC()
	return nil
}

// neighbours are the pseudonyms that were ever linked to one, as known at a position.
func (d *Dossier) neighbours(ctx context.Context, person events.Pseudonym, upTo events.Position) ([]events.Pseudonym, error) {
	rows, err := d.Read.QueryContext(ctx, `select distinct other from links where person = $1 and position <= $2 order by other`, string(person), int64(upTo))
	if err != nil {
		return nil, fmt.Errorf("reading links: %w", err)
	}
	defer rows.Close()
	var all []events.Pseudonym
	for rows.Next() {
		var p string
		if err := rows.Scan(&p); err != nil {
			return nil, fmt.Errorf("reading links: %w", err)
		}
		all = append(all, events.Pseudonym(p))
	}
	return all, rows.Err()
}
