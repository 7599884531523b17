package register

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
	"github.com/daicho-dev/daicho/projections/breach"
	"github.com/daicho-dev/daicho/projections/dossier"
	"github.com/daicho-dev/daicho/projections/retention"
)

func rawValue(b []byte) any { return jsontext.Value(b) }

// nameCases puts the clear case word in the place of each tag in a reading's deadlines.
func (r *Register) nameCases(ctx context.Context, reading *dossier.Reading) error {
	words, err := r.caseWords(ctx, reading.Cases)
	if err != nil {
		return err
	}
	for i := range reading.Dossier.Records {
		if d := reading.Dossier.Records[i].Deadline; d != nil {
			rename(d.Held, words)
		}
	}
	return nil
}

// caseWords are the clear words of case tags that are still known.
func (r *Register) caseWords(ctx context.Context, refs []contracts.CaseRef) (map[string]string, error) {
	var owners []events.Stream
	for _, c := range refs {
		if !slices.Contains(owners, c.Owner) {
			owners = append(owners, c.Owner)
		}
	}
	if len(owners) == 0 {
		return nil, nil
	}
	known, err := r.Vault.Cases(ctx, owners)
	if err != nil {
		return nil, err
	}
	words := map[string]string{}
	for ref, word := range known {
		words[ref.Tag] = word
	}
	return words, nil
}

func rename(held []string, words map[string]string) {
	for i, tag := range held {
		if w, ok := words[tag]; ok {
			held[i] = w
		}
	}
	slices.Sort(held)
}

// History is a person's events, sealed as they stand.
func (r *Register) History(ctx context.Context, person string) ([]contracts.Recorded, error) {
	if err := allow(ctx, readers...); err != nil {
		return nil, err
	}
	p, err := r.person(ctx, person)
	if err != nil {
		return nil, err
	}
	var all []events.Event
	r.level(ctx, r.Dossiers)
	if err := r.Dossiers.Ask(func(d *dossier.Dossier) (err error) {
		all, err = d.History(ctx, p, ^events.Position(0)>>1)
		return err
	}); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, notFound("nothing is known about this person")
	}
	out := make([]contracts.Recorded, len(all))
	for i := range all {
		out[i] = recorded(&all[i])
	}
	return out, nil
}

func recorded(e *events.Event) contracts.Recorded {
	return contracts.Recorded{
		Position: e.Position, Recorded: e.Recorded, Time: e.Time, Type: e.Type, Source: e.Source, Stream: e.Stream.String(),
		Person: e.Stream.Person(), Policy: e.Policy, Data: jsontext.Value(e.Data),
	}
}

// Explain says of a record why it is there.
func (r *Register) Explain(ctx context.Context, record string) (contracts.Explained, error) {
	var out contracts.Explained
	if err := allow(ctx, readers...); err != nil {
		return out, err
	}
	p, ordinal, ok := strings.Cut(record, ".")
	n, err := strconv.ParseUint(ordinal, 10, 32)
	if !ok || err != nil {
		return out, badQuestion("record", "a record is <person>.<number>, as a dossier names it")
	}
	r.level(ctx, r.Dossiers)
	err = r.Dossiers.Ask(func(d *dossier.Dossier) error {
		found, reading, err := d.Explain(ctx, events.Pseudonym(p), events.Ordinal(n), r.Now().UTC())
		if err != nil {
			return err
		}
		if found == nil {
			return notFound("there is no such record")
		}
		out = *found
		words, err := r.caseWords(ctx, reading.Cases)
		if out.Deadline != nil {
			rename(out.Deadline.Held, words)
		}
		return err
	})
	return out, err
}

// Due lists deadlines up to a day.
func (r *Register) Due(ctx context.Context, q contracts.DueQuestion) (contracts.Due, error) {
	var none contracts.Due
	if err := allow(ctx, readers...); err != nil {
		return none, err
	}
	c := r.Gateway.Organisation().Policy
	if c == nil {
		return none, problem(503, "no_policy", "No policy", "no policy has been published yet")
	}
	if q.By == "" {
		q.By = c.On(r.Now()).String()
	} else if _, err := policy.ParseDate(q.By); err != nil {
		return none, badQuestion("by", "is not a day (2006-01-02)")
	}
	if q.Purpose != "" && c.Purpose(q.Purpose) == nil {
		return none, badQuestion("purpose", "is not a purpose of the policy in force")
	}
	if q.Limit < 0 || q.Limit > 10_000 {
		return none, badQuestion("limit", "is between 1 and 10,000")
	}
	var out contracts.Due
	r.level(ctx, r.Retention)
	err := r.Retention.Ask(func(p *retention.Retention) error {
		found, err := p.Due(ctx, retention.Question{By: q.By, Purpose: q.Purpose, After: q.After, Limit: q.Limit})
		if err != nil {
			return err
		}
		words, err := r.caseWords(ctx, found.Cases)
		if err != nil {
			return err
		}
		for i := range found.Items {
			rename(found.Items[i].Held, words)
		}
		out = found.Due
		return nil
	})
	return out, err
}

// Calendar counts deadlines per month.
func (r *Register) Calendar(ctx context.Context) (out contracts.Calendar, err error) {
	if err := allow(ctx, readers...); err != nil {
		return out, err
	}
	r.level(ctx, r.Retention)
	err = r.Retention.Ask(func(p *retention.Retention) (err error) {
		out, err = p.Calendar(ctx)
		return err
	})
	return out, err
}

func (r *Register) scope(ctx context.Context, q contracts.ImpactQuestion, b *breach.Breach) (contracts.Scope, error) {
	if len(q.Locations) == 0 {
		return contracts.Scope{}, badQuestion("location", "names no place: a location or a recipient")
	}
	if q.From.IsZero() || q.To.IsZero() || !q.From.Before(q.To) {
		return contracts.Scope{}, badQuestion("from", "the window needs a beginning and a later end (RFC 3339)")
	}
	at, err := known(ctx, q.KnownAt, b.At)
	if err != nil {
		return contracts.Scope{}, err
	}
	now, err := b.Position(ctx)
	if err != nil {
		return contracts.Scope{}, err
	}
	if at == 0 {
		at = now
	}
	org, err := b.Organisation(ctx, at, time.UnixMilli(1<<52))
	if err != nil {
		return contracts.Scope{}, err
	}
	for _, l := range q.Locations {
		if org.Recipients[l] == nil && (org.Policy == nil || !org.Policy.HasLocation(l)) {
			return contracts.Scope{}, badQuestion("location", "is neither a location of the policy nor a recipient that was registered")
		}
	}
	for _, c := range q.Categories {
		if org.Policy == nil {
			break
		}
		if _, ok := org.Policy.Category(c); !ok {
			return contracts.Scope{}, badQuestion("category", "is not a category of the policy")
		}
	}
	slices.Sort(q.Locations)
	slices.Sort(q.Categories)
	return contracts.Scope{Locations: slices.Compact(q.Locations), Categories: slices.Compact(q.Categories), From: q.From.UTC(), To: q.To.UTC(), KnownAt: at}, nil
}

// Impact says who and what a leak touched.
func (r *Register) Impact(ctx context.Context, q contracts.ImpactQuestion) (out contracts.Impact, err error) {
	if err := allow(ctx, readers...); err != nil {
		return out, err
	}
	r.level(ctx, r.Breach)
	err = r.Breach.Ask(func(b *breach.Breach) error {
		s, err := r.scope(ctx, q, b)
		if err != nil {
			return err
		}
		out, err = b.Impact(ctx, s)
		return err
	})
	return out, err
}

// Affected lists the people behind an impact.
func (r *Register) Affected(ctx context.Context, q contracts.ImpactQuestion, yield func(contracts.Affected) error) error {
	if err := allow(ctx, readers...); err != nil {
		return err
	}
	r.level(ctx, r.Breach)
	return r.Breach.Ask(func(b *breach.Breach) error {
		s, err := r.scope(ctx, q, b)
		if err != nil {
			return err
		}
		return b.List(ctx, s, yield)
	})
}

// Replay gives the log, as it happened.
func (r *Register) Replay(ctx context.Context, q contracts.ReplayQuestion, yield func(contracts.Recorded) error) error {
	if err := allow(ctx, readers...); err != nil {
		return err
	}
	var only contracts.Filter
	var person events.Pseudonym
	if q.Person != "" {
		var err error
		if person, err = r.person(ctx, q.Person); err != nil {
			return err
		}
		only.Kinds = []string{"person"}
	}
	for batch, err := range r.Log.Scan(ctx, q.After, only) {
		if err != nil {
			return err
		}
		for i := range batch {
			e := &batch[i]
			switch {
			case person != "" && e.Stream.Person() != person,
				q.Type != "" && q.Type != e.Type && q.Type != events.Short(e.Type),
				!q.From.IsZero() && e.Recorded.Before(q.From):
				continue
			case !q.To.IsZero() && !e.Recorded.Before(q.To):
				return nil
			}
			if err := yield(recorded(e)); err != nil {
				return err
			}
		}
	}
	return nil
}
