package puncture

import (
	"crypto/sha256"
	"io"
	"math/bits"
	"slices"
	"sort"

	"github.com/daicho-dev/daicho/events"
)

// depth is that of the leaves: an ordinal has 32 bits.
const depth = 32

// KeySize is the length of a node and of a leaf's key.
const KeySize = sha256.Size

// The labels are 16 bytes each, so that every hash here fits into one block of SHA-256.
const (
	stepLabel = "daicho/ggm/step1"
	leafLabel = "daicho/ggm/leaf1"
)

type key = [KeySize]byte

// node is a kept node: the bits of prefix above depth are its place, the rest of them are zero.
type node struct {
	depth  uint8
	prefix uint32
	key    key
}

// last is the last leaf that a node covers.
func (n *node) last() uint32 { return n.prefix | below(n.depth) }

// below has a one for each bit under a depth.
func below(d uint8) uint32 { return uint32(uint64(1)<<(depth-uint(d)) - 1) }

// State is a puncturable key. It is not safe for concurrent use, reading included: Leaf remembers its way.
type State struct {
	cover []node // ascending, disjoint
	way   *way
}

// way is the path to the leaf derived last: the next one shares most of it.
type way struct {
	to   uint32
	from uint8 // the depth of the cover node it starts at; keys above it are not known
	keys [depth + 1]key
}

// New makes a key that has not been punctured.
func New(rand io.Reader) (*State, error) {
	s := &State{cover: make([]node, 1)}
	if _, err := io.ReadFull(rand, s.cover[0].key[:]); err != nil {
		return nil, err
	}
	return s, nil
}

// step derives a child.
func step(child, parent *key, bit byte) {
	var in [len(stepLabel) + KeySize + 1]byte
	copy(in[:], stepLabel)
	copy(in[len(stepLabel):], parent[:])
	in[len(in)-1] = bit
	*child = sha256.Sum256(in[:])
	clear(in[:])
}

// leaf turns a leaf's node into the key it stands for. The node itself never leaves the package.
func leaf(n *key) key {
	var in [len(leafLabel) + KeySize]byte
	copy(in[:], leafLabel)
	copy(in[len(leafLabel):], n[:])
	k := sha256.Sum256(in[:])
	clear(in[:])
	return k
}

// find is the index of the cover node above a leaf, or -1.
func (s *State) find(n uint32) int {
	i := sort.Search(len(s.cover), func(i int) bool { return s.cover[i].prefix > n }) - 1
	if i < 0 || s.cover[i].last() < n {
		return -1
	}
	return i
}

// Alive says whether an ordinal's key still derives.
func (s *State) Alive(n events.Ordinal) bool { return s.find(uint32(n)) >= 0 }

// Leaf derives the key of an ordinal, or says that it has been punctured. The way down is remembered, so that leaves in
// order cost two steps each on average instead of up to 32.
func (s *State) Leaf(ordinal events.Ordinal) (k [KeySize]byte, alive bool) {
	n := uint32(ordinal)
	w := s.way
	var at uint8 // the depth down to which the way is known
	if w != nil {
		at = uint8(bits.LeadingZeros32(w.to ^ n))
		if at < w.from {
			w = nil
		}
	}
	if w == nil {
		i := s.find(n)
		if i < 0 {
			return k, false
		}
		if s.way == nil {
			s.way = new(way)
		}
		w = s.way
		clear(w.keys[:])
		at = s.cover[i].depth
		w.from, w.keys[at] = at, s.cover[i].key
	}
	w.to = n
	for ; at < depth; at++ {
		step(&w.keys[at+1], &w.keys[at], byte(n>>(depth-1-at)&1))
	}
	return leaf(&w.keys[depth]), true
}

// forgetWay destroys the remembered way.
func (s *State) forgetWay() {
	if s.way != nil {
		clear(s.way.keys[:])
		s.way = nil
	}
}

// Puncture destroys the keys of ordinals, and every node above them. It reports whether anything changed: what has been
// punctured already stays so.
func (s *State) Puncture(ordinals ...events.Ordinal) (changed bool) {
	targets := make([]uint32, 0, len(ordinals))
	for _, n := range ordinals {
		if s.Alive(n) {
			targets = append(targets, uint32(n))
		}
	}
	if len(targets) == 0 {
		return false
	}
	slices.Sort(targets)
	targets = slices.Compact(targets)
	s.forgetWay()
	grown := make([]node, 0, len(s.cover)+len(targets)+depth)
	for i := range s.cover {
		c := &s.cover[i]
		end := sort.Search(len(targets), func(j int) bool { return targets[j] > c.last() })
		grown = split(grown, *c, targets[:end])
		targets = targets[end:]
	}
	clear(s.cover)
	s.cover = grown
	return true
}

// split appends to the cover what a node covers without the targets, which lie under it, ascending and each once. What is
// wholly destroyed is not derived in the first place: to puncture at all of somebody's leaves costs tens of steps.
func split(cover []node, n node, targets []uint32) []node {
	switch {
	case len(targets) == 0:
		return grow(cover, n)
	case whole(n.depth, len(targets)):
		return cover
	}
	var left, right node
	left.depth, left.prefix = n.depth+1, n.prefix
	right.depth, right.prefix = n.depth+1, n.prefix|1<<(depth-1-n.depth)
	at := sort.Search(len(targets), func(i int) bool { return targets[i] >= right.prefix })
	if !whole(left.depth, at) {
		step(&left.key, &n.key, 0)
		cover = split(cover, left, targets[:at])
	}
	if !whole(right.depth, len(targets)-at) {
		step(&right.key, &n.key, 1)
		cover = split(cover, right, targets[at:])
	}
	clear(left.key[:])
	clear(right.key[:])
	return cover
}

// whole says whether so many leaves are all that a node of a depth covers.
func whole(d uint8, leaves int) bool { return uint64(leaves) > uint64(below(d)) }

// grow appends a node; where the slice has to move, the old place is zeroed.
func grow(cover []node, n node) []node {
	if len(cover) == cap(cover) {
		bigger := make([]node, len(cover), 2*cap(cover)+depth)
		copy(bigger, cover)
		clear(cover)
		cover = bigger
	}
	return append(cover, n)
}

// Nodes is the number of nodes kept.
func (s *State) Nodes() int { return len(s.cover) }

// Destroy zeroes the key: nothing derives from it any more.
func (s *State) Destroy() {
	s.forgetWay()
	clear(s.cover)
	s.cover = nil
}
