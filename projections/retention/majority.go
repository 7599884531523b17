package retention

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/events/policy"
	"github.com/daicho-dev/daicho/projections/store"
)

// Minors stand in a table of their own, so that finding who reaches majority costs by who does, not by who is held. A row goes when the
// majority has been told and nothing stands on a guardian's word any more.
const minorsTable = `create table if not exists minors (person text primary key, month text not null, told integer not null)`

const minorsIndex = `create index if not exists minors_month on minors (month, person)`

// minor is the row that somebody has, or should have; no month is none.
type minor struct {
	month string
	told  int
}

func minorOf(s *person.State, c *policy.Catalogue) minor {
	if c == nil {
		return minor{}
	}
	m, ok := s.OfMajority(c)
	switch {
	case !ok || m.Told != nil && len(s.GuardianConsents()) == 0:
		return minor{}
	case m.Told != nil:
		return minor{string(m.Policy), 1}
	}
	return minor{month: string(m.Policy)}
}

// minors writes the row of a person if it has changed.
func (b *run) minors(p events.Pseudonym, was, is minor) (err error) {
	switch {
	case was == is:
	case is.month == "":
		_, err = b.tx.Exec(`delete from minors where person = $1`, string(p))
	default:
		_, err = b.tx.Exec(`insert into minors (person, month, told) values ($1, $2, $3)
			on conflict (person) do update set month = excluded.month, told = excluded.told`, string(p), is.month, is.told)
	}
	return err
}

// MajorityQuestion asks for minors up to a month, at a moment.
type MajorityQuestion struct {
	By    string
	After string
	Limit int
	Now   time.Time
}

// Majority lists minors by the month in which they are of age by the policy's table.
func (r *Retention) Majority(ctx context.Context, q MajorityQuestion) (out contracts.Majorities, err error) {
	if q.Limit <= 0 {
		q.Limit = 1000
	}
	out = contracts.Majorities{By: q.By, Items: []contracts.MajorityItem{}}
	if out.Position, err = r.Position(ctx); err != nil {
		return out, err
	}
	org, err := r.Organisation(ctx, store.Latest, store.Ever)
	if err != nil || org.Policy == nil {
		return out, err
	}
	if err := r.Read.QueryRowContext(ctx, `select count(*) from minors where month <= $1`, q.By).Scan(&out.Total); err != nil {
		return out, fmt.Errorf("reading minors: %w", err)
	}
	if err := r.Read.QueryRowContext(ctx, `select count(*) from minors where month > $1`, q.By).Scan(&out.Later); err != nil {
		return out, fmt.Errorf("reading minors: %w", err)
	}
	month, who, _ := strings.Cut(q.After, "/")
	rows, err := r.Read.QueryContext(ctx, `select m.person, p.state from minors m join people p on p.person = m.person
		where m.month <= $1 and (m.month > $2 or m.month = $2 and m.person > $3) order by m.month, m.person limit $4`, q.By, month, who, q.Limit+1)
	if err != nil {
		return out, fmt.Errorf("reading minors: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p string
		var blob []byte
		if err := rows.Scan(&p, &blob); err != nil {
			return out, fmt.Errorf("reading minors: %w", err)
		}
		if len(out.Items) == q.Limit {
			last := out.Items[q.Limit-1]
			next := string(last.Month) + "/" + string(last.Person)
			out.Next = &next
			break
		}
		state, err := decode(blob)
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, majorityItem(events.Pseudonym(p), state, org.Policy, q.Now))
	}
	return out, rows.Err()
}

func majorityItem(p events.Pseudonym, s *person.State, c *policy.Catalogue, now time.Time) contracts.MajorityItem {
	m, _ := s.OfMajority(c)
	item := contracts.MajorityItem{Person: p, Country: events.Word(s.Country), Month: m.Policy, Civil: m.Civil, State: "minor", Consents: []contracts.GuardianConsent{}}
	switch month := c.Month(now); {
	case month > m.Policy:
		item.State = "of_age"
	case month > m.Civil:
		item.State = "asks_alone"
	}
	if m.Told != nil {
		item.Told = &m.Told.Time
	}
	for _, g := range s.GuardianConsents() {
		item.Consents = append(item.Consents, contracts.GuardianConsent{Purpose: g.Purpose, Since: g.Since.Time})
	}
	return item
}

// Grown are people whose month of majority was over before a month and has not been told.
func (r *Retention) Grown(ctx context.Context, before events.Month, limit int) (all []Grown, err error) {
	rows, err := r.Read.QueryContext(ctx, `select person, month from minors where told = 0 and month < $1 order by month, person limit $2`, string(before), limit)
	if err != nil {
		return nil, fmt.Errorf("reading minors: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var g Grown
		if err := rows.Scan(&g.Person, &g.Month); err != nil {
			return nil, fmt.Errorf("reading minors: %w", err)
		}
		all = append(all, g)
	}
	return all, rows.Err()
}

// Grown is somebody who is of age.
type Grown struct {
	Person events.Pseudonym
	Month  events.Month
}
