package person

import (
	"strconv"
	"strings"

	"github.com/daicho-dev/daicho/events"
)

// The rules about words, in the order in which they are asked.
var wordRules = [...]string{"unknown_policy", "unknown_location", "unknown_recipient", "unknown_purpose", "unknown_category", "unknown_word"}

const (
	aPolicy = iota
	aLocation
	aRecipient
	aPurpose
	aCategory
	aWord
)

// words refuses a word that the catalogue, or the register of recipients and policies, does not know.
func (d *decision) words() *events.Refusal {
	found := [len(wordRules)]string{}
	bad := func(kind int, field string) {
		if found[kind] == "" {
			found[kind] = field
		}
	}
	purpose := func(p events.Word, field string) {
		if d.c.Purpose(p) == nil {
			bad(aPurpose, field)
		}
	}
	categories := func(all []events.Word, field string) {
		for i, c := range all {
			if _, ok := d.c.Category(c); !ok {
				bad(aCategory, field+"/"+strconv.Itoa(i))
			}
		}
	}
	location := func(l events.Word) {
		if !d.c.HasLocation(l) {
			bad(aLocation, "/data/location")
		}
	}
	recipient := func(r events.Word) {
		if d.o.Recipients[r] == nil {
			bad(aRecipient, "/data/recipient")
		}
	}
	notice := func(n *events.Notice) {
		if n != nil {
			if _, ok := d.o.Versions[n.Policy]; !ok {
				bad(aPolicy, "/data/notice/policy")
			}
		}
	}
	if !d.c.HasSource(d.in.Source) && !strings.HasPrefix(d.in.Source, "/daicho/") { // the engine's own services
		bad(aWord, "/source")
	}
	switch f := d.in.Fact.(type) {
	case *events.Collected:
		notice(f.Notice)
		location(f.Location)
		for i, b := range f.Purposes {
			purpose(b.ID, indexed("/data/purposes/%/id", i))
		}
		for i, r := range f.Records {
			if _, ok := d.c.Category(r.Category); !ok {
				bad(aCategory, indexed("/data/records/%/category", i))
			}
			if r.Attachment != nil && r.Value.IsZero() {
				bad(aWord, indexed("/data/records/%"+upload, i)) // no upload of this name waits for this event
			}
		}
		if f.Tracker != "" && d.c.Tracker(f.Tracker) == nil {
			bad(aWord, "/data/tracker")
		}
		if (f.Client != "" || entrusted(f)) && !d.c.HasClient(f.Client) { // whoever asks about entrusted data is sent to the client
			bad(aWord, "/data/client")
		}
		if f.Received != nil && d.o.Recipients[f.Received.From] == nil {
			bad(aRecipient, "/data/received/from")
		}
	case *events.Consent:
		notice(f.Notice)
		for i, p := range f.Purposes {
			purpose(p, indexed("/data/purposes/%", i))
		}
	case *events.NoticeShown:
		notice(f.Notice)
	case *events.PurposeBound:
		notice(f.Notice)
		purpose(f.Purpose, "/data/purpose")
		categories(f.Categories, "/data/categories")
	case *events.PurposeEnded:
		purpose(f.Purpose, "/data/purpose")
		categories(f.Categories, "/data/categories")
	case *events.MilestoneReached:
		if !d.c.HasMilestone(f.Milestone) {
			bad(aWord, "/data/milestone")
		}
	case *events.Moved:
		location(f.Location)
		categories(f.Categories, "/data/categories")
	case *events.Used:
		purpose(f.Purpose, "/data/purpose")
		categories(f.Categories, "/data/categories")
		if !person(f.By) && !d.c.HasLocation(events.Word(f.By)) {
			bad(aLocation, "/data/by")
		}
		if f.Reason != "" && !d.c.Purpose(f.Purpose).HasReason(f.Reason) {
			bad(aWord, "/data/reason")
		}
	case *events.Transferred:
		recipient(f.Recipient)
		purpose(f.Purpose, "/data/purpose")
		categories(f.Categories, "/data/categories")
	case *events.Recall:
		recipient(f.Recipient)
		categories(f.Categories, "/data/categories")
	case *events.DisposalConfirmed:
		recipient(f.Recipient)
		categories(f.Categories, "/data/categories")
	case *events.Suspension:
		categories(f.Categories, "/data/categories")
	case *events.Hold:
		categories(f.Categories, "/data/categories")
	case *events.Deleted:
		categories(f.Categories, "/data/categories")
	default: // no words of the catalogue beyond the closed ones
	}
	for kind, field := range found {
		if field != "" {
			if strings.HasSuffix(field, upload) {
				return refuse(wordRules[kind], field, "names no upload that waits for this event: it was never made by this emitter, has been claimed already, or was not claimed in time; send the bytes again, and the event with the new upload")
			}
			return refuse(wordRules[kind], field, "is not known to the policy in force")
		}
	}
	if f, ok := d.in.Fact.(*events.Collected); ok && entrusted(f) {
		if over, ok := d.o.Ended[f.Client]; ok && !d.in.Time.Before(over.Time) {
			return refuse("unknown_word", "/data/client", "names a client whose service was over when this happened; nothing more is taken for it (APPI 25, GDPR 28(3)(g)), and new work is for a new client of the policy")
		}
	}
	return nil
}

// upload is where a record names the upload that it claims.
const upload = "/attachment/upload"

// person says that an identity is somebody, not a location.
func person(i events.Identity) bool { return len(i) > 7 && i[:7] == "person:" }
