package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"
)

// newServer takes nothing older than TLS 1.2 (S61).
func newServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
}

// newListener refuses to speak to the outside in the clear (S61).
func newListener(c Config) (net.Listener, error) {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return nil, fmt.Errorf("--listen is HOST:PORT, as 127.0.0.1:8420")
	}
	ip := net.ParseIP(host)
	if (ip == nil || !ip.IsLoopback()) && host != "localhost" && (c.TLSCert == "" || c.TLSKey == "") {
		return nil, fmt.Errorf("--listen names an address that others can reach: give --tls-cert and --tls-key, or listen on 127.0.0.1")
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	return l, nil
}
