package vault

import (
	"crypto/cipher"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/vault/puncture"
)

// owner is an opened key state. It implements contracts.Keys.
type owner struct {
	stream string
	tags   keyed
	names  []name // do not change once the owner is made

	mu    sync.Mutex
	state *puncture.State
	gone  bool
}

// name is an identifier of an owner, by its two keyed hashes: the one that leads here, and the one that stays when the
// owner is forgotten. Under different keys, so that an old copy's directory does not say whose tombstone one is.
type name struct{ entry, tomb [32]byte }

var _ contracts.Keys = (*owner)(nil)

const ownerVersion = 1

// encode writes an owner in the clear, to be wrapped.
func (o *owner) encode() ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.gone {
		return nil, contracts.ErrDestroyed
	}
	n := o.state.MarshalSize()
	b := make([]byte, 0, 1+32+4+n+4+64*len(o.names))
	b = append(b, ownerVersion)
	b = append(b, o.tags.key[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	b, err := o.state.AppendBinary(b)
	if err != nil {
		return nil, err
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(o.names)))
	for i := range o.names {
		b = append(b, o.names[i].entry[:]...)
		b = append(b, o.names[i].tomb[:]...)
	}
	return b, nil
}

// decodeOwner reads what encode wrote, and nothing else.
func decodeOwner(stream string, b []byte) (*owner, error) {
	o := &owner{stream: stream, state: new(puncture.State)}
	if len(b) < 1+32+4 || b[0] != ownerVersion {
		return nil, errCorrupt
	}
	copy(o.tags.key[:], b[1:])
	n := uint64(binary.BigEndian.Uint32(b[33:]))
	b = b[37:]
	if uint64(len(b)) < n+4 || o.state.UnmarshalBinary(b[:n]) != nil {
		return nil, errCorrupt
	}
	count := uint64(binary.BigEndian.Uint32(b[n:]))
	b = b[n+4:]
	if uint64(len(b)) != 64*count {
		return nil, errCorrupt
	}
	o.names = make([]name, count)
	for i := range o.names {
		copy(o.names[i].entry[:], b)
		copy(o.names[i].tomb[:], b[32:])
		b = b[64:]
	}
	return o, nil
}

// puncture destroys leaves in memory.
func (o *owner) puncture(ordinals []events.Ordinal) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.gone && o.state.Puncture(ordinals...)
}

// destroy ends the state for whoever still holds it.
func (o *owner) destroy() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gone = true
	o.state.Destroy()
}

// same says whether two states are of one admission.
func (o *owner) same(other *owner) bool {
	return o.stream == other.stream && o.tags.key == other.tags.key && slices.Equal(o.names, other.names)
}

func (o *owner) leaf(n events.Ordinal) (key [32]byte, err error) {
	if n == 0 {
		return key, errZero
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	key, alive := o.state.Leaf(n)
	if !alive {
		return key, contracts.ErrDestroyed
	}
	return key, nil
}

// Tag replaces a text by 22 characters that mean something only under this owner's tag key.
func (o *owner) Tag(scope, text string) string { return o.tags.tag(scope, text) }

// Alive says whether an ordinal's key still derives.
func (o *owner) Alive(n events.Ordinal) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return n != 0 && o.state.Alive(n)
}

// Seal seals a value under the leaf of an ordinal.
func (o *owner) Seal(n events.Ordinal, bound contracts.Bound, value []byte) ([]byte, error) {
	key, err := o.leaf(n)
	if err != nil {
		return nil, err
	}
	defer clear(key[:])
	return seal(&key, boundTo(o.stream, n, bound), value)
}

// Open opens what Seal made for the same owner, ordinal and bound.
func (o *owner) Open(n events.Ordinal, bound contracts.Bound, box []byte) ([]byte, error) {
	key, err := o.leaf(n)
	if err != nil {
		return nil, err
	}
	defer clear(key[:])
	return unseal(&key, boundTo(o.stream, n, bound), box)
}

// caseKey seals case words: derived of what goes with the owner, so that nothing has to be rewrapped.
func (o *owner) caseKey() (cipher.AEAD, error) {
	key := o.tags.mac([]byte("daicho/case words/1"))
	defer clear(key[:])
	return newAEAD(key[:])
}
