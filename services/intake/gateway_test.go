package intake

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/infra/rootkey"
	"github.com/daicho-dev/daicho/infra/sqlite"
	"github.com/daicho-dev/daicho/infra/vault"
)

func testVault(t testing.TB) *vault.Vault {
	t.Helper()
	dir := t.TempDir()
	root, err := rootkey.File(filepath.Join(dir, "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(context.Background(), filepath.Join(dir, "vault"), root, vault.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	v.Level()
	return v
}

func testGateway(t testing.TB, log contracts.Log, v contracts.Vault) *Gateway {
	t.Helper()
	db, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "states.db"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := Open(context.Background(), log, v, db, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	g.Start()
	t.Cleanup(func() {
		_ = g.Close()
		_ = sqlite.Close(db)
	})
	return g
}

func publish(t testing.TB, g *Gateway) {
	t.Helper()
	c := policies.Default()
	s := Own(events.TypePolicyPublished, events.Stream{Kind: "policy", ID: "main"}, &events.PolicyPublished{Version: events.Word(c.Version), Catalogue: c.JSON()})
	out, err := g.Submit(context.Background(), Engine, []Submission{s})
	if err != nil || out[0].Status != contracts.StatusRecorded {
		t.Fatalf("publishing: %+v %v", out, err)
	}
}

// submission is the sample about a person, under an id, with a key of its own.
func submission(id, who string) Submission {
	text := strings.NewReplacer(`"id":"e1"`, `"id":"`+id+`"`, "rental:C-1", "rental:"+who, `"key":"k"`, `"key":"k-`+id+`"`).Replace(sample)
	return ReadStructured([]byte(text))
}

var admin = Caller{Role: "admin", Holder: "staff:test"}

// folded is every person's state, from the log alone.
func folded(t testing.TB, log contracts.Log) (map[events.Stream]*person.State, int) {
	t.Helper()
	all, n := map[events.Stream]*person.State{}, 0
	for batch, err := range log.Scan(context.Background(), 0, contracts.Filter{Kinds: []string{"person"}}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			f, err := events.Decode(&batch[i])
			if err != nil {
				t.Fatal(err)
			}
			s := all[batch[i].Stream]
			if s == nil {
				s = &person.State{}
				all[batch[i].Stream] = s
			}
			s.Apply(&batch[i], f)
			n++
		}
	}
	return all, n
}

// Two gateways fight over the same few people, over one log: each event is recorded once, no ordinal is given twice, and what each
// gateway keeps in mind is what the log gives.
func TestTwoGatewaysOverOneLog(t *testing.T) {
	log := memlog.New()
	defer log.Close()
	v := testVault(t)
	a := testGateway(t, log, v)
	publish(t, a)
	b := testGateway(t, log, v)
	const people, each = 5, 40
	var wg sync.WaitGroup
	for w := range 8 {
		g := a
		if w%2 == 1 {
			g = b
		}
		wg.Go(func() {
			for i := range each {
				var batch []Submission
				for p := range people {
					// Each event is sent by two workers, one at each gateway.
					batch = append(batch, submission(fmt.Sprintf("%d-%d-%d", w/2, i, p), fmt.Sprintf("P-%d", p)))
				}
				out, err := g.Submit(context.Background(), admin, batch)
				if err != nil {
					t.Error(err)
					return
				}
				for _, r := range out {
					if r.Status == contracts.StatusRefused {
						t.Errorf("refused: %s at %s: %s", r.Rule, r.Field, r.Text)
					}
				}
			}
		})
	}
	wg.Wait()
	states, n := folded(t, log)
	if len(states) != people || n != 4*each*people {
		t.Fatalf("%d people and %d events, want %d and %d", len(states), n, people, 4*each*people)
	}
	for st, s := range states {
		seen := map[events.Ordinal]bool{}
		for _, r := range s.Records {
			if seen[r.N] {
				t.Errorf("an ordinal was given twice")
			}
			seen[r.N] = true
		}
		keys, err := v.Keys(context.Background(), []events.Stream{st})
		if err != nil || keys[0] == nil {
			t.Fatalf("a recorded person has no key (%v)", err)
		}
	}
	for _, g := range []*Gateway{a, b} {
		if err := g.states.catchUp(context.Background(), log, g.organise, nil); err != nil {
			t.Fatal(err)
		}
		for st, want := range states {
			got, err := g.states.load(context.Background(), []events.Stream{st})
			if err != nil {
				t.Fatal(err)
			}
			x, _ := json.Marshal(got[st], json.Deterministic(true))
			y, _ := json.Marshal(want, json.Deterministic(true))
			if string(x) != string(y) {
				t.Errorf("a gateway's state differs from the log's fold")
			}
		}
	}
}

// flaky is a log whose appends fail, stored or not, and do not say which.
type flaky struct {
	contracts.Log
	mu sync.Mutex
	n  int
}

func (f *flaky) Append(ctx context.Context, writes []contracts.Write) []contracts.Result {
	f.mu.Lock()
	f.n++
	n := f.n
	f.mu.Unlock()
	unknown := make([]contracts.Result, len(writes))
	for i := range unknown {
		unknown[i].Err = contracts.ErrUnknown
	}
	switch {
	case n%3 == 1: // failed
		return unknown
	case n%3 == 2: // failed, but persisted
		_ = f.Log.Append(ctx, writes)
		return unknown
	}
	return f.Log.Append(ctx, writes)
}

// When an append's outcome is not known, the events are recorded once all the same, and the sender is told so.
func TestUnknownOutcomesRecordOnce(t *testing.T) {
	mem := memlog.New()
	defer mem.Close()
	g := testGateway(t, mem, testVault(t))
	publish(t, g)
	g.log = &flaky{Log: mem}
	for i := range 30 {
		out, err := g.Submit(context.Background(), admin, []Submission{submission(fmt.Sprint(i), "P-1"), submission(fmt.Sprint(i), "P-2")})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out {
			if r.Status == contracts.StatusRefused || r.Position == 0 || r.Position >= provisional {
				t.Errorf("receipt %+v", r)
			}
		}
	}
	states, n := folded(t, mem)
	if n != 60 || len(states) != 2 {
		t.Errorf("%d events about %d people, want 60 about 2", n, len(states))
	}
}

// A refusal makes nobody, and stands in the log once however often it is sent.
func TestRefusedEventMakesNobody(t *testing.T) {
	log := memlog.New()
	defer log.Close()
	v := testVault(t)
	g := testGateway(t, log, v)
	publish(t, g)
	bad := submission("x", "P-9")
	bad.Fact.(*events.Collected).Location = "moon"
	bad.Data = []byte(strings.Replace(string(bad.Data), "rental-db", "moon", 1))
	for range 3 {
		again := bad
		again.Fact, _ = events.Submitted(bad.Kind, bad.Data)
		out, err := g.Submit(context.Background(), admin, []Submission{again})
		if err != nil || out[0].Rule != "unknown_location" {
			t.Fatalf("%+v %v", out, err)
		}
	}
	found, err := v.Find(context.Background(), []events.Identifier{"rental:P-9"})
	if err != nil || found[0].Person != "" {
		t.Errorf("a refused event made somebody (%v)", err)
	}
	refused := 0
	for batch := range log.Scan(context.Background(), 0, contracts.Filter{Kinds: []string{"refusals"}}) {
		refused += len(batch)
	}
	if refused != 1 {
		t.Errorf("the refusal stands in the log %d times", refused)
	}
	kept, err := v.Quarantined(context.Background(), 10, true)
	if err != nil || len(kept) != 1 || !strings.Contains(string(kept[0].Body), "moon") {
		t.Errorf("the quarantine keeps %d submissions (%v)", len(kept), err)
	}
}

// partly is a log on whose disk nothing about people has room.
type partly struct {
	contracts.Log
	full bool
}

func (p *partly) Append(ctx context.Context, writes []contracts.Write) []contracts.Result {
	out := make([]contracts.Result, len(writes))
	for i := range writes {
		if p.full && writes[i].Stream.Person() != "" {
			out[i].Err = fmt.Errorf("log: the disk is full")
			continue
		}
		out[i] = p.Log.Append(ctx, writes[i:i+1])[0]
	}
	return out
}

// A refusal whose neighbours could not be recorded stands in the log once, though all of them are sent again.
func TestRefusedBesideWhatFailed(t *testing.T) {
	mem := memlog.New()
	defer mem.Close()
	v := testVault(t)
	g := testGateway(t, mem, v)
	publish(t, g)
	log := &partly{Log: mem, full: true}
	g.log = log
	for i := range 3 {
		log.full = i < 2
		bad := submission("x", "P-9")
		bad.Data = []byte(strings.Replace(string(bad.Data), "rental-db", "moon", 1))
		bad.Fact, _ = events.Submitted(bad.Kind, bad.Data)
		_, err := g.Submit(context.Background(), admin, []Submission{submission("y", "P-1"), bad})
		if (err != nil) != log.full {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	refused := 0
	for batch := range mem.Scan(context.Background(), 0, contracts.Filter{Kinds: []string{"refusals"}}) {
		refused += len(batch)
	}
	kept, err := v.Quarantined(context.Background(), 10, false)
	if err != nil || refused != 1 || len(kept) != 1 {
		t.Errorf("the refusal stands in the log %d times, and %d submissions in the quarantine (%v)", refused, len(kept), err)
	}
}
