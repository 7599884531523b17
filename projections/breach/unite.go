package breach

import (
	"context"
	"fmt"
	"slices"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// unions are the pseudonyms that links unite, as of the window's end and as known.
type unions struct {
	of  map[events.Pseudonym]events.Pseudonym // → the first of its union, in order
	all map[events.Pseudonym][]events.Pseudonym
}

func (u *unions) root(p events.Pseudonym) events.Pseudonym {
	if r, ok := u.of[p]; ok {
		return r
	}
	return p
}

func (u *unions) members(root events.Pseudonym) []events.Pseudonym {
	if m := u.all[root]; m != nil {
		return m
	}
	return []events.Pseudonym{root}
}

func (u *unions) size(root events.Pseudonym) int { return len(u.members(root)) }

// unite reads the links: few people have any, so they are read whole.
func (b *Breach) unite(ctx context.Context, s *contracts.Scope, present map[ref]*stay) (*unions, error) {
	rows, err := b.Read.QueryContext(ctx, `select person, other, stands from links where position <= $1 and time <= $2 order by position`, int64(s.KnownAt), s.To.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("reading links: %w", err)
	}
	defer rows.Close()
	next := map[events.Pseudonym]map[events.Pseudonym]bool{}
	for rows.Next() {
		var p, o string
		var stands int
		if err := rows.Scan(&p, &o, &stands); err != nil {
			return nil, fmt.Errorf("reading links: %w", err)
		}
		m := next[events.Pseudonym(p)]
		if m == nil {
			m = map[events.Pseudonym]bool{}
			next[events.Pseudonym(p)] = m
		}
		if stands == 1 {
			m[events.Pseudonym(o)] = true
		} else {
			delete(m, events.Pseudonym(o))
		}
	}
	u := &unions{of: map[events.Pseudonym]events.Pseudonym{}, all: map[events.Pseudonym][]events.Pseudonym{}}
	for r := range present {
		if _, done := u.of[r.person]; done {
			continue
		}
		members := []events.Pseudonym{r.person}
		seen := map[events.Pseudonym]bool{r.person: true}
		for i := 0; i < len(members); i++ {
			for o := range next[members[i]] {
				if !seen[o] {
					seen[o], members = true, append(members, o)
				}
			}
		}
		slices.Sort(members)
		for _, m := range members {
			u.of[m] = members[0]
		}
		u.all[members[0]] = members
	}
	return u, rows.Err()
}
