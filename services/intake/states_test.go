package intake

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/infra/sqlite"
)

// What is on its way into the store is neither in memory's cache any more nor in the store yet: it is found all the same.
func TestAStateIsFoundWhileItIsBeingWritten(t *testing.T) {
	ctx := t.Context()
	db, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "states.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := openStates(ctx, db, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.keep = 2
	stream := func(i int) events.Stream { return events.PersonStream(events.Pseudonym(fmt.Sprintf("%026d", i))) }
	all := func(position events.Position) {
		for i := range 10 {
			s.store(map[events.Stream]*person.State{stream(i): {Position: position}}, position)
		}
	}
	are := func(want events.Position, when string) {
		t.Helper()
		for i := range 10 {
			got, err := s.load(ctx, []events.Stream{stream(i)})
			if err != nil {
				t.Fatal(err)
			}
			if is := got[stream(i)].Position; is != want {
				t.Errorf("%s, state %d is the one of %d, not of %d", when, i, is, want)
			}
		}
	}
	for position := events.Position(1); position <= 3; position++ {
		all(position)
		are(position, "unwritten")
		tx, err := db.Write.BeginTx(ctx, nil) // somebody else writes just now
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() { done <- s.flush(context.Background()) }()
		for s.waiting() > 0 {
			time.Sleep(time.Millisecond)
		}
		are(position, "while it is written")
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		are(position, "written")
	}
}
