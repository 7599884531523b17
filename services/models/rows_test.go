package models

import (
	"fmt"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/projections/store"
)

// TestRowsAreWritten: rows that are inserted many at a time are all there, whatever their number is, with what follows the values.
func TestRowsAreWritten(t *testing.T) {
	everywhere(t, func(t *testing.T, place func(string) contracts.Place) {
		db, err := place("rows").Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		s, err := store.Open(t.Context(), "rows", db, []string{`create table if not exists kept (id bigint primary key, words text not null, mark bytea not null)`})
		if err != nil {
			t.Fatal(err)
		}
		position, total := events.Position(0), 0
		for _, n := range []int{0, 1, 2, 63, 64, 65, 127, 128, 300} {
			position++
			if err := s.Apply(t.Context(), []events.Event{{Position: position}}, func(tx *store.Tx, _ []events.Event) error {
				rows := tx.Rows(`insert into kept (id, words, mark)`, 3, `on conflict (id) do update set words = excluded.words`)
				for i := range n {
					if err := rows.Add(total+i, fmt.Sprint("row '$1' ", total+i), []byte{byte(i)}); err != nil {
						return err
					}
				}
				if err := rows.Flush(); err != nil {
					return err
				}
				if n > 0 { // the last one again
					if err := rows.Add(total+n-1, "again", []byte{1}); err != nil {
						return err
					}
				}
				return rows.Flush()
			}); err != nil {
				t.Fatal(err)
			}
			total += n
			var there, again int
			if err := db.Read.QueryRow(`select count(*), sum(case when words = 'again' then 1 when words = 'row ''$1'' ' || id then 0 else 1000 end) from kept`).Scan(&there, &again); n > 0 && (err != nil || there != total || again != int(position)-1) {
				t.Fatalf("%d rows of %d, %d written again after %d: %v", there, total, again, position, err)
			}
		}
	})
}
