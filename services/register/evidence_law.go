package register

import (
	"fmt"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/contracts/obligations"
	"github.com/daicho-dev/daicho/events"
)

// observing is what keeping to laws, guidelines and other norms shows: decisions by rules that come from them, and what they add.
var observing = room{shows: observingShows, needs: map[string][]string{
	"S3":  {byLaw[events.NormAPPI], byLaw[events.NormGDPR]},
	"S12": {byLaw[events.NormAPPI]},
	"S13": {byLaw[events.NormGuideline]},
	"S14": {byLaw[events.NormGDPR], "consents recorded with who gave them and the notice shown"},
	"S15": {byLaw[events.NormOther], "records bound because another law asks for it"},
}}

var byLaw = map[events.Word]string{
	events.NormAPPI:      "decisions by a rule of the APPI",
	events.NormGuideline: "decisions by a rule of the guidelines",
	events.NormGDPR:      "decisions by a rule of the GDPR",
	events.NormOther:     "decisions by a rule of other norms",
}

func observingShows(f events.Fact, note func(what string)) {
	rule := ""
	switch f := f.(type) {
	case *events.Refused:
		rule = string(f.Rule)
	case *events.Used:
		rule = string(f.Rule)
	case *events.Consent:
		if f.Notice != nil {
			note("consents recorded with who gave them and the notice shown")
		}
	case *events.Collected:
		if f.Notice != nil && slices.ContainsFunc(f.Purposes, func(b events.Bind) bool { return b.Consent != nil }) {
			note("consents recorded with who gave them and the notice shown")
		}
		if slices.ContainsFunc(f.Purposes, func(b events.Bind) bool { return b.Brought }) {
			note("records bound because another law asks for it")
		}
	default: // rests on no norm by itself
	}
	for _, n := range events.Norms(rule) {
		note(byLaw[n.Of])
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
