package puncture

import (
	"encoding/binary"
	"errors"
)

// The form is one byte of version, then the nodes in ascending order: depth (1), prefix (4, big-endian), key (32). There
// is exactly one form of each state.
const (
	formVersion = 1
	nodeSize    = 1 + 4 + KeySize
)

var errForm = errors.New("puncture: not a key state in its form")

// MarshalSize is the length of what AppendBinary appends.
func (s *State) MarshalSize() int { return 1 + len(s.cover)*nodeSize }

// AppendBinary appends the state in its form. The bytes are the secret itself: whoever has them has every key that lives.
func (s *State) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, formVersion)
	for i := range s.cover {
		n := &s.cover[i]
		b = append(b, n.depth)
		b = binary.BigEndian.AppendUint32(b, n.prefix)
		b = append(b, n.key[:]...)
	}
	return b, nil
}

// MarshalBinary writes the state in its form.
func (s *State) MarshalBinary() ([]byte, error) {
	return s.AppendBinary(make([]byte, 0, s.MarshalSize()))
}

// UnmarshalBinary reads what MarshalBinary wrote, and nothing else: nodes out of order, overlapping, misplaced, or two
// siblings where their parent could stand are refused.
func (s *State) UnmarshalBinary(b []byte) error {
	if len(b) == 0 || b[0] != formVersion || (len(b)-1)%nodeSize != 0 {
		return errForm
	}
	b = b[1:]
	cover := make([]node, len(b)/nodeSize)
	for i := range cover {
		n := &cover[i]
		n.depth, n.prefix = b[0], binary.BigEndian.Uint32(b[1:])
		copy(n.key[:], b[5:nodeSize])
		b = b[nodeSize:]
		ok := n.depth <= depth && n.prefix&below(n.depth) == 0
		if ok && i > 0 {
			p := &cover[i-1]
			ok = n.prefix > p.last() && !siblings(p, n)
		}
		if !ok {
			clear(cover)
			return errForm
		}
	}
	s.Destroy()
	s.cover = cover
	return nil
}

// siblings says whether two nodes are the two children of one.
func siblings(a, b *node) bool {
	return a.depth == b.depth && a.depth > 0 && a.prefix^b.prefix == 1<<(depth-a.depth)
}
