package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/placetest"
	"github.com/daicho-dev/daicho/infra/postgres"
	"github.com/daicho-dev/daicho/infra/postgres/pgtest"
)

func TestContract(t *testing.T) {
	server := pgtest.Start(t)
	for name, durable := range map[string]bool{"Fast": false, "Durable": true} {
		t.Run(name, func(t *testing.T) {
			at := map[*testing.T]*postgres.Server{}
			placetest.Test(t, placetest.Adapter{Shared: true, New: func(t *testing.T, name string) contracts.Place {
				if at[t] == nil {
					at[t] = server.At(t)
				}
				if durable {
					return at[t].Durable(name)
				}
				return at[t].Place(name)
			}})
		})
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func opened(t *testing.T, p contracts.Place) contracts.Database {
	t.Helper()
	db, err := p.Open(t.Context())
	ok(t, err)
	t.Cleanup(func() { _ = db.Close() })
	ok(t, db.Make(t.Context(), `create table if not exists words (word text primary key)`))
	return db
}

func add(db contracts.Database, word string) error {
	_, err := db.Write.ExecContext(context.Background(), `insert into words (word) values ($1) on conflict do nothing`, word)
	return err
}

// end breaks every connection of a place, as a network does, and waits until the server has noticed.
func end(t *testing.T, by contracts.Database, application string) {
	t.Helper()
	_, err := by.Write.ExecContext(t.Context(), `select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name = $1`, application)
	ok(t, err)
}

// A connection that breaks is made again and takes its lease back, if nobody has had it since.
func TestLeaseIsTakenAgain(t *testing.T) {
	server := pgtest.Start(t).At(t)
	other := opened(t, server.Place("other"))
	db := opened(t, server.Place("model"))
	ok(t, add(db, "one"))
	ask := func() error { // by all readers at once
		errs := make(chan error, 2)
		for range cap(errs) {
			go func() {
				st, err := db.Read.PrepareContext(t.Context(), `select pg_sleep(0.05)`)
				if err == nil {
					_, err = st.ExecContext(t.Context())
					err = errors.Join(err, st.Close())
				}
				errs <- err
			}()
		}
		return errors.Join(<-errs, <-errs)
	}
	for range 3 {
		ok(t, ask())
		end(t, other, "daicho_model")
		var err error
		for range 2 { // the first may still meet the broken connection
			if err = add(db, "two"); err == nil {
				break
			}
		}
		ok(t, err)
		ok(t, ask()) // no question meets a connection that broke with the writer's
		if second, err := server.Place("model").Open(t.Context()); !errors.Is(err, contracts.ErrStandby) {
			_ = second.Close()
			t.Fatalf("somebody else opened it: %v", err)
		}
	}
}

// Who has lost the lease to somebody else writes nothing any more, even when that one has gone again.
func TestWhoWasSupersededWritesNothing(t *testing.T) {
	server := pgtest.Start(t).At(t)
	other := opened(t, server.Place("other"))
	first := opened(t, server.Place("model"))
	ok(t, add(first, "first"))
	end(t, other, "daicho_model")
	second := opened(t, server.Place("model"))
	var err error
	for range 2 {
		err = add(first, "stale")
	}
	if !errors.Is(err, contracts.ErrSuperseded) {
		t.Fatalf("writing while somebody else does: %v", err)
	}
	ok(t, add(second, "second"))
	ok(t, second.Close())
	for range 2 {
		if err := add(first, "stale"); !errors.Is(err, contracts.ErrSuperseded) {
			t.Fatalf("writing after somebody else has: %v", err)
		}
	}
	ok(t, first.Close())
	third := opened(t, server.Place("model"))
	var n, stale int
	ok(t, third.Read.QueryRowContext(t.Context(), `select count(*), count(*) filter (where word = 'stale') from words`).Scan(&n, &stale))
	if n != 2 || stale != 0 {
		t.Errorf("there are %d words, of which %d by who was superseded", n, stale)
	}
	// A schema that somebody has dropped is not this one's either.
	_, err = other.Write.ExecContext(t.Context(), `drop schema daicho_model cascade`)
	ok(t, err)
	end(t, other, "daicho_model")
	for range 2 {
		err = add(third, "stale")
	}
	if !errors.Is(err, contracts.ErrSuperseded) {
		t.Fatalf("writing into a schema that was dropped: %v", err)
	}
}

// What was committed in a durable place is there after the server's crash; the handles live through it.
func TestServerIsCut(t *testing.T) {
	own := pgtest.Own(t)
	server := own.At(t)
	db := opened(t, server.Durable("kept"))
	ok(t, add(db, "one"))
	own.Cut(t)
	if err := add(db, "lost"); err == nil {
		t.Fatal("a server that is down has taken something")
	}
	if _, err := server.Place("model").Open(t.Context()); err == nil || errors.Is(err, contracts.ErrStandby) {
		t.Fatalf("a server that is down is opened, or said to be in use: %v", err)
	}
	own.Begin(t)
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = add(db, "two"); err == nil {
			break
		}
	}
	ok(t, err)
	var n int
	ok(t, db.Read.QueryRowContext(t.Context(), `select count(*) from words where word in ('one', 'two')`).Scan(&n))
	if n != 2 {
		t.Errorf("%d of two words are there", n)
	}
}

// An address that cannot be read is not repeated: it may hold a password.
func TestAddressIsNotRepeated(t *testing.T) {
	for _, a := range []string{"", "sqlite", "host=localhost password=hunter2", "postgres://u:hunter2@host:notaport/db", "postgres://u:hunter2@host/db?sslmode=hunter2"} {
		_, err := postgres.At(a)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("an address that cannot be read: %v", err)
		}
	}
}

// A session over a network is ended by its server too when nothing is acknowledged any more: it holds a lease.
func TestASilentClientIsGivenUp(t *testing.T) {
	server := pgtest.Own(t)
	server.Listen(t, "127.0.0.1")
	at, err := postgres.At(server.Over(t, server.Database(t)))
	if err != nil {
		t.Fatal(err)
	}
	db, err := at.Durable("silent").Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for setting, want := range map[string]string{"tcp_user_timeout": "14000", "tcp_keepalives_idle": "5", "tcp_keepalives_interval": "3", "tcp_keepalives_count": "3"} {
		for name, of := range map[string]*sql.DB{"writes": db.Write, "reads": db.Read} {
			var got string
			if err := of.QueryRowContext(t.Context(), "show "+setting).Scan(&got); err != nil || got != want {
				t.Errorf("of who %s, %s is %q (%v), want %q", name, setting, got, err, want)
			}
		}
	}
}
