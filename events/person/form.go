package person

import (
	"cmp"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// Form names the form in which a State is stored. It is not the log's: what is stored in another form is dropped, and folded anew.
const Form = "person.State, form 3"

var errForm = errors.New("what is stored of a person cannot be read; drop the store, it is folded anew from the log")

// AppendBinary appends the state in its stored form. Equal states have equal forms.
func (s *State) AppendBinary(b []byte) ([]byte, error) {
	f := forms.Get().(*form)
	defer forms.Put(f)
	clear(f.texts)
	clear(f.marks)
	f.b, f.marksHad = append(b, formVersion), f.marksHad[:0]
	f.state(s)
	b, f.b = f.b, nil
	return b, nil
}

var forms = sync.Pool{New: func() any { return &form{texts: map[string]uint64{}, marks: map[events.Position]uint64{}} }}

// MarshalBinary is the state in its stored form.
func (s *State) MarshalBinary() ([]byte, error) { return s.AppendBinary(make([]byte, 0, 512)) }

// UnmarshalBinary reads what AppendBinary wrote.
func (s *State) UnmarshalBinary(b []byte) error {
	if len(b) == 0 || b[0] != formVersion {
		return errForm
	}
	f := &form{b: b[1:], reads: true}
	var read State
	if f.state(&read); f.bad || len(f.b) > 0 {
		return errForm
	}
	*s = read
	return nil
}

const formVersion = 3

// form writes a state, or reads it: each type's fields are told once, in one order, for both. Words, keys and marks come again and again
// in a person's state; each is written once, and by its number from then on.
type form struct {
	b     []byte
	reads bool
	bad   bool

	texts    map[string]uint64          // written → number
	marks    map[events.Position]uint64 // the first mark written of an event → number
	textsHad []string                   // read
	marksHad []numbered
}

// numbered is a mark that has its number, and that of the next one of the same event.
type numbered struct {
	policy.Mark
	next uint64
}

func (f *form) state(s *State) {
	number(f, &s.Revision)
	number(f, &s.Position)
	number(f, &s.Next)
	text(f, &s.Kind)
	text(f, &s.Country)
	f.flag(&s.Minor)
	text(f, &s.Majority)
	f.mark(&s.Told)
	f.mark(&s.ToldAge)
	list(f, &s.Records, f.record)
	table(f, &s.Matters, f.marksOf)
	f.marksOf(&s.Own)
	list(f, &s.Consents, f.consent)
	list(f, &s.Holds, f.hold)
	list(f, &s.Links, f.link)
	list(f, &s.Recalls, f.recall)
	list(f, &s.Notes, f.note)
	list(f, &s.Refused, func(w *events.Word) { text(f, w) })
	list(f, &s.Announced, f.announcement)
	f.mark(&s.Contact)
	f.mark(&s.Provision)
	f.maybe(&s.Gone)
	f.bytes((*[]byte)(&s.Seen))
}

func (f *form) record(r *Record) {
	number(f, &r.N)
	number(f, &r.Value)
	text(f, &r.Key)
	text(f, &r.Category)
	text(f, &r.Object)
	text(f, &r.Operation)
	text(f, &r.Segment)
	text(f, &r.Source)
	text(f, &r.Matter)
	text(f, &r.Client)
	f.flag(&r.Processor)
	text(f, &r.Tracker)
	f.mark(&r.Collected)
	f.ordinals(&r.Kept)
	list(f, &r.Bindings, f.binding)
	list(f, &r.Locations, f.place)
	list(f, &r.With, f.place)
	f.flag(&r.Suspended)
	f.flag(&r.Ceased)
	f.maybe(&r.Gone)
	text(f, &r.Cause)
}

func (f *form) binding(b *Binding) {
	text(f, &b.Purpose)
	text(f, &b.Basis)
	f.mark(&b.Since)
	f.maybe(&b.Ended)
	text(f, &b.Reason)
	f.flag(&b.Brought)
}

func (f *form) place(p *Place) {
	text(f, &p.ID)
	f.mark(&p.Since)
	f.maybe(&p.Until)
	list(f, &p.Grounds, func(g *Ground) {
		text(f, &g.Purpose)
		text(f, &g.Basis)
		text(f, &g.Kind)
		text(f, &g.Route)
	})
}

func (f *form) consent(c *Consent) {
	text(f, &c.Purpose)
	text(f, &c.By)
	text(f, &c.Notice)
	f.mark(&c.Since)
	f.maybe(&c.Withdrawn)
}

func (f *form) hold(h *Hold) {
	text(f, &h.Case)
	text(f, &h.Matter)
	list(f, &h.Categories, func(w *events.Word) { text(f, w) })
	f.ordinals(&h.Of)
	f.mark(&h.Since)
	f.maybe(&h.Released)
}

func (f *form) link(l *Link) {
	text(f, &l.Other)
	f.mark(&l.Since)
	f.maybe(&l.Until)
}

func (f *form) recall(r *Recall) {
	text(f, &r.ID)
	text(f, &r.Recipient)
	f.ordinals(&r.Of)
	text(f, &r.Due)
	f.mark(&r.Since)
	f.maybe(&r.Overdue)
	f.maybe(&r.Confirmed)
}

func (f *form) note(n *Note) {
	number(f, &n.N)
	f.ordinals(&n.Of)
}

func (f *form) announcement(a *Announcement) {
	f.moment(&a.Time)
	text(f, &a.Channel)
	text(f, &a.Segment)
	text(f, &a.Matter)
}

func (f *form) ordinals(of *[]events.Ordinal) {
	list(f, of, func(n *events.Ordinal) { number(f, n) })
}

func (f *form) marksOf(m *Marks) { table(f, (*map[events.Word]policy.Mark)(m), f.mark) }

// mark is written once: a collection is the mark of everything that it brought. Number 0 is one that follows.
func (f *form) mark(m *policy.Mark) {
	n := uint64(0)
	if !f.reads {
		for n = f.marks[m.Position]; n > 0 && f.marksHad[n-1].Mark != *m; {
			n = f.marksHad[n-1].next
		}
	}
	switch n = f.number(n); {
	case n > uint64(len(f.marksHad)):
		f.bad = true
	case n > 0:
		if f.reads { // what is written is read by others meanwhile
			*m = f.marksHad[n-1].Mark
		}
	default:
		text(f, &m.Type)
		text(f, &m.Word)
		f.moment(&m.Time)
		number(f, &m.Position)
		f.marksHad = append(f.marksHad, numbered{*m, f.marks[m.Position]})
		if !f.reads {
			f.marks[m.Position] = uint64(len(f.marksHad))
		}
	}
}

func (f *form) maybe(m **policy.Mark) {
	is := *m != nil
	if f.flag(&is); !is || f.bad {
		return
	}
	if f.reads {
		*m = new(policy.Mark)
	}
	f.mark(*m)
}

// moment is a time to the millisecond, as events have it; UTC.
func (f *form) moment(t *time.Time) {
	since := t.UnixMilli()
	n := f.number(uint64(since<<1) ^ uint64(since>>63))
	if f.reads {
		*t = time.UnixMilli(int64(n>>1) ^ -int64(n&1)).UTC()
	}
}

func (f *form) flag(b *bool) {
	n := uint64(0)
	if *b {
		n = 1
	}
	if n = f.number(n); f.reads {
		*b, f.bad = n == 1, f.bad || n > 1
	}
}

// number writes a number, or reads one in its place.
func (f *form) number(n uint64) uint64 {
	if !f.reads {
		f.b = binary.AppendUvarint(f.b, n)
		return n
	}
	n, size := binary.Uvarint(f.b)
	if size <= 0 {
		f.bad, f.b = true, nil
		return 0
	}
	f.b = f.b[size:]
	return n
}

func (f *form) bytes(b *[]byte) {
	if f.reads {
		*b = append(*b, f.take()...)
		return
	}
	f.number(uint64(len(*b)))
	f.b = append(f.b, *b...)
}

// take reads bytes with their number before them.
func (f *form) take() []byte {
	n := f.number(0)
	if n > uint64(len(f.b)) {
		f.bad, f.b = true, nil
		return nil
	}
	taken := f.b[:n]
	f.b = f.b[n:]
	return taken
}

func number[T ~uint32 | ~uint64](f *form, n *T) {
	read := f.number(uint64(*n))
	if f.reads {
		*n = T(read)
		f.bad = f.bad || uint64(*n) != read
	}
}

// text is written once, and by its number from then on. None is number 1: it comes before every other.
func text[T ~string](f *form, s *T) {
	if !f.reads {
		switch n := f.texts[string(*s)]; {
		case *s == "":
			f.number(1)
		case n > 0:
			f.number(n)
		default:
			f.texts[string(*s)] = uint64(len(f.texts)) + 2
			f.number(0)
			f.number(uint64(len(*s)))
			f.b = append(f.b, *s...)
		}
		return
	}
	switch n := f.number(0); {
	case n == 0:
		had := string(f.take())
		*s = T(had)
		f.textsHad = append(f.textsHad, had)
	case n == 1:
		*s = ""
	case n-2 < uint64(len(f.textsHad)):
		*s = T(f.textsHad[n-2])
	default:
		f.bad = true
	}
}

func list[T any](f *form, all *[]T, each func(*T)) {
	n := f.number(uint64(len(*all)))
	if f.reads {
		if n > uint64(len(f.b)) { // each takes a byte at least
			f.bad, f.b = true, nil
			return
		}
		if n > 0 {
			*all = make([]T, n)
		}
	}
	for i := range *all {
		if each(&(*all)[i]); f.bad {
			return
		}
	}
}

func table[K ~string, V any](f *form, all *map[K]V, each func(*V)) {
	n := f.number(uint64(len(*all)))
	if !f.reads {
		for _, k := range slices.SortedFunc(maps.Keys(*all), cmp.Compare[K]) {
			v := (*all)[k]
			text(f, &k)
			each(&v)
		}
		return
	}
	if n > uint64(len(f.b)) {
		f.bad, f.b = true, nil
		return
	}
	if n > 0 {
		*all = make(map[K]V, n)
	}
	for range n {
		var k K
		var v V
		text(f, &k)
		if each(&v); f.bad {
			return
		}
		(*all)[k] = v
	}
}
