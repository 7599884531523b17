package register

import (
	"fmt"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/contracts/obligations"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// observing is what keeping to laws, guidelines and other norms shows: decisions by rules that come from them, and what they add.
var observing = room{shows: observingShows, needs: map[string][]string{
	"S3":  {byLaw[events.NormAPPI], gdprBasis},
	"S12": {byLaw[events.NormAPPI]},
	"S13": {byLaw[events.NormGuideline]},
	"S14": {gdprBasis, gdprConsent},
	"S15": {byLaw[events.NormOther], "records bound because another law asks for it"},
}, counts: []string{beforeLaw}, caveats: func(_ *Register, ev evidence) map[string][]string {
	n := ev[beforeLaw].Count
	if n == 0 {
		return nil
	}
	text := fmt.Sprintf("%d deletions, on request or because a consent or a service ended, went before a law's period had run; each says in the log which purposes it went against (`daicho replay --type deleted`). Whether what the law asks for is kept elsewhere, the register cannot tell.", n)
	return map[string][]string{"S15": {text}, "S51": {text}}
}}

// beforeLaw counts what the engine let go on somebody's word though a law had a period for it.
const beforeLaw = "deletions before a law's period had run"

var byLaw = map[events.Word]string{
	events.NormAPPI:      "decisions on personal data by a rule of the APPI",
	events.NormGuideline: "decisions on personal data by a rule of the guidelines",
	events.NormOther:     "decisions on personal data by a rule of other norms",
}

// A refusal does not say whom it is about, so what shows the GDPR observed is what was taken of people whom it protects.
const (
	gdprBasis   = "collections from people whom the GDPR protects, each with its legal basis and notice"
	gdprConsent = "consents of people whom the GDPR protects, given at their collection with the notice shown"
)

func observingShows(f events.Fact, note func(what string)) {
	rule := ""
	switch f := f.(type) {
	case *events.Refused:
		rule = string(f.Rule)
	case *events.Used:
		rule = string(f.Rule)
	case *events.Deleted:
		if len(f.Early) > 0 {
			note(beforeLaw)
		}
	case *events.Collected:
		if f.Notice != nil && policy.Protected(events.Word(f.Person.Country)) {
			note(gdprBasis)
			if slices.ContainsFunc(f.Purposes, func(b events.Bind) bool { return b.Consent != nil }) {
				note(gdprConsent)
			}
		}
		if slices.ContainsFunc(f.Purposes, func(b events.Bind) bool { return b.Brought }) {
			note("records bound because another law asks for it")
		}
	default: // rests on no norm by itself
	}
	if events.Formal(rule) {
		return
	}
	for _, n := range events.Norms(rule) {
		if what := byLaw[n.Of]; what != "" {
			note(what)
		}
	}
}

// inherit makes a gap of a law's observance from every gap of a sentence that rests on it: whoever leaves one of its duties undone does not
// observe the law.
func inherit(all []obligations.Obligation, gaps map[string][]string) {
	for id, of := range map[string][]events.Word{
		"S3": {events.NormAPPI, events.NormGuideline, events.NormGDPR, events.NormOther}, "S12": {events.NormAPPI}, "S13": {events.NormGuideline},
		"S14": {events.NormGDPR}, "S15": {events.NormOther},
	} {
		var open []string
		for _, o := range all {
			if _, observes := observing.needs[o.ID]; observes || len(gaps[o.ID]) == 0 {
				continue
			}
			places := slices.DeleteFunc(strings.Split(o.Law, "; "), func(place string) bool { return place == "" || !slices.Contains(of, lawOf(place)) })
			if len(places) > 0 {
				open = append(open, fmt.Sprintf("%s (%s)", o.ID, strings.Join(places, "; ")))
			}
		}
		if len(open) > 0 {
			gaps[id] = append(gaps[id], "Sentences that rest on it are gaps: "+strings.Join(open, ", ")+".")
		}
	}
}

// lawOf is the norm of a place as the obligations name it: "GDPR 28", "Order 10(2)".
func lawOf(place string) events.Word {
	switch name, _, _ := strings.Cut(place, " "); name {
	case "APPI", "Order", "Rules":
		return events.NormAPPI
	case "Guideline":
		return events.NormGuideline
	case "GDPR":
		return events.NormGDPR
	default:
		return events.NormOther
	}
}
