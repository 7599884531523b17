// Package recipients knows what recipients have been asked to give back and what of it they have confirmed, what was provided to third
// parties and received from them, and who was ever handed to whom. What lies with a recipient at a moment the breach projection says.
package recipients

import (
	"context"
	"fmt"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/projections/store"
)

// Recipients is the projection.
type Recipients struct {
	*store.Store
}

var schema = []string{
	// Whom something was ever handed over of: an index, so that the end of a contract is not a search through everybody.
	`create table if not exists reached (recipient text not null, person text not null, primary key (recipient, person)) without rowid`,
	// One row a recall and person; overdue is the position of the event that says so, or 0.
	`create table if not exists recalls (recall text not null, person text not null, recipient text not null, due text not null, asked bigint not null,
		position bigint not null, overdue bigint not null, primary key (recall, person)) without rowid`,
	// One row a record that a recall names; confirmed is when the recipient said that it has it no more, or 0.
	`create table if not exists asked (recall text not null, person text not null, record bigint not null, confirmed bigint not null,
		primary key (recall, person, record)) without rowid`,
	`create index if not exists asked_person on asked (person, record)`,
	`create index if not exists asked_open on asked (recall) where confirmed = 0`,
	// One row an event that is a record of APPI 29 (provided) or 30 (received).
	`create table if not exists provisions (position bigint primary key, kind text not null, person text not null, recipient text not null, made bigint not null, contract text not null)`,
	`create index if not exists provisions_person on provisions (person, position)`,
	`create index if not exists provisions_recipient on provisions (recipient, position)`,
}

// New opens the projection on its store.
func New(ctx context.Context, db contracts.Database) (*Recipients, error) {
	s, err := store.Open(ctx, "recipients", db, schema)
	if err != nil {
		return nil, err
	}
	return &Recipients{s}, nil
}

// Name is "recipients".
func (r *Recipients) Name() string { return "recipients" }

// Apply notes what events hand over, provide, ask back and confirm.
func (r *Recipients) Apply(ctx context.Context, batch []events.Event) error {
	return r.Store.Apply(ctx, batch, func(tx *store.Tx, batch []events.Event) error {
		w := writing{tx, r.Store}
		for i := range batch {
			if err := w.event(&batch[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

type writing struct {
	tx *store.Tx
	s  *store.Store
}

func (w writing) exec(query string, args ...any) error {
	_, err := w.tx.Exec(query, args...)
	return err
}

func (w writing) event(e *events.Event) error {
	if _, ok := events.KindOf(e.Type); !ok {
		return fmt.Errorf("the event at position %v is of type %q, which this version does not know", e.Position, e.Type)
	}
	if organisation.Concerns(e) {
		_, err := w.s.KeepOrganisation(w.tx, e, organisation.New())
		return err
	}
	switch e.Type { // most events concern no recipient
	case events.TypeTransferred, events.TypeCollected, events.TypeRecallRequested, events.TypeRecallOverdue, events.TypeDisposalConfirmed:
	default:
		return nil
	}
	person := string(e.Stream.Person())
	if person == "" {
		return nil // of a recall as a whole: what it ends is recorded of each person
	}
	f, err := events.Decode(e)
	if err != nil {
		return err
	}
	switch f := f.(type) {
	case *events.Collected:
		if f.Received != nil {
			return w.provision(e, Received, f.Received.From, "")
		}
	case *events.Transferred:
		if err := w.exec(`insert into reached (recipient, person) values ($1, $2) on conflict do nothing`, string(f.Recipient), person); err != nil {
			return err
		}
		if f.Provision {
			return w.provision(e, Provided, f.Recipient, f.Contract)
		}
	case *events.Recall:
		return w.recall(e, person, f)
	case *events.DisposalConfirmed:
		for _, n := range f.Of {
			if err := w.exec(`update asked set confirmed = $1 where person = $2 and record = $3 and confirmed = 0
				and exists (select 1 from recalls r where r.recall = asked.recall and r.person = asked.person and r.recipient = $4)`,
				e.Time.UnixMilli(), person, int64(n), string(f.Recipient)); err != nil {
				return err
			}
		}
	default: // of no recipient
	}
	return nil
}

func (w writing) provision(e *events.Event, kind string, recipient events.Word, contract events.Key) error {
	return w.exec(`insert into provisions (position, kind, person, recipient, made, contract) values ($1, $2, $3, $4, $5, $6)`,
		int64(e.Position), kind, string(e.Stream.Person()), string(recipient), e.Time.UnixMilli(), string(contract))
}

func (w writing) recall(e *events.Event, person string, f *events.Recall) error {
	if e.Type == events.TypeRecallOverdue {
		return w.exec(`update recalls set overdue = $1 where recall = $2 and person = $3 and overdue = 0`, int64(e.Position), string(f.Recall), person)
	}
	if err := w.exec(`insert into recalls (recall, person, recipient, due, asked, position, overdue) values ($1, $2, $3, $4, $5, $6, 0)
		on conflict (recall, person) do update set position = excluded.position`,
		string(f.Recall), person, string(f.Recipient), string(f.Due), e.Time.UnixMilli(), int64(e.Position)); err != nil {
		return err
	}
	for _, n := range f.Of {
		if err := w.exec(`insert into asked (recall, person, record, confirmed) values ($1, $2, $3, 0)
			on conflict (recall, person, record) do update set confirmed = 0`, string(f.Recall), person, int64(n)); err != nil {
			return err
		}
	}
	return nil
}
