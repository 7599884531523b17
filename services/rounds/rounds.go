// Package rounds looks at something again and again in the background: what a service does by the clock, not by the log.
package rounds

import (
	"context"
	"sync/atomic"
	"time"
)

// Rounds are embedded in a service, which begins them when it starts. The zero value has nothing to do.
type Rounds struct {
	cancel context.CancelFunc
	done   chan struct{}
	broken atomic.Pointer[error]
}

// Begin looks at once, and then every so often until Close. A look that fails is told by Err until the next one succeeds.
func (r *Rounds) Begin(every time.Duration, look func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.done = cancel, make(chan struct{})
	go func() {
		defer close(r.done)
		for {
			err := look(ctx)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				r.broken.Store(&err)
			default:
				r.broken.Store(nil)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(every):
			}
		}
	}()
}

// Close ends the rounds, and waits for the look under way. What is left is found at the next start.
func (r *Rounds) Close() {
	if r.cancel != nil {
		r.cancel()
		<-r.done
	}
}

// Err is why the last look failed, or nil.
func (r *Rounds) Err() error {
	if err := r.broken.Load(); err != nil {
		return *err
	}
	return nil
}
