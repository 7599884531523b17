package organisation

import (
	"slices"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// Disposal is a list of records that is to be disposed of, pinned by a digest, and how far it has come.
type Disposal struct {
	Planned   events.Disposal
	At        policy.Mark
	Approvals []Approval
	Runs      []Run
}

// Approval is the word of one holder of a role.
type Approval struct {
	By events.Identity
	At policy.Mark
}

// Run is one passing through the list, to its end.
type Run struct {
	Disposed int
	Left     []events.Left
	At       policy.Mark
}

// Scanned is the last look at every record.
type Scanned struct {
	events.Scan
	At policy.Mark
}

// ScanID is the id of the stream that has the scans; no disposal has this name.
const ScanID = "scan"

// Approved says that a disposal has all the approvals that it was found to need when it was planned.
func (d *Disposal) Approved() bool { return len(d.Approvals) >= d.Planned.Needs }

// Waiting is how many records wait for a hold to be released, after the last run.
func (d *Disposal) Waiting() int {
	if len(d.Runs) == 0 {
		return 0
	}
	return d.Runs[len(d.Runs)-1].left("held")
}

// Done says that nothing of a disposal is left to do.
func (d *Disposal) Done() bool { return len(d.Runs) > 0 && d.Waiting() == 0 }

func (r *Run) left(reason events.Word) (n int) {
	for _, l := range r.Left {
		if l.Reason == reason {
			n += l.Count
		}
	}
	return n
}

// Needs is how many others must approve a disposal under the policy in force. To forget somebody altogether is an act of its own.
func (s *State) Needs(forgets bool) int {
	n := 0
	for _, a := range s.approvals(forgets) {
		n = max(n, a.Others)
	}
	return n
}

// MayDispose says whether a role may plan and approve a disposal.
func (s *State) MayDispose(role events.Word, forgets bool) bool {
	if role != "compliance" && role != "admin" {
		return false
	}
	return !slices.ContainsFunc(s.approvals(forgets), func(a policy.Approval) bool { return !has(a.Roles, role) })
}

func (s *State) approvals(forgets bool) (all []policy.Approval) {
	if s.Policy == nil {
		return nil
	}
	if a, ok := s.Policy.Approval("disposal"); ok {
		all = append(all, a)
	}
	if a, ok := s.Policy.Approval("person"); ok && forgets {
		all = append(all, a)
	}
	return all
}

// disposalRules are the order in which a disposal is planned, approved and carried out. By is a pseudonym here: two names of one person
// are not two people.
func (s *State) disposalRules(in Submission, f *events.Disposal) *events.Refusal {
	d := s.Disposals[f.Disposal]
	if in.Kind.Type == events.TypeDisposalPlanned {
		switch {
		case d != nil || f.Disposal == ScanID:
			return refuse("key_taken", "/data/disposal", "is the name of another disposal")
		case f.By == "" || f.Until == "" || f.Digest == "" || f.Items < 1 && f.Forgets < 1 || f.People < 1 || f.Disposed > 0 || len(f.Left) > 0:
			return refuse(events.RuleSchema, "/data", "a plan says by whom, until when, how many records of how many people, and their digest")
		case f.Until > events.Day(s.Policy.On(in.Time).String()):
			return refuse(events.RuleSchema, "/data/until", "is a day to come: nothing is planned for disposal before it is due")
		case f.Needs != s.Needs(f.Forgets > 0):
			return refuse(events.RuleSchema, "/data/needs", "is not the number of approvals that the policy asks for")
		case !s.MayDispose(f.Role, f.Forgets > 0):
			return refuse("not_permitted", "/data/role", "is not a role that the policy lets plan this disposal")
		}
		return nil
	}
	switch {
	case d == nil:
		return refuse("record_unknown", "/data/disposal", "names no disposal that was planned")
	case f.Digest != d.Planned.Digest:
		return refuse("not_permitted", "/data/digest", "is not that of the list that was planned")
	case d.Done():
		return refuse("record_gone", "/data/disposal", "names a disposal that has been carried out")
	}
	if in.Kind.Type == events.TypeDisposalApproved {
		return s.approval(d, f)
	}
	left := 0
	for _, l := range f.Left {
		left += l.Count
	}
	switch {
	case !d.Approved():
		return refuse("not_permitted", "/data/disposal", "names a disposal that has not been approved")
	case f.Items != d.Planned.Items || f.Disposed+left != f.Items:
		return refuse(events.RuleSchema, "/data/items", "does not account for every record of the list")
	}
	return nil
}

func (s *State) approval(d *Disposal, f *events.Disposal) *events.Refusal {
	switch {
	case f.By == "":
		return refuse(events.RuleSchema, "/data/by", "is missing: an approval is somebody's")
	case f.By == d.Planned.By && d.Planned.Needs > 0:
		return refuse("not_permitted", "/data/by", "is who planned it; the policy asks for the word of another")
	case slices.ContainsFunc(d.Approvals, func(a Approval) bool { return a.By == f.By }):
		return refuse("not_permitted", "/data/by", "has approved it before; the policy asks for the word of another")
	case !s.MayDispose(f.Role, d.Planned.Forgets > 0):
		return refuse("not_permitted", "/data/role", "is not a role that the policy lets approve this disposal")
	}
	return nil
}

func disposal(was *Disposal, e *events.Event, f *events.Disposal) *Disposal {
	d := Disposal{}
	if was != nil {
		d = *was
	}
	mark := policy.Mark{Type: events.Word(e.Type), Word: events.Word(f.Disposal), Time: e.Time, Position: e.Position}
	switch e.Type {
	case events.TypeDisposalPlanned:
		d.Planned, d.At = *f, mark
	case events.TypeDisposalApproved:
		d.Approvals = append(slices.Clone(d.Approvals), Approval{f.By, mark})
	case events.TypeDisposalExecuted:
		d.Runs = append(slices.Clone(d.Runs), Run{f.Disposed, f.Left, mark})
	}
	return &d
}
