package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificate writes a certificate for this machine, and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	signed, err := x509.CreateCertificate(rand.Reader, about, about, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", signed), write("key.pem", "PRIVATE KEY", secret)
}

// Whom others can reach does not speak in the clear; this machine's own address may.
func TestS61_NothingThatOthersReachIsInTheClear(t *testing.T) {
	cert, key := certificate(t)
	for _, x := range []struct {
		listen, cert, key string
		ok                bool
	}{
		{"127.0.0.1:0", "", "", true},
		{"localhost:0", "", "", true},
		{"[::1]:0", "", "", true},
		{"0.0.0.0:0", "", "", false},
		{":0", "", "", false},
		{"[::]:0", "", "", false},
		{"daicho.example:0", "", "", false},
		{"0.0.0.0:0", cert, "", false},
		{"0.0.0.0:0", "", key, false},
		{"127.0.0.1", "", "", false},
	} {
		l, err := newListener(Config{Listen: x.listen, TLSCert: x.cert, TLSKey: x.key})
		if err == nil {
			_ = l.Close()
		}
		if _, is := err.(*net.OpError); (err == nil) != x.ok && !is { // this machine may have no ::1
			t.Errorf("%s with %q: %v", x.listen, x.cert, err)
		}
	}
}

// The surface speaks TLS 1.2 and 1.3, nothing older, and nothing in the clear on the same port.
func TestS61_TheSurfaceIsEncrypted(t *testing.T) {
	cert, key := certificate(t)
	l, err := newListener(Config{Listen: "127.0.0.1:0", TLSCert: cert, TLSKey: key})
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "answered") }))
	go func() { _ = server.ServeTLS(l, cert, key) }()
	defer server.Close()
	for version, ok := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{MinVersion: version, MaxVersion: version, InsecureSkipVerify: true})
		if (err == nil) != ok {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			_ = c.Close()
		}
	}
	res, err := http.Get("http://" + l.Addr().String() + "/policy")
	if err == nil {
		b, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode < 400 || string(b) == "answered" {
			t.Errorf("in the clear it answers %s %q", res.Status, b)
		}
	}
}
