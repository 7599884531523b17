package recipients

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	projection "github.com/daicho-dev/daicho/projections/recipients"
	"github.com/daicho-dev/daicho/services/intake"
)

const (
	retry     = 2 * time.Second  // before what failed is tried again
	lookEvery = 30 * time.Second // at the calendar
	moveEvery = 5 * time.Second  // the position is written, at most
	people    = 1000             // of one recall, and of one submission: a notice stays small, and a confirmation is soon recorded
)

// Start begins to follow the log and the calendar.
func (s *Service) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.wg.Go(func() { s.keep(ctx, &s.follows, retry, s.follow) })
	s.wg.Go(func() { s.keep(ctx, &s.clocks, lookEvery, s.look) })
	s.wg.Go(func() { s.keep(ctx, &s.tells, retry, s.tell) })
}

// Close stops the worker. What is left is found at the next start.
func (s *Service) Close() {
	if s.cancel == nil {
		return
	}
	s.cancel()
	s.wg.Wait()
	if at := events.Position(s.read.Load()); at > 0 {
		_ = s.own.move(context.Background(), at) // if not, it is read again
	}
}

// Err is why the worker does not go on, or nil.
func (s *Service) Err() error {
	for _, p := range []*atomic.Pointer[error]{&s.follows, &s.clocks, &s.tells} {
		if e := p.Load(); e != nil {
			return *e
		}
	}
	return nil
}

// keep does something again and again. It stops rather than skips: what failed is done again before anything after it.
func (s *Service) keep(ctx context.Context, broken *atomic.Pointer[error], every time.Duration, do func(context.Context) error) {
	for {
		err := do(ctx)
		wait := every
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			broken.Store(&err)
			wait = retry
		default:
			broken.Store(nil)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// follow reads the log from where it was last read, and reacts.
func (s *Service) follow(ctx context.Context) error {
	from, err := s.own.position(ctx)
	if err != nil {
		return err
	}
	s.read.Store(uint64(from))
	moved := time.Time{}
	// All of it, though three kinds would do: they are nearly all there is, and JetStream pays for every subject of a block to tell several
	// filters apart, which took a third of the machine.
	for batch, err := range s.log.Tail(ctx, from, contracts.Filter{}) {
		if err != nil {
			return err
		}
		if err := s.React(ctx, batch); err != nil {
			return err
		}
		s.follows.Store(nil)
		if s.read.Store(uint64(batch[len(batch)-1].Position)); time.Since(moved) < moveEvery {
			continue // reading a little again costs less than writing a little always
		}
		if err := s.own.move(ctx, batch[len(batch)-1].Position); err != nil {
			return err
		}
		moved = time.Now()
	}
	return errors.New("the log's tail ended")
}

// React does what a batch of events asks for. Done again, it does nothing more.
func (s *Service) React(ctx context.Context, batch []events.Event) error {
	// People of whom a ground has ended, and the last event that ended one: what an earlier one has already caused to be asked is asked, and
	// a cause asks once.
	ended := map[events.Stream]events.Position{}
	var order []events.Stream
	for i := range batch {
		e := &batch[i]
		switch e.Type {
		case events.TypeConsentWithdrawn, events.TypePurposeEnded, events.TypeDeleted:
			if _, ok := ended[e.Stream]; !ok {
				order = append(order, e.Stream)
			}
			ended[e.Stream] = e.Position
		case events.TypeRecipientEnded:
			if err := s.ended(ctx, e); err != nil {
				return err
			}
		case events.TypeDisposalConfirmed:
			if e.Stream.Kind == "recall" {
				if err := s.confirmed(ctx, e); err != nil {
					return err
				}
			}
		default: // ends no ground
		}
	}
	for len(order) > 0 {
		n := min(people, len(order))
		if err := s.askBack(ctx, order[:n], ended); err != nil {
			return err
		}
		order = order[n:]
	}
	return nil
}

// askBack recalls what lies with any recipient on no ground any more, of people of whom something has ended.
func (s *Service) askBack(ctx context.Context, streams []events.Stream, causes map[events.Stream]events.Position) error {
	at := map[events.Stream]events.Position{}
	for _, st := range streams {
		at[st] = causes[st]
	}
	states, err := s.gateway.People(ctx, at, 0)
	if err != nil {
		return err
	}
	org := s.gateway.Organisation()
	var all []intake.Submission
	for _, st := range streams {
		for _, x := range states[st].Stranded(org) {
			all = append(all, s.recall(st, causes[st], 0, x.Recipient, x.Of))
		}
	}
	return s.submit(ctx, all)
}

// recall asks one recipient for records of one person.
func (s *Service) recall(st events.Stream, cause events.Position, part int, from events.Word, of []events.Ordinal) intake.Submission {
	f := &events.Recall{Selector: events.Selector{Of: of}, Recall: s.name(cause, from, part), Recipient: from}
	return event(events.TypeRecallRequested, st, f, fmt.Sprintf("recall/%v/%s/%d", cause, from, part))
}

// ended recalls everything that lies with a recipient whose contract has ended (APPI 25; GDPR 28(3)(g)): a thousand people a recall.
func (s *Service) ended(ctx context.Context, e *events.Event) error {
	f, err := events.Decode(e)
	if err != nil {
		return err
	}
	from := f.(*events.Recipient).Recipient
	if err := s.model.Level(ctx, e.Position); err != nil {
		return err
	}
	after := events.Pseudonym("")
	for part := 0; ; part++ {
		var reached []events.Pseudonym
		if err := s.model.Ask(func(p *projection.Recipients) (err error) {
			reached, err = p.Reached(ctx, from, after, people)
			return err
		}); err != nil || len(reached) == 0 {
			return err
		}
		after = reached[len(reached)-1]
		if err := s.everythingFrom(ctx, e, from, part, reached); err != nil {
			return err
		}
	}
}

func (s *Service) everythingFrom(ctx context.Context, e *events.Event, from events.Word, part int, reached []events.Pseudonym) error {
	at := map[events.Stream]events.Position{}
	for _, p := range reached {
		at[events.PersonStream(p)] = 0
	}
	states, err := s.gateway.People(ctx, at, e.Position)
	if err != nil {
		return err
	}
	org := s.gateway.Organisation()
	var all []intake.Submission
	for _, p := range reached {
		st := events.PersonStream(p)
		for _, x := range states[st].Stranded(org) {
			if x.Recipient == from {
				all = append(all, s.recall(st, e.Position, part, from, x.Of))
			}
		}
	}
	return s.submit(ctx, all)
}

// confirmed closes, for everybody whom it concerns, a recall that its recipient has confirmed by name.
func (s *Service) confirmed(ctx context.Context, e *events.Event) error {
	f, err := events.Decode(e)
	if err != nil {
		return err
	}
	named := f.(*events.DisposalConfirmed)
	if err := s.model.Level(ctx, e.Position); err != nil {
		return err
	}
	parts, err := s.parts(ctx, named.Recall, e.Position)
	if err != nil {
		return err
	}
	var all []intake.Submission
	for _, p := range parts {
		x := event(events.TypeDisposalConfirmed, events.PersonStream(p.Person),
			&events.DisposalConfirmed{Recall: named.Recall, Recipient: named.Recipient}, fmt.Sprintf("confirmed/%v", e.Position))
		x.Time = e.Time // from then on it was not there
		all = append(all, x)
	}
	return s.submit(ctx, all)
}

func (s *Service) parts(ctx context.Context, recall events.ID, upTo events.Position) (parts []projection.Part, err error) {
	err = s.model.Ask(func(p *projection.Recipients) (err error) {
		parts, err = p.Parts(ctx, recall, upTo)
		return err
	})
	return parts, err
}

// look is at the calendar.
func (s *Service) look(ctx context.Context) error {
	if err := s.Expired(ctx); err != nil {
		return err
	}
	return s.Overdue(ctx)
}

// Expired ends recipients whose contract has run out without a new one: what follows is what follows when somebody ends them, and everything
// that lies there is asked back (APPI 25; GDPR 28(3)(g)).
func (s *Service) Expired(ctx context.Context) error {
	org := s.gateway.Organisation()
	if org.Policy == nil {
		return nil
	}
	today := org.Policy.On(s.now())
	var all []intake.Submission
	for _, id := range slices.Sorted(maps.Keys(org.Recipients)) {
		if r := org.Recipients[id]; r.Active && r.Over(today) {
			all = append(all, event(events.TypeRecipientEnded, events.Stream{Kind: "recipient", ID: string(id)},
				&events.Recipient{Recipient: id}, fmt.Sprintf("expired/%s/%d/%s", id, r.Since.UnixMilli(), r.Contract.To)))
		}
	}
	return s.submit(ctx, all)
}

// Overdue records, once for each person, that a recall's day has passed without a confirmation.
func (s *Service) Overdue(ctx context.Context) error {
	c := s.gateway.Organisation().Policy
	if c == nil {
		return nil
	}
	head, err := s.log.Head(ctx)
	if err != nil {
		return err
	}
	if err := s.model.Level(ctx, head); err != nil {
		return err
	}
	late, err := s.recalls(ctx, projection.Which{Open: true, DueBefore: events.Day(c.On(s.now()).String())})
	if err != nil {
		return err
	}
	for _, r := range late {
		parts, err := s.parts(ctx, r.ID, head)
		if err != nil {
			return err
		}
		var all []intake.Submission
		for _, p := range parts {
			if !p.Overdue {
				all = append(all, event(events.TypeRecallOverdue, events.PersonStream(p.Person),
					&events.Recall{Recall: r.ID, Recipient: r.Recipient}, "overdue/"+string(r.ID)))
			}
		}
		if err := s.submit(ctx, all); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) recalls(ctx context.Context, w projection.Which) (all []projection.Recall, err error) {
	err = s.model.Ask(func(p *projection.Recipients) (err error) {
		all, err = p.Recalls(ctx, w)
		return err
	})
	return all, err
}

// submit records what this service has to say. What another has settled meanwhile (the records were confirmed, or are gone from there) is
// refused as such, and needs nothing more.
func (s *Service) submit(ctx context.Context, all []intake.Submission) error {
	for len(all) > 0 {
		n := min(people, len(all))
		out, err := s.gateway.Submit(ctx, intake.Engine, all[:n])
		if err != nil {
			return err
		}
		for i, r := range out {
			if r.Status == contracts.StatusRefused && r.Rule != "record_unknown" {
				return fmt.Errorf("a %s is refused (%s at %s): %s", all[i].Kind.Short(), r.Rule, r.Field, r.Text)
			}
		}
		all = all[n:]
	}
	return nil
}
