package models

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/postgres"
	"github.com/daicho-dev/daicho/infra/postgres/pgtest"
)

func followed(t *testing.T, server *postgres.Server, log *memlog.Log) *Model[*ledger] {
	t.Helper()
	m, err := Open(t.Context(), "ledger", server.Place("ledger"), log, newLedger(&atomic.Bool{}))
	if err != nil {
		t.Fatal(err)
	}
	m.Start()
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// appending appends until it is told to stop, and then answers how many, and the last one's position.
func appending(t *testing.T, log *memlog.Log) (stop func() (int, events.Position)) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	n, last := 0, events.Position(0)
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			last = appended(t, log, 20)
			n += 20
			time.Sleep(5 * time.Millisecond)
		}
	}()
	return func() (int, events.Position) {
		cancel()
		<-done
		return n, last
	}
}

// The server is cut off again and again while batches are written. The model says that it is stuck, and goes on from where the store
// stands; every event is folded once.
func TestServerCutInMidBatch(t *testing.T) {
	own := pgtest.Own(t)
	log := memlog.New()
	defer log.Close()
	m := followed(t, own.At(t), log)
	stop := appending(t, log)
	for range 4 {
		at, _, _ := m.Status()
		level(t, m, at+200)
		own.Cut(t)
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			if _, state, err := m.Status(); state == Stuck && err != nil {
				break
			}
			if time.Now().After(end) {
				t.Fatal("without its server, the model is not stuck")
			}
		}
		own.Begin(t)
	}
	n, last := stop()
	level(t, m, last)
	onceEach(t, m, n)
	same(t, m)
}

// Of two instances one applies and the other stands by, whatever breaks between them and the server: nothing is folded twice, and when
// the one ends, the other takes over.
func TestTwoInstancesApplyNothingTwice(t *testing.T) {
	s := pgtest.Start(t)
	address := s.Database(t)
	server, err := postgres.At(address)
	if err != nil {
		t.Fatal(err)
	}
	log := memlog.New()
	defer log.Close()
	first := followed(t, server, log)
	level(t, first, appended(t, log, 10))
	second := followed(t, server, log)
	if _, state, err := second.Status(); state != Standby || !errors.Is(err, contracts.ErrStandby) {
		t.Fatalf("beside another, it is %s (%v)", state, err)
	}
	if err := second.Ask(func(*ledger) error { return nil }); !errors.Is(err, contracts.ErrStandby) {
		t.Errorf("one that stands by answers: %v", err)
	}
	if err := second.Rebuild(t.Context(), nil); !errors.Is(err, contracts.ErrStandby) {
		t.Errorf("one that stands by rebuilds: %v", err)
	}
	if _, _, err := second.Compare(t.Context()); !errors.Is(err, contracts.ErrStandby) {
		t.Errorf("one that stands by compares: %v", err)
	}

	c, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	stop := appending(t, log)
	changes, applies := 0, first
	for i := range 8 {
		if _, err := c.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'daicho_ledger'`); err != nil {
			t.Fatal(err)
		}
		if i%2 == 1 { // both may write at any moment of this
			time.Sleep(time.Duration(rand.IntN(2500)) * time.Millisecond)
			for _, m := range []*Model[*ledger]{first, second} {
				if _, state, _ := m.Status(); (state == Live || state == CatchingUp) && m != applies {
					changes, applies = changes+1, m
				}
			}
		}
	}
	t.Logf("the lease went from one to the other at least %d times", changes)
	n, last := stop()
	n += 10
	for i := 0; ; i++ { // one of them is level, and the other stands by
		_, one, _ := first.Status()
		_, two, _ := second.Status()
		if one == Standby && two == Live || one == Live && two == Standby {
			break
		}
		if i > 1500 {
			t.Fatalf("they are %s and %s", one, two)
		}
		time.Sleep(20 * time.Millisecond)
	}
	applies, waits := first, second
	if _, state, _ := second.Status(); state == Live {
		applies, waits = second, first
	}
	level(t, applies, last)
	onceEach(t, applies, n)
	same(t, applies)
	if err := applies.Close(); err != nil {
		t.Fatal(err)
	}
	level(t, waits, appended(t, log, 5))
	onceEach(t, waits, n+5)
	same(t, waits)
}
