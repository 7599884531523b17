package front

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/infra/natsbus"
)

// Everybody is asked, whatever their state, at once and with the token; who does not answer does not keep back the others, and no reason
// names an address.
func TestEverybodyIsAsked(t *testing.T) {
	one, two := answering(t, "one"), answering(t, "two")
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(503)
		_, _ = io.WriteString(w, `{"title":"Not ready","status":503,"detail":"the engine is reading its log"}`)
	}))
	defer refusing.Close()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
			_ = c.Close()
		}
	}))
	defer broken.Close()
	k := &known{}
	k.are(peer("a", one.URL, "breach", natsbus.Serving), peer("b", two.URL, "retention", "standby"), peer("c", refusing.URL, "dossier", "starting"),
		peer("d", broken.URL, "office", natsbus.Serving), peer("e", closed(t), "intake", natsbus.Serving))
	f := New(k, nil, nil)
	ask := func(handed, long bool) (heard []string, asked bool) {
		r := httptest.NewRequest("GET", "/v1/models?x=y", nil)
		r.Header.Set("Authorization", "Bearer t")
		if handed {
			r.Header.Set(Handed, "1")
		}
		asked = f.Each(r, long, func(parts map[string]string, body []byte, err error) {
			for name, state := range parts {
				heard = append(heard, fmt.Sprint(name, " ", state, ": ", string(body), err))
			}
		})
		slices.Sort(heard)
		return heard, asked
	}
	want := []string{
		"breach serving: one GET /v1/models?x=y Bearer t 1 <nil>", "dossier starting: the engine is reading its log", "intake serving: it cannot be reached",
		"office serving: it broke off", "retention standby: two GET /v1/models?x=y Bearer t 1 <nil>",
	}
	for _, long := range []bool{false, true} {
		if heard, asked := ask(false, long); !asked || !slices.Equal(heard, want) {
			t.Errorf("%v:\n%s\nwant\n%s", asked, strings.Join(heard, "\n"), strings.Join(want, "\n"))
		}
	}
	if heard, asked := ask(true, true); asked || len(heard) > 0 {
		t.Errorf("what was handed over already is asked of others: %v %q", asked, heard)
	}
}

// One that hangs is given up after a while; where the answer takes long, when nothing is heard of it any more.
func TestWhoHangsIsGivenUp(t *testing.T) {
	end := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-end }))
	defer hanging.Close()
	defer close(end)
	one := answering(t, "one")
	k := &known{}
	k.are(peer("a", hanging.URL, "breach", natsbus.Serving), peer("b", one.URL, "office", natsbus.Serving))
	f := New(k, nil, nil)
	f.patience = 200 * time.Millisecond
	said := map[string]error{}
	ask := func(long bool) {
		f.Each(httptest.NewRequest("GET", "/v1/models", nil), long, func(parts map[string]string, _ []byte, err error) {
			for name := range parts {
				said[name] = err
			}
		})
	}
	ask(false)
	if said["breach"] == nil || !strings.Contains(said["breach"].Error(), "within 200ms") || said["office"] != nil || len(said) != 2 {
		t.Errorf("%v", said)
	}
	clear(said)
	f.look = time.Millisecond
	time.AfterFunc(2*f.patience, func() { k.are(peer("b", one.URL, "office", natsbus.Serving)) })
	ask(true)
	if said["breach"] == nil || said["breach"].Error() != "nothing is heard of it any more" || said["office"] != nil || len(said) != 2 {
		t.Errorf("of what takes long: %v", said)
	}
}

// Where nobody serves a part, who is in another state that the question allows is asked.
func TestWhoIsStuckIsAskedWhereThatHelps(t *testing.T) {
	one := answering(t, "one")
	k := &known{}
	k.are(peer("a", one.URL, "breach", "stuck"))
	for _, or := range [][]string{nil, {"stuck"}} {
		w := httptest.NewRecorder()
		New(k, nil, func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(503) }).Hand(w, httptest.NewRequest("POST", "/v1/models/breach/rebuild", nil), "breach", or...)
		if want := map[bool]int{true: 200, false: 503}[len(or) > 0]; w.Code != want {
			t.Errorf("with %q besides: %d, want %d", or, w.Code, want)
		}
	}
}
