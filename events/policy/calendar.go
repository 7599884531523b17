package policy

import "time"

// BusinessDay says whether a desk in Japan works on a day: not on Saturdays and Sundays, national holidays, and the turn of the
// year from 29 December to 3 January. Deadlines that a law counts in civil days do not ask it.
func BusinessDay(d Date) bool {
	switch d.Weekday() {
	case time.Saturday, time.Sunday:
		return false
	}
	if d.m == time.December && d.d >= 29 || d.m == time.January && d.d <= 3 {
		return false
	}
	return !Holiday(d)
}

// Holiday says whether a day is a Japanese national holiday by the Act on National Holidays, for the years from 2016 to 2099: its
// days, with what special laws moved from 2019 to 2021, the day in lieu of one that falls on a Sunday (3(2)), and the day
// between two of them (3(3)).
func Holiday(d Date) bool {
	if national(d) {
		return true
	}
	if d.Weekday() == time.Sunday {
		return false
	}
	// In lieu: the first day after the Sunday that is no holiday itself.
	for e := d.AddDays(-1); national(e); e = e.AddDays(-1) {
		if e.Weekday() == time.Sunday {
			return true
		}
	}
	return national(d.AddDays(-1)) && national(d.AddDays(1))
}

// national are the days that Article 2 names.
func national(d Date) bool {
	monday := func(n int) bool { return d.Weekday() == time.Monday && (d.d-1)/7+1 == n }
	if is, special := moved(d); special {
		return is
	}
	switch d.m {
	case time.January:
		return d.d == 1 || monday(2)
	case time.February:
		return d.d == 11 || d.d == 23 && d.y >= 2020
	case time.March:
		return d.d == equinox(d.y, 20.8431)
	case time.April:
		return d.d == 29
	case time.May:
		return d.d >= 3 && d.d <= 5
	case time.July:
		return monday(3)
	case time.August:
		return d.d == 11
	case time.September:
		return monday(3) || d.d == equinox(d.y, 23.2488)
	case time.October:
		return monday(2)
	case time.November:
		return d.d == 3 || d.d == 23
	case time.December:
		return d.d == 23 && d.y <= 2018 // the birthday of the Emperor who abdicated; 2019 had none
	}
	return false
}

// moved are the years that a special law changed: the accession of 2019 added two days, and the Games moved three in 2020 and
// again in 2021. Special says that the law speaks about the day's month, and the ordinary rule does not.
func moved(d Date) (holiday, special bool) {
	type month struct {
		y int
		m time.Month
	}
	switch (month{d.y, d.m}) {
	case month{2019, time.May}:
		return d.d == 1 || d.d >= 3 && d.d <= 5, true
	case month{2019, time.October}:
		return d.d == 14 || d.d == 22, true
	case month{2020, time.July}:
		return d.d == 23 || d.d == 24, true
	case month{2020, time.August}:
		return d.d == 10, true
	case month{2021, time.July}:
		return d.d == 22 || d.d == 23, true
	case month{2021, time.August}:
		return d.d == 8, true
	case month{2020, time.October}, month{2021, time.October}:
		return false, true
	}
	return false, false
}

// equinox is the day of an equinox in Japan, by the approximation that holds from 1980 to 2099. The Cabinet names the day each
// February for the next year; so far it has always been this one.
func equinox(y int, base float64) int {
	return int(base+0.242194*float64(y-1980)) - (y-1980)/4
}
