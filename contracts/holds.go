package contracts

import (
	"context"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// Holds keeps records from disposal for a case, and lets them go. Who asks is in the context (the service) or in the token (the client).
type Holds interface {
	// Holds lists what stands, by case. It reads everybody's fold.
	Holds(ctx context.Context) ([]Hold, error)
	// Hold places or releases one hold of one person.
	Hold(ctx context.Context, h HoldOrder) (Receipt, error)
}

// HoldOrder places or releases. Without a matter and categories it is about everything of the person that is there; placed by matter, it
// also holds later records of the matter.
type HoldOrder struct {
	Case       string            `json:"case"`
	Person     events.Identifier `json:"person"` // `<scheme>:<key>`, or `person:<pseudonym>`
	Release    bool              `json:"release,omitempty"`
	Matter     string            `json:"matter,omitempty"`
	Categories []events.Word     `json:"categories,omitempty"`
}

// Hold is one hold that stands.
type Hold struct {
	Case    string           `json:"case"`
	Person  events.Pseudonym `json:"person"`
	Records int              `json:"records"`
	Matter  bool             `json:"matter,omitempty"` // later records of a matter are held as well
	Since   time.Time        `json:"since"`
}
