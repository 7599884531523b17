package intake

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/events/policy"
)

// group is a number of submissions that are decided and appended together.
type group struct {
	g     *Gateway
	org   *organisation.State
	items []*item

	found     map[events.Identifier]contracts.Found
	newcomers map[events.Identifier]contracts.Newcomer
	keys      map[events.Stream]contracts.Keys
	states    map[events.Stream]*person.State // as they will stand, once what is decided is recorded, and has its positions
	loaded    map[events.Stream]*person.State // as they stood when they were loaded
	known     events.Position                 // everything up to here is in them
	owned     map[events.Stream]bool          // states that are this group's own copy
	admit     map[events.Stream]contracts.Newcomer

	writes   []contracts.Write
	facts    [][]events.Fact       // of the writes' events, as they were decided: read from the log, they do the same
	at       map[events.Stream]int // index in writes
	ghosts   []place               // where the events stand that were applied under provisional positions, in order
	refusals []*item
	cases    map[contracts.CaseRef]string // that holds name; the vault keeps the word behind the tag

	moved map[events.Stream]events.Position // where streams stood for us that the log said had moved on, of this try and those before it
}

// place is where an event stands in the group's writes.
type place struct{ write, event int }

// Tries of a group whose streams keep moving under it.
const maxTries = 20

// decide carries a group through: every item has its receipt, or its error, afterwards.
func (g *Gateway) decide(ctx context.Context, items []*item) {
	if g.watch != nil {
		g.watch.Grouped(len(items))
	}
	all := items
	moved := map[events.Stream]events.Position{}
	var err error
	for try := 0; len(items) > 0 && try < maxTries; try++ {
		if try > 0 {
			// Somebody else wrote, or the outcome was not known: read what there is and decide again, from the submission.
			if err = g.states.catchUp(ctx, g.log, g.organise, nil); err != nil {
				break
			}
			for _, it := range items {
				if it.Refused == nil && it.Data != nil {
					it.Fact, it.Refused = events.Submitted(it.Kind, it.Data)
				}
			}
		}
		items, err = g.attempt(ctx, items, try == 0, moved)
		if err != nil {
			break
		}
	}
	for _, it := range items {
		if it.err = err; !errors.Is(err, ErrNoPolicy) {
			it.err = errors.Join(errors.New("intake: the outcome is not known; send it again"), err)
		}
	}
	if err := g.release(ctx, all); err != nil {
		g.broken.Store(&err)
	}
}

// attempt decides and appends once. It answers the items that have to be decided again. The first attempt has not asked what others have
// appended meanwhile.
func (g *Gateway) attempt(ctx context.Context, items []*item, first bool, moved map[events.Stream]events.Position) ([]*item, error) {
	gr := &group{
		g: g, org: g.org.Load(), items: items,
		found: map[events.Identifier]contracts.Found{}, newcomers: map[events.Identifier]contracts.Newcomer{},
		keys: map[events.Stream]contracts.Keys{}, owned: map[events.Stream]bool{}, admit: map[events.Stream]contracts.Newcomer{},
		at: map[events.Stream]int{}, cases: map[contracts.CaseRef]string{}, moved: moved,
	}
	if gr.org.Policy == nil && !items[0].isPolicy() { // which is always a group of its own
		return items, ErrNoPolicy
	}
	if err := gr.prepare(ctx); err != nil {
		return items, err
	}
	if err := g.attach(ctx, items); err != nil {
		return items, err
	}
	for _, it := range items {
		if err := gr.one(it); err != nil {
			return items, err
		}
	}
	if g.Shared && first && len(gr.refusals) > 0 {
		if old, err := gr.old(ctx); err != nil || old {
			return items, err
		}
	}
	if err := gr.admitAll(ctx); err != nil {
		if errors.Is(err, errTaken) {
			return items, nil // the next attempt finds them under the pseudonym that was first
		}
		return items, err
	}
	return gr.record(ctx)
}

// identities are everybody that an item names from outside.
func (it *item) identities() []events.Identifier {
	var all []events.Identifier
	if it.Subject != "" {
		all = append(all, it.Subject)
	}
	if it.Fact != nil {
		events.Walk(it.Fact, events.Carrying{Identity: func(_ string, p *events.Identity) {
			if strings.ContainsRune(string(*p), ':') {
				all = append(all, events.Identifier(*p))
			}
		}})
	}
	return all
}

// prepare looks up all that decisions need: pseudonyms, keys, states.
func (gr *group) prepare(ctx context.Context) error {
	var ids []events.Identifier
	asked := map[events.Identifier]bool{}
	for _, it := range gr.items {
		for _, id := range it.identities() {
			if asked[id] {
				continue
			}
			asked[id] = true
			if p, ok := strings.CutPrefix(string(id), "person:"); ok {
				gr.found[id] = contracts.Found{Person: events.Pseudonym(p)}
			} else {
				ids = append(ids, id)
			}
		}
	}
	found, err := gr.g.vault.Find(ctx, ids)
	if err != nil {
		return err
	}
	for i, id := range ids {
		gr.found[id] = found[i]
	}
	if err := gr.acquaint(ctx); err != nil {
		return err
	}
	var streams []events.Stream
	have := map[events.Stream]bool{}
	want := func(st events.Stream) {
		if !have[st] {
			have[st], streams = true, append(streams, st)
		}
	}
	for _, f := range gr.found {
		if f.Person != "" {
			want(events.PersonStream(f.Person))
		}
	}
	for _, it := range gr.items {
		if it.Fact != nil {
			if st, ok := it.stream(); ok {
				want(st)
			}
			if f, ok := it.Fact.(*events.Improvement); ok && f.Cause != nil {
				if st, ok := organisation.CauseStream(f.Cause); ok {
					want(st)
				}
			}
		}
	}
	if err := gr.hearOfRecalls(ctx); err != nil {
		return err
	}
	gr.known = gr.g.states.complete() // asked first: what is loaded then is only newer
	if gr.states, err = gr.g.states.load(ctx, streams); err != nil {
		return err
	}
	gr.loaded = maps.Clone(gr.states)
	opened, err := gr.g.vault.Keys(ctx, streams)
	if err != nil {
		return err
	}
	for i, st := range streams {
		if opened[i] != nil {
			gr.keys[st] = opened[i]
		}
	}
	return nil
}

// one decides one item: it gets its receipt, or its place among the writes.
func (gr *group) one(it *item) error {
	if it.Refused == nil {
		it.Refused = it.permitted()
	}
	if it.Refused != nil {
		gr.refuse(it, it.Refused)
		return nil
	}
	if st, ok := it.stream(); ok {
		return gr.organised(it, st)
	}
	if it.Kind.Type == events.TypeKeysDestroyed { // also of somebody forgotten, whose keys are no more
		return gr.add(it, events.PersonStream(gr.found[it.Subject].Person), newID(), it.Fact)
	}
	st, keys, err := gr.owner(it.Subject)
	if err != nil {
		return err
	}
	if keys == nil { // forgotten, or a pseudonym that never was
		if it.caller.Role == "engine" {
			if done, err := gr.outlives(it, st); done || err != nil {
				return err
			}
		}
		gr.refuse(it, &events.Refusal{Rule: "person_unknown", Field: "/subject", Text: "nobody is known under this pseudonym"})
		return nil
	}
	cases := gr.translate(it, keys)
	state := gr.state(st)
	tag := keys.Tag("id", it.Source+"\x00"+it.ID)
	d := person.Decide(gr.org, state, person.Submission{
		Kind: it.Kind, Source: it.Source, Tag: tag, Time: it.Time, Fact: it.Fact, Gone: gr.found[it.Subject].Gone,
		Other: func(p events.Pseudonym) *person.State { return gr.state(events.PersonStream(p)) },
		Own:   it.caller.Role == "engine", Steers: it.steers(), Walls: it.caller.Walls,
	}, gr.g.now())
	switch {
	case d.Refusal != nil:
		gr.refuse(it, d.Refusal)
		return nil
	case d.Duplicate != 0:
		it.receipt = contracts.Receipt{Status: contracts.StatusDuplicate, Position: d.Duplicate, Person: st.Person()}
		return nil
	}
	if err := seal(it.Kind.Type, d.Fact, state, keys); err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	for _, r := range d.First {
		if err := gr.askBack(st, keys, r); err != nil {
			return err
		}
	}
	for tag, word := range cases {
		gr.cases[contracts.CaseRef{Owner: st, Tag: tag}] = word
	}
	return gr.add(it, st, tag, d.Fact)
}

// owner is the stream and the keys of a subject; of somebody unknown, those that they would get.
func (gr *group) owner(id events.Identifier) (events.Stream, contracts.Keys, error) {
	if f := gr.found[id]; f.Person != "" {
		st := events.PersonStream(f.Person)
		return st, gr.keys[st], nil
	}
	if _, direct := strings.CutPrefix(string(id), "person:"); direct {
		return events.Stream{}, nil, nil
	}
	n := gr.newcomers[id]
	if n == nil {
		var err error
		if n, err = gr.g.vault.Newcomer(events.PersonStream(gr.g.vault.NewPseudonym()), id); err != nil {
			return events.Stream{}, nil, err
		}
		gr.newcomers[id] = n
		gr.keys[n.Stream()] = n.Keys()
	}
	return n.Stream(), n.Keys(), nil
}

// state is a stream's state as it stands after what this group has decided so far.
func (gr *group) state(st events.Stream) *person.State {
	if s := gr.states[st]; s != nil {
		return s
	}
	s := &person.State{}
	gr.states[st], gr.owned[st] = s, true
	return s
}

// translate replaces an emitter's own names by tags, and other people by their pseudonyms. Case words are answered, for the vault.
func (gr *group) translate(it *item, keys contracts.Keys) (cases map[string]string) {
	events.Walk(it.Fact, events.Carrying{
		Key: func(field string, k *events.Key) {
			scope := field
			if field == "records" || field == "record" {
				scope = "key"
			}
			tag := keys.Tag(scope, string(*k))
			if field == "case" && it.Kind.Type == events.TypeHoldPlaced {
				cases = map[string]string{tag: string(*k)}
			}
			*k = events.Key(tag)
		},
		Identity: func(_ string, p *events.Identity) { *p = gr.identity(*p) },
	})
	return cases
}

// identity is the pseudonym of somebody named in an event.
func (gr *group) identity(p events.Identity) events.Identity {
	id := events.Identifier(p)
	if !outside(p) {
		return p
	}
	if found := gr.found[id]; found.Person != "" {
		return events.Identity("person:" + found.Person)
	}
	if n := gr.newcomers[id]; n != nil {
		return events.Identity("person:" + n.Stream().ID)
	}
	return "person:" // the other side of a link, whom nobody knows
}

// outside says that somebody is named by an identifier from outside.
func outside(p events.Identity) bool {
	return strings.ContainsRune(string(p), ':') && !strings.HasPrefix(string(p), "person:")
}

// acquaint makes staff known: they become so by being named, as the other side of a link does not. Several groups may name the same one at
// once: so they are admitted before anything rests on them, and whoever was first stands.
func (gr *group) acquaint(ctx context.Context) error {
	var staff []events.Identifier
	var all []contracts.Newcomer
	var failed error
	for _, it := range gr.items {
		if _, link := it.Fact.(*events.Link); link || it.Fact == nil || it.Refused != nil || it.permitted() != nil {
			continue
		}
		events.Walk(it.Fact, events.Carrying{Identity: func(_ string, p *events.Identity) {
			id := events.Identifier(*p)
			if !outside(*p) || id == it.Subject || gr.found[id].Person != "" || slices.Contains(staff, id) {
				return
			}
			n, err := gr.g.vault.Newcomer(events.PersonStream(gr.g.vault.NewPseudonym()), id)
			failed = errors.Join(failed, err)
			staff, all = append(staff, id), append(all, n)
		}})
	}
	if failed != nil || len(all) == 0 {
		return failed
	}
	stands, err := gr.g.vault.Admit(ctx, all)
	for i, st := range stands {
		gr.found[staff[i]] = contracts.Found{Person: st.Person()}
	}
	return err
}

// seal seals every value of a fact under the ordinal that the decision gave it.
func seal(typ string, f events.Fact, state *person.State, keys contracts.Keys) error {
	category := map[events.Ordinal]string{}
	switch f := f.(type) {
	case *events.Collected:
		for i := range f.Records {
			category[f.Records[i].Value.Ordinal()] = string(f.Records[i].Category)
		}
	case *events.Corrected:
		category[f.Value.Ordinal()] = string(state.Record(f.Of).Category)
	default: // notes only
	}
	var failed error
	events.Walk(f, events.Carrying{Secret: func(field string, x *events.Secret) {
		c, ok := category[x.Ordinal()]
		if !ok {
			c = "note:" + field
		}
		box, err := keys.Seal(x.Ordinal(), contracts.Bound{Type: typ, Category: c}, x.Value())
		failed = errors.Join(failed, err)
		x.Close(box)
	}})
	return failed
}

// provisional positions stand for events of this group until the log has given them their own.
const provisional = events.Position(1) << 62

// add puts a decided event at the end of its stream's write, and lets later items of the group see it.
func (gr *group) add(it *item, st events.Stream, tag string, f events.Fact) error {
	data, err := events.Encode(f)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", it.Kind.Short(), err)
	}
	if len(data) > contracts.MaxEvent {
		gr.refuse(it, schema("/data", "is too large once it is sealed; send fewer records in one event"))
		return nil
	}
	version := ""
	if gr.org.Policy != nil {
		version = gr.org.Policy.Version
	}
	e := events.Event{Stream: st, ID: tag, Type: it.Kind.Type, Source: it.Source, Time: it.Time, Policy: version, Data: data}
	i, ok := gr.at[st]
	state := gr.state(st)
	if !ok {
		i = len(gr.writes)
		gr.at[st] = i
		w := contracts.Write{Stream: st, Expect: state.Revision}
		if gr.loaded[st] != nil {
			w.Known = gr.known
		}
		gr.writes, gr.facts = append(gr.writes, w), append(gr.facts, nil)
	}
	w := &gr.writes[i]
	w.Events, gr.facts[i] = append(w.Events, e), append(gr.facts[i], f)
	gr.ghosts = append(gr.ghosts, place{i, len(w.Events) - 1})
	if n := gr.newcomers[it.Subject]; n != nil && n.Stream() == st {
		gr.admit[st] = n
	}
	if !gr.owned[st] {
		state = state.Clone()
		gr.states[st], gr.owned[st] = state, true
	}
	ghost := e
	ghost.Position = provisional + events.Position(len(gr.ghosts)-1)
	ghost.Revision = state.Revision
	state.Apply(&ghost, f)
	it.receipt = contracts.Receipt{Status: contracts.StatusRecorded, Position: ghost.Position, Person: st.Person()}
	if u, ok := f.(*events.Used); ok {
		it.receipt.Allowed = &u.Allowed
		it.receipt.Rule, it.receipt.Law = string(u.Rule), events.Law(string(u.Rule))
	}
	return nil
}

func (gr *group) refuse(it *item, r *events.Refusal) {
	it.receipt = contracts.Receipt{Status: contracts.StatusRefused, Rule: r.Rule, Field: r.Field, Text: r.Text, Law: events.Law(r.Rule)}
	gr.refusals = append(gr.refusals, it)
}

var errTaken = errors.New("intake: somebody was admitted under the same identifier first")

// admitAll stores the keys of everybody who is new and has an event now, before anything of theirs is in the log; then the words
// of the cases that they are held for.
func (gr *group) admitAll(ctx context.Context) error {
	if err := gr.admitNewcomers(ctx); err != nil {
		return err
	}
	if len(gr.cases) == 0 {
		return nil
	}
	return gr.g.vault.AddCases(ctx, gr.cases)
}

func (gr *group) admitNewcomers(ctx context.Context) error {
	if len(gr.admit) == 0 {
		return nil
	}
	all := make([]contracts.Newcomer, 0, len(gr.admit))
	for _, n := range gr.admit {
		all = append(all, n)
	}
	stands, err := gr.g.vault.Admit(ctx, all)
	if err != nil {
		return err
	}
	for i, n := range all {
		if stands[i] != n.Stream() {
			return errTaken
		}
	}
	return nil
}

// neverKept says whether the policy forbids to keep a refused submission's values.
func neverKept(rule string) bool { return policy.NeverKept(rule) }

// newID is a random name for what the engine itself records.
func newID() string { return strings.ToLower(rand.Text()) }
