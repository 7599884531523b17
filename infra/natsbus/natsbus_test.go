package natsbus

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io/fs"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	asked  = "daicho.intake.>"
	queued = "daicho.queue.>"
)

func listen(t *testing.T) (*Listener, *Bus) {
	t.Helper()
	l, err := Listen("127.0.0.1:0", ListenOptions{
		Subjects: []string{asked, queued}, Knows: func(token string) bool { return token == "one" || token == "two" },
		Logf: func(format string, a ...any) { t.Logf(format, a...) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	b, err := l.Bus()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return l, b
}

func dial(t *testing.T, l *Listener, token string) *nats.Conn {
	t.Helper()
	c, err := nats.Connect(l.Address(), nats.Token(token), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func take(t *testing.T, from <-chan *message.Message) *message.Message {
	t.Helper()
	select {
	case m, ok := <-from:
		if !ok {
			t.Fatal("the channel is closed")
		}
		return m
	case <-time.After(20 * time.Second):
		t.Fatal("no message comes")
	}
	return nil
}

func subscribe(t *testing.T, s message.Subscriber, topic string) (<-chan *message.Message, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	ch, err := s.Subscribe(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	return ch, cancel
}

func TestAskedAndAnswered(t *testing.T) {
	l, b := listen(t)
	ch, cancel := subscribe(t, b, asked)
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
	go func() {
		m := take(t, ch)
		if m.Metadata.Get(Subject) != "daicho.intake.rental.web" || m.Metadata.Get("ce-id") != "1" || m.Metadata.Get("Twice") != "a" || string(m.Payload) != "{}" {
			t.Errorf("came as %v %s", m.Metadata, m.Payload)
		}
		answer := message.NewMessage("", []byte("done"))
		answer.Metadata.Set("content-type", "text/plain")
		if err := b.Publish(m.Metadata.Get(Reply), answer); err != nil {
			t.Error(err)
		}
	}()
	q := nats.NewMsg("daicho.intake.rental.web")
	q.Header.Set("ce-id", "1")
	q.Header["Twice"] = []string{"a", "b"}
	q.Header.Set(Reply, "elsewhere")
	q.Header.Set(Subject, "elsewhere")
	q.Data = []byte("{}")
	a, err := dial(t, l, "one").RequestMsg(q, 20*time.Second)
	if err != nil || string(a.Data) != "done" || a.Header.Get("content-type") != "text/plain" {
		t.Fatalf("%v %v", a, err)
	}
	q.Reply = ""
	if err := dial(t, l, "one").PublishMsg(q); err != nil {
		t.Fatal(err)
	}
	if m := take(t, ch); m.Metadata.Get(Reply) != "" {
		t.Error("a sender says where an answer goes that it does not wait for")
	}
	cancel()
	for range ch { // until it is closed
	}
}

// A token's bearer can publish where it is offered, and hear its own answers: nothing of others, nothing of ours.
func TestNobodyHearsAnother(t *testing.T) {
	l, b := listen(t)
	ch, _ := subscribe(t, b, asked)
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []nats.Option{nats.Token("three"), nats.Token(""), nats.UserInfo("daicho", "")} {
		if c, err := nats.Connect(l.Address(), wrong); err == nil {
			c.Close()
			t.Fatal("somebody unknown is let in")
		}
	}
	one, two := dial(t, l, "one"), dial(t, l, "two")
	var heard [3]*nats.Subscription
	for i, subject := range []string{"_INBOX.>", "daicho.>", ">"} {
		var err error
		if heard[i], err = two.SubscribeSync(subject); err != nil {
			t.Fatal(err)
		}
	}
	if err := two.Flush(); err != nil {
		t.Fatal(err)
	}
	go func() {
		m := take(t, ch)
		_ = b.Publish(m.Metadata.Get(Reply), message.NewMessage("", []byte("for one")))
	}()
	if _, err := one.Request("daicho.intake.a", []byte("of one"), 20*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := one.Publish("daicho.log.person.x", []byte("forged")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(one.Flush(), two.Flush()); err != nil {
		t.Fatal(err)
	}
	for _, s := range heard {
		if m, err := s.NextMsg(10 * time.Millisecond); err == nil {
			t.Errorf("a bearer of another token hears %q", m.Subject)
		}
	}
	if _, err := one.Request("$JS.API.INFO", nil, 200*time.Millisecond); err == nil {
		t.Error("an emitter reaches JetStream's own interface")
	}
}

// What is acknowledged is gone; what is not comes again, in order, before anything newer; and nothing is written to a disk.
func TestQueue(t *testing.T) {
	l, b := listen(t)
	q := NewQueue(b, "INTAKE")
	ch, cancel := subscribe(t, q, queued)
	c := dial(t, l, "one")
	send := func(from, to int) {
		t.Helper()
		for i := from; i < to; i++ {
			a, err := c.Request("daicho.queue.rental.web", []byte("canary-"+strconv.Itoa(i)), 20*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(a.Data, []byte(`"seq"`)) {
				t.Fatalf("the server answers %s", a.Data)
			}
		}
	}
	send(0, 20)
	var taken []*message.Message
	for i := range 20 { // all of them, before the first is acknowledged
		m := take(t, ch)
		if string(m.Payload) != "canary-"+strconv.Itoa(i) {
			t.Fatalf("%s comes as the %dth", m.Payload, i)
		}
		taken = append(taken, m)
	}
	for i, m := range taken {
		if i < 5 {
			m.Ack()
		} else {
			m.Nack()
		}
	}
	cancel()
	for m := range ch {
		m.Nack()
	}
	send(20, 25)
	ch, cancel = subscribe(t, q, queued)
	for i := 5; i < 25; i++ {
		m := take(t, ch)
		if string(m.Payload) != "canary-"+strconv.Itoa(i) {
			t.Fatalf("%s comes again, not canary-%d", m.Payload, i)
		}
		m.Ack()
	}
	if err := filepath.WalkDir(l.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte("canary")) {
			t.Errorf("%s holds a message", filepath.Base(path))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	cancel()
	for range ch {
	}
	js, err := jetstream.New(b.conn)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), "INTAKE")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the queue is empty", func() bool { // acknowledgements take their time
		i, err := s.Info(t.Context())
		return err == nil && i.State.Msgs == 0 && i.Config.Storage == jetstream.MemoryStorage
	})
}

func TestWhatIsNoQueueIsRefused(t *testing.T) {
	_, b := listen(t)
	js, err := jetstream.New(b.conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "KEEPS", Subjects: []string{"keeps"}, Storage: jetstream.MemoryStorage, MaxBytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	if _, err := NewQueue(b, "KEEPS").Subscribe(t.Context(), queued); err == nil {
		t.Error("a stream that keeps everything is taken for a queue")
	}
	for _, address := range []string{"", "nats://", "nats://192.0.2.1:4222", "nats://example.org"} {
		if b, err := Connect(address, Options{}); err == nil {
			_ = b.Close()
			t.Errorf("%q is spoken to", address)
		}
	}
	for _, address := range []string{"", "127.0.0.1", "0.0.0.0:0", "192.0.2.1:0", "127.0.0.1:x"} {
		if l, err := Listen(address, ListenOptions{}); err == nil {
			l.Close()
			t.Errorf("it listens at %q", address)
		}
	}
}

// With a certificate it may listen for others, who then speak TLS or nothing.
func TestTLS(t *testing.T) {
	borrowed := httptest.NewTLSServer(nil) // its certificate is for 127.0.0.1
	defer borrowed.Close()
	l, err := Listen("0.0.0.0:0", ListenOptions{
		TLS: &tls.Config{Certificates: borrowed.TLS.Certificates, MinVersion: tls.VersionTLS12}, Subjects: []string{asked}, Knows: func(s string) bool { return s == "one" },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	ours, err := l.Bus()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	ch, _ := subscribe(t, ours, asked)
	if err := ours.Flush(); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: borrowed.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	theirs, err := Connect("tls://one@127.0.0.1:"+port, Options{CA: ca})
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	if err := theirs.Publish("daicho.intake.a", message.NewMessage("", []byte("over TLS"))); err != nil {
		t.Fatal(err)
	}
	if m := take(t, ch); string(m.Payload) != "over TLS" {
		t.Errorf("%s", m.Payload)
	}
	if c, err := nats.Connect("tls://one@127.0.0.1:" + port); err == nil {
		c.Close()
		t.Error("a certificate of nobody's is believed")
	}
	raw, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Write([]byte("CONNECT {\"auth_token\":\"one\"}\r\nPUB daicho.intake.a 5\r\nclear\r\nPING\r\n")); err != nil {
		t.Fatal(err)
	}
	select {
	case m := <-ch:
		t.Errorf("%q is taken in the clear", m.Payload)
	case <-time.After(200 * time.Millisecond):
	}
}
