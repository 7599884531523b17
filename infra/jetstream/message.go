package jetstream

import (
	"errors"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/internal/attribute"
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
	hLast       = "Nats-Expected-Last-Sequence"
	hBatch      = "Nats-Batch-Id"
	hBatchSeq   = "Nats-Batch-Sequence"
	hBatchFinal = "Nats-Batch-Commit"
)

var errMessage = errors.New("log: a message of the stream is not an event of this engine")

// encode makes the message of an event, but for what is known only when it is sent. The subject is what all subjects of its stream begin
// with.
func encode(subject string, s events.Stream, e *events.Event) *nats.Msg {
	return &nats.Msg{Subject: subject + s.Kind + "." + s.ID, Data: e.Data, Header: nats.Header{
		hVersion: {"1.0"},
		hID:      {attribute.Escape(e.ID)},
		hSource:  {attribute.Escape(e.Source)},
		hType:    {attribute.Escape(e.Type)},
		hTime:    {e.Time.UTC().Format(attribute.Clock)},
		hPolicy:  {attribute.Escape(e.Policy)},
	}}
}

// decode reads what encode wrote. The subject is without its beginning.
func decode(subject string, h nats.Header, data []byte, seq uint64) (e events.Event, err error) {
	kind, id, ok := strings.Cut(subject, ".")
	if !ok || !attribute.Token(kind) || !attribute.Token(id) || first(h, hVersion) != "1.0" {
		return e, errMessage
	}
	e = events.Event{
		Position: events.Position(seq), Revision: events.Revision(seq), Stream: events.Stream{Kind: kind, ID: id}, Data: data,
	}
	for _, a := range [...]struct {
		to  *string
		key string
	}{{&e.ID, hID}, {&e.Source, hSource}, {&e.Type, hType}, {&e.Policy, hPolicy}} {
		if *a.to, ok = attribute.Unescape(first(h, a.key)); !ok {
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
