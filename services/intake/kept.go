package intake

import (
	"time"

	"github.com/go-json-experiment/json"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events/organisation"
)

// Kept is a submission as the quarantine keeps it, for mending. Its source and type stand beside it only if they are words of the policy
// and of the contract: anything else is the emitter's text.
func (s *Submission) Kept(org *organisation.State, rule, field string, now time.Time) contracts.Quarantined {
	q := contracts.Quarantined{ID: newID(), At: now, Rule: rule, Field: field, Subject: s.Subject, Body: s.body()}
	if s.Kind != nil {
		q.Type = s.Type
	}
	if org.Policy != nil && org.Policy.HasSource(s.Source) {
		q.Source = s.Source
	}
	return q
}

// Unread is what cannot be read as events, as the quarantine keeps it.
func Unread(body []byte, rule string, now time.Time) contracts.Quarantined {
	return contracts.Quarantined{ID: newID(), At: now, Rule: rule, Body: body}
}

// body is a submission as it could be sent again.
func (s *Submission) body() []byte {
	if s.Data == nil && s.Raw != nil {
		return s.Raw
	}
	b, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": s.ID, "source": s.Source, "type": s.Type, "subject": string(s.Subject), "time": s.Time,
		"datacontenttype": "application/json", "data": rawJSON(s.Data),
	})
	if err != nil {
		return s.Data
	}
	return b
}
