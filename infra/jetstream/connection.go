package jetstream

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	soonest = 100 * time.Millisecond // before a lost connection is made again, first and at the most
	latest  = time.Second
)

// pingEvery is how often a connection on which nothing comes is asked for; two that are not answered, and it is lost.
var pingEvery = 5 * time.Second

// dial connects as an address says. The connection is then kept for ever: whatever ends it, it is made again.
func (l *Log) dial(a address, more ...nats.Option) (*nats.Conn, error) {
	options := append(more,
		nats.Name("daicho"),
		nats.Timeout(10*time.Second),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // who is refused now may have been given rights again later
		nats.CustomReconnectDelay(pause),
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2),
		// A publish that cannot be sent now fails now, and is then known not to be stored.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(*nats.Conn, error) {
			if !l.isClosed() {
				l.opts.logf("log: the connection to the server is lost; it is being made again")
			}
			l.disconnected()
		}),
		nats.ReconnectHandler(func(*nats.Conn) { l.opts.logf("log: the connection to the server is there again") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { l.opts.logf("log: %s", l.heard(err)) }),
	)
	for _, name := range fileSettings {
		if file := a.files[name]; file != "" {
			if _, err := os.ReadFile(file); err != nil {
				return nil, fmt.Errorf("log: the file that %s names cannot be read: %w", name, err)
			}
		}
	}
	if a.tls {
		options = append(options, nats.Secure(&tls.Config{MinVersion: tls.VersionTLS12}))
		if file := a.files[sCA]; file != "" {
			options = append(options, nats.RootCAs(file))
		}
		if file := a.files[sCert]; file != "" {
			options = append(options, nats.ClientCert(file, a.files[sKey]))
		}
	}
	switch {
	case a.files[sCreds] != "":
		options = append(options, nats.UserCredentials(a.files[sCreds]))
	case a.user != "":
		options = append(options, nats.UserInfoHandler(func() (string, string) { return a.user, a.secret(sPassword, passwordVariable) }))
	case a.secret(sToken, tokenVariable) != "":
		options = append(options, nats.TokenHandler(func() string { return a.secret(sToken, tokenVariable) }))
	}
	conn, err := nats.Connect(strings.Join(a.servers, ","), options...)
	return conn, refusal(err)
}

// pause doubles from one attempt at all servers to the next, and differs from client to client.
func pause(attempts int) time.Duration {
	d := min(latest, soonest<<min(attempts, 10))
	return d/2 + rand.N(d)
}

// refusal says what to do about a connection that was not made.
func refusal(err error) error {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var expired x509.CertificateInvalidError
	says := ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrNoServers):
		says = "no server answers at the addresses given"
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked), errors.Is(err, nats.ErrAccountAuthExpired):
		says = "the server does not let the engine in: give it creds=, tokenFile= or user= with passwordFile= (or " + tokenVariable + ", " +
			passwordVariable + ") in the log's address, as the server knows them"
	case errors.Is(err, nats.ErrSecureConnWanted):
		says = "the server does not speak TLS: have it do so, or say tls=false in the log's address where nobody else can listen"
	case errors.As(err, &authority):
		says = "the server's certificate comes from an authority that is not known here: name it with tlsCaFile= in the log's address"
	case errors.As(err, &name):
		says = "the server's certificate is for another name than the one in the log's address"
	case errors.As(err, &expired):
		says = "the server's certificate is not valid"
	case strings.Contains(err.Error(), "remote error: tls:"), strings.Contains(err.Error(), "after TLS handshake"):
		says = "the server does not take the engine's certificate: name one that it knows with userCertFile= and userKeyFile= in the log's address"
	}
	if says == "" {
		return fmt.Errorf("log: no connection to the server: %w", err)
	}
	return fmt.Errorf("log: %s (%w)", says, err)
}

var errAway = errors.New("log: there is no connection to the server just now; it is being made again")

// away says it where nats.go has no words for it.
func away(err error) error {
	for _, e := range []error{nats.ErrReconnectBufExceeded, nats.ErrConnectionReconnecting, nats.ErrDisconnected} {
		if errors.Is(err, e) {
			return errAway
		}
	}
	return err
}

// heard puts what the server says beside a request into words for a log. A refusal names the subject, which names a person.
func (l *Log) heard(err error) string {
	switch {
	case !errors.Is(err, nats.ErrPermissionViolation):
		return err.Error()
	case strings.Contains(err.Error(), prefix):
		l.denied.Store(true)
		return "the server does not let this user publish to " + prefix + ">"
	}
	l.denied.Store(true)
	return err.Error()
}
