package reviews

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/policy"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/register"
)

// Gateway is what records, and knows what is recorded of the organisation.
type Gateway interface {
	Submit(context.Context, intake.Caller, []intake.Submission) ([]contracts.Receipt, error)
	Organisation() *organisation.State
}

// Service answers.
type Service struct {
	gateway Gateway
	vault   contracts.Vault
	now     func() time.Time
}

var _ contracts.Reviews = (*Service)(nil)

// New makes a service.
func New(g Gateway, v contracts.Vault, now func() time.Time) *Service {
	return &Service{gateway: g, vault: v, now: now}
}

// asked is what an answer rests on, and the day of the question in the company's zone.
func (s *Service) asked(ctx context.Context, roles ...events.Word) (*organisation.State, policy.Date, error) {
	if err := register.Allow(ctx, roles...); err != nil {
		return nil, policy.Date{}, err
	}
	org := s.gateway.Organisation()
	if org.Policy == nil {
		return nil, policy.Date{}, &contracts.Problem{Type: "about:blank", Title: "No policy", Status: 503, Code: "no_policy", Detail: "no policy has been published yet"}
	}
	return org, org.Policy.On(s.now()), nil
}

// Reviews lists the cycles, and every review.
func (s *Service) Reviews(ctx context.Context) (contracts.ReviewList, error) {
	out := contracts.ReviewList{Cycles: []contracts.ReviewCycle{}, Reviews: []contracts.ReviewLine{}}
	org, on, err := s.asked(ctx, register.Readers...)
	if err != nil {
		return out, err
	}
	out.On, out.Position = on.String(), org.Position
	for _, c := range org.Cycles() {
		line := contracts.ReviewCycle{
			Subject: c.Subject, Label: org.Policy.Cycle(c.Subject).Label.In("en"), Every: c.Every.String(), Due: c.Due.String(), Because: string(c.Because), State: "due",
		}
		if !c.Last.IsZero() {
			last := c.Last.String()
			line.Last = &last
		}
		switch {
		case c.Overdue(on):
			line.State = "overdue"
		case c.Last.IsZero():
			line.State = "never"
		}
		out.Cycles = append(out.Cycles, line)
	}
	for _, id := range slices.Sorted(maps.Keys(org.Reviews)) {
		out.Reviews = append(out.Reviews, reviewLine(org, id, on))
	}
	slices.SortStableFunc(out.Reviews, func(a, b contracts.ReviewLine) int {
		return inOrder(a.Held, b.Held, a.Due, b.Due)
	})
	return out, nil
}

// inOrder puts what waits first, by its day, and then what has ended, the latest first.
func inOrder(aEnded, bEnded *time.Time, aDue, bDue string) int {
	switch {
	case aEnded == nil && bEnded == nil:
		return cmp.Compare(aDue, bDue)
	case aEnded == nil:
		return -1
	case bEnded == nil:
		return 1
	}
	return bEnded.Compare(*aEnded)
}

func reviewLine(org *organisation.State, id events.ID, on policy.Date) contracts.ReviewLine {
	r := org.Reviews[id]
	line := contracts.ReviewLine{ID: id, State: "planned", Moved: r.Moved, Late: []events.Word{}, Improvements: len(org.ActionsOf(id))}
	if p := r.Planned; p != nil {
		line.Subjects, line.Reason, line.Due, line.By = p.Subjects, p.Reason, string(p.Due), p.By
		if line.Due < on.String() {
			line.State = "overdue"
		}
	}
	if h := r.Held; h != nil {
		at := r.HeldAt.Time
		line.State, line.Held, line.Subjects, line.By, line.Outcome, line.Next = "held", &at, h.Subjects, h.By, h.Outcome, string(h.Next)
		line.Late = append(line.Late, h.Late...)
	}
	return line
}

// Review is one review, and what came of it.
func (s *Service) Review(ctx context.Context, id events.ID) (contracts.ReviewFile, error) {
	var none contracts.ReviewFile
	org, on, err := s.asked(ctx, register.Readers...)
	if err != nil {
		return none, err
	}
	r := org.Reviews[id]
	if r == nil {
		return none, register.NotFound("no review has this name; `daicho review list` shows them")
	}
	out := contracts.ReviewFile{ReviewLine: reviewLine(org, id, on), Actions: []contracts.ImprovementLine{}}
	out.Notes = r.Planned != nil && !r.Planned.Note.IsZero() || r.Held != nil && !r.Held.Note.IsZero()
	for _, a := range slices.Sorted(slices.Values(org.ActionsOf(id))) {
		out.Actions = append(out.Actions, improvementLine(org, a, on))
	}
	return out, nil
}

// States of an improvement action that may be asked for.
var states = []string{"open", "overdue", "completed", "dropped"}

// Improvements lists actions.
func (s *Service) Improvements(ctx context.Context, q contracts.ImprovementQuestion) (contracts.ImprovementList, error) {
	out := contracts.ImprovementList{Improvements: []contracts.ImprovementLine{}}
	org, on, err := s.asked(ctx, register.Readers...)
	if err != nil {
		return out, err
	}
	if q.State != "" && !slices.Contains(states, q.State) {
		return out, register.BadQuestion("state", "is none of open, overdue, completed, dropped")
	}
	out.On, out.Position = on.String(), org.Position
	for _, id := range slices.Sorted(maps.Keys(org.Improvements)) {
		line := improvementLine(org, id, on)
		switch line.State {
		case "overdue":
			out.Overdue++
			out.Open++
		case "open":
			out.Open++
		case "completed":
			out.Completed++
			if line.Late {
				out.Late++
			}
		case "dropped":
			out.Dropped++
		}
		if q.State == "" || q.State == line.State || q.State == "open" && line.Ended == nil {
			out.Improvements = append(out.Improvements, line)
		}
	}
	slices.SortStableFunc(out.Improvements, func(a, b contracts.ImprovementLine) int {
		return inOrder(a.Ended, b.Ended, a.Due, b.Due)
	})
	return out, nil
}

func improvementLine(org *organisation.State, id events.ID, on policy.Date) contracts.ImprovementLine {
	i := org.Improvements[id]
	line := contracts.ImprovementLine{
		ID: id, State: "open", Cause: i.Opened.Cause.Kind, CauseID: i.Opened.Cause.ID, Opened: i.At.Time, Due: string(i.Opened.Due), By: i.Opened.By, Late: i.Overdue(on),
	}
	if line.Late {
		line.State = "overdue"
	}
	if e := i.Ended; e != nil {
		at := i.End.Time
		line.State, line.Ended, line.EndedBy, line.Late = "dropped", &at, e.By, e.Late
		if i.Completed() {
			line.State, line.Days = "completed", &e.Days
		}
	}
	return line
}

var unknownAction = register.NotFound("no improvement action has this name; `daicho improvement list` shows them")

// Improvement is one action.
func (s *Service) Improvement(ctx context.Context, id events.ID) (contracts.ImprovementLine, error) {
	org, on, err := s.asked(ctx, register.Readers...)
	if err != nil {
		return contracts.ImprovementLine{}, err
	}
	if org.Improvements[id] == nil {
		return contracts.ImprovementLine{}, unknownAction
	}
	return improvementLine(org, id, on), nil
}

// Overdue are how many cycles of the policy in force, and how many improvement actions, are overdue now.
func (s *Service) Overdue() (reviews, improvements int) {
	org := s.gateway.Organisation()
	if org.Policy == nil {
		return 0, 0
	}
	on := org.Policy.On(s.now())
	for _, c := range org.Cycles() {
		if c.Overdue(on) {
			reviews++
		}
	}
	for _, i := range org.Improvements {
		if i.Overdue(on) {
			improvements++
		}
	}
	return reviews, improvements
}
