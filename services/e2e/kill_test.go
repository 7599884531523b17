package e2e

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"
	"time"
)

// A file is sent, and the engine killed twenty times while it comes in; each time it is started again and the whole file is sent
// from its beginning. What stands at the end is what an undisturbed run gives.
func TestKilledTwentyTimesEqualsUndisturbed(t *testing.T) {
	lines := year(t)
	ids, asOf, want := undisturbed(t, lines)

	e := start(t, t.TempDir())
	r := rand.New(rand.NewPCG(20, 26))
	answered := 0 // so many of the first lines have been, one way or another: nothing is sent before what precedes it
	for kills := range 20 {
		// From a little before where the last round got to, so that every part of the year is interrupted somewhere.
		from, to := max(0, answered-r.IntN(300)), len(lines)*(kills+2)/22
		go func(e *engine, after time.Duration) {
			time.Sleep(after)
			_ = e.cmd.Process.Kill()
		}(e, time.Duration(20+r.IntN(250))*time.Millisecond)
		for {
			n, err := send(e.as("admin"), lines[from:to], 60+r.IntN(200))
			answered = max(answered, from+n.all())
			if err != nil {
				break
			}
			from = 0 // all was answered before the kill: send more, so that it strikes in the middle of something
		}
		e.done <- <-e.done
		e.again()
	}
	if _, err := send(e.as("admin"), lines, 1000); err != nil {
		t.Fatal(err)
	}
	n, err := send(e.as("admin"), lines, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if n.Recorded != 0 {
		t.Errorf("%d events were recorded a second time", n.Recorded)
	}
	e.grown()
	models, err := e.as("admin").Models(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	people := 0
	for _, m := range models {
		if m.People != nil {
			people = *m.People
		}
	}
	t.Logf("%d people after twenty kills, %d of %d lines answered before the last", people, answered, len(lines))
	if got := normal(t, e, ids, asOf, true); !bytes.Equal(got, want) {
		t.Errorf("the end state differs from an undisturbed run's:\n%s", differ(want, got))
	}
	e.verified()
}
