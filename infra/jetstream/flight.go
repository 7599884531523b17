package jetstream

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/nats-io/nats.go"
)

const (
	ackWait = 30 * time.Second
	newWait = 2 * time.Second // after a new leader was elected: what its predecessor took is hardly answered any more
	// What may be under way at once. The server drops what its own queue (128 MB) has no room for.
	roomMessages = 4000
	roomBytes    = 32 << 20
)

// ack is the server's answer to a batch or to a single message.
type ack struct {
	Seq   uint64 `json:"seq"`
	Count uint64 `json:"count"`
	Error *struct {
		Code int `json:"err_code"`
	} `json:"error"`
	err error
}

// flight knows what has been sent and not yet been answered.
type flight struct {
	inbox string

	mu       sync.Mutex
	next     uint64
	waiting  map[string]*sent
	messages int
	bytes    int
	freed    chan struct{} // gets a token when there may be room again
}

type sent struct {
	answer          chan ack
	timer           *time.Timer
	until           time.Time
	messages, bytes int
}

func (f *flight) init() {
	f.inbox, f.waiting, f.freed = nats.NewInbox()+".", map[string]*sent{}, make(chan struct{}, 1)
}

// takeoff registers what is about to be sent and says where its answer is to come. It waits for room, unless nothing
// else is under way; with messages 0 it asks for none. Only one caller at a time waits.
func (f *flight) takeoff(ctx context.Context, done <-chan struct{}, messages, bytes int) (string, *sent, error) {
	for {
		f.mu.Lock()
		if messages == 0 || f.messages == 0 || f.messages+messages <= roomMessages && f.bytes+bytes <= roomBytes {
			defer f.mu.Unlock()
			f.next++
			f.messages, f.bytes = f.messages+messages, f.bytes+bytes
			key := strconv.FormatUint(f.next, 36)
			s := &sent{answer: make(chan ack, 1), messages: messages, bytes: bytes, until: time.Now().Add(ackWait)}
			s.timer = time.AfterFunc(ackWait, func() { f.finish(key, ack{err: contracts.ErrUnknown}) })
			f.waiting[key] = s
			return key, s, nil
		}
		f.mu.Unlock()
		select {
		case <-f.freed:
		case <-ctx.Done():
			return "", nil, ctx.Err()
		case <-done:
			return "", nil, contracts.ErrClosed
		}
	}
}

// landed takes an answer of the server.
func (f *flight) landed(m *nats.Msg) {
	key := strings.TrimPrefix(m.Subject, f.inbox)
	var a ack
	switch {
	case m.Header.Get("Status") != "":
		a.err = errAbsent // nobody listens there, so nobody stored anything
	case len(m.Data) == 0: // taken, and part of a batch that goes on
	case json.Unmarshal(m.Data, &a) != nil:
		a.err = contracts.ErrUnknown
	case a.Error != nil && a.Error.Code == codeConflict:
		a.err = contracts.ErrConflict
	case a.Error != nil && a.Error.Code == codeBusy:
		a.err = errBusy
	case a.Error != nil:
		a.err = fmt.Errorf("log: the server refused the write, code %d", a.Error.Code)
	}
	f.finish(key, a)
}

func (f *flight) finish(key string, a ack) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s, ok := f.waiting[key]; ok {
		f.end(key, s, a)
	}
}

// hurry shortens the time for which answers to what is under way are waited for.
func (f *flight) hurry(wait time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.waiting {
		if until := time.Now().Add(wait); until.Before(s.until) && s.timer.Stop() {
			s.until = until
			s.timer.Reset(wait)
		}
	}
}

// fail ends everything under way.
func (f *flight) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, s := range f.waiting {
		f.end(key, s, ack{err: err})
	}
}

func (f *flight) end(key string, s *sent, a ack) {
	delete(f.waiting, key)
	s.timer.Stop()
	s.answer <- a
	f.messages, f.bytes = f.messages-s.messages, f.bytes-s.bytes
	select {
	case f.freed <- struct{}{}:
	default:
	}
}
