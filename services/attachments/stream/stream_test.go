package stream

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/iotest"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, KeySize) }

func content(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return b
}

func sealed(t testing.TB, k, clear []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, k)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := w.Write(clear); err != nil || n != len(clear) {
		t.Fatal(n, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func opened(k, box []byte) ([]byte, error) {
	r, err := NewReader(bytes.NewReader(box), k)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// sizes are those around the edges of chunks.
var sizes = []int{0, 1, 100, chunkSize - 1, chunkSize, chunkSize + 1, 3 * chunkSize, 3*chunkSize + 7}

func TestOpensWhatWasSealed(t *testing.T) {
	for _, n := range sizes {
		clear := content(n)
		box := sealed(t, key(1), clear)
		if int64(len(box)) != int64(n)+overhead(int64(n)) {
			t.Errorf("%d bytes are %d sealed; the form says %d", n, len(box), overhead(int64(n)))
		}
		got, err := opened(key(1), box)
		if err != nil || !bytes.Equal(got, clear) {
			t.Errorf("%d bytes came back as %d: %v", n, len(got), err)
		}
		if _, err := opened(key(2), box); !errors.Is(err, ErrDamaged) {
			t.Errorf("%d bytes under another key: %v", n, err)
		}
		if n > 50 && bytes.Contains(box, clear[:16]) {
			t.Error("it is not sealed")
		}
	}
}

// However it is cut into writes and reads, it is the same stream.
func TestAnyPace(t *testing.T) {
	clear := content(2*chunkSize + 500)
	for _, step := range []int{1, 999, chunkSize, chunkSize + 1} {
		var out bytes.Buffer
		w, _ := NewWriter(&out, key(1))
		for part := range slices.Chunk(clear, step) {
			if _, err := w.Write(part); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := NewReader(iotest.HalfReader(&out), key(1))
		if err != nil {
			t.Fatal(err)
		}
		if err := iotest.TestReader(r, clear); err != nil {
			t.Errorf("in steps of %d: %v", step, err)
		}
	}
}

// chunks cuts a sealed stream.
func chunks(box []byte) (header []byte, all [][]byte) {
	for c := range slices.Chunk(box[headerSize:], chunkSize+tagSize) {
		all = append(all, c)
	}
	return box[:headerSize], all
}

// Nothing but the whole stream as it was sealed opens to its end, and nothing false is ever given.
func TestCutSwappedOrForged(t *testing.T) {
	clear := content(3*chunkSize + 100)
	header, c := chunks(sealed(t, key(1), clear))
	even := content(3 * chunkSize)
	evenHeader, e := chunks(sealed(t, key(1), even))
	short, s := chunks(sealed(t, key(1), content(3*chunkSize + 100)[:chunkSize+50]))
	_, empty := chunks(sealed(t, key(1), nil))
	flipped := func(i, at int) [][]byte {
		all := slices.Clone(c)
		all[i] = bytes.Clone(all[i])
		all[i][at] ^= 1
		return all
	}
	for name, box := range map[string][]byte{
		"no last chunk":                  join(header, c[:3]...),
		"no chunk":                       header,
		"nothing":                        nil,
		"half a header":                  header[:4],
		"half a chunk":                   join(header, c[0], c[1][:500]),
		"a tag cut":                      join(header, c[0], c[1], c[2], c[3][:15]),
		"the first chunk missing":        join(header, c[1:]...),
		"one in the middle missing":      join(header, c[0], c[2], c[3]),
		"two swapped":                    join(header, c[1], c[0], c[2], c[3]),
		"the last two swapped":           join(header, c[0], c[1], c[3], c[2]),
		"one twice":                      join(header, c[0], c[0], c[1], c[2], c[3]),
		"the last one twice":             join(header, c[0], c[1], c[2], c[3], c[3]),
		"a byte behind":                  append(join(header, c...), 0),
		"an empty chunk behind":          join(header, append(slices.Clone(c), empty...)...),
		"another stream's chunk":         join(header, c[0], e[1], c[2], c[3]),
		"another stream's end":           join(header, c[0], s[1]),
		"another stream's header":        join(short, c...),
		"whole chunks without the last":  join(evenHeader, e[:2]...),
		"a bit of the first":             join(header, flipped(0, 0)...),
		"a bit of a tag":                 join(header, flipped(2, chunkSize+3)...),
		"a bit of the last":              join(header, flipped(3, 99)...),
		"another version":                join(append([]byte{2}, header[1:]...), c...),
		"a bit of the prefix":            join(append([]byte{1, header[1] ^ 1}, header[2:]...), c...),
		"an empty one's chunk, repeated": join(header, empty[0], empty[0]),
	} {
		got, err := opened(key(1), box)
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if !bytes.HasPrefix(clear, got) && !bytes.HasPrefix(even, got) {
			t.Errorf("%s: gave bytes that were never sealed there", name)
		}
	}
	// A stream of whole chunks ends with the flag on a whole chunk: one more or less is another stream.
	if got, err := opened(key(1), join(evenHeader, e...)); err != nil || !bytes.Equal(got, even) {
		t.Error(err)
	}
}

func join(header []byte, all ...[]byte) []byte {
	return append(bytes.Clone(header), bytes.Join(all, nil)...)
}

// A reader that fails in between is no damage: it may be tried again.
func TestAFailureToReadIsNoDamage(t *testing.T) {
	box := sealed(t, key(1), content(chunkSize*2))
	broken := errors.New("the disk")
	for _, n := range []int{0, 3, headerSize, headerSize + 10, headerSize + chunkSize + tagSize} {
		r, err := NewReader(io.MultiReader(bytes.NewReader(box[:n]), iotest.ErrReader(broken)), key(1))
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

type failing struct{ after int }

func (f *failing) Write(b []byte) (int, error) {
	if f.after -= len(b); f.after < 0 {
		return 0, io.ErrShortWrite
	}
	return len(b), nil
}

func TestAFailureToWriteIsTold(t *testing.T) {
	w, err := NewWriter(&failing{after: headerSize + 100}, key(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, chunkSize+1)); !errors.Is(err, io.ErrShortWrite) {
		t.Error(err)
	}
	if err := w.Close(); !errors.Is(err, io.ErrShortWrite) {
		t.Error(err)
	}
	w, _ = NewWriter(io.Discard, key(1))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("written to after its end")
	}
	if _, err := NewWriter(io.Discard, nil); err == nil {
		t.Error("no key")
	}
	if _, err := NewReader(bytes.NewReader(nil), key(1)[1:]); err == nil {
		t.Error("a short key")
	}
}

// Numbers are never used twice.
func TestTooLong(t *testing.T) {
	w, _ := NewWriter(io.Discard, key(1))
	w.number = math.MaxUint32
	if _, err := w.Write(make([]byte, 2*chunkSize)); err != nil { // the last number there is
		t.Fatal(err)
	}
	if err := w.Close(); err == nil {
		t.Error("a number was used twice")
	}
}

// The form is a promise: what was stored is still read.
func TestKnownAnswer(t *testing.T) {
	box, _ := hex.DecodeString(known)
	got, err := opened(key(7), box)
	if err != nil || string(got) != "台帳" {
		t.Errorf("%q, %v", got, err)
	}
}

const known = "01f347d3544304d3a216080d01c02da34f2a28f1cb4fbeddc26873b9ea99"

func FuzzOpen(f *testing.F) {
	f.Add(sealed(f, key(1), []byte("content")))
	f.Add(sealed(f, key(1), nil))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, box []byte) {
		got, err := opened(key(1), box)
		if err == nil && int64(len(box)) != int64(len(got))+overhead(int64(len(got))) {
			t.Errorf("%d bytes opened to %d", len(box), len(got))
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	clear := content(1 << 20)
	b.SetBytes(1 << 20)
	for b.Loop() {
		w, _ := NewWriter(io.Discard, key(1))
		_, _ = w.Write(clear)
		_ = w.Close()
	}
}

// overhead is how many bytes a stream of n clear bytes has beyond them.
func overhead(n int64) int64 { return headerSize + tagSize*max(1, (n+chunkSize-1)/chunkSize) }
