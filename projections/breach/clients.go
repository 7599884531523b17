package breach

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// clients counts, of what a leak touched, the data that was entrusted, by client.
func (b *Breach) clients(ctx context.Context, affected []*human) ([]contracts.ImpactClient, error) {
	var any bool
	if err := b.Read.QueryRowContext(ctx, `select exists (select 1 from entrusted)`).Scan(&any); err != nil || !any {
		return nil, err
	}
	ask, err := b.Read.PrepareContext(ctx, `select client from entrusted where person = $1 and record = $2`)
	if err != nil {
		return nil, fmt.Errorf("reading entrusted records: %w", err)
	}
	defer ask.Close()
	counts := map[string]*contracts.ImpactClient{}
	for _, h := range affected {
		own := map[string]bool{}
		for r := range h.records {
			var client string
			switch err := ask.QueryRowContext(ctx, string(r.person), int64(r.n)).Scan(&client); {
			case errors.Is(err, sql.ErrNoRows):
				continue
			case err != nil:
				return nil, fmt.Errorf("reading entrusted records: %w", err)
			}
			c := counts[client]
			if c == nil {
				c = &contracts.ImpactClient{Client: events.Word(client)}
				counts[client] = c
			}
			c.Records++
			if !own[client] {
				own[client] = true
				c.People++
			}
		}
	}
	var all []contracts.ImpactClient
	for _, c := range counts {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(x, y contracts.ImpactClient) int { return strings.Compare(string(x.Client), string(y.Client)) })
	return all, nil
}
