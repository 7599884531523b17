package intake

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/unicode/norm"

	"github.com/daicho-dev/daicho/events"
)

// Submission is one CloudEvent as it came, read but not decided.
type Submission struct {
	ID      string
	Source  string
	Kind    *events.Kind // nil: none of the contract
	Type    string
	Subject events.Identifier // empty for events about nobody
	Time    time.Time
	Fact    events.Fact
	Data    []byte          // the fact as it was submitted
	Raw     []byte          // as it came, where no data could be told
	Refused *events.Refusal // it is not of the contract's form
	Again   bool            // out of the quarantine: if it is refused, whoever sends it again keeps it there
}

// Limits of what is read.
const (
	MaxEventBytes = 16 << 20 // one event; larger ones are refused unread
	MaxBodyBytes  = 64 << 20 // one request
	MaxBatch      = 10_000   // events of one request
)

// envelope is the structured form. Extensions that tracing and brokers add are taken and dropped; any other name is refused,
// those that the engine itself adds (position, recorded, policy) among them.
type envelope struct {
	SpecVersion     string         `json:"specversion"`
	ID              string         `json:"id"`
	Source          string         `json:"source"`
	Type            string         `json:"type"`
	Subject         string         `json:"subject"`
	Time            string         `json:"time"`
	DataContentType string         `json:"datacontenttype"`
	DataSchema      string         `json:"dataschema"`
	TraceParent     jsontext.Value `json:"traceparent"`
	TraceState      jsontext.Value `json:"tracestate"`
	PartitionKey    jsontext.Value `json:"partitionkey"`
	Sequence        jsontext.Value `json:"sequence"`
	Data            jsontext.Value `json:"data"`
}

var envelopeFields = map[string]bool{
	"specversion": true, "id": true, "source": true, "type": true, "subject": true, "time": true, "datacontenttype": true,
	"dataschema": true, "data": true,
}

// ReadStructured reads one CloudEvent in structured mode.
func ReadStructured(b []byte) Submission {
	var e envelope
	if len(b) > MaxEventBytes {
		return Submission{Refused: schema("", "is larger than 16 MiB")} // and kept nowhere
	}
	if err := json.Unmarshal(b, &e, json.RejectUnknownMembers(true)); err != nil {
		// The envelope again, leniently: a refusal should name the event that it is about, where that can be read.
		var known envelope
		_ = json.Unmarshal(b, &known, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		s := known.submission(false)
		if s.Data == nil {
			s.Raw = b
		}
		s.Refused = envelopeRefusal(&known, err)
		return s
	}
	return e.submission(true)
}

func envelopeRefusal(e *envelope, err error) *events.Refusal {
	var pointer jsontext.Pointer
	text := "has the wrong JSON type"
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &syntax):
		pointer, text = syntax.JSONPointer, "is not JSON, or ends too early"
		if errors.Is(err, jsontext.ErrDuplicateName) {
			text = "has a name twice"
		}
	case errors.As(err, &semantic):
		pointer = semantic.JSONPointer
		if errors.Is(err, json.ErrUnknownName) {
			text = "has an attribute that the contract does not know, or that only the engine writes"
		}
	}
	for first := range pointer.Tokens() {
		switch {
		case !envelopeFields[first]:
			return schema("", text)
		case first == "data" && e.Data != nil:
			if k, ok := events.KindOf(e.Type); ok {
				if _, r := events.Submitted(k, e.Data); r != nil {
					return r // the same fault, with its place in the data
				}
			}
		}
		return schema("/"+first, text)
	}
	return schema("", text)
}

// ReadBinary reads one CloudEvent in binary mode: attributes in ce- headers, percent-encoded as the HTTP binding has it.
func ReadBinary(h http.Header, body []byte) Submission {
	e := envelope{
		SpecVersion: h.Get("Ce-Specversion"), ID: header(h, "Ce-Id"), Source: header(h, "Ce-Source"), Type: header(h, "Ce-Type"),
		Subject: header(h, "Ce-Subject"), Time: header(h, "Ce-Time"), DataContentType: h.Get("Content-Type"), Data: body,
	}
	for name := range h {
		if attr, ok := strings.CutPrefix(strings.ToLower(name), "ce-"); ok && !envelopeFields[attr] {
			switch attr {
			case "traceparent", "tracestate", "partitionkey", "sequence":
			default:
				s := e.submission(false)
				s.Refused = schema("", "has an attribute that the contract does not know, or that only the engine writes")
				return s
			}
		}
	}
	return e.submission(true)
}

func header(h http.Header, name string) string {
	v := h.Get(name)
	if !strings.ContainsRune(v, '%') {
		return v
	}
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		if v[i] == '%' && i+2 < len(v) {
			hi, lo := unhex(v[i+1]), unhex(v[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(v[i])
	}
	return b.String()
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func schema(field, text string) *events.Refusal {
	return &events.Refusal{Rule: events.RuleSchema, Field: field, Text: text}
}

// submission checks the attributes and, unless something was wrong already, reads the data.
func (e *envelope) submission(check bool) Submission {
	s := Submission{ID: e.ID, Source: e.Source, Type: e.Type, Subject: events.Identifier(norm.NFC.String(e.Subject)), Data: e.Data}
	s.Kind, _ = events.KindOf(e.Type)
	t, timeErr := time.Parse(time.RFC3339Nano, e.Time)
	s.Time = t.UTC().Truncate(time.Millisecond)
	if !check {
		return s
	}
	media, _, _ := mime.ParseMediaType(e.DataContentType)
	switch {
	case e.SpecVersion != "1.0":
		s.Refused = schema("/specversion", "is not 1.0")
	case e.ID == "" || len(e.ID) > 200:
		s.Refused = schema("/id", "is required, with at most 200 characters")
	case !strings.HasPrefix(e.Source, "/") || len(e.Source) > 200:
		s.Refused = schema("/source", "is required: a path that the policy's catalogue lists")
	case s.Kind == nil:
		s.Refused = schema("/type", "is not an event type of this contract")
	case timeErr != nil:
		s.Refused = schema("/time", "is required: RFC 3339, with offset")
	case s.Time.Year() < 1970 || s.Time.Year() > 9998:
		s.Refused = schema("/time", "is not a year that can be right")
	case e.DataContentType != "" && media != "application/json":
		s.Refused = schema("/datacontenttype", "is not application/json")
	case len(e.Data) == 0:
		s.Refused = schema("/data", "is required")
	}
	if s.Refused == nil {
		s.Refused = s.checkSubject()
	}
	if s.Refused == nil {
		s.Fact, s.Refused = events.Submitted(s.Kind, s.Data)
	}
	return s
}

func (s *Submission) checkSubject() *events.Refusal {
	if s.Subject == "" {
		if s.Kind.Stream == "person" && s.Kind.Type != events.TypeDisposalConfirmed {
			return schema("/subject", "is required: the person, as <scheme>:<key>")
		}
		return nil
	}
	if s.Kind.Stream != "person" {
		return schema("/subject", "is of no use here: this type is about no person")
	}
	if _, ok := events.ParseIdentifier(string(s.Subject)); !ok {
		return schema("/subject", "is not a person (<scheme>:<key>)")
	}
	return nil
}

// ErrBody is a request that cannot be read as events at all.
type ErrBody struct{ Text string }

func (e *ErrBody) Error() string { return e.Text }

// ReadRequest reads a request's events in whichever of the four forms it has. A faulty event is a Submission with its refusal; only a
// body that cannot be told apart into events is an error.
func ReadRequest(h http.Header, body io.Reader) (all []Submission, single bool, err error) {
	media, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	b, err := readAll(body)
	if err != nil {
		return nil, false, err
	}
	switch media {
	case "application/cloudevents+json":
		return []Submission{ReadStructured(b)}, true, nil
	case "application/cloudevents-batch+json":
		var parts []jsontext.Value
		if err := json.Unmarshal(b, &parts, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
			return nil, false, &ErrBody{"the body is not a whole JSON array of events; nothing of it was recorded"}
		}
		if len(parts) > MaxBatch {
			return nil, false, &ErrBody{"the body has more than 10,000 events; send fewer at a time"}
		}
		all = make([]Submission, 0, len(parts))
		for _, p := range parts {
			all = append(all, ReadStructured(p))
		}
		return all, false, nil
	case "application/x-ndjson":
		all = make([]Submission, 0, min(MaxBatch, bytes.Count(b, []byte("\n"))+1))
		for line := range bytes.Lines(b) {
			if line = bytes.TrimSpace(line); len(line) == 0 {
				continue
			}
			if len(all) == MaxBatch {
				return nil, false, &ErrBody{"the body has more than 10,000 events; send fewer at a time"}
			}
			all = append(all, ReadStructured(line))
		}
		return all, false, nil
	}
	if h.Get("Ce-Specversion") == "" {
		return nil, false, &ErrBody{"the request is no CloudEvent: send ce- headers, or a content type of application/cloudevents+json, application/cloudevents-batch+json or application/x-ndjson"}
	}
	return []Submission{ReadBinary(h, b)}, true, nil
}

func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxBodyBytes+1))
	if err != nil {
		return nil, &ErrBody{"the body ended before it was whole; nothing of it was recorded"}
	}
	if len(b) > MaxBodyBytes {
		return nil, &ErrBody{"the body is larger than 64 MiB; send fewer events at a time"}
	}
	return b, nil
}
