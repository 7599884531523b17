package contracts

import (
	"time"

	"github.com/daicho-dev/daicho/events"
)

// The answers to questions, as they travel: the service, the HTTP client, the commands and the tests share these types.
// Times are RFC 3339 in UTC, days are civil days in the company's zone, positions are opaque strings.

// Status is what became of one submission.
type Status string

// The three outcomes. All are answers; only recorded and duplicate stand in the log.
const (
	StatusRecorded  Status = "recorded"
	StatusDuplicate Status = "duplicate"
	StatusRefused   Status = "refused"
)

// Receipt answers one submission.
type Receipt struct {
	Status   Status           `json:"status"`
	Position events.Position  `json:"position,omitzero"`
	Person   events.Pseudonym `json:"person,omitempty"`
	Rule     string           `json:"rule,omitempty"`
	Field    string           `json:"field,omitempty"`
	Text     string           `json:"text,omitempty"`
	Law      string           `json:"law,omitempty"`     // that the rule comes from
	Allowed  *bool            `json:"allowed,omitempty"` // of a use
}

// Receipts answers a batch: one a submission, in order.
type Receipts struct {
	Results []Receipt `json:"results"`
}

// Problem is RFC 9457 problem details. Code is one of a closed set; nothing of what was submitted is in it.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Code   string `json:"code"`
	Rule   string `json:"rule,omitempty"`
	Field  string `json:"field,omitempty"`
	Law    string `json:"law,omitempty"` // that the rule comes from
}

// Refused is the answer to somebody who sent one thing, and it was refused.
func Refused(title string, r Receipt) *Problem {
	return &Problem{Type: "about:blank", Title: title, Status: 422, Code: "refused", Rule: r.Rule, Field: r.Field, Detail: r.Text, Law: r.Law}
}

// Error makes a problem an error.
func (p *Problem) Error() string {
	if p.Field != "" {
		return p.Title + " (" + p.Code + " at " + p.Field + "): " + p.Detail
	}
	return p.Title + " (" + p.Code + "): " + p.Detail
}

// PersonFound answers a look-up by identifier.
type PersonFound struct {
	Person events.Pseudonym `json:"person"`
}

// Because is an event that an answer rests on.
type Because struct {
	Event    string          `json:"event"`
	Word     string          `json:"word,omitempty"` // the milestone, the purpose …
	Position events.Position `json:"position"`
	Time     time.Time       `json:"time"`
}

// Dossier is what is held about one person, as of a moment, and what can be shown of it.
type Dossier struct {
	Person         events.Pseudonym   `json:"person"`
	United         []events.Pseudonym `json:"united,omitempty"` // every pseudonym that the links united, the asked one first
	AsOf           time.Time          `json:"asOf"`
	KnownAt        events.Position    `json:"knownAt"`
	Position       events.Position    `json:"position"`
	Records        []DossierRecord    `json:"records"`
	Consents       []DossierConsent   `json:"consents"`
	Requests       []DossierRequest   `json:"requests"`
	Looks          []Look             `json:"looks"`
	History        []HistoryLine      `json:"history"`
	NotDisclosable []NotDisclosable   `json:"notDisclosable"`
	Caveats        []string           `json:"caveats"`
}

// DossierRecord is one record: a value of one category. Value is null when it is not shown, or destroyed.
type DossierRecord struct {
	ID         string             `json:"id"`
	Key        *string            `json:"key"`
	Category   events.Word        `json:"category"`
	Value      any                `json:"value"`
	State      string             `json:"state"` // live, suspended, disposed
	Operation  events.Word        `json:"operation"`
	Location   []events.Word      `json:"location"`
	Collected  time.Time          `json:"collected"`
	Source     string             `json:"source"`
	Purposes   []DossierPurpose   `json:"purposes"`
	Recipients []DossierRecipient `json:"recipients"`
	Deadline   *Deadline          `json:"deadline"`
}

// DossierPurpose is one binding of a record to a purpose.
type DossierPurpose struct {
	ID    events.Word `json:"id"`
	Basis events.Word `json:"basis"`
	State string      `json:"state"` // live, ended
	Since time.Time   `json:"since"`
	Until *time.Time  `json:"until"`
}

// DossierRecipient is a recipient that has a record, or had it until it confirmed its disposal.
type DossierRecipient struct {
	ID    events.Word `json:"id"`
	Since time.Time   `json:"since"`
	Until *time.Time  `json:"until"`
}

// Deadline says until when a record may live: the longest of its bindings, and what holds it beyond.
type Deadline struct {
	Due     string        `json:"due"` // a civil day, through which the record may live; empty while it waits without limit
	Purpose events.Word   `json:"purpose,omitempty"`
	Rule    string        `json:"rule"`
	Because []Because     `json:"because"`
	Waiting []events.Word `json:"waiting,omitempty"` // milestones that have not been reached
	Gap     bool          `json:"gap,omitempty"`     // the day is a fallback: what should have ended the purpose never came
	Held    []string      `json:"held"`              // cases
}

// DossierConsent is one consent as it stands.
type DossierConsent struct {
	Purpose events.Word `json:"purpose"`
	State   string      `json:"state"` // given, withdrawn
	By      events.Word `json:"by"`
	Notice  events.Word `json:"notice,omitempty"`
	Since   time.Time   `json:"since"`
}

// DossierRequest is a disclosure request of the person.
type DossierRequest struct {
	ID    events.ID `json:"id"`
	Kind  string    `json:"kind"`
	Since time.Time `json:"since"`
}

// Look is a look at clear values.
type Look struct {
	Time       time.Time        `json:"time"`
	By         events.Pseudonym `json:"by"`
	Role       events.Word      `json:"role"`
	Purpose    events.Word      `json:"purpose"`
	Categories []events.Word    `json:"categories"`
	Request    events.ID        `json:"request,omitempty"`
}

// HistoryLine is one event of the person, without its data.
type HistoryLine struct {
	Position events.Position `json:"position"`
	Time     time.Time       `json:"time"`
	Recorded time.Time       `json:"recorded"`
	Type     string          `json:"type"` // short
	Source   string          `json:"source"`
	Policy   string          `json:"policy"`
}

// NotDisclosable counts what is held but is not the company's to disclose, and why (APPI 16(4), Order 5).
type NotDisclosable struct {
	Reason string      `json:"reason"`
	Client events.Word `json:"client,omitempty"` // of entrusted data: whom a request about it is forwarded to
	Count  int         `json:"count"`
}

// Explained says why one record is still here, when it goes and who has it.
type Explained struct {
	Record     string             `json:"record"`
	Person     events.Pseudonym   `json:"person"`
	Category   events.Word        `json:"category"`
	State      string             `json:"state"`
	Purposes   []DossierPurpose   `json:"purposes"`
	Deadline   *Deadline          `json:"deadline"`
	Bindings   []BindingDeadline  `json:"bindings"` // the deadline of each live binding; the longest is the record's
	Recipients []DossierRecipient `json:"recipients"`
	Locations  []events.Word      `json:"locations"`
	Because    []Because          `json:"because"`
	Position   events.Position    `json:"position"`
}

// BindingDeadline is the deadline of one binding.
type BindingDeadline struct {
	Purpose events.Word `json:"purpose"`
	Deadline
}

// Due lists deadlines up to a day.
type Due struct {
	By       string          `json:"by"`
	Position events.Position `json:"position"`
	Items    []DueItem       `json:"items"`
	Next     *string         `json:"next"`
	Total    int             `json:"total"`
	// Forgettable counts people of whom no record is left and no record of provision need be kept any more by then (APPI 29(2), 30(4)): a
	// disposal forgets them. Only where no purpose is asked for.
	Forgettable int `json:"forgettable"`
}

// DueItem is one record and purpose whose period has ended by then. State says whether the whole record may go (nothing else binds it).
type DueItem struct {
	Record   string           `json:"record"`
	Person   events.Pseudonym `json:"person"`
	Category events.Word      `json:"category"`
	Purpose  events.Word      `json:"purpose"`
	Due      string           `json:"due"`
	Rule     string           `json:"rule"`
	Because  []Because        `json:"because"`
	Held     []string         `json:"held"`
	Gap      bool             `json:"gap,omitempty"`
	Whole    bool             `json:"whole"`            // no other binding keeps the record: it is to be disposed of
	KeptBy   []KeptBy         `json:"keptBy,omitempty"` // the bindings that do, the longest first
}

// KeptBy is a binding that keeps a record of which another is over, and what would let it go.
type KeptBy struct {
	Purpose events.Word   `json:"purpose"`
	Rule    string        `json:"rule"`
	Due     string        `json:"due,omitempty"`     // empty while it waits without limit
	Waiting []events.Word `json:"waiting,omitempty"` // milestones that would begin its period; the day, if there is one, is how long it waits for them
	Law     bool          `json:"law,omitempty"`     // a law sets the period
}

// Calendar counts deadlines per month and purpose.
type Calendar struct {
	Position events.Position `json:"position"`
	Months   []CalendarMonth `json:"months"`
	Waiting  int             `json:"waiting"` // bindings without a day yet
}

// CalendarMonth counts the bindings that end in a month.
type CalendarMonth struct {
	Month    string              `json:"month"` // 2026-04
	Total    int                 `json:"total"`
	Purposes map[events.Word]int `json:"purposes"`
}

// Impact says who and what a leak touched.
type Impact struct {
	Scope    Scope           `json:"scope"`
	Position events.Position `json:"position"`
	People   ImpactPeople    `json:"people"`
	Records  ImpactRecords   `json:"records"`
	Special  int             `json:"special"`
	Finance  int             `json:"financial"`
	Clients  []ImpactClient  `json:"clients,omitempty"` // of entrusted data: who is to be told (APPI 26(1), GDPR 33(2))
	Duties   []Duty          `json:"duties"`
	Caveats  []string        `json:"caveats"`
	Digest   string          `json:"digest"`
}

// Scope is the question: what lay at these places in [From, To), as the register knew at KnownAt.
type Scope struct {
	Locations  []events.Word   `json:"locations"`
	Categories []events.Word   `json:"categories,omitempty"`
	From       time.Time       `json:"from"`
	To         time.Time       `json:"to"`
	KnownAt    events.Position `json:"knownAt"`
}

// ImpactPeople counts people: pseudonyms united by the links that stand as of the window's end.
type ImpactPeople struct {
	Total     int            `json:"total"`
	ByCountry map[string]int `json:"byCountry"`
	ByKind    map[string]int `json:"byKind"`
	Minors    int            `json:"minors"`
	Forgotten int            `json:"forgotten"`
}

// ImpactRecords counts records.
type ImpactRecords struct {
	Total      int            `json:"total"`
	ByCategory map[string]int `json:"byCategory"`
}

// ImpactClient counts what of a client's entrusted data a leak touched.
type ImpactClient struct {
	Client  events.Word `json:"client"`
	People  int         `json:"people"`
	Records int         `json:"records"`
}

// Duty is something that the law asks for after a breach like this.
type Duty struct {
	Regime  string `json:"regime"`
	Rule    string `json:"rule"`
	Because string `json:"because"`
	Due     string `json:"due"`
}

// Affected is one line of the list behind an impact.
type Affected struct {
	Person      events.Pseudonym `json:"person"`
	United      int              `json:"united,omitempty"` // pseudonyms in one, if more than one
	Categories  []events.Word    `json:"categories"`
	First       time.Time        `json:"first"` // of presence in the window
	Last        time.Time        `json:"last"`
	Contactable bool             `json:"contactable"`
	Forgotten   bool             `json:"forgotten"`
}

// Model is the state of one projection.
type Model struct {
	Name     string          `json:"name"`
	Position events.Position `json:"position"`
	Lag      uint64          `json:"lag"`   // events between it and the log's head, at most
	State    string          `json:"state"` // live, catching up, rebuilding, stuck, standby (another instance applies), unknown (its process does not answer)
	Error    string          `json:"error,omitempty"`
	People   *int            `json:"people,omitempty"`
	Events   map[string]int  `json:"events,omitempty"`
}

// Recorded is one event of the log as replay prints it.
type Recorded struct {
	Position events.Position  `json:"position"`
	Recorded time.Time        `json:"recorded"`
	Time     time.Time        `json:"time"`
	Type     string           `json:"type"`
	Source   string           `json:"source"`
	Stream   string           `json:"stream"`
	Person   events.Pseudonym `json:"person,omitempty"`
	Policy   string           `json:"policy"`
	Data     any              `json:"data"`
}

// Verified is the answer of a check of everything that can be checked.
type Verified struct {
	OK     bool    `json:"ok"`
	Checks []Check `json:"checks"`
}

// Check is one check, over Count things.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Count  int    `json:"count"`
	Detail string `json:"detail,omitempty"`
	// By is the process that made it, where the engine runs as several: its parts, as "office" or "dossier,retention"; of a second one
	// with the same parts, "dossier (2)". Of a part that could not be asked, the check fails and says why.
	By string `json:"by,omitempty"`
}

// Obligation is one sentence of the policy and the evidence that it is kept.
type Obligation struct {
	ID       string     `json:"id"`
	Text     string     `json:"text"`
	State    string     `json:"state"` // kept, gap, unproved
	Evidence []Evidence `json:"evidence"`
	Caveats  []string   `json:"caveats"`
}

// Evidence is what the log shows.
type Evidence struct {
	What     string          `json:"what"`
	Count    int             `json:"count"`
	Since    *time.Time      `json:"since"`
	Position events.Position `json:"position"`
}

// Token is a bearer of a role. The secret is shown once, when it is made.
type Token struct {
	ID      string        `json:"id"`
	Role    events.Word   `json:"role"`
	Holder  string        `json:"holder"`            // staff:<key>, so that a look names somebody
	Sources []string      `json:"sources,omitempty"` // prefixes that an emitter may write under
	Types   []string      `json:"types,omitempty"`   // steering types that an emitter may write
	Walls   []events.Word `json:"walls,omitempty"`   // behind which the holder may look, and ask for uses
	Created time.Time     `json:"created"`
	Secret  string        `json:"secret,omitempty"`
}
