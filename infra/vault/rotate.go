package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/daicho-dev/daicho/contracts"
)

// batch is how many rows Rotate handles between two looks at the context.
const batch = 500

// Rotate wraps everything under a new epoch of the root key, opens everything once to see that it is whole, and destroys
// the old epochs: no older copy of the vault opens anything from then on. Others may read and write meanwhile. After an
// error nothing is lost: the old epochs are still there, and another Rotate does the work.
//
// A backup of the vault that is to be good must be made after Rotate.
func (v *Vault) Rotate(ctx context.Context) error {
	if v.turn != "" {
		return errors.New("vault: other processes may have it open, and would go on under the old epoch; stop them, and open it alone")
	}
	v.rotating.Lock()
	defer v.rotating.Unlock()
	// From here on whatever is written is written under the new epoch; what was under way has been stored.
	v.turning.Lock()
	epoch, err := v.root.NewEpoch(ctx)
	if err == nil {
		err = v.enter(ctx, epoch)
	}
	v.turning.Unlock()
	if err != nil {
		return fmt.Errorf("vault: a new epoch: %w", err)
	}
	for _, step := range []func(context.Context, string) error{
		v.rewrapSecrets, v.rewrapDays, v.rewrapDirectory, v.rewrapOwners, v.verify,
	} {
		if err := step(ctx, epoch); err != nil {
			return err
		}
	}
	return v.destroyOld(ctx, epoch)
}

// rewrapKeys rewraps the rows of a table of keys: secrets or days.
func (v *Vault) rewrapKeys(ctx context.Context, table, column, what, epoch string) error {
	return v.transact(ctx, func(tx *sql.Tx) error {
		type keyRow struct {
			name, epoch string
			wrapped     []byte
		}
		var all []keyRow
		err := collect(ctx, tx, `SELECT `+column+`, epoch, wrapped FROM `+table+` WHERE epoch <> $1`, []any{epoch},
			func(s *sql.Rows) error {
				var r keyRow
				err := s.Scan(&r.name, &r.epoch, &r.wrapped)
				all = append(all, r)
				return err
			})
		if err != nil {
			return err
		}
		for _, r := range all {
			key, err := v.root.Unwrap(ctx, r.epoch, r.wrapped, parts(what, r.name, r.epoch))
			if err != nil {
				return fmt.Errorf("vault: root keys: %w", err)
			}
			wrapped, err := v.root.Wrap(ctx, epoch, key, parts(what, r.name, epoch))
			clear(key)
			if err != nil {
				return fmt.Errorf("vault: root keys: %w", err)
			}
			if _, err := tx.ExecContext(ctx, `UPDATE `+table+` SET epoch = $1, wrapped = $2 WHERE `+column+` = $3`,
				epoch, wrapped, r.name); err != nil {
				return fmt.Errorf("vault: writing: %w", err)
			}
		}
		return nil
	})
}

func (v *Vault) rewrapSecrets(ctx context.Context, epoch string) error {
	return v.rewrapKeys(ctx, `secrets`, `name`, "secret", epoch)
}

func (v *Vault) rewrapDays(ctx context.Context, epoch string) error {
	return v.rewrapKeys(ctx, `days`, `day`, "day", epoch)
}

// rewrapDirectory seals the directory's entries anew, a batch a transaction.
func (v *Vault) rewrapDirectory(ctx context.Context, epoch string) error {
	key, err := v.epochKey(epoch)
	if err != nil {
		return err
	}
	after, more := []byte{}, true
	for more {
		err := v.transact(ctx, func(tx *sql.Tx) error {
			var entries []any
			err := collect(ctx, tx, `SELECT hash FROM directory WHERE hash > $1 AND epoch <> $2 ORDER BY hash LIMIT $3`,
				[]any{after, epoch, batch}, func(s *sql.Rows) error {
					var hash []byte
					err := s.Scan(&hash)
					entries = append(entries, hash)
					return err
				})
			if err != nil {
				return err
			}
			if more = len(entries) > 0; !more {
				return nil
			}
			after = entries[len(entries)-1].([]byte)
			leads, err := v.leads(ctx, tx, entries)
			if err != nil {
				return err
			}
			for h, p := range leads {
				if _, err := tx.ExecContext(ctx, `UPDATE directory SET epoch = $1, sealed = $2 WHERE hash = $3`,
					epoch, sealUnder(key, entryBound(h, epoch), []byte(p)), h[:]); err != nil {
					return fmt.Errorf("vault: writing: %w", err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rewrapOwners wraps key states anew, a batch a transaction, each by compare-and-swap like a puncture.
func (v *Vault) rewrapOwners(ctx context.Context, epoch string) error {
	after, more := "", true
	for more {
		err := v.transact(ctx, func(tx *sql.Tx) error {
			var all []row
			err := collect(ctx, tx, ownerColumns+`WHERE stream > $1 AND epoch <> $2 ORDER BY stream LIMIT $3`,
				[]any{after, epoch, batch}, func(s *sql.Rows) error {
					var r row
					err := s.Scan(&r.stream, &r.version, &r.epoch, &r.wrapped)
					all = append(all, r)
					return err
				})
			if err != nil {
				return err
			}
			if more = len(all) > 0; !more {
				return nil
			}
			after = all[len(all)-1].stream
			for _, r := range all {
				o, err := v.unwrap(ctx, r)
				if err != nil {
					return err
				}
				wrapped, err := v.wrap(ctx, o, r.version+1, epoch)
				o.destroy()
				if err != nil {
					return err
				}
				if _, err := tx.ExecContext(ctx, `UPDATE owners SET version = $1, epoch = $2, wrapped = $3 WHERE stream = $4 AND version = $5`,
					r.version+1, epoch, wrapped, r.stream, r.version); err != nil {
					return fmt.Errorf("vault: writing: %w", err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

var errLeft = errors.New("vault: something is still wrapped under an old epoch; nothing has been destroyed")

// verify opens everything under the new epoch, before the old ones go.
func (v *Vault) verify(ctx context.Context, epoch string) error {
	for _, table := range []string{`secrets`, `days`, `directory`, `owners`} {
		var left int
		if err := v.read.QueryRowContext(ctx, `SELECT count(*) FROM `+table+` WHERE epoch <> $1`, epoch).Scan(&left); err != nil {
			return fmt.Errorf("vault: reading: %w", err)
		}
		if left != 0 {
			return errLeft
		}
	}
	open := func(table, column, what string) error {
		return collect(ctx, v.read, `SELECT `+column+`, wrapped FROM `+table, nil, func(s *sql.Rows) error {
			var name string
			var wrapped []byte
			if err := s.Scan(&name, &wrapped); err != nil {
				return err
			}
			key, err := v.root.Unwrap(ctx, epoch, wrapped, parts(what, name, epoch))
			clear(key)
			return err
		})
	}
	if err := errors.Join(open(`secrets`, `name`, "secret"), open(`days`, `day`, "day")); err != nil {
		return err
	}
	if err := v.pages(ctx, `SELECT hash FROM directory WHERE hash > $1 ORDER BY hash LIMIT $2`, []byte{}, func(keys []any) error {
		leads, err := v.leads(ctx, v.read, keys)
		if err == nil && len(leads) > len(keys) {
			return errCorrupt
		}
		return err
	}); err != nil {
		return err
	}
	return v.pages(ctx, `SELECT stream FROM owners WHERE stream > $1 ORDER BY stream LIMIT $2`, "", func(keys []any) error {
		stored, err := v.rows(ctx, v.read, keys)
		if err != nil {
			return err
		}
		for _, r := range stored {
			o, err := v.unwrap(ctx, r)
			if err != nil {
				return err
			}
			o.destroy()
		}
		return nil
	})
}

// pages reads a column of keys a batch at a time.
func (v *Vault) pages(ctx context.Context, query string, after any, do func(keys []any) error) error {
	for {
		var keys []any
		err := collect(ctx, v.read, query, []any{after, batch}, func(s *sql.Rows) error {
			var key any
			err := s.Scan(&key)
			keys = append(keys, key)
			return err
		})
		if err != nil || len(keys) == 0 {
			return err
		}
		if err := do(keys); err != nil {
			return err
		}
		after = keys[len(keys)-1]
	}
}

// destroyOld destroys every epoch but one: first in the root keys, then here.
func (v *Vault) destroyOld(ctx context.Context, epoch string) error {
	var old []string
	err := collect(ctx, v.read, `SELECT epoch FROM epochs WHERE epoch <> $1`, []any{epoch}, func(s *sql.Rows) error {
		var e string
		err := s.Scan(&e)
		old = append(old, e)
		return err
	})
	if err != nil {
		return err
	}
	// Alone: whoever has read a row of an old epoch has opened it by now, or reads it again.
	v.turning.Lock()
	defer v.turning.Unlock()
	for _, e := range old {
		if err := v.root.DestroyEpoch(ctx, e); err != nil && !errors.Is(err, contracts.ErrDestroyed) {
			return fmt.Errorf("vault: root keys: %w", err)
		}
		v.epochMu.Lock()
		delete(v.epochs, e)
		v.epochMu.Unlock()
		if err := v.exec(ctx, `DELETE FROM epochs WHERE epoch = $1`, e); err != nil {
			return err
		}
	}
	return nil
}
