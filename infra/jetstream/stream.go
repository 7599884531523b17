package jetstream

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What servers answer. The last ones: while they have not found together yet, or while too few of them run.
const (
	codeConflict    = 10071 // the expectation is wrong, and the server says what would be right
	codeBusy        = 10164 // it is wrong, or it cannot be said yet
	codeNotFound    = 10037 // no such message
	codeLeaderless  = 10008
	codeNoPeers     = 10005
	codeNoRoom      = 10023
	codeOffline     = 10118
	codeStreamAbove = 10074 // replicas > 1 on a server that is in no cluster
	codeNameTaken   = 10058 // a stream of the name is there, with other settings
	codeOverlap     = 10065 // another stream has its subjects
)

// elected is where a server says that it leads a stream now.
const elected = "$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED."

var errDenied = errors.New("log: the server does not give this user all rights that the log needs: publish to " + prefix + ">, $JS.API.> and " +
	"$JS.ACK.>, subscribe to _INBOX.> and $JS.EVENT.ADVISORY.STREAM.>; the log of the engine names what was refused")

// part is one stream on the server: the only one of a log, one of several that its events are divided over, or the one that holds their order.
type part struct {
	log    *Log
	name   string
	prefix string // what all its subjects begin with
	stream jetstream.Stream
	copies int  // how many servers keep it
	made   bool // it was not there
	ahead  int  // so many events a reading has at once, at the most
}

// open finds or makes the stream. Servers that are starting are waited for.
func (p *part) open(ctx context.Context, want jetstream.StreamConfig, asked bool) error {
	want.Name, want.Subjects = p.name, []string{p.prefix + ">"}
	if err := p.log.patient(ctx, func(ctx context.Context) (err error) {
		p.stream, err = p.log.js.Stream(ctx, p.name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			p.made = true
			p.stream, err = p.log.js.CreateStream(ctx, want)
		}
		return err
	}); err != nil {
		return cannot(err, want.Replicas)
	}
	got := p.stream.CachedInfo().Config
	if made, parts := got.Metadata[partitions], want.Metadata[partitions]; made != parts { // another process has made it meanwhile
		return otherwise(made, parts)
	}
	if err := sound(got, want, asked); err != nil {
		return err
	}
	p.copies = got.Replicas
	if err := p.log.patient(ctx, p.listens); err != nil {
		return fmt.Errorf("log: the stream takes no events: %w", err)
	}
	if p.copies > 1 {
		_, err := p.log.conn.Subscribe(elected+p.name, func(*nats.Msg) { p.log.flight.hurry(newWait) })
		return err
	}
	return nil
}

// end is the place of the stream's last event when it was asked; zero if it has none.
func (p *part) end(ctx context.Context) (at events.Position, err error) {
	err = p.log.ask(ctx, func(ctx context.Context) error {
		info, err := p.stream.Info(ctx)
		if err == nil {
			at = events.Position(info.State.LastSeq)
		}
		return err
	})
	return at, err
}

// last is the stream's last event; nil if it has none. Servers that are starting are waited for.
func (p *part) last(ctx context.Context) (last *events.Event, err error) {
	if err = p.log.patient(ctx, func(ctx context.Context) error {
		info, err := p.stream.Info(ctx)
		if err == nil && info.State.LastSeq > 0 {
			last, err = p.first(ctx, info.State.LastSeq, p.prefix+">")
		}
		return err
	}); err != nil {
		return nil, fmt.Errorf("log: the last event cannot be read: %w", err)
	}
	return last, nil
}

// listens asks whether events reach the stream's leader from here. A new stream's leader is known to the other servers a
// moment later only. What it is sent says that it is for another stream, so that it is always refused.
func (p *part) listens(ctx context.Context) error {
	m := &nats.Msg{Subject: p.prefix + "-.-", Header: nats.Header{"Nats-Expected-Stream": {"-"}}}
	_, err := p.log.conn.RequestMsgWithContext(ctx, m)
	if errors.Is(err, nats.ErrNoResponders) {
		err = errAbsent
	}
	return err
}

// settings are those of every stream: it keeps everything, on as many servers as was asked, or else on three of a cluster.
func settings(replicas int, cluster bool) jetstream.StreamConfig {
	if replicas == 0 {
		if replicas = 1; cluster {
			replicas = 3
		}
	}
	return jetstream.StreamConfig{
		Storage:   jetstream.FileStorage,
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, Replicas: replicas,
		MaxMsgs: -1, MaxBytes: -1, MaxMsgsPerSubject: -1, MaxMsgSize: -1, MaxConsumers: -1,
		DenyDelete: true, DenyPurge: true, AllowAtomicPublish: true, AllowDirect: true,
	}
}

// sound compares a stream that was there with what it has to be. Asked says that the number of replicas was; otherwise
// more than are wanted are welcome.
func sound(got, want jetstream.StreamConfig, asked bool) error {
	loses := func(setting string) error {
		return fmt.Errorf("log: the stream %s on the server does not keep everything as it was written (%s): another program made or "+
			"changed it; let the engine make its own on another server or account, or set it right with `nats stream edit %s`",
			want.Name, setting, want.Name)
	}
	switch {
	case !slices.Equal(got.Subjects, want.Subjects):
		return loses("its subjects are not " + want.Subjects[0])
	case got.Storage != want.Storage:
		return loses("it is in memory")
	case got.Retention != want.Retention:
		return loses("its retention is not by limits")
	case got.MaxMsgs > 0 || got.MaxBytes > 0 || got.MaxAge > 0 || got.MaxMsgsPerSubject > 0 || got.AllowMsgTTL:
		return loses("it has limits")
	case got.MaxMsgSize > 0 && got.MaxMsgSize < 1<<20:
		return loses("it refuses large messages")
	case !got.DenyDelete || !got.DenyPurge || got.AllowRollup:
		return loses("it lets events be deleted")
	case got.NoAck || got.PersistMode != want.PersistMode:
		return loses("it answers before an event is on disk, or not at all")
	case got.Mirror != nil || len(got.Sources) > 0 || got.SubjectTransform != nil || got.AllowMsgCounter:
		return loses("it holds what others write")
	case got.Sealed || !got.AllowAtomicPublish:
		return loses("it takes no batches")
	case asked && got.Replicas != want.Replicas || got.Replicas < want.Replicas:
		return fmt.Errorf("log: the stream is kept by %d of the servers and should be by %d: change it with `nats stream edit %s --replicas=%d`, "+
			"or say replicas=%d in the log's address", got.Replicas, want.Replicas, want.Name, want.Replicas, got.Replicas)
	}
	return nil
}

// cannot says why there is no stream.
func cannot(err error, replicas int) error {
	var e *jetstream.APIError
	if errors.As(err, &e) {
		switch e.ErrorCode {
		case codeNoPeers, codeNoRoom, codeOffline:
			return fmt.Errorf("log: the cluster has fewer than %d servers with room for the log: start the others, or say replicas= in the "+
				"log's address (%w)", replicas, err)
		case codeStreamAbove:
			return errors.New("log: the server is in no cluster and keeps one copy: leave replicas out of the log's address")
		case codeNameTaken, codeOverlap:
			return fmt.Errorf("log: another process has just made the log with another number of partitions, or another stream of the server takes %s>: "+
				"start again, and leave --partitions out; if it stays so, look for that stream with `nats stream ls` (%w)", prefix, err)
		}
	}
	return fmt.Errorf("log: the stream cannot be opened: %w", err)
}

// patient repeats a request while the servers are finding together, for startWait at the most.
func (l *Log) patient(ctx context.Context, request func(context.Context) error) error {
	l.denied.Store(false)
	for end := time.Now().Add(startWait); ; {
		asking, cancel := context.WithTimeout(ctx, askWait)
		err := request(asking)
		silent := asking.Err() != nil
		cancel()
		var e *jetstream.APIError
		again := silent || errors.Is(err, errAbsent) || errors.As(err, &e) && slices.Contains([]jetstream.ErrorCode{codeLeaderless, codeNoPeers, codeNoRoom, codeOffline}, e.ErrorCode)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !again || l.denied.Load() || time.Now().After(end):
			switch {
			case l.denied.Load():
				return errDenied
			case silent:
				return errSilent
			}
			return err
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// first is the first event from a place on that a filter lets through, as the stream's leader has it; nil if there is
// none. No other server is asked: it may lag behind.
func (p *part) first(ctx context.Context, from uint64, filter string) (*events.Event, error) {
	return p.message(ctx, map[string]any{"seq": from, "next_by_subj": filter})
}

// message is one event of the stream as its leader has it; nil if there is none.
func (p *part) message(ctx context.Context, which map[string]any) (*events.Event, error) {
	request, err := json.Marshal(which)
	if err != nil {
		return nil, err
	}
	m, err := p.log.conn.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+p.name, request)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Subject string `json:"subject"`
			Seq     uint64 `json:"seq"`
			Header  string `json:"hdrs"`
			Data    []byte `json:"data"`
		} `json:"message"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return nil, errMessage
	}
	if answer.Error != nil {
		if answer.Error.ErrorCode == codeNotFound {
			return nil, nil
		}
		return nil, answer.Error
	}
	raw, err := base64.StdEncoding.DecodeString(answer.Message.Header)
	if err != nil {
		return nil, errMessage
	}
	header, err := nats.DecodeHeadersMsg(raw)
	if err != nil {
		return nil, errMessage
	}
	subject, ok := strings.CutPrefix(answer.Message.Subject, p.prefix)
	if !ok {
		return nil, errMessage
	}
	e, err := decode(subject, header, answer.Message.Data, answer.Message.Seq)
	return &e, err
}
