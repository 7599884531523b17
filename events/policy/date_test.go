package policy

import (
	"math/rand/v2"
	"testing"
	"time"
)

func day(t *testing.T, s string) Date {
	t.Helper()
	d, err := ParseDate(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return d
}

func TestPeriodsEndOnTheCorrespondingDay(t *testing.T) {
	for _, x := range []struct{ from, period, end string }{
		{"2026-01-01", "P90D", "2026-04-01"},
		{"2024-02-28", "P1D", "2024-02-29"},
		{"2025-02-28", "P1D", "2025-03-01"},
		{"2025-12-31", "P1D", "2026-01-01"},
		{"2026-01-31", "P1M", "2026-02-28"},
		{"2024-01-31", "P1M", "2024-02-29"},
		{"2026-08-31", "P6M", "2027-02-28"},
		{"2024-02-29", "P1Y", "2025-02-28"},
		{"2024-02-29", "P4Y", "2028-02-29"},
		{"2024-02-29", "P12M", "2025-02-28"},
		{"2026-11-30", "P3M", "2027-02-28"},
		{"2026-12-15", "P1M", "2027-01-15"},
		{"2026-03-31", "P2M", "2026-05-31"},
		{"2026-01-30", "P1M2W1D", "2026-03-15"},
		{"2026-05-05", "P0D", "2026-05-05"},
		{"2000-02-29", "P100Y", "2100-02-28"},
	} {
		p, err := ParsePeriod(x.period)
		if err != nil {
			t.Fatal(err)
		}
		if got := day(t, x.from).Add(p).String(); got != x.end {
			t.Errorf("%s + %s = %s, want %s", x.from, x.period, got, x.end)
		}
	}
}

func TestDatesKeepTheirOrderAndTheirText(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		d := NewDate(1900+r.IntN(300), time.Month(1+r.IntN(12)), 1+r.IntN(31))
		n := r.IntN(4000)
		e := d.AddDays(n)
		if e.Before(d) || (n > 0) != e.After(d) || e.AddDays(-n) != d {
			t.Fatalf("%s and %d days: %s", d, n, e)
		}
		if int(e.Time(time.UTC).Sub(d.Time(time.UTC)).Hours()) != n*24 {
			t.Fatalf("%s and %d days: %s", d, n, e)
		}
		if back := day(t, d.String()); back != d {
			t.Fatalf("%s read back as %s", d, back)
		}
		p := Period{months: r.IntN(400)}
		if f := d.Add(p); f.Day() > d.Day() || (f.Year()-d.Year())*12+int(f.Month()-d.Month()) != p.months {
			t.Fatalf("%s + %s = %s", d, p, f)
		}
	}
}

func TestWhatIsNoDateIsRefused(t *testing.T) {
	for _, s := range []string{"", "2026-02-29", "2026-13-01", "2026-1-01", "26-01-01", "2026-01-01T00", "0000-01-01", "２０２６-01-01"} {
		if d, err := ParseDate(s); err == nil {
			t.Errorf("%q was read as %s", s, d)
		}
	}
}

func TestWhatIsNoPeriodIsRefused(t *testing.T) {
	for _, s := range []string{"", "P", "7Y", "P7", "PT", "P1DT", "P1DT1D", "PTT1H", "PT1H1D", "P1H", "PT1H2H", "P1D1M", "P1Y1Y", "P-1D", "P1.5D", "P999999D", "p1d", "P9999Y"} {
		if p, err := ParsePeriod(s); err == nil {
			t.Errorf("%q was read as %s", s, p)
		}
	}
}

func FuzzParsePeriod(f *testing.F) {
	for _, s := range []string{"P7Y", "P24M", "P2W", "P90D", "P1Y2M3W4D", "P0D", "P", "PT72H", "P1DT12H"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePeriod(s)
		if err != nil {
			return
		}
		back, err := ParsePeriod(p.String())
		if err != nil || back != p {
			t.Fatalf("%q is written %q and read back as %v, %v", s, p, back, err)
		}
		d := NewDate(2024, time.February, 29)
		if d.Add(p).Before(d) {
			t.Fatalf("%q goes back in time", s)
		}
	})
}

func TestHoursAreForClocks(t *testing.T) {
	for s, want := range map[string]time.Duration{"PT72H": 72 * time.Hour, "P1DT12H": 36 * time.Hour, "P14D": 14 * 24 * time.Hour, "P2W": 14 * 24 * time.Hour, "P1M": 31 * 24 * time.Hour} {
		if p, err := ParsePeriod(s); err != nil || p.Duration() != want || p.String() != s {
			t.Errorf("%s is %s and lasts %s: %v", s, p, p.Duration(), err)
		}
	}
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"2024-02-29", "2025-02-29", "0001-01-01", "9999-12-31", "2026-1-1", ""} {
		f.Add(s, 1)
	}
	f.Fuzz(func(t *testing.T, s string, n int) {
		d, err := ParseDate(s)
		if err != nil {
			return
		}
		if d.String() != s || d.IsZero() {
			t.Fatalf("%q is written %q", s, d)
		}
		var e Date
		if b, err := d.MarshalText(); err != nil || e.UnmarshalText(b) != nil || e != d {
			t.Fatalf("%q comes back as %q", s, e)
		}
		n %= 100_000
		if e := d.AddDays(n); e.Compare(d) != max(-1, min(1, n)) || e.AddDays(-n) != d {
			t.Fatalf("%s and %d days is %s", d, n, e)
		}
		if opens(d).Before(d) || !BusinessDay(opens(d)) {
			t.Fatalf("the desk does not open after %s", d)
		}
	})
}

func TestHolidays(t *testing.T) {
	want := map[int]string{
		2018: "0101 0108 0211 0212 0321 0429 0430 0503 0504 0505 0716 0811 0917 0923 0924 1008 1103 1123 1223 1224",
		2019: "0101 0114 0211 0321 0429 0430 0501 0502 0503 0504 0505 0506 0715 0811 0812 0916 0923 1014 1022 1103 1104 1123",
		2020: "0101 0113 0211 0223 0224 0320 0429 0503 0504 0505 0506 0723 0724 0810 0921 0922 1103 1123",
		2021: "0101 0111 0211 0223 0320 0429 0503 0504 0505 0722 0723 0808 0809 0920 0923 1103 1123",
		2022: "0101 0110 0211 0223 0321 0429 0503 0504 0505 0718 0811 0919 0923 1010 1103 1123",
		2023: "0101 0102 0109 0211 0223 0321 0429 0503 0504 0505 0717 0811 0918 0923 1009 1103 1123",
		2024: "0101 0108 0211 0212 0223 0320 0429 0503 0504 0505 0506 0715 0811 0812 0916 0922 0923 1014 1103 1104 1123",
		2025: "0101 0113 0211 0223 0224 0320 0429 0503 0504 0505 0506 0721 0811 0915 0923 1013 1103 1123 1124",
		2026: "0101 0112 0211 0223 0320 0429 0503 0504 0505 0506 0720 0811 0921 0922 0923 1012 1103 1123",
		2027: "0101 0111 0211 0223 0321 0322 0429 0503 0504 0505 0719 0811 0920 0923 1011 1103 1123",
	}
	for y, list := range want {
		got := ""
		for d := NewDate(y, 1, 1); d.Year() == y; d = d.AddDays(1) {
			if Holiday(d) {
				got += " " + d.Time(time.UTC).Format("0102")
			}
		}
		if got != " "+list {
			t.Errorf("%d:\n got%s\nwant %s", y, got, list)
		}
	}
}

func TestTheDeskIsClosedAtTheTurnOfTheYear(t *testing.T) {
	for from, next := range map[string]string{
		"2026-12-28": "2026-12-28", "2026-12-29": "2027-01-04", "2027-01-03": "2027-01-04",
		"2026-05-02": "2026-05-07", "2026-09-19": "2026-09-24", "2026-11-23": "2026-11-24",
	} {
		if got := opens(day(t, from)).String(); got != next {
			t.Errorf("from %s the next business day is %s, want %s", from, got, next)
		}
	}
}

// opens is the day itself if the desk works on it, or the next on which it does.
func opens(d Date) Date {
	for !BusinessDay(d) {
		d = d.AddDays(1)
	}
	return d
}
