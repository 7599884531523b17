package natsbus

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	ours       = "DAICHO"
	maxPayload = 8 << 20
	startWait  = 30 * time.Second
)

// ListenOptions of a server of our own.
type ListenOptions struct {
	TLS      *tls.Config
	Subjects []string                // that emitters may publish to
	Knows    func(token string) bool // whether a token may connect
	Logf     func(string, ...any)
}

// Listener is a NATS server inside this process. Emitters connect with a token, publish to the subjects that are offered, and get answers;
// nothing else: each token has an account of its own, so that nobody hears what another sends or is told. Its JetStream keeps messages in
// memory only.
type Listener struct {
	server  *server.Server
	dir     string
	options ListenOptions
	secret  string // of our own connection
	account *server.Account

	mu       sync.Mutex
	accounts map[string]*server.Account
}

// Listen starts one at host:port.
func Listen(address string, o ListenOptions) (*Listener, error) {
	host, port, err := net.SplitHostPort(address)
	n, portErr := strconv.Atoi(port)
	if err != nil || portErr != nil {
		return nil, errors.New("nats: the address to listen at is host:port")
	}
	if ip := net.ParseIP(host); o.TLS == nil && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, errors.New("nats: the address to listen at can be reached by others: give --tls-cert and --tls-key, or listen on 127.0.0.1")
	}
	if n == 0 {
		n = server.RANDOM_PORT
	}
	l := &Listener{options: o, secret: rand.Text(), accounts: map[string]*server.Account{}}
	if l.dir, err = os.MkdirTemp("", "daicho-nats-"); err != nil { // JetStream wants a folder; streams in memory write nothing there
		return nil, fmt.Errorf("nats: %w", err)
	}
	l.server, err = server.NewServer(&server.Options{
		ServerName: "daicho-intake", Host: host, Port: n, TLSConfig: o.TLS, NoSigs: true, NoLog: true, MaxPayload: maxPayload,
		JetStream: true, StoreDir: l.dir, JetStreamMaxMemory: queueMemory, JetStreamMaxStore: 1 << 20, CustomClientAuthentication: l,
	})
	if err != nil {
		_ = os.RemoveAll(l.dir)
		return nil, fmt.Errorf("nats: %w", err)
	}
	if o.Logf != nil {
		l.server.SetLogger(logger{o.Logf}, false, false)
	}
	if err := l.open(); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Listener) open() (err error) {
	if l.account, err = l.server.RegisterAccount(ours); err != nil {
		return fmt.Errorf("nats: %w", err)
	}
	l.server.Start()
	if !l.server.ReadyForConnections(startWait) {
		return errors.New("nats: the server did not start; is its address taken?")
	}
	if err := l.account.EnableJetStream(map[string]server.JetStreamAccountLimits{"": {
		MaxMemory: queueMemory, MaxStore: 0, MaxStreams: 1, MaxConsumers: -1, MaxAckPending: -1,
	}}, nil); err != nil {
		return fmt.Errorf("nats: %w", err)
	}
	for _, s := range l.options.Subjects {
		if err := l.account.AddServiceExport(s, nil); err != nil {
			return fmt.Errorf("nats: %w", err)
		}
	}
	return nil
}

// Address is where emitters reach it.
func (l *Listener) Address() string {
	scheme := "nats"
	if l.options.TLS != nil {
		scheme = "tls"
	}
	return scheme + "://" + l.server.Addr().String()
}

// Bus is a connection of our own, inside the process.
func (l *Listener) Bus() (*Bus, error) {
	return connect("", Options{Logf: l.options.Logf}, nats.InProcessServer(l.server), nats.Token(l.secret))
}

// Close ends the server. What is still in its queue is gone.
func (l *Listener) Close() {
	l.server.Shutdown()
	l.server.WaitForShutdown()
	_ = os.RemoveAll(l.dir)
}

// Check implements server.Authentication: who connects gives a token, as the server's token or as a password.
func (l *Listener) Check(c server.ClientAuthentication) bool {
	token := c.GetOpts().Token
	if token == "" {
		token = c.GetOpts().Password
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(l.secret)) == 1 {
		c.RegisterUser(&server.User{Username: "daicho", Account: l.account})
		return true
	}
	if token == "" || !l.options.Knows(token) {
		return false
	}
	account, err := l.emitter(token)
	if err != nil {
		l.options.logf("nats: %v", err)
		return false
	}
	c.RegisterUser(&server.User{Username: "emitter", Account: account, Permissions: &server.Permissions{
		Publish: &server.SubjectPermission{Allow: l.options.Subjects}, Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
	}})
	return true
}

// emitter is the account of a token, made when it first connects.
func (l *Listener) emitter(token string) (*server.Account, error) {
	sum := sha256.Sum256([]byte(token))
	name := "emitter-" + hex.EncodeToString(sum[:8])
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.accounts[name]; a != nil {
		return a, nil
	}
	a, err := l.server.RegisterAccount(name)
	if err != nil {
		return nil, err
	}
	for _, s := range l.options.Subjects {
		if err := a.AddServiceImport(l.account, s, ""); err != nil {
			return nil, err
		}
	}
	l.accounts[name] = a
	return a, nil
}

func (o ListenOptions) logf(format string, a ...any) {
	if o.Logf != nil {
		o.Logf(format, a...)
	}
}

// logger passes on why the server cannot go on. Everything else may quote what an emitter wrote.
type logger struct{ logf func(string, ...any) }

func (logger) Noticef(string, ...any)           {}
func (logger) Warnf(string, ...any)             {}
func (l logger) Fatalf(format string, a ...any) { l.logf("nats: "+format, a...) }
func (logger) Errorf(string, ...any)            {}
func (logger) Debugf(string, ...any)            {}
func (logger) Tracef(string, ...any)            {}
