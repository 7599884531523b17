package organisation

import (
	"strings"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// Submission is an event about the organisation as a decision sees it.
type Submission struct {
	Kind   *events.Kind
	Source string
	Time   time.Time
	Fact   events.Fact
	Known  Known // what improvement actions may come from; nil knows nothing
}

// Decide says why an event about the organisation is refused, or nil. The first policy is published into an empty register;
// everything else needs one in force.
func Decide(s *State, in Submission, now time.Time) *events.Refusal {
	if in.Time.After(now.Add(5 * time.Minute)) {
		return refuse("future", "/time", "is more than 5 minutes ahead of this engine's clock")
	}
	if f, ok := in.Fact.(*events.PolicyPublished); ok {
		return published(s, f, now)
	}
	if s.Policy == nil {
		return refuse("unknown_policy", "", "no policy has been published yet")
	}
	switch f := in.Fact.(type) {
	case *events.PolicyEffective:
		return effectiveRules(s, f, now)
	case *events.Recipient:
		return recipientRules(s, in, f)
	case *events.DisposalConfirmed:
		return known(s, f.Recipient)
	case *events.ServiceEnded:
		if !s.Policy.HasClient(f.Client) {
			return refuse("unknown_word", "/data/client", "is not a client of the policy in force")
		}
	case *events.Dataset:
		if r := s.datasetRules(in, f); r != nil {
			return r
		}
	case *events.Disposal:
		if r := s.disposalRules(in, f); r != nil {
			return r
		}
	case *events.Review:
		if r := s.reviewRules(in, f); r != nil {
			return r
		}
	case *events.Improvement:
		if r := s.improvementRules(in, f); r != nil {
			return r
		}
	default: // the desks' own streams: their form is checked, their behaviour is theirs
	}
	return s.source(in.Source)
}

func (s *State) source(path string) *events.Refusal {
	if !s.Policy.HasSource(path) && !strings.HasPrefix(path, "/daicho/") { // the engine's own services
		return refuse("unknown_word", "/source", "is not a source of the policy in force")
	}
	return nil
}

func refuse(rule, field, text string) *events.Refusal {
	return &events.Refusal{Rule: rule, Field: field, Text: text}
}

func known(s *State, r events.Word) *events.Refusal {
	if s.Recipients[r] == nil {
		return refuse("unknown_recipient", "/data/recipient", "has not been registered")
	}
	return nil
}
