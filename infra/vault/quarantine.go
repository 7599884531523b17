package vault

import (
	"cmp"
	"context"
	"crypto/cipher"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// AddCases remembers the clear words behind case tags.
func (v *Vault) AddCases(ctx context.Context, words map[contracts.CaseRef]string) error {
	refs := slices.Collect(maps.Keys(words))
	owners := make([]events.Stream, len(refs))
	for i := range refs {
		owners[i] = refs[i].Owner
	}
	opened, err := v.open(ctx, owners)
	if err != nil {
		return err
	}
	sealed := make([][]byte, len(refs))
	for i, o := range opened {
		if o == nil {
			return contracts.ErrDestroyed
		}
		key, err := o.caseKey()
		if err != nil {
			return err
		}
		sealed[i] = sealUnder(key, parts("case", o.stream, refs[i].Tag), []byte(words[refs[i]]))
	}
	return v.transact(ctx, func(tx *sql.Tx) error {
		for i, o := range opened { // not for somebody forgotten meanwhile: their row has to be there in the same statement
			if _, err := tx.ExecContext(ctx, `INSERT INTO cases (stream, tag, sealed) SELECT stream, $2, $3 FROM owners WHERE stream = $1
				ON CONFLICT (stream, tag) DO UPDATE SET sealed = excluded.sealed`, o.stream, refs[i].Tag, sealed[i]); err != nil {
				return fmt.Errorf("vault: writing: %w", err)
			}
		}
		return nil
	})
}

// Cases answers the clear words of owners' case tags.
func (v *Vault) Cases(ctx context.Context, owners []events.Stream) (map[contracts.CaseRef]string, error) {
	if !v.level.Load() {
		return nil, contracts.ErrNotLevel
	}
	opened, err := v.open(ctx, owners)
	if err != nil {
		return nil, err
	}
	at := make(map[string]int, len(opened))
	keys := make(map[string]cipher.AEAD, len(opened))
	var streams []any
	for i, o := range opened {
		if o == nil || keys[o.stream] != nil {
			continue
		}
		if keys[o.stream], err = o.caseKey(); err != nil {
			return nil, err
		}
		at[o.stream] = i
		streams = append(streams, o.stream)
	}
	words := map[contracts.CaseRef]string{}
	err = within(ctx, v.read, `SELECT stream, tag, sealed FROM cases WHERE stream`, streams, func(s *sql.Rows) error {
		var stream, tag string
		var sealed []byte
		if err := s.Scan(&stream, &tag, &sealed); err != nil {
			return err
		}
		word, err := unsealUnder(keys[stream], parts("case", stream, tag), sealed)
		words[contracts.CaseRef{Owner: owners[at[stream]], Tag: tag}] = string(word)
		return err
	})
	return words, err
}

// dayKey answers the key of a day, and makes it if asked.
func (v *Vault) dayKey(ctx context.Context, tx *sql.Tx, day string, make bool) (cipher.AEAD, error) {
	var epoch string
	var wrapped []byte
	err := tx.QueryRowContext(ctx, `SELECT epoch, wrapped FROM days WHERE day = $1`, day).Scan(&epoch, &wrapped)
	switch {
	case err == nil:
		return v.unwrapKey(ctx, epoch, wrapped, parts("day", day, epoch))
	case !errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("vault: reading: %w", err)
	case !make:
		return nil, contracts.ErrDestroyed
	}
	epoch = v.epoch()
	key, wrapped, err := v.newKey(ctx, epoch, parts("day", day, epoch))
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO days (day, epoch, wrapped) VALUES ($1, $2, $3)`, day, epoch, wrapped); err != nil {
		return nil, fmt.Errorf("vault: writing: %w", err)
	}
	return key, nil
}

// dayOf is the day, in UTC, whose key seals what came then.
func dayOf(at time.Time) string { return at.UTC().Format(time.DateOnly) }

func quarantineBound(what, id string, at int64, subject []byte) []byte {
	return parts("quarantine", what, id, strconv.FormatInt(at, 10), string(subject))
}

// Quarantine keeps refused submissions. What an emitter wrote where a source or a type should stand may be anything, so
// that everything but the id and the time is sealed.
func (v *Vault) Quarantine(ctx context.Context, items []contracts.Quarantined) error {
	v.turning.RLock()
	defer v.turning.RUnlock()
	return v.transact(ctx, func(tx *sql.Tx) error {
		keys := map[string]cipher.AEAD{}
		for i := range items {
			q := &items[i]
			day := dayOf(q.At)
			if keys[day] == nil {
				key, err := v.dayKey(ctx, tx, day, true)
				if err != nil {
					return err
				}
				keys[day] = key
			}
			at, subject := q.At.UnixMilli(), v.entry(q.Subject)
			head := sealUnder(keys[day], quarantineBound("head", q.ID, at, subject[:]), parts(q.Source, q.Type, q.Rule, q.Field))
			body := sealUnder(keys[day], quarantineBound("body", q.ID, at, subject[:]), q.Body)
			if _, err := tx.ExecContext(ctx, `INSERT INTO quarantine (id, at, day, subject, head, body) VALUES ($1, $2, $3, $4, $5, $6)`,
				q.ID, at, day, subject[:], head, body); err != nil {
				return fmt.Errorf("vault: writing: %w", err)
			}
		}
		return nil
	})
}

// QuarantineSize is how many refused submissions are kept.
func (v *Vault) QuarantineSize(ctx context.Context) (n int, err error) {
	if err := v.read.QueryRowContext(ctx, `SELECT count(*) FROM quarantine`).Scan(&n); err != nil {
		return 0, fmt.Errorf("vault: reading: %w", err)
	}
	return n, nil
}

// sealedItem is a submission as it is stored.
type sealedItem struct {
	id, day             string
	at                  int64
	subject, head, body []byte
}

// Quarantined lists what is kept, newest first. Subjects are never in the answer: only their keyed hash is kept.
func (v *Vault) Quarantined(ctx context.Context, limit int, values bool) ([]contracts.Quarantined, error) {
	column := `head`
	if values {
		column = `body`
	}
	return v.unsealed(ctx, values, func(tx *sql.Tx, scan func(*sql.Rows) error) error {
		return collect(ctx, tx, `SELECT id, at, day, subject, head, `+column+` FROM quarantine ORDER BY at DESC, id LIMIT $1`, []any{max(limit, 0)}, scan)
	})
}

// OpenQuarantined opens those of the given ids that are kept.
func (v *Vault) OpenQuarantined(ctx context.Context, ids []string) ([]contracts.Quarantined, error) {
	all, err := v.unsealed(ctx, true, func(tx *sql.Tx, scan func(*sql.Rows) error) error {
		return within(ctx, tx, `SELECT id, at, day, subject, head, body FROM quarantine WHERE id`, anys(ids), scan)
	})
	slices.SortFunc(all, func(a, b contracts.Quarantined) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return all, err
}

// Release removes submissions from the quarantine.
func (v *Vault) Release(ctx context.Context, ids []string) error {
	return v.transact(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			if _, err := tx.ExecContext(ctx, `DELETE FROM quarantine WHERE id = $1`, id); err != nil {
				return fmt.Errorf("vault: writing: %w", err)
			}
		}
		return nil
	})
}

func anys(all []string) []any {
	out := make([]any, len(all))
	for i, s := range all {
		out[i] = s
	}
	return out
}

// unsealed reads items, and opens their heads and, if values are wanted, their bodies.
func (v *Vault) unsealed(ctx context.Context, values bool, read func(*sql.Tx, func(*sql.Rows) error) error) ([]contracts.Quarantined, error) {
	if !v.level.Load() {
		return nil, contracts.ErrNotLevel
	}
	v.turning.RLock()
	defer v.turning.RUnlock()
	tx, err := v.read.BeginTx(ctx, nil) // keys and items as they are at one moment
	if err != nil {
		return nil, fmt.Errorf("vault: reading: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	var stored []sealedItem
	if err := read(tx, func(s *sql.Rows) error {
		var i sealedItem
		err := s.Scan(&i.id, &i.at, &i.day, &i.subject, &i.head, &i.body)
		stored = append(stored, i)
		return err
	}); err != nil {
		return nil, err
	}
	items := make([]contracts.Quarantined, len(stored))
	keys := map[string]cipher.AEAD{}
	for i := range stored {
		q, s := &items[i], &stored[i]
		q.ID, q.At = s.id, time.UnixMilli(s.at).UTC()
		if keys[s.day] == nil {
			if keys[s.day], err = v.dayKey(ctx, tx, s.day, false); err != nil {
				return nil, err
			}
		}
		head, err := unsealUnder(keys[s.day], quarantineBound("head", q.ID, s.at, s.subject), s.head)
		if err != nil {
			return nil, err
		}
		if !splitParts(head, &q.Source, &q.Type, &q.Rule, &q.Field) {
			return nil, errCorrupt
		}
		if values {
			if q.Body, err = unsealUnder(keys[s.day], quarantineBound("body", q.ID, s.at, s.subject), s.body); err != nil {
				return nil, err
			}
		}
	}
	return items, nil
}

// splitParts reads what parts wrote, and nothing else.
func splitParts(b []byte, into ...*string) bool {
	for _, s := range into {
		if len(b) < 4 {
			return false
		}
		n := uint64(binary.BigEndian.Uint32(b))
		if uint64(len(b)) < 4+n {
			return false
		}
		*s, b = string(b[4:4+n]), b[4+n:]
	}
	return len(b) == 0
}

// Sweep destroys the keys of days all of which is longer ago than quarantineKeep, with what they sealed, and tombstones
// that are past their time.
func (v *Vault) Sweep(ctx context.Context, now time.Time, quarantineKeep time.Duration) error {
	// A day ends 24 hours after it began: the last day that is wholly past is that of a moment a day earlier.
	before := dayOf(now.Add(-quarantineKeep))
	return v.transact(ctx, func(tx *sql.Tx) error {
		for _, s := range []struct {
			query string
			arg   any
		}{
			{`DELETE FROM quarantine WHERE day < $1`, before},
			{`DELETE FROM days WHERE day < $1`, before},
			{`DELETE FROM tombstones WHERE until <= $1`, now.UnixMilli()},
		} {
			if _, err := tx.ExecContext(ctx, s.query, s.arg); err != nil {
				return fmt.Errorf("vault: writing: %w", err)
			}
		}
		return nil
	})
}
