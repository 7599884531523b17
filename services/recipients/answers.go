package recipients

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	projection "github.com/daicho-dev/daicho/projections/recipients"
	"github.com/daicho-dev/daicho/services/register"
)

// Serve names what the answers rest on besides this service's own projection: presence, histories, looks.
func (s *Service) Serve(r *register.Register) { s.register = r }

// patience is how long a question waits for the projection to reach the log's head as it stood when it was asked.
const patience = 3 * time.Second

// level waits, for a while, until what was recorded before a question is seen. What is not reached by then, the answer's position shows.
func (s *Service) level(ctx context.Context) {
	head, err := s.log.Head(ctx)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_ = s.model.Level(ctx, head)
}

func (s *Service) position() events.Position {
	at, _, _ := s.model.Status()
	return at
}

// Counts are how many recalls are open and not late, how many are overdue, and of how many the notice has been given up.
func (s *Service) Counts(ctx context.Context) (open, overdue, poisoned int, err error) {
	all, err := s.recalls(ctx, projection.Which{Open: true})
	if err != nil || len(all) == 0 {
		return 0, 0, 0, err
	}
	told, err := s.own.notices(ctx)
	if err != nil {
		return 0, 0, 0, err
	}
	for i := range all {
		if s.state(&all[i]) == "overdue" {
			overdue++
		} else {
			open++
		}
		if s.noticeLine(&all[i], told[all[i].ID]).State == "poisoned" {
			poisoned++
		}
	}
	return open, overdue, poisoned, nil
}

// counts are the open recalls of each recipient.
func (s *Service) counts(ctx context.Context) (map[events.Word]contracts.RecipientRecallCounts, error) {
	open, err := s.recalls(ctx, projection.Which{Open: true})
	if err != nil {
		return nil, err
	}
	all := map[events.Word]contracts.RecipientRecallCounts{}
	for i := range open {
		n := all[open[i].Recipient]
		n.Open++
		if s.state(&open[i]) == "overdue" {
			n.Overdue++
		}
		all[open[i].Recipient] = n
	}
	return all, nil
}

// state is that of a recall today: it is late from the day after the last one, also before the log has said so.
func (s *Service) state(r *projection.Recall) string {
	c := s.gateway.Organisation().Policy
	switch {
	case r.Left == 0:
		return "confirmed"
	case r.Overdue || c != nil && string(r.Due) < c.On(s.now()).String():
		return "overdue"
	}
	return "open"
}

// Recipients lists every recipient.
func (s *Service) Recipients(ctx context.Context) (contracts.RecipientList, error) {
	out := contracts.RecipientList{Recipients: []contracts.RecipientLine{}}
	if err := register.Allow(ctx, register.Readers...); err != nil {
		return out, err
	}
	s.level(ctx)
	out.Position = s.position()
	org := s.gateway.Organisation()
	counts, err := s.counts(ctx)
	if err != nil {
		return out, err
	}
	for _, id := range slices.Sorted(maps.Keys(org.Recipients)) {
		out.Recipients = append(out.Recipients, s.line(org, org.Recipients[id], counts[id]))
	}
	return out, nil
}

func (s *Service) line(org *organisation.State, r *organisation.Recipient, n contracts.RecipientRecallCounts) contracts.RecipientLine {
	line := contracts.RecipientLine{
		ID: r.Recipient.Recipient, Name: string(r.Name), Country: r.Country, Kinds: filled(r.Kinds), Tasks: filled(r.Tasks), Purposes: filled(r.Purposes), State: "active",
		Safeguard: r.Safeguard, Contract: r.Contract, ReviewDue: r.ReviewDue, Findings: []contracts.SupervisionFinding{}, Recalls: n,
	}
	if !r.Active {
		line.State = "ended"
	}
	for _, w := range r.Findings(org.Policy, org.Policy.On(s.now())) {
		line.Findings = append(line.Findings, contracts.SupervisionFinding{Word: w, Text: organisation.FindingText(w)})
	}
	return line
}

// filled is a list that is never null in JSON.
func filled[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// known is a recipient of the register, of the past too.
func (s *Service) known(id events.Word) (*organisation.State, *organisation.Recipient, error) {
	org := s.gateway.Organisation()
	r := org.Recipients[id]
	if r == nil {
		return nil, nil, register.NotFound("no recipient of this name has been registered; `daicho recipients list` shows them")
	}
	return org, r, nil
}

// Recipient is all that is on file about one.
func (s *Service) Recipient(ctx context.Context, id events.Word) (contracts.RecipientFile, error) {
	var none contracts.RecipientFile
	if err := register.Allow(ctx, register.Readers...); err != nil {
		return none, err
	}
	s.level(ctx)
	at := s.position()
	org, r, err := s.known(id)
	if err != nil {
		return none, err
	}
	counts, err := s.counts(ctx)
	if err != nil {
		return none, err
	}
	f := contracts.RecipientFile{
		RecipientLine: s.line(org, r, counts[id]), Since: r.Since.UTC(), Reviewed: r.Reviewed, Ended: r.Ended, Countries: filled(r.Countries), Categories: filled(r.Categories),
		Reentrusts: []string{}, Selection: r.Selection, Abroad: r.Abroad, RecallDays: r.RecallDays, Webhook: string(r.Webhook), Address: string(r.Address),
		Representative: !r.Representative.IsZero(), Position: at,
	}
	for _, t := range r.Reentrusts {
		f.Reentrusts = append(f.Reentrusts, string(t))
	}
	return f, nil
}

// limit is how many lines an answer has.
func limit(asked, usual, most int) (int, error) {
	switch {
	case asked == 0:
		return usual, nil
	case asked < 0 || asked > most:
		return 0, register.BadQuestion("limit", "is more than 0, and not more than one answer gives")
	}
	return asked, nil
}

// errEnough ends a list that is long enough.
type errEnough struct{}

func (errEnough) Error() string { return "enough" }

// Exposure says whose and what data lies with a recipient.
func (s *Service) Exposure(ctx context.Context, q contracts.ExposureQuestion) (contracts.Exposure, error) {
	var none contracts.Exposure
	if err := register.Allow(ctx, register.Readers...); err != nil {
		return none, err
	}
	if _, _, err := s.known(q.Recipient); err != nil {
		return none, err
	}
	most, err := limit(q.Limit, 100, 10_000)
	if err != nil {
		return none, err
	}
	if q.AsOf.IsZero() {
		q.AsOf = s.now()
	}
	q.AsOf = q.AsOf.UTC().Truncate(time.Millisecond)
	scope := contracts.ImpactQuestion{Locations: []events.Word{q.Recipient}, From: q.AsOf, To: q.AsOf.Add(time.Millisecond), KnownAt: q.KnownAt}
	there, err := s.register.Impact(ctx, scope)
	if err != nil {
		return none, err
	}
	out := contracts.Exposure{
		Recipient: q.Recipient, AsOf: q.AsOf, Position: there.Position, People: there.People, Records: there.Records, Special: there.Special, Financial: there.Finance,
		Who: []contracts.Exposed{}, Recalled: []contracts.RecallLine{}, Caveats: there.Caveats,
	}
	scope.KnownAt = there.Position.String() // the list is of what was counted
	if err := s.register.Affected(ctx, scope, func(a contracts.Affected) error {
		if len(out.Who) == most {
			return errEnough{}
		}
		out.Who = append(out.Who, contracts.Exposed{Person: a.Person, Categories: a.Categories, Forgotten: a.Forgotten})
		return nil
	}); err != nil && err != error(errEnough{}) {
		return none, err
	}
	out.More = out.People.Total - len(out.Who)
	s.level(ctx)
	open, err := s.recalls(ctx, projection.Which{Recipient: q.Recipient, Open: true})
	if err != nil {
		return none, err
	}
	for i := range open {
		out.Recalled = append(out.Recalled, s.recallLine(&open[i]))
	}
	if len(out.Recalled) > 0 {
		out.Caveats = append(out.Caveats, "The recalls listed are those that are open today.")
	}
	return out, nil
}

func (s *Service) recallLine(r *projection.Recall) contracts.RecallLine {
	line := contracts.RecallLine{Recall: r.ID, Recipient: r.Recipient, State: s.state(r), Asked: r.Asked, Due: r.Due, People: r.People, Records: r.Records, Left: r.Left}
	if r.Left == 0 {
		line.Confirmed = &r.Confirmed
	}
	return line
}

// Recalls lists recalls.
func (s *Service) Recalls(ctx context.Context, q contracts.RecallQuestion) (contracts.RecallList, error) {
	out := contracts.RecallList{Recalls: []contracts.RecallLine{}}
	if err := register.Allow(ctx, register.Readers...); err != nil {
		return out, err
	}
	most, err := limit(q.Limit, 100, 10_000)
	if err != nil {
		return out, err
	}
	if q.Recipient != "" {
		if _, _, err := s.known(q.Recipient); err != nil {
			return out, err
		}
	}
	s.level(ctx)
	out.Position = s.position()
	all, err := s.recalls(ctx, projection.Which{Recipient: q.Recipient, Open: !q.All, After: q.After, Limit: most})
	if err != nil {
		return out, err
	}
	for i := range all {
		out.Recalls = append(out.Recalls, s.recallLine(&all[i]))
	}
	if len(all) == most {
		out.Next = &all[len(all)-1].UpTo
	}
	return out, nil
}
