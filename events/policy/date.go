package policy

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// Date is a civil day. The zero Date is no day. Periods in law are counted in civil days, not in hours (Civil Code 140-143).
type Date struct {
	y int
	m time.Month
	d int
}

// NewDate is a day by its numbers; days beyond the month's end run on into the next.
func NewDate(y int, m time.Month, d int) Date {
	return dateOf(time.Date(y, m, d, 0, 0, 0, 0, time.UTC))
}

func dateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

var errDate = errors.New("a date is written as 2006-01-02")

// ParseDate reads "2006-01-02".
func ParseDate(s string) (Date, error) {
	if len(s) != 10 {
		return Date{}, errDate
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1 {
		return Date{}, errDate
	}
	return dateOf(t), nil
}

// String writes "2006-01-02", and nothing for no day.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.y, d.m, d.d)
}

// MarshalText writes a date; no day is an empty text.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Date) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*d = Date{}
		return nil
	}
	*d, err = ParseDate(string(b))
	return err
}

// IsZero says that it is no day.
func (d Date) IsZero() bool { return d == Date{} }

// Year of the day.
func (d Date) Year() int { return d.y }

// Month of the day.
func (d Date) Month() time.Month { return d.m }

// Day of the month.
func (d Date) Day() int { return d.d }

// Weekday of the day.
func (d Date) Weekday() time.Weekday { return d.Time(time.UTC).Weekday() }

// Compare orders days: -1, 0, +1.
func (d Date) Compare(e Date) int {
	return cmp.Or(cmp.Compare(d.y, e.y), cmp.Compare(d.m, e.m), cmp.Compare(d.d, e.d))
}

// Before says whether the day is earlier.
func (d Date) Before(e Date) bool { return d.Compare(e) < 0 }

// After says whether the day is later.
func (d Date) After(e Date) bool { return d.Compare(e) > 0 }

// Time is the first moment of the day in a place.
func (d Date) Time(loc *time.Location) time.Time {
	return time.Date(d.y, d.m, d.d, 0, 0, 0, 0, loc)
}

// AddDays moves by days.
func (d Date) AddDays(n int) Date { return NewDate(d.y, d.m, d.d+n) }

// DaysTo is how many days later another day is.
func (d Date) DaysTo(e Date) int {
	return int(e.Time(time.UTC).Sub(d.Time(time.UTC)) / (24 * time.Hour))
}

// Add is the day on which a period ends that an event of day d started. The first day is not counted (Civil Code 140), so 90
// days end with day d+90; months and years end on the corresponding day, or on the month's last where there is none (143).
func (d Date) Add(p Period) Date {
	if months := p.years*12 + p.months; months != 0 {
		first := NewDate(d.y, d.m+time.Month(months), 1)
		first.d = min(d.d, daysIn(first.y, first.m))
		d = first
	}
	if days := p.weeks*7 + p.days; days != 0 {
		d = d.AddDays(days)
	}
	return d
}

func daysIn(y int, m time.Month) int { return time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC).Day() }
