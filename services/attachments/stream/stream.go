// Package stream seals what is too large to be held in memory, a chunk at a time, so that it can be opened a chunk at a time and
// nothing that was opened could be another's, or stand elsewhere, or lack its end.
//
// It is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption and its Nonce-Reuse
// Misuse-Resistance", CRYPTO 2015) over AES-256-GCM: the nonce of a chunk is a prefix, the chunk's number and whether it is the
// last. A key seals one stream and no other.
//
//	stream  = version (1 byte, 1) ‖ prefix (7 random bytes) ‖ chunk…
//	chunk   = AES-256-GCM(key, prefix ‖ number (4 bytes, from 0) ‖ last (1 byte), clear; associated data: version ‖ prefix)
//	clear   = 65,536 bytes; of the last chunk 1 to 65,536, or none if it is the only one
package stream

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"math"
)

// KeySize is the size of a key, in bytes.
const KeySize = 32

const (
	version    = 1
	prefixSize = 7
	headerSize = 1 + prefixSize
	chunkSize  = 64 << 10
	tagSize    = 16
)

var (
	// ErrDamaged: a chunk does not open: it was changed, moved, or is another's; or what follows the last one is not nothing; or the
	// last one is missing.
	ErrDamaged = errors.New("stream: a sealed stream is damaged, cut, or put together from others")
	errKey     = errors.New("stream: a key is 32 bytes")
	errLong    = errors.New("stream: longer than 2^32 chunks")
	errClosed  = errors.New("stream: written to after its end")
)

// sealing is what both directions share.
type sealing struct {
	aead   cipher.AEAD
	header [headerSize]byte
	number uint64
}

func newSealing(key []byte) (sealing, error) {
	if len(key) != KeySize {
		return sealing{}, errKey
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealing{}, err
	}
	aead, err := cipher.NewGCM(block)
	return sealing{aead: aead}, err
}

// nonce is that of the next chunk, which it counts.
func (s *sealing) nonce(last bool) ([]byte, error) {
	if s.number > math.MaxUint32 {
		return nil, errLong
	}
	n := make([]byte, 0, 12)
	n = append(n, s.header[1:]...)
	n = binary.BigEndian.AppendUint32(n, uint32(s.number))
	s.number++
	if last {
		return append(n, 1), nil
	}
	return append(n, 0), nil
}

// Writer seals what is written to it.
type Writer struct {
	sealing
	to  io.Writer
	buf []byte // what is not sealed yet: whether a chunk is the last shows only when more comes, or Close
	err error
}

// NewWriter begins a stream under a key that no other stream has.
func NewWriter(to io.Writer, key []byte) (*Writer, error) {
	s, err := newSealing(key)
	if err != nil {
		return nil, err
	}
	s.header[0] = version
	if _, err := rand.Read(s.header[1:]); err != nil {
		return nil, err
	}
	if _, err := to.Write(s.header[:]); err != nil {
		return nil, err
	}
	return &Writer{sealing: s, to: to, buf: make([]byte, 0, chunkSize+tagSize)}, nil
}

// Write seals every chunk that is full and not the last.
func (w *Writer) Write(b []byte) (int, error) {
	written := 0
	for len(b) > 0 && w.err == nil {
		if len(w.buf) == chunkSize {
			w.seal(false)
			continue
		}
		n := min(len(b), chunkSize-len(w.buf))
		w.buf, b = append(w.buf, b[:n]...), b[n:]
		written += n
	}
	return written, w.err
}

// Close seals the last chunk. It does not close what the stream is written to.
func (w *Writer) Close() error {
	if w.err == nil {
		w.seal(true)
	}
	if w.err == nil {
		w.err = errClosed
		return nil
	}
	return w.err
}

func (w *Writer) seal(last bool) {
	nonce, err := w.nonce(last)
	if err == nil {
		_, err = w.to.Write(w.aead.Seal(w.buf[:0], nonce, w.buf, w.header[:]))
	}
	w.buf, w.err = w.buf[:0], err
}

// Reader opens a stream. Each byte that it gives has been authenticated, with its place; io.EOF says that the end has been too.
type Reader struct {
	sealing
	from *bufio.Reader
	buf  []byte
	left []byte // opened and not given yet
	err  error
}

// NewReader begins to open a stream.
func NewReader(from io.Reader, key []byte) (*Reader, error) {
	s, err := newSealing(key)
	if err != nil {
		return nil, err
	}
	r := &Reader{sealing: s, from: bufio.NewReaderSize(from, chunkSize+tagSize), buf: make([]byte, chunkSize+tagSize)}
	if _, err := io.ReadFull(r.from, r.header[:]); err != nil {
		return nil, damaged(err)
	}
	if r.header[0] != version {
		return nil, ErrDamaged
	}
	return r, nil
}

// damaged tells a stream that is too short from one that could not be read.
func damaged(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrDamaged
	}
	return err
}

func (r *Reader) Read(b []byte) (int, error) {
	for len(r.left) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.open()
	}
	n := copy(b, r.left)
	r.left = r.left[n:]
	return n, nil
}

// open opens the next chunk. What comes after it says whether it is the last.
func (r *Reader) open() {
	n, err := io.ReadFull(r.from, r.buf)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		r.err = damaged(err) // a stream has at least one chunk, and more are looked for only where there are more bytes
		return
	}
	_, err = r.from.Peek(1)
	last := errors.Is(err, io.EOF)
	if err != nil && !last {
		r.err = err
		return
	}
	nonce, err := r.nonce(last)
	if err != nil {
		r.err = err
		return
	}
	if n < tagSize || n == tagSize && r.number > 1 { // an empty chunk after others is none that a Writer makes
		r.err = ErrDamaged
		return
	}
	if r.left, err = r.aead.Open(r.buf[:0], nonce, r.buf[:n], r.header[:]); err != nil {
		r.left, r.err = nil, ErrDamaged
		return
	}
	if last {
		r.err = io.EOF
	}
}
