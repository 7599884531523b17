// Package jetstream is the log on NATS JetStream: embedded in this process, or a server elsewhere. README.md tells the
// life of an event here.
package jetstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	prefix    = "daicho.log."
	startWait = 30 * time.Second
	askWait   = 5 * time.Second
)

var errSilent = errors.New("log: the server does not answer")

// Options of a log; the zero value will do.
type Options struct {
	Logf   func(string, ...any) // gets the server's warnings, and what was mended; nil: silence
	Listen string               // Embedded only: host:port to serve others at; empty: nobody outside this process
	// Partitions is over how many streams a new log is divided; zero: as the log is, and a new one is not. A log stays as it was made.
	Partitions int
}

// Log is a contracts.Log on JetStream. Embedded and Connect make one.
type Log struct {
	opts   Options
	server *server.Server // nil when it runs elsewhere
	conn   *nats.Conn
	js     jetstream.JetStream
	parts  []*part // the streams that events are in
	order  *order  // of their events, if there are several

	turn   chan struct{} // holds a token while calls publish: whoever has it comes next in the log
	last   time.Time     // the latest recorded time; under turn
	flight flight
	window window

	denied atomic.Bool // the server has refused something to this user
	mu     sync.Mutex
	broken chan struct{} // closed, and replaced, when the connection is lost

	done    chan struct{}
	closing sync.Once
	working sync.WaitGroup // what goes on beside the calls
}

var _ contracts.Log = (*Log)(nil)

// Embedded opens the log in a directory, with a server of its own inside this process. One process at a time may have
// the directory.
func Embedded(ctx context.Context, dir string, opts Options) (*Log, error) {
	o := &server.Options{
		ServerName: "daicho", JetStream: true, StoreDir: dir, DontListen: true,
		NoSigs: true, NoLog: true,
		// What Append reports as stored must outlive a power cut.
		SyncAlways: true,
	}
	if opts.Listen != "" {
		host, port, err := net.SplitHostPort(opts.Listen)
		if err != nil {
			return nil, fmt.Errorf("log: the address to listen at is host:port")
		}
		o.Host, o.DontListen = host, false
		if o.Port, err = strconv.Atoi(port); err != nil {
			return nil, fmt.Errorf("log: the address to listen at is host:port")
		}
		if o.Port == 0 {
			o.Port = server.RANDOM_PORT
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	s.SetLogger(logger{opts.logf}, false, false)
	s.Start()
	if !s.ReadyForConnections(startWait) {
		s.Shutdown()
		return nil, errors.New("log: the server did not start")
	}
	l, err := open(ctx, address{replicas: 1, alone: opts.Listen == ""}, opts, nats.InProcessServer(s))
	if err != nil {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, err
	}
	l.server = s
	return l, nil
}

// Connect opens the log on a server elsewhere, or on a cluster of them: jetstream://host:port, with several hosts divided
// by commas, and settings that README.md lists. The servers have to run with sync_interval: always: nothing else keeps the
// promise that what is stored is on disk.
func Connect(ctx context.Context, url string, opts Options) (*Log, error) {
	a, err := parse(url)
	if err != nil {
		return nil, err
	}
	return open(ctx, a, opts)
}

func open(ctx context.Context, a address, opts Options, more ...nats.Option) (*Log, error) {
	l := &Log{opts: opts, turn: make(chan struct{}, 1), broken: make(chan struct{}), done: make(chan struct{})}
	l.flight.init()
	conn, err := l.dial(a, more...)
	if err != nil {
		return nil, err
	}
	l.conn = conn
	if err := l.prepare(ctx, a); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Address is where others reach an embedded server that listens, as Connect takes it; otherwise empty.
func (l *Log) Address() string {
	if l.server == nil || l.opts.Listen == "" {
		return ""
	}
	return "jetstream://" + l.server.Addr().String()
}

// Head implements contracts.Log.
func (l *Log) Head(ctx context.Context) (events.Position, error) {
	if l.isClosed() {
		return 0, contracts.ErrClosed
	}
	if l.order != nil {
		return l.order.head(ctx)
	}
	return l.parts[0].end(ctx)
}

// ask does a request to the server that may be repeated. It does not wait for an answer that was lost with the connection.
func (l *Log) ask(ctx context.Context, request func(context.Context) error) error {
	asking, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	broken := l.whenBroken()
	go func() {
		select {
		case <-broken:
		case <-l.done:
		case <-asking.Done():
		}
		cancel()
	}()
	err := request(asking)
	switch {
	case err == nil:
		return nil
	case l.isClosed():
		return contracts.ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	case asking.Err() != nil:
		return errSilent
	}
	return away(err)
}

// Close ends every call under way, the connection, and the embedded server.
func (l *Log) Close() {
	l.closing.Do(func() {
		l.mu.Lock()
		close(l.done)
		l.mu.Unlock()
		l.flight.fail(contracts.ErrUnknown)
		l.working.Wait()
		l.conn.Close()
		if l.server != nil {
			l.server.Shutdown()
			l.server.WaitForShutdown()
		}
	})
}

func (l *Log) isClosed() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// beside does something beside the calls, which Close waits for; nothing, once the log is closed.
func (l *Log) beside(do func()) {
	l.mu.Lock() // so that Close does not miss it
	defer l.mu.Unlock()
	if !l.isClosed() {
		l.working.Go(do)
	}
}

// disconnected: an acknowledgement that was under way may be lost, and consumers may be gone.
func (l *Log) disconnected() {
	l.flight.fail(contracts.ErrUnknown)
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.broken)
	l.broken = make(chan struct{})
}

func (l *Log) whenBroken() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

func (o Options) logf(format string, a ...any) {
	if o.Logf != nil {
		o.Logf(format, a...)
	}
}

// logger passes the server's warnings on, and keeps its chatter back.
type logger struct{ logf func(string, ...any) }

func (logger) Noticef(string, ...any)           {}
func (l logger) Warnf(format string, a ...any)  { l.logf("nats: "+format, a...) }
func (l logger) Fatalf(format string, a ...any) { l.logf("nats: "+format, a...) }
func (l logger) Errorf(format string, a ...any) { l.logf("nats: "+format, a...) }
func (logger) Debugf(format string, a ...any)   {}
func (logger) Tracef(format string, a ...any)   {}
