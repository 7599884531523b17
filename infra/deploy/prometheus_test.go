package deploy

import (
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// alerts are the rules, by Prometheus' own reading: expressions, durations and templates.
func alerts(t *testing.T) (all []rulefmt.Rule) {
	t.Helper()
	groups, errs := rulefmt.ParseFile("prometheus/alerts.yaml", false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for _, g := range groups.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// selected are the metrics that an expression asks for, with the values that it wants of their labels.
func selected(t *testing.T, expr string) (all []*parser.VectorSelector) {
	t.Helper()
	e, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Errorf("%s: %v", expr, err)
		return nil
	}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			all = append(all, v)
		}
		return nil
	})
	return all
}

// exported are the series of a real engine that has recorded, refused and deleted something.
func exported(t *testing.T) []labels.Labels {
	t.Helper()
	p := newPlace(t)
	p.serve(starts(t, unit), nil, "%S/daicho", p.dir+"/data", "%d", p.dir+"/secrets")
	p.shell("daicho simulate --people 20 --days 30 --seed 7 > events.ndjson")
	p.daicho("emit events.ndjson")
	var all []labels.Labels
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		status, text := p.get("/metrics")
		if status != 200 {
			t.Fatalf("/metrics: %d", status)
		}
		if strings.Contains(text, "daicho_scan_timestamp_seconds ") && strings.Contains(text, "daicho_intake_refusals_total{") {
			for line := range strings.SplitSeq(text, "\n") {
				if i := strings.LastIndexByte(line, ' '); i > 0 && line[0] != '#' {
					m, err := parser.NewParser(parser.Options{}).ParseMetric(line[:i])
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, m)
				}
			}
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the engine has refused nothing, or looked at nothing:\n%s", text)
		}
	}
	p.stop()
	return all
}

// dashboard are the expressions of the Grafana dashboard.
func dashboard(t *testing.T) (all []string) {
	t.Helper()
	b, err := os.ReadFile("grafana/daicho.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Title  string `json:"title"`
		UID    string `json:"uid"`
		Panels []struct {
			ID      int            `json:"id"`
			Title   string         `json:"title"`
			Type    string         `json:"type"`
			GridPos map[string]int `json:"gridPos"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	for _, p := range d.Panels {
		if p.Title == "" || p.Type == "" || ids[p.ID] || len(p.GridPos) != 4 || len(p.Targets) == 0 {
			t.Errorf("the panel %d %q is not whole, or its number is another's", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, x := range p.Targets {
			all = append(all, x.Expr)
		}
	}
	if d.Title == "" || d.UID == "" || len(all) < 10 {
		t.Errorf("the dashboard %q has %d expressions", d.Title, len(all))
	}
	return all
}

// Whatever the alerts and the dashboard ask for, a real engine tells; and everything that an engine watches is looked at by one of them.
func TestEveryMetricThatIsAskedForIsTold(t *testing.T) {
	told := exported(t)
	asked := map[string]bool{}
	exprs := dashboard(t)
	for _, r := range alerts(t) {
		exprs = append(exprs, r.Expr)
	}
	for _, expr := range exprs {
		expr = strings.ReplaceAll(expr, "$__rate_interval", "5m")
		for _, v := range selected(t, expr) {
			asked[v.Name] = true
			if v.Name == "up" {
				continue // Prometheus' own
			}
			if !slices.ContainsFunc(told, func(l labels.Labels) bool {
				for _, m := range v.LabelMatchers {
					if m.Name != "job" && !m.Matches(l.Get(m.Name)) {
						return false
					}
				}
				return true
			}) {
				t.Errorf("no engine tells %s, which %s asks for", v, expr)
			}
		}
	}
	for _, l := range told {
		if name := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(l.Get("__name__"), ""); strings.HasPrefix(name, "daicho_") && !asked[name] && !asked[name+"_bucket"] {
			t.Errorf("%s is told and nobody looks at it", name)
			asked[name] = true
		}
	}
}

// series is a metric's values, one a minute, the last of them now.
type series struct {
	name   string
	values []float64
}

// sample is one value of a series; of histograms there is none.
type sample struct {
	chunks.Sample
	t int64
	v float64
}

func (s sample) T() int64                 { return s.t }
func (s sample) ST() int64                { return 0 }
func (s sample) F() float64               { return s.v }
func (s sample) Type() chunkenc.ValueType { return chunkenc.ValFloat }

// found is a set of series, one after the other.
type found struct {
	storage.SeriesSet
	all []storage.Series
	at  int
}

func (f *found) Next() bool                      { f.at++; return f.at <= len(f.all) }
func (f *found) At() storage.Series              { return f.all[f.at-1] }
func (*found) Err() error                        { return nil }
func (*found) Warnings() annotations.Annotations { return nil }

// fires says whether an alert's expression holds at a moment, by Prometheus' own engine.
func fires(t *testing.T, expr string, at time.Time, all ...series) bool {
	t.Helper()
	querier := &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
		set := &found{}
		for _, s := range all {
			l, err := parser.NewParser(parser.Options{}).ParseMetric(s.name)
			if err != nil {
				t.Fatal(err)
			}
			if slices.ContainsFunc(ms, func(m *labels.Matcher) bool { return !m.Matches(l.Get(m.Name)) }) {
				continue
			}
			samples := make([]chunks.Sample, len(s.values))
			for i, v := range s.values {
				samples[i] = sample{t: at.Add(time.Duration(i-len(s.values)+1) * time.Minute).UnixMilli(), v: v}
			}
			set.all = append(set.all, storage.NewListSeries(l, samples))
		}
		return set
	}}
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{})})
	q, err := engine.NewInstantQuery(context.Background(), &storage.MockQueryable{MockQuerier: querier}, nil, expr, at)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	v, err := q.Exec(context.Background()).Vector()
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return len(v) > 0
}

// over is n minutes, from one value to another.
func over(n int, from, to float64) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = from + (to-from)*float64(i)/float64(max(1, n-1))
	}
	return all
}

// Each alert holds when it should, and does not when all is well.
func TestAlertsHoldWhenTheyShould(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	clock := float64(now.Unix())
	const day = 1440
	cases := map[string]struct{ bad, well []series }{
		"DaichoAbsent":     {[]series{{`up{job="daicho"}`, over(5, 0, 0)}}, []series{{`up{job="daicho"}`, over(5, 1, 1)}}},
		"DaichoNotReady":   {[]series{{`daicho_ready`, over(5, 0, 0)}}, []series{{`daicho_ready`, over(5, 1, 1)}}},
		"DaichoPartStuck":  {[]series{{`daicho_part_stuck{part="breach"}`, over(5, 1, 1)}}, []series{{`daicho_part_stuck{part="breach"}`, over(5, 0, 0)}}},
		"DaichoNotWatched": {[]series{{`daicho_watched_timestamp_seconds`, over(5, clock-400, clock-400)}}, []series{{`daicho_watched_timestamp_seconds`, over(5, clock-10, clock-10)}}},
		"DaichoModelLags":  {[]series{{`daicho_model_lag_positions{model="breach"}`, over(20, 20000, 30000)}}, []series{{`daicho_model_lag_positions{model="breach"}`, over(20, 90000, 20000)}}},
		"DaichoModelUnkept": {
			[]series{{`daicho_standby{job="daicho",instance="a",model="breach"}`, over(20, 1, 1)}, {`daicho_standby{job="daicho",instance="a",model="dossier"}`, over(20, 0, 0)}},
			[]series{{`daicho_standby{job="daicho",instance="a",model="breach"}`, over(20, 1, 1)}, {`daicho_standby{job="daicho",instance="b",model="breach"}`, over(20, 0, 0)}},
		},
		"DaichoDestructionWaits": {[]series{{`daicho_destruction_oldest_seconds`, over(5, 100, 400)}}, []series{{`daicho_destruction_oldest_seconds`, over(5, 0, 1)}}},
		"DaichoRefusalsRise": {
			[]series{{`daicho_intake_refusals_total{rule="schema"}`, append(over(day, 0, 24), over(60, 25, 85)...)}},
			[]series{{`daicho_intake_refusals_total{rule="schema"}`, over(day+120, 0, 26*40)}},
		},
		"DaichoQuarantineGrows": {[]series{{`daicho_quarantine_submissions`, over(day, 10, 400)}}, []series{{`daicho_quarantine_submissions`, over(day, 400, 400)}}},
		"DaichoDisposalOverdue": {[]series{{`daicho_records{state="overdue"}`, over(5, 3, 3)}}, []series{{`daicho_records{state="overdue"}`, over(5, 0, 0)}, {`daicho_records{state="due"}`, over(5, 3, 3)}}},
		"DaichoScanMissing":     {[]series{{`daicho_scan_timestamp_seconds`, over(5, clock-3*86400, clock-3*86400)}}, []series{{`daicho_scan_timestamp_seconds`, over(5, clock-86400, clock-86400)}}},
		"DaichoRecallOverdue":   {[]series{{`daicho_recalls{state="overdue"}`, over(5, 1, 1)}}, []series{{`daicho_recalls{state="open"}`, over(5, 1, 1)}}},
		"DaichoNoticeGivenUp":   {[]series{{`daicho_notices_given_up`, over(5, 1, 1)}}, []series{{`daicho_notices_given_up`, over(5, 0, 0)}}},
		"DaichoSupervisionLate": {[]series{{`daicho_overdue{what="reviews"}`, over(5, 1, 1)}}, []series{{`daicho_recipient_findings{finding="review_not_planned"}`, over(5, 1, 1)}, {`daicho_overdue{what="reviews"}`, over(5, 0, 0)}}},
		"DaichoDiskFills": {
			[]series{{`daicho_data_bytes{what="free"}`, over(day, 60e9, 50e9)}, {`daicho_data_bytes{what="size"}`, over(day, 100e9, 100e9)}},
			[]series{{`daicho_data_bytes{what="free"}`, over(day, 60e9, 59e9)}, {`daicho_data_bytes{what="size"}`, over(day, 100e9, 100e9)}},
		},
	}
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range alerts(t) {
		c, ok := cases[r.Alert]
		if !ok {
			t.Errorf("%s is not tried", r.Alert)
			continue
		}
		if !fires(t, r.Expr, now, c.bad...) {
			t.Errorf("%s does not hold when it should", r.Alert)
		}
		if fires(t, r.Expr, now, c.well...) {
			t.Errorf("%s holds when all is well", r.Alert)
		}
		if r.Labels["severity"] != "page" && r.Labels["severity"] != "ticket" || r.Annotations["summary"] == "" {
			t.Errorf("%s does not say how soon, or what", r.Alert)
		}
		if !strings.Contains(string(page), "`"+r.Alert+"`") {
			t.Errorf("the operators' page does not say what to do for %s", r.Alert)
		}
		delete(cases, r.Alert)
	}
	for name := range cases {
		t.Errorf("%s is no alert", name)
	}
	gone := []series{{`daicho_standby{job="daicho",instance="a",model="breach"}`, append(over(20, 0, 0), math.Float64frombits(value.StaleNaN))}}
	full := []series{{`daicho_data_bytes{what="free"}`, over(5, 10e9, 10e9)}, {`daicho_data_bytes{what="size"}`, over(5, 100e9, 100e9)}}
	for _, r := range alerts(t) {
		if r.Alert == "DaichoDiskFills" && !fires(t, r.Expr, now, full...) {
			t.Error("a disk that is nearly full is not told")
		}
		if r.Alert == "DaichoModelUnkept" && !fires(t, r.Expr, now, gone...) {
			t.Error("that the one process of a model is gone is not told")
		}
	}
}
