// Package placetest is the suite that every contracts.Place passes.
package placetest

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
)

// Adapter opens the places under test.
type Adapter struct {
	// New is a place where nothing lies yet. Asked again in the same test with the same name, it is the same place.
	New func(t *testing.T, name string) contracts.Place
	// Shared: other processes can reach it, so that one at work keeps others from it.
	Shared bool
}

// Test runs the whole suite.
func Test(t *testing.T, a Adapter) {
	for _, c := range []struct {
		name string
		run  func(*suite)
	}{
		{"Kept", kept}, {"WholeTransactions", wholeTransactions}, {"Values", values}, {"Order", order}, {"Tables", tables},
		{"Beside", beside}, {"Replace", replace}, {"Remove", remove}, {"Alone", alone},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(&suite{t, a, a.New(t, "model")}) })
	}
}

type suite struct {
	*testing.T
	a Adapter
	p contracts.Place
}

func (s *suite) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// open opens a place, and closes it at the end.
func (s *suite) open(p contracts.Place) contracts.Database {
	s.Helper()
	db, err := p.Open(s.Context())
	s.ok(err)
	s.Cleanup(func() { _ = db.Close() })
	s.ok(db.Make(s.Context(), `create table if not exists words (word text primary key, n bigint not null) without rowid`))
	return db
}

func (s *suite) write(db contracts.Database, words ...string) {
	s.Helper()
	for i, w := range words {
		_, err := db.Write.ExecContext(s.Context(), `insert into words (word, n) values ($1, $2)`, w, i)
		s.ok(err)
	}
}

func (s *suite) read(db contracts.Database) (all []string) {
	s.Helper()
	rows, err := db.Read.QueryContext(s.Context(), `select word from words order by word`)
	s.ok(err)
	defer rows.Close()
	for rows.Next() {
		var w string
		s.ok(rows.Scan(&w))
		all = append(all, w)
	}
	s.ok(rows.Err())
	return all
}

func (s *suite) holds(db contracts.Database, want ...string) {
	s.Helper()
	if got := s.read(db); !slices.Equal(got, want) {
		s.Fatalf("it holds %q, not %q", got, want)
	}
}

func kept(s *suite) {
	db := s.open(s.p)
	s.write(db, "one")
	s.ok(db.Close())
	s.ok(db.Close())
	s.ok(contracts.Database{}.Close())
	db = s.open(s.p)
	s.holds(db, "one")
	s.write(db, "two")
	s.holds(db, "one", "two")
}

func wholeTransactions(s *suite) {
	db := s.open(s.p)
	tx, err := db.Write.BeginTx(s.Context(), nil)
	s.ok(err)
	_, err = tx.ExecContext(s.Context(), `insert into words (word, n) values ('one', 1)`)
	s.ok(err)
	s.holds(db)
	s.ok(tx.Rollback())
	s.holds(db)
	if tx, err = db.Write.BeginTx(s.Context(), nil); err != nil {
		s.Fatal(err)
	}
	for _, q := range []string{`insert into words (word, n) values ('one', 1)`, `insert into words (word, n) values ('two', 2)`} {
		_, err = tx.ExecContext(s.Context(), q)
		s.ok(err)
	}
	s.ok(tx.Commit())
	s.holds(db, "one", "two")
	if _, err := db.Read.ExecContext(s.Context(), `delete from words`); err == nil {
		s.Fatal("a reader has written")
	}
	s.holds(db, "one", "two")
}

func values(s *suite) {
	db := s.open(s.p)
	s.ok(db.Make(s.Context(), `create table if not exists kinds (id bigint primary key, small integer not null, blob bytea not null, word text not null)`))
	blob := make([]byte, 256)
	for i := range blob {
		blob[i] = byte(i)
	}
	for i, n := range []int64{math.MinInt64, -1, 0, 1, math.MaxInt64} {
		_, err := db.Write.ExecContext(s.Context(), `insert into kinds (id, small, blob, word) values ($1, $2, $3, $4)`, n, i%2, blob, "山田 𠮷 é e\u0301")
		s.ok(err)
		var got int64
		var small int
		var flag bool
		var b []byte
		var w string
		s.ok(db.Read.QueryRowContext(s.Context(), `select id, small, small, blob, word from kinds where id = $1 and ($2 = '' or word = $2)`, n, "").Scan(&got, &small, &flag, &b, &w))
		if got != n || small != i%2 || flag != (small == 1) || !bytes.Equal(b, blob) || w != "山田 𠮷 é e\u0301" {
			s.Fatalf("what was written reads otherwise at %d", n)
		}
	}
	var there bool
	s.ok(db.Read.QueryRowContext(s.Context(), `select exists (select 1 from kinds where id = 2)`).Scan(&there))
	if there {
		s.Fatal("there is what is not there")
	}
}

// Texts compare by their bytes: cursors and ranges rest on it.
func order(s *suite) {
	db := s.open(s.p)
	all := []string{"Person-a", "person-", "person-a", "person-z", "person.", "persona", "person_a", "é", "z", "~"}
	for _, w := range slices.Backward(all) {
		s.write(db, w)
	}
	want := slices.Sorted(slices.Values(all))
	s.holds(db, want...)
	var n int
	s.ok(db.Read.QueryRowContext(s.Context(), `select count(*) from words where word >= 'person-' and word < 'person.'`).Scan(&n))
	if n != 3 {
		s.Fatalf("a range of a prefix finds %d, not 3", n)
	}
	after, seen := "", []string{}
	for {
		var w string
		if err := db.Read.QueryRowContext(s.Context(), `select word from words where word > $1 order by word limit $2`, after, 1).Scan(&w); err != nil {
			break
		}
		seen, after = append(seen, w), w
	}
	if !slices.Equal(seen, want) {
		s.Fatalf("paging gives %q", seen)
	}
}

func tables(s *suite) {
	db := s.open(s.p)
	s.ok(db.Make(s.Context(), `create table if not exists another (id integer primary key)`, `create index if not exists words_n on words (n) where n > 0`))
	rows, err := db.Read.QueryContext(s.Context(), db.Tables)
	s.ok(err)
	defer rows.Close()
	var got []string
	for rows.Next() {
		var n string
		s.ok(rows.Scan(&n))
		got = append(got, n)
	}
	s.ok(rows.Err())
	if !slices.Equal(got, []string{"another", "words"}) {
		s.Fatalf("the tables are said to be %q", got)
	}
}

func beside(s *suite) {
	live := s.open(s.p)
	s.write(live, "live")
	for range 2 { // what an earlier run has left is not there
		b, err := s.p.Beside(s.Context(), "copy")
		s.ok(err)
		db := s.open(b)
		s.holds(db)
		s.write(db, "beside")
		s.holds(live, "live")
		s.ok(db.Close())
	}
}

func replace(s *suite) {
	live := s.open(s.p)
	s.write(live, "old", "older")
	for _, word := range []string{"new", "newer"} {
		b, err := s.p.Beside(s.Context(), "copy")
		s.ok(err)
		db := s.open(b)
		s.write(db, word)
		s.ok(db.Close())
		was := live
		live, err = s.p.Replace(s.Context(), live, b)
		s.ok(err)
		s.Cleanup(func() { _ = live.Close() })
		s.holds(live, word)
		if _, err := was.Write.ExecContext(s.Context(), `delete from words`); err == nil {
			s.Fatal("what was replaced is still open")
		}
		s.write(live, word+"+")
		s.holds(live, word, word+"+")
	}
	s.ok(live.Close())
	s.holds(s.open(s.p), "newer", "newer+")
	// A replacement that fails leaves what was there.
	live = s.open(s.a.New(s.T, "other"))
	s.write(live, "old")
	cancelled, cancel := context.WithCancel(s.Context())
	cancel()
	b, err := s.p.Beside(s.Context(), "copy")
	s.ok(err)
	if db, err := s.a.New(s.T, "other").Replace(cancelled, live, b); err == nil {
		_ = db.Close()
		s.Fatal("a replacement by nothing, by one who has gone, succeeded")
	}
	if err := live.Write.PingContext(s.Context()); err == nil {
		s.Fatal("after a replacement that failed, what was live is open")
	}
}

func remove(s *suite) {
	db := s.open(s.p)
	s.write(db, "one")
	s.ok(db.Close())
	for range 2 {
		s.ok(s.p.Remove(s.Context()))
	}
	s.holds(s.open(s.p))
}

func alone(s *suite) {
	if !s.a.Shared {
		return // its folder belongs to one process
	}
	first := s.open(s.p)
	s.write(first, "one")
	if db, err := s.p.Open(s.Context()); !errors.Is(err, contracts.ErrStandby) {
		_ = db.Close()
		s.Fatalf("a second one at work in the same place: %v", err)
	}
	if err := s.p.Remove(s.Context()); !errors.Is(err, contracts.ErrStandby) {
		s.Fatalf("removing what somebody is at work in: %v", err)
	}
	other := s.open(s.a.New(s.T, "other")) // another place is another matter
	s.holds(other)
	s.write(first, "two")
	s.ok(first.Close())
	second := s.open(s.p)
	s.holds(second, "one", "two")
	s.write(second, "three")
}
