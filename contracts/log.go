package contracts

import (
	"context"
	"errors"
	"iter"

	"github.com/daicho-dev/daicho/events"
)

// Log is the register itself: append-only, never rewritten, the one truth that everything else can be rebuilt from.
// Every implementation passes contracts/logtest.
//
// Order: there is one order of all events, and a Position names a place in it. Within a stream it is the order of appends.
//
// Durability: when Append returns, what it reports as stored has been flushed to disk (on a cluster: on a quorum).
//
// Concurrency: every method may be called from many goroutines. Calls to Append are stored in the order in which they
// were entered, as far as they succeed; several may be in flight. Only in a call where a Write is in conflict, or has to
// wait for another of its stream, and in a log that is divided over several streams of its server, may the others be stored
// later than what was entered meanwhile: so one stream stands in no two calls in flight whose order matters.
//
// Retry: nothing is retried inside after an outcome is unknown. The caller that got ErrUnknown reads the stream's events
// again and decides again; what was stored after all shows itself there, or as ErrConflict.
type Log interface {
	// Append writes each Write at the end of its own stream if the stream still stands at the Write's revision. Each
	// Write is atomic; different Writes, also of one call, are independent. One stream stands in at most one Write of a
	// call. The answer has a Result for each Write, in order. The log gives every event its position and its recorded
	// time, and never an earlier time than to the event before; where several processes append, earlier by no more than
	// their clocks are apart, and than an append takes.
	Append(ctx context.Context, writes []Write) []Result

	// Scan reads what the log holds after a position, up to the head as it stood at the call, then ends. Batches are
	// not empty. The slice belongs to the caller; the events' Data may be shared, and nobody changes it. The last error, if any, ends the
	// sequence.
	Scan(ctx context.Context, after events.Position, only Filter) iter.Seq2[[]events.Event, error]

	// Tail reads what the log holds after a position and then waits for more, until the context ends (the sequence ends
	// with the context's error) or reading fails. Connections that break are mended inside: nothing is lost or repeated.
	Tail(ctx context.Context, after events.Position, only Filter) iter.Seq2[[]events.Event, error]

	// Head is the position of the last event stored when it was asked; zero in an empty log.
	Head(ctx context.Context) (events.Position, error)
}

// Write is a number of events that belong together at the end of one stream.
type Write struct {
	Stream events.Stream
	Expect events.Revision // as a Result or an Event gave it; zero: the stream has no events; events.AnyRevision: do not ask
	Events []events.Event  // at least one, at most MaxWrite; Position, Revision, Recorded and Stream are filled in by the log
	// Known is the caller's word that it has read the log up to this position, and found Expect to be the stream's revision there. A log
	// that knows what was appended since need not look the revision up. Zero: no word is given.
	Known events.Position
}

// Result says what became of one Write.
type Result struct {
	Positions []events.Position // one an event; nil when Err is not
	Revision  events.Revision   // of the stream, after the Write
	Err       error             // nil, ErrConflict, ErrUnknown, or what kept the log from trying
}

// Filter narrows a reading to streams of the given kinds. None means all.
type Filter struct{ Kinds []string }

// Has says whether a stream passes.
func (f Filter) Has(s events.Stream) bool {
	for _, k := range f.Kinds {
		if k == s.Kind {
			return true
		}
	}
	return len(f.Kinds) == 0
}

// MaxWrite is the most events of one Write, and MaxEvent the most bytes of one event's data, that every log takes.
const (
	MaxWrite = 500
	MaxEvent = 768 << 10
)

var (
	// ErrConflict: the stream does not stand at the expected revision. Nothing of this Write is stored.
	ErrConflict = errors.New("log: the stream has moved on since it was read; decide again")
	// ErrUnknown: the log may or may not have stored the Write.
	ErrUnknown = errors.New("log: it is not known whether the write was stored; read the stream again and decide again")
	// ErrClosed: the log has been closed.
	ErrClosed = errors.New("log: closed")
)
