package intake

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/sqlite"
)

// overtaken is a log of which somebody reads what an append stored before the append itself has returned.
type overtaken struct {
	contracts.Log
	stored func()
}

func (o *overtaken) Append(ctx context.Context, writes []contracts.Write) []contracts.Result {
	r := o.Log.Append(ctx, writes)
	o.stored()
	return r
}

// sameAsLog says that what a gateway keeps in mind of everybody is what the log gives.
func sameAsLog(t *testing.T, g *Gateway, log contracts.Log) {
	t.Helper()
	all, _ := folded(t, log)
	for st, want := range all {
		got, err := g.states.load(context.Background(), []events.Stream{st})
		if err != nil {
			t.Fatal(err)
		}
		x, _ := json.Marshal(got[st], json.Deterministic(true))
		y, _ := json.Marshal(want, json.Deterministic(true))
		if string(x) != string(y) {
			t.Errorf("a gateway's state differs from the log's fold:\n%s\n%s", x, y)
		}
	}
}

// What another group has read from the log already is not applied again when the append that stored it returns.
func TestWhatWasReadBeforeItsAppendReturnedCountsOnce(t *testing.T) {
	mem := memlog.New()
	defer mem.Close()
	g := testGateway(t, mem, testVault(t))
	publish(t, g)
	g.log = &overtaken{mem, func() {
		if err := g.states.catchUp(context.Background(), mem, g.organise, nil); err != nil {
			t.Error(err)
		}
	}}
	for i := range 5 {
		if _, err := g.Submit(context.Background(), admin, []Submission{submission(fmt.Sprint(i), "P-1")}); err != nil {
			t.Fatal(err)
		}
	}
	sameAsLog(t, g, mem)
}

// shared is a gateway beside others.
func shared(t *testing.T, log contracts.Log, v contracts.Vault, db contracts.Database) *Gateway {
	t.Helper()
	g, err := Open(context.Background(), log, v, db, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	g.Shared = true
	return g
}

func stateStore(t *testing.T) contracts.Database {
	t.Helper()
	db, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "states.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sqlite.Close(db) })
	return db
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not come to be that %s", what)
		}
	}
}

// Gateways beside each other: what one records of the organisation, another decides by, though no stream of theirs ever conflicted; what
// one deletes, the other hears; and after a while of all at once each knows what the log knows, also after a restart in the middle of what
// others have written.
func TestGatewaysBesideEachOther(t *testing.T) {
	log := memlog.New()
	defer log.Close()
	v := testVault(t)
	store := stateStore(t)
	a, b := shared(t, log, v, stateStore(t)), shared(t, log, v, store)
	var mu sync.Mutex
	heard := map[string]int{}
	b.Destroy = func(batch []events.Event) {
		mu.Lock()
		defer mu.Unlock()
		for i := range batch {
			heard[batch[i].Type]++
		}
	}
	a.Start()
	defer func() { _ = a.Close() }()
	b.Start()
	publish(t, a)
	eventually(t, "the other knows the policy", func() bool { return b.Organisation().Policy != nil })
	if _, err := b.Submit(context.Background(), admin, []Submission{submission("first", "P-0")}); err != nil {
		t.Fatal(err)
	}
	delete := ReadStructured([]byte(`{"specversion":"1.0","id":"d","source":"/privacy/office","type":"daicho.deleted.v1","subject":"rental:P-0","time":"2026-10-01T03:00:00Z","data":{"person":true,"cause":"request"}}`))
	if out, err := a.Submit(context.Background(), admin, []Submission{delete}); err != nil || out[0].Status != contracts.StatusRecorded {
		t.Fatal(out, err)
	}
	eventually(t, "the other hears of the deletion", func() bool { mu.Lock(); defer mu.Unlock(); return heard[events.TypeDeleted] == 1 })

	var wg sync.WaitGroup
	send := func(g *Gateway, worker, rounds int) {
		for i := range rounds {
			var batch []Submission
			for p := range 6 { // some people are everybody's, some are one worker's
				who := fmt.Sprintf("Q-%d", p)
				if p > 2 {
					who = fmt.Sprintf("Q-%d-%d", worker, p)
				}
				batch = append(batch, submission(fmt.Sprintf("%d-%d-%d", worker, i, p), who))
			}
			if _, err := g.Submit(context.Background(), admin, batch); err != nil {
				t.Error(err)
				return
			}
		}
	}
	for w := range 6 {
		wg.Go(func() { send([]*Gateway{a, b}[w%2], w, 20) })
	}
	wg.Wait()
	if err := b.states.flush(context.Background()); err != nil { // as it would now and then; what follows is lost to it
		t.Fatal(err)
	}
	send(b, 7, 3)
	send(a, 8, 3)
	b.cancel() // it dies: nothing more is written
	b.wg.Wait()
	send(a, 9, 3)
	b = shared(t, log, v, store)
	b.Start()
	defer func() { _ = b.Close() }()
	send(a, 10, 3)
	head, err := log.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []*Gateway{a, b} {
		eventually(t, "each has heard everything", func() bool { return events.Position(g.heard.Load()) >= head })
		sameAsLog(t, g, log)
		if g.Complete() != head {
			t.Errorf("complete up to %v of %v", g.Complete(), head)
		}
	}
	if got, want := len(facts[*events.Collected](&world{t: t, log: log})), 1+6*6*20+4*6*3; got != want {
		t.Errorf("%d collections are recorded, want %d", got, want)
	}
}

// cut is a log that cannot be followed.
type cut struct {
	contracts.Log
	whole atomic.Bool
}

func (c *cut) Tail(ctx context.Context, after events.Position, only contracts.Filter) iter.Seq2[[]events.Event, error] {
	if c.whole.Load() {
		return c.Log.Tail(ctx, after, only)
	}
	return func(yield func([]events.Event, error) bool) { yield(nil, errors.New("cut off")) }
}

// A gateway that cannot hear what others say takes nothing, says so, and goes on when it hears again.
func TestAGatewayThatCannotFollowTakesNothing(t *testing.T) {
	mem := memlog.New()
	defer mem.Close()
	v := testVault(t)
	publish(t, testGateway(t, mem, v))
	log := &cut{Log: mem}
	g := shared(t, log, v, stateStore(t))
	g.Start()
	defer func() { _ = g.Close() }()
	eventually(t, "it says that it is cut off", func() bool { return g.Err() != nil })
	if _, err := g.Submit(context.Background(), admin, []Submission{submission("1", "P-1")}); err == nil {
		t.Error("it takes what it cannot decide")
	}
	log.whole.Store(true)
	eventually(t, "it goes on", func() bool { return g.Err() == nil })
	if out, err := g.Submit(context.Background(), admin, []Submission{submission("1", "P-1")}); err != nil || out[0].Status != contracts.StatusRecorded {
		t.Errorf("%+v %v", out, err)
	}
}

// Where nobody else appends, what was read before is not read again: a conflict costs by what came since, not by what there is.
func TestALoneGatewayReadsOnFromWhatItWrote(t *testing.T) {
	mem := memlog.New()
	defer mem.Close()
	g := testGateway(t, mem, testVault(t))
	publish(t, g)
	for i := range 10 {
		if _, err := g.Submit(context.Background(), admin, []Submission{submission(fmt.Sprint(i), "P-1")}); err != nil {
			t.Fatal(err)
		}
	}
	head, err := mem.Head(context.Background())
	if err != nil || g.states.scanned != head {
		t.Errorf("it would read on from %v of %v (%v)", g.states.scanned, head, err)
	}
	g.log = &flaky{Log: mem, n: 1} // stored, and not said so
	if _, err := g.Submit(context.Background(), admin, []Submission{submission("x", "P-1")}); err != nil {
		t.Fatal(err)
	}
	if head, err = mem.Head(context.Background()); err != nil || g.states.scanned != head {
		t.Errorf("after a doubt it would read on from %v of %v (%v)", g.states.scanned, head, err)
	}
	sameAsLog(t, g, mem)
}

// Who only observes knows what is in force, hears of what changes, and records nothing.
func TestAnObserverKnowsThePolicyAndRecordsNothing(t *testing.T) {
	log := memlog.New()
	defer log.Close()
	g := testGateway(t, log, testVault(t))
	o, err := Observe(t.Context(), log)
	if err != nil {
		t.Fatal(err)
	}
	o.Start()
	if o.Organisation().Policy != nil {
		t.Error("it knows a policy that nobody published")
	}
	publish(t, g)
	eventually(t, "it knows the policy", func() bool { return o.Organisation().Policy != nil })
	if _, err := o.Submit(t.Context(), admin, []Submission{submission("1", "P-1")}); err == nil {
		t.Error("it records")
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	later, err := Observe(t.Context(), log)
	if err != nil || later.Organisation().Policy == nil {
		t.Errorf("one that comes later does not know it: %v", err)
	}
}
