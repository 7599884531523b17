package policy

import (
	"time"

	"github.com/daicho-dev/daicho/events"
)

// The ages where the table says nothing.
const (
	defaultAge = 18
	unknownAge = 21
	consentAge = 16 // GDPR 8(1)
)

// MinorOn says whether a person is a minor on a day by the policy's table: whose data needs a parent's or guardian's consent.
func (c *Catalogue) MinorOn(country events.Word, birth, on Date) bool {
	return on.Before(birthday(birth, c.age(country, on).Age))
}

// CivilMinorOn says whether a person is a minor on a day by civil law: who may not yet act, or ask, alone.
func (c *Catalogue) CivilMinorOn(country events.Word, birth, on Date) bool {
	a := c.age(country, on)
	if a.Civil > 0 {
		return on.Before(birthday(birth, a.Civil))
	}
	return on.Before(birthday(birth, a.Age))
}

// ConsentAge is the age, in years, from which a child of a country consents to a service online alone (GDPR 8).
func (c *Catalogue) ConsentAge(country events.Word, on Date) int {
	for _, a := range c.ConsentAges {
		if a.Country == land(country) && a.on(on) {
			return a.Age
		}
	}
	if c.ConsentAgeDefault > 0 {
		return c.ConsentAgeDefault
	}
	return consentAge
}

// on says whether a row is valid on a day.
func (a Age) on(d Date) bool {
	return (a.From.IsZero() || !d.Before(a.From)) && (a.To.IsZero() || !d.After(a.To))
}

// MajorityMonth is the month, "2031-04", in which a person stops being a minor by the policy's table.
func (c *Catalogue) MajorityMonth(country events.Word, birth Date) string {
	// The row that is valid on the day that it yields; where the age changes in between, the later row.
	day := birthday(birth, c.age(country, Date{9999, time.December, 31}).Age)
	for range 4 {
		next := birthday(birth, c.age(country, day).Age)
		if next == day {
			break
		}
		day = next
	}
	return day.String()[:7]
}

// CivilMajorityMonth is the month in which a person of a country stops being a minor by civil law, from the month in which they do so by
// the policy's table: nothing finer is kept. (Of who was born on 29 February it may be the month before; a month counts when it is over.)
func (c *Catalogue) CivilMajorityMonth(country events.Word, majority events.Month) events.Month {
	first, err := ParseDate(string(majority) + "-01")
	if err != nil {
		return ""
	}
	if a := c.age(country, first); a.Civil > 0 {
		first = NewDate(first.y-(a.Age-a.Civil), first.m, 1)
	}
	return events.Month(first.String()[:7])
}

// Month is the civil month of a moment: "2031-04".
func (c *Catalogue) Month(t time.Time) events.Month { return events.Month(c.On(t).String()[:7]) }

// MonthEnd is the first moment after a month, in the company's time zone; zero if it is no month.
func (c *Catalogue) MonthEnd(month events.Month) time.Time {
	d, err := ParseDate(string(month) + "-01")
	if err != nil {
		return time.Time{}
	}
	return time.Date(d.y, d.m+1, 1, 0, 0, 0, 0, c.zone)
}

// age is the row for a country, or its subdivision, on a day.
func (c *Catalogue) age(country events.Word, on Date) Age {
	if country == "" {
		if c.Ages.Unknown > 0 {
			return Age{Age: c.Ages.Unknown}
		}
		return Age{Age: unknownAge}
	}
	for _, key := range []events.Word{country, land(country)} {
		for _, a := range c.index.ages[key] {
			if a.on(on) {
				return a
			}
		}
	}
	if c.Ages.Default > 0 {
		return Age{Age: c.Ages.Default}
	}
	return Age{Age: defaultAge}
}

// birthday is the day on which an age is reached. Who is born on 29 February reaches it on 1 March of a common year.
func birthday(birth Date, age int) Date { return NewDate(birth.y+age, birth.m, birth.d) }
