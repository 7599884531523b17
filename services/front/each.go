package front

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/infra/natsbus"
)

// patience is how long peers are given that are all asked: one that hangs must not keep back what the others say.
const patience = 10 * time.Second

const largest = 1 << 20 // of an answer that is put together with others

// Each asks every peer the same question at once, whatever it serves, and tells, one at a time, which parts are its and what it has
// answered: the body of a success, or why there is none. What was handed over already is asked of nobody; Each then says so.
func (f *Front) Each(r *http.Request, tell func(parts []string, body []byte, err error)) bool {
	if r.Header.Get(Handed) != "" {
		return false
	}
	ctx, cancel := context.WithTimeout(r.Context(), f.patience)
	defer cancel()
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, p := range f.peers.Others() {
		all.Go(func() {
			body, err := f.ask(ctx, p, r)
			mu.Lock()
			defer mu.Unlock()
			tell(slices.Sorted(maps.Keys(p.Parts)), body, err)
		})
	}
	all.Wait()
	return true
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
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errors.New("nothing within " + f.patience.String())
	case errors.As(err, &dial) && dial.Op == "dial":
		return errors.New("it cannot be reached")
	default:
		return errors.New("it broke off")
	}
}
