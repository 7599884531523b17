package contracts

import (
	"time"

	"github.com/daicho-dev/daicho/events"
)

// QuarantineItem is one refused submission that is kept for mending. It shows no value.
type QuarantineItem struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Source string    `json:"source"`
	Type   string    `json:"type"`
	Rule   string    `json:"rule"` // of the refusal; or token, unreadable, undecided: nothing could be decided
	Field  string    `json:"field"`
}

// QuarantineQuestion asks to see submissions as they came: those named, those of a rule, or (neither) the newest. It is for a purpose or a
// request, and the look is recorded first.
type QuarantineQuestion struct {
	IDs     []string    `json:"ids,omitempty"`
	Rule    string      `json:"rule,omitempty"`
	Purpose events.Word `json:"purpose,omitempty"`
	Request events.ID   `json:"request,omitempty"`
}

// QuarantineOpened are submissions as they came.
type QuarantineOpened struct {
	Items []QuarantineEvent `json:"items"`
}

// QuarantineEvent is one submission as it came: an event, or a text that is none. Behind a wall that the asker is not cleared for, neither.
type QuarantineEvent struct {
	QuarantineItem
	Event    any         `json:"event,omitempty"`
	Text     string      `json:"text,omitempty"`
	Withheld events.Word `json:"withheld,omitempty"` // the wall
}

// QuarantineOrder names what is to be decided again: those named, or those of a rule.
type QuarantineOrder struct {
	IDs  []string `json:"ids,omitempty"`
	Rule string   `json:"rule,omitempty"`
}

// QuarantineResent is what became of submissions that were sent again, in the order in which they were.
type QuarantineResent struct {
	Results []ResentItem `json:"results"`
}

// ResentItem is what became of one. What is recorded, or was already, has left the quarantine; what is refused again stays, under the rule
// that refuses it now, unless that rule forbids to keep it.
type ResentItem struct {
	ID string `json:"id"`
	Receipt
}
