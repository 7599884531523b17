package reviews

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/register"
)

// sealed is a note as the log keeps it.
type sealed struct {
	at     policy.Mark
	field  string
	secret events.Secret
}

// ReviewNotes opens what was found in a review, after the look has been recorded.
func (s *Service) ReviewNotes(ctx context.Context, id events.ID) (contracts.Notes, error) {
	org, _, err := s.asked(ctx, "compliance")
	if err != nil {
		return contracts.Notes{}, err
	}
	r := org.Reviews[id]
	if r == nil {
		return contracts.Notes{}, register.NotFound("no review has this name; `daicho review list` shows them")
	}
	var all []sealed
	if r.Planned != nil {
		all = append(all, sealed{r.At, "note", r.Planned.Note})
	}
	if r.Held != nil {
		all = append(all, sealed{r.HeldAt, "note", r.Held.Note})
	}
	by := events.Identity(register.CallerOf(ctx).Holder)
	return s.open(ctx, id, events.TypeReviewRead, events.Stream{Kind: "review", ID: string(id)}, &events.Review{Review: id, By: by}, all)
}

// ImprovementNotes opens what was to be done and the evidence that it was, after the look has been recorded.
func (s *Service) ImprovementNotes(ctx context.Context, id events.ID) (contracts.Notes, error) {
	org, _, err := s.asked(ctx, "compliance")
	if err != nil {
		return contracts.Notes{}, err
	}
	i := org.Improvements[id]
	if i == nil {
		return contracts.Notes{}, unknownAction
	}
	all := []sealed{{i.At, "note", i.Opened.Note}}
	if i.Ended != nil {
		all = append(all, sealed{i.End, "evidence", i.Ended.Evidence}, sealed{i.End, "note", i.Ended.Note})
	}
	by := events.Identity(register.CallerOf(ctx).Holder)
	return s.open(ctx, id, events.TypeImprovementRead, events.Stream{Kind: "improvement", ID: string(id)}, &events.Improvement{Improvement: id, By: by}, all)
}

// open records the look, and opens. A note whose key has been destroyed has no text.
func (s *Service) open(ctx context.Context, id events.ID, typ string, st events.Stream, look events.Fact, all []sealed) (contracts.Notes, error) {
	out := contracts.Notes{ID: id, Notes: []contracts.Note{}}
	receipts, err := s.gateway.Submit(ctx, intake.Engine, []intake.Submission{intake.Own(typ, st, look)})
	if err != nil {
		return out, err
	}
	if r := receipts[0]; r.Status != contracts.StatusRecorded {
		return out, &contracts.Problem{Type: "about:blank", Title: "The look could not be recorded", Status: 409, Code: "look", Rule: r.Rule, Detail: "so nothing is shown: " + r.Text}
	}
	keys, err := s.vault.Keys(ctx, []events.Stream{st})
	if err != nil {
		return out, err
	}
	for _, x := range all {
		if x.secret.IsZero() {
			continue
		}
		note := contracts.Note{Event: events.Short(string(x.at.Type)), Time: x.at.Time, What: x.field}
		if keys[0] != nil {
			value, err := keys[0].Open(x.secret.Ordinal(), contracts.Bound{Type: string(x.at.Type), Category: "note:" + x.field}, x.secret.Box())
			if err != nil && !errors.Is(err, contracts.ErrDestroyed) {
				return out, err
			}
			if err == nil {
				text := words(value)
				note.Text = &text
			}
		}
		out.Notes = append(out.Notes, note)
	}
	return out, nil
}

// words are a note as text: what was written as text as it is, anything else as JSON.
func words(value []byte) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}
