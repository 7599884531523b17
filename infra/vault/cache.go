package vault

import (
	"sync"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// keyCache keeps opened key states for seconds.
//
// A reader may have read an owner's row just before a puncture and want to put it here just after: it takes the count of
// drops before it reads, and puts nothing if that has moved.
type keyCache struct {
	keep time.Duration
	max  int

	mu    sync.Mutex
	all   map[string]kept
	drops uint64
	timer *time.Timer
	done  bool
}

type kept struct {
	owner *owner
	until time.Time
}

func newKeyCache(keep time.Duration, max int) *keyCache {
	return &keyCache{keep: keep, max: max, all: map[string]kept{}}
}

// get fills in what is kept, and answers the count that put wants.
func (c *keyCache) get(streams []string, into []*owner) uint64 {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, s := range streams {
		if k, ok := c.all[s]; ok && now.Before(k.until) {
			into[i] = k.owner
		}
	}
	return c.drops
}

// put keeps an owner, unless something was dropped since. It answers the owner to use: of two that read the same row at
// once, both get the first, so that a puncture reaches it.
func (c *keyCache) put(o *owner, since uint64) *owner {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done || c.keep < 0 || c.drops != since {
		return o
	}
	now := time.Now()
	if k, ok := c.all[o.stream]; ok && now.Before(k.until) {
		return k.owner
	}
	for s := range c.all { // any one will do: what is needed is read again
		if len(c.all) < c.max {
			break
		}
		delete(c.all, s)
	}
	c.all[o.stream] = kept{o, now.Add(c.keep)}
	if c.timer == nil {
		c.timer = time.AfterFunc(c.keep, c.expire)
	}
	return o
}

// expire drops what is past its time, so that nothing stays in the memory of an idle process.
func (c *keyCache) expire() {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for s, k := range c.all {
		if !now.Before(k.until) {
			delete(c.all, s)
		}
	}
	c.timer = nil
	if len(c.all) > 0 && !c.done {
		c.timer = time.AfterFunc(c.keep, c.expire)
	}
}

// drop takes an owner out, and answers it if it was kept.
func (c *keyCache) drop(stream string) *owner {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	o := c.all[stream].owner
	delete(c.all, stream)
	return o
}

func (c *keyCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = true
	if c.timer != nil {
		c.timer.Stop()
	}
	for _, k := range c.all {
		k.owner.destroy()
	}
	clear(c.all)
}

// foundCache keeps where identifiers lead, by their keyed hash.
type foundCache struct {
	max int

	mu    sync.RWMutex
	all   map[[32]byte]events.Pseudonym
	drops uint64
}

func newFoundCache(max int) *foundCache {
	return &foundCache{max: max, all: map[[32]byte]events.Pseudonym{}}
}

func (c *foundCache) get(hashes [][32]byte, into []events.Pseudonym) uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for i := range hashes {
		into[i] = c.all[hashes[i]]
	}
	return c.drops
}

func (c *foundCache) put(found map[[32]byte]events.Pseudonym, since uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drops != since || c.max == 0 {
		return
	}
	for h, p := range found {
		for old := range c.all {
			if len(c.all) < c.max {
				break
			}
			delete(c.all, old)
		}
		c.all[h] = p
	}
}

func (c *foundCache) drop(names []name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	for i := range names {
		delete(c.all, names[i].entry)
	}
}

func (c *foundCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	clear(c.all)
}
