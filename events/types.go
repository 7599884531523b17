package events

import "strings"

// Fact is the data of one event. The set is closed: what is not here is not recorded.
//
//sumtype:decl
type Fact interface{ fact() }

// Stored names. They are literals and never change: a new meaning is a new version beside the old one.
const (
	TypeCollected         = "daicho.collected.v1"
	TypeConsentGiven      = "daicho.consent_given.v1"
	TypeConsentWithdrawn  = "daicho.consent_withdrawn.v1"
	TypeNoticeShown       = "daicho.notice_shown.v1"
	TypeTrackingRefused   = "daicho.tracking_refused.v1"
	TypePurposeBound      = "daicho.purpose_bound.v1"
	TypePurposeEnded      = "daicho.purpose_ended.v1"
	TypeMilestoneReached  = "daicho.milestone_reached.v1"
	TypeCopied            = "daicho.copied.v1"
	TypeRemoved           = "daicho.removed.v1"
	TypeUsed              = "daicho.used.v1"
	TypeTransferred       = "daicho.transferred.v1"
	TypeRecallRequested   = "daicho.recall_requested.v1"
	TypeRecallOverdue     = "daicho.recall_overdue.v1"
	TypeDisposalConfirmed = "daicho.disposal_confirmed.v1"
	TypeCorrected         = "daicho.corrected.v1"
	TypeUseSuspended      = "daicho.use_suspended.v1"
	TypeUseResumed        = "daicho.use_resumed.v1"
	TypeProvisionCeased   = "daicho.provision_ceased.v1"
	TypeHoldPlaced        = "daicho.hold_placed.v1"
	TypeHoldReleased      = "daicho.hold_released.v1"
	TypeDeleted           = "daicho.deleted.v1"
	TypeKeysDestroyed     = "daicho.keys_destroyed.v1"
	TypeIdentityLinked    = "daicho.identity_linked.v1"
	TypeIdentityUnlinked  = "daicho.identity_unlinked.v1"
	TypeAccessed          = "daicho.accessed.v1"

	TypePolicyPublished      = "daicho.policy_published.v1"
	TypePolicyEffective      = "daicho.policy_effective.v1"
	TypeRecipientRegistered  = "daicho.recipient_registered.v1"
	TypeRecipientReviewed    = "daicho.recipient_reviewed.v1"
	TypeRecipientEnded       = "daicho.recipient_ended.v1"
	TypeServiceEnded         = "daicho.service_ended.v1"
	TypeDatasetAnonymized    = "daicho.dataset_anonymized.v1"
	TypeDatasetPublished     = "daicho.dataset_published.v1"
	TypeDatasetUsed          = "daicho.dataset_used.v1"
	TypeDatasetProvided      = "daicho.dataset_provided.v1"
	TypeDatasetDestroyed     = "daicho.dataset_destroyed.v1"
	TypeDatasetJoinRefused   = "daicho.dataset_join_refused.v1"
	TypeDisposalPlanned      = "daicho.disposal_planned.v1"
	TypeDisposalApproved     = "daicho.disposal_approved.v1"
	TypeDisposalExecuted     = "daicho.disposal_executed.v1"
	TypeDisposalScanned      = "daicho.disposal_scanned.v1"
	TypeReviewPlanned        = "daicho.review_planned.v1"
	TypeReviewHeld           = "daicho.review_held.v1"
	TypeReviewRead           = "daicho.review_read.v1"
	TypeImprovementOpened    = "daicho.improvement_opened.v1"
	TypeImprovementCompleted = "daicho.improvement_completed.v1"
	TypeImprovementDropped   = "daicho.improvement_dropped.v1"
	TypeImprovementRead      = "daicho.improvement_read.v1"
	TypeRefused              = "daicho.refused.v1"
	TypeQuarantineRead       = "daicho.quarantine_read.v1"
)

// Kind is what the contract says of an event type besides its data.
type Kind struct {
	Type   string
	New    func() Fact
	Stream string // "person", or the kind of the stream of an event about the organisation
	Makes  bool   // may be the first event of a person
	Steers bool   // needs a role, or a token that names the type
	Engine bool   // only the engine itself writes it
}

// Short is the name without prefix and version: "collected".
func (k Kind) Short() string { return Short(k.Type) }

// Short is a stored type's name without prefix and version.
func Short(typ string) string {
	return strings.TrimSuffix(strings.TrimPrefix(typ, "daicho."), ".v1")
}

// KindOf finds an event type by its stored name.
func KindOf(typ string) (*Kind, bool) {
	k, ok := kinds[typ]
	return k, ok
}

// Kinds are all event types, in the order of the contract.
func Kinds() []Kind { return table }

func of[T any, P interface {
	*T
	Fact
}]() Fact {
	return P(new(T))
}

var table = []Kind{
	{Type: TypeCollected, New: of[Collected], Stream: "person", Makes: true},
	{Type: TypeConsentGiven, New: of[Consent], Stream: "person", Makes: true},
	{Type: TypeConsentWithdrawn, New: of[Consent], Stream: "person"},
	{Type: TypeNoticeShown, New: of[NoticeShown], Stream: "person", Makes: true},
	{Type: TypeTrackingRefused, New: of[TrackingRefused], Stream: "person", Makes: true},
	{Type: TypePurposeBound, New: of[PurposeBound], Stream: "person"},
	{Type: TypePurposeEnded, New: of[PurposeEnded], Stream: "person"},
	{Type: TypeMilestoneReached, New: of[MilestoneReached], Stream: "person"},
	{Type: TypeCopied, New: of[Moved], Stream: "person"},
	{Type: TypeRemoved, New: of[Moved], Stream: "person"},
	{Type: TypeUsed, New: of[Used], Stream: "person"},
	{Type: TypeTransferred, New: of[Transferred], Stream: "person"},
	{Type: TypeRecallRequested, New: of[Recall], Stream: "person"},
	{Type: TypeRecallOverdue, New: of[Recall], Stream: "person"},
	{Type: TypeDisposalConfirmed, New: of[DisposalConfirmed], Stream: "person"},
	{Type: TypeCorrected, New: of[Corrected], Stream: "person"},
	{Type: TypeUseSuspended, New: of[Suspension], Stream: "person"},
	{Type: TypeUseResumed, New: of[Suspension], Stream: "person"},
	{Type: TypeProvisionCeased, New: of[Suspension], Stream: "person"},
	{Type: TypeHoldPlaced, New: of[Hold], Stream: "person", Steers: true},
	{Type: TypeHoldReleased, New: of[Hold], Stream: "person", Steers: true},
	{Type: TypeDeleted, New: of[Deleted], Stream: "person", Steers: true},
	{Type: TypeKeysDestroyed, New: of[KeysDestroyed], Stream: "person", Engine: true},
	{Type: TypeIdentityLinked, New: of[Link], Stream: "person", Steers: true},
	{Type: TypeIdentityUnlinked, New: of[Link], Stream: "person", Steers: true},
	{Type: TypeAccessed, New: of[Accessed], Stream: "person", Engine: true},

	{Type: TypePolicyPublished, New: of[PolicyPublished], Stream: "policy", Steers: true},
	{Type: TypePolicyEffective, New: of[PolicyEffective], Stream: "policy", Engine: true},
	{Type: TypeRecipientRegistered, New: of[Recipient], Stream: "recipient", Steers: true},
	{Type: TypeRecipientReviewed, New: of[Recipient], Stream: "recipient", Steers: true},
	{Type: TypeRecipientEnded, New: of[Recipient], Stream: "recipient", Steers: true},
	{Type: TypeServiceEnded, New: of[ServiceEnded], Stream: "client", Steers: true},

	{Type: "daicho.request_received.v1", New: of[Request], Stream: "request", Steers: true},
	{Type: "daicho.request_completed_papers.v1", New: of[Request], Stream: "request", Steers: true},
	{Type: "daicho.request_identity_verified.v1", New: of[Request], Stream: "request", Steers: true},
	{Type: "daicho.request_agent_verified.v1", New: of[Request], Stream: "request", Steers: true},
	{Type: "daicho.request_fee_paid.v1", New: of[Request], Stream: "request", Steers: true},
	{Type: "daicho.request_paused.v1", New: of[Request], Stream: "request", Steers: true},
	{Type: "daicho.request_resumed.v1", New: of[Request], Stream: "request", Steers: true},
	{Type: "daicho.request_extended.v1", New: of[Request], Stream: "request", Steers: true},
	{Type: "daicho.request_decided.v1", New: of[Request], Stream: "request", Steers: true},
	{Type: "daicho.request_responded.v1", New: of[Request], Stream: "request", Steers: true},
	{Type: "daicho.request_closed.v1", New: of[Request], Stream: "request", Steers: true},
	{Type: "daicho.complaint_received.v1", New: of[Complaint], Stream: "complaint", Steers: true},
	{Type: "daicho.complaint_answered.v1", New: of[Complaint], Stream: "complaint", Steers: true},
	{Type: "daicho.complaint_closed.v1", New: of[Complaint], Stream: "complaint", Steers: true},
	{Type: "daicho.incident_opened.v1", New: of[Incident], Stream: "incident", Steers: true},
	{Type: "daicho.incident_scoped.v1", New: of[Incident], Stream: "incident", Steers: true},
	{Type: "daicho.incident_contained.v1", New: of[Incident], Stream: "incident", Steers: true},
	{Type: "daicho.incident_reported.v1", New: of[Incident], Stream: "incident", Steers: true},
	{Type: "daicho.incident_notified.v1", New: of[Incident], Stream: "incident", Steers: true},
	{Type: "daicho.incident_closed.v1", New: of[Incident], Stream: "incident", Steers: true},
	{Type: TypeDatasetAnonymized, New: of[Dataset], Stream: "dataset", Engine: true}, // what is not measured here is not claimed
	{Type: TypeDatasetPublished, New: of[Dataset], Stream: "dataset", Steers: true},
	{Type: TypeDatasetUsed, New: of[Dataset], Stream: "dataset", Steers: true},
	{Type: TypeDatasetProvided, New: of[Dataset], Stream: "dataset", Steers: true},
	{Type: TypeDatasetDestroyed, New: of[Dataset], Stream: "dataset", Steers: true},
	{Type: TypeDatasetJoinRefused, New: of[Dataset], Stream: "dataset", Engine: true},
	{Type: TypeDisposalPlanned, New: of[Disposal], Stream: "disposal", Engine: true}, // who plans and who approves is whose token asks: nobody says so for another
	{Type: TypeDisposalApproved, New: of[Disposal], Stream: "disposal", Engine: true},
	{Type: TypeDisposalExecuted, New: of[Disposal], Stream: "disposal", Engine: true},
	{Type: TypeDisposalScanned, New: of[Scan], Stream: "disposal", Engine: true},
	{Type: TypeReviewPlanned, New: of[Review], Stream: "review", Steers: true},
	{Type: TypeReviewHeld, New: of[Review], Stream: "review", Steers: true},
	{Type: TypeReviewRead, New: of[Review], Stream: "review", Engine: true}, // a look is whose token asks
	{Type: TypeImprovementOpened, New: of[Improvement], Stream: "improvement", Steers: true},
	{Type: TypeImprovementCompleted, New: of[Improvement], Stream: "improvement", Steers: true},
	{Type: TypeImprovementDropped, New: of[Improvement], Stream: "improvement", Steers: true},
	{Type: TypeImprovementRead, New: of[Improvement], Stream: "improvement", Engine: true},

	{Type: TypeRefused, New: of[Refused], Stream: "refusals", Engine: true},
	{Type: TypeQuarantineRead, New: of[QuarantineRead], Stream: "quarantine", Engine: true}, // a look is whose token asks
}

var kinds = func() map[string]*Kind {
	m := make(map[string]*Kind, len(table))
	for i := range table {
		m[table[i].Type] = &table[i]
	}
	return m
}()
