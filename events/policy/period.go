package policy

import (
	"errors"
	"strconv"
	"time"
)

// Period is a length of time, ISO 8601: "P7Y", "P24M", "P2W", "P90D", and "PT72H" for clocks. Days and what is longer are civil
// (Date.Add); hours have no place where days are counted, and a rule of retention that names them is refused.
type Period struct{ years, months, weeks, days, hours int }

var errPeriod = errors.New("a period is written as P7Y, P24M, P2W, P90D or PT72H")

// maxPeriod bounds each number of a period, so that no sum can leave the calendar.
const maxPeriod = 100_000

// ParsePeriod reads an ISO 8601 period of years, months, weeks, days and, after a T, hours, in this order, at least one of them.
func ParsePeriod(s string) (Period, error) {
	var p Period
	if len(s) < 3 || s[0] != 'P' {
		return p, errPeriod
	}
	units, clock := "YMWD", false
	for i := 1; i < len(s); {
		if s[i] == 'T' && !clock {
			units, clock = "H", true
			i++
		}
		n, digits := 0, 0
		for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			n, digits = n*10+int(s[i]-'0'), digits+1
			if n > maxPeriod {
				return Period{}, errPeriod
			}
		}
		if digits == 0 || i == len(s) {
			return Period{}, errPeriod
		}
		at := -1
		for j := range len(units) {
			if units[j] == s[i] {
				at = j
				break
			}
		}
		if at < 0 {
			return Period{}, errPeriod
		}
		switch units[at] {
		case 'Y':
			p.years = n
		case 'M':
			p.months = n
		case 'W':
			p.weeks = n
		case 'H':
			p.hours = n
		default:
			p.days = n
		}
		units = units[at+1:]
		i++
	}
	if p.years > 1000 || p.months > 12_000 {
		return Period{}, errPeriod
	}
	return p, nil
}

// String writes a period; an empty one is "P0D".
func (p Period) String() string {
	b := []byte{'P'}
	for _, u := range [...]struct {
		n    int
		unit byte
	}{{p.years, 'Y'}, {p.months, 'M'}, {p.weeks, 'W'}, {p.days, 'D'}} {
		if u.n != 0 {
			b = append(strconv.AppendInt(b, int64(u.n), 10), u.unit)
		}
	}
	if p.hours != 0 {
		b = append(strconv.AppendInt(append(b, 'T'), int64(p.hours), 10), 'H')
	}
	if len(b) == 1 {
		return "P0D"
	}
	return string(b)
}

// MarshalText writes a period.
func (p Period) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads a period.
func (p *Period) UnmarshalText(b []byte) (err error) {
	*p, err = ParsePeriod(string(b))
	return err
}

// IsZero says that the period is empty.
func (p Period) IsZero() bool { return p == Period{} }

// Duration is a period as hours, for clocks that do not follow the calendar: a month as 31 days, a year as 366.
func (p Period) Duration() time.Duration {
	return time.Duration((p.years*366+p.months*31+p.weeks*7+p.days)*24+p.hours) * time.Hour
}
