// Package breach answers who and what a leak touched: what lay at a place in a window of time, as the register knew at a position.
//
// It keeps every change of presence (a record came to a place, or left it) with both its times: when it happened and where in the
// log it became known. An answer replays the changes of the places asked for, so it is exact to the millisecond and the same a
// year later; people who have been forgotten since are counted, for they were there.
package breach

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/projections/store"
)

// Breach is the projection.
type Breach struct {
	*store.Store
}

var schema = []string{
	// Presence: one row a change, found by place. came: 1 the record is there from this time, 0 it is not.
	`create table if not exists presence (place text not null, person text not null, record bigint not null, time bigint not null, position bigint not null,
		came integer not null, category text not null, primary key (place, person, record, time, position)) without rowid`,
	`create table if not exists records (person text not null, record bigint not null, category text not null, places text not null, primary key (person, record)) without rowid`,
	`create table if not exists profiles (person text not null, time bigint not null, position bigint not null, country text not null, kind text not null, minor integer not null,
		primary key (person, time, position)) without rowid`,
	`create table if not exists links (person text not null, other text not null, time bigint not null, position bigint not null, stands integer not null, primary key (person, other, position)) without rowid`,
	// Entrusted records, whose client is to be told.
	`create table if not exists entrusted (person text not null, record bigint not null, client text not null, primary key (person, record)) without rowid`,
	`create table if not exists forgotten (person text primary key, time bigint not null, position bigint not null) without rowid`,
}

// New opens the projection on its store.
func New(ctx context.Context, db contracts.Database) (*Breach, error) {
	s, err := store.Open(ctx, "breach", db, schema)
	if err != nil {
		return nil, err
	}
	return &Breach{s}, nil
}

// Name is "breach".
func (b *Breach) Name() string { return "breach" }

// Apply notes the changes of presence that events make.
func (b *Breach) Apply(ctx context.Context, batch []events.Event) error {
	return b.Store.Apply(ctx, batch, func(tx *store.Tx, batch []events.Event) error {
		r := &run{b: b, tx: tx, records: map[ref]*record{}, profiles: tx.Rows(`insert into profiles (person, time, position, country, kind, minor)`, 6, "")}
		for i := range batch {
			if err := r.event(&batch[i]); err != nil {
				return err
			}
		}
		return r.write()
	})
}

// run is one batch being folded.
type run struct {
	b        *Breach
	tx       *store.Tx
	records  map[ref]*record
	changes  []change
	profiles *store.Rows
}

type ref struct {
	person events.Pseudonym
	n      events.Ordinal
}

// record is what presence needs to know of a record: its category, and the internal places where it is now.
type record struct {
	category string
	places   []string
	changed  bool
}

func (r *run) exec(query string, args ...any) error {
	_, err := r.tx.Exec(query, args...)
	return err
}

func (r *run) event(e *events.Event) error {
	if organisation.Concerns(e) {
		_, err := r.b.KeepOrganisation(r.tx, e, organisation.New())
		return err
	}
	p := e.Stream.Person()
	if p == "" {
		return nil
	}
	switch e.Type { // read what matters here, and no more: most events of a rental change no presence
	case events.TypeCollected, events.TypeCopied, events.TypeRemoved, events.TypeTransferred, events.TypeDisposalConfirmed, events.TypeDeleted,
		events.TypeIdentityLinked, events.TypeIdentityUnlinked:
	default:
		return nil
	}
	f, err := events.Decode(e)
	if err != nil {
		return err
	}
	at := moment{p, e.Time.UnixMilli(), int64(e.Position)}
	switch f := f.(type) {
	case *events.Collected:
		return r.collected(at, f)
	case *events.Moved:
		return r.each(at, f.Of, func(n events.Ordinal, rec *record) {
			came := e.Type == events.TypeCopied
			rec.place(string(f.Location), came)
			r.presence(at, n, rec, string(f.Location), came)
		})
	case *events.Transferred:
		return r.each(at, f.Of, func(n events.Ordinal, rec *record) { r.presence(at, n, rec, string(f.Recipient), true) })
	case *events.DisposalConfirmed:
		return r.each(at, f.Of, func(n events.Ordinal, rec *record) { r.presence(at, n, rec, string(f.Recipient), false) })
	case *events.Deleted:
		return r.deleted(at, f)
	case *events.Link:
		return r.link(at, e, f)
	default:
		return nil
	}
}

// moment is an event's person, time and position, as rows carry them.
type moment struct {
	person   events.Pseudonym
	time     int64
	position int64
}

// change is a row of presence.
type change struct {
	moment
	record          events.Ordinal
	place, category string
	came            bool
}

func (r *run) presence(at moment, n events.Ordinal, rec *record, place string, came bool) {
	r.changes = append(r.changes, change{at, n, place, rec.category, came})
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (r *run) collected(at moment, f *events.Collected) error {
	if err := r.profiles.Add(string(at.person), at.time, at.position, string(f.Person.Country), string(f.Person.Kind), bit(f.Minor)); err != nil {
		return err
	}
	for i := range f.Records {
		n := f.Records[i].Value.Ordinal()
		rec := &record{category: string(f.Records[i].Category), places: []string{string(f.Location)}, changed: true}
		r.records[ref{at.person, n}] = rec
		r.presence(at, n, rec, string(f.Location), true)
		if f.Role == "processor" || f.Operation == "entrusted" {
			if err := r.exec(`insert into entrusted (person, record, client) values ($1, $2, $3)`, string(at.person), int64(n), string(f.Client)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (rec *record) place(id string, came bool) {
	var rest []string
	for _, p := range rec.places {
		if p != id {
			rest = append(rest, p)
		}
	}
	if came {
		rest = append(rest, id)
	}
	rec.places, rec.changed = rest, true
}

func (r *run) each(at moment, of []events.Ordinal, do func(events.Ordinal, *record)) error {
	for _, n := range of {
		rec, err := r.record(at.person, n)
		if err != nil {
			return err
		}
		do(n, rec)
	}
	return nil
}

func (r *run) record(p events.Pseudonym, n events.Ordinal) (*record, error) {
	if rec := r.records[ref{p, n}]; rec != nil {
		return rec, nil
	}
	rec := &record{}
	var places string
	if err := r.tx.Row(`select category, places from records where person = $1 and record = $2`, []any{string(p), int64(n)}, &rec.category, &places); err != nil {
		return nil, fmt.Errorf("an event names a record that was never collected: %w", err)
	}
	rec.places = strings.Fields(places)
	r.records[ref{p, n}] = rec
	return rec, nil
}

// deleted ends presence here; at recipients a record stays until they confirm.
func (r *run) deleted(at moment, f *events.Deleted) error {
	of := f.Of
	if f.Person {
		if err := r.exec(`insert into forgotten (person, time, position) values ($1, $2, $3) on conflict do nothing`, string(at.person), at.time, at.position); err != nil {
			return err
		}
		var err error
		if of, err = r.all(at.person); err != nil {
			return err
		}
	}
	return r.each(at, of, func(n events.Ordinal, rec *record) {
		for _, place := range rec.places {
			r.presence(at, n, rec, place, false)
		}
		rec.places, rec.changed = nil, true
	})
}

// all are the records of a person, those of this batch included.
func (r *run) all(p events.Pseudonym) ([]events.Ordinal, error) {
	rows, err := r.tx.Query(`select record from records where person = $1`, string(p))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var of []events.Ordinal
	stored := map[events.Ordinal]bool{}
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		stored[events.Ordinal(n)] = true
		of = append(of, events.Ordinal(n))
	}
	for k := range r.records {
		if k.person == p && !stored[k.n] {
			of = append(of, k.n)
		}
	}
	return of, rows.Err()
}

func (r *run) link(at moment, e *events.Event, f *events.Link) error {
	other := strings.TrimPrefix(string(f.Other), "person:")
	for _, pair := range [][2]string{{string(at.person), other}, {other, string(at.person)}} {
		if err := r.exec(`insert into links (person, other, time, position, stands) values ($1, $2, $3, $4, $5) on conflict do nothing`,
			pair[0], pair[1], at.time, at.position, bit(e.Type == events.TypeIdentityLinked)); err != nil {
			return err
		}
	}
	return nil
}

// write stores what the batch has changed, in the order of the keys, so that neighbours are written together.
func (r *run) write() error {
	slices.SortFunc(r.changes, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.person, b.person), cmp.Compare(a.record, b.record), cmp.Compare(a.time, b.time), cmp.Compare(a.position, b.position))
	})
	presence := r.tx.Rows(`insert into presence (place, person, record, time, position, came, category)`, 7, "")
	for _, c := range r.changes {
		if err := presence.Add(c.place, string(c.person), int64(c.record), c.time, c.position, bit(c.came), c.category); err != nil {
			return err
		}
	}
	records := r.tx.Rows(`insert into records (person, record, category, places)`, 4, `on conflict (person, record) do update set places = excluded.places`)
	for _, k := range slices.SortedFunc(maps.Keys(r.records), func(a, b ref) int {
		return cmp.Or(cmp.Compare(a.person, b.person), cmp.Compare(a.n, b.n))
	}) {
		rec := r.records[k]
		if !rec.changed {
			continue
		}
		if err := records.Add(string(k.person), int64(k.n), rec.category, strings.Join(rec.places, " ")); err != nil {
			return err
		}
	}
	return errors.Join(presence.Flush(), records.Flush(), r.profiles.Flush())
}
