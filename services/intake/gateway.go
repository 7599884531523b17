package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
)

// Caller is whose submissions these are: what a token stands for.
type Caller struct {
	Role    events.Word // emitter, compliance, responder, auditor, admin; "engine" for Daicho's own services
	Holder  events.Identifier
	Sources []string      // prefixes that an emitter may write under
	Types   []string      // steering types that an emitter may write
	Walls   []events.Word // of the policy, that the holder is cleared for
}

// Writes says that the caller may write under a source.
func (c Caller) Writes(source string) bool {
	return c.Role != "emitter" || slices.ContainsFunc(c.Sources, func(prefix string) bool { return under(source, prefix) })
}

// Engine is the caller of Daicho's own services.
var Engine = Caller{Role: "engine"}

// Observer is told what happens, for metrics. Its methods are called from many goroutines.
type Observer interface {
	Grouped(events int)
	Answered(status contracts.Status, rule string)
}

// Gateway decides and records. There may be several over one log: the log's revision check keeps them right.
type Gateway struct {
	log    contracts.Log
	vault  contracts.Vault
	states *states
	org    atomic.Pointer[organisation.State]
	orgMu  sync.Mutex
	watch  Observer
	now    func() time.Time

	// Shared says that others append to the same log. The gateway then follows it, so that it decides by what they have said of the
	// organisation, and Destroy hears of everything that is recorded, whoever recorded it. Set before Start.
	Shared bool
	// Destroy is asked to carry out what recorded events demand of the vault, after they are in the log. Set before Start.
	Destroy func([]events.Event)
	// Uploads is where attachments wait; without it, every attachment is of an unknown upload. Set before Start.
	Uploads Uploads

	queue  chan []*item
	done   chan struct{}
	cancel context.CancelFunc
	wg     sync.WaitGroup
	broken atomic.Pointer[error]
	heard  atomic.Uint64         // the follower has read up to here
	behind atomic.Pointer[error] // why what others append is not known
	full   atomic.Pointer[lost]  // why the log did not take what was last written
	kept   atomic.Pointer[error] // why person states could not be written, the last time; meanwhile they gather in memory
}

// item is one submission on its way.
type item struct {
	Submission
	caller  Caller
	keys    []string    // whose turn it waits for
	weight  int         // the most events that it may become in one stream
	barrier bool        // changes the organisation: nothing is decided beside it
	claimed []events.ID // uploads that are kept for it
	receipt contracts.Receipt
	err     error // the outcome is not known to us
	done    *sync.WaitGroup
}

// Groups under way at once, and the most submissions of one. (Measured: four batches in flight saturate a disk; a batch of the log
// holds 1,000.) A group also has at most contracts.MaxWrite submissions of one person, and of refusals. Beside a group under way another
// starts only if it is worth its own write to disk: what comes one by one gathers meanwhile, and goes in fewer and larger groups.
const (
	maxInFlight = 4
	maxGroup    = 1000
	worthwhile  = 200
)

// Open prepares a gateway: it reads the log from where the store of person states ends. Progress, if not nil, is told how far.
func Open(ctx context.Context, log contracts.Log, vault contracts.Vault, db contracts.Database, watch Observer, progress func(events.Position)) (*Gateway, error) {
	head, err := log.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking for the log's head: %w", err)
	}
	st, err := openStates(ctx, db, head)
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		log: log, vault: vault, states: st, watch: watch, now: time.Now, Destroy: func([]events.Event) {},
		queue: make(chan []*item, 64), done: make(chan struct{}),
	}
	if err := g.readOrganisation(ctx); err != nil {
		return nil, err
	}
	if err := st.catchUp(ctx, log, g.organise, progress); err != nil {
		return nil, err
	}
	return g, st.flush(ctx)
}

func (g *Gateway) readOrganisation(ctx context.Context) error {
	g.org.Store(organisation.New())
	for batch, err := range g.log.Scan(ctx, 0, contracts.Filter{Kinds: organisation.Kinds}) {
		if err != nil {
			return fmt.Errorf("reading the organisation's events: %w", err)
		}
		for i := range batch {
			if err := g.organise(&batch[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// organise folds an event about the organisation, once.
func (g *Gateway) organise(e *events.Event) error {
	g.orgMu.Lock()
	defer g.orgMu.Unlock()
	if e.Position <= g.org.Load().Position {
		return nil
	}
	next, err := g.org.Load().With(e)
	if err != nil {
		return err
	}
	g.org.Store(next)
	return nil
}

// Organisation is what is in force now.
func (g *Gateway) Organisation() *organisation.State { return g.org.Load() }

// Complete is a position up to which everything recorded has been handed to Destroy.
func (g *Gateway) Complete() events.Position {
	if g.Shared {
		return min(events.Position(g.heard.Load()), g.states.complete())
	}
	return g.states.complete()
}

// Start begins to take submissions.
func (g *Gateway) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	g.cancel = cancel
	if g.states == nil {
		g.wg.Go(func() { g.follow(ctx) })
		return
	}
	g.states.shared = g.Shared
	if g.Shared {
		g.heard.Store(uint64(g.states.scanned))
		g.wg.Go(func() { g.follow(ctx) })
	}
	if !g.Shared { // else the follower tells Destroy of everything
		g.states.missed = func(all []events.Event) { g.Destroy(all) }
	}
	g.wg.Go(func() { g.sequence(ctx) })
	g.wg.Go(func() { g.writeBehind(ctx) })
}

// Close finishes what is under way, takes nothing more, and writes person states.
func (g *Gateway) Close() error {
	close(g.done)
	g.cancel()
	g.wg.Wait()
	if g.states == nil {
		return nil
	}
	return g.states.flush(context.Background())
}

// Err is why the gateway has stopped recording, or nil.
func (g *Gateway) Err() error {
	for _, p := range []*atomic.Pointer[error]{&g.broken, &g.behind, &g.kept} {
		if e := p.Load(); e != nil {
			return *e
		}
	}
	return nil
}

// lost is a write that the log did not take, or of which it is not known.
type lost struct {
	err error
	at  time.Time
}

// lately is for how long a write that was lost tells of the log: whoever sends it again finds out, and nothing is written just to see.
const lately = 15 * time.Second

// Unwritten is why the log takes nothing, as far as the last write shows, or nil. A log on a full disk may well be read. It stops nothing: the
// next write may go.
func (g *Gateway) Unwritten() error {
	if l := g.full.Load(); l != nil && time.Since(l.at) < lately {
		return fmt.Errorf("it did not take what was last written: %w", l.err)
	}
	return nil
}

// wrote remembers what became of writes.
func (g *Gateway) wrote(results []contracts.Result) {
	i := slices.IndexFunc(results, func(r contracts.Result) bool { return r.Err != nil && !errors.Is(r.Err, contracts.ErrConflict) })
	if i < 0 {
		g.full.Store(nil)
		return
	}
	g.full.Store(&lost{results[i].Err, time.Now()})
}

// How often person states are written, and how soon again after they could not be.
const (
	flushEvery = 5 * time.Second
	flushAgain = 250 * time.Millisecond
)

func (g *Gateway) writeBehind(ctx context.Context) {
	next := flushEvery
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(next):
		}
		err := error(nil)
		if !g.Shared && g.states.inDoubt() {
			err = g.states.catchUp(ctx, g.log, g.organise, nil)
		}
		if err == nil {
			err = g.states.flush(ctx)
		}
		switch {
		case err == nil:
			next = flushEvery
			g.kept.Store(nil)
		case ctx.Err() == nil: // nothing is taken until it goes again, so that what gathers stays bounded
			next = flushAgain
			g.kept.Store(&err)
		}
	}
}

// ErrClosing: the engine is stopping; nothing was recorded.
var ErrClosing = errors.New("intake: the engine is stopping; send it again")

// ErrNoPolicy: nothing can be decided yet; nothing was recorded. Where processes share a log, the one that serves the office publishes the
// first policy when it starts.
var ErrNoPolicy = errors.New("intake: no policy has been published in this register yet; start the process that serves the office, and send it again")

// Submit decides and records submissions, in order as far as they concern the same person, and answers each when what became
// of it is on disk. The error is of the whole: some outcomes are not known, and everything should be sent again (what was
// recorded will then be a duplicate). The submissions are the gateway's from then on: who sends them again reads them again.
func (g *Gateway) Submit(ctx context.Context, caller Caller, all []Submission) ([]contracts.Receipt, error) {
	if g.states == nil {
		return nil, errors.New("intake: this process only observes; it records nothing")
	}
	if err := g.Err(); err != nil {
		return nil, fmt.Errorf("intake has stopped: %w", err)
	}
	if len(all) > 0 && g.org.Load().Policy == nil && !all[0].isPolicy() { // behind one, it is asked again
		return nil, ErrNoPolicy
	}
	var wg sync.WaitGroup
	items, made := make([]*item, len(all)), make([]item, len(all))
	wg.Add(len(all))
	for i := range all {
		items[i] = &made[i]
		made[i] = item{Submission: all[i], caller: caller, weight: 1, done: &wg}
		if _, ok := all[i].Fact.(*events.Deleted); ok { // a recall from each recipient may go before it
			items[i].weight = min(1+len(g.org.Load().Recipients), contracts.MaxWrite)
		}
	}
	if err := g.address(ctx, items); err != nil {
		return nil, err
	}
	select {
	case g.queue <- items:
	case <-g.done:
		return nil, ErrClosing
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	wg.Wait()
	out := make([]contracts.Receipt, len(items))
	for i, it := range items {
		if it.err != nil {
			return nil, it.err
		}
		out[i] = it.receipt
		if g.watch != nil {
			g.watch.Answered(it.receipt.Status, it.receipt.Rule)
		}
	}
	return out, nil
}

// address says whom each item must wait for: earlier ones about the same person, or the same stream. People who are known already go by
// their stream, so that whoever names them in another way waits as well; of others the identifier serves. (Where somebody becomes known
// between, two groups may meet in one stream after all; then the log refuses one of them, and it is decided again.)
func (g *Gateway) address(ctx context.Context, items []*item) error {
	var ids []events.Identifier
	streams := map[events.Identifier]string{} // of those who are known
	for _, it := range items {
		for id := range it.concerned {
			if _, asked := streams[id]; asked {
				continue
			}
			streams[id] = ""
			if p, ok := strings.CutPrefix(string(id), "person:"); ok {
				streams[id] = events.PersonStream(events.Pseudonym(p)).String()
			} else {
				ids = append(ids, id)
			}
		}
	}
	found, err := g.vault.Find(ctx, ids)
	if err != nil {
		return err
	}
	for i, id := range ids {
		if p := found[i].Person; p != "" {
			streams[id] = events.PersonStream(p).String()
		}
	}
	for _, it := range items {
		for id := range it.concerned {
			if !strings.HasPrefix(string(id), "person:") {
				it.keys = append(it.keys, string(id))
			}
			if st := streams[id]; st != "" {
				it.keys = append(it.keys, st)
			}
		}
		if it.Fact == nil {
			continue
		}
		if st, ok := it.stream(); ok {
			it.keys = append(it.keys, st.String())
			it.barrier = organisation.Concerns(&events.Event{Stream: st})
		}
	}
	return nil
}

// concerned are the people whose state an item's decision rests on.
func (it *item) concerned(yield func(events.Identifier) bool) {
	if it.Subject != "" && !yield(it.Subject) {
		return
	}
	if l, ok := it.Fact.(*events.Link); ok {
		yield(events.Identifier(l.Other))
	}
}

// isPolicy says that it is a policy's publication.
func (s *Submission) isPolicy() bool {
	return s.Kind != nil && s.Kind.Type == events.TypePolicyPublished
}

// stream is where an event about no person stands.
func (s *Submission) stream() (events.Stream, bool) {
	kind := s.Kind.Stream
	switch f := s.Fact.(type) {
	case *events.PolicyPublished, *events.PolicyEffective:
		return events.Stream{Kind: kind, ID: "main"}, true
	case *events.Recipient:
		return events.Stream{Kind: kind, ID: string(f.Recipient)}, true
	case *events.ServiceEnded:
		return events.Stream{Kind: kind, ID: string(f.Client)}, true
	case *events.Request:
		return events.Stream{Kind: kind, ID: string(f.Request)}, true
	case *events.Complaint:
		return events.Stream{Kind: kind, ID: string(f.Complaint)}, true
	case *events.Incident:
		return events.Stream{Kind: kind, ID: string(f.Incident)}, true
	case *events.Dataset:
		return events.Stream{Kind: kind, ID: string(f.Dataset)}, true
	case *events.Disposal:
		return events.Stream{Kind: kind, ID: string(f.Disposal)}, true
	case *events.QuarantineRead:
		return events.Stream{Kind: kind, ID: "looks"}, true
	case *events.Scan:
		return events.Stream{Kind: kind, ID: organisation.ScanID}, true
	case *events.Review:
		return events.Stream{Kind: kind, ID: string(f.Review)}, true
	case *events.Improvement:
		return events.Stream{Kind: kind, ID: string(f.Improvement)}, true
	case *events.DisposalConfirmed:
		if s.Subject == "" && f.Recall != "" {
			return events.Stream{Kind: "recall", ID: string(f.Recall)}, true
		}
	default: // about a person
	}
	return events.Stream{}, false
}

// Living are streams of people who exist, at most as many as asked for: to see whether the vault knows them.
func (g *Gateway) Living(ctx context.Context, limit int) ([]events.Stream, error) {
	return g.states.living(ctx, limit)
}
