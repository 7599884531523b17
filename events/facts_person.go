package events

// What happens to a person's data. The comments name the fields' meaning where the name does not; `of` lists always hold
// the ordinals of the records that the decision resolved a selector to.

// Collected is the taking of personal data: records, each one value of one category, for the purposes named.
type Collected struct {
	Records   []NewRecord `json:"records" daicho:"required"`
	Purposes  []Bind      `json:"purposes" daicho:"required"`
	Matter    Key         `json:"matter,omitempty"`
	Operation Word        `json:"operation" daicho:"required" oneof:"rental|sales|content|hr|entrusted"`
	Location  Word        `json:"location" daicho:"required"` // the internal system that holds it
	Channel   Word        `json:"channel" daicho:"required" oneof:"web|counter|phone|mail|app|cookie|form"`
	Transport Word        `json:"transport,omitempty" oneof:"tls|internal|paper"`
	Notice    *Notice     `json:"notice,omitempty"`
	Person    Profile     `json:"person" daicho:"required"`
	Guardian  *Guardian   `json:"guardian,omitempty"`
	Role      Word        `json:"role,omitempty" oneof:"controller|processor"`
	Client    Word        `json:"client,omitempty"` // of entrusted work
	Received  *Received   `json:"received,omitempty"`
	Tracker   Word        `json:"tracker,omitempty"`                  // of the inventory; recorded, also where the emitter did not name it
	Started   Instant     `json:"started,omitempty"`                  // when a recording began; otherwise when the event happened
	Announced bool        `json:"announced,omitzero" daicho:"engine"` // a recording, and the person was told before it began
	Minor     bool        `json:"minor,omitzero" daicho:"engine"`
	Majority  Month       `json:"majority,omitempty" daicho:"engine"` // of a minor: the month of majority
}

// Received says that a third party provided the data, and what was confirmed then: who provides, and how they came by it (APPI 30).
type Received struct {
	From     Word `json:"from" daicho:"required"` // as registered among the recipients
	Acquired Word `json:"acquired" daicho:"required" oneof:"from_person|from_public|from_third_party|otherwise"`
}

// NewRecord is one value of one category. The ordinal of its sealed value is the record's id.
type NewRecord struct {
	Key        Key         `json:"key" daicho:"required"`
	Category   Word        `json:"category" daicho:"required"`
	Value      Secret      `json:"value,omitzero"`
	Attachment *Attachment `json:"attachment,omitempty"`
}

// Attachment claims bytes that were uploaded before. Recorded, it names the object that holds them, sealed; its emitter never learns
// that name, and the key to it stands inside the record's sealed value.
type Attachment struct {
	Upload ID `json:"upload,omitempty" daicho:"required submitted"`
	Object ID `json:"object,omitempty" daicho:"engine"`
}

// Bind says for which purpose of use, on which legal basis (APPI 17, 18; GDPR 6(1)). Recorded, it also says for which records,
// and whether the catalogue's law brought it.
type Bind struct {
	ID      Word      `json:"id" daicho:"required"`
	Basis   Word      `json:"basis" daicho:"required" oneof:"contract|consent|legitimate_interest|legal_obligation"`
	Consent *Giver    `json:"consent,omitempty"`
	Of      []Ordinal `json:"of,omitempty" daicho:"engine"`
	Brought bool      `json:"brought,omitzero" daicho:"engine"`
}

// Giver says who consented.
type Giver struct {
	By Word `json:"by" daicho:"required" oneof:"self|guardian|agent"`
}

// Notice is what the person was shown (APPI 21(2), GDPR 13).
type Notice struct {
	Policy   Word `json:"policy" daicho:"required"`
	Language Word `json:"language" daicho:"required" oneof:"ja|en|zh-Hant|ko"`
}

// Profile is what rules need to know of the person.
type Profile struct {
	Kind      Word    `json:"kind" daicho:"required" oneof:"customer|applicant|employee|visitor|agent|guardian"`
	Country   Country `json:"country" daicho:"required"`
	Birthdate Secret  `json:"birthdate,omitzero" format:"date"`
}

// Guardian is the parent or guardian who consented for a minor. Consent is a reference, kept sealed and not resolved.
type Guardian struct {
	Consent  Secret `json:"consent,omitzero" daicho:"required"`
	Name     Secret `json:"name,omitzero"`
	Relation Secret `json:"relation,omitzero"`
}

// Consent is given, or withdrawn, for purposes (GDPR 7; APPI 27, 28). Withdrawn, it ends every binding that rests on it.
type Consent struct {
	Purposes []Word  `json:"purposes" daicho:"required"`
	By       Word    `json:"by" daicho:"required" oneof:"self|guardian|agent"`
	Notice   *Notice `json:"notice,omitempty"`
	Evidence Secret  `json:"evidence,omitzero"`
}

// NoticeShown is an acknowledgement (deemed: by browsing on), never a consent. On the telephone it is the announcement that the call is
// recorded.
type NoticeShown struct {
	Notice  *Notice `json:"notice,omitempty"`
	Deemed  bool    `json:"deemed,omitzero"`
	Channel Word    `json:"channel,omitempty" oneof:"web|counter|phone|mail|app|cookie|form"`
	Matter  Key     `json:"matter,omitempty"` // the call
}

// TrackingRefused ends collecting on a channel, and what trackers collected there serves nothing any more.
type TrackingRefused struct {
	Channel Word      `json:"channel" daicho:"required" oneof:"web|counter|phone|mail|app|cookie|form"`
	Of      []Ordinal `json:"of,omitempty" daicho:"engine"`
}

// Selector names records of a person: by key (all or nothing), by matter, by category; given several, all must hold. None
// at all means every live record that the source's first path segment brought. The engine's own services, which know no keys, select by
// ordinal: of those they name, the ones for which the event still makes sense are taken.
type Selector struct {
	Records    []Key     `json:"records,omitempty" daicho:"submitted"`
	Matter     Key       `json:"matter,omitempty"`
	Categories []Word    `json:"categories,omitempty"`
	Of         []Ordinal `json:"of,omitempty" daicho:"engine"`
}

// Empty says that the emitter selected nothing in particular.
func (s Selector) Empty() bool {
	return len(s.Records) == 0 && s.Matter == "" && len(s.Categories) == 0 && len(s.Of) == 0
}

// PurposeBound binds records to one more purpose.
type PurposeBound struct {
	Selector `json:",inline"`
	Purpose  Word    `json:"purpose" daicho:"required"`
	Basis    Word    `json:"basis" daicho:"required" oneof:"contract|consent|legitimate_interest|legal_obligation"`
	Consent  *Giver  `json:"consent,omitempty"`
	Notice   *Notice `json:"notice,omitempty"` // of the consent; without it, the version in force when it was recorded
}

// PurposeEnded ends a purpose for records.
type PurposeEnded struct {
	Selector `json:",inline"`
	Purpose  Word `json:"purpose" daicho:"required"`
	Reason   Word `json:"reason" daicho:"required" oneof:"completed|withdrawn|objected|ceased"`
}

// MilestoneReached is what retention rules wait for.
type MilestoneReached struct {
	Matter    Key  `json:"matter,omitempty"`
	Milestone Word `json:"milestone" daicho:"required"`
}

// Moved says that records are now also, or no longer, in an internal system (copied, removed).
type Moved struct {
	Selector `json:",inline"`
	Location Word `json:"location" daicho:"required"`
}

// Used is a use, or an attempt at one: both are recorded, with the answer. By is a location or a member of staff.
type Used struct {
	Purpose    Word      `json:"purpose" daicho:"required"`
	Categories []Word    `json:"categories" daicho:"required"`
	By         Identity  `json:"by" daicho:"required"`
	Reason     Word      `json:"reason,omitempty"` // within the purpose, as the catalogue lists them
	Allowed    bool      `json:"allowed,omitzero" daicho:"engine"`
	Rule       Word      `json:"rule,omitempty" daicho:"engine"` // why not
	Of         []Ordinal `json:"of,omitempty" daicho:"engine"`
}

// Transferred hands records to a recipient: entrustment (APPI 25, 27(5)), or provision to a third party (27(1), 28, 29).
type Transferred struct {
	Selector  `json:",inline"`
	Recipient Word    `json:"recipient" daicho:"required"`
	Kind      Word    `json:"kind" daicho:"required" oneof:"entrusted|third_party|joint_use|succession"`
	Purpose   Word    `json:"purpose" daicho:"required"`
	Basis     Word    `json:"basis" daicho:"required" oneof:"contract|consent|legitimate_interest|legal_obligation"`
	Country   Country `json:"country" daicho:"required"`
	Contract  Key     `json:"contract,omitempty"`
	Reference Secret  `json:"reference,omitzero"`                                                                                             // what the recipient knows the data by: a recall names it
	Route     Word    `json:"route,omitempty" daicho:"engine" oneof:"domestic|designated_country|equivalent_system|consent|legal_obligation"` // that APPI 28 leaves open
	Provision bool    `json:"provision,omitzero" daicho:"engine"`                                                                             // the record of APPI 29 is this event
}

// Recall asks a recipient to give back or destroy, or says that it has not in time (recall_requested, recall_overdue).
type Recall struct {
	Selector  `json:",inline"`
	Recall    ID   `json:"recall" daicho:"required"`
	Recipient Word `json:"recipient" daicho:"required"`
	Due       Day  `json:"due,omitempty"`
}

// DisposalConfirmed is the recipient's word that it no longer has records. Until then they count as being there.
type DisposalConfirmed struct {
	Selector    `json:",inline"`
	Recipient   Word `json:"recipient" daicho:"required"`
	Recall      ID   `json:"recall,omitempty"`
	Certificate Key  `json:"certificate,omitempty"`
}

// Corrected replaces a record's value. The old value's key is destroyed unless it is kept for a hold.
type Corrected struct {
	Record  Key     `json:"record,omitempty" daicho:"required submitted"`
	Value   Secret  `json:"value,omitzero" daicho:"required"`
	Request ID      `json:"request,omitempty"`
	Of      Ordinal `json:"of,omitzero" daicho:"engine"`  // the record
	Old     Ordinal `json:"old,omitzero" daicho:"engine"` // the value replaced
	Kept    bool    `json:"kept,omitzero" daicho:"engine"`
}

// Suspension stops or resumes the use of records, or their provision to third parties (APPI 35, GDPR 18): use_suspended,
// use_resumed, provision_ceased.
type Suspension struct {
	Selector `json:",inline"`
	Request  ID `json:"request,omitempty"`
}

// Hold keeps records from disposal for a case, or lets them go (hold_placed, hold_released). Placed by matter, it also
// holds later records of the matter.
type Hold struct {
	Selector `json:",inline"`
	Case     Key       `json:"case" daicho:"required"`
	Keys     []Ordinal `json:"keys,omitempty" daicho:"engine"` // of a release: replaced values that only this hold kept
}

// Deleted is the decision that records, or everything of a person, are gone. The keys follow (keys_destroyed).
type Deleted struct {
	Selector `json:",inline"`
	Person   bool      `json:"person,omitzero"`
	Cause    Word      `json:"cause" daicho:"required" oneof:"retention|purpose_met|request|withdrawal|end_of_service"`
	Rule     Word      `json:"rule,omitempty"`
	Request  ID        `json:"request,omitempty"`
	Run      ID        `json:"run,omitempty"`
	Keys     []Ordinal `json:"keys,omitempty" daicho:"engine"`  // every leaf to destroy; with person, all there are
	Early    []Word    `json:"early,omitempty" daicho:"engine"` // purposes that a law sets a period for, which had not run; or record_of_provision (APPI 29(2), 30(4))
}

// KeysDestroyed is the vault's word that a deletion's keys derive no more.
type KeysDestroyed struct {
	Person   bool      `json:"person,omitzero"`
	Ordinals []Ordinal `json:"ordinals,omitempty"`
	Epoch    Word      `json:"epoch" daicho:"required"`
	Final    bool      `json:"final"` // false: only once the epoch named is destroyed
}

// Link says that one person is known under two identifiers, or no longer (identity_linked, identity_unlinked).
type Link struct {
	Other    Identity `json:"other" daicho:"required"`
	Evidence Secret   `json:"evidence,omitzero"`
}

// Accessed is a look at clear values, written before they are shown.
type Accessed struct {
	By         Identity `json:"by" daicho:"required"`
	Role       Word     `json:"role" daicho:"required" oneof:"emitter|compliance|responder|auditor|admin"`
	Categories []Word   `json:"categories" daicho:"required"`
	Purpose    Word     `json:"purpose" daicho:"required"`
	Request    ID       `json:"request,omitempty"`
	Incident   ID       `json:"incident,omitempty"`
}

func (*Collected) fact()         {}
func (*Consent) fact()           {}
func (*NoticeShown) fact()       {}
func (*TrackingRefused) fact()   {}
func (*PurposeBound) fact()      {}
func (*PurposeEnded) fact()      {}
func (*MilestoneReached) fact()  {}
func (*Moved) fact()             {}
func (*Used) fact()              {}
func (*Transferred) fact()       {}
func (*Recall) fact()            {}
func (*DisposalConfirmed) fact() {}
func (*Corrected) fact()         {}
func (*Suspension) fact()        {}
func (*Hold) fact()              {}
func (*Deleted) fact()           {}
func (*KeysDestroyed) fact()     {}
func (*Link) fact()              {}
func (*Accessed) fact()          {}
