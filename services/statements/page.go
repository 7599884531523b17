package statements

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/anonymize"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/policy"
)

// shownAfter is for how many days a major change still stands in the banner once it is in force.
const shownAfter = 30

// Page is the public page of the policy in one language.
type Page struct {
	voice
	Lang       string
	Languages  []Tongue
	Company    Said
	Version    string
	InForce    string
	Review     bool // the texts are translations that await review
	Banners    []Banner
	Sections   []Section
	Groups     []Group
	Others     []Row
	Recipients []Recipient
	Datasets   []Dataset
	Trackers   []Tracker
	Items      []Item
	Requests   *Requests
	GDPR       bool
	Changes    []Change
	Unchanged  bool // since the first version
}

// Tongue is a language that the page can be read in.
type Tongue struct {
	Tag, Name string
	Current   bool
}

// Banner announces a major change.
type Banner struct {
	From    string
	Changes []Said
}

// Section is a passage of the policy.
type Section struct {
	ID       events.Word
	Title    Said
	Blocks   []Block // in the page's language; the policy's own words, or what they say in short
	Original []Block // the words as published in English, where the page speaks another language
}

// Block is a paragraph, or a list of points.
type Block struct {
	Text   string
	Points []string
}

// Group is a heading of the table of purposes.
type Group struct {
	Label Said
	Rows  []Row
}

// Row is a purpose.
type Row struct {
	ID    events.Word
	Text  Said
	Data  string
	Bases string
	Keeps []string
	Note  string
}

// Recipient is who works for the company or gets data from it.
type Recipient struct{ Name, Kind, Country, Safeguard string }

// Dataset is anonymously processed information that was published.
type Dataset struct{ Published, Items, Methods string }

// Requests is how people use their rights.
type Requests struct {
	Kinds          []RequestKind
	Papers         []string
	How, Pay       string
	Answers, Delay string
}

// RequestKind is one kind of request and what it costs.
type RequestKind struct {
	ID        events.Word
	Name, Fee string
}

// Change is one line of the list of changes; or, with a note instead of a text, a version of which there is no change to tell.
type Change struct {
	Published, From string
	Version         string
	Text            Said
	Note            string
	Major           bool
}

// New makes the page in a language, as of a moment. State needs a policy in force.
func New(s *organisation.State, lang string, now time.Time) *Page {
	c, v := s.Policy, voice(lang)
	p := &Page{
		voice: v, Lang: lang, Company: v.given(c.Company.Name), Version: c.Version, Review: slices.Contains(c.Review, lang), GDPR: len(c.GDPRCountries) > 0,
	}
	for _, tag := range Languages {
		p.Languages = append(p.Languages, Tongue{tag, map[string]string{"ja": "日本語", "en": "English", "zh-Hant": "繁體中文", "ko": "한국어"}[tag], tag == lang})
	}
	for i := range c.Sections {
		p.Sections = append(p.Sections, v.section(&c.Sections[i]))
	}
	p.purposes(c)
	p.recipients(s)
	p.datasets(s)
	p.trackers(c)
	p.items(c)
	p.requests(c)
	p.history(s, now)
	return p
}

func (v voice) section(s *policy.Section) Section {
	out := Section{ID: s.ID, Title: v.of(s.Title)}
	own := s.Text[string(v)]
	if own == "" {
		own = s.Summary[string(v)]
		out.Original = blocks(s.Text["en"])
	}
	out.Blocks = blocks(own)
	return out
}

// blocks makes paragraphs and lists of a text: a line is a paragraph, lines that begin with a bullet are points.
func blocks(text string) []Block {
	var all []Block
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		point := ""
		for _, bullet := range []string{"•", "・"} {
			if rest, ok := strings.CutPrefix(line, bullet); ok {
				point = strings.TrimSpace(rest)
			}
		}
		switch {
		case line == "":
		case point == "":
			all = append(all, Block{Text: line})
		case len(all) > 0 && len(all[len(all)-1].Points) > 0:
			all[len(all)-1].Points = append(all[len(all)-1].Points, point)
		default:
			all = append(all, Block{Points: []string{point}})
		}
	}
	return all
}

// purposes makes the table: what is subject to disclosure (APPI 32(1)(2)) by its heading, and beside it what is not, with the reason.
func (p *Page) purposes(c *policy.Catalogue) {
	by := map[events.Word][]Row{}
	for i := range c.Purposes {
		x := &c.Purposes[i]
		row := Row{ID: x.ID, Text: p.of(x.Text), Data: p.data(c, x), Keeps: Keeps(c, x, p.Lang)}
		var bases []string
		for _, b := range x.GDPRBases {
			if name := "basis." + b; p.has(name) {
				bases = append(bases, p.say(name))
			} else {
				bases = append(bases, b)
			}
		}
		row.Bases = p.list(bases)
		switch {
		case x.Disclosable:
			by[x.Group] = append(by[x.Group], row)
		case x.Role == "processor":
			row.Note = p.say("note.processor")
			p.Others = append(p.Others, row)
		case len(x.Categories) == 0:
			row.Note = p.say("note.none")
			p.Others = append(p.Others, row)
		default:
			row.Note = p.say("note.other")
			p.Others = append(p.Others, row)
		}
	}
	for _, g := range c.Groups {
		if rows := by[g.ID]; len(rows) > 0 {
			p.Groups = append(p.Groups, Group{p.of(g.Label), rows})
		}
	}
	if rows := by[""]; len(rows) > 0 {
		p.Groups = append(p.Groups, Group{Said{Text: p.say("group.other")}, rows})
	}
}

func (p *Page) data(c *policy.Catalogue, x *policy.Purpose) string {
	all, any := x.Permitted()
	if any {
		return p.say("any_data")
	}
	if len(all) == 0 {
		return p.say("no_data")
	}
	names := make([]string, len(all))
	for i, k := range all {
		names[i] = p.category(c, k)
	}
	return p.list(names)
}

func (p *Page) recipients(s *organisation.State) {
	ids := make([]events.Word, 0, len(s.Recipients))
	for id, r := range s.Recipients {
		if r.Active {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		r := s.Recipients[id]
		var kinds []string
		for _, k := range r.Kinds {
			kinds = append(kinds, p.label(s.Policy.RecipientKinds, k))
		}
		countries := []string{p.country(r.Country)}
		for _, x := range r.Countries {
			if x != r.Country {
				countries = append(countries, p.country(x))
			}
		}
		p.Recipients = append(p.Recipients, Recipient{p.label(s.Policy.Recipients, id), p.list(kinds), p.list(countries), p.say("safeguard." + string(r.Safeguard))})
	}
}

// datasets are those whose items were published, whether they still exist or not: what was provided is out there (APPI 43(3), (4); S69).
func (p *Page) datasets(s *organisation.State) {
	var found []*organisation.Dataset
	for _, d := range s.Datasets {
		if d.Published != nil {
			found = append(found, d)
		}
	}
	slices.SortFunc(found, func(a, b *organisation.Dataset) int { return cmp.Compare(a.Published.Position, b.Published.Position) })
	for _, d := range found {
		var items, methods []string
		for _, i := range d.Made.Items {
			items = append(items, p.of(anonymize.Label(s.Policy, i)).Text)
		}
		for _, m := range d.Methods {
			methods = append(methods, string(m))
		}
		out := Dataset{p.date(s.Policy.On(d.Published.Time)), p.list(items), p.list(methods)}
		if len(methods) == 0 {
			out.Methods = p.say("no_provision")
		}
		p.Datasets = append(p.Datasets, out)
	}
}

func (p *Page) requests(c *policy.Catalogue) {
	q := c.Requests
	if len(q.Kinds) == 0 {
		return
	}
	out := &Requests{}
	for _, k := range q.Kinds {
		kind := RequestKind{ID: k, Name: p.say("kind." + string(k)), Fee: p.say("fee.free")}
		if q.Fee.Yen > 0 && slices.Contains(q.Fee.Kinds, k) {
			kind.Fee = p.say("fee.yen", "yen", thousands(q.Fee.Yen))
		}
		out.Kinds = append(out.Kinds, kind)
	}
	names := func(terms []policy.Term) []string {
		var all []string
		for _, t := range terms {
			all = append(all, p.label(terms, t.ID))
		}
		return all
	}
	out.Papers = names(q.Papers)
	if all := names(q.Channels); len(all) > 0 {
		out.How = p.say("request.how", "channels", p.list(all))
	}
	if all := names(q.Answers); len(all) > 0 {
		out.Answers = p.say("request.answer", "answers", p.list(all))
	}
	if how := p.of(q.Fee.How).Text; how != "" && q.Fee.Yen > 0 {
		out.Pay = p.say("fee.how", "how", how)
	}
	if q.Days > 0 {
		out.Delay = p.say("request.days", "days", strconv.Itoa(q.Days))
	}
	p.Requests = out
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// history is the list at the bottom: every version, with every change of it (S29), the newest first; and the banner, which shows a major one
// from its announcement on (S30).
func (p *Page) history(s *organisation.State, now time.Time) {
	c := s.Policy
	today, unlisted := c.On(now), s.Unlisted()
	p.Unchanged = len(unlisted) == 0
	for i := range s.Published {
		x := &s.Published[i]
		from := x.From()
		if string(x.Version) == c.Version {
			p.InForce = p.date(from)
		}
		line := Change{Published: p.date(c.On(x.Time)), From: p.date(from), Version: string(x.Version)}
		if x.Passed {
			line.From = p.say("changes.passed")
		}
		var major []Said
		for _, change := range x.Changes {
			text := policy.Text{}
			for lang, t := range change.Text {
				text[string(lang)] = string(t)
			}
			line.Text, line.Major = p.of(text), change.Major
			p.Changes = append(p.Changes, line)
			if change.Major {
				major = append(major, line.Text)
			}
		}
		switch {
		case len(x.Changes) > 0:
			p.Unchanged = false
		case i == 0:
			line.Note = p.say("changes.first")
		case slices.Contains(unlisted, x.Version):
			line.Note = p.say("changes.unlisted")
		default:
			line.Note = p.say("changes.same")
		}
		if line.Note != "" {
			p.Changes = append(p.Changes, line)
		}
		if len(major) > 0 && !x.Passed && (x.InForce == nil || !today.After(from.AddDays(shownAfter))) {
			p.Banners = append(p.Banners, Banner{p.date(from), major})
		}
	}
	slices.Reverse(p.Changes)
}
