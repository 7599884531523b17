package edges

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/rs/zerolog"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/tokens"
)

// House is what every edge needs of the engine.
type House struct {
	Gateway *intake.Gateway
	Log     contracts.Log
	Vault   contracts.Vault
	Tokens  *tokens.Store
	Logger  zerolog.Logger
}

// way is where messages come from, and what is promised to who sends them.
type way struct {
	name string // for the health check
	// The subscriber hands messages over in an order that is to be kept, many before the first is settled.
	subscriber message.Subscriber
	topic      string
	// kept says that a message is kept until it is acknowledged; otherwise who sent it waits for an answer, and sends it again.
	kept    bool
	answers message.Publisher // nil: nobody waits for an answer
	who     teller
	up      func() error // why nothing comes, or nil
	close   func()
}

// Edge takes what comes by one way to the gateway, until it is closed.
type Edge struct {
	House
	way
	pauses  []time.Duration // between tries
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	stopped atomic.Pointer[error]
}

// How much goes to the gateway together, at most.
const (
	maxTogether = 1000
	maxBytes    = 16 << 20
)

// Beside these pauses, what the engine cannot do now is waited for as long as it takes.
var pauses = []time.Duration{100 * time.Millisecond, 400 * time.Millisecond, time.Second, 2 * time.Second}

const away = time.Second // before an edge that failed, or an engine that does not record, is tried again

func newEdge(h House, w way) *Edge { return &Edge{House: h, way: w, pauses: pauses} }

// Name is what comes in here.
func (e *Edge) Name() string { return e.name }

// Start begins to take messages.
func (e *Edge) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	e.cancel = cancel
	e.wg.Go(func() {
		for ctx.Err() == nil {
			if err := e.run(ctx); err != nil && ctx.Err() == nil {
				e.stop(err)
				pause(ctx, away)
			}
		}
	})
}

// Close settles what was taken, and takes nothing more.
func (e *Edge) Close() {
	if e.cancel != nil {
		e.cancel()
		e.wg.Wait()
	}
	if e.way.close != nil {
		e.way.close()
	}
}

// Err is why nothing comes in by this way, or nil.
func (e *Edge) Err() error {
	if err := e.stopped.Load(); err != nil {
		return *err
	}
	if e.up != nil {
		return e.up()
	}
	return nil
}

// stop remembers why nothing comes in, and says so once.
func (e *Edge) stop(why error) {
	if before := e.stopped.Swap(&why); before == nil || (*before).Error() != why.Error() {
		e.Logger.Warn().Str("part", e.name).Err(why).Msg("nothing comes in by this way; it is tried again")
	}
}

func (e *Edge) goOn() {
	if e.stopped.Swap(nil) != nil {
		e.Logger.Info().Str("part", e.name).Msg("it goes on")
	}
}

// run takes messages until the subscription ends, or one could not be settled. Then all that were handed over are given back, so that they
// come again in their order.
func (e *Edge) run(ctx context.Context) error {
	here, end := context.WithCancel(ctx)
	defer end()
	from, err := e.subscriber.Subscribe(here, e.topic)
	if err != nil {
		return err
	}
	e.goOn()
	for {
		first, open := <-from
		if !open {
			return errors.New("the subscription ended; it is begun again")
		}
		if err := e.take(ctx, gather(first, from)); err != nil {
			end()
			for m := range from {
				m.Nack()
			}
			return err
		}
	}
}

// gather adds to a message what has come meanwhile.
func gather(first *message.Message, from <-chan *message.Message) []*message.Message {
	all, size := []*message.Message{first}, len(first.Payload)
	for len(all) < maxTogether && size < maxBytes {
		select {
		case m, open := <-from:
			if !open {
				return all
			}
			all, size = append(all, m), size+len(m.Payload)
		default:
			return all
		}
	}
	return all
}

// take settles messages, in their order. After an error, they and all that follow them stay with who keeps them.
func (e *Edge) take(ctx context.Context, all []*message.Message) error {
	parcels := make([]*parcel, len(all))
	for i, m := range all {
		parcels[i] = e.open(m)
	}
	for len(parcels) > 0 {
		n := 1 // of one caller
		for n < len(parcels) && parcels[n].problem == nil && parcels[0].problem == nil && reflect.DeepEqual(parcels[n].caller, parcels[0].caller) {
			n++
		}
		run := parcels[:n]
		if run[0].problem == nil {
			e.submit(ctx, run)
		}
		for i, p := range run {
			if err := e.settle(ctx, p); err != nil {
				for _, left := range parcels[i:] {
					left.msg.Nack()
				}
				return err
			}
		}
		parcels = parcels[n:]
	}
	return nil
}

// submit has the events of parcels of one caller decided. What is kept is tried again until the engine has decided it, or has been shown to
// work and still could not.
func (e *Edge) submit(ctx context.Context, run []*parcel) {
	err := error(intake.ErrClosing)
	if ctx.Err() == nil {
		err = e.try(ctx, run)
	}
	if err != nil && ctx.Err() == nil && e.kept && len(run) > 1 { // one of them may be what cannot be decided: each by itself, still in order
		for _, p := range run {
			e.submit(ctx, []*parcel{p})
		}
		return
	}
	if err != nil {
		for _, p := range run {
			p.fail(err)
		}
	}
}

func (e *Edge) try(ctx context.Context, run []*parcel) error {
	for tried := 0; ; tried++ {
		var all []intake.Submission
		for _, p := range run {
			if p.spent {
				if err := p.read(); err != nil {
					return err
				}
			}
			p.spent = true
			all = append(all, p.events...)
		}
		if len(all) == 0 {
			return nil
		}
		// What is recorded is not given up because the engine is to stop: it is answered first.
		receipts, err := e.Gateway.Submit(context.WithoutCancel(ctx), run[0].caller, all)
		if err == nil {
			for _, p := range run {
				p.receipts, receipts = receipts[:len(p.events)], receipts[len(p.events):]
			}
			return nil
		}
		if !e.kept || ctx.Err() != nil {
			return err
		}
		for broken := e.broken(ctx); broken != nil; broken = e.broken(ctx) { // the engine's fault, and not this message's
			e.stop(broken)
			if pause(ctx, away); ctx.Err() != nil {
				return err
			}
		}
		e.goOn()
		if tried == len(e.pauses) {
			return err
		}
		if pause(ctx, e.pauses[tried]); ctx.Err() != nil {
			return err
		}
	}
}

// broken is why the engine records nothing at all, or nil.
func (e *Edge) broken(ctx context.Context) error {
	if err := e.Gateway.Err(); err != nil {
		return err
	}
	if _, err := e.Log.Head(ctx); err != nil {
		return err
	}
	_, err := e.Vault.Find(ctx, nil)
	return err
}

// settle answers who asked, and acknowledges, when poison has been put away. An error says that the message has to come again.
func (e *Edge) settle(ctx context.Context, p *parcel) error {
	e.answer(p)
	if p.problem != nil && e.kept {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := e.Vault.Quarantine(context.WithoutCancel(ctx), p.poison(e.Gateway)); err != nil {
			return err
		}
		e.Logger.Warn().Str("rule", p.rule).Msg("a message that cannot be taken in is in the quarantine")
	}
	p.msg.Ack()
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
