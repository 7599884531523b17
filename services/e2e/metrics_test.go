package e2e

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/infra/postgres/pgtest"
	"github.com/daicho-dev/daicho/infra/sqlite"
)

// metrics are the engine's own, a line of the exposition (name and labels) → its value.
func (e *engine) metrics() map[string]float64 {
	e.t.Helper()
	res, err := http.Get(e.url + "/metrics")
	if err != nil {
		e.t.Fatal(err)
	}
	defer res.Body.Close()
	all := map[string]float64{}
	for sc := bufio.NewScanner(res.Body); sc.Scan(); {
		i := strings.LastIndexByte(sc.Text(), ' ')
		if n, err := strconv.ParseFloat(sc.Text()[i+1:], 64); i > 0 && err == nil && strings.HasPrefix(sc.Text(), "daicho_") {
			all[sc.Text()[:i]] = n
		}
	}
	return all
}

// What the metrics say of a year is what the answers say.
func TestMetricsSayWhatAnswersSay(t *testing.T) {
	e := start(t, t.TempDir())
	c, ctx := e.as("admin"), context.Background()
	sent, err := send(c, year(t), 1000)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, n := range sent.Refused {
		refused += n
	}
	kept, err := c.Quarantined(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		`daicho_intake_submissions_total{status="refused"}`: float64(refused),
		`daicho_quarantine_submissions`:                     float64(len(kept)),
		`daicho_healthy`:                                    1,
		`daicho_ready`:                                      1,
		`daicho_part_stuck{part="intake"}`:                  0,
		`daicho_part_stuck{part="breach"}`:                  0,
		`daicho_part_stuck{part="destruction of keys"}`:     0,
		`daicho_model_lag_positions{model="dossier"}`:       0,
		`daicho_model_lag_positions{model="retention"}`:     0,
		`daicho_standby{model="dossier"}`:                   0,
		`daicho_destructions_waiting`:                       0,
		`daicho_destruction_oldest_seconds`:                 0,
		`daicho_notices_given_up`:                           0,
		`daicho_disposals_waiting{waits_for="approval"}`:    0,
	}
	for rule, n := range sent.Refused {
		want[`daicho_intake_refusals_total{rule="`+rule+`"}`] = float64(n)
	}
	if refused == 0 || len(kept) == 0 {
		t.Fatal("the year refuses nothing or keeps nothing: this test compares zeros")
	}
	var got map[string]float64
	different := func() (all []string) {
		got = e.metrics()
		open, overdue, reviews := supervised(t, e)
		want[`daicho_recalls{state="open"}`], want[`daicho_recalls{state="overdue"}`], want[`daicho_recipient_findings{finding="review_overdue"}`] = open, overdue, reviews
		if open+overdue == 0 || reviews == 0 {
			all = append(all, "recalls and reviews, of which the year has some")
		}
		for name, n := range want {
			if v, ok := got[name]; !ok || v != n {
				all = append(all, name)
			}
		}
		// The scan is the day's: what it found of a register that grew since is not compared, but it has been told.
		if got[`daicho_scan_timestamp_seconds`] == 0 || got[`daicho_records{state="bound"}`] == 0 || got[`daicho_log_position`] < float64(sent.Recorded) {
			all = append(all, "the scan, or the log's position")
		}
		free, size := got[`daicho_data_bytes{what="free"}`], got[`daicho_data_bytes{what="size"}`]
		if free <= 0 || size < free {
			all = append(all, "the disk")
		}
		if at := got["daicho_watched_timestamp_seconds"]; at < float64(time.Now().Add(-time.Hour).Unix()) {
			all = append(all, "the time of the last round")
		}
		return all
	}
	var left []string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if left = different(); len(left) == 0 {
			return
		}
	}
	for _, name := range left {
		t.Errorf("%s is %v, want %v", name, got[name], want[name])
	}
}

// supervised counts what recipients have not confirmed, and whose review is late, as they are listed.
func supervised(t *testing.T, e *engine) (open, overdue, reviews float64) {
	t.Helper()
	list, err := e.as("admin").Recipients(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list.Recipients {
		open += float64(v.Recalls.Open - v.Recalls.Overdue)
		overdue += float64(v.Recalls.Overdue)
		for _, f := range v.Findings {
			if f.Word == "review_overdue" {
				reviews++
			}
		}
	}
	return open, overdue, reviews
}

// A projection that cannot write stops, is told by name, and turns the health check red; when it can write again it goes on.
func TestAStuckPartIsToldByName(t *testing.T) {
	lines := year(t)
	e := fed(t, lines[:100])
	ctx := context.Background()
	other, err := sqlite.Open(ctx, filepath.Join(e.dir, "models", "breach.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sqlite.Close(other) }()
	lock, err := other.Write.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Rollback() }()
	if _, err := send(e.as("admin"), lines[100:110], 10); err != nil {
		t.Fatal(err)
	}
	until := func(what string, stuck, healthy float64) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
			m := e.metrics()
			if m[`daicho_part_stuck{part="breach"}`] == stuck && m["daicho_healthy"] == healthy && m["daicho_ready"] == healthy && m[`daicho_part_stuck{part="dossier"}`] == 0 {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s is not told: %v", what, m)
			}
		}
	}
	until("a projection that cannot write", 1, 0)
	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
	until("its going on", 0, 1)
}

// A server that cannot be reached is told by name, although nothing is asked of it meanwhile; when it is back, that is told too.
func TestStoresOutOfReachAreToldByName(t *testing.T) {
	server := pgtest.Own(t)
	e := startWith(t, "--vault", server.Database(t))
	until := func(what string, stuck float64) {
		t.Helper()
		eventually(t, what, func() error {
			m := e.metrics()
			if m[`daicho_part_stuck{part="stores"}`] != stuck || m["daicho_healthy"] != 1-stuck {
				return fmt.Errorf("it tells %v", m)
			}
			return nil
		})
	}
	until("all to be well", 0)
	server.Cut(t)
	until("the cut to be told", 1)
	server.Begin(t)
	until("its end to be told", 0)
}

// tellsOf waits until a process tells of models whether it stands by for each, and of no others.
func (e *engine) tellsOf(standby map[string]float64) {
	e.t.Helper()
	eventually(e.t, "the metrics to say who stands by", func() error {
		got, all := map[string]float64{}, e.metrics()
		for name, n := range all {
			if model, ok := strings.CutPrefix(name, "daicho_standby{model=\""); ok {
				got[strings.TrimSuffix(model, "\"}")] = n
			}
		}
		for model, n := range got {
			if _, lags := all[`daicho_model_lag_positions{model="`+model+`"}`]; lags != (n == 0) {
				return fmt.Errorf("%s: standing by is %v, and that its lag is told is %t", model, n, lags)
			}
		}
		if !maps.Equal(got, standby) {
			return fmt.Errorf("it tells %v, want %v", got, standby)
		}
		return nil
	})
}
