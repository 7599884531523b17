package front

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/infra/natsbus"
)

// patience is how long peers are given for a short answer that all are asked for: one that hangs must not keep back what the others say.
const patience = 10 * time.Second

const largest = 1 << 20 // of an answer that is put together with others

const look = time.Second // between two looks at whether a peer that takes long is there

// Each asks every peer the same question at once, whatever it serves, and tells, one at a time, which parts are its, in which states they
// were, and what it has answered: the body of a success, or why there is none. What takes long is waited for as long as the peer is heard
// of. What was handed over already is asked of nobody; Each then says so.
func (f *Front) Each(r *http.Request, long bool, tell func(parts map[string]string, body []byte, err error)) bool {
	if r.Header.Get(Handed) != "" {
		return false
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, p := range f.peers.Others() {
		all.Go(func() {
			ctx, cancel := f.wait(r.Context(), p.ID, long)
			defer cancel()
			body, err := f.ask(ctx, p, r)
			mu.Lock()
			defer mu.Unlock()
			tell(p.Parts, body, err)
		})
	}
	all.Wait()
	return true
}

var errUnheard = errors.New("nothing is heard of it any more")

// wait is how long a peer's answer is waited for.
func (f *Front) wait(ctx context.Context, id string, long bool) (context.Context, context.CancelFunc) {
	if !long {
		return context.WithTimeout(ctx, f.patience)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(f.look):
			}
			if !slices.ContainsFunc(f.peers.Others(), func(p natsbus.Peer) bool { return p.ID == id }) {
				cancel(errUnheard)
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// ask asks one peer what somebody asks here, with the same token.
func (f *Front) ask(ctx context.Context, p natsbus.Peer, r *http.Request) ([]byte, error) {
	u, err := url.Parse(p.URL)
	if err != nil || u.Host == "" {
		return nil, errors.New("the address that it tells is none; --advertise names one")
	}
	u = u.JoinPath(r.URL.EscapedPath())
	u.RawQuery = r.URL.RawQuery
	out, err := http.NewRequestWithContext(ctx, r.Method, u.String(), nil)
	if err != nil {
		return nil, errors.New("the address that it tells is none; --advertise names one")
	}
	out.Header.Set("Authorization", r.Header.Get("Authorization"))
	out.Header.Set(Handed, "1")
	res, err := f.through.RoundTrip(out)
	if err != nil {
		return nil, f.unanswered(ctx, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, largest+1))
	switch {
	case err != nil:
		return nil, f.unanswered(ctx, err)
	case len(body) > largest:
		return nil, errors.New("its answer is larger than 1 MiB")
	case res.StatusCode == http.StatusOK:
		return body, nil
	}
	var said contracts.Problem
	if json.Unmarshal(body, &said) != nil || said.Detail == "" {
		return nil, errors.New("it answers " + res.Status)
	}
	return nil, errors.New(said.Detail)
}

// unanswered says why there is no answer, without the address.
func (f *Front) unanswered(ctx context.Context, err error) error {
	var dial *net.OpError
	switch {
	case errors.Is(context.Cause(ctx), errUnheard):
		return errUnheard
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errors.New("nothing within " + f.patience.String())
	case errors.As(err, &dial) && dial.Op == "dial":
		return errors.New("it cannot be reached")
	default:
		return errors.New("it broke off")
	}
}
