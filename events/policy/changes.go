package policy

import (
	"maps"
	"slices"

	"github.com/daicho-dev/daicho/events"
)

// ChangedPurposes are the purposes of a catalogue that people must be told of before it takes the place of another: those that are
// new, say something else in a language that both speak, or let more be done than before. What only ends or narrows is not among them.
func ChangedPurposes(was, is *Catalogue) []events.Word {
	var all []events.Word
	for i := range is.Purposes {
		p := &is.Purposes[i]
		if q := was.Purpose(p.ID); q == nil || p.beyond(q) {
			all = append(all, p.ID)
		}
	}
	return all
}

// Differ says that one catalogue changes of another anything that people can read or that binds them: all but its version and first day, the
// technical ways in, and what its makers noted of where they have it from.
func Differ(was, is *Catalogue) bool {
	var d Difference
	d.compare(nil, public(was), public(is))
	return len(d.Changes) > 0
}

func public(c *Catalogue) any {
	doc := tree(c.doc)
	if m, ok := doc.(map[string]any); ok {
		for _, name := range []string{"version", "effective", "namespaces", "schemes", "sources", "sourceKinds"} {
			delete(m, name)
		}
	}
	return unnoted(doc)
}

// unnoted is a document without its makers' notes.
func unnoted(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range []string{"assumption", "confidence", "remark", "source"} {
			if _, ok := v[name].(string); ok { // and not a list, of words that has such a name
				delete(v, name)
			}
		}
		for name := range v {
			v[name] = unnoted(v[name])
		}
	case []any:
		for i := range v {
			v[i] = unnoted(v[i])
		}
	}
	return v
}

// beyond says that a purpose is not wholly within what it was.
func (p *Purpose) beyond(was *Purpose) bool {
	for lang, text := range was.Text {
		if now, ok := p.Text[lang]; ok && now != text {
			return true
		}
	}
	if p.any && !was.any {
		return true
	}
	if !was.any {
		for k := range maps.Keys(p.permits) {
			if !was.permits[k] {
				return true
			}
		}
	}
	for _, regime := range []string{"default", "gdpr"} {
		if beyond(p.taken(regime), was.taken(regime)) {
			return true
		}
	}
	if len(was.Reasons) > 0 && slices.ContainsFunc(p.Reasons, func(r Term) bool { return !was.HasReason(r.ID) }) || was.Adults && !p.Adults {
		return true
	}
	return p.Role != was.Role || was.Disclosable && !p.Disclosable || beyond(p.Terms, was.Terms) ||
		beyond(p.Processing, was.Processing) || beyond(p.GDPRBases, was.GDPRBases)
}

// taken are the bases of a regime: its own, or the default.
func (p *Purpose) taken(regime string) []events.Word {
	if list, ok := p.Bases[regime]; ok {
		return list
	}
	return p.Bases["default"]
}

func beyond[T comparable](list, was []T) bool {
	return slices.ContainsFunc(list, func(x T) bool { return !slices.Contains(was, x) })
}
