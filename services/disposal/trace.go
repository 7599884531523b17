package disposal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// trace is what the log has of one disposal.
type trace struct {
	id        events.ID
	planned   *events.Disposal
	policy    string
	marks     map[string][]contracts.CertificateMark // by type
	executed  *events.Disposal                       // the last
	deletions []*deletion
	open      map[events.Pseudonym][]*deletion // not yet destroyed
	records   map[events.Pseudonym][]events.Ordinal
	forgotten map[events.Pseudonym]bool
	asked     map[events.Pseudonym][]*events.Recall // recalls that stand right before what comes next about a person
	recalled  map[events.Word]int
	at        events.Position // of the last event about a person that was read
}

// deletion is one `deleted` in the disposal's name, and what became of its keys.
type deletion struct {
	person    events.Pseudonym
	fact      *events.Deleted
	line      string // of the proof
	destroyed *events.KeysDestroyed
	gone      string // the destruction's line of the proof
}

func newTrace(id events.ID) *trace {
	return &trace{
		id: id, marks: map[string][]contracts.CertificateMark{}, open: map[events.Pseudonym][]*deletion{}, records: map[events.Pseudonym][]events.Ordinal{},
		forgotten: map[events.Pseudonym]bool{}, asked: map[events.Pseudonym][]*events.Recall{}, recalled: map[events.Word]int{},
	}
}

// trace reads the log up to a position; zero is the head as it stands. A disposal that the log does not have is not planned in it.
func (s *Service) trace(ctx context.Context, id events.ID, upTo events.Position) (*trace, error) {
	t := newTrace(id)
	if err := s.read(ctx, t, 0, upTo, "disposal"); err != nil || t.planned == nil {
		return t, err
	}
	t.at = t.marks[events.TypeDisposalPlanned][0].Position
	return t, s.read(ctx, t, t.at, upTo, "person")
}

func (s *Service) read(ctx context.Context, t *trace, after, upTo events.Position, kind string) error {
	for batch, err := range s.log.Scan(ctx, after, contracts.Filter{Kinds: []string{kind}}) {
		if err != nil {
			return err
		}
		for i := range batch {
			if upTo > 0 && batch[i].Position > upTo {
				return nil
			}
			if err := t.take(&batch[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// destroyedWithin is how long a run waits for the destruction of keys: it takes milliseconds a person. If it is stuck, its own health check
// says so.
const destroyedWithin = 10 * time.Minute

// traceUntilDestroyed follows the log until everything that was deleted, up to a position at least, has lost its keys.
func (s *Service) traceUntilDestroyed(ctx context.Context, id events.ID, upTo events.Position) (*trace, error) {
	t, err := s.trace(ctx, id, 0)
	if err != nil || t.at >= upTo && len(t.open) == 0 {
		return t, err
	}
	ctx, cancel := context.WithTimeout(ctx, destroyedWithin)
	defer cancel()
	go func() {
		select {
		case <-s.stopped:
			cancel()
		case <-ctx.Done():
		}
	}()
	for batch, err := range s.log.Tail(ctx, t.at, contracts.Filter{Kinds: []string{"person"}}) {
		if err != nil {
			return nil, fmt.Errorf("waiting for the destruction of keys: %w", err)
		}
		for i := range batch {
			if err := t.take(&batch[i]); err != nil {
				return nil, err
			}
		}
		if t.at >= upTo && len(t.open) == 0 {
			return t, nil
		}
	}
	return nil, fmt.Errorf("waiting for the destruction of keys: %w", ctx.Err())
}

func (t *trace) take(e *events.Event) error {
	p := e.Stream.Person()
	if p != "" {
		t.at = e.Position
	}
	switch {
	case e.Stream.Kind == "disposal":
		if e.Stream.ID != string(t.id) {
			return nil
		}
	case e.Type != events.TypeDeleted && e.Type != events.TypeKeysDestroyed && e.Type != events.TypeRecallRequested:
		delete(t.asked, p)
		return nil
	}
	f, err := events.Decode(e)
	if err != nil {
		return err
	}
	switch f := f.(type) {
	case *events.Disposal:
		t.marks[e.Type] = append(t.marks[e.Type], contracts.CertificateMark{Time: e.Time, Position: e.Position})
		switch e.Type {
		case events.TypeDisposalPlanned:
			t.planned, t.policy = f, e.Policy
		case events.TypeDisposalExecuted:
			t.executed = f
		}
	case *events.Recall:
		t.asked[p] = append(t.asked[p], f)
	case *events.Deleted:
		if f.Run == t.id {
			t.deleted(e, p, f)
		}
		delete(t.asked, p)
	case *events.KeysDestroyed:
		t.destroyed(e, p, f)
	default: // no part of it
	}
	return nil
}

func (t *trace) deleted(e *events.Event, p events.Pseudonym, f *events.Deleted) {
	d := &deletion{person: p, fact: f, line: proofLine(e)}
	t.deletions = append(t.deletions, d)
	t.open[p] = append(t.open[p], d)
	t.records[p] = append(t.records[p], f.Of...)
	t.forgotten[p] = t.forgotten[p] || f.Person
	for _, r := range t.asked[p] {
		if !slices.ContainsFunc(r.Of, func(n events.Ordinal) bool { return !slices.Contains(f.Of, n) }) {
			t.recalled[r.Recipient]++
		}
	}
}

func (t *trace) destroyed(e *events.Event, p events.Pseudonym, f *events.KeysDestroyed) {
	line := proofLine(e)
	t.open[p] = slices.DeleteFunc(t.open[p], func(d *deletion) bool {
		if !f.Person && (d.fact.Person || slices.ContainsFunc(d.fact.Keys, func(n events.Ordinal) bool { return !slices.Contains(f.Ordinals, n) })) {
			return false
		}
		d.destroyed, d.gone = f, line
		return true
	})
	if len(t.open[p]) == 0 {
		delete(t.open, p)
	}
}

// has says that a record was deleted in the disposal's name, or somebody of whom there was none forgotten.
func (t *trace) has(e *entry) bool {
	return e.alone() && t.forgotten[e.person] || slices.Contains(t.records[e.person], e.n)
}

func proofLine(e *events.Event) string {
	sum := sha256.Sum256(e.Data)
	return e.Position.String() + " " + e.Stream.String() + " " + e.Type + " " + hex.EncodeToString(sum[:]) + "\n"
}
