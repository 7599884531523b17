package policy

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/daicho-dev/daicho/events"
)

// The severities of a finding.
const (
	Error   = "error"
	Warning = "warning"
)

// Finding is something in a catalogue that cannot be meant.
type Finding struct {
	Severity string `json:"severity"` // error: it must not be published; warning: somebody should look
	Path     string `json:"path"`
	Rule     string `json:"rule"`
	Text     string `json:"text"`
}

var (
	sourceKinds = []events.Word{"web", "counter", "phone", "system", "vendor", "office", "client"}
	confidences = []string{"", "high", "medium", "low"}
)

type linter struct {
	*Catalogue
	found      []Finding
	categories words
	operations words
	missing    map[string]missing
}

// missing counts the texts that a language lacks; one finding a language is enough.
type missing struct {
	n     int
	first string
}

// Lint looks for what Parse lets pass and no reader could want: words that lead nowhere, rules that are never asked, purposes
// that never end.
func Lint(c *Catalogue) []Finding {
	l := &linter{Catalogue: c, categories: words{}, operations: ids(c.Operations), missing: map[string]missing{}}
	l.vocabulary()
	used := words{}
	for i := range c.Purposes {
		p := &c.Purposes[i]
		l.purpose(p, "/purposes/"+strconv.Itoa(i))
		for _, k := range p.all {
			used[k] = true
		}
	}
	for i, k := range c.Categories {
		if !used[k.ID] {
			l.error("/categories/"+strconv.Itoa(i), "category_unused", string(k.ID)+" is permitted by no purpose")
		}
	}
	l.walls()
	l.trackers()
	l.governance()
	l.regimes()
	l.company()
	return l.found
}

func (l *linter) error(path, rule, text string) {
	l.found = append(l.found, Finding{Error, path, rule, text})
}

func (l *linter) warn(path, rule, text string) {
	l.found = append(l.found, Finding{Warning, path, rule, text})
}

func (l *linter) vocabulary() {
	for i, k := range l.Categories {
		path := "/categories/" + strconv.Itoa(i)
		if l.categories[k.ID] {
			l.error(path+"/id", "duplicate", string(k.ID)+" stands twice")
		}
		l.categories[k.ID] = true
		l.languages(path+"/label", k.Label)
	}
	for name, list := range l.Sets {
		for i, w := range list {
			if _, ok := l.Sets[w]; !ok && !l.categories[w] {
				l.error("/sets/"+string(name)+"/"+strconv.Itoa(i), "dangling", string(w)+" is neither a category nor a set")
			}
		}
	}
	for _, terms := range []struct {
		path string
		list []Term
	}{
		{"/locations/", l.Locations}, {"/schemes/", l.Schemes}, {"/milestones/", l.Milestones},
		{"/recipientKinds/", l.RecipientKinds}, {"/recipients/", l.Recipients}, {"/channels/", l.Channels}, {"/groups/", l.Groups}, {"/operations/", l.Operations}, {"/clients/", l.Clients},
	} {
		seen := words{}
		for i, t := range terms.list {
			if seen[t.ID] {
				l.error(terms.path+strconv.Itoa(i)+"/id", "duplicate", string(t.ID)+" stands twice")
			}
			seen[t.ID] = true
		}
	}
	seen := map[string]bool{}
	for i, s := range l.Sources {
		if seen[s] {
			l.error("/sources/"+strconv.Itoa(i), "duplicate", s+" stands twice")
		}
		if s == "" || s[0] != '/' {
			l.error("/sources/"+strconv.Itoa(i), "source", "a source is a path that starts with /")
		}
		seen[s] = true
	}
	for path, kind := range l.SourceKinds {
		if !seen[path] {
			l.error("/sourceKinds", "dangling", path+" is not a source of this catalogue")
		}
		if !slices.Contains(sourceKinds, kind) {
			l.error("/sourceKinds", "source", string(kind)+" is not a kind of source")
		}
	}
	for i, a := range l.Approvals {
		if len(a.Roles) == 0 || a.Others < 1 {
			l.error("/approvals/"+strconv.Itoa(i), "approval", string(a.Act)+" waits for nobody's word")
		}
	}
	for country, rows := range l.index.ages {
		for i, a := range rows {
			if a.Age < 1 || a.Age > 30 || a.Civil < 0 || a.Civil > a.Age {
				l.error("/ages/rows", "age", string(country)+" has an age that cannot be one")
			}
			for _, b := range rows[:i] {
				if (a.From.IsZero() || b.To.IsZero() || !b.To.Before(a.From)) && (b.From.IsZero() || a.To.IsZero() || !a.To.Before(b.From)) {
					l.error("/ages/rows", "duplicate", string(country)+" has two ages for one day")
				}
			}
		}
	}
}

func (l *linter) languages(path string, t Text) {
	for _, lang := range l.Languages {
		if t[lang] == "" {
			m := l.missing[lang]
			if m.n++; m.n == 1 {
				m.first = path
			}
			l.missing[lang] = m
		}
	}
}

func (l *linter) purpose(p *Purpose, path string) {
	if p.ID == "" {
		l.error(path+"/id", "id_missing", "a purpose needs an id")
	}
	if l.index.purposes[p.ID] != p {
		l.error(path+"/id", "duplicate", string(p.ID)+" stands twice")
	}
	if p.Group != "" && !slices.ContainsFunc(l.Groups, func(g Term) bool { return g.ID == p.Group }) {
		l.error(path+"/group", "dangling", string(p.Group)+" is not a group of this catalogue")
	}
	l.languages(path+"/text", p.Text)
	for i, r := range p.Reasons {
		at := path + "/reasons/" + strconv.Itoa(i)
		if r.ID == "" {
			l.error(at+"/id", "id_missing", "a reason needs an id")
		}
		if slices.IndexFunc(p.Reasons, func(x Term) bool { return x.ID == r.ID }) < i {
			l.error(at+"/id", "duplicate", string(r.ID)+" stands twice")
		}
		l.languages(at+"/label", r.Label)
	}
	l.known(p.Categories, path+"/categories", true)
	for regime, list := range p.Bases {
		for i, b := range list {
			if !slices.Contains([]events.Word{"contract", "consent", "legitimate_interest", "legal_obligation"}, b) {
				l.error(path+"/bases/"+regime+"/"+strconv.Itoa(i), "dangling", string(b)+" is not a legal basis")
			}
		}
	}
	if len(p.Bases["default"]) == 0 {
		l.error(path+"/bases", "basis_missing", "no legal basis is taken, so nothing can be bound")
	}
	if p.Role != "controller" && p.Role != "processor" {
		l.error(path+"/role", "role", "is controller or processor")
	}
	for i, b := range p.Brings {
		at := path + "/brings/" + strconv.Itoa(i)
		l.known(b.Categories, at+"/categories", false)
		l.operate(b.Operations, at+"/operations")
		all, _ := l.expand(b.Categories, at)
		for _, k := range all {
			if to := l.index.purposes[b.Purpose]; !to.Permits(k) {
				l.error(at+"/categories", "not_permitted", string(b.Purpose)+" does not permit "+string(k))
			}
			if !p.Permits(k) {
				l.warn(at+"/categories", "unreachable", string(k)+" is never collected for "+string(p.ID))
			}
		}
	}
	l.retention(p, path+"/retention")
}

func (l *linter) known(list []events.Word, path string, any bool) {
	for i, w := range list {
		_, isSet := l.Sets[w]
		if !isSet && !l.categories[w] && (w != "*" || !any) {
			l.error(path+"/"+strconv.Itoa(i), "dangling", string(w)+" is not a category of this catalogue")
		}
	}
}

func (l *linter) operate(list []events.Word, path string) {
	for i, w := range list {
		if !l.operations[w] {
			l.error(path+"/"+strconv.Itoa(i), "dangling", string(w)+" is not an operation of this catalogue")
		}
	}
}

func (l *linter) milestone(w events.Word, path string) {
	if w != "" && !l.HasMilestone(w) {
		l.error(path, "milestone_unknown", string(w)+" is not a milestone of this catalogue")
	}
}

func (l *linter) retention(p *Purpose, path string) {
	if len(p.rules) == 0 {
		l.error(path, "retention_missing", string(p.ID)+" never ends: it has no rule of retention")
		return
	}
	seen := map[string]bool{}
	for i := range p.rules {
		r, at := &p.rules[i], path+"/"+strconv.Itoa(i)
		if seen[r.ID] {
			l.error(at+"/id", "duplicate", r.ID+" stands twice")
		}
		seen[r.ID] = true
		l.known(r.Categories, at+"/categories", false)
		l.operate(r.Operations, at+"/operations")
		l.milestone(r.If, at+"/if")
		l.milestone(r.Unless, at+"/unless")
		for j, w := range r.All {
			l.milestone(w, at+"/all/"+strconv.Itoa(j))
		}
		for j, w := range r.Any {
			l.milestone(w, at+"/any/"+strconv.Itoa(j))
		}
		if r.Law == "" && r.Assumption == "" {
			l.warn(at, "source_missing", "says neither the law nor that it is an assumption")
		}
		if !slices.Contains(confidences, r.Confidence) {
			l.error(at+"/confidence", "confidence", "is high, medium or low")
		}
		if !r.ValidTo.IsZero() && r.ValidTo.Before(r.ValidFrom) {
			l.error(at, "unreachable", "is never valid: it ends before it begins")
		}
		if r.If != "" && r.If == r.Unless {
			l.error(at, "unreachable", "its conditions exclude each other")
		}
		for k := range r.categories {
			if !p.Permits(k) {
				l.error(at+"/categories", "unreachable", "the purpose does not permit "+string(k))
			}
		}
		for j := range i {
			if p.rules[j].covers(r, p) {
				l.error(at, "unreachable", "is never asked: "+p.rules[j].ID+" decides before it")
				break
			}
		}
	}
	l.complete(p, path)
}

// covers says that whatever meets s meets r.
func (r *rule) covers(s *rule, p *Purpose) bool {
	if r.If != "" && r.If != s.If || r.Unless != "" && r.Unless != s.Unless {
		return false
	}
	if s.ValidFrom.Before(r.ValidFrom) || !r.ValidTo.IsZero() && (s.ValidTo.IsZero() || s.ValidTo.After(r.ValidTo)) {
		return false // a zero ValidFrom is before every day
	}
	if r.categories != nil {
		if s.categories == nil && p.any {
			return false
		}
		of := p.all
		if s.categories != nil {
			of = nil
			for k := range s.categories {
				of = append(of, k)
			}
		}
		for _, k := range of {
			if !r.categories[k] {
				return false
			}
		}
	}
	if len(r.Operations) > 0 {
		if len(s.Operations) == 0 {
			return false
		}
		for _, o := range s.Operations {
			if !slices.Contains(r.Operations, o) {
				return false
			}
		}
	}
	return true
}

// complete finds categories that no rule would decide on.
func (l *linter) complete(p *Purpose, path string) {
	for i := range p.rules {
		if r := &p.rules[i]; r.If == "" && r.Unless == "" && r.categories == nil && len(r.Operations) == 0 && r.ValidFrom.IsZero() && r.ValidTo.IsZero() {
			return
		}
	}
	l.error(path, "retention_missing", string(p.ID)+" has no last rule without conditions: some records would never end")
}

func (l *linter) company() {
	for _, item := range l.Items() {
		if !item.Said() {
			l.warn(item.Path, "company_item_missing", string(item.ID)+" is to be published ("+item.Law+") and is not said in "+strings.Join(item.Lacking, ", "))
		}
	}
	if l.Company.Manager == "" {
		l.warn("/company/manager", "company_item_missing", "the policy names a manager of personal information protection; who holds the office is empty")
	}
	if len(l.Contacts) == 0 {
		l.warn("/contacts", "company_item_missing", "no desk is named that people can turn to")
	}
	l.requests()
	if len(l.Languages) == 0 {
		l.warn("/languages", "language_missing", "no language is named")
	}
	for i, s := range l.Sections {
		said := Text{}
		maps.Copy(said, s.Summary) // in short, with the original beside it
		maps.Copy(said, s.Text)
		l.languages("/sections/"+strconv.Itoa(i)+"/text", said)
	}
	for _, lang := range l.Languages {
		if m := l.missing[lang]; m.n > 0 {
			l.warn(m.first, "language_missing", strconv.Itoa(m.n)+" texts are not there in "+lang+"; this is the first")
		}
	}
}

func (l *linter) requests() {
	q := l.Requests
	for i, k := range q.Fee.Kinds {
		if !slices.Contains(q.Kinds, k) {
			l.error("/requests/fee/kinds/"+strconv.Itoa(i), "dangling", string(k)+" is not among the kinds of requests")
		}
		if !slices.Contains(feeable, k) {
			l.error("/requests/fee/kinds/"+strconv.Itoa(i), "fee", string(k)+" must not cost anything: a fee is for notification of the purpose and for disclosure (APPI 38)")
		}
	}
	for i, m := range l.Measures {
		if !slices.Contains(MeasureKinds, m.Kind) {
			l.error("/measures/"+strconv.Itoa(i)+"/kind", "dangling", string(m.Kind)+" is not a kind of measure")
		}
	}
}

// feeable are the requests that may cost something (APPI 38).
var feeable = []events.Word{"NOTIFY_PURPOSE", "DISCLOSE", "DISCLOSE_3P_RECORD"}
