package intake

import (
	"cmp"
	"container/list"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
)

// states keeps what decisions rest on: one person.State a stream, folded from the log. They live in memory as far as they are
// needed and are written behind, with the position up to which the store is complete; after a crash the log is read from there.
type states struct {
	db contracts.Database

	flushing sync.Mutex // one flush at a time

	mu      sync.Mutex
	keep    int // entries
	entries map[events.Stream]*list.Element
	recent  *list.List // of *entry, the most recently used first
	dirty   map[events.Stream]*person.State
	writing map[events.Stream]*person.State // on its way into the store, which has what was before until then
	flushes int                             // begun or ended
	acked   events.Position                 // the highest position known to be stored
	open    map[int]events.Position         // appends under way → what was acked when they began
	nextKey int
	shared  bool            // others append to the log too: what we have appended is not all there is
	scanned events.Position // everything up to here is in the states, whoever wrote it
	doubts  int             // appends of which the states may not have all, and of these, those that have been read since
	cleared int
	doubted int                  // the last key given when the last doubt arose
	known   int                  // the highest key of an append whose outcome was known
	missed  func([]events.Event) // told of what was read of people that the states did not have; nil: nobody is
	recalls recalls
}

type entry struct {
	stream events.Stream
	state  *person.State // never changed in place once it is here
}

const keptStates = 20_000 // some 8 KB each

var stateSchema = []string{
	`create table if not exists states (stream text primary key, position bigint not null, state bytea not null)`,
	`create table if not exists refused (tag text not null, rule text not null, primary key (tag, rule))`,
	`create table if not exists progress (id integer primary key, position bigint not null)`,
	`create table if not exists form (id integer primary key, form text not null)`,
	recallSchema,
}

// openStates opens the store beside a log that ends at a position. What is of a longer log, this one having been put back, is dropped.
func openStates(ctx context.Context, db contracts.Database, head events.Position) (*states, error) {
	if err := db.Make(ctx, stateSchema...); err != nil {
		return nil, fmt.Errorf("preparing the store of person states: %w", err)
	}
	if err := ofForm(ctx, db); err != nil {
		return nil, fmt.Errorf("preparing the store of person states: %w", err)
	}
	s := &states{
		db: db, keep: keptStates, entries: map[events.Stream]*list.Element{}, recent: list.New(), dirty: map[events.Stream]*person.State{},
		open: map[int]events.Position{},
	}
	var at int64
	switch err := db.Read.QueryRowContext(ctx, `select position from progress where id = 1`).Scan(&at); err {
	case nil, sql.ErrNoRows:
	default:
		return nil, fmt.Errorf("reading the position of the store of person states: %w", err)
	}
	if events.Position(at) > head {
		if err := dropStates(ctx, db); err != nil {
			return nil, fmt.Errorf("dropping person states of a longer log: %w", err)
		}
		at = 0
	}
	s.acked, s.scanned = events.Position(at), events.Position(at)
	recalls, err := readRecalls(ctx, db)
	s.recalls = recalls
	return s, err
}

// ofForm drops what another version has stored in another form: the log is read anew.
func ofForm(ctx context.Context, db contracts.Database) error {
	var is string
	switch err := db.Read.QueryRowContext(ctx, `select form from form where id = 1`).Scan(&is); {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return err
	case is == person.Form:
		return nil
	}
	return dropStates(ctx, db)
}

// dropStates empties the store: the log is read anew.
func dropStates(ctx context.Context, db contracts.Database) error {
	tx, err := db.Write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, q := range []string{`delete from states`, `delete from refused`, `delete from progress`, `delete from form`} {
		if _, err := tx.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `insert into form (id, form) values (1, $1)`, person.Form); err != nil {
		return err
	}
	return tx.Commit()
}

// load answers the states of streams; a stream without events has an empty one. They must not be changed in place.
func (s *states) load(ctx context.Context, streams []events.Stream) (map[events.Stream]*person.State, error) {
	out := make(map[events.Stream]*person.State, len(streams))
	var missing []events.Stream
	s.mu.Lock()
	for _, st := range streams {
		if state := s.has(st); state != nil {
			out[st] = state
		} else {
			missing = append(missing, st)
		}
	}
	flushes := s.flushes
	s.mu.Unlock()
	if len(missing) == 0 {
		return out, nil
	}
	stmt, err := s.db.Read.PrepareContext(ctx, `select state from states where stream = $1`)
	if err != nil {
		return nil, fmt.Errorf("reading person states: %w", err)
	}
	defer stmt.Close()
	for _, st := range missing {
		var blob []byte
		state := &person.State{}
		switch err := stmt.QueryRowContext(ctx, st.String()).Scan(&blob); err {
		case nil:
			if err := state.UnmarshalBinary(blob); err != nil {
				return nil, fmt.Errorf("a stored person state cannot be read; delete the store of person states, it is rebuilt from the log at the next start")
			}
		case sql.ErrNoRows:
		default:
			return nil, fmt.Errorf("reading person states: %w", err)
		}
		out[st] = state
		s.mu.Lock()
		if s.has(st) == nil && flushes == s.flushes && state.Position > 0 { // otherwise the store may have a newer one meanwhile
			s.put(st, state)
		}
		s.mu.Unlock()
	}
	return out, nil
}

// has is the state of a stream as memory has it, or nil. The caller holds the lock.
func (s *states) has(st events.Stream) *person.State {
	if el, ok := s.entries[st]; ok {
		s.recent.MoveToFront(el)
		return el.Value.(*entry).state
	}
	if d, ok := s.dirty[st]; ok {
		return d
	}
	return s.writing[st]
}

// put makes a state the current one of its stream. The caller holds the lock.
func (s *states) put(st events.Stream, state *person.State) {
	if el, ok := s.entries[st]; ok {
		el.Value.(*entry).state = state
		s.recent.MoveToFront(el)
		return
	}
	s.entries[st] = s.recent.PushFront(&entry{st, state})
	for s.recent.Len() > s.keep {
		last := s.recent.Back()
		e := last.Value.(*entry)
		s.recent.Remove(last)
		delete(s.entries, e.stream) // if it is dirty, or being written, it is still found there
	}
}

// store replaces states after their events are in the log. A state is the fold of its stream up to its position, whoever folded it: the
// newer one stays.
func (s *states) store(changed map[events.Stream]*person.State, upTo events.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for st, state := range changed {
		if had := s.has(st); had != nil && had.Position > state.Position {
			continue
		}
		s.put(st, state)
		s.dirty[st] = state
	}
	s.acked = max(s.acked, upTo)
}

// begin and end frame an append, so that what is written behind never claims to be complete beyond one under way.
func (s *states) begin() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextKey++
	s.open[s.nextKey] = s.acked
	return s.nextKey
}

// end says whether it is known that the states have what was appended: what they may not have is read from the log, and nothing is taken
// as read, or as complete, before.
func (s *states) end(key int, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, key)
	if known {
		s.known = max(s.known, key)
	} else {
		s.doubts, s.doubted = s.doubts+1, s.nextKey
	}
	if !s.shared && s.doubts == s.cleared && len(s.open) == 0 {
		s.scanned = max(s.scanned, s.acked)
	}
}

// doubt says that the states lack something that was recorded after a position: what was sent and not answered was stored late, when something
// that was sent after it had been answered, as in a log that is divided over several streams. It is read again from there.
func (s *states) doubt(after events.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doubts, s.doubted = s.doubts+1, s.nextKey
	s.scanned = min(s.scanned, after)
}

// complete is a position up to which the states have everything: no append under way can still bring something before it, and where others
// append, all of theirs has been read.
func (s *states) complete() events.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.acked
	for _, began := range s.open {
		p = min(p, began)
	}
	if s.shared || s.doubts != s.cleared {
		p = min(p, s.scanned)
	}
	return p
}

// read notes that the log has been read, and applied, through a position.
func (s *states) read(upTo events.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scanned = max(s.scanned, upTo)
}

// inDoubt says that the log is to be read: the states may not have all that was appended.
func (s *states) inDoubt() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.doubts != s.cleared
}

// waiting is how many states wait to be written.
func (s *states) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.dirty)
}

// flush writes what has changed, with the position that the store is then complete up to, in one transaction.
func (s *states) flush(ctx context.Context) error {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	complete := s.complete() // asked first: states that come meanwhile are only newer
	s.mu.Lock()
	work := s.dirty
	s.dirty, s.writing = map[events.Stream]*person.State{}, work
	s.flushes++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.writing = nil
		s.flushes++
		s.mu.Unlock()
	}()
	if len(work) == 0 {
		return nil // a recall stands in a person's stream: none is new either
	}
	if err := s.write(ctx, work, complete); err != nil {
		s.mu.Lock()
		for st, state := range work {
			if _, newer := s.dirty[st]; !newer {
				s.dirty[st] = state
			}
		}
		s.mu.Unlock()
		return fmt.Errorf("writing person states: %w", err)
	}
	return nil
}

func (s *states) write(ctx context.Context, work map[events.Stream]*person.State, complete events.Position) error {
	ctx = context.WithoutCancel(ctx) // the driver would watch for it, with a goroutine for every statement
	tx, err := s.db.Write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	stmt, err := tx.PrepareContext(ctx, `insert into states (stream, position, state) values ($1, $2, $3)
		on conflict (stream) do update set position = excluded.position, state = excluded.state where states.position < excluded.position`)
	if err != nil {
		return err
	}
	defer stmt.Close()
	streams := slices.SortedFunc(maps.Keys(work), func(a, b events.Stream) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	for _, st := range streams { // in the order of the key, so that neighbours are written together
		state := work[st]
		blob, err := state.MarshalBinary()
		if err != nil {
			return err
		}
		if _, err := stmt.ExecContext(ctx, st.String(), int64(state.Position), blob); err != nil {
			return err
		}
	}
	named, err := s.recalls.write(ctx, tx)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `insert into progress (id, position) values (1, $1)
		on conflict (id) do update set position = excluded.position where progress.position < excluded.position`, int64(complete)); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	s.recalls.written(named)
	return nil
}

// refusedBefore says which of some (tag, rule) pairs have been recorded, and remembers the others.
func (s *states) refusedBefore(ctx context.Context, pairs [][2]string) ([]bool, error) {
	before := make([]bool, len(pairs))
	for i, p := range pairs {
		var one int
		switch err := s.db.Read.QueryRowContext(ctx, `select 1 from refused where tag = $1 and rule = $2`, p[0], p[1]).Scan(&one); err {
		case nil:
			before[i] = true
		case sql.ErrNoRows:
		default:
			return nil, fmt.Errorf("reading refusals: %w", err)
		}
	}
	return before, nil
}

func (s *states) rememberRefused(ctx context.Context, pairs [][2]string) error {
	tx, err := s.db.Write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("writing refusals: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	for _, p := range pairs {
		if _, err := tx.ExecContext(ctx, `insert into refused (tag, rule) values ($1, $2) on conflict do nothing`, p[0], p[1]); err != nil {
			return fmt.Errorf("writing refusals: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("writing refusals: %w", err)
	}
	return nil
}

// catchUp reads the log from where it was last read and applies what the states do not have: at start what was recorded after
// the last write, later what somebody else appended.
func (s *states) catchUp(ctx context.Context, log contracts.Log, org func(*events.Event) error, progress func(events.Position)) error {
	s.mu.Lock()
	// What was sent and not answered may be stored yet, until something that was sent after it has been answered.
	from, doubts := s.scanned, s.cleared
	if s.known > s.doubted {
		doubts = s.doubts
	}
	s.mu.Unlock()
	for batch, err := range log.Scan(ctx, from, contracts.Filter{}) {
		if err != nil {
			return fmt.Errorf("reading the log for person states: %w", err)
		}
		if err := s.apply(ctx, batch, org); err != nil {
			return err
		}
		from = batch[len(batch)-1].Position
		s.read(from)
		if progress != nil {
			progress(from)
		}
		if s.waiting() > 20_000 {
			if err := s.flush(ctx); err != nil {
				return err
			}
		}
	}
	s.mu.Lock()
	s.cleared = max(s.cleared, doubts)
	s.mu.Unlock()
	return nil
}

func (s *states) apply(ctx context.Context, batch []events.Event, org func(*events.Event) error) error {
	var streams []events.Stream
	seen := map[events.Stream]bool{}
	for i := range batch {
		if st := batch[i].Stream; st.Kind != "refusals" && !seen[st] {
			seen[st], streams = true, append(streams, st)
		}
	}
	have, err := s.load(ctx, streams)
	if err != nil {
		return err
	}
	changed := map[events.Stream]*person.State{}
	var refused [][2]string
	var missed []events.Event
	for i := range batch {
		e := &batch[i]
		if s := changed[e.Stream]; s == nil && e.Stream.Kind == "person" && have[e.Stream].Position >= e.Position {
			continue // as we appended it ourselves
		}
		f, err := events.Decode(e)
		if err != nil {
			return err
		}
		if r, ok := f.(*events.Refused); ok {
			refused = append(refused, [2]string{string(r.Tag), string(r.Rule)})
			continue
		}
		if organisation.Concerns(e) {
			if err := org(e); err != nil {
				return err
			}
		}
		state := changed[e.Stream]
		if state == nil {
			if state = have[e.Stream]; state.Position >= e.Position {
				continue
			}
			state = state.Clone()
			changed[e.Stream] = state
		}
		s.recalls.hear(e, f)
		if e.Position > state.Position {
			missed = append(missed, *e)
			state.Apply(e, f)
		}
	}
	if len(refused) > 0 {
		if err := s.rememberRefused(ctx, refused); err != nil {
			return err
		}
	}
	s.store(changed, batch[len(batch)-1].Position)
	if s.missed != nil && len(missed) > 0 {
		s.missed(missed)
	}
	return nil
}

// living are streams of people who exist, some of them.
func (s *states) living(ctx context.Context, limit int) ([]events.Stream, error) {
	rows, err := s.db.Read.QueryContext(ctx, `select stream, state from states where stream >= 'person-' and stream < 'person.' limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("reading person states: %w", err)
	}
	defer rows.Close()
	var out []events.Stream
	for rows.Next() {
		var name string
		var blob []byte
		if err := rows.Scan(&name, &blob); err != nil {
			return nil, fmt.Errorf("reading person states: %w", err)
		}
		state := &person.State{}
		if err := state.UnmarshalBinary(blob); err != nil {
			return nil, fmt.Errorf("a stored person state cannot be read; delete the store of person states, it is rebuilt from the log at the next start")
		}
		if st, ok := events.ParseStream(name); ok && state.Exists() {
			out = append(out, st)
		}
	}
	return out, rows.Err()
}
