package natsbus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
)

// Metadata that this package writes beside a message's headers.
const (
	Subject = "daicho-nats-subject" // where it was published
	Reply   = "daicho-nats-reply"   // where an answer is waited for; absent if nowhere
)

// Messages and bytes that wait for whoever takes them. What comes beyond is dropped by the client, and its sender gets no answer.
const (
	maxWaiting      = 16_384
	maxWaitingBytes = 128 << 20
)

// ahead are messages that are ready while others are decided, so that they are taken together.
const ahead = 256

// Options of a connection; the zero value will do.
type Options struct {
	Credentials string               // a file of NATS credentials (.creds)
	CA          string               // a file of certificates that the server's must stem from
	Logf        func(string, ...any) // is told what went wrong beside the calls; nil: silence
}

// Bus is a connection to a server. It is a message.Publisher and a message.Subscriber of plain NATS: nothing is kept by the server, and
// Ack and Nack of a message do nothing.
type Bus struct {
	conn *nats.Conn
	logf func(string, ...any)
}

var (
	_ message.Publisher  = (*Bus)(nil)
	_ message.Subscriber = (*Bus)(nil)
)

// Speakable says why a server at a URL is not spoken to, or nothing. What travels is clear personal data, so that one on another machine is
// spoken to over TLS only.
func Speakable(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return errors.New("nats: an address is nats://host:port, or tls://host:port")
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme != "tls" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("nats: a server on another machine is spoken to over TLS: tls://host:port")
	}
	return nil
}

// Connect speaks to the server at a URL (nats:// or tls://, with user, password or token where it wants them). A server that is away is
// waited for.
func Connect(address string, o Options) (*Bus, error) {
	if err := Speakable(address); err != nil {
		return nil, err
	}
	var more []nats.Option
	if o.Credentials != "" {
		more = append(more, nats.UserCredentials(o.Credentials))
	}
	if o.CA != "" {
		more = append(more, nats.RootCAs(o.CA))
	}
	return connect(address, o, more...)
}

func connect(address string, o Options, more ...nats.Option) (*Bus, error) {
	b := &Bus{logf: o.Logf}
	if b.logf == nil {
		b.logf = func(string, ...any) {}
	}
	conn, err := nats.Connect(address, append(more,
		nats.Name("daicho"), nats.Timeout(5*time.Second), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(250*time.Millisecond),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { b.logf("nats: %v", err) }),
	)...)
	if err != nil {
		return nil, fmt.Errorf("nats: no connection: %w", err)
	}
	b.conn = conn
	return b, nil
}

// Err says that the server is away, or nothing.
func (b *Bus) Err() error {
	if b.conn.IsConnected() {
		return nil
	}
	return errors.New("the NATS server is away; it is tried again")
}

// Publish sends messages to a subject; metadata become headers.
func (b *Bus) Publish(topic string, messages ...*message.Message) error {
	for _, m := range messages {
		out := nats.NewMsg(topic)
		out.Data = m.Payload
		for k, v := range m.Metadata {
			out.Header.Set(k, v)
		}
		if err := b.conn.PublishMsg(out); err != nil {
			return fmt.Errorf("nats: publishing: %w", err)
		}
	}
	return nil
}

// Subscribe hands over what is published to a subject from now on. Several engines that subscribe share it.
func (b *Bus) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	out := make(chan *message.Message, ahead)
	sub, err := b.conn.QueueSubscribe(topic, "daicho", func(in *nats.Msg) {
		select {
		case out <- read(ctx, in.Subject, in.Reply, in.Header, in.Data):
		case <-ctx.Done():
		}
	})
	if err != nil {
		return nil, fmt.Errorf("nats: subscribing: %w", err)
	}
	if err := sub.SetPendingLimits(maxWaiting, maxWaitingBytes); err != nil {
		return nil, fmt.Errorf("nats: subscribing: %w", err)
	}
	var closing sync.Once
	sub.SetClosedHandler(func(string) { closing.Do(func() { close(out) }) }) // once the last call above has returned
	go func() {
		<-ctx.Done()
		_ = sub.Unsubscribe()
	}()
	return out, nil
}

// Flush waits until the server has what was published and knows what was subscribed.
func (b *Bus) Flush() error {
	if err := b.conn.FlushTimeout(2 * time.Second); err != nil {
		return fmt.Errorf("nats: %w", err)
	}
	return nil
}

// Close sends what is still to be sent, and ends the connection with its subscriptions.
func (b *Bus) Close() error {
	if b.conn.IsConnected() {
		_ = b.Flush()
	}
	b.conn.Close()
	return nil
}

// read is a message as it came. A header that stands twice counts once, as the first.
func read(ctx context.Context, subject, reply string, header nats.Header, data []byte) *message.Message {
	m := message.NewMessageWithContext(ctx, watermill.NewUUID(), data)
	for k, v := range header {
		if len(v) > 0 {
			m.Metadata.Set(k, v[0])
		}
	}
	delete(m.Metadata, Reply)
	m.Metadata.Set(Subject, subject)
	if reply != "" {
		m.Metadata.Set(Reply, reply)
	}
	return m
}
