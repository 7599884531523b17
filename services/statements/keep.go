package statements

import (
	"strings"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// Keeps says in words how long data is kept for a purpose, one line a rule (GDPR 13(2)(a), 30(1)(f)).
func Keeps(c *policy.Catalogue, p *policy.Purpose, lang string) []string {
	v := voice(lang)
	var lines []string
	for i := range p.Retention {
		r := &p.Retention[i]
		line := v.keeps(c, r)
		if o := r.Otherwise; o != nil {
			line += " (" + v.say("rule.otherwise", "keep", v.span(v.anchor(o.From), o.Calendar, o.Keep)) + ")"
		}
		if what := v.concerns(c, p, r, i); what != "" {
			line = v.say("rule.of", "what", what, "keep", line)
		}
		lines = append(lines, line)
	}
	return lines
}

// concerns says which data a rule is for; nothing, if the purpose has only one.
func (v voice) concerns(c *policy.Catalogue, p *policy.Purpose, r *policy.Rule, i int) string {
	var parts, names []string
	for _, o := range r.Operations {
		names = append(names, v.say("op."+string(o)))
	}
	if len(names) > 0 {
		parts = append(parts, v.list(names))
	}
	names = nil
	for _, k := range c.Written(r.Categories) {
		names = append(names, v.category(c, k))
	}
	if len(names) > 0 {
		parts = append(parts, v.list(names))
	}
	if r.If != "" {
		parts = append(parts, v.say("rule.if", "milestone", v.label(c.Milestones, r.If)))
	}
	if r.Unless != "" {
		parts = append(parts, v.say("rule.unless", "milestone", v.label(c.Milestones, r.Unless)))
	}
	if len(parts) == 0 && i > 0 {
		return v.say("rule.else")
	}
	return strings.Join(parts, " / ")
}

func (v voice) keeps(c *policy.Catalogue, r *policy.Rule) string {
	milestones := func(all []events.Word) []string {
		var names []string
		for _, m := range all {
			names = append(names, v.label(c.Milestones, m))
		}
		return names
	}
	var from string
	switch all, any := milestones(r.All), milestones(r.Any); {
	case len(all)+len(any) == 1:
		from = append(all, any...)[0]
	case len(all) > 0:
		from = v.say("start.all", "list", v.list(all))
	case len(any) > 0:
		from = v.say("start.any", "list", v.list(any))
	default:
		from = v.anchor(r.From)
	}
	return v.span(from, r.Calendar, r.Keep)
}

func (v voice) anchor(from events.Word) string { return v.say("start." + string(from)) }

func (v voice) span(from string, k *policy.Calendar, keep *policy.Period) string {
	if k != nil {
		switch plus := v.period(k.Plus); {
		case k.To == "fiscal_year_end" && plus != "":
			from = v.say("start.fiscal_plus", "plus", plus, "start", from)
		case k.To == "fiscal_year_end":
			from = v.say("start.fiscal", "start", from)
		default:
			from = v.say("start.day", "day", v.day(k.To), "start", from)
		}
	}
	if p := v.period(*keep); p != "" {
		return v.say("keep", "period", p, "start", from)
	}
	return v.say("keep.once", "start", from)
}

// day is a day of the year, as "01-10".
func (v voice) day(s string) string {
	t, err := time.Parse("01-02", s)
	if err != nil {
		return s
	}
	switch v {
	case "ja", "zh-Hant":
		return t.Format("1月2日")
	case "ko":
		return t.Format("1월 2일")
	}
	return t.Format("2 January")
}
