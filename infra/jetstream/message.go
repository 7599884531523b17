package jetstream

import (
	"errors"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/nats-io/nats.go"
)

// The attributes of an event as headers: a CloudEvent in binary mode.
const (
	hVersion  = "ce-specversion"
	hID       = "ce-id"
	hSource   = "ce-source"
	hType     = "ce-type"
	hTime     = "ce-time"
	hRecorded = "ce-daichorecorded"
	hPolicy   = "ce-daichopolicy"

	hExpect     = "Nats-Expected-Last-Subject-Sequence"
	hBatch      = "Nats-Batch-Id"
	hBatchSeq   = "Nats-Batch-Sequence"
	hBatchFinal = "Nats-Batch-Commit"

	clock = "2006-01-02T15:04:05.000Z07:00"
)

var errMessage = errors.New("log: a message of the stream is not an event of this engine")

// encode makes the message of an event, but for what is known only when it is sent.
func encode(s events.Stream, e *events.Event) *nats.Msg {
	return &nats.Msg{Subject: prefix + s.Kind + "." + s.ID, Data: e.Data, Header: nats.Header{
		hVersion: {"1.0"},
		hID:      {escape(e.ID)},
		hSource:  {escape(e.Source)},
		hType:    {escape(e.Type)},
		hTime:    {e.Time.UTC().Format(clock)},
		hPolicy:  {escape(e.Policy)},
	}}
}

// decode reads what encode wrote.
func decode(subject string, h nats.Header, data []byte, seq uint64) (e events.Event, err error) {
	rest, ok := strings.CutPrefix(subject, prefix)
	kind, id, dot := strings.Cut(rest, ".")
	if !ok || !dot || !token(kind) || !token(id) || first(h, hVersion) != "1.0" {
		return e, errMessage
	}
	e = events.Event{
		Position: events.Position(seq), Revision: events.Revision(seq), Stream: events.Stream{Kind: kind, ID: id}, Data: data,
	}
	for _, a := range [...]struct {
		to  *string
		key string
	}{{&e.ID, hID}, {&e.Source, hSource}, {&e.Type, hType}, {&e.Policy, hPolicy}} {
		if *a.to, ok = unescape(first(h, a.key)); !ok {
			return events.Event{}, errMessage
		}
	}
	var err1, err2 error
	e.Time, err1 = time.Parse(time.RFC3339, first(h, hTime))
	e.Recorded, err2 = time.Parse(time.RFC3339, first(h, hRecorded))
	if err1 != nil || err2 != nil {
		return events.Event{}, errMessage
	}
	e.Time, e.Recorded = e.Time.UTC().Truncate(time.Millisecond), e.Recorded.UTC().Truncate(time.Millisecond)
	return e, nil
}

// first is Header.Get without its fallbacks: keys here are written exactly.
func first(h nats.Header, key string) string {
	if v := h[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// token says whether a part of a stream's name may stand in a subject.
func token(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != ""
}

func plain(c byte) bool { return c > ' ' && c < 0x7f && c != '"' && c != '%' }

const hex = "0123456789ABCDEF"

// escape writes an attribute the way that CloudEvents put it into a header: what is not a visible ASCII character, and
// the quote and the percent sign, as %XX. So no attribute can end a header line, and none is changed on its way.
func escape(s string) string {
	n := 0
	for i := range len(s) {
		if !plain(s[i]) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	b := make([]byte, 0, len(s)+2*n)
	for i := range len(s) {
		if c := s[i]; plain(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

// unescape reads what escape wrote.
func unescape(s string) (string, bool) {
	if strings.IndexByte(s, '%') < 0 {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		hi, lo := strings.IndexByte(hex, s[i+1]), strings.IndexByte(hex, s[i+2])
		if hi < 0 || lo < 0 {
			return "", false
		}
		b = append(b, byte(hi<<4|lo))
		i += 2
	}
	return string(b), true
}
