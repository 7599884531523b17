package contracts

import (
	"context"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// Reviews answers how the company looks at its own handling of personal data, and what it improves: management reviews in their cycles, and
// improvement actions with their last days. They are recorded as events; nothing here changes them.
//
// Who asks is in the context (the service) or in the token (the client). Errors that a caller can do something about are *Problem.
type Reviews interface {
	// Reviews lists the cycles of the policy in force, and every review that was planned or held.
	Reviews(ctx context.Context) (ReviewList, error)
	Review(ctx context.Context, id events.ID) (ReviewFile, error)
	// ReviewNotes opens what was found in a review. The look is recorded first.
	ReviewNotes(ctx context.Context, id events.ID) (Notes, error)
	Improvements(ctx context.Context, q ImprovementQuestion) (ImprovementList, error)
	Improvement(ctx context.Context, id events.ID) (ImprovementLine, error)
	// ImprovementNotes opens what was to be done, and the evidence that it was. The look is recorded first.
	ImprovementNotes(ctx context.Context, id events.ID) (Notes, error)
}

// ReviewList is how the reviews stand on a day in the company's zone.
type ReviewList struct {
	On       string          `json:"on"`
	Cycles   []ReviewCycle   `json:"cycles"`
	Reviews  []ReviewLine    `json:"reviews"` // what is to be held first, by its day; then what was held, the latest first
	Position events.Position `json:"position"`
}

// ReviewCycle is one thing that the policy in force wants looked at again and again.
type ReviewCycle struct {
	Subject events.Word `json:"subject"`
	Label   string      `json:"label"`
	Every   string      `json:"every"`   // at most between two reviews, ISO 8601
	Last    *string     `json:"last"`    // day of the last review of it; null: never
	Due     string      `json:"due"`     // last day of the next
	Because string      `json:"because"` // what sets that day: the cycle, a change of the policy, a plan, the last review itself
	State   string      `json:"state"`
}

// ReviewLine is one review.
type ReviewLine struct {
	ID           events.ID       `json:"id"`
	State        string          `json:"state"`
	Subjects     []events.Word   `json:"subjects"`
	Reason       events.Word     `json:"reason"` // of its plan; empty if it was held without
	Due          string          `json:"due"`    // of its plan
	Moved        int             `json:"moved"`  // how often its day was moved
	Held         *time.Time      `json:"held"`
	By           events.Identity `json:"by"` // who held it, or planned it
	Outcome      events.Word     `json:"outcome"`
	Next         string          `json:"next"`         // the next, where the review wants it before its cycle
	Late         []events.Word   `json:"late"`         // subjects whose review had been overdue
	Improvements int             `json:"improvements"` // actions that came of it
}

// ReviewFile is one review with the actions that came of it.
type ReviewFile struct {
	ReviewLine `json:",inline"`
	Actions    []ImprovementLine `json:"actions"`
	Notes      bool              `json:"notes"` // there are words, sealed
}

// ImprovementQuestion asks for actions. Without a state it is every action.
type ImprovementQuestion struct {
	State string // open (overdue ones too), overdue, completed, dropped
}

// ImprovementList is how the actions stand on a day in the company's zone: open ones by their last day, then the ended ones, the latest first.
type ImprovementList struct {
	On           string            `json:"on"`
	Improvements []ImprovementLine `json:"improvements"`
	Open         int               `json:"open"` // of all, overdue ones too
	Overdue      int               `json:"overdue"`
	Completed    int               `json:"completed"`
	Late         int               `json:"late"` // completed after their last day
	Dropped      int               `json:"dropped"`
	Position     events.Position   `json:"position"`
}

// ImprovementLine is one action.
type ImprovementLine struct {
	ID      events.ID       `json:"id"`
	State   string          `json:"state"`
	Cause   events.Word     `json:"cause"`
	CauseID events.ID       `json:"causeId"` // which review, incident, complaint or request
	Opened  time.Time       `json:"opened"`
	Due     string          `json:"due"`
	By      events.Identity `json:"by"` // who opened it
	Ended   *time.Time      `json:"ended"`
	EndedBy events.Identity `json:"endedBy"`
	Days    *int            `json:"days"` // from its opening to its completion
	Late    bool            `json:"late"` // open, or completed, after its last day
}

// Notes are sealed words, opened for whoever asked; a look that is recorded.
type Notes struct {
	ID    events.ID `json:"id"`
	Notes []Note    `json:"notes"`
}

// Note is what one step of a review or of an action said in words. The text is null where its key has been destroyed.
type Note struct {
	Event string    `json:"event"`
	Time  time.Time `json:"time"`
	What  string    `json:"what"` // note, evidence
	Text  *string   `json:"text"`
}
