package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
	"github.com/daicho-dev/daicho/services/api"
	"github.com/daicho-dev/daicho/services/inforce"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/keeper"
	"github.com/daicho-dev/daicho/services/majority"
	"github.com/daicho-dev/daicho/services/recipients"
	"github.com/daicho-dev/daicho/services/register"
)

// begin brings the engine up in the order that its promises need: states level with the log, the vault level with its deletions, then
// writers, then readers.
func (e *Engine) begin(ctx context.Context) error {
	if err := e.keep(ctx); err != nil {
		return err
	}
	if err := e.enter(ctx); err != nil {
		return err
	}
	for _, m := range e.stores.All {
		m.Start()
	}
	r := &register.Register{
		Log: e.log, Gateway: e.gateway, Dossiers: e.stores.Dossier, Retention: e.stores.Retention, Breach: e.stores.Breach, Evidence: e.stores.Evidence, Handed: e.stores.Handed,
		All: e.stores.All, Store: e.tokens, Now: time.Now, Divided: e.only != nil, OfModels: !e.only.has(api.Office),
	}
	if e.vault != nil {
		r.Vault = e.vault
	}
	parts := api.Parts{Register: r, Gateway: e.gateway}
	if e.only.has(api.Office) {
		if err := e.office(ctx, r, &parts); err != nil {
			return err
		}
	}
	target, err := e.log.Head(ctx)
	if err != nil {
		return err
	}
	e.api.Ready(parts, func() error { return e.level(target) })
	if e.only.has(api.Intake) {
		if err := e.edges(); err != nil {
			return err
		}
	}
	said := e.logger.Info().Str("url", e.url()).Str("position", target.String())
	if e.nats != nil {
		said.Str("nats", e.natsURL())
	}
	said.Msg("daicho serves")
	return nil
}

// enter opens the way in, as far as there is one here, and carries out in the vault what the log has decided.
func (e *Engine) enter(ctx context.Context) error {
	head, err := e.log.Head(ctx)
	if err != nil {
		return err
	}
	told := func(at events.Position) {
		if e.cfg.Progress != nil {
			e.cfg.Progress("person states", at, head)
		}
	}
	if e.only.records() {
		e.gateway, err = intake.Open(ctx, e.log, e.vault, e.states, e.metrics, told)
	} else {
		e.gateway, err = intake.Observe(ctx, e.log)
	}
	if err != nil {
		return err
	}
	e.gateway.Shared = outside(e.cfg.Log)
	if e.vault == nil {
		e.gateway.Start()
		return nil
	}
	e.keeper = keeper.New(e.vault, e.log, e.gateway)
	if at := os.Getenv("DAICHO_CRASH_AT_STEP"); at != "" { // for tests of what a crash leaves
		e.keeper.Crash = func(step int) {
			if at == fmt.Sprint(step) {
				die()
			}
		}
	}
	if e.only.uploads() {
		claims, err := e.claims(ctx)
		if err != nil {
			return err
		}
		if e.only.has(api.Office) {
			if e.files, err = e.attachments(claims); err != nil {
				return err
			}
		}
	}
	if err := e.keeper.Redo(ctx); err != nil {
		return err
	}
	if !e.only.has(api.Office) { // the office destroys; here, what is destroyed is not kept in memory
		e.gateway.Destroy = func(batch []events.Event) {
			for i := range batch {
				if keeper.Demands(&batch[i]) {
					e.vault.Hear(batch[i].Stream)
				}
			}
		}
	}
	e.gateway.Start()
	if !e.only.has(api.Office) {
		return nil
	}
	if err := e.publish(ctx); err != nil {
		return err
	}
	e.work("destruction of keys", e.keeper)
	return e.keysThere(ctx)
}

// office begins what acts by itself, and answers for everything that is not one projection's question.
func (e *Engine) office(ctx context.Context, r *register.Register, parts *api.Parts) error {
	e.files.Serve(r)
	r.Checks = append(r.Checks, e.files.Check)
	e.work("removal of attachments", e.files)
	e.work("calendar of the policy", inforce.New(e.gateway))
	e.work("telling of majorities", majority.New(e.gateway, e.log, e.stores.Retention))
	vendors, err := recipients.New(ctx, e.log, e.vault, e.gateway, e.stores.Handed, e.notices)
	if err != nil {
		return err
	}
	vendors.Serve(r)
	e.vendors = vendors
	e.work("supervision of recipients", vendors)
	made, err := e.datasets(r)
	if err != nil {
		return err
	}
	e.work("removal of datasets", made)
	gone, err := e.disposals(ctx)
	if err != nil {
		return err
	}
	e.server.RegisterOnShutdown(gone.Halt)
	e.work("watch over disposals", gone)
	parts.Attachments, parts.Recipients, parts.Notices, parts.Datasets, parts.Disposals, parts.Holds = e.files, vendors, vendors, made, gone, gone
	parts.Reviews = e.reviews()
	go e.sweep(ctx, e.vault)
	return nil
}

// publish puts the first policy into an empty register.
func (e *Engine) publish(ctx context.Context) error {
	if e.gateway.Organisation().Policy != nil {
		return nil
	}
	c := policies.Default()
	if e.cfg.Policy != "" {
		var err error
		if c, _, err = policies.Load(e.cfg.Policy); err != nil {
			return err
		}
	}
	for _, f := range policy.Lint(c) {
		if f.Severity == policy.Error {
			return fmt.Errorf("the policy has errors, the first at %s: %s (`daicho policy lint` lists all)", f.Path, f.Text)
		}
	}
	s := intake.Own(events.TypePolicyPublished, events.Stream{Kind: "policy", ID: "main"}, &events.PolicyPublished{Version: events.Word(c.Version), Catalogue: c.JSON()})
	out, err := e.gateway.Submit(ctx, intake.Engine, []intake.Submission{s})
	if err != nil {
		return err
	}
	if out[0].Status == contracts.StatusRefused {
		return fmt.Errorf("the first policy is refused (%s at %s): %s", out[0].Rule, out[0].Field, out[0].Text)
	}
	return nil
}
