package contracts

import (
	"context"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// Disposals acts on what retention finds: what nothing binds any more is planned, approved by somebody else, and disposed of, exactly as
// approved. Who asks is in the context (the service) or in the token (the client). Errors that a caller can do something about are *Problem.
type Disposals interface {
	// Plan lists what may go, and records the list's digest. With Preview, it only counts.
	Plan(ctx context.Context, q DisposalQuestion) (Disposal, error)
	Disposals(ctx context.Context) ([]Disposal, error)
	Disposal(ctx context.Context, id events.ID) (Disposal, error)
	// Items yields the list of a disposal, with what has become of each record.
	Items(ctx context.Context, id events.ID, yield func(DisposalItem) error) error
	// Approve is the word of the caller on the list with this digest.
	Approve(ctx context.Context, id events.ID, digest events.Word) (Disposal, error)
	// Run disposes of what was approved and is still bound and held by nothing. It may be called again after any failure, and goes on
	// where it was. Progress is told now and then, and of each record that was not disposed of.
	Run(ctx context.Context, id events.ID, progress func(DisposalProgress) error) (Disposal, error)
	// Certificate says what a disposal destroyed, without a word about anybody.
	Certificate(ctx context.Context, id events.ID) (Certificate, error)
	// CheckCertificate compares a certificate with the log, and the vault.
	CheckCertificate(ctx context.Context, c Certificate) (Verified, error)
	// WhatIf says which deadlines would move, and which records would lose their purpose, were a catalogue (JSON) in force today.
	WhatIf(ctx context.Context, catalogue []byte) (WhatIf, error)
}

// WhatIf compares the deadlines of everything held under the policy in force with those under another. A record's deadline is that of the
// binding that keeps it longest.
type WhatIf struct {
	Version  string          `json:"version"`
	Instead  string          `json:"instead"` // the version in force
	On       string          `json:"on"`
	Records  int             `json:"records"`
	Same     int             `json:"same"`
	Earlier  int             `json:"earlier"`  // also those that wait without a day now and would have one
	Later    int             `json:"later"`    // also those that have a day now and would wait without one
	Due      int             `json:"due"`      // bound today, and would not be
	Purposes []WhatIfPurpose `json:"purposes"` // those of which a binding moves
	Lost     int             `json:"lost"`     // bound to purposes alone that the other policy does not know
	Position events.Position `json:"position"`
}

// WhatIfPurpose counts the bindings to one purpose whose deadlines would move.
type WhatIfPurpose struct {
	Purpose events.Word `json:"purpose"`
	Earlier int         `json:"earlier"`
	Later   int         `json:"later"`
	Lost    int         `json:"lost"` // the other policy does not know the purpose
}

// DisposalQuestion asks for a plan: what is due by a day ("" is today, and no later one), of one purpose or of all.
type DisposalQuestion struct {
	By      string      `json:"by,omitempty"`
	Purpose events.Word `json:"purpose,omitempty"`
	Preview bool        `json:"preview,omitempty"`
}

// DisposalApproval approves a list by its digest; without one, the list that was planned.
type DisposalApproval struct {
	Digest events.Word `json:"digest,omitempty"`
}

// Disposal is a list of records to be disposed of, and how far it has come.
type Disposal struct {
	Disposal  events.ID          `json:"disposal,omitempty"` // empty in a preview
	State     string             `json:"state"`              // preview, planned, approved, waiting, done
	By        events.Pseudonym   `json:"by,omitempty"`       // who planned it
	Planned   time.Time          `json:"planned,omitzero"`
	Until     string             `json:"until"`
	Purpose   events.Word        `json:"purpose,omitempty"`
	Digest    events.Word        `json:"digest"`
	Records   int                `json:"records"`
	People    int                `json:"people"`
	Forgets   int                `json:"forgets"`   // people of whom nothing is left: their keys and directory entries go as well
	Remembers int                `json:"remembers"` // people of whom no record is left, but who stay known for a record of provision (APPI 29(2), 30(4))
	Needs     int                `json:"needs"`     // approvals by others that the policy asks for
	Approvals []DisposalApproved `json:"approvals"`
	Reasons   []DisposalReason   `json:"reasons"`
	Disposed  int                `json:"disposed"`
	Left      map[string]int     `json:"left,omitempty"` // records that the last run did not dispose of, by reason: held, bound, gone
	Position  events.Position    `json:"position"`
}

// DisposalApproved is one holder's approval.
type DisposalApproved struct {
	By   events.Pseudonym `json:"by"`
	Time time.Time        `json:"time"`
}

// DisposalReason counts records that are due by one rule.
type DisposalReason struct {
	Purpose events.Word `json:"purpose"`
	Rule    string      `json:"rule"`
	Cause   events.Word `json:"cause"` // retention: the period is over; purpose_met: the purpose ended before
	Records int         `json:"records"`
	People  int         `json:"people,omitempty"` // of whom no record was left before, and whose time of being known is over
	Held    int         `json:"held,omitempty"`   // of them: a case holds them, and their disposal waits for its end
	First   string      `json:"first"`            // the earliest day on which one fell due
}

// DisposalItem is one record of a list; or somebody of whom no record was left before, by the pseudonym alone. Outcome is empty until a run has come to it: disposed, held, bound, gone.
type DisposalItem struct {
	Record   string      `json:"record"`
	Category events.Word `json:"category"`
	Purpose  events.Word `json:"purpose"`
	Rule     string      `json:"rule"`
	Cause    events.Word `json:"cause"`
	Due      string      `json:"due"`
	Held     bool        `json:"held,omitempty"`   // when it was planned
	Forget   bool        `json:"forget,omitempty"` // with all others of the person
	Outcome  string      `json:"outcome,omitempty"`
}

// DisposalProgress is one line of a run: how far it is; or a record that was not disposed of, and why; the last one has the disposal.
type DisposalProgress struct {
	Done     int       `json:"done"`
	Total    int       `json:"total"`
	Record   string    `json:"record,omitempty"`
	Reason   string    `json:"reason,omitempty"` // held, bound, gone
	Disposal *Disposal `json:"disposal,omitempty"`
}

// Certificate says what a disposal destroyed. It names nobody, and can be checked against the log it was made from.
type Certificate struct {
	Certificate string                 `json:"certificate"` // "daicho.disposal.v1"
	Disposal    events.ID              `json:"disposal"`
	Policy      string                 `json:"policy"` // the version that it was planned under
	Until       string                 `json:"until"`
	Purpose     events.Word            `json:"purpose,omitempty"`
	List        events.Word            `json:"list"` // the digest of what was approved
	Planned     CertificateMark        `json:"planned"`
	Needs       int                    `json:"needs"`
	Approved    []CertificateMark      `json:"approved"` // each by somebody else than who planned it, as far as the policy asks for that
	Executed    []CertificateMark      `json:"executed"`
	Records     int                    `json:"records"`
	Disposed    int                    `json:"disposed"`
	Forgotten   int                    `json:"forgotten"`           // people of whom nothing is left
	Remembered  int                    `json:"remembered,omitzero"` // people of whom no record was to be left, but who stay known for a record of provision
	Left        map[string]int         `json:"left,omitempty"`
	Rules       []CertificateRule      `json:"rules"`
	Recalled    map[events.Word]int    `json:"recalled,omitempty"` // recalls that went out before, by recipient
	Destruction CertificateDestruction `json:"destruction"`
	Proof       string                 `json:"proof"` // SHA-256 over positions and contents of all deletions and destructions of this disposal
	Position    events.Position        `json:"position"`
	Caveats     []string               `json:"caveats"`
	Digest      string                 `json:"digest"` // SHA-256 over the canonical JSON (RFC 8785) of all the rest
}

// CertificateMark is an event of the disposal.
type CertificateMark struct {
	Time     time.Time       `json:"time"`
	Position events.Position `json:"position"`
}

// CertificateRule counts what went by one rule.
type CertificateRule struct {
	Rule    events.Word `json:"rule"`
	Cause   events.Word `json:"cause"`
	Records int         `json:"records"`
}

// CertificateDestruction counts deletions by what has become of their keys.
type CertificateDestruction struct {
	Deletions int            `json:"deletions"`
	Final     int            `json:"final"`             // the keys are gone from disk
	Waits     map[string]int `json:"waits,omitempty"`   // final only when this epoch of the root key is destroyed: by epoch
	Pending   int            `json:"pending,omitempty"` // not yet destroyed when the certificate was made
}
