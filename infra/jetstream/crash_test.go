package jetstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

const (
	childDir        = "DAICHO_TEST_CHILD_DIR"
	childPartitions = "DAICHO_TEST_CHILD_PARTITIONS"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child(dir)
		return
	}
	os.Exit(m.Run())
}

// child appends as fast as it can and prints what was acknowledged, until it is killed.
func child(dir string) {
	partitions, _ := strconv.Atoi(os.Getenv(childPartitions))
	l, err := Embedded(context.Background(), dir, Options{Partitions: partitions})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	var mu sync.Mutex
	for w := range 4 {
		go func() {
			for call := 0; ; call++ {
				var writes []contracts.Write
				for i := range 20 {
					s := events.Stream{Kind: "child", ID: fmt.Sprintf("%d-%d-%d", w, call, i)}
					writes = append(writes, contracts.Write{Stream: s, Events: make([]events.Event, 5)})
				}
				for i, r := range l.Append(context.Background(), writes) {
					if r.Err != nil {
						continue
					}
					mu.Lock()
					fmt.Println(writes[i].Stream.ID, r.Revision)
					mu.Unlock()
				}
			}
		}()
	}
	select {}
}

// TestKilled kills a process in the middle of its appends: all that it was told is stored is there, and no Write is
// there in part.
func TestKilled(t *testing.T) { divided(t, testKilled) }

func testKilled(t *testing.T, partitions int) {
	dir := t.TempDir()
	told := map[string]events.Revision{}
	for round := range 3 {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		clear(told)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+dir, childPartitions+"="+strconv.Itoa(partitions))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var id string
			var at events.Revision
			if n, _ := fmt.Sscan(lines.Text(), &id, &at); n != 2 {
				continue // the line that the kill cut off
			}
			if told[id] = at; len(told) == 1500+777*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait()
		l, err := Embedded(t.Context(), dir, Options{Logf: t.Logf})
		if err != nil {
			t.Fatal(err)
		}
		count, last := map[string]int{}, map[string]events.Revision{}
		for batch, err := range l.Scan(t.Context(), 0, contracts.Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range batch {
				count[e.Stream.ID]++
				last[e.Stream.ID] = e.Revision
			}
		}
		l.Close()
		if len(told) < 1500 {
			t.Fatalf("the child said no more than %d writes", len(told))
		}
		for id, at := range told {
			if last[id] != at {
				t.Fatal("a write that was acknowledged is gone")
			}
		}
		for _, n := range count {
			if n != 5 {
				t.Fatalf("a write is there in part: %d of 5 events", n)
			}
		}
		t.Logf("%d writes acknowledged, %d there", len(told), len(count))
	}
}

// TestServerRestarts takes the server away from under a tail and appenders, twice.
func TestServerRestarts(t *testing.T) { divided(t, testServerRestarts) }

func testServerRestarts(t *testing.T, partitions int) {
	dir := t.TempDir()
	server, err := Embedded(t.Context(), dir, Options{Listen: "127.0.0.1:0", Partitions: partitions})
	if err != nil {
		t.Fatal(err)
	}
	url := server.Address()
	l, err := Connect(t.Context(), url, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()

	var known sync.Map // of position: acknowledged
	var acked atomic.Int64
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for w := range 3 {
		wg.Go(func() {
			s, at := events.Stream{Kind: "worker", ID: fmt.Sprint(w)}, events.Revision(0)
			for {
				select {
				case <-stop:
					return
				default:
				}
				r := l.Append(ctx, []contracts.Write{{Stream: s, Expect: at, Events: make([]events.Event, 3)}})[0]
				switch {
				case r.Err == nil:
					at = r.Revision
					for _, p := range r.Positions {
						known.Store(p, true)
					}
					acked.Add(3)
				case errors.Is(r.Err, contracts.ErrUnknown), errors.Is(r.Err, contracts.ErrConflict):
					// Read the stream again, as a caller has to.
					for batch, err := range l.Scan(ctx, 0, contracts.Filter{Kinds: []string{"worker"}}) {
						for _, e := range batch {
							if e.Stream == s {
								at = e.Revision
							}
						}
						_ = err
					}
				default:
					time.Sleep(10 * time.Millisecond)
				}
			}
		})
	}
	var last events.Position
	count := 0
	finish := make(chan events.Position, 1)
	tailed := make(chan error, 1)
	go func() {
		until := events.Position(0)
		for batch, err := range l.Tail(ctx, 0, contracts.Filter{}) {
			if err != nil {
				tailed <- err
				return
			}
			for _, e := range batch {
				if e.Position <= last {
					tailed <- errors.New("an event came twice, or out of order")
					return
				}
				last = e.Position
				count++
			}
			select {
			case until = <-finish:
			default:
			}
			if until > 0 && last >= until {
				tailed <- nil
				return
			}
		}
	}()
	for range 2 {
		time.Sleep(300 * time.Millisecond)
		server.Close()
		time.Sleep(200 * time.Millisecond)
		server, err = Embedded(t.Context(), dir, Options{Listen: url[len("jetstream://"):]})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { server.Close() })
	time.Sleep(500 * time.Millisecond)
	close(stop)
	wg.Wait()
	var head events.Position
	until(t, func() bool { head, err = l.Head(ctx); return err == nil })
	finish <- head + 1
	for { // one more event, so that the tail looks up
		r := l.Append(ctx, []contracts.Write{{Stream: events.Stream{Kind: "end", ID: "1"}, Expect: events.AnyRevision, Events: make([]events.Event, 1)}})[0]
		if r.Err == nil {
			break
		}
	}
	if err := <-tailed; err != nil {
		t.Fatal(err)
	}
	// Here every place from 1 on holds an event, so that a number as high as the last place means that none was missed.
	lost := 0
	known.Range(func(p, _ any) bool {
		if p.(events.Position) > last {
			lost++
		}
		return true
	})
	if lost > 0 || events.Position(count) != last {
		t.Fatalf("the tail missed %d acknowledged events; %d events up to position %d", lost, count, last)
	}
	t.Logf("%d events acknowledged, %d tailed", acked.Load(), count)
}
