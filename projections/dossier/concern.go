package dossier

import (
	"slices"

	"github.com/daicho-dev/daicho/events"
)

// concerns says whether a fact is about a record.
func concerns(f events.Fact, n events.Ordinal) bool {
	switch f := f.(type) {
	case *events.Collected:
		return slices.ContainsFunc(f.Records, func(r events.NewRecord) bool { return r.Value.Ordinal() == n })
	case *events.PurposeBound:
		return slices.Contains(f.Of, n)
	case *events.PurposeEnded:
		return slices.Contains(f.Of, n)
	case *events.Moved:
		return slices.Contains(f.Of, n)
	case *events.Used:
		return slices.Contains(f.Of, n)
	case *events.Transferred:
		return slices.Contains(f.Of, n)
	case *events.Recall:
		return slices.Contains(f.Of, n)
	case *events.DisposalConfirmed:
		return slices.Contains(f.Of, n)
	case *events.Corrected:
		return f.Of == n
	case *events.Suspension:
		return slices.Contains(f.Of, n)
	case *events.Hold:
		return slices.Contains(f.Of, n)
	case *events.Deleted:
		return f.Person || slices.Contains(f.Of, n)
	default: // about the person as a whole, or nobody
		return false
	}
}
