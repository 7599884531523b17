package clustertest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy stands between clients and a server, and is the line that gets cut.
type Proxy struct {
	Address string
	target  string

	mu     sync.Mutex
	moved  *sync.Cond
	conns  map[net.Conn]struct{}
	cut    bool
	held   [2]bool // what goes to the server, what comes from it
	closed bool
}

// NewProxy makes one for a server's address.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Address: l.Addr().String(), target: target, conns: map[net.Conn]struct{}{}}
	p.moved = sync.NewCond(&p.mu)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		p.change(func() { p.closed, p.cut = true, true })
	})
	return p
}

// Cut drops every connection and lets none in.
func (p *Proxy) Cut() { p.change(func() { p.cut = true }) }

// HoldToServer keeps back what clients send; it arrives when the line is mended, also from a client that has gone.
func (p *Proxy) HoldToServer() { p.change(func() { p.held[0] = true }) }

// HoldFromServer keeps back what the server sends.
func (p *Proxy) HoldFromServer() { p.change(func() { p.held[1] = true }) }

// Mend lets everything through again.
func (p *Proxy) Mend() { p.change(func() { p.cut, p.held = false, [2]bool{} }) }

func (p *Proxy) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	if p.cut {
		for c := range p.conns {
			_ = c.Close()
		}
	}
	p.moved.Broadcast()
}

func (p *Proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	if p.conns[client], p.conns[server] = struct{}{}, struct{}{}; p.cut {
		_, _ = client.Close(), server.Close()
	}
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { p.carry(server, client, 0) })
	both.Go(func() { p.carry(client, server, 1) })
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, client)
	delete(p.conns, server)
}

// carry takes one direction to its end, and then ends the other side's hearing of it.
func (p *Proxy) carry(to, from net.Conn, way int) {
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		p.mu.Lock()
		for p.held[way] && !p.closed && !p.cut {
			p.moved.Wait()
		}
		p.mu.Unlock()
		if n > 0 {
			if _, failed := to.Write(b[:n]); failed != nil && err == nil {
				err = failed
			}
		}
		if err != nil {
			if t, ok := to.(*net.TCPConn); ok && err == io.EOF {
				_ = t.CloseWrite()
			} else {
				_, _ = to.Close(), from.Close()
			}
			return
		}
	}
}
