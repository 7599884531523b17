package register

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/policy"
)

// governing is what management reviews and improvement actions show: that the company looks around and at itself (S5, S26), and becomes
// better by it (S6, S27).
var governing = room{
	tells: governingTells,
	needs: map[string][]string{
		"S5":  {reviewsOf["technology"], reviewsOf["public"], reviewsOf["economy"]},
		"S6":  {"improvement actions opened, each with its cause", "improvement actions completed, with evidence"},
		"S26": {reviewsOf["law"], reviewsOf["system"]},
		"S27": {"improvement actions completed by their last day"},
	},
	gaps: func(_ context.Context, r *Register) (map[string]string, error) {
		org := r.Gateway.Organisation()
		if org.Policy == nil {
			return nil, nil
		}
		return governingGaps(org, org.Policy.On(r.Now())), nil
	},
	caveats: func(r *Register, _ evidence) map[string][]string {
		org := r.Gateway.Organisation()
		if org.Policy == nil {
			return nil
		}
		return governingCaveats(org)
	},
}

var reviewsOf = map[events.Word]string{
	"technology": "reviews of trends in information technology",
	"public":     "reviews of the expectations of the public",
	"economy":    "reviews of the economic environment",
	"law":        "reviews of laws, guidelines and norms",
	"system":     "reviews of the management system itself",
}

// sentenceOf is the sentence that promises to look at something.
func sentenceOf(subject events.Word) string {
	switch subject {
	case "law", "system":
		return "S26"
	}
	return "S5"
}

func governingTells(e *events.Event, f events.Fact, note func(what string)) {
	switch f := f.(type) {
	case *events.Review:
		if e.Type == events.TypeReviewHeld {
			for _, w := range f.Subjects {
				note(reviewsOf[w])
			}
		}
	case *events.Improvement:
		switch e.Type {
		case events.TypeImprovementOpened:
			note("improvement actions opened, each with its cause")
		case events.TypeImprovementCompleted:
			note("improvement actions completed, with evidence")
			if !f.Late {
				note("improvement actions completed by their last day")
			}
		}
	default: // nothing that the company does about itself
	}
}

// governingGaps are what has not been looked at in its time, and what was not improved in its.
func governingGaps(org *organisation.State, on policy.Date) map[string]string {
	reasons := map[string][]string{}
	add := func(id, format string, args ...any) { reasons[id] = append(reasons[id], fmt.Sprintf(format, args...)) }
	cycles := map[events.Word]organisation.Cycle{}
	for _, c := range org.Cycles() {
		cycles[c.Subject] = c
	}
	for _, w := range policy.ReviewSubjects {
		c, ok := cycles[w]
		switch {
		case !ok:
			add(sentenceOf(w), "The policy in force names no cycle for %s (/governance/reviews of the catalogue).", reviewsOf[w])
		case c.Last.IsZero() && !c.Overdue(on):
			add(sentenceOf(w), "None is recorded yet of: %s; the first is due by %s: `daicho review record`.", reviewsOf[w], c.Due)
		case c.Overdue(on):
			add(sentenceOf(w), "Overdue since %s (%s): %s; `daicho review list`.", c.Due, whyDue[c.Because], reviewsOf[w])
		}
	}
	unanswered, overdue := 0, 0
	for id := range org.Reviews {
		if org.Unanswered(id, on) {
			unanswered++
		}
	}
	var last policy.Date
	for _, i := range org.Improvements {
		if i.Overdue(on) {
			overdue++
		}
		if i.Completed() {
			if day := org.Policy.On(i.End.Time); last.Before(day) {
				last = day
			}
		}
	}
	if unanswered > 0 {
		add("S6", "%d reviews asked for improvement, and no action has come of them: `daicho review list`.", unanswered)
	}
	if overdue > 0 {
		add("S6", "%d improvement actions are open after their last day: `daicho improvement list --overdue`.", overdue)
		add("S27", "%d improvement actions are open after their last day: `daicho improvement list --overdue`.", overdue)
	}
	if p := org.Policy.Governance.Improvement; !p.IsZero() && !last.IsZero() && last.Add(p).Before(on) {
		add("S27", "The last improvement was completed on %s; the policy in force wants one every %s at least.", last, p)
	}
	all := map[string]string{}
	for id, lines := range reasons {
		all[id] = strings.Join(lines, " ")
	}
	return all
}

var whyDue = map[events.Word]string{
	"cycle": "by its cycle", "plan": "as planned", "change": "after a change of the policy", "review": "as the last review asked",
}

// governingCaveats are what was late once, or given up, and does not make a gap today.
func governingCaveats(org *organisation.State) map[string][]string {
	all := map[string][]string{}
	add := func(id string, n int, format string) {
		if n > 0 {
			all[id] = append(all[id], fmt.Sprintf(format, n))
		}
	}
	late := map[string]int{}
	for _, r := range org.Reviews {
		if r.Held == nil {
			continue
		}
		for _, w := range r.Held.Late {
			late[sentenceOf(w)]++
		}
	}
	for _, id := range slices.Sorted(maps.Keys(late)) {
		add(id, late[id], "%d reviews were held after their last day.")
	}
	completed, dropped := 0, 0
	for _, i := range org.Improvements {
		switch {
		case i.Completed() && i.Ended.Late:
			completed++
		case i.Ended != nil && !i.Completed():
			dropped++
		}
	}
	add("S27", completed, "%d improvement actions were completed after their last day.")
	add("S6", dropped, "%d improvement actions were dropped; they do not count as improvements.")
	for _, id := range []string{"S5", "S26"} {
		all[id] = append(all[id], "That a review was held, and when, is what whoever held it says; its words are sealed, and are read with `daicho review show --read`.")
	}
	for _, id := range []string{"S6", "S27"} {
		all[id] = append(all[id], "What shows that an action was done is sealed, and is read with `daicho improvement show --read`; the register does not judge it.")
	}
	return all
}
