package e2e

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/infra/postgres/pgtest"
)

// The network between the engine and its PostgreSQL is cut, both ways or one way only, so that nothing arrives and nobody is told: for some
// seconds, and until the engine says that it has lost what it keeps there. With the network back it goes on by itself, and what stands at
// the end is what an undisturbed run gives.
func TestACutNetworkToPostgreSQLLosesNothing(t *testing.T) {
	long(t, "the engine finds out by itself that nothing arrives any more, which takes it a while")
	if on.log != embedded || on.store != files {
		t.Skip("SKIPPED: it has stores of its own, and the log has no part in it")
	}
	cable := newCable(t)
	lines := year(t)[:2000]
	ids, asOf, want := undisturbed(t, lines)

	server := pgtest.Own(t)
	server.Listen(t, cable.here)
	e := &engine{t: t, path: binary, dir: t.TempDir(), out: &output{}, within: []string{"ip", "netns", "exec", cable.name}, http: cable.client()}
	e.args = []string{"--models", server.Over(t, server.Database(t)), "--vault", server.Over(t, server.Database(t))}
	e.launch()
	e.ready()
	t.Cleanup(e.kill)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(e.out)
		}
	})

	ways := []struct {
		name      string
		cut, mend func()
	}{{"both ways", cable.cut, cable.mend}, {"there", cable.cutThere, cable.mendThere}, {"back", cable.cutBack, cable.mendBack}}
	e.takes(lines[:200])
	for i, way := range ways {
		const gone = 3 * time.Second
		mended := make(chan struct{})
		go func() {
			defer close(mended)
			time.Sleep(10 * time.Millisecond) // in the middle of what is sent now
			way.cut()
			time.Sleep(gone)
			way.mend()
		}()
		began := time.Now()
		refused := e.takes(lines[200+i*300 : 500+i*300])
		if took := time.Since(began); took < gone {
			t.Errorf("%s: too little happened: while the network was gone for %v, everything was taken in %v", way.name, gone, took)
		}
		<-mended
		t.Logf("%s, for a moment: %d sendings were not answered with a receipt", way.name, refused)
	}
	for i, way := range ways {
		part := lines[1100+i*300 : 1400+i*300]
		way.cut()
		if _, err := send(e.as("admin"), part, 50); err == nil {
			t.Errorf("%s: events are taken without a vault", way.name)
		}
		e.healthy(http.StatusServiceUnavailable)
		way.mend()
		e.healthy(http.StatusOK)
		e.takes(part)
	}

	if n, err := send(e.as("admin"), lines, 1000); err != nil || n.Recorded != 0 {
		t.Errorf("sent again: %+v (%v)", n, err)
	}
	e.grown()
	if got := normal(t, e, ids, asOf, true); !bytes.Equal(got, want) {
		t.Errorf("the end state differs from an undisturbed run's:\n%s", differ(want, got))
	}
	e.verified()
}
