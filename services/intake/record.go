package intake

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
)

// record appends what the group has decided, refusals with it, and completes the receipts. It answers the items to be decided again. After
// an error it is in doubt what the states have of what was appended.
func (gr *group) record(ctx context.Context) (again []*item, err error) {
	refused, err := gr.refusalWrite(ctx)
	if err != nil {
		return gr.items, err
	}
	writes := append(gr.writes[:len(gr.writes):len(gr.writes)], refused.writes...)
	if len(writes) == 0 {
		return nil, nil
	}
	key, known := gr.g.states.begin(), false
	defer func() { gr.g.states.end(key, known && err == nil) }()
	kept := make(chan error, 1)
	go func() { // both are on disk before anybody is answered; neither waits for the other
		if len(refused.keep) == 0 {
			kept <- nil
			return
		}
		kept <- gr.g.vault.Quarantine(ctx, refused.keep)
	}()
	results := gr.g.log.Append(ctx, writes)
	gr.g.wrote(results)
	known = !slices.ContainsFunc(results, func(r contracts.Result) bool { return r.Err != nil && !errors.Is(r.Err, contracts.ErrConflict) })
	if err := <-kept; err != nil {
		return gr.items, err
	}
	again, err = gr.settle(ctx, results[:len(gr.writes)])
	for _, r := range results[len(gr.writes):] {
		if r.Err != nil {
			return append(again, gr.refusals...), err
		}
	}
	if len(refused.pairs) == 0 {
		return again, err
	}
	// Also if others of the group failed: these refusals are recorded, and are not to be once more.
	return again, errors.Join(err, gr.g.states.rememberRefused(ctx, refused.pairs))
}

// settle gives what was stored its positions: the states that rest on it, and the receipts.
func (gr *group) settle(ctx context.Context, results []contracts.Result) (again []*item, err error) {
	at := func(p events.Position) events.Position {
		if p < provisional {
			return p
		}
		g := gr.ghosts[p-provisional]
		return results[g.write].Positions[g.event]
	}
	changed := make(map[events.Stream]*person.State, len(results))
	var upTo events.Position
	stored := make([]events.Event, 0, len(gr.ghosts))
	organised := false
	for i, r := range results {
		w := &gr.writes[i]
		switch {
		case errors.Is(r.Err, contracts.ErrConflict):
			stood := events.Position(0)
			if before := gr.loaded[w.Stream]; before != nil {
				stood = before.Position
			}
			if was, ok := gr.moved[w.Stream]; ok && was == stood && !gr.g.Shared { // what it moved by was not in what has been read since
				gr.g.states.doubt(stood)
			}
			gr.moved[w.Stream] = stood
			continue
		case errors.Is(r.Err, contracts.ErrUnknown):
			continue
		case r.Err != nil:
			err = errors.Join(err, r.Err)
			continue
		}
		state := gr.states[w.Stream] // the group's own: its stream stood as it was loaded when the write was stored
		state.Place(r.Revision, at)
		changed[w.Stream] = state
		for j := range w.Events {
			e := &w.Events[j]
			e.Position, e.Stream = r.Positions[j], w.Stream
			e.Revision = r.Revision
			gr.g.states.recalls.hear(e, gr.facts[i][j])
			upTo = max(upTo, e.Position)
			if organisation.Concerns(e) {
				organised = true
				if !gr.g.Shared {
					if err := gr.g.organise(e); err != nil {
						return gr.items, err
					}
				}
			}
			stored = append(stored, *e)
		}
	}
	gr.g.states.store(changed, upTo)
	if gr.g.Shared && organised { // in the order of the log: what others have said of the organisation before comes before
		if err := gr.g.states.catchUp(ctx, gr.g.log, gr.g.organise, nil); err != nil {
			return gr.items, err
		}
	}
	if !gr.g.Shared {
		gr.g.Destroy(stored) // where others append too, the follower hears of it
	}
	for _, it := range gr.items {
		p := it.receipt.Position
		if p >= provisional && results[gr.ghosts[p-provisional].write].Err != nil {
			again = append(again, it) // it was not stored, or is a duplicate of one that was not stored after all
			continue
		}
		it.receipt.Position = at(p)
	}
	return again, err
}

// refusals are what a group's refusals leave behind: each stands in the log once for a submission and rule, and what may be kept
// for mending goes to the quarantine.
type refusals struct {
	writes []contracts.Write
	keep   []contracts.Quarantined
	pairs  [][2]string
}

func (gr *group) refusalWrite(ctx context.Context) (out refusals, err error) {
	if len(gr.refusals) == 0 {
		return out, nil
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
		return out, err
	}
	version := ""
	if gr.org.Policy != nil {
		version = gr.org.Policy.Version
	}
	now := gr.g.now().UTC()
	for i, f := range facts {
		if before[i] {
			continue
		}
		it := fresh[i]
		data, err := events.Encode(f)
		if err != nil {
			return out, err
		}
		out.pairs = append(out.pairs, pairs[i])
		n := len(out.writes)
		if n == 0 || len(out.writes[n-1].Events) == contracts.MaxWrite { // a stream stands in one write of a call: many refusals take several
			n++
			out.writes = append(out.writes, contracts.Write{Stream: events.Stream{Kind: "refusals", ID: refusalStream(n)}, Expect: events.AnyRevision})
		}
		w := &out.writes[n-1]
		w.Events = append(w.Events, events.Event{Stream: w.Stream, ID: newID(), Type: events.TypeRefused, Source: "/daicho/intake", Time: now, Policy: version, Data: data})
		if !neverKept(string(f.Rule)) && (it.Data != nil || it.Raw != nil) && !it.Again {
			out.keep = append(out.keep, it.Kept(gr.org, string(f.Rule), string(f.Field), now))
		}
	}
	return out, nil
}

func refusalStream(n int) string {
	if n == 1 {
		return "all"
	}
	return "all-" + strconv.Itoa(n)
}
