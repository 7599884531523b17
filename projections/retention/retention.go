// Package retention answers what must be disposed of, when and why.
//
// It keeps one row a person: the fold of what was recorded about them. So an event costs one row however many records it touches.
// Deadlines themselves are never stored: they are computed from the fold and the policy when they are asked for. What is stored is
// where to look (due.go): the first day on which something of a person falls due, and a calendar that counts what falls due on each
// day, both kept by the difference that each event makes. So finding costs by the page that is asked for, neither by who is held
// nor by all that is due.
package retention

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/projections/store"
)

// Retention is the projection.
type Retention struct {
	*store.Store
	org    *organisation.State
	recent map[events.Pseudonym]*work // a cache; owned by Apply
}

const keptStates = 10_000 // some 8 KB each

var schema = []string{
	`create table if not exists people (person text primary key, clients text not null, state bytea not null) -- ` + person.Form,
	`create index if not exists people_clients on people (clients) where clients <> ''`,
	minorsTable, minorsIndex, emptyTable, emptyIndex,
	dueTable, calendarTable,
}

// New opens the projection on its store.
func New(ctx context.Context, db contracts.Database) (*Retention, error) {
	s, err := store.Open(ctx, "retention", db, schema)
	if err != nil {
		return nil, err
	}
	r := &Retention{Store: s, recent: map[events.Pseudonym]*work{}}
	r.org, err = r.Organisation(ctx, store.Latest, store.Ever)
	return r, err
}

// Name is "retention".
func (r *Retention) Name() string { return "retention" }

// Apply folds events into people's rows; a person whom a batch touches often is written once.
func (r *Retention) Apply(ctx context.Context, batch []events.Event) error {
	org, before := r.org, r.recent
	err := r.Store.Apply(ctx, batch, func(tx *store.Tx, batch []events.Event) error {
		b := &run{r: r, tx: tx, touched: map[events.Pseudonym]*work{}}
		for i := range batch {
			if err := b.event(&batch[i]); err != nil {
				return err
			}
		}
		return b.write()
	})
	if err != nil { // what the cache took from this batch is not in the store
		r.org, r.recent = org, before
		clear(r.recent)
	}
	return err
}

// run is one batch being folded.
type run struct {
	r       *Retention
	tx      *store.Tx
	touched map[events.Pseudonym]*work
}

// work is one person: the fold as it becomes, and what the store has of it beside the person's row.
type work struct {
	state  *person.State
	limits []entry // as they were counted
	minor  minor
	empty  string
}

func newWork(state *person.State, org *organisation.State) *work {
	return &work{state, entries(state, org), minorOf(state, org.Policy), emptyFrom(state, org.Policy)}
}

func (b *run) event(e *events.Event) error {
	if organisation.Concerns(e) {
		return b.organisation(e)
	}
	p := e.Stream.Person()
	if p == "" {
		return nil
	}
	f, err := events.Decode(e)
	if err != nil {
		return err
	}
	w, err := b.person(p)
	if err != nil {
		return err
	}
	w.state.Apply(e, f)
	w.state.Seen = nil // whom to answer "duplicate" is intake's concern
	return nil
}

// person loads a person into the batch.
func (b *run) person(p events.Pseudonym) (*work, error) {
	if w := b.touched[p]; w != nil {
		return w, nil
	}
	w := b.r.recent[p]
	if w == nil {
		state, err := b.load(p)
		if err != nil {
			return nil, err
		}
		if state == nil {
			state = &person.State{}
		}
		if len(b.r.recent) >= keptStates {
			clear(b.r.recent)
		}
		w = newWork(state, b.r.org)
		b.r.recent[p] = w
	}
	b.touched[p] = w
	return w, nil
}

func (b *run) load(p events.Pseudonym) (*person.State, error) {
	var blob []byte
	switch err := b.tx.Row(`select state from people where person = $1`, []any{string(p)}, &blob); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return decode(blob)
}

func decode(blob []byte) (*person.State, error) {
	s := &person.State{}
	if err := s.UnmarshalBinary(blob); err != nil {
		return nil, fmt.Errorf("a person's row: %w", err)
	}
	return s, nil
}

// write puts what the batch touched into the store.
func (b *run) write() error {
	d := newDays(b.tx)
	people := b.tx.Rows(`insert into people (person, clients, state)`, 3, `on conflict (person) do update set clients = excluded.clients, state = excluded.state`)
	for _, p := range slices.Sorted(maps.Keys(b.touched)) { // in the order of the key, so that neighbours are written together
		w := b.touched[p]
		is := newWork(w.state, b.r.org)
		if err := d.change(p, w.limits, is.limits); err != nil {
			return err
		}
		blob, err := w.state.MarshalBinary()
		if err != nil {
			return fmt.Errorf("a person's row cannot be written: %w", err)
		}
		if err := people.Add(string(p), clients(w.state), blob); err != nil {
			return err
		}
		if err := errors.Join(b.minors(p, w.minor, is.minor), b.empty(p, w.empty, is.empty)); err != nil {
			return err
		}
		*w = *is
	}
	if err := people.Flush(); err != nil {
		return err
	}
	return d.count()
}

func clients(s *person.State) string {
	var all []string
	for i := range s.Records {
		if c := string(s.Records[i].Client); c != "" && !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	slices.Sort(all)
	out := ""
	for _, c := range all {
		out += c + " "
	}
	return out
}

// organisation folds an event that changes the rules: everybody whom it may concern is computed anew.
func (b *run) organisation(e *events.Event) error {
	var whom string
	switch e.Type {
	case events.TypePolicyPublished, events.TypePolicyEffective:
		whom = `select person from people`
	case events.TypeServiceEnded:
		whom = `select person from people where clients <> ''`
	}
	if whom != "" {
		if err := b.all(whom); err != nil {
			return err
		}
	}
	next, err := b.r.KeepOrganisation(b.tx, e, b.r.org)
	if err != nil {
		return err
	}
	b.r.org = next
	return nil
}

// all loads people into the batch, as they are counted under the rules so far.
func (b *run) all(query string) error {
	rows, err := b.tx.Query(query)
	if err != nil {
		return err
	}
	var people []events.Pseudonym
	for rows.Next() {
		var p string
		if err := rows.Scan(&p); err != nil {
			_ = rows.Close()
			return err
		}
		people = append(people, events.Pseudonym(p))
	}
	if err := rows.Close(); err != nil {
		return err
	}
	for _, p := range people {
		if _, err := b.person(p); err != nil {
			return err
		}
	}
	return nil
}
