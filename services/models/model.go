// Package models runs projections: it feeds each one from the log, live, tells how far it is, lets a reader wait for its own
// write, and rebuilds it beside the live one.
package models

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"sync"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/sqlite"
	"github.com/daicho-dev/daicho/projections/store"
)

// States of a model.
const (
	Live       = "live"
	CatchingUp = "catching up"
	Rebuilding = "rebuilding"
	Stuck      = "stuck"
)

// Runner is a model whatever its questions are: what the wiring, the health check and the list of models need to know.
type Runner interface {
	Name() string
	// Start follows the log until Halt or Close. Halt waits until following has ended.
	Start()
	Halt()
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
	name string
	log  contracts.Log
	path string
	make func(context.Context, contracts.Database) (P, error)

	mu       sync.Mutex
	current  P
	db       contracts.Database
	position events.Position
	target   events.Position // the head that was there at start, or when a rebuild began
	state    string
	err      error
	moved    chan struct{} // closed and replaced whenever position or state changes
	reading  sync.RWMutex  // held by questions; a swap waits for them
	stop     context.CancelFunc
	stopped  chan struct{}
}

// Open opens a model's store at path. Nothing is read from the log before Start. What another version of this program has stored there
// in another shape is dropped: the log gives it again.
func Open[P contracts.Projection](ctx context.Context, name, path string, log contracts.Log, construct func(context.Context, contracts.Database) (P, error)) (*Model[P], error) {
	m := &Model[P]{name: name, log: log, path: path, make: construct, state: CatchingUp, moved: make(chan struct{})}
	err := m.open(ctx)
	if errors.Is(err, store.ErrShape) {
		if err = sqlite.Remove(path); err == nil {
			err = m.open(ctx)
		}
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Model[P]) open(ctx context.Context) error {
	db, err := sqlite.Open(ctx, m.path)
	if err != nil {
		return err
	}
	p, err := m.make(ctx, db)
	if err != nil {
		_ = sqlite.Close(db)
		return fmt.Errorf("opening %s: %w", m.name, err)
	}
	at, err := p.Position(ctx)
	if err != nil {
		_ = sqlite.Close(db)
		return fmt.Errorf("opening %s: %w", m.name, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.current, m.db, m.position = p, db, at
	return nil
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
	return sqlite.Close(m.db)
}

// Retry is how long a stuck model waits before it asks again.
const Retry = 2 * time.Second

func (m *Model[P]) follow(ctx context.Context) {
	for ctx.Err() == nil {
		err := m.once(ctx)
		if ctx.Err() != nil {
			return
		}
		m.set(func() { m.state, m.err = Stuck, err })
		select {
		case <-ctx.Done():
		case <-time.After(Retry):
		}
	}
}

func (m *Model[P]) once(ctx context.Context) error {
	head, err := m.log.Head(ctx)
	if err != nil {
		return fmt.Errorf("asking for the log's head: %w", err)
	}
	m.set(func() {
		m.target = head
		m.settle()
	})
	m.mu.Lock()
	from, p := m.position, m.current
	m.mu.Unlock()
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
	if err := p.Apply(ctx, batch); err != nil {
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
			m.state = Live
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
	p := m.current
	m.mu.Unlock()
	return do(p)
}

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
		if state == Stuck {
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
	m.set(func() { m.state = Rebuilding })
	defer m.set(func() {
		if m.state == Rebuilding {
			m.state = CatchingUp
			m.settle()
		}
	})
	beside := m.path + ".rebuild"
	if err := sqlite.Remove(beside); err != nil {
		return err
	}
	db, err := sqlite.Open(ctx, beside)
	if err != nil {
		return err
	}
	p, err := m.make(ctx, db)
	if err != nil {
		_ = sqlite.Close(db)
		return fmt.Errorf("preparing a new %s: %w", m.name, err)
	}
	if _, err := Replay(ctx, m.log, p, progress); err != nil {
		_ = sqlite.Close(db)
		return fmt.Errorf("rebuilding %s: %w", m.name, err)
	}
	if err := sqlite.Close(db); err != nil {
		return fmt.Errorf("rebuilding %s: %w", m.name, err)
	}
	m.Halt()
	m.reading.Lock()
	defer m.reading.Unlock()
	defer m.Start()
	if err := sqlite.Close(m.db); err != nil {
		return fmt.Errorf("closing the old %s: %w", m.name, err)
	}
	if err := sqlite.Remove(m.path); err != nil {
		return err
	}
	if err := os.Rename(beside, m.path); err != nil {
		return fmt.Errorf("putting the new %s in place: %w", m.name, err)
	}
	return m.open(ctx)
}

// Batch is how many events of a replay are folded in one transaction.
const Batch = 20_000

// Replay folds the log into a projection up to the head as it stands, in large transactions. It answers how many events it gave.
func Replay(ctx context.Context, log contracts.Log, p contracts.Projection, progress func(at, head events.Position)) (int, error) {
	head, err := log.Head(ctx)
	if err != nil {
		return 0, err
	}
	from, err := p.Position(ctx)
	if err != nil {
		return 0, err
	}
	var pending []events.Event
	n := 0
	flush := func() error {
		if len(pending) == 0 {
			return nil
		}
		if err := p.Apply(ctx, pending); err != nil {
			return err
		}
		n += len(pending)
		if progress != nil {
			progress(pending[len(pending)-1].Position, head)
		}
		pending = pending[:0]
		return nil
	}
	for batch, err := range log.Scan(ctx, from, contracts.Filter{}) {
		if err != nil {
			return n, err
		}
		if pending = append(pending, batch...); len(pending) >= Batch {
			if err := flush(); err != nil {
				return n, err
			}
		}
	}
	return n, flush()
}
