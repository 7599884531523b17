package events

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Position is a place in the log: an event's own, or the place that an answer rests on. It may be compared and handed
// back, never computed with. Zero is before the first event.
type Position uint64

// String writes a position the way that answers carry it. To callers it is opaque.
func (p Position) String() string { return strconv.FormatUint(uint64(p), 10) }

// ParsePosition reads what String wrote.
func ParsePosition(s string) (Position, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("a position is a number that an answer of this engine named")
	}
	return Position(n), nil
}

// MarshalText and UnmarshalText make a position a string in JSON.
func (p Position) MarshalText() ([]byte, error) { return strconv.AppendUint(nil, uint64(p), 10), nil }

// UnmarshalText reads a position.
func (p *Position) UnmarshalText(b []byte) (err error) {
	*p, err = ParsePosition(string(b))
	return err
}

// Revision is a stream's state, as the log's adapter names it: handed back with an append, never computed with. Zero is
// a stream without events.
type Revision uint64

// AnyRevision appends without asking how the stream stands. Only for streams whose events are independent of each other.
const AnyRevision = ^Revision(0)

// Stream names what an event is about: a person by pseudonym, a recipient, a request. Both parts are of [a-z0-9_-], so
// that a stream is a NATS subject token and an EventStoreDB stream name as it is.
type Stream struct{ Kind, ID string }

// PersonStream is the stream of one person.
func PersonStream(p Pseudonym) Stream { return Stream{"person", string(p)} }

// String is `<kind>-<id>`.
func (s Stream) String() string { return s.Kind + "-" + s.ID }

// Person is the pseudonym whose stream this is, or empty.
func (s Stream) Person() Pseudonym {
	if s.Kind == "person" {
		return Pseudonym(s.ID)
	}
	return ""
}

// ParseStream reads what String wrote.
func ParseStream(s string) (Stream, bool) {
	kind, id, ok := strings.Cut(s, "-")
	return Stream{kind, id}, ok && kind != "" && id != ""
}

// Pseudonym is a person inside the log: 26 random characters of [a-z2-7], and nothing else.
type Pseudonym string

// Event is one recorded event: a CloudEvent whose attributes and data hold nothing of a person in the clear. Before it
// is appended, Position, Revision and Recorded are zero: the log gives them.
type Event struct {
	Position Position
	Revision Revision  // of its stream, this event included
	Recorded time.Time // by the log's clock, UTC, milliseconds; never decreasing within a log
	Stream   Stream
	ID       string    // a tag of the submitted (source, id)
	Type     string    // "daicho.collected.v1"
	Source   string    // a path of the catalogue
	Time     time.Time // when it happened, as the emitter says; milliseconds
	Policy   string    // the catalogue version under which it was decided
	Data     []byte    // the fact, as JSON
}
