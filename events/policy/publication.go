package policy

import (
	"slices"

	"github.com/daicho-dev/daicho/events"
)

// Requests is how people use their rights, as it is published (APPI 32(1)(3), 37, 38; Orders 10, 12).
type Requests struct {
	Kinds      []events.Word `json:"kinds,omitempty"`    // NOTIFY_PURPOSE, DISCLOSE, …
	Channels   []Term        `json:"channels,omitempty"` // how a request is handed in
	Answers    []Term        `json:"answers,omitempty"`  // how a disclosure is given: paper, electronic
	Papers     []Term        `json:"papers,omitempty"`   // what has to come with it
	Fee        Fee           `json:"fee,omitzero"`
	Days       int           `json:"days,omitzero"` // in which the answer is written
	Assumption string        `json:"assumption,omitzero"`
}

// Fee is what a request costs (APPI 38).
type Fee struct {
	Yen   int           `json:"yen,omitzero"`    // tax included
	Kinds []events.Word `json:"kinds,omitempty"` // the only ones that cost it
	How   Text          `json:"how,omitempty"`   // it is paid
}

// Measure is something that is done for the security of personal data, of one of the kinds of the guideline's chapter 10.
type Measure struct {
	ID         events.Word `json:"id"`
	Kind       events.Word `json:"kind"`
	Text       Text        `json:"text"`
	Term       string      `json:"term,omitzero"` // dpv: measure
	Assumption string      `json:"assumption,omitzero"`
}

// MeasureKinds are the kinds of measures that a published statement speaks of: basic policy, rules, organisation, people, premises,
// technology, and the foreign countries where data is kept.
var MeasureKinds = []events.Word{"basic", "rules", "organisational", "human", "physical", "technical", "external"}

// RequestKinds are the requests that the law opens to everybody, each of which needs a published procedure.
var RequestKinds = []events.Word{"NOTIFY_PURPOSE", "DISCLOSE", "DISCLOSE_3P_RECORD", "CORRECT", "CEASE_USE", "CEASE_PROVISION"}

// Item is something that a company has to tell the public of itself and of its handling of personal data.
type Item struct {
	ID      events.Word `json:"id"`
	Law     string      `json:"law"`
	Path    string      `json:"path"`              // where the catalogue says it
	Lacking []string    `json:"lacking,omitempty"` // languages in which it is not said; all, if it is not said at all
}

// Said says that nothing is left to supply.
func (i *Item) Said() bool { return len(i.Lacking) == 0 }

// Items are the required items, in the order of APPI 32(1) and Order 10; then those of GDPR 13 that the same page carries where the policy
// applies the GDPR. What is not said is for the company to supply: it is nobody else's to guess.
func (c *Catalogue) Items() []Item {
	var all []Item
	languages := c.Languages
	if len(languages) == 0 {
		languages = []string{"en"} // as its texts are read
	}
	add := func(id events.Word, law, path string, said func(lang string) bool) {
		item := Item{ID: id, Law: law, Path: path}
		for _, lang := range languages {
			if !said(lang) {
				item.Lacking = append(item.Lacking, lang)
			}
		}
		all = append(all, item)
	}
	given := func(s string) func(string) bool { return func(string) bool { return s != "" } }
	add("name", "APPI 32(1)(1)", "/company/name", given(c.Company.Name))
	add("address", "APPI 32(1)(1)", "/company/address", given(c.Company.Address))
	add("representative", "APPI 32(1)(1)", "/company/representative", given(c.Company.Representative))
	add("purposes", "APPI 32(1)(2)", "/purposes", func(lang string) bool {
		return len(c.Purposes) > 0 && !slices.ContainsFunc(c.Purposes, func(p Purpose) bool { return p.Disclosable && p.Text[lang] == "" })
	})
	for _, k := range RequestKinds {
		add("procedure/"+k, "APPI 32(1)(3)", "/requests/kinds", func(lang string) bool {
			return slices.Contains(c.Requests.Kinds, k) && spoken(c.Requests.Channels, lang)
		})
	}
	add("answers/electronic", "APPI 33(1), (2)", "/requests/answers", func(string) bool {
		return slices.ContainsFunc(c.Requests.Answers, func(t Term) bool { return t.ID == "electronic" })
	})
	add("fee", "APPI 32(1)(3), 38", "/requests/fee", func(lang string) bool {
		return c.Requests.Fee.Yen == 0 && len(c.Requests.Kinds) > 0 || c.Requests.Fee.How[lang] != ""
	})
	for _, k := range MeasureKinds {
		add("measures/"+k, "Order 10(1); guideline ch. 10", "/measures", func(lang string) bool {
			return slices.ContainsFunc(c.Measures, func(m Measure) bool { return m.Kind == k && m.Text[lang] != "" })
		})
	}
	add("contact", "Order 10(2)", "/contacts", func(lang string) bool {
		return slices.ContainsFunc(c.Contacts, func(x Contact) bool { return x.Name[lang] != "" && (x.Mail != "" || x.Phone != "") })
	})
	if a := c.Accredited; a != nil {
		add("accredited", "Order 10(3)", "/accredited", func(lang string) bool { return a.Name[lang] != "" && a.Phone+a.Mail+a.Address != "" })
	}
	if len(c.GDPRCountries) > 0 {
		add("bases", "GDPR 13(1)(c)", "/purposes", func(string) bool {
			return !slices.ContainsFunc(c.Purposes, func(p Purpose) bool {
				return p.Role == "controller" && p.Disclosable && len(p.GDPRBases) == 0 && beyond(p.taken("gdpr"), []events.Word{"legal_obligation"})
			})
		})
		add("in_union", "GDPR 13(1)(a), 27", "/company/inUnion", given(c.Company.InUnion))
	}
	return all
}

func spoken(terms []Term, lang string) bool {
	return len(terms) > 0 && !slices.ContainsFunc(terms, func(t Term) bool { return t.Label[lang] == "" })
}
