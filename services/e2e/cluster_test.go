package e2e

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/infra/jetstream/clustertest"
)

// Most of the year on a cluster of three servers gives to the byte what it gives on the embedded log, in one stream or over three
// partitions: with a leader killed and another server frozen while it is told, and all of them gone for a while. The engine says when it is cut off, and comes back by
// itself.
func TestYearOnClusterEqualsEmbedded(t *testing.T) {
	lines := year(t)[:4500]
	ids := identifiers(lines)
	asOf := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	calm := fed(t, lines)
	want := normal(t, calm, ids, asOf, true)
	calm.kill()
	for _, partitions := range []string{"1", "3"} {
		t.Run("partitions "+partitions, func(t *testing.T) { yearOnCluster(t, partitions, lines, ids, asOf, want) })
	}
}

func yearOnCluster(t *testing.T, partitions string, lines [][]byte, ids []string, asOf time.Time, want []byte) {
	c := clustertest.Start(t, clustertest.Options{})
	e := startWith(t, "--log", c.URL(), "--partitions", partitions)
	tell := func(lines [][]byte) (refused int) {
		t.Helper()
		for end := time.Now().Add(2 * time.Minute); len(lines) > 0; {
			k := min(250, len(lines))
			if _, err := send(e.as("admin"), lines[:k], k); err == nil {
				lines = lines[k:]
				continue
			}
			refused++
			if time.Now().After(end) {
				t.Fatalf("the engine takes nothing any more:\n%s", e.out)
			}
			time.Sleep(50 * time.Millisecond)
		}
		return refused
	}
	healthy := func(want int, says string) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			r, err := http.Get(e.url + "/healthz")
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(r.Body)
			_ = r.Body.Close()
			if r.StatusCode == want && strings.Contains(string(body), says) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("/healthz answers %d and %s, instead of %d and %q:\n%s", r.StatusCode, body, want, says, e.out)
			}
		}
	}

	tell(lines[:1000])
	leader := c.Leader()
	leader.Kill()
	refused := tell(lines[1000:2000])
	leader.Start()
	c.Level()
	leader = c.Leader()
	leader.Freeze()
	tell(lines[2000:3000])
	leader.Thaw()
	for _, n := range c.Nodes {
		n.Kill()
	}
	healthy(http.StatusServiceUnavailable, "log is stuck")
	if _, err := send(e.as("admin"), lines[3000:], 250); err == nil {
		t.Error("events are taken without a log")
	}
	for _, n := range c.Nodes {
		n.Start()
	}
	healthy(http.StatusOK, "ok")
	tell(lines[3000:])

	if n, err := send(e.as("admin"), lines, 1000); err != nil || n.Recorded != 0 {
		t.Errorf("sent again: %+v (%v)", n, err)
	}
	if got := normal(t, e, ids, asOf, true); !bytes.Equal(got, want) {
		t.Errorf("the end state differs from that on the embedded log:\n%s", differ(want, got))
	}
	e.verified()
	t.Logf("%d batches were not answered while the leader was gone", refused)
}
