package events

import "github.com/go-json-experiment/json/jsontext"

// What happens to the organisation: its policy, its recipients, its desks. Facts that name nobody are clear; what a clerk
// writes freely is a Secret, sealed under a key of the stream.

// PolicyPublished makes a catalogue known. From here events are decided under it; or, where its first day is still to come, from
// PolicyEffective on: until then it is announced.
type PolicyPublished struct {
	Version   Word           `json:"version" daicho:"required"`
	Catalogue jsontext.Value `json:"catalogue" daicho:"required"`
	Changes   []Change       `json:"changes,omitempty"`
	Waits     bool           `json:"waits,omitzero" daicho:"engine"` // for its first day
}

// PolicyEffective puts a catalogue that was announced into force, on its first day.
type PolicyEffective struct {
	Version Word `json:"version" daicho:"required"`
}

// Change is one line of the public list of changes.
type Change struct {
	Text  map[Word]Text `json:"text" daicho:"required"` // by language
	Major bool          `json:"major,omitzero"`
}

// Recipient registers, reviews or ends a recipient (recipient_registered, _reviewed, _ended): supervision of entrustees,
// APPI 25, and the routes abroad of APPI 28.
type Recipient struct {
	Recipient  Word      `json:"recipient" daicho:"required"`
	Name       Text      `json:"name,omitempty"`
	Country    Country   `json:"country,omitempty"`
	Kinds      []Word    `json:"kinds,omitempty" oneof:"entrusted|third_party|joint_use|succession"`
	Purposes   []Word    `json:"purposes,omitempty"`
	Contract   *Contract `json:"contract,omitempty"`
	Safeguard  Word      `json:"safeguard,omitempty" oneof:"domestic|designated_country|equivalent_system|consent"`
	ReviewDue  Day       `json:"reviewDue,omitempty"`
	Reentrusts []Text    `json:"reentrusts,omitempty"` // to whom it hands on, with our leave

	Countries      []Country  `json:"countries,omitempty"`                           // where it handles data besides its own country
	Tasks          []Word     `json:"tasks,omitempty" oneof:"procurement|provision"` // of entrustment: procuring goods, or providing services
	Categories     []Word     `json:"categories,omitempty"`                          // the most that its contract covers; none: what each purpose permits
	Selection      *Selection `json:"selection,omitempty"`
	Abroad         *Abroad    `json:"abroad,omitempty"`
	RecallDays     int        `json:"recallDays,omitzero"` // civil days to confirm a recall; none: the policy's
	Webhook        Text       `json:"webhook,omitempty"`   // where it is told of recalls
	Address        Text       `json:"address,omitempty"`
	Representative Secret     `json:"representative,omitzero"` // of a company, for records of provision
	By             Identity   `json:"by,omitempty"`            // who registered, reviewed or ended it
}

// Selection is why a recipient was found fit: the first duty of whoever entrusts (APPI 25 and its guideline: selection, contract, supervision).
type Selection struct {
	On      Day    `json:"on" daicho:"required"`
	Reasons []Text `json:"reasons" daicho:"required"`
}

// Abroad is what people are told before they consent to a provision abroad (APPI 28(2), Rule 17(2)), and what is looked at again where the
// recipient's own system is relied on (28(3)).
type Abroad struct {
	System   Text `json:"system,omitempty"`   // the country's system of protection
	Measures Text `json:"measures,omitempty"` // the recipient's own
}

// Contract is the paper that a recipient works under.
type Contract struct {
	Ref  Text `json:"ref" daicho:"required"`
	From Day  `json:"from" daicho:"required"`
	To   Day  `json:"to,omitempty"`
}

// ServiceEnded says that entrusted work for a client is over.
type ServiceEnded struct {
	Client Word `json:"client" daicho:"required"`
}

// Request is one step of a disclosure request (request_received … request_closed).
type Request struct {
	Request ID       `json:"request" daicho:"required"`
	Kind    Word     `json:"kind,omitempty" oneof:"NOTIFY_PURPOSE|DISCLOSE|DISCLOSE_3P_RECORD|CORRECT|ADD|DELETE_CONTENT|CEASE_USE|ERASE|CEASE_PROVISION|RESTRICT|PORT|OBJECT|WITHDRAW_CONSENT"`
	Person  Identity `json:"person,omitempty"`
	By      Identity `json:"by,omitempty"`
	Channel Word     `json:"channel,omitempty" oneof:"web|counter|phone|mail|app|hand|form"`
	Papers  []Word   `json:"papers,omitempty"`
	Method  Word     `json:"method,omitempty"`
	Outcome Word     `json:"outcome,omitempty"`
	Reason  Word     `json:"reason,omitempty"`
	Amount  int      `json:"amount,omitzero"` // yen
	Due     Day      `json:"due,omitempty"`
	Note    Secret   `json:"note,omitzero"`
}

// Complaint is one step of a complaint (complaint_received, _answered, _closed).
type Complaint struct {
	Complaint ID       `json:"complaint" daicho:"required"`
	Person    Identity `json:"person,omitempty"`
	By        Identity `json:"by,omitempty"`
	Channel   Word     `json:"channel,omitempty"`
	Due       Day      `json:"due,omitempty"`
	Outcome   Word     `json:"outcome,omitempty"`
	Note      Secret   `json:"note,omitzero"`
}

// Incident is one step of an incident (incident_opened … incident_closed).
type Incident struct {
	Incident   ID       `json:"incident" daicho:"required"`
	By         Identity `json:"by,omitempty"`
	Kind       Word     `json:"kind,omitempty"`
	Aware      Instant  `json:"aware,omitempty"`
	Locations  []Word   `json:"locations,omitempty"`
	Categories []Word   `json:"categories,omitempty"`
	From       Instant  `json:"from,omitempty"`
	To         Instant  `json:"to,omitempty"`
	Authority  Word     `json:"authority,omitempty"`
	Digest     Word     `json:"digest,omitempty"`
	People     int      `json:"people,omitzero"`
	Note       Secret   `json:"note,omitzero"`
}

// Dataset is one step in the life of anonymously processed information (APPI 2(6), 43, 44): dataset_anonymized, with all that was
// measured; _published; _used; _provided; _destroyed; _join_refused.
type Dataset struct {
	Dataset     ID          `json:"dataset" daicho:"required"`
	By          Identity    `json:"by,omitempty"`
	Items       []Word      `json:"items,omitempty"`      // categories of information contained (Rules 36, 37)
	Empty       []Word      `json:"empty,omitempty"`      // of the recipe's columns that held no value and were left out
	Categories  []Word      `json:"categories,omitempty"` // of the source; or, of a join that was refused, those that were to be joined
	Purpose     Word        `json:"purpose,omitempty"`
	Recipe      Word        `json:"recipe,omitempty"`  // digest
	Steps       []Word      `json:"steps,omitempty"`   // item/step
	Digest      Word        `json:"digest,omitempty"`  // of the rows, as CSV
	Parquet     Word        `json:"parquet,omitempty"` // digest of the same rows as a Parquet file
	Rows        int         `json:"rows,omitzero"`
	People      int         `json:"people,omitzero"`
	Groups      int         `json:"groups,omitzero"`   // of rows that are alike in every quasi-identifier
	K           int         `json:"k,omitzero"`        // people of the smallest group
	MaxRisk     int         `json:"maxRisk,omitzero"`  // prosecutor risk of the smallest group, in parts of a million
	MeanRisk    int         `json:"meanRisk,omitzero"` // its mean over the rows, in parts of a million
	L           int         `json:"l,omitzero"`        // least different values of a sensitive column in a group
	T           int         `json:"t,omitzero"`        // farthest distribution of a sensitive column in a group, in parts of a million
	Alone       int         `json:"alone,omitzero"`    // rows that no other person shares in all columns, sensitive ones included
	Linked      int         `json:"linked,omitzero"`   // rows of the source that were tried as keys into the output
	Suppressed  *Suppressed `json:"suppressed,omitempty"`
	Criteria    []Criterion `json:"criteria,omitempty"`    // Rule 34, nos. 1 to 5
	Destroyed   []Word      `json:"destroyed,omitempty"`   // mapping tables and random parameters of the making
	DestroyedAt Instant     `json:"destroyedAt,omitempty"` // when they were; before the dataset left the engine
	Methods     []Word      `json:"methods,omitempty"`     // of a publication: how it is going to be provided
	Method      Word        `json:"method,omitempty"`      // of a provision: how it was
	Recipient   Word        `json:"recipient,omitempty"`
	Label       Word        `json:"label,omitempty"` // what the recipient is told that it is (APPI 44; Rule 38)
	Note        Secret      `json:"note,omitzero"`
}

// Suppressed is what was left out of a dataset so that nobody stands out.
type Suppressed struct {
	Rows   int `json:"rows"`
	Cells  int `json:"cells"`
	People int `json:"people"`
}

// Criterion is the verdict on one criterion of Rule 34 of the Enforcement Rules, asked of the output.
type Criterion struct {
	Number  int  `json:"number"`
	Met     bool `json:"met"`
	Checked int  `json:"checked"` // cells, values or source rows that were looked at
}

// Disposal is one step of a disposal (APPI 22): disposal_planned pins a list of records by its digest, disposal_approved is somebody else's
// word on that digest, disposal_executed says what a run has disposed of, and why not the rest.
type Disposal struct {
	Disposal ID       `json:"disposal" daicho:"required"`
	By       Identity `json:"by,omitempty"` // who planned or approved it, or began the run
	Role     Word     `json:"role,omitempty" oneof:"compliance|admin"`
	Until    Day      `json:"until,omitempty"`
	Purpose  Word     `json:"purpose,omitempty"`
	Items    int      `json:"items,omitzero"` // records
	People   int      `json:"people,omitzero"`
	Forgets  int      `json:"forgets,omitzero"` // people of whom nothing is left afterwards: keys and directory entries go as well
	// Remembers counts people of whom no record is left afterwards, but who stay known for a record of provision (APPI 29(2), 30(4)).
	Remembers int    `json:"remembers,omitzero"`
	Digest    Word   `json:"digest,omitempty"` // over the sorted list of records
	Needs     int    `json:"needs,omitzero"`   // approvals by others that the policy asks for
	Disposed  int    `json:"disposed,omitzero"`
	Left      []Left `json:"left,omitempty"`
}

// Left counts records of a disposal that were not disposed of: held (it waits until the hold is released), bound (something keeps them
// now), gone (they were disposed of otherwise).
type Left struct {
	Reason Word `json:"reason" daicho:"required" oneof:"held|bound|gone"`
	Count  int  `json:"count"`
}

// Scan is the daily look at every record for what it is still there for (disposal_scanned).
type Scan struct {
	On      Day `json:"on" daicho:"required"`
	Records int `json:"records"`          // all that have not been disposed of
	Bound   int `json:"bound"`            // a purpose or a law keeps them
	Held    int `json:"held,omitzero"`    // nothing but a hold keeps them
	Due     int `json:"due,omitzero"`     // nothing keeps them: they wait for their disposal
	Overdue int `json:"overdue,omitzero"` // of those due, longer than the policy's grace
	Unknown int `json:"unknown,omitzero"` // bound to purposes alone that the policy in force does not know
}

// Review is one step of a management review (APPI 23, guideline ch. 10-3: to assess and to review): review_planned sets its last day;
// review_held tells what was looked at and what came of it; review_read that somebody was shown the words of one.
type Review struct {
	Review   ID       `json:"review" daicho:"required"`
	Subjects []Word   `json:"subjects,omitempty" oneof:"technology|public|economy|law|system"`
	By       Identity `json:"by,omitempty"`                                                              // who planned, held or read it; whose token it is, if not said
	Reason   Word     `json:"reason,omitempty" oneof:"cycle|law_changed|incident|complaint|audit|other"` // of a plan
	Due      Day      `json:"due,omitempty"`                                                             // of a plan: its last day
	Outcome  Word     `json:"outcome,omitempty" oneof:"adequate|improve"`                                // of one that was held; improve: actions have to follow
	Next     Day      `json:"next,omitempty"`                                                            // of one that was held: the next, where it is to be before its cycle
	Note     Secret   `json:"note,omitzero"`                                                             // what was found, in the words of who held it
	Late     []Word   `json:"late,omitempty" daicho:"engine"`                                            // subjects whose review had been overdue
}

// Improvement is one step of an improvement action: improvement_opened with its cause and its last day; improvement_completed with the
// evidence; improvement_dropped with the reason; improvement_read.
type Improvement struct {
	Improvement ID       `json:"improvement" daicho:"required"`
	Cause       *Cause   `json:"cause,omitempty"`
	By          Identity `json:"by,omitempty"`                  // who opened, completed, dropped or read it; whose token it is, if not said
	Due         Day      `json:"due,omitempty"`                 // its last day. It never moves: what takes longer is late
	Evidence    Secret   `json:"evidence,omitzero"`             // what shows that it was done: a document, a ticket, a measurement
	Note        Secret   `json:"note,omitzero"`                 // what is to be done; of one that is dropped, why
	Days        int      `json:"days,omitzero" daicho:"engine"` // of one that is completed: since it was opened
	Late        bool     `json:"late,omitzero" daicho:"engine"` // completed after its last day
}

// Cause is what an improvement action comes from. All but an audit are known to the register.
type Cause struct {
	Kind Word `json:"kind" daicho:"required" oneof:"review|audit|incident|complaint|request"`
	ID   ID   `json:"id,omitempty"`
}

// Refused is a submission that was not recorded, and why. It holds nothing of what was submitted but its type and source.
type Refused struct {
	Type   Word `json:"type,omitempty"` // absent if it is none of this contract
	Source Word `json:"source,omitempty"`
	Tag    Word `json:"tag" daicho:"required"` // of (source, id), under the vault's pepper
	Rule   Word `json:"rule" daicho:"required"`
	Field  Word `json:"field,omitempty"` // a JSON Pointer that ends at the last known field
}

// QuarantineRead is a look at refused submissions that are kept, as they came. Whoever is known of them is told in their own history as well
// (accessed); of the others it is all that remains.
type QuarantineRead struct {
	By      Identity `json:"by" daicho:"required"`
	Role    Word     `json:"role" daicho:"required" oneof:"emitter|compliance|responder|auditor|admin"`
	Items   []ID     `json:"items" daicho:"required"` // by the random names that the quarantine gave them
	Purpose Word     `json:"purpose" daicho:"required"`
	Request ID       `json:"request,omitempty"`
}

func (*PolicyPublished) fact() {}
func (*PolicyEffective) fact() {}
func (*Recipient) fact()       {}
func (*ServiceEnded) fact()    {}
func (*Request) fact()         {}
func (*Complaint) fact()       {}
func (*Incident) fact()        {}
func (*Dataset) fact()         {}
func (*Disposal) fact()        {}
func (*Scan) fact()            {}
func (*Review) fact()          {}
func (*Improvement) fact()     {}
func (*Refused) fact()         {}
func (*QuarantineRead) fact()  {}
