// Package simulate invents the events of a telecom rental company, for trials and demonstrations. The people do not exist;
// what happens to their data has the shapes, the proportions and the mistakes of real work.
package simulate

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"
)

// Options say what to invent. The same options give the same bytes, for ever on this version of the package.
type Options struct {
	People int // identities: rental and sales customers, visitors, applicants, a client's customers
	Days   int
	Seed   uint64
	Start  time.Time // the first moment; every event is in [Start, Start+Days)
}

const day = 24 * time.Hour

func (o Options) check() error {
	switch {
	case o.People < 0:
		return errors.New("simulate: fewer than no people")
	case o.Days < 1:
		return errors.New("simulate: a period has one day at least")
	case o.Start.IsZero():
		return errors.New("simulate: no start")
	}
	return nil
}

// plain has a start that can be told in whole milliseconds, as events are.
func (o Options) plain() Options {
	o.Start = o.Start.UTC().Truncate(time.Millisecond)
	return o
}

// bucket holds what happens on one day. The lines share one buffer, because a million small slices are slower than what is
// in them.
type bucket struct {
	lines []byte
	at    []entry
}

type entry struct {
	time     int64
	from, to int
}

// Year writes the events as CloudEvents, one a line, sorted by time. Memory holds what is yet to happen to the people who
// have come already, and four bytes for everybody. Progress, which may be nil, hears after each day how many of the people
// have come.
func Year(w io.Writer, o Options, progress func(done, total int)) error {
	if err := o.check(); err != nil {
		return err
	}
	o = o.plain()
	out := bufio.NewWriterSize(w, 1<<20)
	order, ends := arrivals(o)
	days := make([]bucket, o.Days)
	s := newScribe(o, func(t time.Time, line []byte) {
		b := &days[t.Sub(o.Start)/day]
		from := len(b.lines)
		b.lines = append(append(b.lines, line...), '\n')
		b.at = append(b.at, entry{t.UnixMilli(), from, len(b.lines)})
	})
	s.recipients()
	s.governance()
	first := 0
	for d := range days {
		for _, i := range order[first:ends[d]] {
			s.person(int(i))
		}
		first = ends[d]
		b := &days[d]
		// Stable: what a person does twice in a moment stays in its order.
		slices.SortStableFunc(b.at, func(x, y entry) int { return cmp.Compare(x.time, y.time) })
		for _, e := range b.at {
			if _, err := out.Write(b.lines[e.from:e.to]); err != nil {
				return err
			}
		}
		*b = bucket{}
		if progress != nil {
			progress(first, o.People)
		}
	}
	return out.Flush()
}

// arrivals are the people by the day on which they come, and where each day's end; a counting sort, so that nobody's events
// need to exist before their day.
func arrivals(o Options) (order []uint32, ends []int) {
	next := make([]int, o.Days+1)
	var src rand.PCG
	for i := range o.People {
		next[comes(&src, o, i)+1]++
	}
	for d := range o.Days {
		next[d+1] += next[d]
	}
	ends = slices.Clone(next[1:])
	order = make([]uint32, o.People)
	for i := range o.People {
		d := comes(&src, o, i)
		order[next[d]] = uint32(i)
		next[d]++
	}
	return order, ends
}

// comes draws the day of a person's first event; it must stay the first draw of a person. A sales customer comes with the
// rental customer before, whose other identity it may be.
func comes(src *rand.PCG, o Options, i int) int {
	if kindOf(i) == sales {
		i--
	}
	seed(src, o, i)
	return int(src.Uint64() % uint64(o.Days))
}

// seed starts the dice of one person, independent of everybody else's. Neighbours are set far apart first: states that
// differ in few bits give similar first draws.
func seed(src *rand.PCG, o Options, i int) {
	src.Seed(o.Seed, (uint64(i)+1)*0x9e3779b97f4a7c15)
}

// scribe writes the events of one person after another.
type scribe struct {
	o    Options
	end  time.Time
	src  rand.PCG
	rnd  *rand.Rand
	emit func(t time.Time, line []byte)

	who     int // the person, and what is said of them
	n       int // events so far; part of the id
	subject string
	begin   time.Time
	line    []byte
}

func newScribe(o Options, emit func(time.Time, []byte)) *scribe {
	o = o.plain()
	s := &scribe{o: o, end: o.Start.Add(time.Duration(o.Days) * day), emit: emit}
	s.rnd = rand.New(&s.src)
	return s
}

// person writes everything that happens to one person.
func (s *scribe) person(i int) {
	d := comes(&s.src, s.o, i)
	if kindOf(i) == sales {
		seed(&s.src, s.o, i)
	}
	s.who, s.n = i+1, 0
	s.begin = s.o.Start.Add(time.Duration(d)*day + time.Duration(s.rnd.IntN(86_400))*time.Second)
	switch kindOf(i) {
	case rental:
		s.rental(i)
	case sales:
		s.sale(i)
	case visitor:
		s.visitor(i)
	case applicant:
		s.applicant()
	case entrusted:
		s.entrusted()
	}
}

// say writes one event about the person. What would happen after the period does not happen: a contract may stay open.
//
// Format takes %q for text: the lists hold printable characters alone, for which Go quotes as JSON does.
func (s *scribe) say(after time.Duration, source, typ, format string, args ...any) {
	s.n++
	t := s.begin.Add(after)
	if !t.Before(s.end) {
		return
	}
	b := append(s.line[:0], `{"specversion":"1.0","id":"`...)
	b = fmt.Appendf(b, "%07d-%d", s.who, s.n)
	b = append(b, `","source":"`...)
	b = append(b, source...)
	b = append(b, `","type":"daicho.`...)
	b = append(b, typ...)
	b = append(b, `.v1","time":"`...)
	b = t.AppendFormat(b, "2006-01-02T15:04:05.000Z")
	if s.subject != "" {
		b = append(b, `","subject":"`...)
		b = append(b, s.subject...)
	}
	b = append(b, `","datacontenttype":"application/json","data":`...)
	b = fmt.Appendf(b, format, args...)
	s.line = append(b, '}')
	s.emit(t, s.line)
}

// chance is true p times in a hundred.
func (s *scribe) chance(p int) bool { return s.rnd.IntN(100) < p }

// span is a time between two numbers of days.
func (s *scribe) span(from, to int) time.Duration {
	return time.Duration(from)*day + time.Duration(s.rnd.IntN((to-from)*86_400))*time.Second
}

func pick[T any](s *scribe, list []T) T { return list[s.rnd.IntN(len(list))] }
