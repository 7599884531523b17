package statements

import (
	"fmt"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/policy"
)

// recorder makes the record of processing activities.
type recorder struct {
	voice
	*policy.Catalogue
	state *organisation.State
	party contracts.Party
	// Of every activity alike:
	representative, officer *contracts.Party
	security                []contracts.ActivityTerm
}

// Record is the record of processing activities (GDPR 30), in a language.
func Record(s *organisation.State, lang string) contracts.ProcessingRegister {
	c := s.Policy
	r := &recorder{voice: voice(lang), Catalogue: c, state: s, party: contracts.Party{Name: c.Company.Name, Address: c.Company.Address}}
	if len(c.Contacts) > 0 {
		x := &c.Contacts[0]
		r.party.Contact, r.party.Mail, r.party.Phone = r.of(x.Name).Text, x.Mail, x.Phone
	}
	r.representative, r.officer = named(c.Company.InUnion), named(c.Company.Officer)
	r.security = []contracts.ActivityTerm{}
	for i := range c.Measures {
		m := &c.Measures[i]
		id := m.Term
		if id == "" {
			id = string(m.ID)
		}
		r.security = append(r.security, contracts.ActivityTerm{ID: id, Text: r.of(m.Text).Text})
	}
	out := contracts.ProcessingRegister{
		Policy: events.Word(c.Version), Position: s.Position, Language: events.Word(lang),
		Controller: []contracts.ControllerActivity{}, Processor: []contracts.ProcessorActivity{}, Caveats: r.caveats(),
	}
	for i := range c.Purposes {
		switch p := &c.Purposes[i]; p.Role {
		case "controller":
			out.Controller = append(out.Controller, r.controller(p))
		case "processor":
			for _, client := range c.Clients {
				out.Processor = append(out.Processor, r.processor(p, client))
			}
		}
	}
	return out
}

func named(s string) *contracts.Party {
	if s == "" {
		return nil
	}
	return &contracts.Party{Name: s}
}

// caveats say what the record leaves open: what the company has not named, and what the catalogue only assumes.
func (r *recorder) caveats() []string {
	all := []string{}
	for _, i := range r.Items() {
		if len(i.Lacking) == len(r.Languages) && (i.ID == "in_union" || strings.HasPrefix(string(i.ID), "measures/")) {
			all = append(all, fmt.Sprintf("%s is for the company to supply (%s).", i.ID, i.Law))
		}
	}
	if r.Company.Officer == "" {
		all = append(all, "No data protection officer is named (GDPR 37 asks for one in some cases).")
	}
	all = append(all, "Time limits are those of the catalogue; where it says so, they are assumptions.")
	return all
}

func (r *recorder) controller(p *policy.Purpose) contracts.ControllerActivity {
	a := contracts.ControllerActivity{
		Parties: contracts.ControllerParties{
			Controller: r.party, JointControllers: []contracts.Party{}, Representative: r.representative, Officer: r.officer,
		},
		Purpose:      contracts.ActivityPurpose{ID: p.ID, Text: r.of(p.Text).Text, Terms: append([]string{}, p.Terms...)},
		DataSubjects: []contracts.ActivityTerm{}, PersonalData: []contracts.ActivityTerm{}, Recipients: []contracts.ActivityTo{},
		Erasure: append([]string{}, Keeps(r.Catalogue, p, string(r.voice))...), Security: r.security,
	}
	for _, s := range p.Subjects {
		a.DataSubjects = append(a.DataSubjects, contracts.ActivityTerm{ID: s, Text: r.subject(s)})
	}
	permitted, any := p.Permitted()
	if any {
		a.PersonalData = append(a.PersonalData, contracts.ActivityTerm{ID: "*", Text: r.say("any_data")})
	}
	for _, k := range permitted {
		a.PersonalData = append(a.PersonalData, contracts.ActivityTerm{ID: string(k), Text: r.category(r.Catalogue, k)})
	}
	for _, x := range r.serving(p.ID) {
		for _, kind := range x.Kinds {
			text := r.label(r.RecipientKinds, kind) + ": " + r.label(r.Recipients, x.Recipient.Recipient)
			a.Recipients = append(a.Recipients, contracts.ActivityTo{Kind: kind, Recipient: x.Recipient.Recipient, Text: text, Countries: countries(x)})
			if kind == "joint_use" {
				a.Parties.JointControllers = append(a.Parties.JointControllers, contracts.Party{Name: string(x.Name), Address: string(x.Address)})
			}
		}
	}
	a.Transfers = r.transfers(p.ID)
	return a
}

func (r *recorder) processor(p *policy.Purpose, client policy.Term) contracts.ProcessorActivity {
	a := contracts.ProcessorActivity{
		Parties: contracts.ProcessorParties{
			Processor: r.party, Controller: contracts.Party{Name: r.label(r.Clients, client.ID)}, Representative: r.representative, Officer: r.officer,
		},
		Categories: []contracts.ActivityTerm{{ID: string(p.ID), Text: r.of(p.Text).Text}}, Transfers: r.transfers(p.ID), Security: r.security,
	}
	for _, t := range p.Processing {
		a.Categories = append(a.Categories, contracts.ActivityTerm{ID: t, Text: term(t)})
	}
	return a
}

// serving are the active recipients for a purpose, by name.
func (r *recorder) serving(purpose events.Word) []*organisation.Recipient {
	var all []*organisation.Recipient
	for _, x := range r.state.Recipients {
		if x.Active && slices.Contains(x.Purposes, purpose) {
			all = append(all, x)
		}
	}
	slices.SortFunc(all, func(a, b *organisation.Recipient) int {
		return strings.Compare(string(a.Recipient.Recipient), string(b.Recipient.Recipient))
	})
	return all
}

func countries(x *organisation.Recipient) []events.Country {
	all := []events.Country{}
	for _, c := range append([]events.Country{x.Country}, x.Countries...) {
		if c != "" && !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all
}

func (r *recorder) transfers(purpose events.Word) []contracts.ActivityAbroad {
	all := []contracts.ActivityAbroad{}
	for _, x := range r.serving(purpose) {
		for _, c := range countries(x) {
			if home := string(r.Company.Country); string(c) == home || home != "" && strings.HasPrefix(string(c), home+"-") || r.GDPR(events.Word(c)) {
				continue
			}
			to := contracts.ActivityAbroad{Country: c, Recipient: x.Recipient.Recipient, Safeguard: x.Safeguard}
			if x.Abroad != nil {
				to.Documentation = strings.TrimSpace(string(x.Abroad.System) + " " + string(x.Abroad.Measures))
			}
			all = append(all, to)
		}
	}
	return all
}

// subject is a category of data subjects; where the page has no word for a term of the vocabulary, the term speaks for itself.
func (r *recorder) subject(id string) string {
	if name := "subject." + id; r.has(name) {
		return r.say(name)
	}
	return term(id)
}

// term is the name of a term of the vocabulary, without its prefix.
func term(id string) string {
	_, name, ok := strings.Cut(id, ":")
	if !ok {
		return id
	}
	return name
}
