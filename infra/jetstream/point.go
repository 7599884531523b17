package jetstream

import (
	"encoding/json"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/internal/attribute"
	"github.com/nats-io/nats.go"
)

// point is a message of the order, and where the order stands after it.
type point struct {
	seq      uint64   // of the message; zero: before the first
	upto     []uint64 // of each part: the place of the last event that is ordered
	runs     []run    // what comes next behind the point before it
	recorded time.Time
}

// run is so many events of a part, one after the other.
type run struct{ part, events uint64 }

// step is where something ends that was stored in a part.
type step struct {
	part int
	upto uint64
}

const orderedType = "daicho.log.ordered.v1"

var orderStream = events.Stream{Kind: "upto", ID: "all"}

// ordered is the body of a message.
type ordered struct {
	UpTo []uint64    `json:"upto"`
	Runs [][2]uint64 `json:"runs"` // part, events
}

// total is how many events are ordered: the position of the last of them.
func (p point) total() (all events.Position) {
	for _, n := range p.upto {
		all += events.Position(n)
	}
	return all
}

// next is a point behind this one that adds nothing yet, recorded now or, if the clock has gone back, when this one was.
func (p point) next(now time.Time) point {
	n := point{seq: p.seq + 1, upto: slices.Clone(p.upto), recorded: now.UTC().Truncate(time.Millisecond)}
	if n.recorded.Before(p.recorded) {
		n.recorded = p.recorded
	}
	return n
}

// advance orders a part up to where something ends, with all that lies before it and is not ordered yet.
func (p *point) advance(s step) {
	if s.upto <= p.upto[s.part] {
		return
	}
	r := run{uint64(s.part), s.upto - p.upto[s.part]}
	p.upto[s.part] = s.upto
	if last := len(p.runs) - 1; last >= 0 && p.runs[last].part == r.part {
		p.runs[last].events += r.events
		return
	}
	p.runs = append(p.runs, r)
}

// piece is a run with its places: those behind one of its part, up to another, come behind a position.
type piece struct {
	behind, upto uint64
	at           events.Position
}

// pieces are what a message adds to the point before it, of each part.
func (p point) pieces(before point) [][]piece {
	all, upto, at := make([][]piece, len(p.upto)), slices.Clone(before.upto), before.total()
	for _, r := range p.runs {
		all[r.part] = append(all[r.part], piece{upto[r.part], upto[r.part] + r.events, at})
		upto[r.part], at = upto[r.part]+r.events, at+events.Position(r.events)
	}
	return all
}

// follows says whether a message adds to the point before it just what it says.
func (p point) follows(before point) bool {
	upto := slices.Clone(before.upto)
	for _, r := range p.runs {
		if r.part >= uint64(len(upto)) {
			return false
		}
		upto[r.part] += r.events
	}
	return p.seq == before.seq+1 && slices.Equal(p.upto, upto)
}

// stored is what lies in a part in one piece.
type stored struct {
	part        int
	first, last uint64
	at          []events.Position // of each; zero: not known yet
	left        int               // so many are not
}

func newStored(part int, last uint64, n int) *stored {
	return &stored{part: part, first: last - uint64(n) + 1, last: last, at: make([]events.Position, n), left: n}
}

// fill notes the positions of what a message orders.
func (s *stored) fill(pieces []piece) {
	from := sort.Search(len(pieces), func(i int) bool { return pieces[i].upto >= s.first })
	for _, p := range pieces[from:] {
		for n := max(s.first, p.behind+1); n <= min(s.last, p.upto); n++ {
			if at := &s.at[n-s.first]; *at == 0 {
				*at = p.at + events.Position(n-p.behind)
				s.left--
			}
		}
		if p.upto >= s.last {
			return
		}
	}
}

// message is the point as it is stored: an event of the log's own.
func (p point) message() (*nats.Msg, error) {
	o := ordered{UpTo: p.upto}
	for _, r := range p.runs {
		o.Runs = append(o.Runs, [2]uint64{r.part, r.events})
	}
	data, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	m := encode(orderPrefix, orderStream, &events.Event{
		ID: strconv.FormatUint(uint64(p.total()), 10), Type: orderedType, Source: "daicho/log", Time: p.recorded, Data: data,
	})
	m.Header[hRecorded] = []string{p.recorded.Format(attribute.Clock)}
	m.Header[hLast] = []string{strconv.FormatUint(p.seq-1, 10)}
	return m, nil
}

// readPoint reads what message wrote, in a log of so many parts.
func readPoint(e events.Event, parts int) (point, error) {
	var o ordered
	if e.Type != orderedType || json.Unmarshal(e.Data, &o) != nil || len(o.UpTo) != parts {
		return point{}, errMessage
	}
	p := point{seq: uint64(e.Position), upto: o.UpTo, recorded: e.Recorded}
	for _, r := range o.Runs {
		if r[0] >= uint64(parts) {
			return point{}, errMessage
		}
		p.runs = append(p.runs, run{r[0], r[1]})
	}
	return p, nil
}
