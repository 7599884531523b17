package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// JSON is the catalogue as it is published: canonical (RFC 8785), so that equal catalogues are equal bytes.
func (c *Catalogue) JSON() []byte { return slices.Clone(c.doc) }

// Zone is the company's time zone, in which its civil days are counted.
func (c *Catalogue) Zone() *time.Location { return c.zone }

// On is the civil day of a moment.
func (c *Catalogue) On(t time.Time) Date { return dateOf(t.In(c.zone)) }

// Purpose finds a purpose, or nil.
func (c *Catalogue) Purpose(id events.Word) *Purpose { return c.index.purposes[id] }

// Permits says whether a purpose needs a category; what it does not name it does not permit.
func (p *Purpose) Permits(category events.Word) bool {
	return p != nil && (p.any || p.permits[category])
}

// Permitted are the categories of a purpose with its sets written out. Any says that it permits all.
func (p *Purpose) Permitted() (categories []events.Word, any bool) { return slices.Clone(p.all), p.any }

// Written are categories with the sets among them written out.
func (c *Catalogue) Written(list []events.Word) []events.Word {
	all, err := c.expand(list, "")
	if err != nil {
		return list // a parsed catalogue has no set that is not there
	}
	return all
}

// Takes says whether a purpose takes a legal basis for a person of a country: GDPR 6 in its countries, else the policy's own.
func (c *Catalogue) Takes(p *Purpose, basis, country events.Word) bool {
	if p == nil {
		return false
	}
	if p.law && basis == "legal_obligation" {
		return true
	}
	if c.GDPR(country) {
		if list, ok := p.Bases["gdpr"]; ok {
			return slices.Contains(list, basis)
		}
	}
	return slices.Contains(p.Bases["default"], basis)
}

// Brought is a purpose that comes with another by law.
type Brought struct {
	Purpose, Basis events.Word
	Law            string
}

// Brings are the purposes that a law ties to a record that is collected for another.
func (c *Catalogue) Brings(purpose, category, operation events.Word) []Brought {
	var all []Brought
	for _, b := range c.index.brings[bringsKey{purpose, category}] {
		if len(b.operations) == 0 || slices.Contains(b.operations, operation) {
			all = append(all, b.Brought)
		}
	}
	return all
}

// Category finds a category.
func (c *Catalogue) Category(id events.Word) (Category, bool) {
	if k := c.index.categories[id]; k != nil {
		return *k, true
	}
	return Category{}, false
}

// HasLocation says whether an internal system is listed.
func (c *Catalogue) HasLocation(id events.Word) bool { return c.index.locations[id] }

// HasScheme says whether a scheme of identifiers is listed; every client is one.
func (c *Catalogue) HasScheme(id events.Word) bool { return c.index.schemes[id] }

// HasMilestone says whether a milestone is listed.
func (c *Catalogue) HasMilestone(id events.Word) bool { return c.index.milestones[id] }

// CountsFrom says whether a period of retention counts from a milestone: it ends the purpose for what the rule is about.
func (c *Catalogue) CountsFrom(milestone events.Word) bool {
	return slices.ContainsFunc(c.Purposes, func(p Purpose) bool {
		return slices.ContainsFunc(p.Retention, func(r Rule) bool {
			return slices.Contains(r.All, milestone) || slices.Contains(r.Any, milestone)
		})
	})
}

// HasClient says whether a client that entrusts data is listed.
func (c *Catalogue) HasClient(id events.Word) bool { return c.index.clients[id] }

// HasRecipient says whether a recipient is among the known ones. Whether data may go there is told by the recipient's own events.
func (c *Catalogue) HasRecipient(id events.Word) bool { return c.index.recipients[id] }

// HasSource says whether a source path is listed, itself or, by "/*", as one segment below a path.
func (c *Catalogue) HasSource(path string) bool {
	if c.index.sources[path] {
		return true
	}
	for _, p := range c.index.prefixes {
		if rest, ok := strings.CutPrefix(path, p); ok && rest != "" && !strings.Contains(rest, "/") {
			return true
		}
	}
	return false
}

// SourceKind is what kind of source a path of the catalogue is: "web", "counter", "vendor" …; empty where it does not say.
func (c *Catalogue) SourceKind(path string) events.Word {
	if k, ok := c.SourceKinds[path]; ok {
		return k
	}
	if i := strings.LastIndexByte(path, '/'); i >= 0 && c.HasSource(path) {
		return c.SourceKinds[path[:i+1]+"*"]
	}
	return ""
}

// Approval finds whose word an act needs; ok is false where it needs nobody's.
func (c *Catalogue) Approval(act events.Word) (a Approval, ok bool) {
	for _, a := range c.Approvals {
		if a.Act == act {
			return a, true
		}
	}
	return Approval{}, false
}

// Grace is how long what is due may wait for its disposal.
func (c *Catalogue) Grace() Period { return c.Disposal.Grace }

// BusinessDay says whether the company's desk works on a day.
func (c *Catalogue) BusinessDay(d Date) bool {
	if c.Desk.Holidays == "none" {
		return d.Weekday() != time.Saturday && d.Weekday() != time.Sunday
	}
	return BusinessDay(d)
}

// GDPR says whether people of a country are under the GDPR: the EEA and Great Britain.
func (c *Catalogue) GDPR(country events.Word) bool { return c.index.gdpr[land(country)] }

// Designated says whether a country protects data as Japan does (APPI 28).
func (c *Catalogue) Designated(country events.Word) bool { return c.index.designated[land(country)] }

// land is the country of a subdivision: "GB" of "GB-SCT".
func land(country events.Word) events.Word {
	if len(country) > 3 && country[2] == '-' {
		return country[:2]
	}
	return country
}

// TombstoneKeep is how long a forgotten identifier is remembered as forgotten.
func (c *Catalogue) TombstoneKeep() time.Duration { return c.Keep.Tombstones.Duration() }

// QuarantineKeep is how long a refused submission can be mended.
func (c *Catalogue) QuarantineKeep() time.Duration { return c.Keep.Quarantine.Duration() }

// NeverKept says that of submissions refused by a rule no value is kept, because the policy forbids to take the data at all.
func NeverKept(rule string) bool {
	switch rule {
	case "minor", "tracking_refused", "consent_missing", "category_not_permitted", "transport":
		return true
	}
	return false
}
