package natsbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// Peer is a process of one engine, as it says itself what it does now.
type Peer struct {
	ID    string            `json:"id"`    // random, of this run
	URL   string            `json:"url"`   // of its HTTP surface
	Parts map[string]string `json:"parts"` // what it serves → its state; Serving, or why not yet
}

// Serving is the state of a part that answers.
const Serving = "serving"

// PeersSubject is where peers are asked. As a NATS micro service they show in `nats micro list` as well.
const PeersSubject = "daicho.peers"

// How often others are asked, how long answers are gathered, and how many times somebody may be silent before they are taken for gone.
const (
	askEvery  = time.Second
	gatherFor = 300 * time.Millisecond
	silences  = 10 // a busy machine is not a dead one; who is dead is passed over when it cannot be reached
)

// Peers tells others what this process does, and knows what they do. What it knows is some seconds old; who is asked all the same and has
// gone does not answer, and the next is asked.
type Peers struct {
	conn    *nats.Conn
	service micro.Service
	self    func() Peer
	cancel  context.CancelFunc
	done    chan struct{}

	mu     sync.Mutex
	heard  map[string]answered
	failed error
}

type answered struct {
	Peer
	silent int
}

// Join makes this process one of the peers on the bus. Self is asked each time that another wants to know.
func (b *Bus) Join(self func() Peer) (*Peers, error) {
	p := &Peers{conn: b.conn, self: self, done: make(chan struct{}), heard: map[string]answered{}}
	var err error
	p.service, err = micro.AddService(b.conn, micro.Config{
		Name: "daicho", Version: "1.0.0", Description: "a process of a register of personal data", QueueGroupDisabled: true,
		ErrorHandler: func(_ micro.Service, e *micro.NATSError) { b.logf("nats: peers: %s", e.Description) },
	})
	if err == nil {
		err = p.service.AddEndpoint("peers", micro.HandlerFunc(func(r micro.Request) { _ = r.RespondJSON(self()) }), micro.WithEndpointSubject(PeersSubject))
	}
	if err != nil {
		return nil, fmt.Errorf("nats: joining the peers: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	go p.listen(ctx)
	return p, nil
}

// Close leaves the peers.
func (p *Peers) Close() error {
	p.cancel()
	<-p.done
	return p.service.Stop()
}

// Err is why others cannot be asked now, or nil.
func (p *Peers) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

// Others are the other peers that have answered of late, in the order of their IDs.
func (p *Peers) Others() []Peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []Peer
	for _, a := range p.heard {
		all = append(all, a.Peer)
	}
	slices.SortFunc(all, func(a, b Peer) int { return strings.Compare(a.ID, b.ID) })
	return all
}

func (p *Peers) listen(ctx context.Context) {
	defer close(p.done)
	for ctx.Err() == nil {
		all, err := p.ask(ctx)
		p.hear(all, err)
		select {
		case <-ctx.Done():
		case <-time.After(askEvery):
		}
	}
}

func (p *Peers) hear(all []Peer, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed = err; err != nil {
		return // who is there is not known; those who were are asked until they fail
	}
	for id, a := range p.heard {
		if a.silent++; a.silent >= silences {
			delete(p.heard, id)
		} else {
			p.heard[id] = a
		}
	}
	for _, x := range all {
		p.heard[x.ID] = answered{Peer: x}
	}
}

// ask gathers what everybody answers for a while.
func (p *Peers) ask(ctx context.Context) ([]Peer, error) {
	inbox := p.conn.NewRespInbox()
	sub, err := p.conn.SubscribeSync(inbox)
	if err != nil {
		return nil, fmt.Errorf("nats: asking for peers: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := p.conn.PublishRequest(PeersSubject, inbox, nil); err != nil {
		return nil, fmt.Errorf("nats: asking for peers: %w", err)
	}
	until, cancel := context.WithTimeout(ctx, gatherFor)
	defer cancel()
	var all []Peer
	for {
		m, err := sub.NextMsgWithContext(until)
		switch {
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
			if !p.conn.IsConnected() {
				return nil, errors.New("nats: the server is away; who else is there is not known")
			}
			return all, nil
		case errors.Is(err, nats.ErrNoResponders):
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("nats: asking for peers: %w", err)
		}
		var x Peer
		if json.Unmarshal(m.Data, &x) == nil && x.ID != "" && x.ID != p.self().ID {
			all = append(all, x)
		}
	}
}
