package events

import (
	"strings"
	"testing"
)

// S3: every rule of version 1 says which law it comes from, and what it says is of the norm that it names.
func TestS3_EveryRuleNamesItsLaw(t *testing.T) {
	rules := strings.Fields(`schema not_your_source not_permitted future unknown_policy unknown_location unknown_recipient unknown_purpose unknown_category unknown_word
		transport notice_missing person_unknown record_gone tracking_refused record_unknown key_taken minor category_not_permitted consent_missing purpose_not_bound
		recipient_not_permitted suspended held not_disclosable`)
	begins := map[Word]string{NormAPPI: "APPI ", NormGuideline: "Guideline ", NormGDPR: "GDPR "}
	for _, rule := range rules {
		all := Norms(rule)
		if len(all) == 0 || Law(rule) == "" {
			t.Errorf("%s comes from no law", rule)
		}
		for _, n := range all {
			other := n.Of == NormOther
			for of, begin := range begins {
				if n.Of == of {
					other = strings.HasPrefix(n.At, begin)
				} else if strings.HasPrefix(n.At, begin) {
					t.Errorf("%s: %q is not of %s", rule, n.At, n.Of)
				}
			}
			if !other {
				t.Errorf("%s: %q is not of %s", rule, n.At, n.Of)
			}
		}
	}
	if len(norms) != len(rules) {
		t.Errorf("%d rules have a law, and there are %d", len(norms), len(rules))
	}
	if Law("no_rule") != "" || Norms("no_rule") != nil {
		t.Error("what is no rule comes from a law")
	}
	if got := Law("minor"); got != "Guideline 2-16; GDPR 8; Civil Code 5" {
		t.Errorf("a minor's: %q", got)
	}
}
