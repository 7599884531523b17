package eventstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/internal/attribute"
)

const (
	ours     = "daicho."         // begins the type of every event of a register; the server filters by it
	plainest = ours + "event"    // the type of an event whose own type does not begin so, or is not plain
	partType = "daicho-part"     // data that lies beside its event
	beside   = "daicho:beside-"  // begins the stream of such data; no register's stream has a name like it
	nothing  = "daicho:nothing-" // no stream begins so
)

var errRecord = errors.New("log: an event in the register's streams was not written by this engine")

// attributes are an event's, as its metadata carries them: a CloudEvent without its data. Recorded comes last, since it is known last.
type attributes struct {
	Version string `json:"specversion"`
	ID      string `json:"id"`
	Source  string `json:"source"`
	Type    string `json:"type"`
	Time    string `json:"time"`
	Policy  string `json:"daichopolicy"`
	// Beside says where the data is, when it was too much for one append: stream and number.
	Beside   string `json:"daichobeside,omitempty"`
	Recorded string `json:"daichorecorded"`
}

// names are how a register's streams are called in the database.
type names struct{ prefix string }

func newNames(register string) (names, error) {
	if register == "" {
		return names{}, nil
	}
	if !attribute.Token(register) {
		return names{}, errors.New("log: a register's name in a database is of a–z, 0–9, _ and -")
	}
	return names{register + ":"}, nil
}

// kind begins the names of all streams of a kind. A hyphen inside the kind is a dot there, so that the first hyphen ends it.
func (n names) kind(k string) string { return n.prefix + strings.ReplaceAll(k, "-", ".") + "-" }

func (n names) write(s events.Stream) string { return n.kind(s.Kind) + s.ID }

// read is the stream of a name; false if it is another register's or no register's.
func (n names) read(name string) (s events.Stream, ok bool) {
	rest, ok := strings.CutPrefix(name, n.prefix)
	if !ok || strings.ContainsRune(rest, ':') {
		return s, false
	}
	kind, id, ok := strings.Cut(rest, "-")
	s = events.Stream{Kind: strings.ReplaceAll(kind, ".", "-"), ID: id}
	return s, ok && attribute.Token(s.Kind) && attribute.Token(s.ID)
}

// request is a reading of the register's events, filtered by the server; the caller says from where, which way and how far.
func (n names) request(kinds []string) *streams.ReadReq {
	f := &streams.ReadReq_Options_FilterOptions{
		Window: &streams.ReadReq_Options_FilterOptions_Max{Max: window}, CheckpointIntervalMultiplier: checkpoints,
	}
	switch {
	case len(kinds) > 0:
		f.Filter = &streams.ReadReq_Options_FilterOptions_StreamIdentifier{StreamIdentifier: &streams.ReadReq_Options_FilterOptions_Expression{Prefix: n.prefixes(kinds)}}
	case n.prefix != "":
		f.Filter = &streams.ReadReq_Options_FilterOptions_StreamIdentifier{StreamIdentifier: &streams.ReadReq_Options_FilterOptions_Expression{Prefix: []string{n.prefix}}}
	default:
		f.Filter = &streams.ReadReq_Options_FilterOptions_EventType{EventType: &streams.ReadReq_Options_FilterOptions_Expression{Prefix: []string{ours}}}
	}
	return &streams.ReadReq{Options: &streams.ReadReq_Options{
		FilterOption: &streams.ReadReq_Options_Filter{Filter: f},
		UuidOption:   &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_Structured{Structured: &shared.Empty{}}},
	}}
}

func (n names) prefixes(kinds []string) (all []string) {
	seen := map[string]bool{}
	for _, k := range kinds {
		if attribute.Token(k) && !seen[k] {
			all, seen[k] = append(all, n.kind(k)), true
		}
	}
	if len(all) == 0 { // no event can be of such kinds, but a tail waits all the same
		all = append(all, nothing)
	}
	return all
}

// encode makes an event's message, but for the recorded time: its metadata ends where that goes.
func encode(e *events.Event, besides string) (*streams.BatchAppendReq_ProposedMessage, error) {
	meta, err := json.Marshal(attributes{
		Version: "1.0", ID: attribute.Escape(e.ID), Source: attribute.Escape(e.Source), Type: attribute.Escape(e.Type),
		Time: e.Time.UTC().Format(attribute.Clock), Policy: attribute.Escape(e.Policy), Beside: besides,
	})
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	t := e.Type
	if !strings.HasPrefix(t, ours) || attribute.Escape(t) != t {
		t = plainest
	}
	m := message(t, e.Data)
	m.CustomMetadata = meta[:len(meta)-len(`"}`)]
	return m, nil
}

// record completes a message with the recorded time.
func record(m *streams.BatchAppendReq_ProposedMessage, stamp string) {
	m.CustomMetadata = append(append(m.CustomMetadata, stamp...), `"}`...)
}

func message(typ string, data []byte) *streams.BatchAppendReq_ProposedMessage {
	content := "application/octet-stream"
	if len(data) > 0 && data[0] == '{' {
		content = "application/json"
	}
	return &streams.BatchAppendReq_ProposedMessage{Id: newID(), Metadata: map[string]string{"type": typ, "content-type": content}, Data: data}
}

func newID() *shared.UUID {
	u := uuid.New()
	var most, least uint64
	for i := range 8 {
		most, least = most<<8|uint64(u[i]), least<<8|uint64(u[8+i])
	}
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits: int64(most), LeastSignificantBits: int64(least),
	}}}
}

// position is where a record stands. What was appended at once has one place for both its positions; two would be a transaction over
// several appends, which this engine never makes and whose events one number could not tell apart.
func position(commit, prepare uint64) (events.Position, error) {
	if commit == math.MaxUint64 {
		return 0, fmt.Errorf("%w: it does not tell positions in streams", errServer)
	}
	if commit != prepare || commit == 0 {
		return 0, errRecord
	}
	return events.Position(commit), nil
}

// decode reads what encode wrote. It is false for what is not this register's.
func (n names) decode(r *streams.ReadResp_ReadEvent_RecordedEvent) (e events.Event, ok bool, err error) {
	e, _, ok, err = n.decodeAll(r)
	return e, ok, err
}

// decodeAll also says where the data is, if it lies beside the event.
func (n names) decodeAll(r *streams.ReadResp_ReadEvent_RecordedEvent) (e events.Event, besides string, ok bool, err error) {
	if e.Stream, ok = n.read(string(r.GetStreamIdentifier().GetStreamName())); !ok || !strings.HasPrefix(r.GetMetadata()["type"], ours) {
		return events.Event{}, "", false, nil
	}
	if e.Position, err = position(r.GetCommitPosition(), r.GetPreparePosition()); err != nil {
		return events.Event{}, "", false, err
	}
	var a attributes
	if json.Unmarshal(r.GetCustomMetadata(), &a) != nil || a.Version != "1.0" {
		return events.Event{}, "", false, errRecord
	}
	for _, p := range [...]struct {
		to   *string
		from string
	}{{&e.ID, a.ID}, {&e.Source, a.Source}, {&e.Type, a.Type}, {&e.Policy, a.Policy}} {
		if *p.to, ok = attribute.Unescape(p.from); !ok {
			return events.Event{}, "", false, errRecord
		}
	}
	var err1, err2 error
	e.Time, err1 = time.Parse(time.RFC3339, a.Time)
	e.Recorded, err2 = time.Parse(time.RFC3339, a.Recorded)
	if err1 != nil || err2 != nil {
		return events.Event{}, "", false, errRecord
	}
	e.Time, e.Recorded = e.Time.UTC().Truncate(time.Millisecond), e.Recorded.UTC().Truncate(time.Millisecond)
	e.Revision, e.Data = revision(r.GetStreamRevision()), r.GetData()
	return e, a.Beside, true, nil
}

// revision is the token of a stream whose last event has a number; the first one has number 0.
func revision(number uint64) events.Revision { return events.Revision(number + 1) }

// place reads where data lies beside its event.
func place(besides string) (stream string, number uint64, err error) {
	i := strings.LastIndexByte(besides, '/')
	if i < 0 || !strings.HasPrefix(besides, beside) {
		return "", 0, errRecord
	}
	if number, err = strconv.ParseUint(besides[i+1:], 10, 64); err != nil {
		return "", 0, errRecord
	}
	return besides[:i], number, nil
}
