package vault

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// hashed is an identifier under one of the vault's keys.
func hashed(key *keyed, id events.Identifier) [32]byte {
	scheme, rest, ok := strings.Cut(string(id), ":")
	if !ok {
		scheme, rest = "", string(id)
	}
	return key.mac(append(part(make([]byte, 0, 64), scheme), rest...))
}

func (v *Vault) entry(id events.Identifier) [32]byte  { return hashed(&v.pepper, id) }
func (v *Vault) tombOf(id events.Identifier) [32]byte { return hashed(&v.tomb, id) }

func entryBound(hash [32]byte, epoch string) []byte {
	return parts("directory", string(hash[:]), epoch)
}

// Peppered is a tag under the vault's own key.
func (v *Vault) Peppered(scope, text string) string { return v.words.tag(scope, text) }

// leads reads where entries lead.
func (v *Vault) leads(ctx context.Context, q querier, entries []any) (map[[32]byte]events.Pseudonym, error) {
	found := make(map[[32]byte]events.Pseudonym, len(entries))
	err := within(ctx, q, `SELECT hash, epoch, sealed FROM directory WHERE hash`, entries, func(s *sql.Rows) error {
		var hash, sealed []byte
		var epoch string
		if err := s.Scan(&hash, &epoch, &sealed); err != nil {
			return err
		}
		if len(hash) != 32 {
			return errCorrupt
		}
		key, err := v.epochKey(epoch)
		if err != nil {
			return err
		}
		h := [32]byte(hash)
		p, err := unsealUnder(key, entryBound(h, epoch), sealed)
		found[h] = events.Pseudonym(p)
		return err
	})
	return found, err
}

// Find answers for each identifier where it leads.
func (v *Vault) Find(ctx context.Context, ids []events.Identifier) ([]contracts.Found, error) {
	if !v.level.Load() {
		return nil, contracts.ErrNotLevel
	}
	answer := make([]contracts.Found, len(ids))
	hashes := make([][32]byte, len(ids))
	people := make([]events.Pseudonym, len(ids))
	for i, id := range ids {
		hashes[i] = v.entry(id)
	}
	since := v.found.get(hashes, people)
	var entries []any
	for i := range ids {
		if people[i] == "" {
			entries = append(entries, hashes[i][:])
		}
	}
	if len(entries) > 0 {
		v.turning.RLock() // so that no epoch's key goes between reading an entry and opening it
		leads, err := v.leads(ctx, v.read, entries)
		v.turning.RUnlock()
		if err != nil {
			return nil, err
		}
		v.found.put(leads, since)
		for i := range ids {
			if people[i] == "" {
				people[i] = leads[hashes[i]]
			}
		}
	}
	var tombs []any
	of := map[[32]byte][]int{}
	for i, id := range ids {
		answer[i].Person = people[i]
		if people[i] == "" {
			h := v.tombOf(id)
			if of[h] = append(of[h], i); len(of[h]) == 1 {
				tombs = append(tombs, h[:])
			}
		}
	}
	err := within(ctx, v.read, `SELECT hash, at FROM tombstones WHERE hash`, tombs, func(s *sql.Rows) error {
		var hash []byte
		var at int64
		if err := s.Scan(&hash, &at); err != nil {
			return err
		}
		for _, i := range of[[32]byte(hash)] { // the query asked for 32 bytes
			answer[i].Gone = time.UnixMilli(at).UTC()
		}
		return nil
	})
	return answer, err
}

// Forget destroys an owner: key, identifiers, case words, quarantine; tombstones stay.
func (v *Vault) Forget(ctx context.Context, stream events.Stream, at time.Time, keep time.Duration) error {
	s := stream.String()
	v.turning.RLock()
	defer v.turning.RUnlock()
	var names []name
	err := v.transact(ctx, func(tx *sql.Tx) error {
		names = nil
		stored, err := v.rows(ctx, tx, []any{s})
		if err != nil {
			return err
		}
		var subjects []any
		if p := stream.Person(); p != "" { // submissions may name a person by pseudonym
			h := v.entry(events.Identifier("person:" + string(p)))
			subjects = append(subjects, h[:])
		}
		if r, ok := stored[s]; ok {
			o, err := v.unwrap(ctx, r)
			if err != nil {
				return err
			}
			names = o.names
			o.destroy()
		}
		run := func(query string, args ...any) {
			if err == nil {
				if _, err = tx.ExecContext(ctx, query, args...); err != nil {
					err = fmt.Errorf("vault: writing: %w", err)
				}
			}
		}
		for i := range names {
			n := &names[i]
			subjects = append(subjects, n.entry[:])
			run(`DELETE FROM directory WHERE hash = $1`, n.entry[:])
			if until := at.Add(keep); keep > 0 {
				run(`INSERT INTO tombstones (hash, at, until) VALUES ($1, $2, $3)
					ON CONFLICT (hash) DO UPDATE SET at = excluded.at, until = excluded.until
					WHERE tombstones.until <= excluded.until`, n.tomb[:], at.UnixMilli(), until.UnixMilli())
			}
		}
		for _, h := range subjects {
			run(`DELETE FROM quarantine WHERE subject = $1`, h)
		}
		run(`DELETE FROM cases WHERE stream = $1`, s)
		run(`DELETE FROM owners WHERE stream = $1`, s)
		return err
	})
	// After an error too: a commit may have failed in the telling only, and a second Forget finds no names to drop.
	v.found.drop(names)
	if o := v.keys.drop(s); o != nil && err == nil {
		o.destroy()
	}
	return err
}

// Position is how far deletions of the log have been carried out here.
func (v *Vault) Position(ctx context.Context) (events.Position, error) {
	var at int64
	if err := v.read.QueryRowContext(ctx, `SELECT at FROM position WHERE one = 1`).Scan(&at); err != nil {
		return 0, fmt.Errorf("vault: reading: %w", err)
	}
	return events.Position(at), nil
}

// Advance moves the position forward, never back.
func (v *Vault) Advance(ctx context.Context, to events.Position) error {
	if to > math.MaxInt64 {
		return fmt.Errorf("vault: a position beyond what any log reaches")
	}
	return v.exec(ctx, `UPDATE position SET at = $1 WHERE one = 1 AND at < $1`, int64(to))
}
