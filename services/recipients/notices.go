package recipients

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"

	"github.com/daicho-dev/daicho/events"
	projection "github.com/daicho-dev/daicho/projections/recipients"
)

// sending is how recipients are told. The queue is in memory only: what is still to be told is, at any moment, what the log has asked beyond
// what a recipient is known to have taken (store.go), so a restart finds it again.
type sending struct {
	client  *http.Client
	timeout time.Duration    // of one try
	retry   middleware.Retry // of one notice: after the last try it is poisoned
	every   time.Duration    // how soon something new is found
	width   int              // notices under way to one recipient

	mu    sync.Mutex
	going map[events.ID]events.Word // recalls of which a notice is under way → whom it goes to
	wake  bool                      // look again, although the log has not moved
}

func newSending() *sending {
	return &sending{
		client: newClient(), timeout: 20 * time.Second, every: time.Second, width: 4, going: map[events.ID]events.Word{},
		// Some 40 minutes in all; a recipient that is away for longer is a matter for a person, who is given as many days as the recall has.
		retry: middleware.Retry{MaxRetries: 8, InitialInterval: 2 * time.Second, Multiplier: 3, MaxInterval: 15 * time.Minute, RandomizationFactor: 0.2},
	}
}

func (x *sending) begin(recall events.ID, to events.Word) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := 0
	for _, r := range x.going {
		if r == to {
			n++
		}
	}
	if _, ok := x.going[recall]; ok || n >= x.width {
		return false
	}
	x.going[recall] = to
	return true
}

func (x *sending) end(recall events.ID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.going, recall)
	x.wake = true
}

func (x *sending) again() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.wake = true
}

// woken says whether to look again, once.
func (x *sending) woken() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	w := x.wake
	x.wake = false
	return w
}

const (
	noticeTopic = "recalls"
	poisonTopic = "poisoned"
)

// tell sends notices until the context ends.
func (s *Service) tell(ctx context.Context) error {
	s.send.mu.Lock()
	s.send.going, s.send.wake = map[events.ID]events.Word{}, true
	s.send.mu.Unlock()
	log := watermill.NopLogger{} // its lines carry what our own must not
	bus := gochannel.NewGoChannel(gochannel.Config{}, log)
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: 30 * time.Second}, log)
	if err != nil {
		return err
	}
	// A notice that was broken off because the engine stops is not poisoned: it is found again at the next start.
	poison, err := middleware.PoisonQueueWithFilter(bus, poisonTopic, func(error) bool { return ctx.Err() == nil })
	if err != nil {
		return err
	}
	router.AddConsumerHandler("notices", noticeTopic, bus, s.deliver).AddMiddleware(poison, s.send.retry.Middleware, middleware.Recoverer)
	router.AddConsumerHandler("poisoned", poisonTopic, bus, s.giveUp)
	ran := make(chan error, 1)
	go func() { ran <- router.Run(ctx) }()
	select {
	case err := <-ran:
		return errors.Join(errors.New("the router of notices does not run"), err)
	case <-router.Running():
	}
	err = s.dispatch(ctx, bus)
	return errors.Join(err, router.Close(), <-ran, bus.Close())
}

// dispatch puts what is still to be told on its way.
func (s *Service) dispatch(ctx context.Context, bus message.Publisher) error {
	seen := events.Position(0)
	for {
		if at := s.position(); at != seen || s.send.woken() {
			seen = at
			unsent, err := s.unsent(ctx)
			if err != nil {
				return err
			}
			s.tells.Store(nil)
			for i := range unsent {
				if r := &unsent[i]; s.send.begin(r.ID, r.Recipient) {
					if err := bus.Publish(noticeTopic, message.NewMessage(watermill.NewUUID(), []byte(r.ID))); err != nil {
						return err
					}
				}
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(s.send.every):
		}
	}
}

// unsent are the recalls that something is left of and their recipients have not been told of, unless they were given up.
func (s *Service) unsent(ctx context.Context) ([]projection.Recall, error) {
	head, err := s.log.Head(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.model.Level(ctx, head); err != nil { // so that nobody is told, after a restart, of what has been confirmed
		return nil, err
	}
	open, err := s.recalls(ctx, projection.Which{Open: true})
	if err != nil || len(open) == 0 {
		return nil, err
	}
	told, err := s.own.notices(ctx)
	if err != nil {
		return nil, err
	}
	org := s.gateway.Organisation()
	var unsent []projection.Recall
	for _, r := range open {
		to, n := org.Recipients[r.Recipient], told[r.ID]
		if to != nil && to.Webhook != "" && r.UpTo > n.told && (!n.poisoned || r.UpTo > n.tried) {
			unsent = append(unsent, r)
		}
	}
	return unsent, nil
}

// deliver tells a recipient of one recall, as it stands now.
func (s *Service) deliver(msg *message.Message) error {
	ctx, recall := msg.Context(), events.ID(msg.Payload)
	found, err := s.recalls(ctx, projection.Which{ID: recall, Open: true})
	if err != nil {
		return err
	}
	if len(found) == 0 { // confirmed meanwhile
		s.send.end(recall)
		return nil
	}
	r := &found[0]
	to := s.gateway.Organisation().Recipients[r.Recipient]
	if to == nil || to.Webhook == "" {
		s.send.end(recall)
		return nil
	}
	body, err := s.body(ctx, r)
	if err != nil {
		return err
	}
	if err := s.post(ctx, string(to.Webhook), s.secret(r.Recipient, to.Webhook), fmt.Sprintf("%s.%v", r.ID, r.UpTo), body); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errors.Join(err, s.own.attempted(ctx, recall, r.UpTo, time.Now(), err.Error()))
	}
	if err := s.own.taken(context.WithoutCancel(ctx), recall, r.UpTo, time.Now()); err != nil {
		return err
	}
	s.send.end(recall)
	return nil
}

// giveUp notes a notice that was poisoned.
func (s *Service) giveUp(msg *message.Message) error {
	recall := events.ID(msg.Payload)
	if err := s.own.poisoned(msg.Context(), recall); err != nil {
		return err
	}
	s.send.end(recall)
	return nil
}
