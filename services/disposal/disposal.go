package disposal

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/events/policy"
	"github.com/daicho-dev/daicho/projections/retention"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/models"
	"github.com/daicho-dev/daicho/services/register"
)

// Service plans and carries out disposals. There is one a store of lists.
type Service struct {
	log       contracts.Log
	vault     contracts.Vault
	gateway   *intake.Gateway
	retention *models.Model[*retention.Retention]
	lists     *lists
	now       func() time.Time

	mu      sync.Mutex
	running map[events.ID]bool
	stopped chan struct{} // closed when runs are to end at their next step
	once    sync.Once
	watcher watcher
}

var _ contracts.Disposals = (*Service)(nil)

// New opens the store of lists.
func New(ctx context.Context, log contracts.Log, vault contracts.Vault, gateway *intake.Gateway, model *models.Model[*retention.Retention], db contracts.Database) (*Service, error) {
	l, err := openLists(ctx, db)
	if err != nil {
		return nil, err
	}
	return &Service{
		log: log, vault: vault, gateway: gateway, retention: model, lists: l, now: time.Now,
		running: map[events.ID]bool{}, stopped: make(chan struct{}),
	}, nil
}

var unknown = register.Problem(404, "not_found", "Not found", "no disposal has this name; `daicho disposal show` lists them")

// submit records a fact of the engine's own; a refusal is a problem that says the rule.
func (s *Service) submit(ctx context.Context, typ string, st events.Stream, f events.Fact) error {
	out, err := s.gateway.Submit(ctx, intake.Engine, []intake.Submission{intake.Own(typ, st, f)})
	if err != nil {
		return err
	}
	if r := out[0]; r.Status == contracts.StatusRefused {
		p := register.Problem(422, "refused", "This is refused", strings.TrimPrefix(r.Field, "/data/")+" "+r.Text)
		p.Rule, p.Field = r.Rule, r.Field
		return p
	}
	return nil
}

func stream(id events.ID) events.Stream { return events.Stream{Kind: "disposal", ID: string(id)} }

// Plan lists what may go by a day, keeps the list and records its digest.
func (s *Service) Plan(ctx context.Context, q contracts.DisposalQuestion) (contracts.Disposal, error) {
	var none contracts.Disposal
	roles := []events.Word{"compliance"}
	if q.Preview {
		roles = append(roles, "auditor", "responder")
	}
	caller, err := register.CallerOf(ctx), register.Allow(ctx, roles...)
	if err != nil {
		return none, err
	}
	org := s.gateway.Organisation()
	if org.Policy == nil {
		return none, register.Problem(503, "no_policy", "No policy", "no policy has been published yet")
	}
	if q.Purpose != "" && org.Policy.Purpose(q.Purpose) == nil {
		return none, register.BadQuestion("purpose", "is not a purpose of the policy in force")
	}
	today := org.Policy.On(s.now())
	day := today
	if q.By != "" {
		if day, err = policy.ParseDate(q.By); err != nil {
			return none, register.BadQuestion("by", "is not a day (2006-01-02)")
		}
		if day.After(today) && !q.Preview {
			return none, register.BadQuestion("by", "is a day to come; nothing is planned before it is due (`daicho due --by` and --preview look ahead)")
		}
	}
	all, err := s.ripe(ctx, day, q.Purpose)
	if err != nil {
		return none, err
	}
	id := events.ID("d-" + strings.ToLower(rand.Text()))
	records, people, forgets, remembers := count(all)
	f := &events.Disposal{
		Disposal: id, By: events.Identity(caller.Holder), Role: caller.Role, Until: events.Day(day.String()), Purpose: q.Purpose, Items: records,
		People: people, Forgets: forgets, Remembers: remembers, Needs: org.Needs(forgets > 0), Digest: digest(id, day.String(), q.Purpose, all),
	}
	if q.Preview {
		f.Disposal, f.Digest = "", "" // nobody can approve it
		return s.view(&organisation.Disposal{Planned: *f}, all, "preview", org.Position), nil
	}
	if len(all) == 0 {
		return none, register.Refused("This is refused", "record_unknown", "", "nothing may be disposed of by "+day.String()+": every record is bound or waits in a disposal already")
	}
	if err := s.lists.add(ctx, id, all); err != nil {
		return none, err
	}
	if err := s.submit(ctx, events.TypeDisposalPlanned, stream(id), f); err != nil {
		return none, err
	}
	return s.of(ctx, id)
}

// ripe is the list of what may go by a day. What waits in a disposal for the end of a hold is not listed again.
func (s *Service) ripe(ctx context.Context, day policy.Date, purpose events.Word) ([]entry, error) {
	if err := s.level(ctx); err != nil {
		return nil, err
	}
	waits, err := s.lists.waiting(ctx)
	if err != nil {
		return nil, err
	}
	var all []entry
	err = s.retention.Ask(func(r *retention.Retention) error {
		return r.EachDue(ctx, day.String(), func(p events.Pseudonym, state *person.State, org *organisation.State) error {
			from := len(all)
			var of []events.Ordinal
			for _, x := range state.Ripe(org, day) {
				e := entry{
					person: p, n: x.Record.N, category: x.Record.Category, purpose: x.Last.Binding.Purpose, rule: x.Last.Rule, cause: x.Cause,
					due: x.Last.Due.String(), held: x.Held,
				}
				if purpose != "" && e.purpose != purpose || waits[e.record()] {
					continue
				}
				all, of = append(all, e), append(of, e.n)
			}
			if len(of) > 0 && state.Empty(of) {
				forget := state.Leaves(of, org.Policy, day)
				for i := from; i < len(all); i++ {
					all[i].forget, all[i].remember = forget, !forget
				}
			}
			return nil
		})
	})
	if err == nil && purpose == "" {
		err = s.retention.Ask(func(r *retention.Retention) error {
			return r.EachEmpty(ctx, day.String(), func(p events.Pseudonym, state *person.State, org *organisation.State) error {
				all = append(all, alone(p, state, org.Policy))
				return nil
			})
		})
	}
	sortEntries(all)
	return all, err
}

// alone is an entry of somebody of whom no record is left, and who may be forgotten.
func alone(p events.Pseudonym, s *person.State, c *policy.Catalogue) entry {
	day, _ := s.Forgettable(c)
	e := entry{person: p, rule: "no_record_left", cause: "purpose_met", due: day.String(), forget: true}
	if !s.Remembered(c).IsZero() {
		e.rule, e.cause = string(person.RecordOfProvision), "retention"
	}
	return e
}

// find is a disposal as the log has it.
func (s *Service) find(id events.ID) (*organisation.Disposal, error) {
	if d := s.gateway.Organisation().Disposals[id]; d != nil {
		return d, nil
	}
	return nil, unknown
}

func (s *Service) of(ctx context.Context, id events.ID) (contracts.Disposal, error) {
	d, err := s.find(id)
	if err != nil {
		return contracts.Disposal{}, err
	}
	all, err := s.lists.all(ctx, id)
	if err != nil {
		return contracts.Disposal{}, err
	}
	return s.view(d, all, "", s.gateway.Organisation().Position), nil
}

func (s *Service) view(d *organisation.Disposal, all []entry, state string, at events.Position) contracts.Disposal {
	out := contracts.Disposal{
		Disposal: d.Planned.Disposal, State: state, Planned: d.At.Time, Until: string(d.Planned.Until), Purpose: d.Planned.Purpose,
		Digest: d.Planned.Digest, Records: d.Planned.Items, People: d.Planned.People, Forgets: d.Planned.Forgets, Remembers: d.Planned.Remembers,
		Needs:     d.Planned.Needs,
		Approvals: []contracts.DisposalApproved{}, Reasons: reasons(all), Position: at,
	}
	if state != "preview" {
		out.By = pseudonym(d.Planned.By)
	}
	for _, a := range d.Approvals {
		out.Approvals = append(out.Approvals, contracts.DisposalApproved{By: pseudonym(a.By), Time: a.At.Time})
	}
	if n := len(d.Runs); n > 0 {
		out.Disposed = d.Runs[n-1].Disposed
		out.Left = left(d.Runs[n-1].Left)
	}
	switch {
	case state != "":
	case d.Done():
		out.State = "done"
	case d.Waiting() > 0:
		out.State = "waiting"
	case d.Approved():
		out.State = "approved"
	default:
		out.State = "planned"
	}
	return out
}

func left(all []events.Left) map[string]int {
	if len(all) == 0 {
		return nil
	}
	out := map[string]int{}
	for _, l := range all {
		out[string(l.Reason)] += l.Count
	}
	return out
}

func pseudonym(i events.Identity) events.Pseudonym {
	return events.Pseudonym(strings.TrimPrefix(string(i), "person:"))
}

var readers = []events.Word{"compliance", "auditor", "responder"}

// Disposals lists all, the newest first.
func (s *Service) Disposals(ctx context.Context) ([]contracts.Disposal, error) {
	if err := register.Allow(ctx, readers...); err != nil {
		return nil, err
	}
	out := []contracts.Disposal{}
	for id := range s.gateway.Organisation().Disposals {
		d, err := s.of(ctx, id)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b contracts.Disposal) int {
		if c := b.Planned.Compare(a.Planned); c != 0 {
			return c
		}
		return strings.Compare(string(a.Disposal), string(b.Disposal))
	})
	return out, nil
}

// Disposal is one of them.
func (s *Service) Disposal(ctx context.Context, id events.ID) (contracts.Disposal, error) {
	if err := register.Allow(ctx, readers...); err != nil {
		return contracts.Disposal{}, err
	}
	return s.of(ctx, id)
}

// Items yields a disposal's list.
func (s *Service) Items(ctx context.Context, id events.ID, yield func(contracts.DisposalItem) error) error {
	if err := register.Allow(ctx, readers...); err != nil {
		return err
	}
	if _, err := s.find(id); err != nil {
		return err
	}
	all, err := s.lists.all(ctx, id)
	if err != nil {
		return err
	}
	for i := range all {
		e := &all[i]
		if err := yield(contracts.DisposalItem{
			Record: e.record(), Category: e.category, Purpose: e.purpose, Rule: e.rule, Cause: e.cause, Due: e.due, Held: e.held, Forget: e.forget, Outcome: e.outcome,
		}); err != nil {
			return err
		}
	}
	return nil
}

// Approve records the caller's word on a list.
func (s *Service) Approve(ctx context.Context, id events.ID, sum events.Word) (contracts.Disposal, error) {
	var none contracts.Disposal
	caller, err := register.CallerOf(ctx), register.Allow(ctx, "compliance")
	if err != nil {
		return none, err
	}
	d, err := s.find(id)
	if err != nil {
		return none, err
	}
	if sum == "" {
		sum = d.Planned.Digest
	}
	if _, err := s.list(ctx, d); err != nil {
		return none, err
	}
	f := &events.Disposal{Disposal: id, By: events.Identity(caller.Holder), Role: caller.Role, Digest: sum}
	if err := s.submit(ctx, events.TypeDisposalApproved, stream(id), f); err != nil {
		return none, err
	}
	return s.of(ctx, id)
}

// list is what a disposal was planned for, to the letter, or an error.
func (s *Service) list(ctx context.Context, d *organisation.Disposal) ([]entry, error) {
	p := &d.Planned
	all, err := s.lists.all(ctx, p.Disposal)
	if err != nil {
		return nil, err
	}
	if digest(p.Disposal, string(p.Until), p.Purpose, all) != p.Digest {
		return nil, register.Refused("This is refused", "not_permitted", "", fmt.Sprintf("the list kept here (%d records) is not the one that was planned (%d): it was lost or changed, and nothing of it is disposed of; plan again", len(all), p.Items))
	}
	return all, nil
}
