package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/models"
)

// level says what is not yet level with a head.
func (e *Engine) level(target events.Position) error {
	for _, m := range e.stores.All {
		at, state, err := m.Status()
		if state == models.Stuck {
			return fmt.Errorf("%s is stuck: %w", m.Name(), err)
		}
		if at < target {
			return fmt.Errorf("%s is at position %v of %v", m.Name(), at, target)
		}
	}
	return nil
}

// health says what is stuck, or cut off from the log.
func (e *Engine) health() error {
	for _, why := range []*atomic.Pointer[error]{&e.failed, &e.cut} {
		if err := loaded(why); err != nil {
			return err
		}
	}
	for _, p := range e.parts() {
		if p.err != nil {
			return fmt.Errorf("%s is stuck: %w", p.name, p.err)
		}
	}
	return nil
}

// part is one of those that work on their own, and why it is stuck.
type part struct {
	name string
	err  error
}

// parts are all of them once the engine is up.
func (e *Engine) parts() (all []part) {
	if !e.up() {
		return nil
	}
	all = append(all, part{"log", e.reach()}, part{"stores", loaded(&e.cut)}) // first: others are stuck for want of them
	for _, m := range e.stores.All {
		p := part{name: m.Name()}
		if _, state, err := m.Status(); state == models.Stuck {
			p.err = err
		}
		all = append(all, p)
	}
	all = append(all, part{"intake", e.gateway.Err()})
	for _, w := range e.workers {
		all = append(all, part{w.what, w.Err()})
	}
	return all
}

// reach asks the log for its head, and intake whether it takes what is written. Nothing is taken until it answers.
func (e *Engine) reach() error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if _, err := e.log.Head(ctx); err != nil {
		return err
	}
	return e.gateway.Unwritten()
}

// up says that the engine has begun.
func (e *Engine) up() bool {
	select {
	case <-e.booted:
		return e.failed.Load() == nil
	default:
		return false
	}
}
