package main

import (
	"slices"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
)

// How far something is says of how much only where that is known.
func TestProgressWithoutATotal(t *testing.T) {
	for _, x := range []struct {
		total int64
		want  string
	}{{-1, "bytes sent: 7"}, {10, "bytes sent: 7 of 10"}} {
		if got := newBar("bytes sent", x.total).line(7); got != x.want {
			t.Errorf("of %d: %q", x.total, got)
		}
	}
}

// Who has checked what is shown where several processes have.
func TestChecksSayByWhom(t *testing.T) {
	for _, x := range []struct {
		by        string
		head, row []string
	}{
		{"", []string{"check", "ok", "count", ""}, []string{"c", "true", "3", "why"}},
		{"breach", []string{"check", "ok", "count", "by", ""}, []string{"c", "true", "3", "breach", "why"}},
	} {
		got := verifiedTable(contracts.Verified{Checks: []contracts.Check{{Name: "c", OK: true, Count: 3, By: x.by, Detail: "why"}}})
		if !slices.Equal(got.head, x.head) || len(got.rows) != 1 || !slices.Equal(got.rows[0], x.row) {
			t.Errorf("by %q: %q %q", x.by, got.head, got.rows)
		}
	}
}
