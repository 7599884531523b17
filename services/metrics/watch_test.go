package metrics

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
)

func shown(m *Metrics) string {
	r := httptest.NewRecorder()
	m.Handler().ServeHTTP(r, httptest.NewRequest("GET", "/metrics", nil))
	return r.Body.String()
}

// What cannot be read any more disappears, and the time of the last whole round stands still; nothing is shown as zero that was not counted.
func TestWhatCannotBeReadIsNotShown(t *testing.T) {
	m := New()
	var fails, none bool
	w := m.Watch(
		Gauge{Name: "daicho_x", Help: "x", Label: "part", Read: func(context.Context) (map[string]float64, error) {
			if fails {
				return nil, errors.New("no")
			}
			return map[string]float64{"a": 1, "b": 2}, nil
		}},
		Gauge{Name: "daicho_y", Help: "y", Read: func(context.Context) (map[string]float64, error) {
			if none {
				return nil, nil
			}
			return One(Bit(true)), nil
		}})
	if out := shown(m); strings.Contains(out, "daicho_x{") || !strings.Contains(out, "daicho_watched_timestamp_seconds 0\n") {
		t.Errorf("before the first round:\n%s", out)
	}
	if err := w.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	out := shown(m)
	for _, line := range []string{`daicho_x{part="a"} 1`, `daicho_x{part="b"} 2`, "daicho_y 1"} {
		if !strings.Contains(out, line+"\n") {
			t.Errorf("%s is not shown:\n%s", line, out)
		}
	}
	if strings.Contains(out, "daicho_watched_timestamp_seconds 0\n") {
		t.Error("a whole round is not noted")
	}
	w.last.Set(7)
	fails, none = true, true
	if err := w.look(t.Context()); err == nil || !strings.Contains(err.Error(), "daicho_x") {
		t.Errorf("a gauge that cannot be read: %v", err)
	}
	if out := shown(m); strings.Contains(out, "daicho_x{") || strings.Contains(out, "\ndaicho_y ") || !strings.Contains(out, "daicho_watched_timestamp_seconds 7\n") {
		t.Errorf("after a round that failed:\n%s", out)
	}
}
