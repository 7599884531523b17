package recipients

import (
	"context"
	"errors"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/policy"
	"github.com/daicho-dev/daicho/projections/dossier"
	projection "github.com/daicho-dev/daicho/projections/recipients"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/register"
)

// Provisions are the records of provision (APPI 29) and of receiving (30). Asked for a purpose or a request they are opened, as the person
// may ask (33(5)): the representative, which is sealed, is shown, and the look stands in the person's history first.
func (s *Service) Provisions(ctx context.Context, q contracts.ProvisionQuestion) (contracts.ProvisionList, error) {
	none := contracts.ProvisionList{Provisions: []contracts.ProvisionRecord{}, Caveats: []string{}}
	most, open, err := s.mayAsk(ctx, &q)
	if err != nil {
		return none, err
	}
	s.level(ctx)
	out := none
	out.Position = s.position()
	var found []projection.Provision
	if err := s.model.Ask(func(p *projection.Recipients) (err error) {
		found, err = p.Provisions(ctx, projection.ProvisionQuestion{Person: events.Pseudonym(q.Person), Recipient: q.Recipient, Kind: q.Kind, After: q.After, Limit: most})
		return err
	}); err != nil {
		return none, err
	}
	told := map[events.Pseudonym]*history{}
	for _, p := range found {
		h := told[p.Person]
		if h == nil {
			if h, err = s.history(ctx, p.Person); err != nil {
				return none, err
			}
			told[p.Person] = h
		}
		out.Provisions = append(out.Provisions, s.provision(p, h))
	}
	if len(found) == most {
		out.Next = &found[len(found)-1].Position
	}
	out.Caveats = provisionCaveats(out.Provisions)
	if !open || len(out.Provisions) == 0 {
		return out, nil
	}
	return out, s.open(ctx, q, out.Provisions)
}

// mayAsk checks a question, and turns the person's identifier into the pseudonym.
func (s *Service) mayAsk(ctx context.Context, q *contracts.ProvisionQuestion) (most int, open bool, err error) {
	if err := register.Allow(ctx, register.Readers...); err != nil {
		return 0, false, err
	}
	if q.Kind != "" && q.Kind != projection.Provided && q.Kind != projection.Received {
		return 0, false, register.BadQuestion("kind", "is provided or received")
	}
	if q.Recipient != "" {
		if _, _, err := s.known(q.Recipient); err != nil {
			return 0, false, err
		}
	}
	if q.Person != "" {
		p, err := s.register.Person(ctx, q.Person)
		if err != nil {
			return 0, false, err
		}
		q.Person = string(p)
	}
	if open = q.Purpose != "" || q.Request != ""; open {
		if err := register.Allow(ctx, "compliance"); err != nil {
			return 0, false, err
		}
		if c := s.gateway.Organisation().Policy; q.Purpose != "" && (c == nil || c.Purpose(q.Purpose) == nil) {
			return 0, false, register.BadQuestion("purpose", "is not a purpose of the policy in force")
		}
		if q.Person == "" {
			return 0, false, register.BadQuestion("person", "says of whom: a record is opened for the person whom it is about")
		}
	}
	most, err = limit(q.Limit, 100, 1000)
	return most, open, err
}

// history is what a person's records of provision need of their events.
type history struct {
	facts      map[events.Position]events.Fact
	categories map[events.Ordinal]events.Word
	forgotten  bool
}

func (s *Service) history(ctx context.Context, p events.Pseudonym) (*history, error) {
	h := &history{facts: map[events.Position]events.Fact{}, categories: map[events.Ordinal]events.Word{}}
	head, err := s.log.Head(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.register.Dossiers.Level(ctx, head); err != nil {
		return nil, err
	}
	return h, s.register.Dossiers.Ask(func(d *dossier.Dossier) error {
		all, err := d.History(ctx, p, events.Position(1)<<62)
		if err != nil {
			return err
		}
		for i := range all {
			switch all[i].Type {
			case events.TypeCollected, events.TypeTransferred, events.TypeDeleted:
			default:
				continue
			}
			f, err := events.Decode(&all[i])
			if err != nil {
				return err
			}
			h.facts[all[i].Position] = f
			switch f := f.(type) {
			case *events.Collected:
				for j := range f.Records {
					h.categories[f.Records[j].Value.Ordinal()] = f.Records[j].Category
				}
			case *events.Deleted:
				h.forgotten = h.forgotten || f.Person
			default: // names records only
			}
		}
		return nil
	})
}

// provision is one record, from the event that is it.
func (s *Service) provision(p projection.Provision, h *history) contracts.ProvisionRecord {
	org := s.gateway.Organisation()
	r := contracts.ProvisionRecord{
		Position: p.Position, Kind: p.Kind, Law: "APPI 29", Person: p.Person, Forgotten: h.forgotten, Recipient: p.Recipient, Made: p.Made, Items: []events.Word{},
	}
	if to := org.Recipients[p.Recipient]; to != nil {
		r.Name, r.Address = string(to.Name), string(to.Address)
	}
	item := func(c events.Word) {
		if c != "" && !slices.Contains(r.Items, c) {
			r.Items = append(r.Items, c)
		}
	}
	switch f := h.facts[p.Position].(type) {
	case *events.Transferred:
		r.Purpose, r.Basis, r.Route, r.Country = f.Purpose, f.Basis, f.Route, f.Country
		r.Consent = f.Basis == "consent" || f.Route == "consent"
		for _, n := range f.Of {
			item(h.categories[n])
		}
	case *events.Collected:
		r.Law, r.Acquired = "APPI 30", f.Received.Acquired
		for i := range f.Records {
			item(f.Records[i].Category)
		}
		for _, b := range f.Purposes {
			r.Consent = r.Consent || b.Basis == "consent"
		}
	default: // the projection named no other
	}
	slices.Sort(r.Items)
	r.KeepUntil, r.KeepRule = kept(org.Policy, p)
	return r
}

// kept is the last day on which a record must be there, and why. Each provision has an event of its own, so three years from its making is
// the rule; a contract with the person that also stands for it may ask for longer, never for less.
func kept(c *policy.Catalogue, p projection.Provision) (day, rule string) {
	made := c.On(p.Made)
	until := c.ProvisionKept(made, made, false)
	rule = "three years from its making (Rules 21(3), 25(3))"
	if !p.Last.IsZero() {
		if byContract := c.ProvisionKept(made, c.On(p.Last), true); byContract.After(until) {
			until, rule = byContract, "one year from the last provision under the contract with the person (Rules 21(1), 25(1))"
		}
	}
	return until.String(), rule
}

func provisionCaveats(all []contracts.ProvisionRecord) []string {
	out := []string{"A record is an event of the log: it is never disposed of, and is shown past its period too; the day says until when the law asks for it."}
	if slices.ContainsFunc(all, func(r contracts.ProvisionRecord) bool { return r.Forgotten }) {
		out = append(out, "Of people who have been forgotten the record shows a pseudonym only: it can no longer be said whom it is about.")
	}
	if slices.ContainsFunc(all, func(r contracts.ProvisionRecord) bool { return r.Address == "" }) {
		out = append(out, "Of some recipients no address is on file, which the record is to name (Rules 20, 24).")
	}
	return out
}

// open records the look, then shows the representatives.
func (s *Service) open(ctx context.Context, q contracts.ProvisionQuestion, all []contracts.ProvisionRecord) error {
	caller := register.CallerOf(ctx)
	look := &events.Accessed{By: events.Identity(caller.Holder), Role: caller.Role, Purpose: q.Purpose, Request: q.Request}
	if look.Purpose == "" {
		look.Purpose = register.Rights
	}
	if look.Role == "engine" {
		look.Role = "admin"
	}
	for i := range all {
		for _, c := range all[i].Items {
			if !slices.Contains(look.Categories, c) {
				look.Categories = append(look.Categories, c)
			}
		}
	}
	out, err := s.gateway.Submit(ctx, intake.Engine, []intake.Submission{intake.Own(events.TypeAccessed, events.PersonStream(events.Pseudonym(q.Person)), look)})
	if err != nil {
		return err
	}
	if out[0].Status != contracts.StatusRecorded {
		return &contracts.Problem{Type: "about:blank", Title: "The look could not be recorded", Status: 409, Code: "look", Detail: "so nothing is shown: " + out[0].Text}
	}
	org := s.gateway.Organisation()
	shown := map[events.Word]any{}
	for i := range all {
		id := all[i].Recipient
		if _, ok := shown[id]; !ok {
			if shown[id], err = s.representative(ctx, org.Recipients[id]); err != nil {
				return err
			}
		}
		all[i].Representative = shown[id]
	}
	return nil
}

// representative opens the sealed name; null if none is on file.
func (s *Service) representative(ctx context.Context, r *organisation.Recipient) (any, error) {
	if r == nil || r.Representative.IsZero() {
		return nil, nil
	}
	keys, err := s.vault.Keys(ctx, []events.Stream{{Kind: "recipient", ID: string(r.Recipient.Recipient)}})
	if err != nil || keys[0] == nil {
		return nil, err
	}
	var value []byte
	for _, typ := range []string{events.TypeRecipientRegistered, events.TypeRecipientReviewed, events.TypeRecipientEnded} { // whichever named it last
		value, err = keys[0].Open(r.Representative.Ordinal(), contracts.Bound{Type: typ, Category: "note:representative"}, r.Representative.Box())
		if err == nil || errors.Is(err, contracts.ErrDestroyed) {
			break
		}
	}
	if errors.Is(err, contracts.ErrDestroyed) {
		return nil, nil
	}
	return jsontext.Value(value), err
}
