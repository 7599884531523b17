package intake

import (
	"context"
	"errors"
	"fmt"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/go-json-experiment/json"
)

// record appends what the group has decided and completes the receipts. It answers the items to be decided again.
func (gr *group) record(ctx context.Context) ([]*item, error) {
	if err := gr.recordRefusals(ctx); err != nil {
		return gr.items, err
	}
	if len(gr.writes) == 0 {
		return nil, nil
	}
	key := gr.g.states.begin()
	defer gr.g.states.end(key)
	results := gr.g.log.Append(ctx, gr.writes)
	return gr.settle(ctx, results)
}

// settle applies what was stored to the states, for good this time, and gives receipts their positions.
func (gr *group) settle(ctx context.Context, results []contracts.Result) ([]*item, error) {
	streams := make([]events.Stream, len(gr.writes))
	for i := range gr.writes {
		streams[i] = gr.writes[i].Stream
	}
	before, err := gr.g.states.load(ctx, streams)
	if err != nil {
		return gr.items, err
	}
	changed := map[events.Stream]*person.State{}
	var upTo events.Position
	var stored []events.Event
	for i, r := range results {
		if r.Err != nil {
			if !errors.Is(r.Err, contracts.ErrConflict) && !errors.Is(r.Err, contracts.ErrUnknown) {
				err = errors.Join(err, r.Err)
			}
			continue
		}
		w := &gr.writes[i]
		state := before[w.Stream].Clone()
		for j := range w.Events {
			e := &w.Events[j]
			e.Position, e.Stream = r.Positions[j], w.Stream
			e.Revision = r.Revision
			f, decodeErr := events.Decode(e)
			if decodeErr != nil {
				return gr.items, decodeErr
			}
			state.Apply(e, f)
			upTo = max(upTo, e.Position)
			if organisation.Concerns(e) {
				if err := gr.g.organise(e); err != nil {
					return gr.items, err
				}
			}
			stored = append(stored, *e)
		}
		changed[w.Stream] = state
	}
	gr.g.states.store(changed, upTo)
	gr.g.Destroy(stored)

	actual := map[events.Position]events.Position{} // of provisional ones
	var again []*item
	for _, it := range gr.items {
		if at, ok := gr.recorded[it]; ok {
			if results[at.write].Err != nil {
				again = append(again, it)
				continue
			}
			p := results[at.write].Positions[at.event]
			actual[it.receipt.Position] = p
			it.receipt.Position = p
		} else if p := it.receipt.Position; p >= provisional {
			if a, ok := actual[p]; ok {
				it.receipt.Position = a
			} else {
				again = append(again, it) // a duplicate of one that was not stored after all
			}
		}
	}
	return again, err
}

// recordRefusals writes each refusal to the log, once for a submission and rule, and keeps what may be kept for mending.
func (gr *group) recordRefusals(ctx context.Context) error {
	if len(gr.refusals) == 0 {
		return nil
	}
	vault := gr.g.vault
	var pairs [][2]string
	var facts []*events.Refused
	var fresh []*item
	known := map[[2]string]bool{}
	for _, it := range gr.refusals {
		r := it.receipt
		fact := &events.Refused{Tag: events.Word(vault.Peppered("refused", it.Source+"\x00"+it.ID)), Rule: events.Word(r.Rule), Field: events.Word(r.Field)}
		if it.Kind != nil {
			fact.Type = events.Word(it.Type)
		}
		if gr.org.Policy != nil && gr.org.Policy.HasSource(it.Source) {
			fact.Source = events.Word(it.Source)
		}
		pair := [2]string{string(fact.Tag), r.Rule}
		if known[pair] {
			continue
		}
		known[pair] = true
		pairs, facts, fresh = append(pairs, pair), append(facts, fact), append(fresh, it)
	}
	before, err := gr.g.states.refusedBefore(ctx, pairs)
	if err != nil {
		return err
	}
	w := contracts.Write{Stream: events.Stream{Kind: "refusals", ID: "all"}, Expect: events.AnyRevision}
	var keep []contracts.Quarantined
	var fresher [][2]string
	for i, f := range facts {
		if before[i] {
			continue
		}
		fresher = append(fresher, pairs[i])
		it := fresh[i]
		data, err := events.Encode(f)
		if err != nil {
			return err
		}
		version := ""
		if gr.org.Policy != nil {
			version = gr.org.Policy.Version
		}
		now := gr.g.now().UTC()
		w.Events = append(w.Events, events.Event{Stream: w.Stream, ID: newID(), Type: events.TypeRefused, Source: "/daicho/intake", Time: now, Policy: version, Data: data})
		if !neverKept(string(f.Rule)) && it.Data != nil {
			keep = append(keep, contracts.Quarantined{ID: newID(), At: now, Source: string(f.Source), Type: string(f.Type), Rule: string(f.Rule), Field: string(f.Field), Subject: it.Subject, Body: it.body()})
		}
	}
	if len(w.Events) == 0 {
		return nil
	}
	key := gr.g.states.begin()
	defer gr.g.states.end(key)
	for _, r := range gr.g.log.Append(ctx, []contracts.Write{w}) {
		if r.Err != nil {
			return fmt.Errorf("recording refusals: %w", r.Err)
		}
	}
	if len(keep) > 0 {
		if err := vault.Quarantine(ctx, keep); err != nil {
			return err
		}
	}
	return gr.g.states.rememberRefused(ctx, fresher)
}

// body is a submission as it could be sent again.
func (s *Submission) body() []byte {
	b, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": s.ID, "source": s.Source, "type": s.Type, "subject": string(s.Subject), "time": s.Time,
		"datacontenttype": "application/json", "data": rawJSON(s.Data),
	})
	if err != nil {
		return s.Data
	}
	return b
}
