package figures

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
)

// fill makes more people known: three records each, which wait for a milestone, so that no more is due than before. A million of them
// would take intake longer than a bench should: they are decided and sealed by the engine's own rules and keys, and put into the vault and
// the log in large pieces. The engine then starts anew, and folds what it finds there.
func (r *run) fill(ctx context.Context, from, to int) error {
	r.say(fmt.Sprintf("%d more people", to-from))
	r.engine.Hold()
	org := organisation.New()
	for batch, err := range r.engine.Log().Scan(ctx, 0, contracts.Filter{Kinds: []string{"policy", "recipient", "client"}}) {
		if err != nil {
			return err
		}
		for i := range batch {
			var err error
			if org, err = org.With(&batch[i]); err != nil {
				return err
			}
		}
	}
	const piece = 50_000
	for ; from < to; from += piece {
		if err := r.admit(ctx, org, from, min(to, from+piece)); err != nil {
			return err
		}
	}
	r.people = to
	r.say("the engine starts anew")
	return r.engine.Restart(ctx)
}

// admit makes a piece of those people known.
func (r *run) admit(ctx context.Context, org *organisation.State, from, to int) error {
	newcomers := make([]contracts.Newcomer, to-from)
	writes := make([]contracts.Write, to-from)
	const chunk = 1000
	if err := inFlight(2, (to-from+chunk-1)/chunk, func(part int) error {
		for i := part * chunk; i < min(to-from, (part+1)*chunk); i++ {
			var err error
			if newcomers[i], writes[i], err = r.stranger(org, from+i); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	if _, err := r.engine.Vault().Admit(ctx, newcomers); err != nil {
		return err
	}
	return inFlight(4, (to-from+chunk-1)/chunk, func(part int) error {
		var all error
		for _, result := range r.engine.Log().Append(ctx, writes[part*chunk:min(to-from, (part+1)*chunk)]) {
			all = errors.Join(all, result.Err)
		}
		return all
	})
}

// stranger is the n-th of those people: a key, and a collection.
func (r *run) stranger(org *organisation.State, n int) (contracts.Newcomer, contracts.Write, error) {
	vault := r.engine.Vault()
	newcomer, err := vault.Newcomer(events.PersonStream(vault.NewPseudonym()), events.Identifier(fmt.Sprintf("rental:G-%07d", n)))
	if err != nil {
		return nil, contracts.Write{}, err
	}
	keys, st := newcomer.Keys(), newcomer.Stream()
	kind, _ := events.KindOf(events.TypeCollected)
	fact, refused := events.Submitted(kind, fmt.Appendf(nil, `{"records":[{"key":"n","category":"pd:Name","value":"Name %d"},{"key":"m","category":"pd:EmailAddress","value":"g%d@example.jp"},`+
		`{"key":"p","category":"pd:TelephoneNumber","value":"090%08d"}],"purposes":[{"id":"SVC-01","basis":"contract"}],"operation":"rental","location":"rental-db","channel":"web","transport":"tls",`+
		`"notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"customer","country":"JP"}}`, n, n, n))
	at := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	tag := keys.Tag("id", "/rental/web\x00grown")
	if refused == nil {
		events.Walk(fact, events.Carrying{Key: func(_ string, k *events.Key) { *k = events.Key(keys.Tag("key", string(*k))) }})
		d := person.Decide(org, &person.State{}, person.Submission{Kind: kind, Source: "/rental/web", Tag: tag, Time: at, Fact: fact}, time.Now())
		fact, refused = d.Fact, d.Refusal
	}
	if refused != nil {
		return nil, contracts.Write{}, fmt.Errorf("making people known: %w", refused)
	}
	category := map[events.Ordinal]string{}
	for _, rec := range fact.(*events.Collected).Records {
		category[rec.Value.Ordinal()] = string(rec.Category)
	}
	events.Walk(fact, events.Carrying{Secret: func(_ string, x *events.Secret) {
		box, bad := keys.Seal(x.Ordinal(), contracts.Bound{Type: kind.Type, Category: category[x.Ordinal()]}, x.Value())
		x.Close(box)
		err = errors.Join(err, bad)
	}})
	if err != nil {
		return nil, contracts.Write{}, err
	}
	data, err := events.Encode(fact)
	return newcomer, contracts.Write{Stream: st, Events: []events.Event{{Stream: st, ID: tag, Type: kind.Type, Source: "/rental/web", Time: at, Policy: org.Policy.Version, Data: data}}}, err
}
