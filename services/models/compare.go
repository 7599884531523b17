package models

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/sqlite"
)

// Compare folds the log anew, beside the live model, up to where that one stands, and says of each table whether its rows are the
// same. The live model stands still meanwhile; questions are answered.
func (m *Model[P]) Compare(ctx context.Context) (rows int, different []string, err error) {
	m.Halt()
	defer m.Start()
	dir, err := os.MkdirTemp(filepath.Dir(m.path), "compare-")
	if err != nil {
		return 0, nil, fmt.Errorf("comparing %s: %w", m.name, err)
	}
	defer os.RemoveAll(dir)
	db, err := sqlite.Open(ctx, filepath.Join(dir, "model.db"))
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = sqlite.Close(db) }()
	p, err := m.make(ctx, db)
	if err != nil {
		return 0, nil, fmt.Errorf("comparing %s: %w", m.name, err)
	}
	at, _, _ := m.Status()
	if err := replayUpTo(ctx, m.log, p, at); err != nil {
		return 0, nil, fmt.Errorf("comparing %s: %w", m.name, err)
	}
	live, n, err := digests(ctx, m.db.Read)
	if err != nil {
		return 0, nil, fmt.Errorf("comparing %s: %w", m.name, err)
	}
	rebuilt, _, err := digests(ctx, db.Read)
	if err != nil {
		return 0, nil, fmt.Errorf("comparing %s: %w", m.name, err)
	}
	for table, d := range live {
		if rebuilt[table] != d {
			different = append(different, table)
		}
	}
	slices.Sort(different)
	return n, different, nil
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
func digests(ctx context.Context, db *sql.DB) (map[string][32]byte, int, error) {
	names, err := tables(ctx, db)
	if err != nil {
		return nil, 0, err
	}
	out, total := map[string][32]byte{}, 0
	for _, name := range names {
		d, n, err := digest(ctx, db, name)
		if err != nil {
			return nil, 0, err
		}
		out[name] = d
		total += n
	}
	return out, total, nil
}

func tables(ctx context.Context, db *sql.DB) ([]string, error) {
	rows, err := db.QueryContext(ctx, `select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name`)
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
