// Package memlog is the log in memory: the shortest honest reading of contracts.Log. It is what tests stand on, and it
// forgets everything when the process ends.
package memlog

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

const batch = 1000

var errWrite = errors.New("log: a write holds 1 to MaxWrite events of at most MaxEvent bytes, and a call at most one write a stream")

// Log is a contracts.Log in memory. Make it with New.
type Log struct {
	mu        sync.Mutex
	events    []events.Event // the event at index i has position i+1
	revisions map[events.Stream]events.Revision
	last      time.Time
	grown     chan struct{} // closed, and replaced, when something is appended or the log is closed
	closed    bool
}

var _ contracts.Log = (*Log)(nil)

// New makes an empty log.
func New() *Log {
	return &Log{revisions: map[events.Stream]events.Revision{}, grown: make(chan struct{})}
}

// Close ends the log: every later call, and every reading under way, ends with contracts.ErrClosed.
func (l *Log) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.grown)
	}
}

// Append implements contracts.Log.
func (l *Log) Append(ctx context.Context, writes []contracts.Write) []contracts.Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	results := make([]contracts.Result, len(writes))
	seen := make(map[events.Stream]bool, len(writes))
	before := len(l.events)
	for i, w := range writes {
		if l.closed {
			results[i].Err = contracts.ErrClosed
		} else if err := ctx.Err(); err != nil {
			results[i].Err = err
		} else if seen[w.Stream] || !sound(w) {
			results[i].Err = errWrite
		} else if w.Expect != events.AnyRevision && w.Expect != l.revisions[w.Stream] {
			results[i].Err = contracts.ErrConflict
		} else {
			results[i] = l.store(w)
		}
		seen[w.Stream] = true
	}
	if len(l.events) > before {
		close(l.grown)
		l.grown = make(chan struct{})
	}
	return results
}

func sound(w contracts.Write) bool {
	for _, e := range w.Events {
		if len(e.Data) > contracts.MaxEvent {
			return false
		}
	}
	return len(w.Events) > 0 && len(w.Events) <= contracts.MaxWrite
}

func (l *Log) store(w contracts.Write) (r contracts.Result) {
	if now := time.Now().UTC().Truncate(time.Millisecond); now.After(l.last) {
		l.last = now
	}
	for _, e := range w.Events {
		l.revisions[w.Stream]++
		e.Position = events.Position(len(l.events) + 1)
		// Counted within the stream, unlike a position: whoever takes one for the other finds out here.
		e.Revision = l.revisions[w.Stream]
		e.Recorded, e.Stream = l.last, w.Stream
		e.Time = e.Time.UTC().Truncate(time.Millisecond)
		e.Data = bytes.Clone(e.Data)
		l.events = append(l.events, e)
		r.Positions = append(r.Positions, e.Position)
	}
	r.Revision = l.revisions[w.Stream]
	return r
}

// Head implements contracts.Log.
func (l *Log) Head(ctx context.Context) (events.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, contracts.ErrClosed
	}
	return events.Position(len(l.events)), ctx.Err()
}

// Scan implements contracts.Log.
func (l *Log) Scan(ctx context.Context, after events.Position, only contracts.Filter) iter.Seq2[[]events.Event, error] {
	return func(yield func([]events.Event, error) bool) {
		head, err := l.Head(ctx)
		for err == nil && after < head {
			var some []events.Event
			if some, after, _, err = l.read(ctx, after, head, only); err == nil && len(some) > 0 && !yield(some, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// Tail implements contracts.Log.
func (l *Log) Tail(ctx context.Context, after events.Position, only contracts.Filter) iter.Seq2[[]events.Event, error] {
	return func(yield func([]events.Event, error) bool) {
		for {
			some, to, grown, err := l.read(ctx, after, ^events.Position(0), only)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(some) > 0 && !yield(some, nil) {
				return
			}
			if to > after {
				after = to
				continue
			}
			select {
			case <-grown:
			case <-ctx.Done():
			}
		}
	}
}

// read copies a batch of what lies after one place and up to another, says how far it read, and what to wait for.
func (l *Log) read(ctx context.Context, after, upto events.Position, only contracts.Filter) (
	some []events.Event, to events.Position, grown <-chan struct{}, err error,
) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, after, nil, contracts.ErrClosed
	}
	to = after
	for ; to < min(upto, events.Position(len(l.events))) && len(some) < batch; to++ {
		if e := l.events[to]; only.Has(e.Stream) {
			e.Data = bytes.Clone(e.Data)
			some = append(some, e)
		}
	}
	return some, to, l.grown, ctx.Err()
}
