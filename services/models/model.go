// Package models runs projections: it feeds each one from the log, live, tells how far it is, lets a reader wait for its own
// write, and rebuilds it beside the live one.
package models

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/projections/store"
)

// States of a model.
const (
	Live       = "live"
	CatchingUp = "catching up"
	Rebuilding = "rebuilding"
	Stuck      = "stuck"
	Standby    = "standby" // another instance applies; this one takes over when that has ended, and answers nothing before
	Unknown    = "unknown" // the process that has it does not answer, as others tell
)

// Runner is a model whatever its questions are: what the wiring, the health check and the list of models need to know.
type Runner interface {
	Name() string
	// Start follows the log until Halt or Close. Halt waits until following has ended.
	Start()
	Halt()
	Close() error
	// Status says how far the model is, in which state, and why it is stuck.
	Status() (at events.Position, state string, err error)
	// Level waits until the model has reached a position; bounded by the context.
	Level(ctx context.Context, to events.Position) error
	// Rebuild folds the whole log beside the live store, then swaps.
	Rebuild(ctx context.Context, progress func(at, head events.Position)) error
	// Compare rebuilds beside and says which tables differ from the live ones.
	Compare(ctx context.Context) (rows int, different []string, err error)
}

// Model is one projection at work. P is its own type, for its questions.
type Model[P contracts.Projection] struct {
	name  string
	log   contracts.Log
	place contracts.Place
	make  func(context.Context, contracts.Database) (P, error)

	mu       sync.Mutex
	current  P
	db       contracts.Database
	opened   bool // current is made on db, and what it holds in memory is what is there
	position events.Position
	target   events.Position // the head that was there at start, or when a rebuild began
	state    string
	err      error
	moved    chan struct{} // closed and replaced whenever position or state changes
	reading  sync.RWMutex  // held by questions; a swap waits for them
	stop     context.CancelFunc
	stopped  chan struct{}
}

// New makes a model of what lies in a place. Start opens it.
func New[P contracts.Projection](name string, place contracts.Place, log contracts.Log, construct func(context.Context, contracts.Database) (P, error)) *Model[P] {
	return &Model[P]{name: name, log: log, place: place, make: construct, state: CatchingUp, moved: make(chan struct{})}
}

// Open is New, and opens the store at once, so that it answers. Nothing is read from the log before Start. Where another instance is at
// work on it, this one stands by. What another version of this program has stored there in another shape is dropped: the log gives it
// again.
func Open[P contracts.Projection](ctx context.Context, name string, place contracts.Place, log contracts.Log, construct func(context.Context, contracts.Database) (P, error)) (*Model[P], error) {
	m := New(name, place, log, construct)
	if err := m.renew(ctx); errors.Is(err, contracts.ErrStandby) {
		m.state, m.err = Standby, err
	} else if err != nil {
		return nil, err
	}
	return m, nil
}

// renew opens what is not open, and makes the projection anew, from what is stored: after a failure nothing in memory is to be trusted,
// the position least of all.
func (m *Model[P]) renew(ctx context.Context) error {
	m.mu.Lock()
	db, opened := m.db, m.opened
	m.mu.Unlock()
	if opened {
		return nil
	}
	var err error
	if db.Write == nil {
		if db, err = m.place.Open(ctx); err != nil {
			return fmt.Errorf("opening %s: %w", m.name, err)
		}
	}
	err = m.remake(ctx, db)
	if errors.Is(err, store.ErrShape) {
		if err = errors.Join(db.Close(), m.place.Remove(ctx)); err == nil {
			if db, err = m.place.Open(ctx); err == nil {
				err = m.remake(ctx, db)
			}
		}
	}
	if err != nil {
		m.reading.Lock()
		defer m.reading.Unlock()
		m.put(contracts.Database{})
		return errors.Join(fmt.Errorf("opening %s: %w", m.name, err), db.Close())
	}
	return nil
}

// remake makes the projection on a database, and answers questions by it from then on.
func (m *Model[P]) remake(ctx context.Context, db contracts.Database) error {
	p, err := m.make(ctx, db)
	if err != nil {
		return err
	}
	at, err := p.Position(ctx)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.current, m.db, m.position, m.opened = p, db, at, true
	return nil
}

// put sets a database that no projection is made on, or none.
func (m *Model[P]) put(db contracts.Database) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.db, m.opened = db, false
}

// Name is the projection's name.
func (m *Model[P]) Name() string { return m.name }

// Start follows the log until Close.
func (m *Model[P]) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	m.mu.Lock()
	m.stop, m.stopped = cancel, make(chan struct{})
	stopped := m.stopped
	m.mu.Unlock()
	go func() {
		defer close(stopped)
		m.follow(ctx)
	}()
}

// Halt stops following, and waits until it has.
func (m *Model[P]) Halt() {
	m.mu.Lock()
	stop, stopped := m.stop, m.stopped
	m.mu.Unlock()
	if stop != nil {
		stop()
		<-stopped
	}
}

// Close stops following and closes the store.
func (m *Model[P]) Close() error {
	m.Halt()
	m.reading.Lock()
	defer m.reading.Unlock()
	return m.db.Close()
}

// Retry is how long a stuck model waits before it asks again.
const Retry = 2 * time.Second

func (m *Model[P]) follow(ctx context.Context) {
	for ctx.Err() == nil {
		err := m.once(ctx)
		if ctx.Err() != nil {
			return
		}
		m.set(func() {
			m.state, m.err, m.opened = Stuck, err, false
			if errors.Is(err, contracts.ErrStandby) {
				m.state = Standby
			}
		})
		select {
		case <-ctx.Done():
		case <-time.After(Retry):
		}
	}
}

func (m *Model[P]) once(ctx context.Context) error {
	if err := m.renew(ctx); err != nil {
		return err
	}
	head, err := m.log.Head(ctx)
	if err != nil {
		return fmt.Errorf("asking for the log's head: %w", err)
	}
	m.mu.Lock()
	from, p := m.position, m.current
	m.mu.Unlock()
	if from > head {
		return fmt.Errorf("it has folded up to position %v of a log that ends at %v: it is of another log, or this one was rolled back (`daicho models rebuild %s`)", from, head, m.name)
	}
	m.set(func() {
		m.target = head
		m.settle()
	})
	ctx, cancel := context.WithCancel(ctx)
	return m.fold(ctx, cancel, p, m.log.Tail(ctx, from, contracts.Filter{}))
}

// Gather is how long events of a busy log are gathered before they are folded in one transaction. On a quiet log nothing waits.
const Gather = 50 * time.Millisecond

// arrival is what a tail gives.
type arrival struct {
	batch []events.Event
	err   error
}

func (m *Model[P]) fold(ctx context.Context, cancel func(), p P, tail iter.Seq2[[]events.Event, error]) error {
	arrivals := make(chan arrival, 16)
	var reader sync.WaitGroup
	defer reader.Wait()
	defer cancel() // ends the tail, too
	reader.Go(func() {
		defer close(arrivals)
		for batch, err := range tail {
			select {
			case arrivals <- arrival{batch, err}:
			case <-ctx.Done():
				return
			}
		}
	})
	folded := time.Now()
	for a := range arrivals {
		if a.err != nil {
			return a.err
		}
		batch := a.batch
		due := time.NewTimer(time.Until(folded.Add(Gather)))
	gathering:
		for len(batch) < Batch {
			select {
			case more, ok := <-arrivals:
				if !ok || more.err != nil {
					due.Stop()
					if err := m.take(ctx, p, batch); err != nil {
						return err
					}
					return errors.Join(errTailEnded, more.err)
				}
				batch = append(batch, more.batch...)
			case <-due.C:
				break gathering
			}
		}
		due.Stop()
		if err := m.take(ctx, p, batch); err != nil {
			return err
		}
		folded = time.Now()
	}
	return errTailEnded
}

var errTailEnded = errors.New("the log's tail ended")

func (m *Model[P]) take(ctx context.Context, p P, batch []events.Event) error {
	// A batch under way is finished when following ends: to cut it short would cost the connection, where there is one.
	if err := p.Apply(context.WithoutCancel(ctx), batch); err != nil {
		return err
	}
	m.set(func() {
		m.position, m.err = batch[len(batch)-1].Position, nil
		m.settle()
	})
	return nil
}

func (m *Model[P]) settle() {
	if m.state != Rebuilding {
		m.state = CatchingUp
		if m.position >= m.target {
			m.state, m.err = Live, nil
		}
	}
}

func (m *Model[P]) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
	close(m.moved)
	m.moved = make(chan struct{})
}

// Ask lets a question be answered by the projection as it stands; it is not swapped meanwhile.
func (m *Model[P]) Ask(do func(P) error) error {
	m.reading.RLock()
	defer m.reading.RUnlock()
	m.mu.Lock()
	p, db, err := m.current, m.db, m.err
	m.mu.Unlock()
	if db.Write == nil {
		return fmt.Errorf("%s answers nothing yet: %w", m.name, cmp.Or(err, errUnopened))
	}
	return do(p)
}

// working is why there is nothing to work on, or nil.
func (m *Model[P]) working() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.db.Write != nil {
		return nil
	}
	return cmp.Or(m.err, errUnopened)
}

var errUnopened = errors.New("its store is not open yet")

// Status says how far the model is.
func (m *Model[P]) Status() (at events.Position, state string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.position, m.state, m.err
}

// Level waits until the model has reached a position: a reader that must see its own write. Bounded by the context.
func (m *Model[P]) Level(ctx context.Context, to events.Position) error {
	for {
		m.mu.Lock()
		at, moved, state, err := m.position, m.moved, m.state, m.err
		m.mu.Unlock()
		if at >= to {
			return nil
		}
		switch state {
		case Standby:
			return err
		case Stuck:
			return fmt.Errorf("%s is stuck: %w", m.name, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s has not reached the position asked for in time: %w", m.name, ctx.Err())
		case <-moved:
		}
	}
}

// Rebuild folds the whole log into a new store beside the live one, then swaps. Questions are answered meanwhile. Progress,
// if not nil, is told positions.
func (m *Model[P]) Rebuild(ctx context.Context, progress func(at, head events.Position)) error {
	if err := m.working(); err != nil {
		return fmt.Errorf("rebuilding %s: %w", m.name, err)
	}
	m.set(func() { m.state = Rebuilding })
	defer m.set(func() {
		if m.state == Rebuilding {
			m.state = CatchingUp
			m.settle()
		}
	})
	beside, err := m.place.Beside(ctx, "rebuild")
	if err != nil {
		return err
	}
	if err := m.fresh(ctx, beside, func(p P, _ contracts.Database) error {
		_, err := Replay(ctx, m.log, p, progress)
		return err
	}); err != nil {
		return fmt.Errorf("rebuilding %s: %w", m.name, err)
	}
	m.Halt()
	m.reading.Lock()
	defer m.reading.Unlock()
	defer m.Start()
	m.mu.Lock()
	live := m.db
	m.mu.Unlock()
	if live.Write == nil { // lost meanwhile; what is in its place now is not this one's to replace
		return errors.Join(fmt.Errorf("rebuilding %s: its store was lost meanwhile; rebuild it again", m.name), beside.Remove(ctx))
	}
	m.put(contracts.Database{})
	db, err := m.place.Replace(ctx, live, beside)
	if err != nil {
		return fmt.Errorf("putting the new %s in place: %w", m.name, err)
	}
	m.put(db)
	if err := m.remake(ctx, db); err != nil {
		m.put(contracts.Database{})
		return errors.Join(fmt.Errorf("opening the new %s: %w", m.name, err), db.Close())
	}
	return nil
}

// fresh makes a projection in an empty place, and closes it when it has been used.
func (m *Model[P]) fresh(ctx context.Context, place contracts.Place, use func(P, contracts.Database) error) error {
	db, err := place.Open(ctx)
	if err != nil {
		return err
	}
	p, err := m.make(ctx, db)
	if err == nil {
		err = use(p, db)
	}
	return errors.Join(err, db.Close())
}
