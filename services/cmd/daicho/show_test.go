package main

import "testing"

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
