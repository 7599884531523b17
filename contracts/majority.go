package contracts

import (
	"time"

	"github.com/daicho-dev/daicho/events"
)

// MajorityQuestion asks who reaches majority up to a month ("2031-04"; "" is this month).
type MajorityQuestion struct {
	By    string
	After string // the cursor that the last answer named
	Limit int
}

// Majorities lists minors by the month in which they are of age by the policy's table; whoever was told of it, and has nothing left that
// stands on a guardian's word, is no longer listed.
type Majorities struct {
	By       string          `json:"by"`
	Position events.Position `json:"position"`
	Items    []MajorityItem  `json:"items"`
	Next     *string         `json:"next"`
	Total    int             `json:"total"`
	Later    int             `json:"later"` // minors whose month is after By
}

// MajorityItem is one minor. Of the birthdate nothing finer than a month is kept, so a month counts when it is over.
type MajorityItem struct {
	Person   events.Pseudonym  `json:"person"`
	Country  events.Word       `json:"country"`
	Month    events.Month      `json:"month"` // of majority by the policy: from then on the person consents themselves
	Civil    events.Month      `json:"civil"` // of majority by civil law: from then on they ask alone
	State    string            `json:"state"` // minor, asks_alone, of_age
	Told     *time.Time        `json:"told"`  // when the milestone majority.reached says that it was; null before
	Consents []GuardianConsent `json:"consents"`
}

// GuardianConsent stands on a guardian's word. At majority it still stands; the person is told, and confirms, changes or withdraws it.
type GuardianConsent struct {
	Purpose events.Word `json:"purpose"`
	Since   time.Time   `json:"since"`
}
