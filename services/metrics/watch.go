package metrics

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/daicho-dev/daicho/services/rounds"
)

// Gauge is something to watch: how much of it there is, by one label (or none). Label values are words of the contract, of the catalogue,
// or parts of the engine.
type Gauge struct {
	Name, Help, Label string
	// Read counts. No value is no answer yet, and then nothing is shown rather than a zero.
	Read func(context.Context) (map[string]float64, error)
}

// One is the reading of a gauge without a label.
func One(v float64) map[string]float64 { return map[string]float64{"": v} }

// Bit is 1 for yes and 0 for no.
func Bit(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// Watch reads gauges again and again, so that being asked for them costs nothing, whoever asks, and however often.
type Watch struct {
	rounds.Rounds
	gauges []Gauge
	values []*prometheus.GaugeVec
	last   prometheus.Gauge
}

const (
	watchEvery = 5 * time.Second
	patience   = 5 * time.Second // for one gauge
)

// Watch shows gauges. Nothing is read before Start.
func (m *Metrics) Watch(gauges ...Gauge) *Watch {
	w := &Watch{gauges: gauges, last: prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "daicho_watched_timestamp_seconds", Help: "When every gauge that is read in rounds was last read without an error.",
	})}
	m.registry.MustRegister(w.last)
	for _, g := range gauges {
		var labels []string
		if g.Label != "" {
			labels = []string{g.Label}
		}
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: g.Name, Help: g.Help}, labels)
		m.registry.MustRegister(v)
		w.values = append(w.values, v)
	}
	return w
}

// Start begins the rounds.
func (w *Watch) Start() { w.Begin(watchEvery, w.look) }

// look reads every gauge. One that cannot be read disappears: an old value would look like a live one.
func (w *Watch) look(ctx context.Context) error {
	var all []error
	for i, g := range w.gauges {
		read, err := func() (map[string]float64, error) {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			return g.Read(ctx)
		}()
		if err != nil {
			all = append(all, fmt.Errorf("%s: %w", g.Name, err))
		}
		w.values[i].Reset()
		for label, n := range read {
			if g.Label == "" {
				w.values[i].WithLabelValues().Set(n)
			} else {
				w.values[i].WithLabelValues(label).Set(n)
			}
		}
	}
	if len(all) == 0 {
		w.last.SetToCurrentTime()
	}
	return errors.Join(all...)
}
