package puncture

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	mathrand "math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/daicho-dev/daicho/events"
)

func fresh(t testing.TB) *State {
	t.Helper()
	s, err := New(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func marshal(t testing.TB, s *State) []byte {
	t.Helper()
	b, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func clone(t testing.TB, s *State) *State {
	t.Helper()
	c := new(State)
	if err := c.UnmarshalBinary(marshal(t, s)); err != nil {
		t.Fatal(err)
	}
	return c
}

// naive derives a leaf by the definition, without any of the package's shortcuts.
func naive(root []byte, n uint32) (k [32]byte) {
	at := root
	for i := 31; i >= 0; i-- {
		h := sha256.New()
		h.Write([]byte("daicho/ggm/step1"))
		h.Write(at)
		h.Write([]byte{byte(n >> i & 1)})
		at = h.Sum(nil)
	}
	return sha256.Sum256(append([]byte("daicho/ggm/leaf1"), at...))
}

// naiveForm writes a punctured state by the definition: the largest subtrees that hold no punctured leaf.
func naiveForm(at []byte, depth int, first uint64, punctured []events.Ordinal) []byte {
	size := uint64(1) << (32 - depth)
	if !slices.ContainsFunc(punctured, func(n events.Ordinal) bool { return first <= uint64(n) && uint64(n) < first+size }) {
		return append(binary.BigEndian.AppendUint32([]byte{byte(depth)}, uint32(first)), at...)
	}
	if depth == 32 {
		return nil
	}
	left := sha256.Sum256(append(append([]byte("daicho/ggm/step1"), at...), 0))
	right := sha256.Sum256(append(append([]byte("daicho/ggm/step1"), at...), 1))
	return append(naiveForm(left[:], depth+1, first, punctured), naiveForm(right[:], depth+1, first+size/2, punctured)...)
}

func TestKnownAnswers(t *testing.T) {
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var known struct {
		Root   string
		Leaves []struct {
			Ordinal events.Ordinal
			Key     string
		}
		Punctured []events.Ordinal
		Form      string
	}
	if err := json.Unmarshal(text, &known); err != nil {
		t.Fatal(err)
	}
	root, err := hex.DecodeString(known.Root)
	if err != nil || len(known.Leaves) == 0 {
		t.Fatalf("the vectors are not there: %v", err)
	}
	s, err := New(bytes.NewReader(root))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range known.Leaves {
		k, ok := s.Leaf(v.Ordinal)
		if !ok || hex.EncodeToString(k[:]) != v.Key {
			t.Errorf("leaf %d: %x", v.Ordinal, k)
		}
		if k != naive(root, uint32(v.Ordinal)) {
			t.Errorf("leaf %d is not by the definition", v.Ordinal)
		}
	}
	s.Puncture(known.Punctured...)
	if got := hex.EncodeToString(marshal(t, s)); got != known.Form {
		t.Errorf("the form of the punctured state: %s", got)
	}
}

// All of a run of leaves at once, so that whole subtrees go without being walked.
func TestPunctureRuns(t *testing.T) {
	root := bytes.Repeat([]byte{9}, 32)
	last := ^events.Ordinal(0)
	for _, run := range [][2]events.Ordinal{{0, 0}, {0, 1}, {1, 300}, {0, 1023}, {512, 1024}, {last - 300, last}} {
		s, _ := New(bytes.NewReader(root))
		var ns []events.Ordinal
		for n := run[0]; ; n++ {
			if ns = append(ns, n); n == run[1] {
				break
			}
		}
		whole := clone(t, s)
		whole.Puncture(ns...)
		if want := append([]byte{formVersion}, naiveForm(root, 0, 0, ns)...); !bytes.Equal(marshal(t, whole), want) {
			t.Fatalf("%d to %d: not the cover by the definition", run[0], run[1])
		}
		for _, n := range ns {
			s.Puncture(n)
		}
		if !bytes.Equal(marshal(t, whole), marshal(t, s)) {
			t.Fatalf("%d to %d: at once or one by one matters", run[0], run[1])
		}
		if whole.Nodes() > 2*depth {
			t.Fatalf("%d nodes for a run", whole.Nodes())
		}
	}
}

func TestNewFailsWithoutRandomness(t *testing.T) {
	if _, err := New(bytes.NewReader(make([]byte, 31))); err == nil {
		t.Fatal("a key of 31 bytes")
	}
}

// The way that Leaf remembers never changes what it answers.
func TestAnyOrderOfLeaves(t *testing.T) {
	root := bytes.Repeat([]byte{7}, 32)
	s, _ := New(bytes.NewReader(root))
	s.Puncture(1000)
	r := mathrand.New(mathrand.NewPCG(1, 2))
	n := uint32(0)
	for i := range 3000 {
		switch i % 4 {
		case 0:
			n = r.Uint32()
		case 1:
			n++
		case 2:
			n ^= 1 << r.UintN(32)
		}
		k, ok := s.Leaf(events.Ordinal(n))
		if ok != (n != 1000) || ok && k != naive(root, n) {
			t.Fatalf("leaf %d", n)
		}
	}
}

// Exactly the punctured never derive, all others derive as before; nothing kept is above a punctured leaf; the size stays
// within its bound; order and repetition do not matter.
func TestPuncture(t *testing.T) {
	const used = 400
	r := mathrand.New(mathrand.NewPCG(3, 4))
	for round := range 40 {
		s := fresh(t)
		before := map[events.Ordinal][32]byte{}
		for n := events.Ordinal(0); n <= used+5; n++ {
			before[n], _ = s.Leaf(n)
		}
		far := events.Ordinal(r.Uint32() | 1<<30)
		before[far], _ = s.Leaf(far)
		whole := clone(t, s)
		var order []events.Ordinal
		gone := map[events.Ordinal]bool{}
		for range r.IntN(used) * (round % 3) {
			n := events.Ordinal(1 + r.IntN(used))
			order = append(order, n)
			if changed := s.Puncture(n); changed == gone[n] {
				t.Fatal("Puncture does not know whether it changed anything")
			}
			gone[n] = true
			if s.Alive(n) {
				t.Fatal("alive right after its puncture")
			}
			if living := used - len(gone); s.Nodes() > 32+living {
				t.Fatalf("%d nodes for %d living", s.Nodes(), living)
			}
		}
		for _, check := range []*State{s, clone(t, s)} {
			for n, want := range before {
				k, ok := check.Leaf(n)
				if ok == gone[n] || check.Alive(n) == gone[n] || ok && k != want || !ok && k != ([32]byte{}) {
					t.Fatalf("leaf %d is not as it should be", n)
				}
			}
		}
		for i := range s.cover {
			for n := range gone {
				if c := &s.cover[i]; c.prefix <= uint32(n) && uint32(n) <= c.last() {
					t.Fatal("a node above a punctured leaf is kept")
				}
			}
		}
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		whole.Puncture(order...)
		whole.Puncture(order...)
		if !bytes.Equal(marshal(t, whole), marshal(t, s)) {
			t.Fatal("the order of punctures, or doing it at once, or again, matters")
		}
	}
}

func TestEdges(t *testing.T) {
	s := fresh(t)
	last := ^events.Ordinal(0)
	if s.Puncture() || !s.Puncture(0, last) || s.Alive(0) || s.Alive(last) || !s.Alive(1) || !s.Alive(last-1) {
		t.Fatal("first and last")
	}
	s.Destroy()
	if _, ok := s.Leaf(1); ok || s.Alive(1) || s.Puncture(1) || s.Nodes() != 0 {
		t.Fatal("something derives from a destroyed state")
	}
	if got := clone(t, s); got.Alive(1) {
		t.Fatal("a destroyed state came back")
	}
}

func TestOverwritten(t *testing.T) {
	s := fresh(t)
	s.Leaf(5)
	old, way := s.cover, s.way
	s.Puncture(5)
	if old[0].key != (key{}) || way.keys != ([depth + 1]key{}) {
		t.Fatal("the root, or the way down, is still in memory")
	}
}

func TestStrictForm(t *testing.T) {
	s := fresh(t)
	s.Puncture(5)
	good := marshal(t, s)
	change := func(f func(b []byte) []byte) {
		t.Helper()
		if new(State).UnmarshalBinary(f(bytes.Clone(good))) == nil {
			t.Error("a form that is not canonical was read")
		}
	}
	change(func(b []byte) []byte { return nil })
	change(func(b []byte) []byte { b[0] = 2; return b })
	change(func(b []byte) []byte { return b[:len(b)-1] })
	change(func(b []byte) []byte { return append(b, 0) })
	change(func(b []byte) []byte { b[1] = 33; return b })
	change(func(b []byte) []byte { b[5] |= 1; return b })                               // bits under its depth
	change(func(b []byte) []byte { return append(b, b[1:1+nodeSize]...) })              // out of order
	change(func(b []byte) []byte { return append(b[:1+nodeSize], b[1:]...) })           // twice
	change(func(b []byte) []byte { return append(make([]byte, 1+nodeSize), b[1:]...) }) // under the root
	siblings := make([]byte, 1+2*nodeSize)
	siblings[0], siblings[1], siblings[1+nodeSize], siblings[2+nodeSize] = 1, 1, 1, 0x80
	if new(State).UnmarshalBinary(siblings) == nil {
		t.Error("two siblings instead of their parent were read")
	}
}

func FuzzState(f *testing.F) {
	s, _ := New(bytes.NewReader(make([]byte, 32)))
	for _, n := range []events.Ordinal{0, 5, 1 << 20} {
		b, _ := s.MarshalBinary()
		f.Add(b, uint32(n))
		s.Puncture(n)
	}
	f.Fuzz(func(t *testing.T, b []byte, n uint32) {
		s := new(State)
		if s.UnmarshalBinary(b) != nil {
			return
		}
		if !bytes.Equal(marshal(t, s), b) {
			t.Fatal("two forms of one state")
		}
		o := events.Ordinal(n)
		if _, ok := s.Leaf(o); ok != s.Alive(o) {
			t.Fatal("Leaf and Alive differ")
		}
		s.Puncture(o)
		if s.Alive(o) {
			t.Fatal("alive after its puncture")
		}
		clone(t, s)
	})
}

func BenchmarkLeafConsecutive(b *testing.B) {
	s := fresh(b)
	n := events.Ordinal(0)
	for b.Loop() {
		n++
		s.Leaf(n)
	}
}

func BenchmarkPuncture10000(b *testing.B) {
	for name, every := range map[string]int{"All": 1, "EverySecond": 2} {
		b.Run(name, func(b *testing.B) {
			ns := make([]events.Ordinal, 10_000)
			for i := range ns {
				ns[i] = events.Ordinal(1 + every*i)
			}
			for b.Loop() {
				s, _ := New(rand.Reader)
				s.Puncture(ns...)
			}
		})
	}
}
