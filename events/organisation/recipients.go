package organisation

import (
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// Takes says whether the recipient may receive data for a purpose in a kind of transfer.
func (r *Recipient) Takes(purpose, kind events.Word) bool {
	return r.Active && has(r.Purposes, purpose) && has(r.Kinds, kind)
}

// Covers says whether the recipient's contract covers a category: where it names none, the purposes say what may be handed over.
func (r *Recipient) Covers(category events.Word) bool {
	return len(r.Categories) == 0 || has(r.Categories, category)
}

// In says whether the recipient handles data in a country.
func (r *Recipient) In(country events.Country) bool {
	return r.Country == "" || r.Country == country || slices.Contains(r.Countries, country)
}

// Under says that a contract on file covers a civil day, from its first through its last.
func (r *Recipient) Under(on policy.Date) bool {
	c, _ := r.governing(on)
	return c != nil && (c.To == "" || c.To >= events.Day(on.String()))
}

// Over says that the last contract on file had run out by a civil day.
func (r *Recipient) Over(on policy.Date) bool {
	c, renewed := r.governing(on)
	return c != nil && !renewed && !r.Under(on)
}

// governing is the contract that began last by a civil day, or nil; it takes the place of those before it. Renewed says that another
// is on file that begins later.
func (r *Recipient) governing(on policy.Date) (begun *events.Contract, renewed bool) {
	day := events.Day(on.String())
	for i := range r.Contracts {
		c := &r.Contracts[i]
		switch {
		case c.From > day:
			renewed = true
		case begun == nil || c.From >= begun.From:
			begun = c
		}
	}
	return begun, renewed
}

// Findings are what is missing or late in the supervision of a recipient on a day (APPI 25: selection, contract, supervision; 28: routes
// abroad), as words that a reader may look up.
func (r *Recipient) Findings(c *policy.Catalogue, on policy.Date) []events.Word {
	var all []events.Word
	add := func(when bool, w events.Word) {
		if when {
			all = append(all, w)
		}
	}
	if !r.Active {
		return nil
	}
	entrusted, abroad := has(r.Kinds, "entrusted"), r.Country != "JP" && r.Country != ""
	add(entrusted && r.Contract == nil, "contract_missing")
	add(r.Over(on), "contract_over")
	add(r.Contract != nil && !r.Over(on) && !r.Under(on), "contract_not_begun")
	add(entrusted && len(r.Tasks) == 0, "task_missing")
	add(entrusted && r.Selection == nil, "selection_missing")
	add(r.ReviewDue == "", "review_not_planned")
	add(r.ReviewDue != "" && string(r.ReviewDue) < on.String(), "review_overdue")
	add(r.Safeguard == "domestic" && abroad, "safeguard_does_not_fit")
	add(r.Safeguard == "designated_country" && !c.Designated(events.Word(r.Country)), "safeguard_does_not_fit")
	add(r.Safeguard == "consent" && abroad && (r.Abroad == nil || r.Abroad.System == "" || r.Abroad.Measures == ""), "information_abroad_missing")
	add(has(r.Kinds, "third_party") && (r.Address == "" || r.Representative.IsZero()), "record_items_missing")
	return all
}

// FindingText says what a finding means, and which law asks for it.
func FindingText(w events.Word) string { return findings[w] }

// FindingWords are all findings, in the order of their words.
func FindingWords() []events.Word { return slices.Sorted(maps.Keys(findings)) }

var findings = map[events.Word]string{
	"contract_missing":           "no contract is on file (APPI 25)",
	"contract_not_begun":         "the contract on file has not begun; nothing may be handed over under it yet (APPI 25)",
	"contract_over":              "the contract has run out; nothing more may be handed over under it (APPI 25)",
	"task_missing":               "it is not said which task is entrusted: of procuring goods, or of providing services",
	"selection_missing":          "why it was selected is not on file (APPI 25)",
	"review_not_planned":         "no day is set for the next review (APPI 25)",
	"review_overdue":             "the day of its review has passed (APPI 25; abroad also 28(3), Rule 18)",
	"safeguard_does_not_fit":     "its country does not fit the safeguard that it is registered with (APPI 28)",
	"information_abroad_missing": "what people must be told of the country and of its measures before they consent is not on file (APPI 28(2), Rule 17)",
	"record_items_missing":       "its address or its representative, which records of provision name, is not on file (APPI 29, Rule 20)",
}

// webhook takes https, and http for this machine: what a recall says of people does not travel in the clear (S62).
func webhook(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

func recipientRules(s *State, in Submission, f *events.Recipient) *events.Refusal {
	if in.Kind.Type != events.TypeRecipientRegistered {
		if r := known(s, f.Recipient); r != nil {
			return r
		}
	} else if f.Name == "" || f.Country == "" || len(f.Kinds) == 0 || len(f.Purposes) == 0 || f.Safeguard == "" {
		return refuse(events.RuleSchema, "/data", "a registration needs name, country, kinds, purposes and safeguard")
	}
	if f.Contract != nil && f.Contract.To != "" && f.Contract.To < f.Contract.From {
		return refuse(events.RuleSchema, "/data/contract/to", "is before the contract begins")
	}
	if f.Webhook != "" && !webhook(string(f.Webhook)) {
		return refuse(events.RuleSchema, "/data/webhook", "is not an https address (http is taken for this machine only)")
	}
	for i, p := range f.Purposes {
		if s.Policy.Purpose(p) == nil {
			return refuse("unknown_purpose", "/data/purposes/"+strconv.Itoa(i), "is not known to the policy in force")
		}
	}
	for i, c := range f.Categories {
		if _, ok := s.Policy.Category(c); !ok {
			return refuse("unknown_category", "/data/categories/"+strconv.Itoa(i), "is not known to the policy in force")
		}
	}
	return s.source(in.Source)
}

func recipient(was *Recipient, e *events.Event, f *events.Recipient) *Recipient {
	r := Recipient{Recipient: *f, Since: e.Time, Active: true}
	if was != nil && e.Type != events.TypeRecipientRegistered {
		r = *was
		r.Recipient = reviewed(was.Recipient, f)
	}
	if f.Contract != nil {
		r.Contracts = signed(r.Contracts, *f.Contract)
	}
	if e.Type != events.TypeRecipientEnded {
		t := e.Time
		r.Reviewed = &t
	}
	if e.Type == events.TypeRecipientEnded {
		t := e.Time
		r.Active, r.Ended = false, &t
	}
	return &r
}

// signed puts a contract on file. Of one reference it is the contract as it reads now; of another, those before go on covering the days
// before it: a renewal may be filed before it begins, and a transfer be reported after it has.
func signed(all []events.Contract, c events.Contract) []events.Contract {
	all = slices.DeleteFunc(slices.Clone(all), func(x events.Contract) bool { return x.Ref == c.Ref })
	return append(all, c)
}

// reviewed replaces what a review names; what it does not name stays.
func reviewed(was events.Recipient, f *events.Recipient) events.Recipient {
	replace(&was.Name, f.Name)
	replace(&was.Country, f.Country)
	replace(&was.Safeguard, f.Safeguard)
	replace(&was.ReviewDue, f.ReviewDue)
	replace(&was.RecallDays, f.RecallDays)
	replace(&was.Webhook, f.Webhook)
	replace(&was.Address, f.Address)
	replace(&was.Contract, f.Contract)
	replace(&was.Selection, f.Selection)
	replace(&was.Abroad, f.Abroad)
	replaceAll(&was.Kinds, f.Kinds)
	replaceAll(&was.Purposes, f.Purposes)
	replaceAll(&was.Reentrusts, f.Reentrusts)
	replaceAll(&was.Countries, f.Countries)
	replaceAll(&was.Tasks, f.Tasks)
	replaceAll(&was.Categories, f.Categories)
	if !f.Representative.IsZero() {
		was.Representative = f.Representative
	}
	return was
}

func replace[T comparable](was *T, by T) {
	var none T
	if by != none {
		*was = by
	}
}

func replaceAll[T any](was *[]T, by []T) {
	if by != nil {
		*was = by
	}
}
