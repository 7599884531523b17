package edges

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/go-json-experiment/json"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/natsbus"
	"github.com/daicho-dev/daicho/services/intake"
)

// Subjects that emitters publish to; what follows is the event's source, its slashes as dots.
const (
	asking  = "daicho.intake." // and wait for an answer
	queuing = "daicho.queue."
)

// Rules by which poison is in the quarantine. They are none of a decision: nothing was decided.
const (
	ruleToken      = "token"      // who sent it is not known
	ruleUnreadable = "unreadable" // it is no event
	ruleUndecided  = "undecided"  // the engine failed at it, again and again, and at nothing else
)

// parcel is a message on its way, and the events that it holds.
type parcel struct {
	msg      *message.Message
	header   http.Header
	caller   intake.Caller
	events   []intake.Submission
	single   bool
	spent    bool                // the gateway has had the events
	receipts []contracts.Receipt // of each event, once decided
	problem  *contracts.Problem  // it came to nothing
	rule     string              // and why, as the quarantine says it
	cause    error               // the engine's own fault, for its log
}

// open finds out what a message holds, and who sent it.
func (e *Edge) open(m *message.Message) *parcel {
	p := &parcel{msg: m, header: http.Header{}}
	for k, v := range m.Metadata {
		p.header.Set(k, v)
	}
	if p.header.Get("Content-Type") == "" && p.header.Get("Ce-Specversion") == "" { // as the NATS binding of CloudEvents has it
		p.header.Set("Content-Type", "application/cloudevents+json")
	}
	if err := p.read(); err != nil {
		p.fail(err)
	}
	if caller, unknown := e.who(p); unknown != nil {
		p.problem, p.rule = unknown, ruleToken
	} else {
		p.caller = caller
	}
	return p
}

// read reads the events. What the gateway was given once is its own, so that it is read again before another try.
func (p *parcel) read() (err error) {
	if p.events, p.single, err = intake.ReadRequest(p.header, bytes.NewReader(p.msg.Payload)); err != nil {
		return err
	}
	if suffix, ok := p.subject(); ok {
		for i := range p.events {
			if s := &p.events[i]; dotted(s.Source) != suffix && s.Source != "" {
				s.Refused = &events.Refusal{Rule: "not_your_source", Field: "/source", Text: "is not the source that the message's subject names"}
			}
		}
	}
	return nil
}

// subject is the part of the NATS subject that names the source.
func (p *parcel) subject() (string, bool) {
	subject := p.msg.Metadata.Get(natsbus.Subject)
	if s, ok := strings.CutPrefix(subject, asking); ok {
		return s, true
	}
	return strings.CutPrefix(subject, queuing)
}

// dotted is a source as a subject names it.
func dotted(source string) string {
	return strings.ReplaceAll(strings.TrimPrefix(source, "/"), "/", ".")
}

func (p *parcel) fail(err error) {
	var internal bool
	p.problem, internal = intake.Problem(err)
	p.rule = ruleUndecided
	var body *intake.ErrBody
	if errors.As(err, &body) {
		p.rule = ruleUnreadable
	}
	if internal {
		p.cause = err
	}
}

// poison is what the quarantine keeps of a message: each event that could be read, or the message as it came.
func (p *parcel) poison(g *intake.Gateway) []contracts.Quarantined {
	now := time.Now().UTC()
	if len(p.events) == 0 {
		return []contracts.Quarantined{intake.Unread(p.msg.Payload, p.rule, now)}
	}
	all := make([]contracts.Quarantined, len(p.events))
	for i := range p.events {
		all[i] = p.events[i].Kept(g.Organisation(), p.rule, "", now)
	}
	return all
}

// teller says who sent a message.
type teller func(*parcel) (intake.Caller, *contracts.Problem)

// byToken says who sent a message by the token in its header, as over HTTP.
func (h House) byToken(p *parcel) (intake.Caller, *contracts.Problem) {
	secret, ok := strings.CutPrefix(p.header.Get("Authorization"), "Bearer ")
	if !ok {
		return intake.Caller{}, intake.Unknown("send a token: Authorization: Bearer …")
	}
	caller, ok := h.Tokens.Caller(secret)
	if !ok {
		return caller, intake.Unknown("this token is not known here, or has been revoked")
	}
	return caller, nil
}

// bySubject trusts the server's own permissions: who may publish to a subject may write under its source. A token still says more.
func (h House) bySubject(p *parcel) (intake.Caller, *contracts.Problem) {
	if p.header.Get("Authorization") != "" {
		return h.byToken(p)
	}
	suffix, ok := p.subject()
	if !ok || suffix == "" {
		return intake.Caller{}, intake.Unknown("the message's subject names no source")
	}
	return intake.Caller{Role: "emitter", Sources: []string{"/" + strings.ReplaceAll(suffix, ".", "/")}}, nil
}

// answer tells who asked what became of their events: the same as over HTTP.
func (e *Edge) answer(p *parcel) {
	if p.cause != nil {
		e.Logger.Error().Err(p.cause).Int("events", len(p.events)).Msg("events could not be decided")
	}
	to := p.msg.Metadata.Get(natsbus.Reply)
	if to == "" || e.answers == nil {
		return
	}
	status, body := 0, any(p.problem)
	if p.problem == nil {
		status, body = intake.Answer(p.receipts, p.single)
	}
	media := "application/json"
	if problem, ok := body.(*contracts.Problem); ok {
		status, media = problem.Status, "application/problem+json"
	}
	text, err := json.Marshal(body, json.Deterministic(true))
	if err == nil {
		out := message.NewMessage("", text)
		out.Metadata.Set("content-type", media)
		out.Metadata.Set("daicho-status", strconv.Itoa(status))
		err = e.answers.Publish(to, out)
	}
	if err != nil {
		e.Logger.Error().Err(fmt.Errorf("answering: %w", err)).Msg("an emitter was not answered; it will send again")
	}
}
