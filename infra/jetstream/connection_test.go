package jetstream

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/jetstream/clustertest"
)

// file writes a test's file.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// works stores something through a connection and reads it.
func works(t *testing.T, url string) {
	t.Helper()
	l := connect(t, url, 0)
	defer l.Close()
	before := count(t, l)
	if r := l.Append(t.Context(), []contracts.Write{one(1), one(2)}); r[0].Err != nil || r[1].Err != nil {
		t.Fatal(r)
	}
	if n := count(t, l) - before; n != 2 {
		t.Fatalf("%d events instead of two", n)
	}
}

func count(t *testing.T, l *Log) (n int) {
	t.Helper()
	for batch, err := range l.Scan(t.Context(), 0, contracts.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		n += len(batch)
	}
	return n
}

// refused tries to connect, and wants an error that says what to do and holds no secret.
func refused(t *testing.T, url, says string) {
	t.Helper()
	l, err := Connect(t.Context(), url, Options{Logf: t.Logf})
	if err == nil {
		l.Close()
		t.Errorf("%s: let in", says)
	} else if !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hush") {
		t.Errorf("%s: %v", says, err)
	}
}

// TestTLS: three servers that speak TLS only and take clients by their certificates.
func TestTLS(t *testing.T) {
	ca, other := clustertest.NewAuthority(t), clustertest.NewAuthority(t)
	cert, key := ca.Issue("server", "127.0.0.1")
	mine, mineKey := ca.Issue("engine")
	foreign, foreignKey := other.Issue("engine")
	elsewhere, elsewhereKey := ca.Issue("server", "elsewhere.example")
	c := clustertest.Start(t, clustertest.Options{
		Conf: fmt.Sprintf("tls { cert_file: %q, key_file: %q, ca_file: %q, verify: true }\n", cert, key, ca.File),
		Dial: []nats.Option{nats.RootCAs(ca.File), nats.ClientCert(mine, mineKey)},
	})
	works(t, c.URL()+"?tlsCaFile="+ca.File+"&userCertFile="+mine+"&userKeyFile="+mineKey)
	refused(t, c.URL()+"?tls=true", "name it with tlsCaFile=")
	refused(t, c.URL()+"?tlsCaFile="+other.File+"&userCertFile="+mine+"&userKeyFile="+mineKey, "name it with tlsCaFile=")
	refused(t, c.URL()+"?tlsCaFile="+ca.File, "userCertFile=")
	refused(t, c.URL()+"?tlsCaFile="+ca.File+"&userCertFile="+foreign+"&userKeyFile="+foreignKey, "userCertFile=")
	refused(t, c.URL()+"?tlsCaFile="+filepath.Join(t.TempDir(), "none"), "tlsCaFile names cannot be read")

	plain := clustertest.Start(t, clustertest.Options{Nodes: 1})
	works(t, plain.URL()+"?tls=false")
	refused(t, plain.URL()+"?tls=true", "tls=false")

	misnamed := clustertest.Start(t, clustertest.Options{
		Nodes: 1, Conf: fmt.Sprintf("tls { cert_file: %q, key_file: %q }\n", elsewhere, elsewhereKey),
	})
	refused(t, misnamed.URL()+"?tlsCaFile="+ca.File, "for another name")
}

// TestCredentials: each way to be let in, with what is right and what is wrong.
func TestCredentials(t *testing.T) {
	users := clustertest.Start(t, clustertest.Options{
		Nodes: 1, Dial: []nats.Option{nats.UserInfo("daicho", "hush-1")},
		Conf: `authorization { users: [
			{ user: daicho, password: "hush-1", permissions: {
				publish: ["daicho.log.>", "$JS.API.>", "$JS.ACK.>"], subscribe: ["_INBOX.>", "$JS.EVENT.ADVISORY.STREAM.>"] } }
			{ user: reader, password: "hush-2", permissions: { publish: ["$JS.API.>"], subscribe: ["_INBOX.>"] } }
		] }`,
	})
	right := file(t, "hush-1\n")
	works(t, users.URL()+"?user=daicho&passwordFile="+right)
	refused(t, users.URL(), "does not let the engine in")
	refused(t, users.URL()+"?user=daicho&passwordFile="+file(t, "hush-2"), "does not let the engine in")
	refused(t, users.URL()+"?user=daicho", "does not let the engine in")
	refused(t, users.URL()+"?user=reader&passwordFile="+file(t, "hush-2"), "publish to daicho.log.>")
	t.Setenv(passwordVariable, "hush-1")
	works(t, users.URL()+"?user=daicho")

	token := clustertest.Start(t, clustertest.Options{
		Nodes: 1, Dial: []nats.Option{nats.Token("hush-3")}, Conf: `authorization { token: "hush-3" }`,
	})
	works(t, token.URL()+"?tokenFile="+file(t, "hush-3"))
	refused(t, token.URL()+"?tokenFile="+file(t, "hush-4"), "does not let the engine in")
	t.Setenv(tokenVariable, "hush-3")
	works(t, token.URL())
}

// TestCreds: a user's file of an operator's server.
func TestCreds(t *testing.T) {
	operator, user := pair(t, nkeys.CreateOperator), pair(t, nkeys.CreateUser)
	account, system, stranger := pair(t, nkeys.CreateAccount), pair(t, nkeys.CreateAccount), pair(t, nkeys.CreateAccount)
	public := func(k nkeys.KeyPair) string { return must(k.PublicKey())(t) }
	ac := jwt.NewAccountClaims(public(account))
	ac.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1, Streams: -1, Consumer: -1}
	signed := must(jwt.NewOperatorClaims(public(operator)).Encode(operator))(t)
	creds := func(by nkeys.KeyPair) string {
		uc := jwt.NewUserClaims(public(user))
		return file(t, string(must(jwt.FormatUserConfig(must(uc.Encode(by))(t), must(user.Seed())(t)))(t)))
	}
	right := creds(account)
	c := clustertest.Start(t, clustertest.Options{
		Nodes: 1, Dial: []nats.Option{nats.UserCredentials(right)},
		Conf: fmt.Sprintf("operator: %s\nresolver: MEMORY\nsystem_account: %s\nresolver_preload: { %s: %s, %s: %s }\n", signed, public(system),
			public(account), must(ac.Encode(operator))(t), public(system), must(jwt.NewAccountClaims(public(system)).Encode(operator))(t)),
	})
	works(t, c.URL()+"?creds="+right)
	refused(t, c.URL(), "does not let the engine in")
	refused(t, c.URL()+"?creds="+creds(stranger), "does not let the engine in")
}

func pair(t *testing.T, create func() (nkeys.KeyPair, error)) nkeys.KeyPair {
	t.Helper()
	return must(create())(t)
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestLetInAgain: who is shut out while at work comes back by itself, with the password that the file holds by then. What
// is refused meanwhile is known not to be stored, and nothing that is said names anybody.
func TestLetInAgain(t *testing.T) {
	c := clustertest.Start(t, clustertest.Options{Nodes: 1, Dial: []nats.Option{nats.UserInfo("daicho", "hush-1")}, Conf: conf("hush-1", "daicho.log.>")})
	password := file(t, "hush-1")
	var mu sync.Mutex
	var said []string
	l, err := Connect(t.Context(), c.URL()+"?user=daicho&passwordFile="+password, Options{Logf: func(format string, a ...any) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, fmt.Sprintf(format, a...))
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	secret := contracts.Write{Stream: events.Stream{Kind: "person", ID: "pseudonym"}, Expect: events.AnyRevision, Events: make([]events.Event, 1)}
	if r := l.Append(t.Context(), []contracts.Write{secret})[0]; r.Err != nil {
		t.Fatal(r.Err)
	}
	c.Nodes[0].Kill()
	until(t, func() bool { _, err := l.Head(t.Context()); return errors.Is(err, errAway) })
	if r := l.Append(t.Context(), []contracts.Write{secret})[0]; !errors.Is(r.Err, errAway) {
		t.Errorf("without a server: %v", r.Err)
	}
	c.Nodes[0].Configure(conf("hush-2", "elsewhere"))
	c.Nodes[0].Start()
	until(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return strings.Count(strings.Join(said, "\n"), nats.ErrAuthorization.Error()) >= 3
	})
	if err := os.WriteFile(password, []byte("hush-2"), 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { _, err := l.Head(t.Context()); return err == nil })
	denied := l.Append(cut(t, time.Second), []contracts.Write{secret})[0]
	if denied.Err == nil || errors.Is(denied.Err, contracts.ErrConflict) {
		t.Errorf("published without the right to: %v", denied.Err)
	}
	c.Nodes[0].Kill()
	c.Nodes[0].Configure(conf("hush-2", "daicho.log.>"))
	c.Nodes[0].Start()
	until(t, func() bool { return l.Append(t.Context(), []contracts.Write{secret})[0].Err == nil })
	if n := count(t, l); n != 2 {
		t.Errorf("%d events instead of two", n)
	}
	mu.Lock()
	defer mu.Unlock()
	all := strings.Join(said, "\n")
	if !strings.Contains(all, "does not let this user publish to daicho.log.>") || strings.Contains(all, "pseudonym") || strings.Contains(all, "hush") {
		t.Errorf("it says:\n%s", all)
	}
}

func conf(password, subject string) string {
	return fmt.Sprintf(`authorization { users: [ { user: daicho, password: %q, permissions: {
		publish: [%q, "$JS.API.>"], subscribe: ["_INBOX.>"] } } ] }`, password, subject)
}
