package jetstream

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/internal/attribute"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"
)

const (
	batchMessages = 1000        // the server takes no more
	batchBytes    = 8 << 20     // so that a few batches fit into the server's queue; a larger Write goes alone
	longestPause  = time.Second // before a stream that stays busy is taken to be in conflict
	breath        = 16 << 20    // within a larger Write: bytes after which the server is asked whether it keeps up
)

var (
	errWrite  = errors.New("log: a write holds 1 to MaxWrite events of at most MaxEvent bytes, and a call at most one write a stream")
	errBusy   = errors.New("log: another write of the stream is under way")
	errAbsent = errors.New("log: no server takes the events just now")
)

// group is some Writes of a call, by index, that are stored together or not at all.
type group struct {
	writes   []int
	messages []*nats.Msg
	first    []int // the first message of each write
	unknown  []int // of each write: how many of its stream were sent before it, of unknown outcome
	asked    bool  // the window knows of it
	bytes    int
	busy     bool // it was rejected, and may not be in conflict
}

// Append implements contracts.Log. Writes of one call share a batch. If one of them is in conflict, the server rejects
// the batch, and each of its Writes is sent again by itself: those are then stored later than what was entered meanwhile.
// So are those of a batch that is rejected because a stream of it is busy: a leader answers before it has put away what it
// keeps of a write under way, and takes the next one for a conflict until then.
func (l *Log) Append(ctx context.Context, writes []contracts.Write) []contracts.Result {
	results := make([]contracts.Result, len(writes))
	if l.isClosed() {
		return failAll(results, contracts.ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return failAll(results, err)
	}
	groups := pack(writes, results)
	for pause := time.Millisecond; len(groups) > 0; {
		var again []*group
		busy := false
		for _, g := range l.run(ctx, writes, groups, results) {
			switch {
			case g.busy && pause < longestPause:
				busy, again = true, append(again, g)
			case len(g.writes) == 1:
				g.settle(writes, results, ack{err: contracts.ErrConflict})
			default:
				for _, i := range g.writes {
					again = append(again, &group{writes: []int{i}})
				}
			}
		}
		if groups = again; !busy {
			continue
		}
		select {
		case <-time.After(pause):
			pause *= 2
		case <-ctx.Done():
		case <-l.done:
		}
	}
	return results
}

func failAll(results []contracts.Result, err error) []contracts.Result {
	for i := range results {
		results[i] = contracts.Result{Err: err}
	}
	return results
}

// pack puts the sound Writes of a call into as few batches as they fit.
func pack(writes []contracts.Write, results []contracts.Result) (groups []*group) {
	var g *group
	count, bytes := 0, 0
	seen := make(map[events.Stream]struct{}, len(writes))
	for i, w := range writes {
		n := 0
		for _, e := range w.Events {
			n += len(e.Data)
			if len(e.Data) > contracts.MaxEvent {
				results[i].Err = errWrite
			}
		}
		_, twice := seen[w.Stream]
		seen[w.Stream] = struct{}{}
		if twice || len(w.Events) == 0 || len(w.Events) > contracts.MaxWrite || !attribute.Token(w.Stream.Kind) || !attribute.Token(w.Stream.ID) {
			results[i].Err = errWrite
		}
		if results[i].Err != nil {
			continue
		}
		if g == nil || count+len(w.Events) > batchMessages || bytes+n > batchBytes {
			g, count, bytes = &group{}, 0, 0
			groups = append(groups, g)
		}
		g.writes, count, bytes = append(g.writes, i), count+len(w.Events), bytes+n
	}
	return groups
}

// run sends groups in their order and waits for what becomes of them. It answers the groups that may be sent again: those of
// several Writes that were rejected as a whole, and those that were busy. Of every other Write the result is filled in.
func (l *Log) run(ctx context.Context, writes []contracts.Write, groups []*group, results []contracts.Result) (rejected []*group) {
	if len(groups) == 0 {
		return nil
	}
	for _, g := range groups {
		g.build(writes)
	}
	flying := make([]*sent, len(groups))
	errs := make([]error, len(groups))
	select {
	case l.order <- struct{}{}:
		for i, g := range groups {
			g.ask(&l.window, writes)
			flying[i], errs[i] = l.send(ctx, g)
		}
		<-l.order
	case <-ctx.Done():
		fill(errs, ctx.Err())
	case <-l.done:
		fill(errs, contracts.ErrClosed)
	}
	for i, g := range groups {
		var a ack
		if errs[i] != nil {
			a.err = errs[i]
		} else {
			a = await(ctx, flying[i])
		}
		if g.asked {
			a = g.landed(&l.window, writes, a)
		}
		g.busy = errors.Is(a.err, errBusy)
		if g.busy || errors.Is(a.err, contracts.ErrConflict) && len(g.writes) > 1 {
			rejected = append(rejected, g)
			continue
		}
		g.settle(writes, results, a)
	}
	return rejected
}

func fill(errs []error, err error) {
	for i := range errs {
		errs[i] = err
	}
}

// await waits for an answer. Who stops waiting does not know.
func await(ctx context.Context, s *sent) ack {
	select {
	case a := <-s.answer:
		return a
	default:
	}
	select {
	case a := <-s.answer:
		return a
	case <-ctx.Done():
		return ack{err: contracts.ErrUnknown}
	}
}

func (g *group) build(writes []contracts.Write) {
	g.messages, g.first, g.unknown, g.asked, g.bytes = nil, nil, nil, false, 0
	for _, i := range g.writes {
		w := &writes[i]
		g.first = append(g.first, len(g.messages))
		for j := range w.Events {
			m := encode(w.Stream, &w.Events[j])
			g.messages = append(g.messages, m)
			g.bytes += len(m.Data)
		}
	}
	if len(g.messages) < 2 {
		return // a message by itself is atomic as it is
	}
	id := []string{nuid.Next()}
	for n, m := range g.messages {
		m.Header[hBatch], m.Header[hBatchSeq] = id, []string{strconv.Itoa(n + 1)}
	}
	g.messages[len(g.messages)-1].Header[hBatchFinal] = []string{"1"}
}

// send publishes a group, while the caller holds the order. An error says that nothing of it will be stored: a batch
// whose last message was not sent is thrown away by the server.
func (l *Log) send(ctx context.Context, g *group) (*sent, error) {
	key, s, err := l.flight.takeoff(ctx, l.done, len(g.messages), g.bytes)
	if err != nil {
		return nil, err
	}
	if now := time.Now().UTC().Truncate(time.Millisecond); now.After(l.last) {
		l.last = now
	}
	stamp := []string{l.last.Format(attribute.Clock)}
	since := 0
	for n, m := range g.messages {
		m.Header[hRecorded] = stamp
		since += len(m.Data)
		var mid *sent
		if n == len(g.messages)-1 {
			m.Reply = l.flight.inbox + key
		} else if since > breath {
			var k string
			k, mid, _ = l.flight.takeoff(ctx, l.done, 0, 0)
			m.Reply, since = l.flight.inbox+k, 0
		}
		if err = l.conn.PublishMsg(m); err == nil && mid != nil {
			if err = await(ctx, mid).err; errors.Is(err, contracts.ErrUnknown) {
				err = errors.Join(ctx.Err(), errAbsent)
			}
		}
		if err != nil {
			l.flight.finish(key, ack{})
			if l.isClosed() {
				err = contracts.ErrClosed
			}
			return nil, away(err)
		}
	}
	return s, nil
}

// ask has the server look at the revisions of streams, of those that the window does not know. The caller holds the order.
func (g *group) ask(win *window, writes []contracts.Write) {
	g.asked = true
	for k, i := range g.writes {
		w := &writes[i]
		ask, unknown := win.takeoff(w)
		g.unknown = append(g.unknown, unknown)
		if ask && w.Expect != events.AnyRevision {
			g.messages[g.first[k]].Header[hExpect] = []string{strconv.FormatUint(uint64(w.Expect), 10)}
		}
	}
}

// landed checks the server's answer to a group, and tells the window what became of each Write.
func (g *group) landed(win *window, writes []contracts.Write, a ack) ack {
	total := uint64(len(g.messages))
	if a.err == nil && (a.Seq < total || total > 1 && a.Count != total) {
		a.err = contracts.ErrUnknown // not an answer that this server gives
	}
	next := a.Seq - total
	for k, i := range g.writes {
		next += uint64(len(writes[i].Events))
		win.landed(&writes[i], g.unknown[k], contracts.Result{Revision: events.Revision(next), Err: a.err})
	}
	return a
}

// settle writes the answer to a group into the results of its Writes.
func (g *group) settle(writes []contracts.Write, results []contracts.Result, a ack) {
	next := a.Seq - uint64(len(g.messages))
	for _, i := range g.writes {
		if a.err != nil {
			results[i] = contracts.Result{Err: a.err}
			continue
		}
		at := make([]events.Position, len(writes[i].Events))
		for j := range at {
			next++
			at[j] = events.Position(next)
		}
		// A batch lies in the log in one piece, and its answer names the last place.
		results[i] = contracts.Result{Positions: at, Revision: events.Revision(next)}
	}
}
