package contracts

import (
	"context"
	"errors"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// Vault is the only store that can forget. Per owner (a person, or a stream of the desks that holds free text) it keeps one
// puncturable key; per outside identifier an entry that leads to the pseudonym. What it destroys, nothing brings back:
// log, read models and backups of them are then noise about nobody. Every implementation passes contracts/vaulttest.
//
// Durability: when a method that changes something returns, the change is on disk, and what it replaced is overwritten there.
//
// Concurrency: every method may be called from many goroutines. Changes to one owner's key are compare-and-swap.
//
// Errors never hold an identifier, a pseudonym or a value.
type Vault interface {
	// Find answers for each outside identifier where it leads. Unknown ones have an empty Person.
	Find(ctx context.Context, ids []events.Identifier) ([]Found, error)

	// Newcomer makes a key for a new owner, in memory only: nothing is stored, and nobody exists, until Admit.
	// For a person the stream is a fresh pseudonym; identifiers are what will lead to it.
	Newcomer(stream events.Stream, ids ...events.Identifier) (Newcomer, error)
	NewPseudonym() events.Pseudonym

	// Admit stores newcomers, all or none, and answers the stream that each one's identifiers lead to now: the
	// newcomer's own, or that of somebody who was admitted first under the same identifier (then this one is dropped).
	// The same newcomers may be admitted again by a caller that did not learn the outcome. ErrAdmitted, and nothing is
	// stored, if a newcomer's stream has another key already: what was sealed under this one would never open.
	Admit(ctx context.Context, all []Newcomer) ([]events.Stream, error)

	// AddCases remembers the clear words behind case tags, so that holds can be listed by case while the person is known.
	// ErrDestroyed, and nothing is stored, if an owner has no key.
	AddCases(ctx context.Context, words map[CaseRef]string) error
	// Cases answers the clear word of each case tag of the given owners that is known: owner, tag → word.
	Cases(ctx context.Context, owners []events.Stream) (map[CaseRef]string, error)

	// Keys opens owners' keys. The answer has one entry an owner, in order; nil for an owner that has no key (any more).
	// A Keys value is good for seconds, not for keeping.
	Keys(ctx context.Context, owners []events.Stream) ([]Keys, error)

	// Puncture destroys the keys of ordinals of owners, all or none: afterwards they never derive again, all others do. Doing
	// it again changes nothing. An owner without a key is not an error: everything of theirs is destroyed already. After an
	// error it is not known whether it was done: do it again (so with Forget).
	Puncture(ctx context.Context, keys map[events.Stream][]events.Ordinal) error

	// Forget destroys an owner's key, every identifier and case word that leads to them, and what the quarantine holds of
	// them, and leaves a tombstone for each identifier (kept for `keep`) that says only when. Doing it again changes nothing.
	Forget(ctx context.Context, owner events.Stream, at time.Time, keep time.Duration) error

	// Peppered is the tag of a text under the vault's own pepper: for events about nobody. Scope separates uses.
	Peppered(scope, text string) string

	// Position is how far deletions of the log have been carried out here. After opening, the caller replays the deletions
	// that the log has after it, by Puncture and Forget, then Advance, then Level. Reads are refused until then.
	Position(ctx context.Context) (events.Position, error)
	// Advance records that every deletion up to and including a position has been carried out. It never moves back.
	Advance(ctx context.Context, to events.Position) error
	// Level opens the vault for reading: the caller has replayed all deletions up to the head. Until then Find, Keys,
	// Cases, Quarantined and OpenQuarantined answer ErrNotLevel.
	Level()

	// Epoch names the root key's current epoch, and whether a destruction is final on this store at once (true where
	// what is overwritten is gone from disk) or only with the next epoch.
	Epoch(ctx context.Context) (epoch string, final bool, err error)

	// Quarantine keeps refused submissions, sealed under a key of the day, until the day's key is destroyed.
	Quarantine(ctx context.Context, items []Quarantined) error
	// Quarantined lists what is kept, newest first, at most limit; opened only when values is true.
	Quarantined(ctx context.Context, limit int, values bool) ([]Quarantined, error)
	// OpenQuarantined opens those of the given ids that are kept, oldest first; of others nothing is answered.
	OpenQuarantined(ctx context.Context, ids []string) ([]Quarantined, error)
	// Release removes submissions from the quarantine: they are recorded, or must not be kept. Doing it again changes nothing.
	Release(ctx context.Context, ids []string) error
	// Sweep destroys the keys of days (UTC) that were over before now - quarantineKeep, with what they sealed, and
	// tombstones that are past their time.
	Sweep(ctx context.Context, now time.Time, quarantineKeep time.Duration) error

	Close() error
}

// Found is where an identifier leads: to a person, or (Person empty) to nobody; Gone is when somebody was forgotten
// under it, as long as the tombstone is kept, and zero otherwise.
type Found struct {
	Person events.Pseudonym
	Gone   time.Time
}

// CaseRef names a case tag of one owner.
type CaseRef struct {
	Owner events.Stream
	Tag   string
}

// Newcomer is an owner that may come to exist.
type Newcomer interface {
	Stream() events.Stream
	Keys() Keys
}

// Keys seals and opens what belongs to one owner.
type Keys interface {
	// Tag replaces a text of the emitter's: HMAC-SHA-256 under the owner's tag key, of scope and text, 22 characters of
	// base64url (128 bits).
	Tag(scope, text string) string
	// Seal seals a value under the leaf of an ordinal. Never twice under one ordinal with different values, unless the
	// first was never stored. Bound is what opening must present again.
	Seal(n events.Ordinal, bound Bound, clear []byte) ([]byte, error)
	// Open opens it. ErrDestroyed if the leaf has been punctured.
	Open(n events.Ordinal, bound Bound, box []byte) ([]byte, error)
	// Alive says whether an ordinal's key still derives.
	Alive(n events.Ordinal) bool
}

// Bound is the associated data of a sealed value, with the owner and the ordinal: a box moved elsewhere does not open.
type Bound struct{ Type, Category string }

// Quarantined is a refused submission, kept so that an emitter's mistake can be mended and sent again.
type Quarantined struct {
	ID      string // random
	At      time.Time
	Source  string
	Type    string
	Rule    string
	Field   string
	Subject events.Identifier // of the submission; only its keyed hash is stored, so that Forget finds it; empty in a list
	Body    []byte            // the submission as it came; nil in a list without values
}

var (
	// ErrDestroyed: the key of this value has been destroyed; nothing opens it.
	ErrDestroyed = errors.New("vault: the key of this value has been destroyed")
	// ErrNotLevel: deletions that the log has are not yet carried out here.
	ErrNotLevel = errors.New("vault: not level with the log's deletions yet; reads are refused until it is")
	// ErrAdmitted: the stream of a newcomer has a key already, and it is not the newcomer's.
	ErrAdmitted = errors.New("vault: an owner of this name has a key already")
	// ErrMissingKeys: a living owner has no key: an unplanned loss.
	ErrMissingKeys = errors.New("vault: key states of living people are missing; this is a loss of data (start with --accept-lost-keys only if you know why)")
)

// RootKeys is what a key management service does for the vault: it wraps and unwraps small secrets under the epochs of a
// root key that never leaves it, and can destroy an epoch for good.
type RootKeys interface {
	// Current names the epoch under which Wrap wraps.
	Current(ctx context.Context) (epoch string, err error)
	Wrap(ctx context.Context, epoch string, clear, bound []byte) ([]byte, error)
	// Unwrap answers ErrDestroyed for an epoch that has been destroyed.
	Unwrap(ctx context.Context, epoch string, wrapped, bound []byte) ([]byte, error)
	// NewEpoch makes a new epoch current. The old one still unwraps until DestroyEpoch.
	NewEpoch(ctx context.Context) (epoch string, err error)
	DestroyEpoch(ctx context.Context, epoch string) error
}
