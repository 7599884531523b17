package sqlite

import (
	"path/filepath"
	"testing"
)

func TestPositional(t *testing.T) {
	for was, is := range map[string]string{
		`select 1`: `select 1`,
		`insert into t (a, b) values ($1, $2), ($3, $4) on conflict do nothing`: `insert into t (a, b) values (?, ?), (?, ?) on conflict do nothing`,
		`select '$9', 'it''s $1' where a = $1`:                                  `select '$9', 'it''s $1' where a = ?`,
		`select 1 where $2 = '' or a = $2`:                                      `select 1 where $2 = '' or a = $2`,
		`select 1 where a = $2 and b = $1`:                                      `select 1 where a = $2 and b = $1`,
		`select $1 where a = $1`:                                                `select $1 where a = $1`,
		`select 1 where a = $10`:                                                `select 1 where a = $10`,
		`select $`:                                                              `select $`,
	} {
		if got := positional(was); got != is {
			t.Errorf("%s became %s", was, got)
		}
	}
}

// Both forms mean the same to the database.
func TestPositionalMeansTheSame(t *testing.T) {
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer Close(db)
	for _, q := range []string{`select $1 || '-' || $2`, `select $2 || '-' || $1`, `select $1 || '-$3-' || $1`} {
		var a, b string
		args := []any{"x", "y"}
		if q == `select $1 || '-$3-' || $1` {
			args = args[:1]
		}
		if err := db.Write.QueryRow(q, args...).Scan(&a); err != nil {
			t.Fatal(err)
		}
		if err := db.Write.QueryRow(db.Statement(q), args...).Scan(&b); err != nil || a != b {
			t.Errorf("%s: %q and %q: %v", q, a, b, err)
		}
	}
}
