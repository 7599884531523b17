// Package front is the one address before an engine that runs as several processes: each of them answers what it serves itself, and hands
// every other question to a peer that does. What all of them have a part in, it asks all.
//
// Who asks is found out by whoever answers: the token travels with the question. A question is handed over once; a peer that does not serve
// it says so, and nothing goes in circles.
package front

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/infra/natsbus"
)

// Handed marks a question that another process has handed over already.
const Handed = "Daicho-Handed"

// Peers are those among whom questions are handed about.
type Peers interface {
	Others() []natsbus.Peer
}

// Front hands questions over. Its methods are called from many goroutines.
type Front struct {
	peers    Peers
	proxy    *httputil.ReverseProxy
	through  http.RoundTripper
	patience time.Duration
	look     time.Duration
	fail     func(http.ResponseWriter, *http.Request, error)
	next     atomic.Uint64
}

// New makes a front. Fail answers with an error, as everything else here does.
func New(peers Peers, transport *http.Transport, fail func(http.ResponseWriter, *http.Request, error)) *Front {
	if transport == nil {
		transport = &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute, DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext}
	}
	f := &Front{peers: peers, through: transport, patience: patience, look: look, fail: fail}
	f.proxy = &httputil.ReverseProxy{
		Rewrite:       rewrite,
		Transport:     &trying{transport},
		FlushInterval: -1, // an answer of many lines is read as it comes
		ErrorLog:      log.New(discard{}, "", 0),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				fail(w, r, nobody(part(r.Context()), err))
			}
		},
	}
	return f
}

// Hand gives a question to a peer that serves a part, or in which it is in one of some other states.
func (f *Front) Hand(w http.ResponseWriter, r *http.Request, what string, or ...string) {
	if r.Header.Get(Handed) != "" {
		f.fail(w, r, nobody(what, nil))
		return
	}
	all := f.serving(what, or)
	if len(all) == 0 {
		f.fail(w, r, nobody(what, nil))
		return
	}
	ctx := context.WithValue(r.Context(), key{}, question{part: what, peers: all})
	f.proxy.ServeHTTP(w, r.WithContext(ctx))
}

// serving are the addresses of those who serve a part, each time in another order of turn.
func (f *Front) serving(what string, or []string) []*url.URL {
	var all []*url.URL
	for _, p := range f.peers.Others() {
		if state := p.Parts[what]; state != natsbus.Serving && !slices.Contains(or, state) {
			continue
		}
		if u, err := url.Parse(p.URL); err == nil && u.Host != "" {
			all = append(all, u)
		}
	}
	if len(all) > 1 {
		n := int(f.next.Add(1) % uint64(len(all)))
		all = slices.Concat(all[n:], all[:n])
	}
	return all
}

type key struct{}

type question struct {
	part  string
	peers []*url.URL
}

func asked(ctx context.Context) question {
	q, _ := ctx.Value(key{}).(question)
	return q
}

func part(ctx context.Context) string { return asked(ctx).part }

func rewrite(r *httputil.ProxyRequest) {
	r.SetURL(asked(r.In.Context()).peers[0])
	r.Out.Host = ""
	r.Out.Header.Set(Handed, "1")
}

// trying asks the next peer where one cannot be reached at all: nothing of the question has been sent then.
type trying struct{ through http.RoundTripper }

func (t *trying) RoundTrip(r *http.Request) (*http.Response, error) {
	var last error
	for _, u := range asked(r.Context()).peers {
		out := r.Clone(r.Context())
		out.URL.Scheme, out.URL.Host = u.Scheme, u.Host
		if r.Body != nil && r.Body != http.NoBody {
			out.Body = io.NopCloser(r.Body) // a connection that fails closes it unread, and the next needs it; the server closes it in the end
		}
		res, err := t.through.RoundTrip(out)
		var dial *net.OpError
		if err == nil || !errors.As(err, &dial) || dial.Op != "dial" {
			return res, err
		}
		last = err
	}
	return nil, last
}

// nobody says that no process serves a part now, or that the one that does broke off.
func nobody(what string, err error) error {
	p := &contracts.Problem{Type: "about:blank", Title: "Nobody answers this now", Status: http.StatusServiceUnavailable, Code: "elsewhere",
		Detail: "no process of this engine serves its part " + what + " now; ask again soon, or start one: daicho serve --only " + what}
	var dial *net.OpError
	if err != nil && (!errors.As(err, &dial) || dial.Op != "dial") {
		p.Status, p.Detail = http.StatusBadGateway, "the process that serves its part "+what+" broke off; whether it was done is not known, ask again"
	}
	return p
}

// discard drops what the proxy would log: it names addresses and paths.
type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
