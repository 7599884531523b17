package models

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// Compare folds the log anew, beside the live model, up to where that one stands, and says of each table whether its rows are the
// same. The live model stands still meanwhile; questions are answered.
func (m *Model[P]) Compare(ctx context.Context) (rows int, different []string, err error) {
	if err := m.working(); err != nil {
		return 0, nil, fmt.Errorf("comparing %s: %w", m.name, err)
	}
	m.Halt()
	defer m.Start()
	if rows, different, err = m.compare(ctx); err != nil {
		return 0, nil, fmt.Errorf("comparing %s: %w", m.name, err)
	}
	return rows, different, nil
}

func (m *Model[P]) compare(ctx context.Context) (rows int, different []string, err error) {
	beside, err := m.place.Beside(ctx, "compare")
	if err != nil {
		return 0, nil, err
	}
	at, _, _ := m.Status()
	err = m.fresh(ctx, beside, func(p P, db contracts.Database) error {
		if err := replayUpTo(ctx, m.log, p, at); err != nil {
			return err
		}
		live, n, err := digests(ctx, m.db)
		if err != nil {
			return err
		}
		rebuilt, _, err := digests(ctx, db)
		for table, d := range live {
			if rebuilt[table] != d {
				different = append(different, table)
			}
		}
		rows = n
		return err
	})
	slices.Sort(different)
	return rows, different, errors.Join(err, beside.Remove(context.WithoutCancel(ctx)))
}

func replayUpTo(ctx context.Context, log contracts.Log, p contracts.Projection, at events.Position) error {
	if at == 0 {
		return nil
	}
	for batch, err := range log.Scan(ctx, 0, contracts.Filter{}) {
		if err != nil {
			return err
		}
		end := len(batch)
		for end > 0 && batch[end-1].Position > at {
			end--
		}
		if end > 0 {
			if err := p.Apply(ctx, batch[:end]); err != nil {
				return err
			}
		}
		if end < len(batch) {
			return nil
		}
	}
	return nil
}

// digests are a hash over the rows of each table, in the order of their contents.
func digests(ctx context.Context, db contracts.Database) (map[string][32]byte, int, error) {
	names, err := tables(ctx, db)
	if err != nil {
		return nil, 0, err
	}
	out, total := map[string][32]byte{}, 0
	for _, name := range names {
		d, n, err := digest(ctx, db.Read, name)
		if err != nil {
			return nil, 0, err
		}
		out[name] = d
		total += n
	}
	return out, total, nil
}

func tables(ctx context.Context, db contracts.Database) ([]string, error) {
	rows, err := db.Read.QueryContext(ctx, db.Tables)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		names = append(names, n)
	}
	return names, rows.Err()
}

// digest adds the hashes of the rows up, so that their order does not matter and nothing has to be sorted.
func digest(ctx context.Context, db *sql.DB, table string) (sum [32]byte, n int, err error) {
	rows, err := db.QueryContext(ctx, `select * from `+table)
	if err != nil {
		return sum, 0, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return sum, 0, err
	}
	values := make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return sum, 0, err
		}
		h := sha256.New()
		for _, v := range values {
			fmt.Fprintf(h, "%T %v\x00", v, v)
		}
		carry := 0
		for i, b := range h.Sum(nil) {
			carry += int(sum[i]) + int(b)
			sum[i] = byte(carry)
			carry >>= 8
		}
		n++
	}
	return sum, n, rows.Err()
}
