package contracts

import (
	"context"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// Register is everything that people and programs ask of a running engine. The service answers it, and the HTTP client is one: the
// commands and the tests do not know which they talk to.
//
// Who asks is in the context (the service) or in the token (the client). Errors that a caller can do something about are *Problem.
type Register interface {
	Find(ctx context.Context, id events.Identifier) (PersonFound, error)
	Use(ctx context.Context, u UseQuestion) (Receipt, error)
	Dossier(ctx context.Context, q DossierQuestion) (Dossier, error)
	History(ctx context.Context, person string) ([]Recorded, error)
	Explain(ctx context.Context, record string) (Explained, error)
	Due(ctx context.Context, q DueQuestion) (Due, error)
	Calendar(ctx context.Context) (Calendar, error)
	Majority(ctx context.Context, q MajorityQuestion) (Majorities, error)
	Impact(ctx context.Context, q ImpactQuestion) (Impact, error)
	Affected(ctx context.Context, q ImpactQuestion, yield func(Affected) error) error
	Replay(ctx context.Context, q ReplayQuestion, yield func(Recorded) error) error
	Models(ctx context.Context) ([]Model, error)
	Rebuild(ctx context.Context, name string, progress func(Model)) error
	Policies(ctx context.Context) ([]PolicyVersion, error)
	Policy(ctx context.Context) ([]byte, error)
	Obligations(ctx context.Context) ([]Obligation, error)
	Processing(ctx context.Context, lang events.Word) (ProcessingRegister, error)
	Verify(ctx context.Context) (Verified, error)
	Quarantined(ctx context.Context) ([]QuarantineItem, error)
	OpenQuarantined(ctx context.Context, q QuarantineQuestion) (QuarantineOpened, error)
	Resend(ctx context.Context, o QuarantineOrder) (QuarantineResent, error)
	Tokens(ctx context.Context) ([]Token, error)
	CreateToken(ctx context.Context, t Token) (Token, error)
	RevokeToken(ctx context.Context, id string) error
}

// UseQuestion asks the purpose gate.
type UseQuestion struct {
	Person     events.Identifier `json:"person"`
	Purpose    events.Word       `json:"purpose"`
	Categories []events.Word     `json:"categories"`
	By         events.Identity   `json:"by"`
	Reason     events.Word       `json:"reason,omitempty"` // within the purpose, as the catalogue lists them
	Source     string            `json:"source"`
	// Dataset names anonymously processed information that is to be used beside the person's data: always refused, and recorded (APPI 43(5)).
	Dataset events.ID `json:"dataset,omitempty"`
}

// DossierQuestion asks for one person. Person is a pseudonym or `<scheme>:<key>`; KnownAt a position or a moment (RFC 3339).
type DossierQuestion struct {
	Person  string      `json:"person,omitempty"`
	AsOf    time.Time   `json:"asOf,omitzero"`
	KnownAt string      `json:"knownAt,omitempty"`
	Lang    events.Word `json:"lang,omitempty"`
	Sealed  bool        `json:"sealed,omitempty"` // no value is shown, and no purpose needed
	Purpose events.Word `json:"purpose,omitempty"`
	Request events.ID   `json:"request,omitempty"`
}

// DueQuestion asks for deadlines up to a day ("" is today).
type DueQuestion struct {
	By      string
	Purpose events.Word
	After   string // the cursor that the last answer named
	Limit   int
}

// ImpactQuestion asks what lay somewhere in [From, To). KnownAt is a position or a moment.
type ImpactQuestion struct {
	Locations  []events.Word
	Categories []events.Word
	From, To   time.Time
	KnownAt    string
}

// ReplayQuestion narrows the log. Person is a pseudonym or `<scheme>:<key>`.
type ReplayQuestion struct {
	From, To time.Time // of recording
	Type     string    // short or whole
	Person   string
	After    events.Position
}

// PolicyVersion is one published policy.
type PolicyVersion struct {
	Version  events.Word     `json:"version"`
	Position events.Position `json:"position"`
	Current  bool            `json:"current"`
	State    string          `json:"state"`   // announced, in_force, replaced; passed, if it was announced and will never be in force
	From     string          `json:"from"`    // its first day
	Changes  int             `json:"changes"` // in its list
}
