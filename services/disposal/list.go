package disposal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// lists is the store of what is to be disposed of: pseudonyms, ordinals and words of the catalogue. What was approved is pinned by the
// digest in the log, so that a list that was changed or lost disposes of nothing.
type lists struct{ db contracts.Database }

// entry is one record of a list; or somebody of whom no record was left before, who has no ordinal.
type entry struct {
	person   events.Pseudonym
	n        events.Ordinal
	category events.Word
	purpose  events.Word
	rule     string
	cause    events.Word
	due      string
	held     bool // when it was planned
	forget   bool // with all others of the person
	remember bool // the same, but for a record of provision; counted in the plan, not kept in the list
	outcome  string
}

// What has become of a record.
const (
	disposed = "disposed"
	held     = "held"
	bound    = "bound"
	gone     = "gone"
)

func openLists(ctx context.Context, db contracts.Database) (*lists, error) {
	err := db.Make(ctx, `create table if not exists items (disposal text not null, person text not null, n bigint not null,
		category text not null, purpose text not null, rule text not null, cause text not null, due text not null, held integer not null,
		forget integer not null, outcome text not null, primary key (disposal, person, n))`)
	if err != nil {
		return nil, fmt.Errorf("preparing the store of disposals: %w", err)
	}
	return &lists{db}, nil
}

// add stores a list, whole.
func (l *lists) add(ctx context.Context, id events.ID, all []entry) error {
	tx, err := l.db.Write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("writing a disposal's list: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	stmt, err := tx.PrepareContext(ctx, `insert into items (disposal, person, n, category, purpose, rule, cause, due, held, forget, outcome)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '')`)
	if err != nil {
		return fmt.Errorf("writing a disposal's list: %w", err)
	}
	defer stmt.Close()
	for _, e := range all {
		if _, err := stmt.ExecContext(ctx, string(id), string(e.person), int64(e.n), string(e.category), string(e.purpose), e.rule, string(e.cause), e.due, number(e.held), number(e.forget)); err != nil {
			return fmt.Errorf("writing a disposal's list: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("writing a disposal's list: %w", err)
	}
	return nil
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// all is a list in the order of its digest.
func (l *lists) all(ctx context.Context, id events.ID) ([]entry, error) {
	rows, err := l.db.Read.QueryContext(ctx, `select person, n, category, purpose, rule, cause, due, held, forget, outcome from items where disposal = $1`, string(id))
	if err != nil {
		return nil, fmt.Errorf("reading a disposal's list: %w", err)
	}
	defer rows.Close()
	var all []entry
	for rows.Next() {
		var e entry
		var n int64
		if err := rows.Scan(&e.person, &n, &e.category, &e.purpose, &e.rule, &e.cause, &e.due, &e.held, &e.forget, &e.outcome); err != nil {
			return nil, fmt.Errorf("reading a disposal's list: %w", err)
		}
		e.n = events.Ordinal(n)
		all = append(all, e)
	}
	sortEntries(all)
	return all, rows.Err()
}

func sortEntries(all []entry) {
	slices.SortFunc(all, func(a, b entry) int {
		if c := strings.Compare(string(a.person), string(b.person)); c != 0 {
			return c
		}
		return int(int64(a.n) - int64(b.n))
	})
}

// waits says whether a record waits in an approved disposal for a hold to be released.
func (l *lists) waiting(ctx context.Context) (map[string]bool, error) {
	rows, err := l.db.Read.QueryContext(ctx, `select person, n from items where outcome = $1`, held)
	if err != nil {
		return nil, fmt.Errorf("reading what waits: %w", err)
	}
	defer rows.Close()
	all := map[string]bool{}
	for rows.Next() {
		var e entry
		var n int64
		if err := rows.Scan(&e.person, &n); err != nil {
			return nil, fmt.Errorf("reading what waits: %w", err)
		}
		e.n = events.Ordinal(n)
		all[e.record()] = true
	}
	return all, rows.Err()
}

// tell stores what has become of records.
func (l *lists) tell(ctx context.Context, id events.ID, all []entry) error {
	tx, err := l.db.Write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("writing what became of a disposal: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	stmt, err := tx.PrepareContext(ctx, `update items set outcome = $4 where disposal = $1 and person = $2 and n = $3`)
	if err != nil {
		return fmt.Errorf("writing what became of a disposal: %w", err)
	}
	defer stmt.Close()
	for _, e := range all {
		if _, err := stmt.ExecContext(ctx, string(id), string(e.person), int64(e.n), e.outcome); err != nil {
			return fmt.Errorf("writing what became of a disposal: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("writing what became of a disposal: %w", err)
	}
	return nil
}

// record is how answers name a record, or a person of whom none was left.
func (e *entry) record() string {
	if e.alone() {
		return string(e.person)
	}
	return string(e.person) + "." + e.n.String()
}

// alone says that it is about a person, and no record of theirs.
func (e *entry) alone() bool { return e.n == 0 }

// digest pins a list: what it disposes of, record by record, and under which name and question.
func digest(id events.ID, until string, purpose events.Word, all []entry) events.Word {
	h := sha256.New()
	line := func(parts ...string) { _, _ = h.Write([]byte(strings.Join(parts, " ") + "\n")) }
	line("daicho.disposal.v2", string(id), until, string(purpose), strconv.Itoa(len(all)))
	for i := range all {
		e := &all[i]
		line(e.record(), string(e.category), string(e.purpose), e.rule, string(e.cause), e.due, strconv.FormatBool(e.held), strconv.FormatBool(e.forget))
	}
	return events.Word("sha256:" + hex.EncodeToString(h.Sum(nil)))
}

// count is how many records of how many people a list has, of how many nothing is left afterwards, and how many stay known all the same.
func count(all []entry) (records, people, forgets, remembers int) {
	for i := range all {
		e := &all[i]
		records += number(!e.alone())
		if i == 0 || e.person != all[i-1].person {
			people++
			forgets, remembers = forgets+number(e.forget), remembers+number(e.remember)
		}
	}
	return records, people, forgets, remembers
}

// reasons counts a list by rule, in the order of the rules' names.
func reasons(all []entry) []contracts.DisposalReason {
	type key struct {
		purpose events.Word
		rule    string
		cause   events.Word
	}
	by := map[key]*contracts.DisposalReason{}
	for _, e := range all {
		k := key{e.purpose, e.rule, e.cause}
		r := by[k]
		if r == nil {
			r = &contracts.DisposalReason{Purpose: e.purpose, Rule: e.rule, Cause: e.cause, First: e.due}
			by[k] = r
		}
		r.Records, r.People = r.Records+number(!e.alone()), r.People+number(e.alone())
		r.Held += number(e.held)
		r.First = min(r.First, e.due)
	}
	out := []contracts.DisposalReason{}
	for _, r := range by {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b contracts.DisposalReason) int {
		return strings.Compare(string(a.Purpose)+" "+a.Rule+" "+string(a.Cause), string(b.Purpose)+" "+b.Rule+" "+string(b.Cause))
	})
	return out
}
