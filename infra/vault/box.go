package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash"
	"math/bits"
	"sync"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// A box is one byte of version, a random nonce, and the ciphertext. What is sealed is padded, so that its size says little.
const (
	boxVersion = 1
	nonceSize  = 12
	tagSize    = 16
	minBucket  = 32
	maxBucket  = 128 << 10
)

var (
	errBox   = errors.New("vault: a sealed value does not open: damaged, or moved from where it was sealed")
	errLarge = errors.New("vault: a value is too large to be sealed")
	errZero  = errors.New("vault: ordinals count from 1")
)

// part appends a part with its length before it, so that no two lists of parts make the same bytes.
func part[T ~string | ~[]byte](b []byte, s T) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

func parts(all ...string) []byte {
	b := make([]byte, 0, 128)
	for _, s := range all {
		b = part(b, s)
	}
	return b
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// bucket is the padded size of a value.
func bucket(n int) int {
	n += 4
	if n <= minBucket {
		return minBucket
	}
	return 1 << bits.Len(uint(n-1))
}

// seal pads a value and seals it.
func seal(key *[32]byte, bound, value []byte) ([]byte, error) {
	if len(value) > maxBucket-4 {
		return nil, errLarge
	}
	aead, err := newAEAD(key[:])
	if err != nil {
		return nil, err
	}
	size := bucket(len(value))
	box := make([]byte, 1+nonceSize+size+tagSize)
	box[0] = boxVersion
	nonce, padded := box[1:1+nonceSize], box[1+nonceSize:1+nonceSize+size]
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint32(padded, uint32(len(value)))
	copy(padded[4:], value)
	aead.Seal(padded[:0], nonce, padded, bound)
	return box, nil
}

// unseal opens what seal made, and nothing else.
func unseal(key *[32]byte, bound, box []byte) ([]byte, error) {
	if len(box) < 1+nonceSize+minBucket+tagSize || len(box) > 1+nonceSize+maxBucket+tagSize || box[0] != boxVersion {
		return nil, errBox
	}
	aead, err := newAEAD(key[:])
	if err != nil {
		return nil, err
	}
	padded, err := aead.Open(nil, box[1:1+nonceSize], box[1+nonceSize:], bound)
	if err != nil {
		return nil, errBox
	}
	n := binary.BigEndian.Uint32(padded)
	if n > maxBucket || bucket(int(n)) != len(padded) {
		return nil, errBox
	}
	return padded[4 : 4+n : 4+n], nil
}

// boundTo is the associated data of a value.
func boundTo(owner string, n events.Ordinal, bound contracts.Bound) []byte {
	b := make([]byte, 0, 21+len(owner)+len(bound.Category)+len(bound.Type))
	b = append(b, boxVersion)
	b = part(b, owner)
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	b = part(b, bound.Category)
	return part(b, bound.Type)
}

// sealUnder seals under a key that seals many things.
func sealUnder(aead cipher.AEAD, bound, value []byte) []byte {
	b := make([]byte, nonceSize, nonceSize+len(value)+tagSize)
	_, _ = rand.Read(b) // never fails: the runtime ends the process where randomness does
	return aead.Seal(b, b, value, bound)
}

func unsealUnder(aead cipher.AEAD, bound, box []byte) ([]byte, error) {
	if len(box) < nonceSize {
		return nil, errCorrupt
	}
	b, err := aead.Open(nil, box[:nonceSize], box[nonceSize:], bound)
	if err != nil {
		return nil, errCorrupt
	}
	return b, nil
}

// keyed hashes texts under one key. To begin with a key costs more than a short text does, so that what has begun is used again.
type keyed struct {
	key [32]byte

	mu    sync.Mutex
	begun hash.Hash
	sum   [32]byte
}

func (k *keyed) mac(text []byte) [32]byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.begun == nil {
		k.begun = hmac.New(sha256.New, k.key[:])
	}
	k.begun.Reset()
	k.begun.Write(text)
	k.begun.Sum(k.sum[:0])
	return k.sum
}

// tag is 128 bits of a keyed hash, in 22 characters.
func (k *keyed) tag(scope, text string) string {
	sum := k.mac(append(part(make([]byte, 0, 128), scope), text...))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
