package estest

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/google/uuid"
)

// What an append expects of its stream, beside a version.
const (
	noStream     = -1
	anyVersion   = -2
	streamExists = -4
)

// atEnd is the position behind everything.
const atEnd = ^uint64(0)

var errPosition = errors.New("estest: no record begins there")

// wrongVersion is the refusal of an append whose stream stands elsewhere.
type wrongVersion struct{ expected, current int64 }

func (w wrongVersion) Error() string {
	return fmt.Sprintf("estest: expected version %d, the stream is at %d", w.expected, w.current)
}

// record is one event in the log.
type record struct {
	at          uint64 // where it begins in the log; commit and prepare position are the same for what was written at once
	stream      string
	number      uint64
	id          uuid.UUID
	typ         string
	contentType string
	created     time.Time
	data, meta  []byte
}

func (r *record) size() uint64 {
	return uint64(120 + len(r.stream) + len(r.typ) + len(r.data) + len(r.meta))
}

// store is the log that the nodes of a cluster share.
type store struct {
	mu      sync.Mutex
	records []*record
	streams map[string][]*record
	end     uint64
	writes  int
	grown   chan struct{} // closed, and replaced, when something is appended
}

func newStore() *store {
	s := &store{streams: map[string][]*record{}, grown: make(chan struct{})}
	s.end = 317 // a log begins with records that are no events
	s.put(&record{stream: "$users", typ: "$User", contentType: "application/json", data: []byte(`{"loginName":"admin"}`)})
	return s
}

// put writes a record; the caller holds the lock or nobody else knows the store.
func (s *store) put(r *record) {
	r.at, r.number, r.created = s.end, uint64(len(s.streams[r.stream])), time.Now()
	if r.id == uuid.Nil {
		r.id = uuid.New()
	}
	s.records = append(s.records, r)
	s.streams[r.stream] = append(s.streams[r.stream], r)
	s.end += r.size()
}

// append writes events at the end of a stream and answers the last one's number and position.
func (s *store) append(stream string, expect int64, events []*record) (number, at uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	have := s.streams[stream]
	current := int64(len(have)) - 1
	if last := repeated(have, expect, events); last != nil {
		return last.number, last.at, nil
	}
	switch {
	case expect == anyVersion, expect == streamExists && current >= 0, expect == current:
	default:
		return 0, 0, wrongVersion{expect, current}
	}
	if len(events) == 0 {
		return uint64(max(current, 0)), s.end, nil
	}
	if s.writes++; s.writes%7 == 0 { // the server writes to its log, too
		s.put(&record{stream: "$stats-127.0.0.1:2113", typ: "$statsCollected", contentType: "application/json", data: []byte(`{"proc-cpu":1}`)})
	}
	for _, e := range events {
		e.stream = stream
		e.data, e.meta = bytes.Clone(e.data), bytes.Clone(e.meta)
		s.put(e)
	}
	close(s.grown)
	s.grown = make(chan struct{})
	last := events[len(events)-1]
	return last.number, last.at, nil
}

// repeated finds an append that has been made before: the same events where they would have gone. It answers the last of them.
func repeated(have []*record, expect int64, events []*record) *record {
	if len(events) == 0 || len(have) == 0 {
		return nil
	}
	start := int(expect) + 1
	if expect == anyVersion || expect == streamExists {
		for start = len(have) - 1; start >= 0 && have[start].id != events[0].id; {
			start--
		}
	}
	if start < 0 || start+len(events) > len(have) {
		return nil
	}
	for i, e := range events {
		if have[start+i].id != e.id {
			return nil
		}
	}
	return have[start+len(events)-1]
}

// forwards are at most n records from a position on, that position included, and where the next ones begin.
func (s *store) forwards(from uint64, n int) (some []*record, next uint64, grown <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.find(from)
	if err != nil {
		return nil, 0, nil, err
	}
	some = s.records[i:min(i+n, len(s.records))]
	if i += len(some); i < len(s.records) {
		return some, s.records[i].at, s.grown, nil
	}
	return some, s.end, s.grown, nil
}

// backwards are at most n records before a position, the last first.
func (s *store) backwards(from uint64, n int) (some []*record, next uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.find(from)
	if err != nil {
		return nil, 0, err
	}
	next = from
	for i--; i >= 0 && len(some) < n; i-- {
		some, next = append(some, s.records[i]), s.records[i].at
	}
	return some, next, nil
}

// find is the index of the record that begins at a position.
func (s *store) find(at uint64) (int, error) {
	if at == atEnd || at >= s.end {
		return len(s.records), nil
	}
	i := sort.Search(len(s.records), func(i int) bool { return s.records[i].at >= at })
	if at != 0 && s.records[i].at != at {
		return 0, errPosition
	}
	return i, nil
}

// of are the records of a stream, and whether there is such a stream.
func (s *store) of(stream string) ([]*record, <-chan struct{}, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.streams[stream]
	return r, s.grown, ok
}
