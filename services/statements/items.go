package statements

import (
	"slices"
	"strings"

	"golang.org/x/text/language"

	"github.com/daicho-dev/daicho/events/policy"
)

// Item is one of the matters that must be where people can know them (APPI 32(1), Order 10). What the company has not supplied says so.
type Item struct {
	ID    string
	Label string
	Lines []Said
	See   string // the part of the page that says it
}

// Said says that the item is there.
func (i *Item) Said() bool { return len(i.Lines) > 0 || i.See != "" }

func (p *Page) items(c *policy.Catalogue) {
	add := func(id, label string, lines ...Said) {
		item := Item{ID: id, Label: p.say(label)}
		for _, l := range lines {
			if l.Text != "" {
				item.Lines = append(item.Lines, l)
			}
		}
		p.Items = append(p.Items, item)
	}
	see := func(id, label, part string) {
		p.Items = append(p.Items, Item{ID: id, Label: p.say(label), See: part})
	}
	add("name", "item.name", p.given(c.Company.Name))
	add("address", "item.address", p.given(c.Company.Address))
	add("representative", "item.representative", p.given(c.Company.Representative))
	if p.GDPR {
		add("in_union", "item.in_union", p.given(c.Company.InUnion))
	}
	manager := p.of(c.Company.ManagerTitle)
	if manager.Text == "" {
		manager = p.given(c.Company.Manager)
	}
	add("manager", "item.manager", manager)
	see("purposes", "item.purposes", "purposes-table")
	if len(c.Requests.Kinds) > 0 {
		see("procedures", "item.procedures", "procedures")
	} else {
		add("procedures", "item.procedures")
	}
	for _, kind := range policy.MeasureKinds {
		var lines []Said
		for _, m := range c.Measures {
			if m.Kind == kind {
				lines = append(lines, p.of(m.Text))
			}
		}
		add("measures-"+string(kind), "measure."+string(kind), lines...)
	}
	var desk []Said
	for i := range c.Contacts {
		desk = append(desk, p.contact(&c.Contacts[i])...)
	}
	add("contact", "item.contact", desk...)
	if c.Accredited != nil {
		add("accredited", "item.accredited", append(p.contact(c.Accredited), Said{Text: p.say("p.accredited")})...)
	}
	p.lacking(c)
}

func (p *Page) contact(x *policy.Contact) []Said {
	lines := []Said{p.of(x.Name), p.given(x.Address)}
	line := func(label, value string) {
		if value != "" {
			lines = append(lines, Said{Text: p.say(label) + ": " + value})
		}
	}
	line("mail", x.Mail)
	line("phone", x.Phone)
	hours := p.of(x.Opening).Text
	if hours == "" {
		hours = x.Hours
	}
	line("hours", hours)
	return lines
}

// lacking adds what the law wants said in the page's language and the catalogue does not say there, where no item above stands for it: the
// page shows that it is to be supplied, as `daicho policy lint` does.
func (p *Page) lacking(c *policy.Catalogue) {
	for _, i := range c.Items() {
		id := strings.ReplaceAll(string(i.ID), "/", "-")
		label, own := lackingLabels[string(i.ID)]
		if kind, ok := strings.CutPrefix(string(i.ID), "procedure/"); ok {
			label, own = "kind."+kind, true
		}
		if own && slices.Contains(i.Lacking, p.Lang) {
			p.Items = append(p.Items, Item{ID: id, Label: p.say(label)})
		}
	}
}

// lackingLabels are those of items that the page otherwise tells in its other parts.
var lackingLabels = map[string]string{"answers/electronic": "item.electronic", "fee": "col.fee", "bases": "col.basis"}

// Preferred is the language that a reader gets: the one asked for, or what their browser prefers, or Japanese.
func Preferred(asked, accept string) string {
	_, i := language.MatchStrings(spoken, asked, accept)
	return Languages[i]
}

var spoken = func() language.Matcher {
	var tags []language.Tag
	for _, l := range Languages {
		tags = append(tags, language.Make(l))
	}
	return language.NewMatcher(tags)
}()
