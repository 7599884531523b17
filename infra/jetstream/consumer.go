package jetstream

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/internal/attribute"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// recent is how many of the last events a tail judges by.
const recent = 10_000

// consumer makes what a reading reads from, and says what the server lets through to it: what is wanted, or everything,
// where that costs less, or where all is asked for. A scan knows what is ahead of it, a tail what came last.
func (p *part) consumer(ctx context.Context, after, head events.Position, only contracts.Filter, all bool) (c jetstream.Consumer, filters []string, err error) {
	everything := []string{p.prefix + ">"}
	if all || len(only.Kinds) == 0 {
		c, err = p.consume(ctx, after, everything)
		return c, everything, err
	}
	filters = p.subjects(only)
	from := after
	if head == forever {
		if head, err = p.end(ctx); err != nil {
			return nil, nil, err
		}
		from = min(after, head-min(head, recent))
	}
	if c, err = p.consume(ctx, from, filters); err != nil {
		return nil, nil, err
	}
	if !cheaper(len(filters), c.CachedInfo().NumPending, uint64(max(head, from)-from)) {
		filters = everything
	} else if from == after {
		return c, filters, nil
	}
	p.tidy(c.CachedInfo().Name)
	c, err = p.consume(ctx, after, filters)
	return c, filters, err
}

// cheaper says whether the server should tell kinds apart, where so many of some events are wanted, or whether all are read
// and told apart here. What the server lets through a filter costs it more than what it just hands over: about twice as much
// with one kind, ten to twenty times with several; what it leaves out costs next to nothing. Too few events say nothing.
func cheaper(kinds int, wanted, of uint64) bool {
	if kinds == 1 {
		return wanted <= of/2 || of < 1000
	}
	return wanted <= of/32 && of >= 1000
}

func (p *part) consume(ctx context.Context, after events.Position, filters []string) (c jetstream.Consumer, err error) {
	name := nuid.Next()
	err = p.log.ask(ctx, func(ctx context.Context) (err error) {
		c, err = p.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
			Name: name, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: uint64(after) + 1,
			AckPolicy: jetstream.AckNonePolicy, FilterSubjects: filters,
			MemoryStorage: true, Replicas: 1, InactiveThreshold: time.Minute,
		})
		return err
	})
	if err != nil { // whoever stopped waiting for it may have one
		p.tidy(name)
	}
	return c, err
}

// subjects are those of the kinds that a filter names.
func (p *part) subjects(only contracts.Filter) (all []string) {
	seen := map[string]bool{}
	for _, k := range only.Kinds {
		if attribute.Token(k) && !seen[k] {
			all, seen[k] = append(all, p.prefix+k+".>"), true
		}
	}
	if len(all) == 0 { // no event can be of such kinds, but a tail waits all the same
		all = append(all, p.prefix+"-.-.-")
	}
	return all
}

// passes says whether a message is wanted, by its subject without the beginning.
func passes(only contracts.Filter, subject string) bool {
	kind, _, _ := strings.Cut(subject, ".")
	return only.Has(events.Stream{Kind: kind})
}

// ended says whether a scan has all: its consumer has no more, but may stand on a server that lags behind the others.
func (p *part) ended(ctx context.Context, after, head events.Position, filters []string) error {
	if p.copies == 1 || after >= head {
		return nil
	}
	return p.log.ask(ctx, func(ctx context.Context) error {
		for _, f := range filters {
			if e, err := p.first(ctx, uint64(after)+1, f); err != nil || e != nil && e.Position <= head {
				return errors.Join(err, errAgain)
			}
		}
		return nil
	})
}

// tidy removes a consumer, without keeping its reader.
func (p *part) tidy(name string) {
	p.log.beside(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = p.stream.DeleteConsumer(ctx, name) // the server itself removes what nobody asks for
	})
}

// place is where the server says that a message stands.
type place struct{ seq, delivered, pending uint64 }

// parsePlace reads it from the subject of the answer that the server would take:
// $JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<tries>.<seq>.<delivered>.<time>.<pending>[.<random>]
func parsePlace(reply string) (p place, ok bool) {
	parts := strings.SplitN(reply, ".", 13)
	switch {
	case len(parts) == 9:
	case len(parts) >= 11:
		parts = parts[2:]
	default:
		return p, false
	}
	var err [3]error
	p.seq, err[0] = strconv.ParseUint(parts[5], 10, 64)
	p.delivered, err[1] = strconv.ParseUint(parts[6], 10, 64)
	p.pending, err[2] = strconv.ParseUint(parts[8], 10, 64)
	return p, errors.Join(err[:]...) == nil
}
