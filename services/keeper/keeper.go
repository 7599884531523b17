// Package keeper carries out in the vault what the log has decided: a deletion's keys are destroyed, and that they are is
// recorded.
//
// The order of a deletion, and what each crash leaves: (1) `deleted` stands in the log, and from there every projection answers
// "disposed"; (2) the keys are punctured; (3) `keys_destroyed` stands in the log. A crash after (1) or (2) is finished at the
// next start, since the vault's own position is only moved on after (3). A vault restored from a backup is behind that position:
// everything that was deleted since is destroyed again before anything can be read.
package keeper

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/services/intake"
)

// Keeper destroys keys. There is one a vault.
type Keeper struct {
	vault   contracts.Vault
	log     contracts.Log
	gateway interface {
		Submit(context.Context, intake.Caller, []intake.Submission) ([]contracts.Receipt, error)
		Organisation() *organisation.State
		Complete() events.Position
	}
	wake    chan struct{}
	mu      sync.Mutex
	pending []task
	redone  events.Position // what Redo has read needs no hearing of

	advanced    events.Position // the vault's position as we last set it; owned by run
	lastAdvance time.Time

	done   chan struct{}
	cancel context.CancelFunc
	broken atomic.Pointer[error]
	// Objects removes the objects that a destroyed value was the key to: those of a person's ordinals, or all. They are noise by then.
	// Set before Redo.
	Objects func(ctx context.Context, owner events.Stream, person bool, ordinals []events.Ordinal) error
	// Recorded is told of every event about a person that the log has after the vault's position, before anything is read. Set before Redo.
	Recorded func(context.Context, *events.Event) error
	// Crash is called between the steps with the step's number; tests stop the process there.
	Crash func(step int)
}

// task is what one event demands.
type task struct {
	at       events.Position
	owner    events.Stream
	time     time.Time
	asked    time.Time // when the log took it; or when we heard of it
	person   bool
	ordinals []events.Ordinal
}

// New makes a keeper. It does nothing before Level.
func New(vault contracts.Vault, log contracts.Log, gateway *intake.Gateway) *Keeper {
	k := &Keeper{vault: vault, log: log, gateway: gateway, wake: make(chan struct{}, 1), done: make(chan struct{}), Crash: func(int) {},
		Objects:  func(context.Context, events.Stream, bool, []events.Ordinal) error { return nil },
		Recorded: func(context.Context, *events.Event) error { return nil }}
	gateway.Destroy = k.Take
	return k
}

// demands says what an event asks of the vault.
func demands(e *events.Event) (task, bool, error) {
	switch e.Type {
	case events.TypeDeleted, events.TypeCorrected, events.TypeHoldReleased:
	default:
		return task{}, false, nil
	}
	f, err := events.Decode(e)
	if err != nil {
		return task{}, false, err
	}
	t := task{at: e.Position, owner: e.Stream, time: e.Time, asked: e.Recorded}
	switch f := f.(type) {
	case *events.Deleted:
		t.person, t.ordinals = f.Person, f.Keys
	case *events.Corrected:
		if !f.Kept && f.Old != 0 {
			t.ordinals = []events.Ordinal{f.Old}
		}
	case *events.Hold:
		t.ordinals = f.Keys
	default: // asks nothing
	}
	return t, t.person || len(t.ordinals) > 0, nil
}

// Demands says that an event asks for keys to be destroyed.
func Demands(e *events.Event) bool {
	_, asks, err := demands(e)
	return asks || err != nil
}

// Redo destroys, from the log alone, everything that was to be destroyed after the vault's own position, then opens the vault for
// reading. It runs before anything else does: a restored vault must not answer before. What has no keys_destroyed yet gets one
// once the gateway runs.
func (k *Keeper) Redo(ctx context.Context) error {
	from, err := k.vault.Position(ctx)
	if err != nil {
		return err
	}
	head, err := k.log.Head(ctx)
	if err != nil {
		return err
	}
	if from > head {
		return fmt.Errorf("the vault has carried out deletions up to a position that the log does not have: the log was rolled back or replaced. Restore the log that belongs to this vault; going on would give destroyed keys' places again")
	}
	var left []task
	for batch, err := range k.log.Scan(ctx, from, contracts.Filter{Kinds: []string{"person"}}) {
		if err != nil {
			return fmt.Errorf("reading the log's deletions: %w", err)
		}
		var work []task
		for i := range batch {
			e := &batch[i]
			if err := k.Recorded(ctx, e); err != nil {
				return err
			}
			t, ok, err := demands(e)
			if err != nil {
				return err
			}
			if ok {
				work, left = append(work, t), append(left, t)
			}
			if e.Type == events.TypeKeysDestroyed {
				left = answered(left, e)
			}
		}
		if err := k.destroy(ctx, work); err != nil {
			return err
		}
	}
	k.vault.Level()
	k.mu.Lock()
	k.redone = head
	k.pending = append(left, slices.DeleteFunc(k.pending, func(t task) bool { return t.at <= head })...) // those are among what was left
	k.mu.Unlock()
	return nil
}

// answered drops the tasks that a keys_destroyed event is about.
func answered(left []task, e *events.Event) []task {
	f, err := events.Decode(e)
	d, ok := f.(*events.KeysDestroyed)
	if err != nil || !ok {
		return left
	}
	return slices.DeleteFunc(left, func(t task) bool {
		return t.owner == e.Stream && (d.Person || !t.person && !slices.ContainsFunc(t.ordinals, func(n events.Ordinal) bool { return !slices.Contains(d.Ordinals, n) }))
	})
}

// Take is told of events that have just been recorded.
func (k *Keeper) Take(recorded []events.Event) {
	var tasks []task
	for i := range recorded {
		if t, ok, err := demands(&recorded[i]); err == nil && ok {
			if t.asked.IsZero() { // the log has not told its clock's time
				t.asked = time.Now()
			}
			tasks = append(tasks, t)
		}
	}
	if len(tasks) == 0 {
		return
	}
	k.mu.Lock()
	k.pending = append(k.pending, slices.DeleteFunc(tasks, func(t task) bool { return t.at <= k.redone })...)
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// Start begins to carry out what is asked.
func (k *Keeper) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	k.cancel = cancel
	select {
	case k.wake <- struct{}{}: // what Redo found
	default:
	}
	go k.run(ctx)
}

// Close finishes the step under way and stops. What is left is found at the next start.
func (k *Keeper) Close() {
	if k.cancel != nil {
		k.cancel()
		<-k.done
	}
}

// Err is why destruction does not go on, or nil.
func (k *Keeper) Err() error {
	if e := k.broken.Load(); e != nil {
		return *e
	}
	return nil
}

// Waiting is how many deletions' keys are not known to be destroyed yet, and when the oldest of them was asked for.
func (k *Keeper) Waiting() (n int, oldest time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, t := range k.pending {
		if oldest.IsZero() || t.asked.Before(oldest) {
			oldest = t.asked
		}
	}
	return len(k.pending), oldest
}

func (k *Keeper) run(ctx context.Context) {
	defer close(k.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		case <-time.After(time.Second):
		}
		if err := k.drain(ctx); err != nil && ctx.Err() == nil {
			k.broken.Store(&err)
		} else {
			k.broken.Store(nil)
		}
	}
}

func (k *Keeper) drain(ctx context.Context) error {
	complete := k.gateway.Complete() // asked first: whatever it covers has been taken by now
	k.mu.Lock()
	work := slices.Clone(k.pending)
	k.mu.Unlock()
	if len(work) == 0 {
		return k.settled(ctx, complete)
	}
	epoch, final, err := k.vault.Epoch(ctx)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(work, atOnce) {
		k.Crash(1)
		if err := k.destroy(ctx, part); err != nil {
			return err
		}
		k.Crash(2)
		all := make([]intake.Submission, len(part))
		for i, t := range part {
			all[i] = destroyed(t, epoch, final)
		}
		if _, err := k.gateway.Submit(ctx, intake.Engine, all); err != nil {
			return err
		}
		k.Crash(3)
		k.mu.Lock()
		k.pending = k.pending[len(part):]
		k.mu.Unlock()
	}
	k.lastAdvance = time.Time{} // at once: see settled
	select {
	case k.wake <- struct{}{}:
	default:
	}
	return nil
}

// atOnce is of how many events the keys are destroyed in one transaction: where many wait, others who write are not kept waiting for long.
const atOnce = 500

// settled moves the vault's position on when nothing is left to do, now and then: what it saves is reading at the next start. After a
// destruction it does so at once: where a vault goes back beneath an engine at work (a replica that lacks the last moments, a restore), its
// position goes back too, and what it has lost is carried out again.
func (k *Keeper) settled(ctx context.Context, complete events.Position) error {
	at, err := k.vault.Position(ctx)
	if err != nil {
		return err
	}
	if at < k.advanced {
		if err := k.Redo(ctx); err != nil {
			return err
		}
		k.advanced = at
		return nil
	}
	if complete <= k.advanced || time.Since(k.lastAdvance) < advanceEvery {
		return nil
	}
	if err := k.vault.Advance(ctx, complete); err != nil {
		return err
	}
	k.advanced, k.lastAdvance = complete, time.Now()
	return nil
}

const advanceEvery = 5 * time.Second

func (k *Keeper) destroy(ctx context.Context, work []task) error {
	keys := map[events.Stream][]events.Ordinal{}
	for _, t := range work {
		if !t.person {
			keys[t.owner] = append(keys[t.owner], t.ordinals...)
		}
	}
	if err := k.vault.Puncture(ctx, keys); err != nil {
		return err
	}
	keep := 400 * 24 * time.Hour
	if c := k.gateway.Organisation().Policy; c != nil {
		keep = c.TombstoneKeep()
	}
	for _, t := range work {
		if t.person {
			if err := k.vault.Forget(ctx, t.owner, t.time, keep); err != nil {
				return err
			}
		}
		if err := k.Objects(ctx, t.owner, t.person, t.ordinals); err != nil {
			return err
		}
	}
	return nil
}

func destroyed(t task, epoch string, final bool) intake.Submission {
	return intake.Own(events.TypeKeysDestroyed, t.owner, &events.KeysDestroyed{Person: t.person, Ordinals: t.ordinals, Epoch: events.Word(epoch), Final: final})
}
