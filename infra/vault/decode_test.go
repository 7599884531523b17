package vault

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/daicho-dev/daicho/infra/vault/puncture"
)

func FuzzOwner(f *testing.F) {
	state, err := puncture.New(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	o := &owner{stream: "person-a", state: state, names: make([]name, 2)}
	for range 2 {
		b, err := o.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		state.Puncture(1, 9)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := decodeOwner("person-a", b)
		if err != nil {
			return
		}
		again, err := o.encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatal("two forms of one owner")
		}
	})
}

func FuzzBox(f *testing.F) {
	var key [32]byte
	bound := []byte("bound")
	for _, size := range []int{0, 28, 29, 1000} {
		box, err := seal(&key, bound, make([]byte, size))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(box)
	}
	f.Fuzz(func(t *testing.T, box []byte) {
		if value, err := unseal(&key, bound, box); err == nil && bucket(len(value))+1+nonceSize+tagSize != len(box) {
			t.Fatal("a value came out of a box of another size")
		}
	})
}

func FuzzParts(f *testing.F) {
	f.Add(parts("a", "", "bc"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var x, y, z string
		if splitParts(b, &x, &y, &z) && !bytes.Equal(parts(x, y, z), b) {
			t.Fatal("two forms of one list")
		}
	})
}

func TestBuckets(t *testing.T) {
	for _, c := range [][2]int{{0, 32}, {28, 32}, {29, 64}, {60, 64}, {61, 128}, {maxBucket/2 - 4, maxBucket / 2}, {maxBucket - 4, maxBucket}} {
		if got := bucket(c[0]); got != c[1] {
			t.Errorf("%d bytes are padded to %d", c[0], got)
		}
	}
	if _, err := seal(new([32]byte), nil, make([]byte, maxBucket-3)); err == nil {
		t.Error("a value beyond the largest bucket was sealed")
	}
}

// Padding that has been tampered with by somebody who has the key is not a value.
func TestLengthMustFitItsBucket(t *testing.T) {
	var key [32]byte
	aead, err := newAEAD(key[:])
	if err != nil {
		t.Fatal(err)
	}
	for _, padded := range [][]byte{
		append([]byte{0, 0, 0, 29}, make([]byte, 28)...), append([]byte{0, 0, 0, 28}, make([]byte, 60)...),
		append([]byte{255, 255, 255, 255}, make([]byte, 28)...), make([]byte, 33),
	} {
		nonce := make([]byte, nonceSize)
		box := aead.Seal(append([]byte{boxVersion}, nonce...), nonce, padded, nil)
		if _, err := unseal(&key, nil, box); err == nil {
			t.Error("a length that does not fit was taken")
		}
	}
}
