package e2e

import (
	"bytes"
	"context"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/infra/eventstore/estest"
)

// The year on EventStoreDB's protocol gives its exact counts, and to the byte the dossiers, deadlines and impact that the embedded log
// gives. A second engine, on a server that refuses, loses answers and connections, restarts and changes its leader, gives them as well.
func TestYearOnEventStoreDBEqualsEmbedded(t *testing.T) {
	expect := yearExpected(t)
	lines := year(t)
	ids := identifiers(lines)
	asOf := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	calm := fed(t, lines)
	want := normal(t, calm, ids, asOf, true)
	calm.kill()

	t.Run("undisturbed", func(t *testing.T) {
		s := estest.Start(t, estest.Options{})
		e := startOn(t, s.URL())
		n, err := send(e.as("admin"), lines, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if n.Recorded != expect.Recorded || n.Duplicate != expect.Duplicate || !maps.Equal(n.Refused, expect.Refused) {
			t.Errorf("the year gives %+v, want %+v", n, expect.counts)
		}
		if got := normal(t, e, ids, asOf, true); !bytes.Equal(got, want) {
			t.Errorf("the end state differs from that on the embedded log:\n%s", differ(want, got))
		}
		for _, m := range []string{"dossier", "retention", "breach"} {
			if err := e.as("admin").Rebuild(context.Background(), m, nil); err != nil {
				t.Fatal(err)
			}
		}
		if got := normal(t, e, ids, asOf, true); !bytes.Equal(got, want) {
			t.Errorf("rebuilt, it differs:\n%s", differ(want, got))
		}
		e.verified()
		e.stop()
		e.again() // what is due by today's date is recorded now, so that only the year itself can be compared
		if n, err = send(e.as("admin"), lines, 1000); err != nil || n.Recorded != 0 {
			t.Errorf("sent again after a restart: %+v (%v)", n, err)
		}
		e.verified()
		for stream := range s.Streams() {
			for _, id := range ids {
				if _, key, ok := strings.Cut(id, ":"); ok && len(key) > 5 && strings.Contains(stream, key) {
					t.Fatal("the name of a stream holds an outside identifier")
				}
			}
		}
	})

	t.Run("disturbed", func(t *testing.T) {
		s := estest.Start(t, estest.Options{Nodes: 3})
		var mu sync.Mutex
		r := rand.New(rand.NewPCG(4, 2))
		writes, leader := 0, 0
		happened := map[estest.Fate]int{}
		s.Fates(func(string) estest.Fate {
			mu.Lock()
			defer mu.Unlock()
			writes++
			fate := estest.Stored
			if writes%41 == 0 {
				fate = []estest.Fate{estest.NotReady, estest.AnswerLost, estest.CutBefore, estest.CutAfter}[r.IntN(4)]
			}
			if writes%499 == 0 { // the others find a new leader; the old one comes back as a follower
				old := leader
				leader = (leader + 1) % 3
				s.Lead(leader)
				go func() { s.Node(old).Stop(); s.Node(old).Start() }()
			}
			happened[fate]++
			return fate
		})
		e := startOn(t, s.URL())
		for left := lines; len(left) > 0; {
			k := min(500, len(left))
			if _, err := send(e.as("admin"), left[:k], k); err == nil {
				left = left[k:]
			}
		}
		s.Fates(nil)
		if n, err := send(e.as("admin"), lines, 1000); err != nil || n.Recorded != 0 {
			t.Errorf("sent again: %+v (%v)", n, err)
		}
		if got := normal(t, e, ids, asOf, true); !bytes.Equal(got, want) {
			t.Errorf("the end state differs from an undisturbed run's:\n%s", differ(want, got))
		}
		e.verified()
		t.Logf("%d writes, of which %v (by fate)", writes, happened)
		if len(happened) < 5 || writes < 1000 {
			t.Errorf("too little happened: %d writes, %v", writes, happened)
		}
	})
}
