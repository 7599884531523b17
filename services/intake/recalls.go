package intake

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/person"
)

// recalls are the names of all recalls and whom they ask: a recipient may confirm one by its name alone, also when the person is
// forgotten here. They are written in the same transaction as person states, and read whole at start: a recall is a few dozen bytes.
type recalls struct {
	*known
}

type known struct {
	mu    sync.Mutex
	from  map[events.ID]events.Word // → recipient
	fresh map[events.ID]events.Word // not yet written
}

const recallSchema = `create table if not exists recalls (recall text primary key, recipient text not null)`

func readRecalls(ctx context.Context, db contracts.Database) (recalls, error) {
	k := &known{from: map[events.ID]events.Word{}, fresh: map[events.ID]events.Word{}}
	rows, err := db.Read.QueryContext(ctx, `select recall, recipient from recalls`)
	if err != nil {
		return recalls{}, fmt.Errorf("reading recalls: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, recipient string
		if err := rows.Scan(&id, &recipient); err != nil {
			return recalls{}, fmt.Errorf("reading recalls: %w", err)
		}
		k.from[events.ID(id)] = events.Word(recipient)
	}
	return recalls{k}, rows.Err()
}

// hear takes note of a recorded recall.
func (r recalls) hear(e *events.Event, f events.Fact) {
	if x, ok := f.(*events.Recall); ok && e.Type == events.TypeRecallRequested {
		r.mu.Lock()
		defer r.mu.Unlock()
		if _, ok := r.from[x.Recall]; !ok {
			r.from[x.Recall], r.fresh[x.Recall] = x.Recipient, x.Recipient
		}
	}
}

// recipient is whom a recall asks; empty if no recall has this name.
func (r recalls) recipient(id events.ID) events.Word {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.from[id]
}

// write stores what is new, and answers it: to be told written once the transaction stands.
func (r recalls) write(ctx context.Context, tx *sql.Tx) (named []events.ID, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, recipient := range r.fresh {
		if _, err := tx.ExecContext(ctx, `insert into recalls (recall, recipient) values ($1, $2) on conflict do nothing`, string(id), string(recipient)); err != nil {
			return nil, err
		}
		named = append(named, id)
	}
	return named, nil
}

func (r recalls) written(named []events.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range named {
		delete(r.fresh, id)
	}
}

// byName is the recall that an item confirms without naming a person, if it does.
func (it *item) byName() (*events.DisposalConfirmed, bool) {
	f, ok := it.Fact.(*events.DisposalConfirmed)
	return f, ok && it.Subject == "" && f.Recall != ""
}

// hearOfRecalls reads what others have appended, if an item confirms a recall that is not known here.
func (gr *group) hearOfRecalls(ctx context.Context) error {
	for _, it := range gr.items {
		if f, ok := it.byName(); ok && gr.g.states.recalls.recipient(f.Recall) == "" {
			return gr.g.states.catchUp(ctx, gr.g.log, gr.g.organise, nil)
		}
	}
	return nil
}

// confirmable refuses a confirmation of a recall that nobody asked of this recipient. What it ends, the recipients' service records in
// the stream of each person concerned.
func (gr *group) confirmable(it *item) *events.Refusal {
	f, ok := it.byName()
	if !ok {
		return nil
	}
	switch from := gr.g.states.recalls.recipient(f.Recall); {
	case from == "":
		return &events.Refusal{Rule: "record_unknown", Field: "/data/recall", Text: "is the name of no recall"}
	case from != f.Recipient:
		return &events.Refusal{Rule: "record_unknown", Field: "/data/recall", Text: "asks another recipient"}
	}
	return nil
}

// recallSource is where recalls of the engine's own come from.
const recallSource = "/daicho/recipients"

// askBack records a recall before the deletion that makes it necessary, in the same write: after the keys are gone, nothing could ask
// for these records any more.
func (gr *group) askBack(st events.Stream, keys contracts.Keys, r *events.Recall) error {
	r.Recall = events.ID(newID())
	it := &item{Submission: Own(events.TypeRecallRequested, st, r)}
	it.Source, it.Time = recallSource, gr.g.now().UTC()
	return gr.add(it, st, keys.Tag("id", it.Source+"\x00"+it.ID), r)
}

// outlives decides what the engine itself says of data that lies elsewhere of somebody who has been forgotten here: that it is asked
// back, that this is overdue, that its disposal was confirmed. What would need the person's keys is not recorded.
func (gr *group) outlives(it *item, st events.Stream) (bool, error) {
	state, keyed := gr.state(st), false
	events.Walk(it.Fact, events.Carrying{
		Key:    func(_ string, k *events.Key) { keyed = keyed || *k != "" },
		Secret: func(string, *events.Secret) { keyed = true },
	})
	if state.Gone == nil || keyed {
		return false, nil
	}
	tag := gr.g.vault.Peppered("id", it.Source+"\x00"+it.ID)
	d := person.Decide(gr.org, state, person.Submission{Kind: it.Kind, Source: it.Source, Tag: tag, Time: it.Time, Fact: it.Fact, Own: true}, gr.g.now())
	switch {
	case d.Refusal != nil:
		gr.refuse(it, d.Refusal)
	case d.Duplicate != 0:
		it.receipt = contracts.Receipt{Status: contracts.StatusDuplicate, Position: d.Duplicate, Person: st.Person()}
	default:
		return true, gr.add(it, st, tag, d.Fact)
	}
	return true, nil
}

// patience is how long People waits for this gateway to have applied what it has itself appended, before it reads the log.
const patience = time.Second

// People are what decisions about some people rest on, with everything up to a position that stands in their own streams or is about the
// organisation. They must not be changed.
func (g *Gateway) People(ctx context.Context, at map[events.Stream]events.Position, organisation events.Position) (map[events.Stream]*person.State, error) {
	streams := make([]events.Stream, 0, len(at))
	for st := range at {
		streams = append(streams, st)
	}
	for began := time.Now(); ; {
		have, err := g.states.load(ctx, streams)
		if err != nil {
			return nil, err
		}
		behind := g.org.Load().Position < organisation
		for st, p := range at {
			behind = behind || have[st].Position < p
		}
		switch {
		case !behind:
			return have, nil
		case time.Since(began) > patience: // somebody else has appended it
			if err := g.states.catchUp(ctx, g.log, g.organise, nil); err != nil {
				return nil, err
			}
		default:
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
}
