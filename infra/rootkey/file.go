// Package rootkey holds the root keys of a vault where no key management service does.
//
// File is for one machine: whoever reads the file and the vault reads everything. Keep it on another volume than the
// vault, and out of the vault's backups: a backup of both together outlives every deletion.
//
// Keys are wrapped by AES-256-GCM with random nonces: begin a new epoch before 2^32 wrappings under one, that is four
// thousand million admissions and punctures.
package rootkey

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"github.com/daicho-dev/daicho/contracts"
)

// A line is `<epoch, 8 digits> <key, 64 hex digits>\n`: of one length, so that a key can be overwritten where it stands.
const (
	keySize  = 32
	keyAt    = 9
	lineSize = keyAt + 2*keySize + 1
)

var (
	errForm = errors.New("rootkey: the file of root keys is damaged, or is another file: put back your copy of it, or correct the " +
		"configured path; do not delete it, without it the vault opens nothing")
	errEpoch = errors.New("rootkey: the file of root keys does not have this epoch: it belongs to another vault, or is older than " +
		"the vault; put back the file that was last used with it")
	errWrap = errors.New("rootkey: something does not open under its epoch: it is damaged, or the file of root keys belongs to " +
		"another vault; check the configured path, and put back the file that was last used with this vault")
	errMode = errors.New("rootkey: the file of root keys must be a regular file that only its owner may read (or, where it is root's and is " +
		"handed to another user, that user's group, who may not write it): find out who else could, then chmod 600")
	errCurrent = errors.New("rootkey: the current epoch cannot be destroyed: make a new one first")
	destroyed  = bytes.Repeat([]byte("-"), 2*keySize)
)

// file is the keys of a file; an epoch's AEAD is nil once it has been destroyed.
type file struct {
	path string

	mu     sync.RWMutex
	epochs []cipher.AEAD // epoch n is at n-1
}

// File opens the root keys in a file, and makes the file, with a first epoch, where there is none. The file must be
// readable by its owner alone, or be handed over by root: read-only, and then there is no new epoch. One process at a time may change it.
func File(path string) (contracts.RootKeys, error) {
	f := &file{path: path}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if err := f.create(); err != nil {
			return nil, err
		}
		return f, nil
	case err != nil:
		return nil, fmt.Errorf("rootkey: %w", err)
	case !private(info, os.Geteuid()):
		return nil, errMode
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("rootkey: %w", err)
	}
	defer clear(text)
	if err := f.parse(text); err != nil {
		return nil, err
	}
	return f, nil
}

// private says that nobody but this process' user may read a file. systemd (LoadCredential) and Kubernetes (a Secret in a pod with an
// fsGroup) hand a secret over as root's file with mode 0440: what stands in the group's place is an ACL's mask, or a group of the pod's own.
func private(info os.FileInfo, user int) bool {
	mode := info.Mode()
	if !mode.IsRegular() || mode.Perm()&0o077 == 0 {
		return mode.IsRegular()
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && s.Uid == 0 && user != 0 && mode.Perm()&0o337 == 0
}

// create makes the file whole under another name first, so that a crash leaves either no file or a good one.
func (f *file) create() error {
	temporary := f.path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("rootkey: %w", err)
	}
	line, aead, err := newLine(1)
	if err != nil {
		return err
	}
	defer clear(line)
	if err := writeAt(temporary, os.O_CREATE|os.O_EXCL, line, 0); err != nil {
		return err
	}
	// A link, unlike a rename, never replaces keys that somebody else has just made.
	err = os.Link(temporary, f.path)
	if e := os.Remove(temporary); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("rootkey: %w", err)
	}
	f.epochs = []cipher.AEAD{aead}
	return syncDir(filepath.Dir(f.path))
}

func (f *file) parse(text []byte) error {
	// A crash while an epoch was being added leaves part of a line, or zeros in place of it. Nothing has been wrapped
	// under it; the next epoch is written over it.
	text = bytes.TrimRight(text, "\x00")
	for n := 1; len(text) >= lineSize; n++ {
		line := text[:lineSize]
		text = text[lineSize:]
		if string(line[:keyAt]) != fmt.Sprintf("%08d ", n) || line[lineSize-1] != '\n' {
			return errForm
		}
		digits := line[keyAt : lineSize-1]
		// A destruction that a crash cut short counts as done: a key with a hole is no key.
		if bytes.IndexByte(digits, '-') >= 0 {
			f.epochs = append(f.epochs, nil)
			continue
		}
		var key [keySize]byte
		if _, err := hex.Decode(key[:], digits); err != nil {
			return errForm
		}
		aead, err := newAEAD(key[:])
		clear(key[:])
		if err != nil {
			return err
		}
		f.epochs = append(f.epochs, aead)
	}
	if len(f.epochs) == 0 || f.epochs[len(f.epochs)-1] == nil {
		return errForm
	}
	return nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func newLine(n int) ([]byte, cipher.AEAD, error) {
	var key [keySize]byte
	defer clear(key[:])
	if _, err := rand.Read(key[:]); err != nil {
		return nil, nil, err
	}
	aead, err := newAEAD(key[:])
	line := make([]byte, 0, lineSize)
	line = fmt.Appendf(line, "%08d ", n)
	line = hex.AppendEncode(line, key[:])
	return append(line, '\n'), aead, err
}

// writeAt writes and flushes.
func writeAt(path string, flags int, b []byte, at int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY|flags, 0o600)
	if err != nil {
		return fmt.Errorf("rootkey: %w", err)
	}
	_, err = f.WriteAt(b, at)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("rootkey: %w", err)
	}
	return nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("rootkey: %w", err)
	}
	err = d.Sync()
	if e := d.Close(); err == nil {
		err = e
	}
	return err
}

// aead answers the key of an epoch.
func (f *file) aead(epoch string) (cipher.AEAD, int, error) {
	n, err := strconv.Atoi(epoch)
	if err != nil || n < 1 || n > len(f.epochs) || strconv.Itoa(n) != epoch {
		return nil, 0, errEpoch
	}
	if f.epochs[n-1] == nil {
		return nil, n, contracts.ErrDestroyed
	}
	return f.epochs[n-1], n, nil
}

// associated binds to the epoch's name too.
func associated(epoch string, bound []byte) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(epoch)+len(bound)), uint32(len(epoch)))
	b = append(b, epoch...)
	return append(b, bound...)
}

// Current names the newest epoch.
func (f *file) Current(context.Context) (string, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return strconv.Itoa(len(f.epochs)), nil
}

// Wrap seals a small secret under an epoch.
func (f *file) Wrap(_ context.Context, epoch string, clear, bound []byte) ([]byte, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	aead, _, err := f.aead(epoch)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, clear, associated(epoch, bound)), nil
}

// Unwrap opens what Wrap made.
func (f *file) Unwrap(_ context.Context, epoch string, wrapped, bound []byte) ([]byte, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	aead, _, err := f.aead(epoch)
	if err != nil {
		return nil, err
	}
	b, err := aead.Open(nil, nil, wrapped, associated(epoch, bound))
	if err != nil {
		return nil, errWrap
	}
	return b, nil
}

// NewEpoch adds an epoch at the end of the file.
func (f *file) NewEpoch(context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.epochs) + 1
	line, aead, err := newLine(n)
	if err != nil {
		return "", err
	}
	defer clear(line)
	if err := writeAt(f.path, 0, line, int64(len(f.epochs))*lineSize); err != nil {
		return "", err
	}
	f.epochs = append(f.epochs, aead)
	return strconv.Itoa(n), nil
}

// DestroyEpoch overwrites an epoch's key where it stands, and flushes. The current epoch is not destroyed. Doing it again
// changes nothing.
//
// On a disk that writes elsewhere than it is told (flash, copy-on-write file systems, snapshots) the old key may linger;
// where that matters, use a key management service.
func (f *file) DestroyEpoch(_ context.Context, epoch string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, n, err := f.aead(epoch)
	switch {
	case errors.Is(err, contracts.ErrDestroyed):
		return nil
	case err != nil:
		return err
	case n == len(f.epochs):
		return errCurrent
	}
	if err := writeAt(f.path, 0, destroyed, int64(n-1)*lineSize+keyAt); err != nil {
		return err
	}
	f.epochs[n-1] = nil
	return nil
}
