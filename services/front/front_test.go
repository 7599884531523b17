package front

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/infra/natsbus"
)

type known struct {
	mu  sync.Mutex
	all []natsbus.Peer
}

func (k *known) Others() []natsbus.Peer {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.all)
}

func (k *known) are(all ...natsbus.Peer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = all
}

func peer(id, url, part, state string) natsbus.Peer {
	return natsbus.Peer{ID: id, URL: url, Parts: map[string]string{part: state}}
}

// answering is a process that says which it is, who asked and what was sent.
func answering(t *testing.T, name string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Name", name)
		fmt.Fprintf(w, "%s %s %s?%s %s %s %s", name, r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Authorization"), r.Header.Get(Handed), b)
	}))
	t.Cleanup(s.Close)
	return s
}

func newFront(t *testing.T) (*known, *httptest.Server) {
	t.Helper()
	k := &known{}
	f := New(k, nil, func(w http.ResponseWriter, _ *http.Request, err error) {
		var p *contracts.Problem
		if !errors.As(err, &p) {
			t.Errorf("not a problem: %v", err)
			return
		}
		w.WriteHeader(p.Status)
		fmt.Fprint(w, p.Detail)
	})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.Hand(w, r, "breach") }))
	t.Cleanup(s.Close)
	return k, s
}

func send(t *testing.T, url, body string, handed bool) (int, string) {
	t.Helper()
	r, err := http.NewRequest("POST", url+"/v1/impact?location=parcel", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer t")
	if handed {
		r.Header.Set(Handed, "1")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// closed is an address where nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	return "http://" + l.Addr().String()
}

// A question goes whole, with its token, to somebody who serves it, by turns; past who stands by and who is gone; and never twice.
func TestQuestionsGoToWhoServesThem(t *testing.T) {
	k, s := newFront(t)
	if status, said := send(t, s.URL, "x", false); status != 503 || !strings.Contains(said, "--only breach") {
		t.Errorf("with nobody there: %d %s", status, said)
	}
	one, two := answering(t, "one"), answering(t, "two")
	k.are(peer("a", one.URL, "breach", "standby"), peer("b", two.URL, "retention", natsbus.Serving))
	if status, said := send(t, s.URL, "x", false); status != 503 {
		t.Errorf("with nobody serving: %d %s", status, said)
	}
	k.are(peer("a", one.URL, "breach", natsbus.Serving), peer("b", two.URL, "breach", natsbus.Serving), peer("c", closed(t), "breach", natsbus.Serving))
	by := map[string]int{}
	for range 30 {
		status, said := send(t, s.URL, "body", false)
		name, rest, _ := strings.Cut(said, " ")
		if by[name]++; status != 200 || rest != "POST /v1/impact?location=parcel Bearer t 1 body" {
			t.Fatalf("%d %s", status, said)
		}
	}
	if len(by) != 2 || by["one"] < 5 || by["two"] < 5 {
		t.Errorf("turns: %v", by)
	}
	if status, _ := send(t, s.URL, "x", true); status != 503 {
		t.Errorf("what was handed over already is handed on: %d", status)
	}
}

// Where a peer breaks off in the middle, the asker is told that it is not known, and nobody else is asked: it may have been done.
func TestWhatBreaksOffIsNotAskedTwice(t *testing.T) {
	k, s := newFront(t)
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = c.Close()
		}
	}))
	defer broken.Close()
	var asked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer other.Close()
	k.are(peer("a", broken.URL, "breach", natsbus.Serving), peer("b", other.URL, "breach", natsbus.Serving))
	unknown, answered := 0, int64(0)
	for range 6 {
		switch status, said := send(t, s.URL, "x", false); {
		case status == 200:
			answered++
		case status == 502 && strings.Contains(said, "not known"):
			unknown++
		default:
			t.Errorf("%d %s", status, said)
		}
	}
	if unknown != 3 || asked.Load() != answered {
		t.Errorf("%d not known, %d answered, %d asked", unknown, answered, asked.Load())
	}
}

// Lines come as they are written.
func TestAnswersAreHandedBackAsTheyCome(t *testing.T) {
	k, s := newFront(t)
	more := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "first")
		w.(http.Flusher).Flush()
		<-more
		fmt.Fprintln(w, "second")
	}))
	defer slow.Close()
	k.are(peer("a", slow.URL, "breach", natsbus.Serving))
	res, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b := make([]byte, 6)
	if _, err := io.ReadFull(res.Body, b); err != nil || string(b) != "first\n" {
		t.Errorf("%q %v", b, err)
	}
	close(more)
	if rest, err := io.ReadAll(res.Body); err != nil || string(rest) != "second\n" {
		t.Errorf("%q %v", rest, err)
	}
}
