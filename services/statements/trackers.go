package statements

import (
	"slices"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// Tracker is a line of the inventory of cookies and other trackers; one with a country is an external transmission too.
type Tracker struct {
	ID                            events.Word
	Label, Content                Said
	Name                          string
	Channel, Technology, Operator string
	Lifetime, Purposes, Country   string
}

func (p *Page) trackers(c *policy.Catalogue) {
	for i := range c.Trackers {
		t := &c.Trackers[i]
		x := Tracker{ID: t.ID, Label: p.of(t.Label), Content: p.of(t.Content), Name: t.Name, Channel: p.say("channel." + string(t.Channel)), Technology: p.say("technology." + string(t.Technology))}
		if x.Lifetime = p.period(t.Lifetime); x.Lifetime == "" {
			x.Lifetime = p.say("lifetime.session")
		}
		x.Operator = p.say("operator.company")
		if t.External() {
			x.Operator, x.Country = p.label(c.Recipients, t.Operator), p.country(events.Country(t.Country))
		}
		var purposes []string
		for _, id := range t.Purposes {
			if u := c.Purpose(id); u != nil {
				purposes = append(purposes, p.of(u.Text).Text)
			}
		}
		x.Purposes = p.list(purposes)
		p.Trackers = append(p.Trackers, x)
	}
}

// Transmits says that something of people's terminals is sent to others.
func (p *Page) Transmits() bool {
	return slices.ContainsFunc(p.Trackers, func(t Tracker) bool { return t.Country != "" })
}
