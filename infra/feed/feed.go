// Package feed lets everybody in a process who follows the log share one reading of its end: an event that has just been recorded is
// fetched and taken apart once, however many wait for it.
package feed

import (
	"context"
	"iter"
	"slices"
	"sort"
	"sync"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// Feed is a log whose tails share a reading. Everything else is the log's own, and so are the promises.
//
// A tail that is behind what is kept reads by itself until it is there. The first tail begins the shared reading, the last ends it; when
// it fails, every tail ends with its error, and the next begins anew.
//
// The events' Data is shared between tails: nobody may change it.
type Feed struct {
	contracts.Log
	keep int // bytes

	mu  sync.Mutex
	now *reading // nil: nobody follows
}

// New is a feed of a log.
func New(log contracts.Log) *Feed { return &Feed{Log: log, keep: keptBytes} }

const (
	keptBytes = 16 << 20 // of what was read last, for those who are a little behind
	perEvent  = 512      // of an event, beside its data
	batchSize = 1000     // events that a tail yields at once
)

// reading is one tail of the log, and those who share it.
type reading struct {
	stop    context.CancelFunc
	readers int // under the feed's lock

	mu       sync.Mutex
	begun    bool
	kept     []events.Event  // everything after from, up to to; what is in it never changes
	from, to events.Position // from: nothing before is kept
	bytes    int
	err      error
	moved    chan struct{} // closed, and replaced, whenever any of these changes
}

// Tail implements contracts.Log.
func (f *Feed) Tail(ctx context.Context, after events.Position, only contracts.Filter) iter.Seq2[[]events.Event, error] {
	return func(yield func([]events.Event, error) bool) {
		r := f.enter()
		defer f.leave(r)
		for {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			batch, from, moved, err := r.after(after)
			switch {
			case err != nil:
				yield(nil, err)
				return
			case moved != nil:
				select {
				case <-moved:
				case <-ctx.Done():
				}
			case len(batch) > 0:
				after = batch[len(batch)-1].Position
				batch = slices.DeleteFunc(slices.Clone(batch), func(e events.Event) bool { return !only.Has(e.Stream) })
				if len(batch) > 0 && !yield(batch, nil) {
					return
				}
			default: // behind what is kept
				for batch, err := range f.Scan(ctx, after, only) {
					if !yield(batch, err) || err != nil {
						return
					}
					after = batch[len(batch)-1].Position
				}
				after = max(after, from) // what was kept from stood in the log before the scan began
			}
		}
	}
}

// enter joins the reading, or begins one.
func (f *Feed) enter() *reading {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now == nil {
		ctx, cancel := context.WithCancel(context.Background())
		f.now = &reading{stop: cancel, moved: make(chan struct{})}
		go f.read(ctx, f.now)
	}
	f.now.readers++
	return f.now
}

func (f *Feed) leave(r *reading) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.readers--; r.readers == 0 {
		r.stop()
		if f.now == r {
			f.now = nil
		}
	}
}

// read carries a reading out.
func (f *Feed) read(ctx context.Context, r *reading) {
	head, err := f.Head(ctx)
	if err == nil {
		r.change(func() { r.begun, r.from, r.to = true, head, head })
		for batch, bad := range f.Log.Tail(ctx, head, contracts.Filter{}) {
			if err = bad; err != nil {
				break
			}
			r.change(func() { r.take(batch, f.keep) })
		}
	}
	if err == nil {
		err = contracts.ErrClosed // a tail ends with a reason; this one gave none
	}
	f.mu.Lock()
	if f.now == r { // whoever comes now begins anew
		f.now = nil
	}
	f.mu.Unlock()
	r.change(func() { r.err = err })
}

func (r *reading) change(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do()
	close(r.moved)
	r.moved = make(chan struct{})
}

// take keeps what was read, and lets go of the older half of too much. The caller holds the lock.
func (r *reading) take(batch []events.Event, keep int) {
	for i := range batch {
		r.bytes += perEvent + len(batch[i].Data)
	}
	r.kept, r.to = append(r.kept, batch...), batch[len(batch)-1].Position
	if r.bytes <= 2*keep {
		return
	}
	drop := 0
	for ; r.bytes > keep && drop < len(r.kept)-1; drop++ {
		r.bytes -= perEvent + len(r.kept[drop].Data)
	}
	r.from, r.kept = r.kept[drop-1].Position, slices.Clone(r.kept[drop:])
}

// after is what is kept after a position. Without any: moved, to wait for, if the position is at the end; otherwise the position is behind
// from.
func (r *reading) after(after events.Position) (batch []events.Event, from events.Position, moved <-chan struct{}, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !r.begun, after >= r.to: // what was read before a failure is given first
		return nil, 0, r.moved, r.err
	case after < r.from:
		return nil, r.from, nil, r.err
	}
	i := sort.Search(len(r.kept), func(i int) bool { return r.kept[i].Position > after })
	return r.kept[i:min(len(r.kept), i+batchSize)], 0, nil, nil
}
