package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/daicho-dev/daicho/events/policy"
	"github.com/daicho-dev/daicho/services/client"
)

// civil is the company whose engine was dialled: its policy says in which time zone civil days are counted, wherever this command runs.
var civil company

// company is asked for its zone once, when a day is first read or shown.
type company struct {
	mu   sync.Mutex
	of   *client.Client
	zone *time.Location
}

func (c *company) dialled(of *client.Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of, c.zone = of, nil
}

// in is the company's zone.
func (c *company) in(ctx context.Context) (*time.Location, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.zone != nil {
		return c.zone, nil
	}
	if c.of == nil {
		return nil, fmt.Errorf("no engine has been asked in which zone the company counts its days")
	}
	doc, err := c.of.Policy(ctx)
	if err != nil {
		return nil, err
	}
	p, err := policy.Parse(doc)
	if err != nil {
		return nil, err
	}
	c.zone = p.Zone()
	return c.zone, nil
}

// local is a moment in the company's zone; where no policy names one, in UTC.
func local(t time.Time) time.Time {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	zone, err := civil.in(ctx)
	if err != nil {
		zone = time.UTC
	}
	return t.In(zone)
}

// day is a moment as a table shows it.
func day(t time.Time) string { return local(t).Format("2006-01-02 15:04") }

// at reads a moment: RFC 3339, or a civil day (its beginning, where the company is).
func (s *shared) at(ctx context.Context, name, value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, value); err == nil {
		return t, nil
	}
	d, err := time.Parse(time.DateOnly, value)
	if err != nil {
		return time.Time{}, errUsage{fmt.Errorf("--%s is a moment, as 2026-04-01T09:00:00+09:00, or a day, as 2026-04-01", name)}
	}
	if _, err := s.dial(); err != nil {
		return time.Time{}, err
	}
	zone, err := civil.in(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("in which zone the day of --%s begins (a moment, as %sT00:00:00+09:00, needs none): %w", name, value, err)
	}
	return dayIn(zone, d), nil
}

// dayIn is the beginning of a civil day in a zone.
func dayIn(zone *time.Location, d time.Time) time.Time {
	return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, zone)
}
