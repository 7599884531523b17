// Package vault is the store that can forget, on SQLite or PostgreSQL: owners' puncturable keys, the directory from outside
// identifiers to pseudonyms, case words, tombstones and the quarantine. See README.md for what lies on disk under
// which key.
package vault

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// Options are for tests and for machines far from the usual; the zero value is good.
type Options struct {
	// KeysFor is how long an opened key state stays in memory. Default 5 s; negative: not at all.
	KeysFor time.Duration
	// KeysMax bounds the opened key states in memory. Default 50,000.
	KeysMax int
	// FoundMax bounds the identifiers whose pseudonym is kept in memory. Default 100,000.
	FoundMax int
	// Lingers says that the database keeps what has been replaced (PostgreSQL: dead rows, its log): a destruction is then
	// final with the next Rotate only, and Epoch says so.
	Lingers bool
	// Turn says that other processes have the vault open too: it is the statement by which a transaction waits for its turn among
	// theirs (postgres.Server.Turn). Where an identifier leads is then not kept in memory; opened keys are, for KeysFor, or until
	// Hear says that they are no more; and Rotate refuses.
	Turn string
}

// Vault implements contracts.Vault. One process at a time may have a vault open, or several that take turns.
type Vault struct {
	write, read *sql.DB
	root        contracts.RootKeys
	final       bool   // what is replaced is overwritten at once
	turn        string // of a transaction, among other processes
	keys        *keyCache
	found       *foundCache
	level       atomic.Bool

	pepper, tomb, words keyed // the keys of directory, tombstones and Peppered

	// turning is held shared by whatever wraps something and stores it, so that nothing wrapped under an old epoch can
	// be stored after Rotate has looked for the last time.
	turning  sync.RWMutex
	rotating sync.Mutex // one Rotate at a time

	epochMu sync.RWMutex
	current string
	epochs  map[string]cipher.AEAD // the directory's keys
}

var _ contracts.Vault = (*Vault)(nil)

var errCorrupt = errors.New("vault: something stored does not open under its key")

// The types are those that SQLite and PostgreSQL both take.
const schema = `
CREATE TABLE IF NOT EXISTS epochs (epoch TEXT PRIMARY KEY, wrapped BYTEA NOT NULL);
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, epoch TEXT NOT NULL, wrapped BYTEA NOT NULL);
CREATE TABLE IF NOT EXISTS owners (stream TEXT PRIMARY KEY, version BIGINT NOT NULL, epoch TEXT NOT NULL, wrapped BYTEA NOT NULL);
CREATE TABLE IF NOT EXISTS directory (hash BYTEA PRIMARY KEY, epoch TEXT NOT NULL, sealed BYTEA NOT NULL);
CREATE TABLE IF NOT EXISTS tombstones (hash BYTEA PRIMARY KEY, at BIGINT NOT NULL, until BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS cases (stream TEXT NOT NULL, tag TEXT NOT NULL, sealed BYTEA NOT NULL, PRIMARY KEY (stream, tag));
CREATE TABLE IF NOT EXISTS days (day TEXT PRIMARY KEY, epoch TEXT NOT NULL, wrapped BYTEA NOT NULL);
CREATE TABLE IF NOT EXISTS quarantine (id TEXT PRIMARY KEY, at BIGINT NOT NULL, day TEXT NOT NULL, subject BYTEA NOT NULL, head BYTEA NOT NULL, body BYTEA NOT NULL);
CREATE INDEX IF NOT EXISTS quarantine_at ON quarantine (at);
CREATE INDEX IF NOT EXISTS quarantine_subject ON quarantine (subject);
CREATE TABLE IF NOT EXISTS position (one BIGINT PRIMARY KEY, at BIGINT NOT NULL);
INSERT INTO position (one, at) VALUES (1, 0) ON CONFLICT (one) DO NOTHING;
`

// Open opens the vault in a folder, on SQLite, and makes it where there is none. A vault all of whose epochs have been
// destroyed does not open: contracts.ErrDestroyed.
func Open(ctx context.Context, dir string, root contracts.RootKeys, opts Options) (*Vault, error) {
	db, err := SQLite(dir)
	if err != nil {
		return nil, err
	}
	return New(ctx, db, root, opts)
}

// New opens the vault in a database, whose handles it closes: with Close, or when it fails. The SQL is the same for SQLite
// and PostgreSQL; on PostgreSQL set Options.Lingers. Write should have one connection.
func New(ctx context.Context, db contracts.Database, root contracts.RootKeys, opts Options) (*Vault, error) {
	if opts.KeysFor == 0 {
		opts.KeysFor = 5 * time.Second
	}
	if opts.KeysMax <= 0 {
		opts.KeysMax = 50_000
	}
	switch {
	case opts.Turn != "":
		opts.FoundMax = 0
	case opts.FoundMax <= 0:
		opts.FoundMax = 100_000
	}
	v := &Vault{
		write: db.Write, read: db.Read, root: root, final: !opts.Lingers, turn: opts.Turn,
		keys:   newKeyCache(opts.KeysFor, opts.KeysMax),
		found:  newFoundCache(opts.FoundMax),
		epochs: map[string]cipher.AEAD{},
	}
	tables := schema
	if opts.Turn != "" { // several statements in one message are one transaction
		tables = opts.Turn + ";" + schema
	}
	if err := db.Make(ctx, tables); err != nil {
		_ = v.Close()
		return nil, fmt.Errorf("vault: making tables: %w", err)
	}
	if err := v.start(ctx); err != nil {
		_ = v.Close()
		return nil, err
	}
	return v, nil
}

// start reads the vault's own keys, or makes them.
func (v *Vault) start(ctx context.Context) error {
	// The secrets come first: a copy whose epoch has been destroyed fails here, before anything is added to it.
	for _, s := range []struct {
		name string
		key  *[32]byte
	}{{"pepper", &v.pepper.key}, {"tombstones", &v.tomb.key}, {"words", &v.words.key}} {
		if err := v.secret(ctx, s.name, s.key); err != nil {
			return err
		}
	}
	epoch, err := v.root.Current(ctx)
	if err != nil {
		return fmt.Errorf("vault: root keys: %w", err)
	}
	if err := v.loadEpochs(ctx); err != nil {
		return err
	}
	return v.enter(ctx, epoch)
}

// secret reads one of the vault's own keys, or makes it.
func (v *Vault) secret(ctx context.Context, name string, key *[32]byte) error {
	var epoch string
	var wrapped []byte
	err := v.write.QueryRowContext(ctx, `SELECT epoch, wrapped FROM secrets WHERE name = $1`, name).Scan(&epoch, &wrapped)
	if err == nil {
		b, err := v.root.Unwrap(ctx, epoch, wrapped, parts("secret", name, epoch))
		if err != nil {
			return fmt.Errorf("vault: its own keys: %w", err)
		}
		defer clear(b)
		if copy(key[:], b) != len(key) {
			return errCorrupt
		}
		return nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("vault: reading: %w", err)
	}
	if _, err := rand.Read(key[:]); err != nil {
		return err
	}
	if epoch, err = v.root.Current(ctx); err != nil {
		return fmt.Errorf("vault: root keys: %w", err)
	}
	if wrapped, err = v.root.Wrap(ctx, epoch, key[:], parts("secret", name, epoch)); err != nil {
		return fmt.Errorf("vault: root keys: %w", err)
	}
	// Where two processes begin at once, what the first has made is everybody's.
	if err := v.exec(ctx, `INSERT INTO secrets (name, epoch, wrapped) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING`, name, epoch, wrapped); err != nil {
		return err
	}
	return v.secret(ctx, name, key)
}

// exec runs a statement by itself.
func (v *Vault) exec(ctx context.Context, query string, args ...any) error {
	if _, err := v.write.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("vault: writing: %w", err)
	}
	return nil
}

// transact runs a transaction that holds the write lock from its start.
func (v *Vault) transact(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := v.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("vault: writing: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if v.turn != "" {
		if _, err := tx.ExecContext(ctx, v.turn); err != nil {
			return fmt.Errorf("vault: writing: %w", err)
		}
	}
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("vault: writing: %w", err)
	}
	return nil
}

// Level opens the vault for reading.
func (v *Vault) Level() { v.level.Store(true) }

// Hear says that an owner's keys have been destroyed, or some of them, by another process: nothing of theirs stays in memory here.
func (v *Vault) Hear(owner events.Stream) { v.keys.drop(owner.String()) }

// Close closes the files and destroys what is opened in memory.
func (v *Vault) Close() error {
	v.keys.close()
	v.found.clear()
	return errors.Join(v.write.Close(), v.read.Close())
}
