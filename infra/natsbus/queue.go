package natsbus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	durable     = "daicho-intake"
	ackWait     = 30 * time.Second
	maxInFlight = 1000 // messages that are handed over and not acknowledged
	queueMemory = 256 << 20
)

// Queue is a message.Subscriber of a JetStream work queue: a message that is acknowledged is gone from it, one that is not comes again.
type Queue struct {
	bus    *Bus
	stream string
}

var _ message.Subscriber = (*Queue)(nil)

// NewQueue is the work queue that a stream of this name is. A stream that is not there is made on the first Subscribe, in memory: what we
// make writes no clear event to a disk. Whoever wants its messages to outlive the server makes the stream themselves.
func NewQueue(bus *Bus, stream string) *Queue { return &Queue{bus, stream} }

// Subscribe hands over what is in the queue, the oldest first, and then what comes. The topic is the subject that a stream which is made
// takes; one that is there is read whole. One process may read a queue. Whoever takes messages settles each, also when the context has
// ended; the channel is closed when all are settled.
func (q *Queue) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	consumer, err := q.open(ctx, topic)
	if err != nil {
		return nil, err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(maxInFlight), jetstream.PullHeartbeat(5*time.Second))
	if err != nil {
		return nil, fmt.Errorf("nats: reading the queue: %w", err)
	}
	go func() {
		<-ctx.Done()
		messages.Stop()
	}()
	out := make(chan *message.Message, ahead)
	go func() {
		defer close(out)
		var settling sync.WaitGroup
		defer settling.Wait()
		for {
			in, err := messages.Next()
			if errors.Is(err, jetstream.ErrMsgIteratorClosed) {
				return
			}
			if err != nil {
				q.bus.logf("nats: reading the queue: %v", err)
				if errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, jetstream.ErrConsumerNotFound) || q.bus.conn.IsClosed() {
					return // the subscriber begins anew
				}
				continue
			}
			m := read(ctx, in.Subject(), "", in.Headers(), in.Data())
			settling.Go(func() { settle(in, m) })
			select {
			case out <- m:
			case <-ctx.Done():
				m.Nack()
			}
		}
	}()
	return out, nil
}

// settle tells the server what becomes of a message, until whoever took it has said so.
func settle(in jetstream.Msg, m *message.Message) {
	tick := time.NewTicker(ackWait / 3)
	defer tick.Stop()
	for {
		select {
		case <-m.Acked():
			_ = in.Ack() // if this is lost the message comes again, and is a duplicate
			return
		case <-m.Nacked():
			_ = in.Nak()
			return
		case <-tick.C:
			_ = in.InProgress()
		}
	}
}

// open finds or makes the stream, and makes its consumer anew: so that what was under way when a process ended comes again at once, before
// anything newer, and not after a time.
func (q *Queue) open(ctx context.Context, topic string) (jetstream.Consumer, error) {
	js, err := jetstream.New(q.bus.conn)
	if err != nil {
		return nil, fmt.Errorf("nats: %w", err)
	}
	s, err := js.Stream(ctx, q.stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = js.CreateStream(ctx, jetstream.StreamConfig{
			Name: q.stream, Subjects: []string{topic}, Retention: jetstream.WorkQueuePolicy, Storage: jetstream.MemoryStorage,
			Discard: jetstream.DiscardNew, MaxBytes: queueMemory,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("nats: the queue's stream cannot be opened: %w", err)
	}
	if s.CachedInfo().Config.Retention != jetstream.WorkQueuePolicy {
		return nil, errors.New("nats: the queue's stream keeps what is acknowledged, and would hold clear personal data for good; make it with retention workqueue")
	}
	if err := s.DeleteConsumer(ctx, durable); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, fmt.Errorf("nats: the queue's consumer cannot be made: %w", err)
	}
	c, err := s.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxAckPending: maxInFlight, DeliverPolicy: jetstream.DeliverAllPolicy,
	})
	if err != nil {
		return nil, fmt.Errorf("nats: the queue's consumer cannot be made: %w", err)
	}
	return c, nil
}

// Close does nothing: a subscription ends with its context.
func (q *Queue) Close() error { return nil }
