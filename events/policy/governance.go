package policy

import (
	"slices"
	"strconv"

	"github.com/daicho-dev/daicho/events"
)

// Governance is how the company looks at its own handling of personal data, and makes it better. What it leaves out is not looked at, and
// the sentences that promise it are a gap.
type Governance struct {
	Reviews     []ReviewCycle `json:"reviews,omitempty"`
	Improvement Period        `json:"improvement,omitzero"` // at most between two improvement actions that were completed; none: it is not asked
	Law         string        `json:"law,omitzero"`
	Assumption  string        `json:"assumption,omitzero"`
}

// ReviewCycle is one thing that a management review looks at, and how often it has to.
type ReviewCycle struct {
	Subject    events.Word `json:"subject"` // of ReviewSubjects
	Label      Text        `json:"label,omitempty"`
	Every      Period      `json:"every"`            // at most between two reviews of it
	Changed    Period      `json:"changed,omitzero"` // at most from the first day of another policy to the next review; none: it waits for its cycle
	Assumption string      `json:"assumption,omitzero"`
}

// ReviewSubjects are what a management review looks at: what goes on outside (information technology, the expectations of the public, the
// economy), laws, guidelines and norms, and the management system itself.
var ReviewSubjects = []events.Word{"technology", "public", "economy", "law", "system"}

// Cycle is the cycle in which something is looked at, or nil.
func (c *Catalogue) Cycle(subject events.Word) *ReviewCycle {
	for i := range c.Governance.Reviews {
		if r := &c.Governance.Reviews[i]; r.Subject == subject {
			return r
		}
	}
	return nil
}

func (l *linter) governance() {
	seen := words{}
	for i, r := range l.Governance.Reviews {
		path := "/governance/reviews/" + strconv.Itoa(i)
		switch {
		case !slices.Contains(ReviewSubjects, r.Subject):
			l.error(path+"/subject", "dangling", string(r.Subject)+" is nothing that a review looks at")
		case seen[r.Subject]:
			l.error(path+"/subject", "duplicate", string(r.Subject)+" stands twice")
		}
		seen[r.Subject] = true
		if !r.Every.lasts() {
			l.error(path+"/every", "cycle", "a cycle of no days would always be over")
		}
		if !r.Changed.IsZero() && !r.Changed.lasts() {
			l.error(path+"/changed", "cycle", "no days are left for the review")
		}
		if len(r.Label) > 0 {
			l.languages(path+"/label", r.Label)
		}
	}
	if p := l.Governance.Improvement; !p.IsZero() && !p.lasts() {
		l.error("/governance/improvement", "cycle", "no days are left for an improvement")
	}
}

// lasts says that a period has civil days.
func (p Period) lasts() bool {
	d := NewDate(2000, 1, 1)
	return d.Add(p).After(d)
}
