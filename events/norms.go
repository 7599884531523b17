package events

import (
	"slices"
	"strings"
)

// Norm is a law, a guideline or another rule of the world outside, and the places in it that a rule of the register comes from.
type Norm struct {
	Of Word   // appi, guideline, gdpr, or other
	At string // as "APPI 27(1), 28"
}

// What a norm can be of.
const (
	NormAPPI      = Word("appi")      // the Act on the Protection of Personal Information, with its Order and Rules
	NormGuideline = Word("guideline") // of the Personal Information Protection Commission, on the Act
	NormGDPR      = Word("gdpr")
	NormOther     = Word("other")
)

// norms say where each rule of version 1 comes from: a refusal without a law behind it is not to be had (S3).
var norms = map[string][]Norm{
	RuleSchema:        {{NormAPPI, "APPI 22"}, {NormGDPR, "GDPR 5(1)(d)"}},
	"not_your_source": {{NormAPPI, "APPI 23"}, {NormGDPR, "GDPR 32(1)"}},
	"not_permitted":   {{NormAPPI, "APPI 23, 24"}, {NormGDPR, "GDPR 32(4)"}},
	"future":          {{NormAPPI, "APPI 22"}, {NormGDPR, "GDPR 5(1)(d)"}},

	"unknown_policy":    {{NormAPPI, "APPI 21"}, {NormGDPR, "GDPR 13"}},
	"unknown_location":  {{NormAPPI, "APPI 23"}, {NormGDPR, "GDPR 30"}},
	"unknown_recipient": {{NormAPPI, "APPI 25, 27"}, {NormGDPR, "GDPR 28(1), 30"}},
	"unknown_purpose":   {{NormAPPI, "APPI 17(1), 18(1)"}, {NormGDPR, "GDPR 5(1)(b)"}},
	"unknown_category":  {{NormAPPI, "APPI 18(1)"}, {NormGDPR, "GDPR 5(1)(c), 30"}},
	"unknown_word":      {{NormAPPI, "APPI 22, 23"}, {NormGDPR, "GDPR 5(1)(d)"}},

	"transport":        {{NormAPPI, "APPI 23"}, {NormGDPR, "GDPR 32(1)(a)"}},
	"notice_missing":   {{NormAPPI, "APPI 21"}, {NormGDPR, "GDPR 13"}},
	"person_unknown":   {{NormAPPI, "APPI 22"}, {NormGDPR, "GDPR 5(1)(d)"}},
	"record_gone":      {{NormAPPI, "APPI 22"}, {NormGDPR, "GDPR 17"}},
	"tracking_refused": {{NormGDPR, "GDPR 7(3), 21"}, {NormOther, "Telecommunications Business Act 27-12"}},
	"record_unknown":   {{NormAPPI, "APPI 22"}, {NormGDPR, "GDPR 5(1)(d)"}},
	"key_taken":        {{NormAPPI, "APPI 22"}, {NormGDPR, "GDPR 5(1)(d)"}},

	"minor":                   {{NormGuideline, "Guideline 2-16"}, {NormGDPR, "GDPR 8"}, {NormOther, "Civil Code 5"}},
	"category_not_permitted":  {{NormAPPI, "APPI 18(1)"}, {NormGDPR, "GDPR 5(1)(c)"}},
	"consent_missing":         {{NormAPPI, "APPI 20(2), 27(1)"}, {NormGuideline, "Guideline 2-16"}, {NormGDPR, "GDPR 6(1)(a), 7"}},
	"purpose_not_bound":       {{NormAPPI, "APPI 18(1)"}, {NormGDPR, "GDPR 5(1)(b), 6(1)"}},
	"recipient_not_permitted": {{NormAPPI, "APPI 25, 27, 28"}, {NormGuideline, "Guideline 3-4-4"}, {NormGDPR, "GDPR 28, 44"}},
	"suspended":               {{NormAPPI, "APPI 35"}, {NormGDPR, "GDPR 18, 21"}},
	"held":                    {{NormAPPI, "APPI 22"}, {NormGuideline, "Guideline 3-4-1"}, {NormGDPR, "GDPR 17(3)(e)"}},
	"not_disclosable":         {{NormAPPI, "APPI 16(4), 33(2); Order 5"}, {NormGDPR, "GDPR 15(4)"}},
}

// formal are the rules about the form of a submission, or about words that lead nowhere: they correct an emitter's mistake. That they come
// from a law makes them lawful; that they were applied shows nothing of how the law is observed.
var formal = []string{RuleSchema, "future", "unknown_word", "unknown_location", "unknown_category", "unknown_policy", "person_unknown", "record_unknown", "key_taken"}

// Formal says of a rule that it is about form alone.
func Formal(rule string) bool { return slices.Contains(formal, rule) }

// Norms are where a rule comes from; none for a word that is no rule.
func Norms(rule string) []Norm { return slices.Clone(norms[rule]) }

// Law is the same in one line, as an answer says it: "APPI 18(1); GDPR 5(1)(c)".
func Law(rule string) string {
	var at []string
	for _, n := range norms[rule] {
		at = append(at, n.At)
	}
	return strings.Join(at, "; ")
}
