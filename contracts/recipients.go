package contracts

import (
	"context"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// Recipients answers what has been handed to others: on which paper, what lies there, what was asked back, and what was provided to third
// parties or received from them.
//
// Who asks is in the context (the service) or in the token (the client). Errors that a caller can do something about are *Problem.
type Recipients interface {
	Recipients(ctx context.Context) (RecipientList, error)
	Recipient(ctx context.Context, id events.Word) (RecipientFile, error)
	// Exposure says whose and what data lies with a recipient at a moment. It rests on the same presence as an impact.
	Exposure(ctx context.Context, q ExposureQuestion) (Exposure, error)
	Recalls(ctx context.Context, q RecallQuestion) (RecallList, error)
	// Provisions are the records of APPI 29 and 30. With a purpose or a request they are opened for the person whom they are about, the
	// look at them recorded first; without, no sealed part is shown.
	Provisions(ctx context.Context, q ProvisionQuestion) (ProvisionList, error)
}

// RecipientList is every recipient, those of the past too.
type RecipientList struct {
	Recipients []RecipientLine `json:"recipients"`
	Position   events.Position `json:"position"`
}

// RecipientLine is one recipient as it was registered or reviewed last.
type RecipientLine struct {
	ID        events.Word           `json:"id"`
	Name      string                `json:"name"`
	Country   events.Country        `json:"country"`
	Kinds     []events.Word         `json:"kinds"`
	Tasks     []events.Word         `json:"tasks"` // of entrustment: procurement of goods, provision of services
	Purposes  []events.Word         `json:"purposes"`
	State     string                `json:"state"` // active, ended
	Safeguard events.Word           `json:"safeguard"`
	Contract  *events.Contract      `json:"contract"`
	ReviewDue events.Day            `json:"reviewDue"`
	Findings  []SupervisionFinding  `json:"findings"` // what is missing or late today
	Recalls   RecipientRecallCounts `json:"recalls"`
}

// SupervisionFinding is something missing or late in the supervision of a recipient (APPI 25, 28, 29).
type SupervisionFinding struct {
	Word events.Word `json:"word"`
	Text string      `json:"text"`
}

// RecipientRecallCounts counts the recalls from one recipient that are not confirmed.
type RecipientRecallCounts struct {
	Open    int `json:"open"`
	Overdue int `json:"overdue"` // of them
}

// RecipientFile is all that is on file about a recipient. The representative is sealed, and is shown where a record of provision is opened.
type RecipientFile struct {
	RecipientLine  `json:",inline"`
	Since          time.Time         `json:"since"`
	Reviewed       *time.Time        `json:"reviewed"`
	Ended          *time.Time        `json:"ended"`
	Countries      []events.Country  `json:"countries"`  // where it handles data besides its own
	Categories     []events.Word     `json:"categories"` // the most that its contract covers; none: what each purpose permits
	Reentrusts     []string          `json:"reentrusts"`
	Selection      *events.Selection `json:"selection"`
	Abroad         *events.Abroad    `json:"abroad"`
	RecallDays     int               `json:"recallDays"` // to confirm a recall
	Webhook        string            `json:"webhook"`
	Address        string            `json:"address"`
	Representative bool              `json:"representative"` // is on file
	Position       events.Position   `json:"position"`
}

// ExposureQuestion asks what lies with a recipient. AsOf zero is now; KnownAt a position or a moment.
type ExposureQuestion struct {
	Recipient events.Word
	AsOf      time.Time
	KnownAt   string
	Limit     int // people to list; 0 is 100, at most 10,000
}

// Exposure is whose and what data lies with a recipient. It counts as being there until the recipient confirms that it is not.
type Exposure struct {
	Recipient events.Word     `json:"recipient"`
	AsOf      time.Time       `json:"asOf"`
	Position  events.Position `json:"position"`
	People    ImpactPeople    `json:"people"`
	Records   ImpactRecords   `json:"records"`
	Special   int             `json:"special"`
	Financial int             `json:"financial"`
	Who       []Exposed       `json:"who"`  // in the order of pseudonyms
	More      int             `json:"more"` // people beyond those listed
	Recalled  []RecallLine    `json:"recalled"`
	Caveats   []string        `json:"caveats"`
}

// Exposed is one person of whom a recipient has something.
type Exposed struct {
	Person     events.Pseudonym `json:"person"`
	Categories []events.Word    `json:"categories"`
	Forgotten  bool             `json:"forgotten"`
}

// RecallQuestion asks for recalls.
type RecallQuestion struct {
	Recipient events.Word
	All       bool            // confirmed ones too
	After     events.Position // the cursor that the last answer named
	Limit     int             // 0 is 100, at most 10,000
}

// RecallList is recalls in the order in which they were asked.
type RecallList struct {
	Recalls  []RecallLine     `json:"recalls"`
	Next     *events.Position `json:"next"`
	Position events.Position  `json:"position"`
}

// RecallLine is one recall: what a recipient was asked to give back or destroy.
type RecallLine struct {
	Recall    events.ID   `json:"recall"`
	Recipient events.Word `json:"recipient"`
	State     string      `json:"state"` // open, overdue, confirmed
	Asked     time.Time   `json:"asked"`
	Due       events.Day  `json:"due"`
	People    int         `json:"people"`
	Records   int         `json:"records"`
	Left      int         `json:"left"` // records that count as being there still
	Confirmed *time.Time  `json:"confirmed"`
}

// ProvisionQuestion asks for records of provision. Person is a pseudonym or `<scheme>:<key>`.
type ProvisionQuestion struct {
	Person    string          `json:"person,omitempty"`
	Recipient events.Word     `json:"recipient,omitempty"`
	Kind      string          `json:"kind,omitempty"` // provided, received
	After     events.Position `json:"after,omitzero"`
	Limit     int             `json:"limit,omitzero"` // 0 is 100, at most 1,000
	Purpose   events.Word     `json:"purpose,omitempty"`
	Request   events.ID       `json:"request,omitempty"`
}

// ProvisionList is records of provision in the order of the log.
type ProvisionList struct {
	Provisions []ProvisionRecord `json:"provisions"`
	Next       *events.Position  `json:"next"`
	Position   events.Position   `json:"position"`
	Caveats    []string          `json:"caveats"`
}

// ProvisionRecord is the record of one provision to a third party (APPI 29, Rule 20), or of one receiving from a third party (APPI 30,
// Rule 24): to whom or from whom, of whom, which items, on which ground. The event at its position is the record.
type ProvisionRecord struct {
	Position       events.Position  `json:"position"`
	Kind           string           `json:"kind"` // provided, received
	Law            string           `json:"law"`
	Person         events.Pseudonym `json:"person"`
	Forgotten      bool             `json:"forgotten"` // the pseudonym leads nowhere any more
	Recipient      events.Word      `json:"recipient"` // of a receiving: who provided
	Name           string           `json:"name"`
	Address        string           `json:"address"`
	Representative any              `json:"representative"` // null unless the record is opened
	Made           time.Time        `json:"made"`
	Items          []events.Word    `json:"items"` // categories
	Purpose        events.Word      `json:"purpose,omitempty"`
	Basis          events.Word      `json:"basis,omitempty"`
	Consent        bool             `json:"consent"` // the person's consent was there
	Route          events.Word      `json:"route,omitempty"`
	Country        events.Country   `json:"country,omitempty"`
	Acquired       events.Word      `json:"acquired,omitempty"` // of a receiving: how the provider came by it
	KeepUntil      string           `json:"keepUntil"`          // a civil day, through which the record must be there
	KeepRule       string           `json:"keepRule"`
}

// Notices are how recipients are told of recalls, at their webhooks, and how they answer.
type Notices interface {
	// Notices lists the recalls that recipients have not been told of, or all that are open.
	Notices(ctx context.Context, all bool) (NoticeList, error)
	// SendAgain lets a notice that was given up be tried again, from its first try.
	SendAgain(ctx context.Context, recall events.ID) (NoticeLine, error)
	// WebhookSecret is what a recipient checks notices with. It changes with the webhook's address.
	WebhookSecret(ctx context.Context, recipient events.Word) (WebhookSecret, error)
	// Confirm records that a recipient has given back or destroyed what a recall names. The token of the latest notice is the right to.
	Confirm(ctx context.Context, recall events.ID, c RecallConfirmation) (Receipt, error)
}

// NoticeList is notices in the order in which their recalls were asked.
type NoticeList struct {
	Notices  []NoticeLine    `json:"notices"`
	Position events.Position `json:"position"`
}

// NoticeLine is how far a recipient has been told of one recall.
type NoticeLine struct {
	Recall    events.ID   `json:"recall"`
	Recipient events.Word `json:"recipient"`
	State     string      `json:"state"` // waiting, taken, poisoned (given up: send it again), by_hand (no webhook is on file)
	Attempts  int         `json:"attempts"`
	Tried     *time.Time  `json:"tried"` // last
	Reason    string      `json:"reason"`
	Due       events.Day  `json:"due"`
}

// WebhookSecret is a key in the form of Standard Webhooks: whsec_ and base64.
type WebhookSecret struct {
	Recipient events.Word `json:"recipient"`
	Secret    string      `json:"secret"`
}

// RecallConfirmation is a recipient's answer to a recall.
type RecallConfirmation struct {
	Token       string     `json:"token"`
	Certificate events.Key `json:"certificate,omitempty"` // the number of a certificate of destruction; only its tag is kept
}

// RecallNotice is the body of what a recipient is told. It holds no value and no identifier from outside: records are named as the register
// names them, and by the tag of their key.
type RecallNotice struct {
	Type      string           `json:"type"` // daicho.recall_requested.v1
	Recall    events.ID        `json:"recall"`
	Recipient events.Word      `json:"recipient"`
	Asked     time.Time        `json:"asked"`
	Due       events.Day       `json:"due"` // the last day to confirm
	Records   []RecalledRecord `json:"records"`
	Confirm   ConfirmBy        `json:"confirm"`
}

// RecalledRecord is one record that is asked back.
type RecalledRecord struct {
	Record   string      `json:"record"` // <person>.<number>
	Category events.Word `json:"category"`
	Tag      events.Key  `json:"tag"`
}

// ConfirmBy says how a recall is confirmed: POST {"token"} to this path of the engine.
type ConfirmBy struct {
	Path  string `json:"path"`
	Token string `json:"token"`
}
