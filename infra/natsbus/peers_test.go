package natsbus

import (
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func plainServer(t *testing.T, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	t.Cleanup(s.Shutdown)
	return s
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not come to be that %s", what)
		}
	}
}

// Peers find each other, hear of a change of what one does, forget who has left, and are heard of again after the server was away.
func TestPeersFindEachOther(t *testing.T) {
	s := plainServer(t, server.RANDOM_PORT)
	url, port := s.ClientURL(), s.Addr().(*net.TCPAddr).Port
	join := func(id string, state *atomic.Value) *Peers {
		t.Helper()
		b, err := Connect(url, Options{Logf: t.Logf})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.Close() })
		p, err := b.Join(func() Peer {
			return Peer{ID: id, URL: "http://" + id, Parts: map[string]string{"breach": state.Load().(string)}}
		})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	var states [3]atomic.Value
	var all [3]*Peers
	for i := range all {
		states[i].Store("starting")
		all[i] = join(string(rune('a'+i)), &states[i])
	}
	ids := func(p *Peers) (out []string) {
		for _, x := range p.Others() {
			out = append(out, x.ID+" "+x.Parts["breach"])
		}
		return out
	}
	eventually(t, "each knows the other two", func() bool {
		return slices.Equal(ids(all[0]), []string{"b starting", "c starting"}) && slices.Equal(ids(all[2]), []string{"a starting", "b starting"})
	})
	states[1].Store(Serving)
	eventually(t, "what one does is known", func() bool { return slices.Equal(ids(all[0]), []string{"b serving", "c starting"}) })
	if err := all[1].Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "who has left is forgotten", func() bool { return slices.Equal(ids(all[0]), []string{"c starting"}) })
	s.Shutdown()
	eventually(t, "it is said that the server is away", func() bool { return all[0].Err() != nil })
	if got := ids(all[0]); !slices.Equal(got, []string{"c starting"}) {
		t.Errorf("while nobody can be asked, those who were there are %v", got)
	}
	plainServer(t, port)
	eventually(t, "they hear each other again", func() bool { return all[0].Err() == nil && slices.Equal(ids(all[2]), []string{"a starting"}) })
	for _, p := range []*Peers{all[0], all[2]} {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}
