// Package metrics counts what the engine does, for Prometheus. Labels are words of the contract; nothing of a person is in them.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/daicho-dev/daicho/contracts"
)

// Metrics are the engine's counters. They are an intake.Observer.
type Metrics struct {
	registry *prometheus.Registry
	answered *prometheus.CounterVec
	refused  *prometheus.CounterVec
	groups   prometheus.Histogram
}

// New makes the counters.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		answered: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "daicho_intake_submissions_total", Help: "Submissions answered, by what became of them."}, []string{"status"}),
		refused:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "daicho_intake_refusals_total", Help: "Submissions refused, by rule."}, []string{"rule"}),
		groups:   prometheus.NewHistogram(prometheus.HistogramOpts{Name: "daicho_intake_group_events", Help: "Submissions decided and appended together.", Buckets: []float64{1, 2, 5, 10, 25, 50, 100, 250, 500}}),
	}
	m.registry.MustRegister(m.answered, m.refused, m.groups, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Grouped is told the size of a group.
func (m *Metrics) Grouped(n int) { m.groups.Observe(float64(n)) }

// Answered is told what became of a submission.
func (m *Metrics) Answered(s contracts.Status, rule string) {
	m.answered.WithLabelValues(string(s)).Inc()
	if s == contracts.StatusRefused {
		m.refused.WithLabelValues(rule).Inc()
	}
}

// Overdue shows how many of something wait after their last day.
func (m *Metrics) Overdue(what string, count func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "daicho_overdue", Help: "What waits after its last day.", ConstLabels: prometheus.Labels{"what": what},
	}, func() float64 { return float64(count()) }))
}

// Handler serves them.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
