package jetstream

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/logtest"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/jetstream/clustertest"
	"github.com/nats-io/nats.go/jetstream"
)

func connect(t *testing.T, url string, partitions int) *Log {
	t.Helper()
	l, err := Connect(t.Context(), url, Options{Logf: t.Logf, Partitions: partitions})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// until waits for something that comes by itself.
func until(t *testing.T, there func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !there(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come")
		}
	}
}

// cut is a context that ends soon.
func cut(t *testing.T, after time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), after)
	t.Cleanup(cancel)
	return ctx
}

// TestCluster: the whole promise holds on three servers.
func TestCluster(t *testing.T) { divided(t, testCluster) }

func testCluster(t *testing.T, partitions int) {
	c := clustertest.Start(t, clustertest.Options{})
	var now *Log
	logtest.Test(t, logtest.Adapter{
		Open: func(t *testing.T) contracts.Log {
			c.Empty()
			now = connect(t, c.URL(), partitions)
			for _, p := range now.parts {
				if p.copies != 3 {
					t.Fatalf("the stream %s is kept by %d servers", p.name, p.copies)
				}
			}
			if o := now.order; o != nil && o.part.copies != 3 {
				t.Fatalf("the order is kept by %d servers", o.part.copies)
			}
			return now
		},
		Reopen: func(t *testing.T) contracts.Log { now.Close(); now = connect(t, c.URL(), partitions); return now },
	})
}

// TestReplicas: how many servers keep the log is as was asked, and a stream that is there is not taken for another.
func TestReplicas(t *testing.T) {
	c := clustertest.Start(t, clustertest.Options{})
	alone := clustertest.Start(t, clustertest.Options{Nodes: 1})
	for _, s := range []struct {
		at    *clustertest.Cluster
		first string // makes the stream
		then  string
		wrong string // what the error of the second says; empty: none
	}{
		{c, "", "", ""}, {c, "", "?replicas=3", ""}, {c, "?replicas=1", "?replicas=1", ""},
		{c, "?replicas=1", "", "`nats stream edit DAICHO --replicas=3`, or say replicas=1"},
		{c, "", "?replicas=1", "kept by 3 of the servers and should be by 1"},
		{alone, "", "", ""}, {alone, "?replicas=1", "", ""}, {alone, "", "?replicas=3", "kept by 1 of the servers"},
	} {
		s.at.Empty()
		l := connect(t, s.at.URL()+s.first, 0)
		l.Close()
		l, err := Connect(t.Context(), s.at.URL()+s.then, Options{})
		if err == nil {
			l.Close()
		}
		if (err == nil) != (s.wrong == "") || err != nil && !strings.Contains(err.Error(), s.wrong) {
			t.Errorf("made with %q, opened with %q: %v", s.first, s.then, err)
		}
	}
	alone.Empty()
	if _, err := Connect(t.Context(), alone.URL()+"?replicas=3", Options{}); err == nil || !strings.Contains(err.Error(), "in no cluster") {
		t.Errorf("three copies on one server: %v", err)
	}
}

// TestSound: a stream that would lose or change events is refused, and the error says which setting does it.
func TestSound(t *testing.T) {
	c := clustertest.Start(t, clustertest.Options{Nodes: 1})
	l := connect(t, c.URL(), 0)
	for name, change := range map[string]func(*jetstream.StreamConfig){
		"subjects":  func(s *jetstream.StreamConfig) { s.Subjects = append(s.Subjects, "more.>") },
		"in memory": func(s *jetstream.StreamConfig) { s.Storage = jetstream.MemoryStorage },
		"retention": func(s *jetstream.StreamConfig) {
			s.Retention = jetstream.InterestPolicy
			s.Discard = jetstream.DiscardOld
		},
		"limits":           func(s *jetstream.StreamConfig) { s.MaxMsgsPerSubject = 10 },
		"large messages":   func(s *jetstream.StreamConfig) { s.MaxMsgSize = 1000 },
		"deleted":          func(s *jetstream.StreamConfig) { s.DenyPurge = false },
		"takes no batches": func(s *jetstream.StreamConfig) { s.AllowAtomicPublish = false },
		"on disk":          func(s *jetstream.StreamConfig) { s.NoAck = true },
		"others write":     func(s *jetstream.StreamConfig) { s.Sources = []*jetstream.StreamSource{{Name: "OTHER"}} },
	} {
		c.Empty()
		s := settings(0, false)
		s.Name, s.Subjects = wholeName, []string{prefix + ">"}
		change(&s)
		if _, err := l.js.CreateStream(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := Connect(t.Context(), c.URL(), Options{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAddress(t *testing.T) {
	for _, bad := range []string{
		"", "nats://127.0.0.1:1", "jetstream://", "jetstream://host", "jetstream://a:1,", "jetstream://user:hush@a:1", "jetstream://hush@a:1", "jetstream://a:1/x",
		"jetstream://a:1?replicas=2", "jetstream://a:1?replicas=", "jetstream://a:1?replicas=3&replicas=3", "jetstream://a:1?hush=1",
		"jetstream://a:1?hush=1&hush=2", "jetstream://a:1?%zz", "jetstream://a:1?tls=hush", "jetstream://a:1?userCertFile=x", "jetstream://a:1?userKeyFile=x",
		"jetstream://a:1?tls=false&tlsCaFile=x", "jetstream://a:1?passwordFile=x", "jetstream://a:1?creds=x&user=y", "jetstream://a:1?creds=x&tokenFile=y",
		"jetstream://a:1?user=x&tokenFile=y", "jetstream://a:1?password=hush",
	} {
		_, err := parse(bad)
		if err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	a, err := parse("jetstream://a:1,[::1]:2/?replicas=5")
	if err != nil || a.replicas != 5 || strings.Join(a.servers, " ") != "nats://a:1 nats://[::1]:2" {
		t.Errorf("%+v %v", a, err)
	}
	// Nothing goes over a network in the clear unless that is said.
	for text, want := range map[string]bool{
		"jetstream://127.0.0.1:1": false, "jetstream://localhost:1,[::1]:1": false, "jetstream://127.0.0.1:1,10.0.0.1:1": true, "jetstream://nats.example:1": true,
		"jetstream://10.0.0.1:1?tls=false": false, "jetstream://127.0.0.1:1?tls=true": true, "jetstream://127.0.0.1:1?tlsCaFile=x": true,
		"jetstream://127.0.0.1:1?userCertFile=x&userKeyFile=y": true,
	} {
		if a, err := parse(text); err != nil || a.tls != want {
			t.Errorf("%q: TLS %v (%v)", text, a.tls, err)
		}
	}
}

// TestOneAfterAnother: who goes on from the answer to the last append is not in conflict with that append itself.
func TestOneAfterAnother(t *testing.T) {
	l := connect(t, clustertest.Start(t, clustertest.Options{}).URL(), 0)
	var wg sync.WaitGroup
	for w := range 32 {
		wg.Go(func() {
			write := contracts.Write{Stream: events.Stream{Kind: "person", ID: strconv.Itoa(w)}, Events: make([]events.Event, 2)}
			for i := range 60 {
				r := l.Append(t.Context(), []contracts.Write{write})[0]
				if r.Err != nil {
					t.Errorf("append %d: %v", i, r.Err)
					return
				}
				write.Expect = r.Revision
			}
		})
	}
	wg.Wait()
}
