package jetstream

import (
	"errors"
	"sync"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// window knows at which revision those streams stand that were appended to lately, where nobody else can append. It spares the server a
// question: to say at which sequence a subject stands, the server loads the whole block of up to 8 MB that the subject's last message
// lies in, once for every somebody whom nothing was recorded about for a while. A Write need not ask if its caller has read the stream up
// to a position from which on the window knows everything, and nothing came since. In any doubt the server is asked.
type window struct {
	mu    sync.Mutex
	open  bool            // nobody else appends
	full  int             // streams of a generation
	since events.Position // of what was stored after it, everything is here
	now   generation
	past  generation
}

// generation is forgotten as a whole, once the one after it is full.
type generation struct {
	streams map[events.Stream]standing
	top     events.Position // the last position in it
}

// standing is where a stream stands: at a revision, zero if that is not known, with writes on their way or of unknown outcome.
type standing struct {
	at      events.Revision
	flying  int
	unknown int // so many of unknown outcome there were
	sure    int // and so many of them were sent before one that was stored
}

func (s standing) doubtful() bool { return s.flying > 0 || s.unknown > s.sure }

// fullAt is how many streams a generation has, of some 150 bytes each.
const fullAt = 50_000

// begin says that nobody else appends from now on, and where the log ends.
func (w *window) begin(head events.Position) {
	w.open, w.full, w.since, w.now = true, fullAt, head, generation{streams: map[events.Stream]standing{}}
}

// takeoff notes that a Write is sent, and says whether the server has to be asked at which revision its stream stands, and how many of
// unknown outcome were sent before it.
func (w *window) takeoff(x *contracts.Write) (ask bool, unknown int) {
	if !w.open {
		return true, 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.find(x.Stream)
	if ok {
		ask = s.doubtful() || s.at != x.Expect
	} else {
		ask = x.Known < w.since
	}
	s.flying++
	w.put(x.Stream, s)
	return ask, s.unknown
}

// landed notes what became of a Write, with how many of unknown outcome were sent before it: only ErrUnknown leaves open whether it was stored.
func (w *window) landed(x *contracts.Write, unknown int, r contracts.Result) {
	if !w.open {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s, _ := w.find(x.Stream)
	s.flying--
	switch {
	case r.Err == nil:
		s.at, s.sure = max(s.at, r.Revision), max(s.sure, unknown) // what was sent before it, and may have been stored, lies before it
		w.now.top = max(w.now.top, r.Positions[len(r.Positions)-1])
	case errors.Is(r.Err, contracts.ErrUnknown):
		s.unknown++
	}
	if s.at == 0 && !s.doubtful() { // as if it had not been sent
		delete(w.now.streams, x.Stream)
		delete(w.past.streams, x.Stream)
		return
	}
	w.put(x.Stream, s)
}

func (w *window) find(st events.Stream) (standing, bool) {
	s, ok := w.now.streams[st]
	if !ok {
		s, ok = w.past.streams[st]
	}
	return s, ok
}

func (w *window) put(st events.Stream, s standing) {
	if _, ok := w.now.streams[st]; !ok && len(w.now.streams) >= w.full {
		w.since = max(w.since, w.past.top)
		gone := w.past.streams
		w.past, w.now = w.now, generation{streams: map[events.Stream]standing{}}
		for st, s := range gone {
			if _, again := w.past.streams[st]; !again && s.doubtful() {
				w.now.streams[st] = s
			}
		}
	}
	w.now.streams[st] = s
}
