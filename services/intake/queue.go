package intake

import (
	"context"

	"github.com/daicho-dev/daicho/contracts"
)

// sequence is the one goroutine that says whose turn it is. It forms groups of what waits, in order; of one person, never in
// two groups at once; what changes the organisation, alone.
func (g *Gateway) sequence(ctx context.Context) {
	var waiting []*item
	busy := map[string]bool{}
	under := 0
	finished := make(chan []*item, maxInFlight)
	for {
		for under < maxInFlight {
			group, rest := next(waiting, busy, under)
			if len(group) == 0 || under > 0 && len(group) < worthwhile {
				break
			}
			waiting = rest
			for _, it := range group {
				for _, k := range it.keys {
					busy[k] = true
				}
			}
			under++
			go func() {
				g.decide(context.WithoutCancel(ctx), group)
				for _, it := range group {
					it.done.Done()
				}
				finished <- group
			}()
		}
		closing := ctx.Err() != nil // asked once: whoever closes may do so at any moment
		if closing && under == 0 {
			for _, it := range waiting {
				it.err = ErrClosing
				it.done.Done()
			}
			g.refuseQueued()
			return
		}
		// Wait for news; when closing, only for what is under way.
		queue := g.queue
		stop := ctx.Done()
		if closing || len(waiting) > 8*maxGroup {
			queue = nil
		}
		if closing {
			stop = nil
		}
		select {
		case items := <-queue:
			waiting = append(waiting, items...)
		drain: // what has come meanwhile goes into the same group
			for len(waiting) < 8*maxGroup {
				select {
				case more := <-g.queue:
					waiting = append(waiting, more...)
				default:
					break drain
				}
			}
		case group := <-finished:
			under--
			for _, it := range group {
				for _, k := range it.keys {
					delete(busy, k)
				}
			}
		case <-stop:
		}
	}
}

func (g *Gateway) refuseQueued() {
	for {
		select {
		case items := <-g.queue:
			for _, it := range items {
				it.err = ErrClosing
				it.done.Done()
			}
		default:
			return
		}
	}
}

// next takes the next group from those waiting, and leaves the rest in order.
func next(waiting []*item, busy map[string]bool, under int) (group, rest []*item) {
	if len(waiting) > 0 && waiting[0].barrier {
		if under > 0 {
			return nil, waiting
		}
		return waiting[:1:1], waiting[1:]
	}
	blocked := map[string]bool{} // by an earlier one that has to wait itself
	taken := map[string]int{}    // of each key
	for i, it := range waiting {
		if it.barrier || len(group) == maxGroup {
			rest = append(rest, waiting[i:]...)
			return group, rest
		}
		free := true
		for _, k := range it.keys {
			free = free && !busy[k] && !blocked[k] && taken[k]+it.weight <= contracts.MaxWrite
		}
		if free {
			for _, k := range it.keys {
				taken[k] += it.weight
			}
			group = append(group, it)
			continue
		}
		for _, k := range it.keys {
			blocked[k] = true
		}
		rest = append(rest, it)
	}
	return group, rest
}
