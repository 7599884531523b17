package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/services/api"
	"github.com/daicho-dev/daicho/services/metrics"
	"github.com/daicho-dev/daicho/services/models"
)

// gauges are what whoever runs an engine watches. They count; nothing in them is of a person, and what would take a look at everybody is
// told as the day's scan has found it.
func (e *Engine) gauges() []metrics.Gauge {
	always := func(read func() map[string]float64) func(context.Context) (map[string]float64, error) {
		return func(context.Context) (map[string]float64, error) { return read(), nil }
	}
	// Before the engine is up there is nothing to count.
	later := func(read func(context.Context) (map[string]float64, error)) func(context.Context) (map[string]float64, error) {
		return func(ctx context.Context) (map[string]float64, error) {
			if !e.up() {
				return nil, nil
			}
			return read(ctx)
		}
	}
	// What the office alone counts.
	office := func(read func(context.Context) (map[string]float64, error)) func(context.Context) (map[string]float64, error) {
		if !e.only.has(api.Office) {
			return func(context.Context) (map[string]float64, error) { return nil, nil }
		}
		return later(read)
	}
	known := func(read func(*organisation.State) map[string]float64) func(context.Context) (map[string]float64, error) {
		return office(func(context.Context) (map[string]float64, error) {
			org := e.gateway.Organisation()
			if org.Policy == nil {
				return nil, nil
			}
			return read(org), nil
		})
	}
	return []metrics.Gauge{
		{Name: "daicho_healthy", Help: "1 while /healthz says ok.", Read: always(func() map[string]float64 { return metrics.One(metrics.Bit(e.health() == nil)) })},
		{Name: "daicho_ready", Help: "1 while /readyz says ready.", Read: always(func() map[string]float64 { return metrics.One(metrics.Bit(e.api.Level() == nil)) })},
		{Name: "daicho_part_stuck", Help: "1 for a part that cannot go on; /healthz says why.", Label: "part", Read: always(func() map[string]float64 {
			all := map[string]float64{}
			for _, p := range e.parts() {
				all[p.name] = metrics.Bit(p.err != nil)
			}
			return all
		})},
		{Name: "daicho_log_position", Help: "Position of the log's head; how fast it grows is how much is recorded.", Read: func(ctx context.Context) (map[string]float64, error) {
			head, err := e.log.Head(ctx)
			return metrics.One(float64(head)), err
		}},
		{Name: "daicho_model_lag_positions", Help: "Positions between a projection and the log's head.", Label: "model", Read: e.lag},
		{Name: "daicho_standby", Help: "1 while this process stands by for a model that another one applies, 0 while it applies it.", Label: "model", Read: always(func() map[string]float64 {
			all := map[string]float64{}
			for _, m := range e.stores.All {
				all[m.Name()] = metrics.Bit(e.standsBy(m))
			}
			return all
		})},
		{Name: "daicho_destructions_waiting", Help: "Deletions whose keys are not known to be destroyed yet.", Read: office(func(context.Context) (map[string]float64, error) {
			n, _ := e.keeper.Waiting()
			return metrics.One(float64(n)), nil
		})},
		{Name: "daicho_destruction_oldest_seconds", Help: "For how long the oldest of them has waited.", Read: office(func(context.Context) (map[string]float64, error) {
			n, oldest := e.keeper.Waiting()
			if n == 0 {
				return metrics.One(0), nil
			}
			return metrics.One(time.Since(oldest).Seconds()), nil
		})},
		{Name: "daicho_quarantine_submissions", Help: "Refused submissions kept for mending.", Read: office(func(ctx context.Context) (map[string]float64, error) {
			n, err := e.vault.QuarantineSize(ctx)
			return metrics.One(float64(n)), err
		})},
		{Name: "daicho_records", Help: "Living records by what they are there for, as the last scan of a day found: overdue ones are among those due.", Label: "state", Read: known(recordsByState)},
		{Name: "daicho_scan_timestamp_seconds", Help: "When every record was last looked at.", Read: known(func(o *organisation.State) map[string]float64 {
			if o.Scanned == nil {
				return nil
			}
			return metrics.One(float64(o.Scanned.At.Time.Unix()))
		})},
		{Name: "daicho_disposals_waiting", Help: "Disposals that are planned and not done, by what they wait for.", Label: "waits_for", Read: known(disposalsWaiting)},
		{Name: "daicho_recalls", Help: "Recalls that recipients have not confirmed, by whether their day has passed.", Label: "state", Read: office(func(ctx context.Context) (map[string]float64, error) {
			open, overdue, _, err := e.vendors.Counts(ctx)
			return map[string]float64{"open": float64(open), "overdue": float64(overdue)}, err
		})},
		{Name: "daicho_notices_given_up", Help: "Recalls of which the recipient could not be told.", Read: office(func(ctx context.Context) (map[string]float64, error) {
			_, _, poisoned, err := e.vendors.Counts(ctx)
			return metrics.One(float64(poisoned)), err
		})},
		{Name: "daicho_recipient_findings", Help: "What is missing or late in the supervision of recipients.", Label: "finding", Read: known(func(o *organisation.State) map[string]float64 {
			all, today := map[string]float64{}, o.Policy.On(time.Now())
			for _, w := range organisation.FindingWords() {
				all[string(w)] = 0
			}
			for _, r := range o.Recipients {
				for _, w := range r.Findings(o.Policy, today) {
					all[string(w)]++
				}
			}
			return all
		})},
		{Name: "daicho_data_bytes", Help: "The file system that the data folder is on.", Label: "what", Read: e.disk},
	}
}

// standsBy says that another process applies a model, or holds what this one needs before it applies any.
func (e *Engine) standsBy(m models.Runner) bool {
	_, state, _ := m.Status()
	return state == models.Standby || loaded(&e.waits) != nil
}

// lag is told by whoever applies a model: how far one is for which this process stands by, it does not know.
func (e *Engine) lag(ctx context.Context) (map[string]float64, error) {
	head, err := e.log.Head(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string]float64{}
	for _, m := range e.stores.All {
		if e.standsBy(m) {
			continue
		}
		at, _, _ := m.Status()
		all[m.Name()] = float64(head - min(at, head))
	}
	return all, nil
}

func recordsByState(o *organisation.State) map[string]float64 {
	if o.Scanned == nil {
		return nil
	}
	s := o.Scanned
	return map[string]float64{"bound": float64(s.Bound), "held": float64(s.Held), "due": float64(s.Due), "overdue": float64(s.Overdue), "unknown": float64(s.Unknown)}
}

func disposalsWaiting(o *organisation.State) map[string]float64 {
	all := map[string]float64{"approval": 0, "run": 0, "hold": 0}
	for _, d := range o.Disposals {
		switch {
		case !d.Approved():
			all["approval"]++
		case len(d.Runs) == 0:
			all["run"]++
		case d.Waiting() > 0:
			all["hold"]++
		}
	}
	return all
}

func (e *Engine) disk(context.Context) (map[string]float64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(e.cfg.Data, &s); err != nil {
		return nil, fmt.Errorf("looking at the data folder's file system: %w", err)
	}
	size := float64(s.Bsize)
	return map[string]float64{"size": size * float64(s.Blocks), "free": size * float64(s.Bavail)}, nil
}
