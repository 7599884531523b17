package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// order is the one order of the events of a log that is divided over several streams. It is a stream of its own; each message of it says of
// every part up to where it is ordered by now, and in which turns what it adds comes behind what was there. So a position is a count of
// events, and names a place in every part; and what is stored and not ordered yet is nowhere.
//
// A message is taken only behind the last one that its writer knows (several processes may write), and is recorded no earlier. As a part is
// ordered up to somewhere, whoever comes next also orders what somebody stored who died before ordering it.
type order struct {
	log  *Log
	part *part
	now  point // the last that is known; only begin and run change it
	wake chan struct{}

	stuck atomic.Pointer[error] // why nothing is ordered for a while now; nothing more is stored then

	mu      sync.Mutex
	waiting []*ticket
	looking [MaxPartitions]atomic.Bool  // an outcome there is not known
	doubts  [MaxPartitions]atomic.Int32 // and what was stored may not be ordered yet
}

// ticket is what a call has stored, and waits for its positions.
type ticket struct {
	steps  []step // its Writes, as the call has them
	stored []*stored
	done   chan struct{}
}

const (
	mending  = 50 * time.Millisecond // before something is tried again, first
	fewBack  = 64                    // messages of others that are read one by one; of more, only the last
	mostRuns = 4096                  // of a message, so that the server takes it, however much waits
)

var errUnordered = errors.New("log: what was stored last cannot be ordered: the server does not take a message of the stream " + orderName)

var errBehind = errors.New("log: a partition holds fewer events than the order names: its stream was restored from an older copy than that of " +
	orderName + "; restore all streams of one backup, in which the order was copied first")

// begin takes over where the last writer stopped: what was stored and not ordered is ordered now.
func (o *order) begin(ctx context.Context) error {
	if err := o.log.patient(ctx, func(ctx context.Context) (err error) {
		o.now, err = o.latest(ctx)
		return err
	}); err != nil {
		return fmt.Errorf("log: the order of events cannot be read: %w", err)
	}
	left := &ticket{}
	for n, p := range o.log.parts {
		var end events.Position
		if err := o.log.patient(ctx, func(ctx context.Context) (err error) {
			end, err = p.end(ctx)
			return err
		}); err != nil {
			return fmt.Errorf("log: the end of a partition cannot be read: %w", err)
		}
		if uint64(end) < o.now.upto[n] {
			return errBehind
		}
		left.steps = append(left.steps, step{n, uint64(end)})
	}
	o.log.beside(o.run)
	return o.ordered(ctx, o.enter(left))
}

// enter asks for what a ticket names to be ordered.
func (o *order) enter(t *ticket) *ticket {
	t.done = make(chan struct{})
	o.mu.Lock()
	o.waiting = append(o.waiting, t)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
	return t
}

// wait ends when a ticket has its positions. Who stops waiting does not know: what is stored will be ordered, by somebody.
func (o *order) wait(ctx context.Context, t *ticket) error {
	late := time.NewTimer(ackWait)
	defer late.Stop()
	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
	case <-late.C:
	case <-o.log.done:
	}
	return contracts.ErrUnknown
}

// ordered waits for a ticket of what others may have stored.
func (o *order) ordered(ctx context.Context, t *ticket) error {
	err := o.wait(ctx, t)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case o.log.isClosed():
		return contracts.ErrClosed
	}
	return errUnordered
}

// sure has everything ordered that was stored with an outcome that is not known here: who reads on to see what became of it finds it. A part
// that does not answer is asked again, as long as a scan is mended.
func (o *order) sure(ctx context.Context) error {
	for n, began := 0, time.Now(); n < len(o.log.parts); {
		if o.doubts[n].Load() == 0 {
			n++
			continue
		}
		t, err := o.look(ctx, n)
		if err == nil {
			err = o.ordered(ctx, t)
		}
		switch {
		case err == nil:
			n++
		case ctx.Err() != nil || o.log.isClosed() || time.Since(began) > patience:
			return err
		default:
			select {
			case <-time.After(mending):
			case <-ctx.Done():
			case <-o.log.done:
			}
		}
	}
	return nil
}

// show has what a Write was in conflict with ordered before its caller reads again, and what may have been stored as soon as that can be
// asked.
func (o *order) show(ctx context.Context, writes []contracts.Write, results []contracts.Result) {
	var shown [MaxPartitions]bool
	for i, r := range results {
		n := partOf(writes[i].Stream, len(o.log.parts))
		switch {
		case errors.Is(r.Err, contracts.ErrConflict) && !shown[n] && o.stuck.Load() == nil:
			shown[n] = true
			if t, err := o.look(ctx, n); err == nil {
				_ = o.wait(ctx, t) // the caller decides again in any case
			}
		case errors.Is(r.Err, contracts.ErrUnknown) && o.looking[n].CompareAndSwap(false, true):
			o.doubts[n].Add(1)
			o.log.beside(func() { o.lookOut(n) })
		}
	}
}

// look has everything ordered that a part holds now.
func (o *order) look(ctx context.Context, n int) (*ticket, error) {
	end, err := o.log.parts[n].end(ctx)
	if err != nil {
		return nil, err
	}
	return o.enter(&ticket{steps: []step{{n, uint64(end)}}}), nil
}

// lookOut looks as soon as there is an answer.
func (o *order) lookOut(n int) {
	defer o.doubts[n].Add(-1)
	for wait := mending; ; wait = min(2*wait, latest) {
		select {
		case <-time.After(wait):
		case <-o.log.done:
			return
		}
		o.looking[n].Store(false) // what is not known from now on may come behind what this look sees
		t, err := o.look(context.Background(), n)
		if err == nil {
			select {
			case <-t.done:
			case <-o.log.done:
			}
			return
		}
		if !o.looking[n].CompareAndSwap(false, true) {
			return // somebody else looks later
		}
	}
}

// run writes the order, one message for all that waits, until the log is closed.
func (o *order) run() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-o.log.done
		cancel()
	}()
	for {
		select {
		case <-o.wake:
		case <-ctx.Done():
			return
		}
		for wait, since := time.Millisecond, time.Now(); ; {
			more, err := o.round(ctx)
			if err == nil {
				if o.stuck.Store(nil); !more {
					break
				}
				wait, since = time.Millisecond, time.Now()
				continue
			}
			if time.Since(since) > latest && o.stuck.Load() == nil {
				err := fmt.Errorf("log: the order of events cannot be written: %v", err) // and no ErrUnknown: what is not sent is not stored
				o.stuck.Store(&err)
				o.log.opts.logf("%v", err)
			}
			select {
			case <-time.After(wait):
				wait = min(2*wait, latest/4)
			case <-ctx.Done():
				return
			}
		}
	}
}

// round orders what waits, as far as it gets, and says whether something still does.
func (o *order) round(ctx context.Context) (more bool, err error) {
	next := o.now.next(time.Now())
	o.mu.Lock()
	for _, t := range o.waiting {
		for _, s := range t.steps {
			if next.advance(s); len(next.runs) == mostRuns {
				break
			}
		}
		if len(next.runs) == mostRuns { // the next message goes on
			break
		}
	}
	o.mu.Unlock()
	if len(next.runs) > 0 {
		if err = o.put(ctx, next); err != nil {
			return true, err
		}
	}
	return o.settle(ctx)
}

// put writes a message. If it may not have been stored, or another came before it, the order is read on from what is known.
func (o *order) put(ctx context.Context, p point) error {
	m, err := p.message()
	if err != nil {
		return err
	}
	key, s, err := o.log.flight.takeoff(ctx, o.log.done, 0, 0)
	if err != nil {
		return err
	}
	m.Reply = o.log.flight.inbox + key
	if err = o.log.conn.PublishMsg(m); err != nil {
		o.log.flight.finish(key, ack{})
		return away(err)
	}
	a := await(ctx, s)
	if a.err == nil && a.Seq == p.seq {
		o.learn(p)
		return nil
	}
	if err = o.catchUp(ctx); err != nil || o.now.seq >= p.seq {
		return err
	}
	return a.err
}

// catchUp takes in the messages behind the last one that is known. Of many, as after a day without an append, only the last is read: what of
// the others concerns somebody here is traced.
func (o *order) catchUp(ctx context.Context) error {
	var last point
	if err := o.log.ask(ctx, func(ctx context.Context) (err error) {
		last, err = o.latest(ctx)
		return err
	}); err != nil {
		return err
	}
	for o.now.seq < last.seq {
		p := last
		if last.seq-o.now.seq > fewBack {
			o.mu.Lock()
			o.now = last
			o.mu.Unlock()
			return nil
		}
		if last.seq > o.now.seq+1 {
			var err error
			if p, err = o.get(ctx, o.now.seq+1); err != nil {
				return err
			}
		}
		if !p.follows(o.now) {
			return errMessage
		}
		o.learn(p)
	}
	return nil
}

// learn takes in the message behind the last one known, and gives positions to what it orders.
func (o *order) learn(p point) {
	o.mu.Lock()
	defer o.mu.Unlock()
	pieces := p.pieces(o.now)
	for _, t := range o.waiting {
		for _, s := range t.stored {
			s.fill(pieces[s.part])
		}
	}
	o.now = p
}

// settle answers the tickets of what is ordered, and says whether others are left.
func (o *order) settle(ctx context.Context) (more bool, err error) {
	o.mu.Lock()
	var late []*stored
	o.waiting = slices.DeleteFunc(o.waiting, func(t *ticket) bool {
		for _, s := range t.steps {
			if s.upto > o.now.upto[s.part] {
				return false
			}
		}
		for _, s := range t.stored {
			if s.left > 0 { // another process ordered it before it was known here that it is stored
				late = append(late, s)
			}
		}
		if len(late) > 0 {
			return false
		}
		close(t.done)
		return true
	})
	left := len(o.waiting)
	o.mu.Unlock()
	for _, s := range late {
		if err = o.trace(ctx, s); err != nil {
			return true, err
		}
	}
	return left > 0, nil
}

// trace finds the positions of what was ordered a while ago.
func (o *order) trace(ctx context.Context, s *stored) error {
	at, err := o.before(ctx, o.now, func(p point) bool { return p.upto[s.part] >= s.first })
	for err == nil && at.upto[s.part] < s.last {
		var next point
		if next, err = o.get(ctx, at.seq+1); err != nil {
			return err
		}
		if !next.follows(at) {
			return errMessage
		}
		s.fill(next.pieces(at)[s.part])
		at = next
	}
	return err
}

// before is the last message, of those up to one that is known, for which something does not hold yet that holds from some message on;
// the one before the first, if there is none.
func (o *order) before(ctx context.Context, last point, holds func(point) bool) (point, error) {
	if !holds(last) {
		return last, nil
	}
	at, end := o.zero(), last.seq
	for back := uint64(1); at.seq+1 < end; back *= 2 { // what is asked for lies near the end, mostly
		mid := at.seq + (end-at.seq)/2
		if back < end-mid {
			mid = end - back
		}
		p, err := o.get(ctx, mid)
		switch {
		case err != nil:
			return at, err
		case holds(p):
			end = mid
		default:
			at = p
		}
	}
	return at, nil
}

// zero is before the first message.
func (o *order) zero() point { return point{upto: make([]uint64, len(o.log.parts))} }

// get is a message of the order by its place, one that is known to be there.
func (o *order) get(ctx context.Context, seq uint64) (p point, err error) {
	err = o.log.ask(ctx, func(ctx context.Context) error {
		e, err := o.part.message(ctx, map[string]any{"seq": seq})
		switch {
		case err != nil:
			return err
		case e == nil: // a server that was the leader until just now answers so
			return errAgain
		}
		p, err = readPoint(*e, len(o.log.parts))
		return err
	})
	return p, err
}

// latest is the last message, as the leader of its stream has it.
func (o *order) latest(ctx context.Context) (point, error) {
	e, err := o.part.message(ctx, map[string]any{"last_by_subj": orderPrefix + orderStream.Kind + "." + orderStream.ID})
	if err != nil || e == nil {
		return o.zero(), err
	}
	return readPoint(*e, len(o.log.parts))
}

// head is the position of the last event that is ordered.
func (o *order) head(ctx context.Context) (at events.Position, err error) {
	err = o.log.ask(ctx, func(ctx context.Context) error {
		p, err := o.latest(ctx)
		at = p.total()
		return err
	})
	return at, err
}
