package intake

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/events"
)

// away is a vault that cannot take anything into the quarantine for a while.
type away struct {
	contracts.Vault
	is atomic.Bool
}

func (a *away) Quarantine(ctx context.Context, all []contracts.Quarantined) error {
	if a.is.Load() {
		return errors.New("the vault is away")
	}
	return a.Vault.Quarantine(ctx, all)
}

// What was appended while something else of the group failed is not lost to the gateway: sent again it is a duplicate, not a conflict for
// ever; and a deletion among it is carried out, before the gateway says that everything so far has been.
func TestWhatWasAppendedBesideAFailureIsNotLost(t *testing.T) {
	log := memlog.New()
	defer log.Close()
	v := &away{Vault: testVault(t)}
	g := testGateway(t, log, v)
	var mu sync.Mutex
	var heard []events.Position
	g.Destroy = func(all []events.Event) {
		mu.Lock()
		defer mu.Unlock()
		for i := range all {
			if all[i].Type == events.TypeDeleted {
				heard = append(heard, all[i].Position)
			}
		}
	}
	publish(t, g)
	w := &world{t: t, log: log, g: g, caller: admin, source: "/rental/web", subject: "rental:P", at: time.Date(2026, 10, 1, 3, 0, 0, 0, time.UTC)}
	w.tells("collected", take(rental, `,"matter":"K1",`+someone, "name=pd:Name", "email=pd:EmailAddress"))
	office := w.as("/privacy/office", "rental:P")
	group := []Submission{
		office.submission("deleted", `{"records":["name"],"cause":"request"}`),
		w.as("/rental/web", "rental:Q").submission("collected", take(rental, `,"matter":"K2",`+someone, "shoe=pd:Shoe")), // goes to the quarantine
	}
	v.is.Store(true)
	if out, err := g.Submit(t.Context(), admin, group); err == nil {
		t.Fatalf("without its quarantine, the group is answered: %+v", out)
	}
	v.is.Store(false)
	deleted, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Others are recorded meanwhile, which must not make the gateway believe that it has read everything.
	w.as("/rental/web", "rental:R").tells("collected", take(rental, `,"matter":"K3",`+someone, "name=pd:Name"))
	told := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(heard) > 0
	}
	for end := time.Now().Add(30 * time.Second); !told(); time.Sleep(5 * time.Millisecond) {
		if at := g.Complete(); at >= deleted-1 && !told() { // the deletion, or the refusal, stands last
			t.Fatalf("everything up to %v is said to have been handed on, and the deletion was not", at)
		}
		if time.Now().After(end) {
			t.Fatal("the deletion is never handed on")
		}
	}
	out, err := g.Submit(t.Context(), admin, group)
	if err != nil || out[0].Status != contracts.StatusDuplicate || out[1].Status != contracts.StatusRefused {
		t.Errorf("sent again: %+v %v", out, err)
	}
	office.tells("deleted", `{"records":["email"],"cause":"request"}`) // their stream is where the gateway thinks it is
	states, _ := folded(t, log)
	for st, s := range states {
		have, err := g.states.load(t.Context(), []events.Stream{st})
		if err != nil || have[st].Position != s.Position {
			t.Errorf("a state stands at %v, the log at %v (%v)", have[st].Position, s.Position, err)
		}
	}
}
