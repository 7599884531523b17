package vault

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/daicho-dev/daicho/contracts"
)

// Epoch names the root key's current epoch. Final is true where what is replaced is overwritten in the file before the call
// returns: on SQLite. (A disk's own leavings are another matter, see README.md.)
func (v *Vault) Epoch(context.Context) (epoch string, final bool, err error) {
	return v.epoch(), v.final, nil
}

func (v *Vault) epoch() string {
	v.epochMu.RLock()
	defer v.epochMu.RUnlock()
	return v.current
}

// epochKey is the key that the directory's entries of an epoch are sealed under, so that finding a thousand people does not
// ask the root key a thousand times.
func (v *Vault) epochKey(epoch string) (cipher.AEAD, error) {
	v.epochMu.RLock()
	defer v.epochMu.RUnlock()
	aead := v.epochs[epoch]
	if aead == nil {
		return nil, contracts.ErrDestroyed
	}
	return aead, nil
}

func (v *Vault) loadEpochs(ctx context.Context) error {
	rows, err := v.write.QueryContext(ctx, `SELECT epoch, wrapped FROM epochs`)
	if err != nil {
		return fmt.Errorf("vault: reading: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var epoch string
		var wrapped []byte
		if err := rows.Scan(&epoch, &wrapped); err != nil {
			return fmt.Errorf("vault: reading: %w", err)
		}
		aead, err := v.unwrapKey(ctx, epoch, wrapped, parts("epoch", epoch))
		if errors.Is(err, contracts.ErrDestroyed) {
			continue // a crash between the destruction of an epoch and the deletion of its row: nothing uses it
		}
		if err != nil {
			return err
		}
		v.epochMu.Lock()
		v.epochs[epoch] = aead
		v.epochMu.Unlock()
	}
	return rows.Err()
}

// enter makes an epoch the one that is wrapped under from now on.
func (v *Vault) enter(ctx context.Context, epoch string) error {
	if _, err := v.epochKey(epoch); err != nil {
		aead, wrapped, err := v.newKey(ctx, epoch, parts("epoch", epoch))
		if err != nil {
			return err
		}
		result, err := v.write.ExecContext(ctx, `INSERT INTO epochs (epoch, wrapped) VALUES ($1, $2) ON CONFLICT (epoch) DO NOTHING`, epoch, wrapped)
		if err != nil {
			return fmt.Errorf("vault: writing: %w", err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 { // another process was first
			if err := errors.Join(err, v.loadEpochs(ctx)); err != nil {
				return err
			}
			if _, err := v.epochKey(epoch); err != nil {
				return err
			}
		} else {
			v.epochMu.Lock()
			v.epochs[epoch] = aead
			v.epochMu.Unlock()
		}
	}
	v.epochMu.Lock()
	v.current = epoch
	v.epochMu.Unlock()
	return nil
}

// newKey makes a random key, and wraps it.
func (v *Vault) newKey(ctx context.Context, epoch string, bound []byte) (cipher.AEAD, []byte, error) {
	var key [32]byte
	defer clear(key[:])
	if _, err := rand.Read(key[:]); err != nil {
		return nil, nil, err
	}
	wrapped, err := v.root.Wrap(ctx, epoch, key[:], bound)
	if err != nil {
		return nil, nil, fmt.Errorf("vault: root keys: %w", err)
	}
	aead, err := newAEAD(key[:])
	return aead, wrapped, err
}

func (v *Vault) unwrapKey(ctx context.Context, epoch string, wrapped, bound []byte) (cipher.AEAD, error) {
	key, err := v.root.Unwrap(ctx, epoch, wrapped, bound)
	if err != nil {
		return nil, fmt.Errorf("vault: root keys: %w", err)
	}
	defer clear(key)
	return newAEAD(key)
}
