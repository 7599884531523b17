package deploy

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// place is a machine's folders in small: what the deployment files name is put here.
type place struct {
	t      testing.TB
	dir    string
	client *http.Client
	url    string
	out    lines
	cmd    *exec.Cmd
	done   chan error

	units  []string // of systemd, that the engine is started with: the unit and its drop-ins
	paths  []string // further paths and addresses of the files, each with what is here in its place
	before string   // is run in the shell before each block of the page
}

type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newPlace has a root key, a certificate, and an empty data folder.
func newPlace(t testing.TB) *place {
	t.Helper()
	p := &place{t: t, dir: t.TempDir(), units: []string{unit}}
	for _, d := range []string{"data", "secrets"} {
		if err := os.Mkdir(filepath.Join(p.dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var key [32]byte
	_, _ = rand.Read(key[:])
	if err := os.WriteFile(filepath.Join(p.dir, "secrets", "root.key"), fmt.Appendf(nil, "00000001 %x\n", key), 0o400); err != nil {
		t.Fatal(err)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true}
	signed, err := x509.CreateCertificate(rand.Reader, about, about, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	for name, b := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: signed}, "tls.key": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(p.dir, "secrets", name), pem.EncodeToMemory(b), 0o400); err != nil {
			t.Fatal(err)
		}
		if name == "tls.crt" {
			roots.AppendCertsFromPEM(pem.EncodeToMemory(b))
		}
	}
	p.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}, Timeout: 20 * time.Second}
	t.Cleanup(p.kill)
	return p
}

// shell runs what the operators' page tells to run, in this place.
func (p *place) shell(script string) string {
	p.t.Helper()
	cmd := exec.Command("sh", "-ec", script)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"))
	b, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("%s: %v\n%s", script, err, b)
	}
	return string(b)
}

// serve starts the engine with the arguments of a deployment file, until it is ready; paths of its machine are paths of this place.
func (p *place) serve(args []string, as *syscall.Credential, paths ...string) {
	p.t.Helper()
	p.begin(args, as, paths...)
	p.until("the engine is ready", func() bool { status, _ := p.get("/readyz"); return status == http.StatusOK })
}

// begin starts it until it listens.
func (p *place) begin(args []string, as *syscall.Credential, paths ...string) {
	p.t.Helper()
	known(p.t, args)
	r := strings.NewReplacer(slices.Concat(paths, p.paths, []string{":8420", ":0"})...)
	mine := make([]string, len(args))
	for i, a := range args {
		mine[i] = r.Replace(a)
	}
	_ = os.Remove(filepath.Join(p.dir, "data", "engine.json"))
	p.cmd = exec.Command(binary, mine...)
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = &p.out, &p.out, "/"
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	done := make(chan error, 1)
	p.done = done
	go func(cmd *exec.Cmd) { done <- cmd.Wait() }(p.cmd)
	p.until("the engine listens", func() bool {
		b, err := os.ReadFile(filepath.Join(p.dir, "data", "engine.json"))
		var f struct{ URL string }
		if err != nil || json.Unmarshal(b, &f) != nil || f.URL == "" {
			return false
		}
		scheme, address, _ := strings.Cut(f.URL, "://")
		_, port, _ := net.SplitHostPort(address)
		p.url = scheme + "://127.0.0.1:" + port
		return true
	})
}

// until waits, for a minute at most, while the engine does not end.
func (p *place) until(what string, is func() bool) {
	p.t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-p.done:
			p.done <- err
			p.t.Fatalf("the engine ended (%v):\n%s", err, &p.out)
		default:
		}
		if time.Now().After(end) {
			p.t.Fatalf("after a minute it is not so that %s:\n%s", what, &p.out)
		}
	}
}

func (p *place) get(path string) (int, string) {
	res, err := p.client.Get(p.url + path)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(b)
}

// daicho runs a command against the engine, as an operator does from elsewhere.
func (p *place) daicho(args string) string {
	p.t.Helper()
	return p.shell(`DAICHO_URL=` + p.url + ` DAICHO_TOKEN="$(cat data/tokens/admin)" SSL_CERT_FILE=secrets/tls.crt daicho ` + args)
}

func (p *place) stop() {
	p.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	err := <-p.done
	if p.cmd = nil; err != nil {
		p.t.Fatalf("a clean stop: %v\n%s", err, &p.out)
	}
}

func (p *place) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		<-p.done
		p.cmd = nil
	}
}
