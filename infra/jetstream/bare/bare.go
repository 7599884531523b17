// Package bare is the yardstick: the plainest use of nats.go against a stream of the same settings, with no event, no
// header of ours and no check. What the log makes of the same bytes in the same run is to be compared with this.
package bare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

const (
	streamName = "BARE"
	subject    = "bare.log."
	// Subjects is among how many subjects the payloads are spread.
	Subjects = 1000
)

// Stream is a stream on an embedded server that syncs always, as the log's own does.
type Stream struct {
	server *server.Server
	conn   *nats.Conn
	js     jetstream.JetStream
}

// Open starts a server in a directory and makes the stream.
func Open(ctx context.Context, dir string) (*Stream, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "bare", JetStream: true, StoreDir: dir, DontListen: true, NoSigs: true, NoLog: true, SyncAlways: true,
	})
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		s.Shutdown()
		return nil, errors.New("bare: the server did not start")
	}
	b := &Stream{server: s}
	if b.conn, err = nats.Connect("", nats.InProcessServer(s)); err == nil {
		if b.js, err = jetstream.New(b.conn); err == nil {
			_, err = b.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
				Name: streamName, Subjects: []string{subject + ">"}, Storage: jetstream.FileStorage, DenyDelete: true,
				DenyPurge: true, AllowAtomicPublish: true, AllowDirect: true,
			})
		}
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// Close stops the server.
func (b *Stream) Close() {
	if b.conn != nil {
		b.conn.Close()
	}
	b.server.Shutdown()
	b.server.WaitForShutdown()
}

func at(i int) string { return subject + strconv.Itoa(i%Subjects) }

// Batches publishes the payloads in atomic batches of a size (at most 1,000), with several in flight, and returns when
// all of them are acknowledged.
func (b *Stream) Batches(ctx context.Context, payloads [][]byte, size, inFlight int) error {
	return b.each(len(payloads), size, inFlight, func(from, to int) error {
		id := nuid.Next()
		for i := from; i < to; i++ {
			m := &nats.Msg{Subject: at(i), Data: payloads[i], Header: nats.Header{
				"Nats-Batch-Id": {id}, "Nats-Batch-Sequence": {strconv.Itoa(i - from + 1)},
			}}
			if i < to-1 {
				if err := b.conn.PublishMsg(m); err != nil {
					return err
				}
				continue
			}
			m.Header["Nats-Batch-Commit"] = []string{"1"}
			answer, err := b.conn.RequestMsgWithContext(ctx, m)
			if err != nil {
				return err
			}
			var ack struct {
				Count int
				Error *struct {
					Code int `json:"err_code"`
				}
			}
			if err := json.Unmarshal(answer.Data, &ack); err != nil || ack.Error != nil || ack.Count != to-from {
				return fmt.Errorf("bare: a batch was not stored")
			}
		}
		return nil
	})
}

// Singles publishes the payloads each by itself, with several in flight.
func (b *Stream) Singles(ctx context.Context, payloads [][]byte, inFlight int) error {
	return b.each(len(payloads), 1, inFlight, func(i, _ int) error {
		_, err := b.js.Publish(ctx, at(i), payloads[i])
		return err
	})
}

func (b *Stream) each(n, size, inFlight int, publish func(from, to int) error) error {
	if size < 1 || inFlight < 1 {
		return errors.New("bare: sizes start at 1")
	}
	var wg sync.WaitGroup
	errs := make([]error, inFlight)
	next := make(chan int)
	for w := range inFlight {
		wg.Go(func() {
			for from := range next {
				if errs[w] == nil {
					errs[w] = publish(from, min(n, from+size))
				}
			}
		})
	}
	for from := 0; from < n; from += size {
		next <- from
	}
	close(next)
	wg.Wait()
	return errors.Join(errs...)
}

// Replay reads the whole stream with an ordered consumer and says how many messages it was.
func (b *Stream) Replay(ctx context.Context) (int, error) {
	c, err := b.js.OrderedConsumer(ctx, streamName, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return 0, err
	}
	info, err := c.Info(ctx)
	if err != nil || info.NumPending == 0 {
		return 0, err
	}
	n, want, done := 0, int(info.NumPending), make(chan struct{})
	consuming, err := c.Consume(func(jetstream.Msg) {
		if n++; n == want {
			close(done)
		}
	}, jetstream.PullMaxMessages(2000))
	if err != nil {
		return 0, err
	}
	defer consuming.Stop()
	select {
	case <-done:
		return want, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
