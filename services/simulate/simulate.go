// Package simulate writes what the emitters of an invented telecom rental company would send in a year: deterministic CloudEvents, one a
// line, in the order of their times, with the mistakes that real emitters make.
package simulate

import (
	"bufio"
	"container/heap"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"time"
)

// Options say what to simulate. The same options give the same bytes.
type Options struct {
	People int // rental customers; others come with them
	Days   int
	Seed   uint64
	Start  time.Time // of the first day
}

// line is an event as it will be written.
type line struct {
	at   time.Time
	seq  uint64 // events of the same moment keep their order
	text []byte
}

type pending []line

func (p pending) Len() int { return len(p) }
func (p pending) Less(i, j int) bool {
	return p[i].at.Before(p[j].at) || p[i].at.Equal(p[j].at) && p[i].seq < p[j].seq
}
func (p pending) Swap(i, j int) { p[i], p[j] = p[j], p[i] }
func (p *pending) Push(x any)   { *p = append(*p, x.(line)) }
func (p *pending) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}

// Year writes the events. Only people whose contracts are under way are in memory. Progress is told how many people have begun.
func Year(w io.Writer, o Options, progress func(done, total int)) error {
	out := bufio.NewWriterSize(w, 1<<20)
	s := &simulation{o: o, end: o.Start.AddDate(0, 0, o.Days)}
	s.recipients()
	byDay := make([][]int32, o.Days)
	for i := 1; i <= o.People; i++ {
		d := int(person(o.Seed, i).Uint64N(uint64(o.Days)))
		byDay[d] = append(byDay[d], int32(i))
	}
	done := 0
	for d := range o.Days {
		for _, i := range byDay[d] {
			s.customer(int(i), o.Start.AddDate(0, 0, d))
		}
		done += len(byDay[d])
		if progress != nil {
			progress(done, o.People)
		}
		if err := s.write(out, o.Start.AddDate(0, 0, d+1)); err != nil {
			return err
		}
	}
	if err := s.write(out, s.end); err != nil {
		return err
	}
	return out.Flush()
}

// person is a person's own source of chance: it does not depend on how many others there are.
func person(seed uint64, i int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(i))) }

type simulation struct {
	o       Options
	end     time.Time
	pending pending
	seq     uint64
}

// write writes what happens before a moment. What would happen after the end does not happen.
func (s *simulation) write(out *bufio.Writer, before time.Time) error {
	for len(s.pending) > 0 && s.pending[0].at.Before(before) {
		if _, err := out.Write(heap.Pop(&s.pending).(line).text); err != nil {
			return fmt.Errorf("writing events: %w", err)
		}
	}
	return nil
}

// emit adds an event. Data is JSON; subject is empty for events about nobody.
func (s *simulation) emit(at time.Time, id, source, typ, subject, data string) {
	if !at.Before(s.end) {
		return
	}
	b := make([]byte, 0, 160+len(data))
	b = append(b, `{"specversion":"1.0","id":"`...)
	b = append(b, id...)
	b = append(b, `","source":"`...)
	b = append(b, source...)
	b = append(b, `","type":"daicho.`...)
	b = append(b, typ...)
	b = append(b, `.v1","time":"`...)
	b = at.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = append(b, `","datacontenttype":"application/json"`...)
	if subject != "" {
		b = append(append(append(b, `,"subject":"`...), subject...), '"')
	}
	b = append(append(append(b, `,"data":`...), data...), "}\n"...)
	s.seq++
	heap.Push(&s.pending, line{at, s.seq, b})
}

func (s *simulation) recipients() {
	for i, r := range []struct{ id, name, country, kind, purposes, safeguard string }{
		{"parcel", "Parcel carrier", "JP", "entrusted", `"SVC-01","SVC-06"`, "domestic"},
		{"cards", "Card processor", "JP", "entrusted", `"SVC-01","SVC-02","SVC-09"`, "domestic"},
		{"mailer", "Mail sending service", "US", "entrusted", `"DM-01","DM-02","SVC-03"`, "equivalent_system"},
		{"callcenter", "Call centre", "JP", "entrusted", `"SVC-08","CALL-01"`, "domestic"},
		{"travel", "Travel information partner", "TW", "third_party", `"SVC-05"`, "equivalent_system"},
		{"analytics", "Web analytics", "US", "entrusted", `"CK-01"`, "equivalent_system"},
	} {
		first := s.o.Start.Format("2006-01-02")
		s.emit(s.o.Start.Add(time.Duration(i)*time.Millisecond), "recipient-"+r.id, "/privacy/office", "recipient_registered", "",
			`{"recipient":"`+r.id+`","name":"`+r.name+`","country":"`+r.country+`","kinds":["`+r.kind+`"],"purposes":[`+r.purposes+`],"contract":{"ref":"V-`+r.id+`","from":"`+first+
				`"},"safeguard":"`+r.safeguard+`","reviewDue":"`+s.o.Start.AddDate(1, 0, 0).Format("2006-01-02")+`"}`)
	}
}

// number writes n with six digits at least.
func number(n int) string {
	t := strconv.Itoa(n)
	for len(t) < 6 {
		t = "0" + t
	}
	return t
}
