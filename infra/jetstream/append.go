package jetstream

import (
	"context"
	"errors"
	"slices"
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
	part     int
	writes   []int
	messages []*nats.Msg
	first    []int // the first message of each write
	unknown  []int // of each write: how many of its stream were sent before it, of unknown outcome
	asked    bool  // the window knows of it
	bytes    int
	busy     bool              // it was rejected, and may not be in conflict
	at       []events.Position // of each message
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
	groups := l.pack(writes, results)
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
					again = append(again, &group{part: g.part, writes: []int{i}})
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
	if l.order != nil {
		l.order.show(ctx, writes, results)
	}
	return results
}

func failAll(results []contracts.Result, err error) []contracts.Result {
	for i := range results {
		results[i] = contracts.Result{Err: err}
	}
	return results
}

// pack puts the sound Writes of a call into as few batches as they fit, part by part.
func (l *Log) pack(writes []contracts.Write, results []contracts.Result) (groups []*group) {
	type filling struct {
		*group
		count, bytes int
	}
	parts := make([]filling, len(l.parts))
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
		at := partOf(w.Stream, len(parts))
		f := &parts[at]
		if f.group == nil || f.count+len(w.Events) > batchMessages || f.bytes+n > batchBytes {
			*f = filling{group: &group{part: at}}
			groups = append(groups, f.group)
		}
		f.writes, f.count, f.bytes = append(f.writes, i), f.count+len(w.Events), f.bytes+n
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
		g.build(l.parts[g.part].prefix, writes)
	}
	flying := make([]*sent, len(groups))
	errs := make([]error, len(groups))
	select {
	case l.turn <- struct{}{}:
		for i, g := range groups {
			g.ask(&l.window, writes)
			flying[i], errs[i] = l.send(ctx, g)
		}
		<-l.turn
	case <-ctx.Done():
		fill(errs, ctx.Err())
	case <-l.done:
		fill(errs, contracts.ErrClosed)
	}
	acks := make([]ack, len(groups))
	for i, g := range groups {
		if acks[i].err = errs[i]; errs[i] == nil {
			acks[i] = g.check(await(ctx, flying[i]))
		}
	}
	l.place(ctx, groups, acks)
	for i, g := range groups {
		a := acks[i]
		if g.asked {
			g.landed(&l.window, writes, a)
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

func (g *group) build(prefix string, writes []contracts.Write) {
	g.messages, g.first, g.unknown, g.asked, g.bytes = nil, nil, nil, false, 0
	g.at = nil
	for _, i := range g.writes {
		w := &writes[i]
		g.first = append(g.first, len(g.messages))
		for j := range w.Events {
			m := encode(prefix, w.Stream, &w.Events[j])
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
	if l.order != nil {
		if err := l.order.stuck.Load(); err != nil {
			return nil, *err
		}
	}
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

// check says what an answer of the server means for a group.
func (g *group) check(a ack) ack {
	total := uint64(len(g.messages))
	if a.err == nil && (a.Seq < total || total > 1 && a.Count != total) {
		a.err = contracts.ErrUnknown // not an answer that this server gives
	}
	return a
}

// place finds the positions of groups that are stored.
func (l *Log) place(ctx context.Context, groups []*group, acks []ack) {
	t := &ticket{}
	var steps []writeEnd
	for i, g := range groups {
		if acks[i].err != nil {
			continue
		}
		s := newStored(g.part, acks[i].Seq, len(g.messages))
		g.at = s.at
		if l.order == nil { // a batch lies in the log in one piece, and its answer names the last place
			s.fill([]piece{{upto: s.last}})
			continue
		}
		t.stored = append(t.stored, s)
		for k, w := range g.writes {
			steps = append(steps, writeEnd{w, step{g.part, s.last - uint64(g.behind(k))}})
		}
	}
	if len(steps) == 0 {
		return
	}
	slices.SortFunc(steps, func(a, b writeEnd) int { return a.write - b.write })
	for _, s := range steps {
		t.steps = append(t.steps, s.step)
	}
	if err := l.order.wait(ctx, l.order.enter(t)); err != nil {
		for i := range acks {
			if acks[i].err == nil {
				acks[i].err = err
			}
		}
	}
}

// writeEnd is where a Write of a call ends.
type writeEnd struct {
	write int
	step
}

// landed tells the window what became of each Write.
func (g *group) landed(win *window, writes []contracts.Write, a ack) {
	for k, i := range g.writes {
		win.landed(&writes[i], g.unknown[k], g.result(k, a))
	}
}

// settle writes the answer to a group into the results of its Writes.
func (g *group) settle(writes []contracts.Write, results []contracts.Result, a ack) {
	for k, i := range g.writes {
		results[i] = g.result(k, a)
	}
}

// result is what became of the k-th Write of a group.
func (g *group) result(k int, a ack) contracts.Result {
	if a.err != nil {
		return contracts.Result{Err: a.err}
	}
	from, to := g.first[k], len(g.messages)-g.behind(k)
	return contracts.Result{Positions: g.at[from:to:to], Revision: events.Revision(a.Seq) - events.Revision(g.behind(k))}
}

// behind is how many messages of a group come behind its k-th Write.
func (g *group) behind(k int) int {
	if k+1 == len(g.writes) {
		return 0
	}
	return len(g.messages) - g.first[k+1]
}
