package vault

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/vault/puncture"
)

// newcomer is an owner that nothing is stored of yet.
type newcomer struct {
	vault *Vault
	at    events.Stream
	owner *owner
}

func (n *newcomer) Stream() events.Stream { return n.at }
func (n *newcomer) Keys() contracts.Keys  { return n.owner }

// Newcomer makes a key in memory only.
func (v *Vault) Newcomer(stream events.Stream, ids ...events.Identifier) (contracts.Newcomer, error) {
	if stream.Kind == "" || stream.ID == "" {
		return nil, errors.New("vault: an owner is a stream, and a stream has two parts")
	}
	if len(ids) > 0 && stream.Person() == "" {
		return nil, errors.New("vault: identifiers lead to people only")
	}
	o := &owner{stream: stream.String()}
	for _, id := range ids {
		if scheme, key, ok := strings.Cut(string(id), ":"); !ok || scheme == "" || key == "" {
			return nil, errors.New("vault: an identifier is <scheme>:<key>")
		}
		o.names = append(o.names, name{v.entry(id), v.tombOf(id)})
	}
	var err error
	if o.state, err = puncture.New(rand.Reader); err != nil {
		return nil, err
	}
	if _, err := rand.Read(o.tags.key[:]); err != nil {
		return nil, err
	}
	return &newcomer{v, stream, o}, nil
}

// NewPseudonym is 130 random bits.
func (v *Vault) NewPseudonym() events.Pseudonym {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	var b [26]byte
	_, _ = rand.Read(b[:]) // never fails
	for i := range b {
		b[i] = letters[b[i]&31]
	}
	return events.Pseudonym(b[:])
}

func wrapping(stream string, version int64, epoch string) []byte {
	return parts("owner", stream, strconv.FormatInt(version, 10), epoch)
}

// wrap wraps an owner's state for one version of its row. The caller holds turning.
func (v *Vault) wrap(ctx context.Context, o *owner, version int64, epoch string) ([]byte, error) {
	b, err := o.encode()
	if err != nil {
		return nil, err
	}
	defer clear(b)
	wrapped, err := v.root.Wrap(ctx, epoch, b, wrapping(o.stream, version, epoch))
	if err != nil {
		return nil, fmt.Errorf("vault: root keys: %w", err)
	}
	return wrapped, nil
}

// row is a stored owner.
type row struct {
	stream  string
	version int64
	epoch   string
	wrapped []byte
}

const ownerColumns = `SELECT stream, version, epoch, wrapped FROM owners `

func (v *Vault) unwrap(ctx context.Context, r row) (*owner, error) {
	b, err := v.root.Unwrap(ctx, r.epoch, r.wrapped, wrapping(r.stream, r.version, r.epoch))
	if err != nil {
		return nil, fmt.Errorf("vault: root keys: %w", err)
	}
	defer clear(b)
	return decodeOwner(r.stream, b)
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// collect runs a query and scans each row of the answer.
func collect(ctx context.Context, q querier, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("vault: reading: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return fmt.Errorf("vault: reading: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("vault: reading: %w", err)
	}
	return nil
}

// within runs `… WHERE column IN (…)` over any number of values, some hundreds at a time.
func within(ctx context.Context, q querier, query string, values []any, scan func(*sql.Rows) error) error {
	const most = 500
	for len(values) > 0 {
		n := min(most, len(values))
		var list strings.Builder
		for i := range n {
			if i > 0 {
				list.WriteByte(',')
			}
			list.WriteByte('$')
			list.WriteString(strconv.Itoa(i + 1))
		}
		if err := collect(ctx, q, query+` IN (`+list.String()+`)`, values[:n], scan); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

func (v *Vault) rows(ctx context.Context, q querier, streams []any) (map[string]row, error) {
	found := make(map[string]row, len(streams))
	err := within(ctx, q, ownerColumns+`WHERE stream`, streams, func(s *sql.Rows) error {
		var r row
		err := s.Scan(&r.stream, &r.version, &r.epoch, &r.wrapped)
		found[r.stream] = r
		return err
	})
	return found, err
}

// Admit stores newcomers in one transaction.
func (v *Vault) Admit(ctx context.Context, all []contracts.Newcomer) ([]events.Stream, error) {
	v.turning.RLock()
	defer v.turning.RUnlock()
	epoch := v.epoch()
	directory, err := v.epochKey(epoch)
	if err != nil {
		return nil, err
	}
	mine := make([]*newcomer, len(all))
	wrapped := make([][]byte, len(all))
	var streams, entries []any
	for i := range all {
		n, ok := all[i].(*newcomer)
		if !ok || n.vault != v {
			return nil, errors.New("vault: a newcomer of another vault")
		}
		if wrapped[i], err = v.wrap(ctx, n.owner, 1, epoch); err != nil {
			return nil, err
		}
		mine[i] = n
		streams = append(streams, n.owner.stream)
		for j := range n.owner.names {
			entries = append(entries, n.owner.names[j].entry[:])
		}
	}
	answer := make([]events.Stream, len(all))
	err = v.transact(ctx, func(tx *sql.Tx) error {
		leads, err := v.leads(ctx, tx, entries)
		if err != nil {
			return err
		}
		stored, err := v.rows(ctx, tx, streams)
		if err != nil {
			return err
		}
		toOwners, err := tx.PrepareContext(ctx, `INSERT INTO owners (stream, version, epoch, wrapped) VALUES ($1, 1, $2, $3)`)
		if err != nil {
			return fmt.Errorf("vault: writing: %w", err)
		}
		defer func() { _ = toOwners.Close() }()
		toDirectory, err := tx.PrepareContext(ctx, `INSERT INTO directory (hash, epoch, sealed) VALUES ($1, $2, $3)`)
		if err != nil {
			return fmt.Errorf("vault: writing: %w", err)
		}
		defer func() { _ = toDirectory.Close() }()
		admitted := make(map[string]*owner, len(mine))
		for i, n := range mine {
			if first := firstOf(leads, n.owner.names); first != "" && first != n.at.Person() {
				answer[i] = events.PersonStream(first)
				continue
			}
			answer[i] = n.at
			// The same newcomer again is a caller that did not learn how the first time ended. Another key for the
			// same stream must not pass for admitted: what the caller has sealed would never open.
			if o := admitted[n.owner.stream]; o != nil {
				if o != n.owner {
					return contracts.ErrAdmitted
				}
				continue
			}
			if r, ok := stored[n.owner.stream]; ok {
				o, err := v.unwrap(ctx, r)
				if err != nil {
					return err
				}
				if !o.same(n.owner) {
					return contracts.ErrAdmitted
				}
				continue
			}
			if _, err := toOwners.ExecContext(ctx, n.owner.stream, epoch, wrapped[i]); err != nil {
				return fmt.Errorf("vault: writing: %w", err)
			}
			admitted[n.owner.stream] = n.owner
			for j := range n.owner.names {
				h := n.owner.names[j].entry
				if leads[h] != "" { // an identifier given twice
					continue
				}
				sealed := sealUnder(directory, entryBound(h, epoch), []byte(n.at.ID))
				if _, err := toDirectory.ExecContext(ctx, h[:], epoch, sealed); err != nil {
					return fmt.Errorf("vault: writing: %w", err)
				}
				leads[h] = n.at.Person()
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// firstOf is whom the first of an owner's identifiers that leads anywhere leads to.
func firstOf(leads map[[32]byte]events.Pseudonym, names []name) events.Pseudonym {
	for i := range names {
		if p := leads[names[i].entry]; p != "" {
			return p
		}
	}
	return ""
}

// Keys opens owners' keys.
func (v *Vault) Keys(ctx context.Context, owners []events.Stream) ([]contracts.Keys, error) {
	if !v.level.Load() {
		return nil, contracts.ErrNotLevel
	}
	opened, err := v.open(ctx, owners)
	if err != nil {
		return nil, err
	}
	answer := make([]contracts.Keys, len(opened))
	for i, o := range opened {
		if o != nil { // a nil *owner would make an interface that is not nil
			answer[i] = o
		}
	}
	return answer, nil
}

// open opens owners, level or not.
func (v *Vault) open(ctx context.Context, owners []events.Stream) ([]*owner, error) {
	opened := make([]*owner, len(owners))
	streams := make([]string, len(owners))
	for i := range owners {
		streams[i] = owners[i].String()
	}
	since := v.keys.get(streams, opened)
	var missing []any
	for i := range opened {
		if opened[i] == nil {
			missing = append(missing, streams[i])
		}
	}
	if len(missing) == 0 {
		return opened, nil
	}
	stored, err := v.rows(ctx, v.read, missing)
	if err != nil {
		return nil, err
	}
	fresh := make(map[string]*owner, len(stored))
	for s, r := range stored {
		o, err := v.unwrap(ctx, r)
		if errors.Is(err, contracts.ErrDestroyed) {
			// The epoch may have been destroyed between reading the row and unwrapping it: it has been rewritten.
			var again map[string]row
			if again, err = v.rows(ctx, v.read, []any{s}); err == nil {
				if r, ok := again[s]; ok {
					o, err = v.unwrap(ctx, r)
				} else {
					continue
				}
			}
		}
		if err != nil {
			return nil, err
		}
		fresh[s] = v.keys.put(o, since)
	}
	for i := range opened {
		if opened[i] == nil {
			opened[i] = fresh[streams[i]]
		}
	}
	return opened, nil
}

// Puncture destroys the keys of ordinals: first on disk, then in memory.
func (v *Vault) Puncture(ctx context.Context, keys map[events.Stream][]events.Ordinal) error {
	of := make(map[string][]events.Ordinal, len(keys))
	var streams []any
	for st, ordinals := range keys {
		if s := st.String(); len(ordinals) > 0 {
			of[s], streams = ordinals, append(streams, s)
		}
	}
	if len(of) == 0 {
		return nil
	}
	v.turning.RLock()
	defer v.turning.RUnlock()
	epoch := v.epoch()
	err := errMoved
	for errors.Is(err, errMoved) {
		err = v.transact(ctx, func(tx *sql.Tx) error {
			stored, err := v.rows(ctx, tx, streams)
			for s, r := range stored { // an owner without a row is left alone
				if err == nil {
					err = v.punctured(ctx, tx, r, epoch, of[s])
				}
			}
			return err
		})
	}
	// After an error too: a commit may have failed in the telling only.
	for s, ordinals := range of {
		if o := v.keys.drop(s); o != nil && err == nil {
			o.puncture(ordinals) // for whoever still holds it
		}
	}
	return err
}

var errMoved = errors.New("vault: a key state was rewritten meanwhile")

// punctured rewrites an owner's row by compare-and-swap.
func (v *Vault) punctured(ctx context.Context, tx *sql.Tx, r row, epoch string, ordinals []events.Ordinal) error {
	o, err := v.unwrap(ctx, r)
	if err != nil {
		return err
	}
	defer o.destroy()
	if !o.puncture(ordinals) {
		return nil
	}
	wrapped, err := v.wrap(ctx, o, r.version+1, epoch)
	if err != nil {
		return err
	}
	result, err := tx.ExecContext(ctx,
		`UPDATE owners SET version = $1, epoch = $2, wrapped = $3 WHERE stream = $4 AND version = $5`,
		r.version+1, epoch, wrapped, r.stream, r.version)
	if err != nil {
		return fmt.Errorf("vault: writing: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return errMoved
}
