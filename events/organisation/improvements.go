package organisation

import (
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// Improvement is an improvement action, and what became of it.
type Improvement struct {
	Opened events.Improvement
	At     policy.Mark
	Ended  *events.Improvement // completed, or dropped; nil of one that is open
	End    policy.Mark
}

// Completed says that it was done, and not dropped.
func (i *Improvement) Completed() bool { return i.End.Type == events.TypeImprovementCompleted }

// Overdue says that an action is open after its last day.
func (i *Improvement) Overdue(on policy.Date) bool {
	return i.Ended == nil && string(i.Opened.Due) < on.String()
}

// Known says of a stream of a desk whether anything is recorded in it.
type Known func(events.Stream) bool

// CauseStream is where the cause of an action stands, if the register has it in a desk's own stream: reviews are the organisation's, and audits
// are held elsewhere.
func CauseStream(c *events.Cause) (events.Stream, bool) {
	switch c.Kind {
	case "incident", "complaint", "request":
		return events.Stream{Kind: string(c.Kind), ID: string(c.ID)}, c.ID != ""
	}
	return events.Stream{}, false
}

// improvementRules are what an action must say, and in which order it may be opened, completed and dropped.
func (s *State) improvementRules(in Submission, f *events.Improvement) *events.Refusal {
	i, on := s.Improvements[f.Improvement], s.Policy.On(in.Time)
	opens, completes := in.Kind.Type == events.TypeImprovementOpened, in.Kind.Type == events.TypeImprovementCompleted
	switch {
	case f.By == "":
		return refuse(events.RuleSchema, "/data/by", "is missing: an action is somebody's")
	case !opens && (f.Cause != nil || f.Due != ""):
		return refuse(events.RuleSchema, "/data", "has a cause or a last day, which an action is opened with; they do not change")
	case !completes && !f.Evidence.IsZero():
		return refuse(events.RuleSchema, "/data/evidence", "belongs to an action that is completed")
	case opens:
		return s.opening(in, f, i, on)
	case i == nil:
		return refuse("record_unknown", "/data/improvement", "names no action that was opened")
	case in.Kind.Type == events.TypeImprovementRead:
		return nil
	case i.Ended != nil:
		return refuse("record_gone", "/data/improvement", "names an action that was completed or dropped before")
	case in.Time.Before(i.At.Time):
		return refuse(events.RuleSchema, "/time", "is before the action was opened")
	case completes && f.Evidence.IsZero():
		return refuse(events.RuleSchema, "/data/evidence", "is missing: what shows that it was done")
	case !completes && f.Note.IsZero():
		return refuse(events.RuleSchema, "/data/note", "is missing: why the action is dropped")
	}
	if completes {
		f.Days, f.Late = s.Policy.On(i.At.Time).DaysTo(on), string(i.Opened.Due) < on.String()
	}
	return nil
}

func (s *State) opening(in Submission, f *events.Improvement, was *Improvement, on policy.Date) *events.Refusal {
	switch {
	case was != nil:
		return refuse("key_taken", "/data/improvement", "is the name of another action")
	case f.Cause == nil:
		return refuse(events.RuleSchema, "/data/cause", "is missing: what the action comes from")
	case f.Due == "":
		return refuse(events.RuleSchema, "/data/due", "is missing: until when it is to be done")
	case string(f.Due) < on.String():
		return refuse(events.RuleSchema, "/data/due", "is before the day on which the action is opened")
	case f.Note.IsZero():
		return refuse(events.RuleSchema, "/data/note", "is missing: what is to be done")
	case f.Cause.ID == "" && f.Cause.Kind != "audit":
		return refuse(events.RuleSchema, "/data/cause/id", "is missing: which one it comes from")
	case f.Cause.Kind == "review" && (s.Reviews[f.Cause.ID] == nil || s.Reviews[f.Cause.ID].Held == nil):
		return refuse("record_unknown", "/data/cause/id", "names no review that was held")
	}
	if st, ok := CauseStream(f.Cause); ok && (in.Known == nil || !in.Known(st)) {
		return refuse("record_unknown", "/data/cause/id", "names no "+string(f.Cause.Kind)+" of the register")
	}
	return nil
}

func improvement(was *Improvement, e *events.Event, f *events.Improvement) *Improvement {
	i := Improvement{}
	if was != nil {
		i = *was
	}
	mark := policy.Mark{Type: events.Word(e.Type), Word: events.Word(f.Improvement), Time: e.Time, Position: e.Position}
	switch e.Type {
	case events.TypeImprovementRead:
		return was // a look changes nothing
	case events.TypeImprovementOpened:
		i.Opened, i.At = *f, mark
	case events.TypeImprovementCompleted, events.TypeImprovementDropped:
		i.Ended, i.End = f, mark
	}
	return &i
}

// Unanswered says that a review asked for improvement, and no action has come of it by the end of its day.
func (s *State) Unanswered(id events.ID, on policy.Date) bool {
	r := s.Reviews[id]
	if r == nil || r.Held == nil || r.Held.Outcome != "improve" || !s.Policy.On(r.HeldAt.Time).Before(on) {
		return false
	}
	return len(s.ActionsOf(id)) == 0
}

// ActionsOf are the actions that came of a review.
func (s *State) ActionsOf(review events.ID) []events.ID {
	var all []events.ID
	for id, i := range s.Improvements {
		if c := i.Opened.Cause; c != nil && c.Kind == "review" && c.ID == review {
			all = append(all, id)
		}
	}
	return all
}
