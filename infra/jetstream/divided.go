package jetstream

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"

	"github.com/daicho-dev/daicho/events"
	"github.com/nats-io/nats.go/jetstream"
)

// The streams of a log on the server: one by itself, or several with events and one that holds their order.
const (
	wholeName = "DAICHO"
	orderName = "DAICHO-ORDER"

	orderPrefix = prefix + "order."
	partitions  = "daicho-partitions" // in the metadata of the order's stream: how many parts there are

	// MaxPartitions is over how many streams a log can be divided.
	MaxPartitions = 64
)

var errNoOrder = errors.New("the server has the partitions of a log, and not their order: restore the stream " + orderName + " from the same backup; " +
	"made anew it would give every event another position")

var errTwice = errors.New("two processes made the log at the same time, one divided and one not: of the stream " + wholeName + " and those that begin with " +
	wholeName + "- remove what holds nothing, with `nats stream rm`, and start again")

func partName(n int) string   { return wholeName + "-" + strconv.Itoa(n) }
func partPrefix(n int) string { return prefix + strconv.Itoa(n) + "." }

// partOf is the part that a stream's events are in: by its id alone, so that all that is about one person is in one part. It must never
// change, as the server finds a stream's revision in that part only.
func partOf(s events.Stream, parts int) int {
	if parts == 1 {
		return 0
	}
	h := fnv.New32a()
	h.Write([]byte(s.ID))
	return int(h.Sum32() % uint32(parts))
}

// prepare finds or makes the streams, takes the last recorded time from them, and gets ready for acknowledgements. Servers
// that are starting are waited for.
func (l *Log) prepare(ctx context.Context, a address) (err error) {
	if l.js, err = jetstream.New(l.conn); err != nil {
		return fmt.Errorf("log: %w", err)
	}
	if _, err = l.conn.Subscribe(l.flight.inbox+"*", l.flight.landed); err != nil {
		return fmt.Errorf("log: %w", err)
	}
	parts, err := l.division(ctx)
	if err != nil {
		return err
	}
	want, asked := settings(a.replicas, l.conn.ConnectedClusterName() != ""), a.replicas > 0
	head := events.Position(0)
	if parts == 1 {
		l.parts = []*part{{log: l, name: wholeName, prefix: prefix, ahead: readEvents}}
		if err = l.parts[0].open(ctx, want, asked); err != nil {
			return err
		}
		if err = l.only(ctx, l.parts[0], parts); err != nil {
			return err
		}
		last, err := l.parts[0].last(ctx)
		if err != nil {
			return err
		}
		if last != nil {
			l.last, head = last.Recorded, last.Position
		}
	} else {
		// The order's stream comes first: it says for good how many parts there are.
		made := want
		made.Metadata = map[string]string{partitions: strconv.Itoa(parts)}
		o := &order{log: l, part: &part{log: l, name: orderName, prefix: orderPrefix, ahead: readEvents}, wake: make(chan struct{}, 1)}
		if err = o.part.open(ctx, made, asked); err != nil {
			return err
		}
		if err = l.only(ctx, o.part, parts); err != nil {
			return err
		}
		for n := range parts {
			p := &part{log: l, name: partName(n), prefix: partPrefix(n), ahead: max(readEvents/parts, 50)}
			if err = p.open(ctx, want, asked); err != nil {
				return err
			}
			l.parts = append(l.parts, p)
		}
		if err = o.begin(ctx); err != nil {
			return err
		}
		l.order, l.last, head = o, o.now.recorded, o.now.total()
	}
	if a.alone {
		l.window.begin(head)
	}
	return nil
}

// division is over how many streams the log is divided, or is to be.
func (l *Log) division(ctx context.Context) (parts int, err error) {
	asked := l.opts.Partitions
	if asked < 0 || asked > MaxPartitions {
		return 0, fmt.Errorf("log: a log has 1 to %d partitions", MaxPartitions)
	}
	if err = l.patient(ctx, func(ctx context.Context) error {
		_, noWhole := l.js.Stream(ctx, wholeName)
		_, noPart := l.js.Stream(ctx, partName(0)) // asked for before the order's, which is made before it
		for _, err := range []error{noWhole, noPart} {
			if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
				return err
			}
		}
		s, err := l.js.Stream(ctx, orderName)
		if err == nil {
			if noWhole == nil {
				return errTwice
			}
			if parts, err = strconv.Atoi(s.CachedInfo().Config.Metadata[partitions]); err != nil || parts < 2 || parts > MaxPartitions {
				return fmt.Errorf("its stream %s does not say over how many the log is divided (metadata %s): another program made or changed it", orderName, partitions)
			}
			return nil
		}
		if !errors.Is(err, jetstream.ErrStreamNotFound) {
			return err
		}
		switch {
		case noPart == nil && noWhole == nil:
			return errTwice
		case noPart == nil:
			return errNoOrder
		case noWhole == nil:
			parts = 1
		}
		return nil
	}); err != nil {
		return 0, cannot(err, 0)
	}
	switch {
	case parts == 0:
		return max(asked, 1), nil
	case asked > 0 && asked != parts:
		return 0, otherwise(strconv.Itoa(parts), strconv.Itoa(asked))
	}
	return parts, nil
}

// only says whether a stream that was made here is the only one that says how the log is divided: a server may take two that exclude each
// other, if they are made at the same time. Who sees both writes nothing.
func (l *Log) only(ctx context.Context, p *part, parts int) error {
	if !p.made {
		return nil
	}
	is, err := l.division(ctx)
	if err == nil && is != parts {
		err = errTwice
	}
	return err
}

func otherwise(made, asked string) error {
	return fmt.Errorf("log: this log was made with %s partitions and cannot be opened with %s: a person's events stay in the partition that "+
		"they are in; leave --partitions out, or say %s", made, asked, made)
}
