// Package organisation folds what the organisation has recorded of itself and decisions about people rest on: the policy in
// force, the versions that a notice may name, and the recipients.
package organisation

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// State is what is in force. It is never changed in place: With answers a new one, so that a decision under way keeps its own.
type State struct {
	Policy       *policy.Catalogue // nil before the first policy_published
	Versions     map[events.Word]events.Position
	Published    []Publication // every version, in the order of publication
	Recipients   map[events.Word]*Recipient
	Ended        map[events.Word]policy.Mark // clients whose service is over
	Datasets     map[events.ID]*Dataset      // of anonymously processed information, as made here
	Disposals    map[events.ID]*Disposal
	Scanned      *Scanned // nil before the first scan
	Reviews      map[events.ID]*Review
	Improvements map[events.ID]*Improvement
	Revisions    map[events.Stream]events.Revision
	Position     events.Position
}

// Recipient is a recipient as it was registered or reviewed last.
type Recipient struct {
	events.Recipient
	Contracts []events.Contract // all since the registration, the one in Contract last
	Since     time.Time
	Reviewed  *time.Time // or registered, if never since
	Ended     *time.Time
	Active    bool
}

func has(all []events.Word, w events.Word) bool {
	for _, x := range all {
		if x == w {
			return true
		}
	}
	return false
}

// New is the organisation before its first event.
func New() *State {
	return &State{
		Versions: map[events.Word]events.Position{}, Recipients: map[events.Word]*Recipient{},
		Ended: map[events.Word]policy.Mark{}, Datasets: map[events.ID]*Dataset{}, Disposals: map[events.ID]*Disposal{},
		Reviews: map[events.ID]*Review{}, Improvements: map[events.ID]*Improvement{}, Revisions: map[events.Stream]events.Revision{},
	}
}

// Kinds are the kinds of streams whose events change the organisation's state. They are few and their events rare.
var Kinds = []string{"policy", "recipient", "client", "dataset", "disposal", "review", "improvement"}

// Concerns says whether an event changes the organisation's state.
func Concerns(e *events.Event) bool { return slices.Contains(Kinds, e.Stream.Kind) }

// With is the state after one more event. Events of other streams leave it as it is.
func (s *State) With(e *events.Event) (*State, error) {
	if !Concerns(e) {
		return s, nil
	}
	f, err := events.Decode(e)
	if err != nil {
		return nil, err
	}
	n := *s
	n.Position = e.Position
	n.Revisions = maps.Clone(s.Revisions)
	n.Revisions[e.Stream] = e.Revision
	switch f := f.(type) {
	case *events.PolicyPublished:
		if err := n.publish(e, f); err != nil {
			return nil, fmt.Errorf("the policy at position %v: %w", e.Position, err)
		}
	case *events.PolicyEffective:
		n.effective(e, f)
	case *events.Recipient:
		n.Recipients = maps.Clone(s.Recipients)
		n.Recipients[f.Recipient] = recipient(s.Recipients[f.Recipient], e, f)
	case *events.ServiceEnded:
		n.Ended = maps.Clone(s.Ended)
		n.Ended[f.Client] = policy.Mark{Type: events.Word(e.Type), Word: f.Client, Time: e.Time, Position: e.Position}
	case *events.Dataset:
		n.Datasets = maps.Clone(s.Datasets)
		n.Datasets[f.Dataset] = dataset(s.Datasets[f.Dataset], e, f)
	case *events.Disposal:
		n.Disposals = maps.Clone(s.Disposals)
		n.Disposals[f.Disposal] = disposal(s.Disposals[f.Disposal], e, f)
	case *events.Scan:
		n.Scanned = &Scanned{*f, policy.Mark{Type: events.Word(e.Type), Time: e.Time, Position: e.Position}}
	case *events.Review:
		if r := review(s.Reviews[f.Review], e, f); r != nil {
			n.Reviews = maps.Clone(s.Reviews)
			n.Reviews[f.Review] = r
		}
	case *events.Improvement:
		if i := improvement(s.Improvements[f.Improvement], e, f); i != nil {
			n.Improvements = maps.Clone(s.Improvements)
			n.Improvements[f.Improvement] = i
		}
	default: // not ours
	}
	return &n, nil
}
