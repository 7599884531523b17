package disposal

import (
	"context"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/projections/retention"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/register"
)

var _ contracts.Holds = (*Service)(nil)

// Hold places or releases a hold. A responder may place one; to release it is for compliance.
func (s *Service) Hold(ctx context.Context, h contracts.HoldOrder) (contracts.Receipt, error) {
	var none contracts.Receipt
	roles := []events.Word{"compliance"}
	if !h.Release {
		roles = append(roles, "responder")
	}
	if err := register.Allow(ctx, roles...); err != nil {
		return none, err
	}
	f := &events.Hold{Case: events.Key(h.Case), Selector: events.Selector{Matter: events.Key(h.Matter), Categories: h.Categories}}
	typ := events.TypeHoldPlaced
	if h.Release {
		typ = events.TypeHoldReleased
	}
	if fault := events.Check(f); fault != nil {
		return none, register.BadQuestion(strings.TrimPrefix(fault.Field, "/data"), fault.Text)
	}
	p, err := s.who(ctx, h.Person)
	if err != nil {
		return none, err
	}
	if f.Selector.Empty() && !h.Release {
		if f.Of, err = s.everything(ctx, p); err != nil {
			return none, err
		}
	}
	x := intake.Own(typ, events.PersonStream(p), f)
	x.Source = "/daicho/holds"
	out, err := s.gateway.Submit(ctx, intake.Engine, []intake.Submission{x})
	if err != nil {
		return none, err
	}
	if r := out[0]; r.Status == contracts.StatusRefused {
		return none, register.Refused("This is refused", r.Rule, "", strings.TrimPrefix(r.Field, "/data/")+" "+r.Text)
	}
	return out[0], nil
}

// who is the pseudonym behind an identifier.
func (s *Service) who(ctx context.Context, id events.Identifier) (events.Pseudonym, error) {
	if p, ok := strings.CutPrefix(string(id), "person:"); ok && p != "" {
		return events.Pseudonym(p), nil
	}
	if _, ok := events.ParseIdentifier(string(id)); !ok {
		return "", register.BadQuestion("/person", "is <scheme>:<key>, or person:<pseudonym>")
	}
	found, err := s.vault.Find(ctx, []events.Identifier{id})
	if err != nil {
		return "", err
	}
	if found[0].Person == "" {
		return "", register.Problem(404, "not_found", "Not found", "nobody is known under this identifier")
	}
	return found[0].Person, nil
}

// everything are the records of somebody that are there.
func (s *Service) everything(ctx context.Context, p events.Pseudonym) (of []events.Ordinal, err error) {
	if err := s.level(ctx); err != nil {
		return nil, err
	}
	err = s.retention.Ask(func(r *retention.Retention) error {
		state, err := r.Person(ctx, p)
		if err != nil {
			return err
		}
		for i := range state.Records {
			if state.Records[i].Live() {
				of = append(of, state.Records[i].N)
			}
		}
		return nil
	})
	if err == nil && len(of) == 0 {
		err = register.Refused("This is refused", "record_unknown", "", "nothing of this person is there to be held")
	}
	return of, err
}

// Holds lists what stands.
func (s *Service) Holds(ctx context.Context) ([]contracts.Hold, error) {
	if err := register.Allow(ctx, readers...); err != nil {
		return nil, err
	}
	if err := s.level(ctx); err != nil {
		return nil, err
	}
	out := []contracts.Hold{}
	var owners []events.Stream
	if err := s.retention.Ask(func(r *retention.Retention) error {
		return r.Each(ctx, func(p events.Pseudonym, state *person.State) error {
			for i := range state.Holds {
				h := &state.Holds[i]
				if h.Released != nil || state.Gone != nil {
					continue
				}
				out = append(out, contracts.Hold{Case: string(h.Case), Person: p, Records: len(h.Of), Matter: h.Matter != "", Since: h.Since.Time})
				if n := len(owners); n == 0 || owners[n-1].Person() != p {
					owners = append(owners, events.PersonStream(p))
				}
			}
			return nil
		})
	}); err != nil || len(out) == 0 {
		return out, err
	}
	words, err := s.vault.Cases(ctx, owners)
	if err != nil {
		return nil, err
	}
	for i := range out {
		if w, ok := words[contracts.CaseRef{Owner: events.PersonStream(out[i].Person), Tag: out[i].Case}]; ok {
			out[i].Case = w
		}
	}
	slices.SortStableFunc(out, func(a, b contracts.Hold) int { return strings.Compare(a.Case, b.Case) })
	return out, nil
}
