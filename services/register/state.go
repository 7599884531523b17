package register

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/obligations"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/projections/dossier"
	"github.com/daicho-dev/daicho/projections/retention"
	"github.com/daicho-dev/daicho/services/tokens"
)

// Models says how far each projection is.
func (r *Register) Models(ctx context.Context) ([]contracts.Model, error) {
	if err := allow(ctx, readers...); err != nil {
		return nil, err
	}
	head, err := r.Log.Head(ctx)
	if err != nil {
		return nil, err
	}
	var out []contracts.Model
	for _, m := range r.All {
		r.level(ctx, m)
		at, state, stuck := m.Status()
		line := contracts.Model{Name: m.Name(), Position: at, State: state}
		if head > at {
			line.Lag = uint64(head - at)
		}
		if stuck != nil {
			line.Error = stuck.Error()
		}
		if m.Name() == "dossier" {
			if err := r.Dossiers.Ask(func(d *dossier.Dossier) error {
				n, byType, err := d.Stats(ctx)
				line.People, line.Events = &n, byType
				return err
			}); err != nil {
				return nil, err
			}
		}
		out = append(out, line)
	}
	return out, nil
}

// Rebuild folds the log anew beside the live model and swaps.
func (r *Register) Rebuild(ctx context.Context, name string, progress func(contracts.Model)) error {
	if err := allow(ctx); err != nil {
		return err
	}
	names := make([]string, len(r.All))
	for i, m := range r.All {
		names[i] = m.Name()
		if m.Name() == name {
			return m.Rebuild(ctx, func(at, head events.Position) {
				if progress != nil {
					progress(contracts.Model{Name: name, Position: at, Lag: uint64(head - min(at, head)), State: "rebuilding"})
				}
			})
		}
	}
	return notFound("there is no model of this name: " + strings.Join(names, ", ") + " are here (`daicho models status` lists those of every process)")
}

// Policies lists the published versions.
func (r *Register) Policies(ctx context.Context) ([]contracts.PolicyVersion, error) {
	if err := allow(ctx, append(readers, "emitter")...); err != nil {
		return nil, err
	}
	org := r.Gateway.Organisation()
	out := []contracts.PolicyVersion{}
	for i := range org.Published {
		p := &org.Published[i]
		v := contracts.PolicyVersion{Version: p.Version, Position: p.Position, State: "replaced", From: p.From().String(), Changes: len(p.Changes)}
		switch {
		case string(p.Version) == org.Policy.Version:
			v.State, v.Current = "in_force", true
		case p.Passed:
			v.State = "passed"
		case p.InForce == nil:
			v.State = "announced"
		}
		out = append(out, v)
	}
	return out, nil
}

// Policy is the catalogue in force.
func (r *Register) Policy(ctx context.Context) ([]byte, error) {
	if err := allow(ctx, append(readers, "emitter")...); err != nil {
		return nil, err
	}
	c := r.Gateway.Organisation().Policy
	if c == nil {
		return nil, notFound("no policy has been published yet")
	}
	return c.JSON(), nil
}

// Tokens lists who may ask.
func (r *Register) Tokens(ctx context.Context) ([]contracts.Token, error) {
	if err := allow(ctx); err != nil {
		return nil, err
	}
	return r.Store.List(), nil
}

// CreateToken makes a token and shows its secret, once.
func (r *Register) CreateToken(ctx context.Context, t contracts.Token) (contracts.Token, error) {
	if err := allow(ctx); err != nil {
		return contracts.Token{}, err
	}
	for _, w := range t.Walls {
		if c := r.Gateway.Organisation().Policy; c == nil || c.Wall(w) == nil {
			return contracts.Token{}, badQuestion("walls", string(w)+" is no wall of the policy in force (`daicho policy show` lists them)")
		}
	}
	return r.Store.Create(t)
}

// RevokeToken ends a token.
func (r *Register) RevokeToken(ctx context.Context, id string) error {
	if err := allow(ctx); err != nil {
		return err
	}
	err := r.Store.Revoke(id)
	if errors.Is(err, tokens.ErrUnknown) {
		return notFound(err.Error())
	}
	return err
}

// Compared names the check of a model.
func Compared(model string) string { return model + " equals its rebuild from the log" }

// Verify checks what can be checked: the log against itself, each model against a rebuild, the models against each other, the vault
// against the log. A process without the office answers for its models.
func (r *Register) Verify(ctx context.Context) (contracts.Verified, error) {
	if err := allow(ctx, "auditor", "compliance"); err != nil {
		return contracts.Verified{}, err
	}
	v := contracts.Verified{OK: true}
	add := func(c contracts.Check) {
		v.Checks = append(v.Checks, c)
		v.OK = v.OK && c.OK
	}
	if r.OfModels {
		return v, r.verifyModels(ctx, add)
	}
	logged, err := r.verifyLog(ctx)
	if err != nil {
		return v, err
	}
	add(logged.check)
	if err := r.verifyModels(ctx, add); err != nil {
		return v, err
	}
	lost, living, err := r.verifyKeys(ctx)
	if err != nil {
		return v, err
	}
	c := contracts.Check{Name: "everybody who lives in the register has a key", OK: lost == 0, Count: living}
	if lost > 0 {
		c.Detail = fmt.Sprintf("%d people have none: an unplanned loss of keys is damage that may have to be reported (APPI 26)", lost)
	}
	add(c)
	c = contracts.Check{Name: "what was deleted has no key", OK: true, Count: len(logged.destroyed)}
	alive, err := r.verifyDestroyed(ctx, logged.destroyed)
	if err != nil {
		return v, err
	}
	if alive > 0 {
		c.OK, c.Detail = false, fmt.Sprintf("%d deletions still have living keys", alive)
	}
	add(c)
	for _, check := range r.Checks {
		c, err := check(ctx)
		if err != nil {
			return v, err
		}
		add(c)
	}
	return v, nil
}

// verifyModels compares each model with a rebuild. Of one that cannot be compared the check fails; but what another process applies, that
// process checks.
func (r *Register) verifyModels(ctx context.Context, add func(contracts.Check)) error {
	for _, m := range r.All {
		n, different, err := m.Compare(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if r.Divided && errors.Is(err, contracts.ErrStandby) {
			continue
		}
		c := contracts.Check{Name: Compared(m.Name()), OK: err == nil && len(different) == 0, Count: n}
		switch {
		case err != nil:
			c.Detail = "it could not be compared: " + err.Error()
		case !c.OK:
			c.Detail = fmt.Sprintf("tables that differ: %v; rebuild the model and report this", different)
		}
		add(c)
	}
	return nil
}

type verifiedLog struct {
	check     contracts.Check
	destroyed []destroyed
}

type destroyed struct {
	owner    events.Stream
	ordinals []events.Ordinal // none: the whole person
}

// apart is by how much the clocks of processes that append may differ; of one process, recorded times never decrease.
const apart = 2 * time.Second

func (r *Register) verifyLog(ctx context.Context) (verifiedLog, error) {
	out := verifiedLog{check: contracts.Check{Name: "the log reads whole and in order", OK: true}}
	var at events.Position
	var recorded time.Time
	for batch, err := range r.Log.Scan(ctx, 0, contracts.Filter{}) {
		if err != nil {
			return out, err
		}
		for i := range batch {
			e := &batch[i]
			f, err := events.Decode(e)
			switch {
			case err != nil:
				out.check.OK, out.check.Detail = false, err.Error()
			case e.Position <= at:
				out.check.OK, out.check.Detail = false, "positions do not increase"
			case e.Recorded.Before(recorded.Add(-apart)):
				out.check.OK, out.check.Detail = false, "recorded times decrease by more than "+apart.String()+": the clocks of processes that record are apart"
			}
			at = e.Position
			if e.Recorded.After(recorded) {
				recorded = e.Recorded
			}
			out.check.Count++
			if k, ok := f.(*events.KeysDestroyed); ok {
				d := destroyed{e.Stream, k.Ordinals}
				if k.Person {
					d.ordinals = nil
				}
				out.destroyed = append(out.destroyed, d)
			}
		}
	}
	return out, nil
}

func (r *Register) verifyKeys(ctx context.Context) (lost, living int, err error) {
	var owners []events.Stream
	ask := func() error {
		keys, err := r.Vault.Keys(ctx, owners)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if k == nil {
				lost++
			}
		}
		owners = owners[:0]
		return nil
	}
	err = r.Retention.Ask(func(p *retention.Retention) error {
		return p.Each(ctx, func(who events.Pseudonym, s *person.State) error {
			if !s.Exists() {
				return nil
			}
			living++
			if owners = append(owners, events.PersonStream(who)); len(owners) >= 500 {
				return ask()
			}
			return nil
		})
	})
	if err == nil && len(owners) > 0 {
		err = ask()
	}
	return lost, living, err
}

func (r *Register) verifyDestroyed(ctx context.Context, all []destroyed) (alive int, err error) {
	for _, d := range all {
		keys, err := r.Vault.Keys(ctx, []events.Stream{d.owner})
		if err != nil {
			return alive, err
		}
		if keys[0] == nil {
			continue
		}
		if len(d.ordinals) == 0 || slices.ContainsFunc(d.ordinals, keys[0].Alive) {
			alive++
		}
	}
	return alive, nil
}

// Obligations lists every sentence of the policy that binds the company, with what the log shows of it. A sentence is kept only by
// evidence; what nothing in the log shows yet is unproved.
func (r *Register) Obligations(ctx context.Context) ([]contracts.Obligation, error) {
	if err := allow(ctx, readers...); err != nil {
		return nil, err
	}
	found, err := r.evidence(ctx)
	if err != nil {
		return nil, err
	}
	all, err := obligations.All()
	if err != nil {
		return nil, err
	}
	gaps, err := r.gaps(ctx, found)
	if err != nil {
		return nil, err
	}
	inherit(all, gaps)
	caveats := r.caveats(found)
	var out []contracts.Obligation
	for _, o := range all {
		line := contracts.Obligation{ID: o.ID, Text: o.Text, State: "unproved", Evidence: []contracts.Evidence{}, Caveats: []string{}}
		found.judge(&line, gaps[o.ID])
		line.Caveats = append(line.Caveats, caveats[o.ID]...)
		out = append(out, line)
	}
	return out, nil
}
