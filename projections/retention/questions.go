package retention

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/events/policy"
	"github.com/daicho-dev/daicho/projections/store"
)

// Question asks for deadlines up to a day.
type Question struct {
	By      string // a civil day
	Purpose events.Word
	After   string // the cursor of the answer before
	Limit   int    // items; default 1,000
}

// Found is an answer and the case tags that stand in it.
type Found struct {
	contracts.Due
	Cases []contracts.CaseRef
}

// Due lists each record and purpose whose period ends by a day. The items are in the order of the people's first days; a page never
// splits a person. It reads the rows of those who stand on the page, and no others; what is due in all, the calendar has counted.
func (r *Retention) Due(ctx context.Context, q Question) (*Found, error) {
	if q.Limit <= 0 {
		q.Limit = 1000
	}
	at, err := r.Position(ctx)
	if err != nil {
		return nil, err
	}
	org, err := r.Organisation(ctx, store.Latest, store.Ever)
	if err != nil {
		return nil, err
	}
	tx, err := r.Read.BeginTx(ctx, nil) // the count and the page are of one moment
	if err != nil {
		return nil, fmt.Errorf("reading what is due: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	out := &Found{Due: contracts.Due{By: q.By, Position: at, Items: []contracts.DueItem{}}}
	if out.Total, err = total(ctx, tx, q.By, q.Purpose); err != nil {
		return nil, err
	}
	if q.Purpose == "" {
		if out.Forgettable, err = forgettable(ctx, tx, q.By); err != nil {
			return nil, err
		}
	}
	// Whoever has a row here has at least one item: so many people fill a page, and one more says whether there is another.
	afterDay, afterPerson, _ := strings.Cut(q.After, "/")
	rows, err := tx.QueryContext(ctx, `select d.person, d.day, p.state from due d join people p on p.person = d.person
		where d.purpose = $1 and d.day <= $2 and (d.day, d.person) > ($3, $4) order by d.day, d.person limit $5`,
		string(q.Purpose), q.By, afterDay, afterPerson, q.Limit+1)
	if err != nil {
		return nil, fmt.Errorf("reading what is due: %w", err)
	}
	defer rows.Close()
	last := ""
	for rows.Next() {
		if len(out.Items) >= q.Limit {
			out.Next = &last
			break
		}
		var p, day string
		var blob []byte
		if err := rows.Scan(&p, &day, &blob); err != nil {
			return nil, fmt.Errorf("reading what is due: %w", err)
		}
		state, err := decode(blob)
		if err != nil {
			return nil, err
		}
		items, cases := Items(events.Pseudonym(p), state, org, q.By, q.Purpose)
		out.Items, out.Cases = append(out.Items, items...), append(out.Cases, cases...)
		last = day + "/" + p
	}
	return out, rows.Err()
}

// Items are what of one person is due by a day.
func Items(p events.Pseudonym, s *person.State, org *organisation.State, by string, purpose events.Word) (items []contracts.DueItem, cases []contracts.CaseRef) {
	limits := s.Limits(org)
	day, err := policy.ParseDate(by)
	if err != nil {
		return nil, nil // a question that names no day; who asks is told before
	}
	for _, l := range limits {
		if l.Due.IsZero() || l.Due.String() > by || purpose != "" && l.Binding.Purpose != purpose {
			continue
		}
		held := []string{}
		for _, k := range s.Held(l.Record) {
			held = append(held, string(k))
			cases = append(cases, contracts.CaseRef{Owner: events.PersonStream(p), Tag: string(k)})
		}
		item := contracts.DueItem{
			Record: string(p) + "." + l.Record.N.String(), Person: p, Category: l.Record.Category, Purpose: l.Binding.Purpose, Due: l.Due.String(), Rule: l.Rule,
			Because: []contracts.Because{}, Held: held, Gap: l.Gap,
			KeptBy: keptBy(person.OfRecord(limits, l.Record.N), day),
		}
		item.Whole = len(item.KeptBy) == 0 && len(held) == 0
		for _, m := range l.Because {
			item.Because = append(item.Because, contracts.Because{Event: string(m.Type), Word: string(m.Word), Position: m.Position, Time: m.Time})
		}
		items = append(items, item)
	}
	slices.SortStableFunc(items, func(a, b contracts.DueItem) int { return strings.Compare(a.Due, b.Due) })
	return items, cases
}

// keptBy are the bindings of a record that still keep it on a day, the one that ends last first.
func keptBy(limits []person.Limit, on policy.Date) []contracts.KeptBy {
	keep := slices.DeleteFunc(limits, func(l person.Limit) bool { return !l.Binds(on) })
	slices.SortStableFunc(keep, func(a, b person.Limit) int {
		if a.Due.IsZero() != b.Due.IsZero() {
			return map[bool]int{true: -1, false: 1}[a.Due.IsZero()]
		}
		return b.Due.Compare(a.Due)
	})
	var out []contracts.KeptBy
	for _, l := range keep {
		k := contracts.KeptBy{Purpose: l.Binding.Purpose, Rule: l.Rule, Waiting: l.Waiting, Law: l.Law}
		if !l.Due.IsZero() {
			k.Due = l.Due.String()
		}
		out = append(out, k)
	}
	return out
}

// Person is the fold of one person; of somebody unknown, an empty one.
func (r *Retention) Person(ctx context.Context, p events.Pseudonym) (*person.State, error) {
	s := &person.State{}
	err := r.states(ctx, func(_ events.Pseudonym, found *person.State) error {
		s = found
		return nil
	}, `select person, state from people where person = $1`, string(p))
	return s, err
}

// EachDue gives the fold of everybody who has something due by a day, in the order of pseudonyms, and the organisation as it stands.
func (r *Retention) EachDue(ctx context.Context, by string, yield func(events.Pseudonym, *person.State, *organisation.State) error) error {
	org, err := r.Organisation(ctx, store.Latest, store.Ever)
	if err != nil {
		return err
	}
	return r.states(ctx, func(p events.Pseudonym, s *person.State) error { return yield(p, s, org) },
		`select p.person, p.state from due d join people p on p.person = d.person where d.purpose = '' and d.day <= $1 order by d.person`, by)
}

// Count is how many people have a row, for verification against other models.
func (r *Retention) Count(ctx context.Context) (n int, err error) {
	err = r.Read.QueryRowContext(ctx, `select count(*) from people`).Scan(&n)
	return n, err
}

// Each gives every person's fold, in the order of pseudonyms.
func (r *Retention) Each(ctx context.Context, yield func(events.Pseudonym, *person.State) error) error {
	return r.states(ctx, yield, `select person, state from people order by person`)
}

func (r *Retention) states(ctx context.Context, yield func(events.Pseudonym, *person.State) error, query string, args ...any) error {
	rows, err := r.Read.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("reading people: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p string
		var blob []byte
		if err := rows.Scan(&p, &blob); err != nil {
			return fmt.Errorf("reading people: %w", err)
		}
		s, err := decode(blob)
		if err != nil {
			return err
		}
		if err := yield(events.Pseudonym(p), s); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Page gives the folds of some people, in the order of pseudonyms, from the one after a pseudonym on. It holds no transaction open
// between pages, so that a long reading keeps nobody waiting; what changes meanwhile shows on the pages that are still to come.
func (r *Retention) Page(ctx context.Context, after events.Pseudonym, limit int) (people []events.Pseudonym, states []*person.State, err error) {
	rows, err := r.Read.QueryContext(ctx, `select person, state from people where person > $1 order by person limit $2`, string(after), limit)
	if err != nil {
		return nil, nil, fmt.Errorf("reading people: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p string
		var blob []byte
		if err := rows.Scan(&p, &blob); err != nil {
			return nil, nil, fmt.Errorf("reading people: %w", err)
		}
		s, err := decode(blob)
		if err != nil {
			return nil, nil, err
		}
		people, states = append(people, events.Pseudonym(p)), append(states, s)
	}
	return people, states, rows.Err()
}
