// Package logtest is the suite that every contracts.Log passes.
package logtest

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// Adapter opens the logs under test.
type Adapter struct {
	// Open opens an empty log. If it has a method Close, the suite calls it, and expects contracts.ErrClosed afterwards.
	Open func(t *testing.T) contracts.Log
	// Reopen closes the log that Open gave to the same test, and opens it again. Nil for a log that keeps nothing.
	Reopen func(t *testing.T) contracts.Log
}

// Test runs the whole suite.
func Test(t *testing.T, a Adapter) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Adapter)
	}{
		{"Order", testOrder}, {"Conflict", testConflict}, {"Independence", testIndependence}, {"Atomicity", testAtomicity},
		{"AnyRevision", testAnyRevision}, {"Refused", testRefused}, {"Exact", testExact}, {"ManyWrites", testManyWrites},
		{"LargeWrite", testLargeWrite}, {"LargeEvent", testLargeEvent}, {"Streams", testStreams}, {"OneStream", testOneStream},
		{"Cancelled", testCancelled}, {"Scan", testScan}, {"ScanEnds", testScanEnds}, {"Filter", testFilter},
		{"StopEarly", testStopEarly}, {"Tail", testTail}, {"TailFilter", testTailFilter}, {"TailEnds", testTailEnds},
		{"Reopen", testReopen}, {"Closed", testClosed},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, a) })
	}
}

func limit(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func stream(kind string, n int) events.Stream {
	return events.Stream{Kind: kind, ID: fmt.Sprintf("s%04d", n)}
}

var epoch = time.Date(2024, 2, 29, 23, 59, 59, 123e6, time.UTC)

func event(n int) events.Event {
	return events.Event{
		ID: fmt.Sprintf("tag-%d", n), Type: "daicho.tested.v1", Source: "suite/log", Policy: "v7",
		Time: epoch.Add(time.Duration(n) * time.Millisecond), Data: fmt.Appendf(nil, `{"n":%d}`, n),
	}
}

func several(from, n int) (es []events.Event) {
	for i := range n {
		es = append(es, event(from+i))
	}
	return es
}

// put appends one Write that has to succeed.
func put(t *testing.T, l contracts.Log, s events.Stream, expect events.Revision, es ...events.Event) contracts.Result {
	t.Helper()
	r := l.Append(limit(t), []contracts.Write{{Stream: s, Expect: expect, Events: es}})
	stored(t, r, 1, len(es))
	return r[0]
}

func stored(t *testing.T, rs []contracts.Result, n, each int) {
	t.Helper()
	if len(rs) != n {
		t.Fatalf("%d results for %d writes", len(rs), n)
	}
	for i, r := range rs {
		if r.Err != nil || len(r.Positions) != each || r.Revision == 0 || r.Revision == events.AnyRevision {
			t.Fatalf("write %d: %d positions, revision %d, error %v", i, len(r.Positions), r.Revision, r.Err)
		}
	}
}

func scan(t *testing.T, l contracts.Log, after events.Position, kinds ...string) (all []events.Event) {
	t.Helper()
	for batch, err := range l.Scan(limit(t), after, contracts.Filter{Kinds: kinds}) {
		if err != nil {
			t.Fatalf("scan: %v", err)
		}
		if len(batch) == 0 {
			t.Fatal("scan: an empty batch")
		}
		all = append(all, batch...)
	}
	inOrder(t, after, all)
	return all
}

// inOrder checks what holds of every reading.
func inOrder(t *testing.T, after events.Position, all []events.Event) {
	t.Helper()
	var recorded time.Time
	for i, e := range all {
		switch {
		case e.Position <= after:
			t.Fatalf("event %d: position %d does not come after %d", i, e.Position, after)
		case e.Recorded.Before(recorded):
			t.Fatalf("event %d: recorded before the event before it", i)
		case e.Recorded.IsZero() || e.Recorded.Location() != time.UTC || !e.Recorded.Equal(e.Recorded.Truncate(time.Millisecond)):
			t.Fatalf("event %d: the recorded time is not UTC in milliseconds", i)
		case e.Revision == 0 || e.Revision == events.AnyRevision:
			t.Fatalf("event %d has no revision", i)
		}
		after, recorded = e.Position, e.Recorded
	}
}

func head(t *testing.T, l contracts.Log) events.Position {
	t.Helper()
	h, err := l.Head(limit(t))
	if err != nil {
		t.Fatalf("head: %v", err)
	}
	return h
}

// same compares all that the log does not give itself.
func same(t *testing.T, got, want events.Event) {
	t.Helper()
	if got.ID != want.ID || got.Type != want.Type || got.Source != want.Source || got.Policy != want.Policy ||
		!got.Time.Equal(want.Time) || got.Time.Location() != time.UTC || !bytes.Equal(got.Data, want.Data) {
		t.Fatalf("got  %q %q %q %q %v and %d bytes\nwant %q %q %q %q %v and %d bytes",
			got.ID, got.Type, got.Source, got.Policy, got.Time, len(got.Data),
			want.ID, want.Type, want.Source, want.Policy, want.Time, len(want.Data))
	}
}
