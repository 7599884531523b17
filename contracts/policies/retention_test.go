package policies

import (
	_ "embed"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// mark reads a day, which is noon in Tokyo, or a moment.
func mark(t *testing.T, said string) policy.Mark {
	t.Helper()
	x, err := time.Parse(time.RFC3339, said)
	if err != nil {
		if x, err = time.ParseInLocation("2006-01-02 15:04", said+" 12:00", tokyo(t)); err != nil {
			t.Fatal(err)
		}
	}
	return policy.Mark{Type: "x", Time: x, Position: 1}
}

func tokyo(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// life reads "collected=2026-01-10 invoice.paid=2026-01-20 …": the anchors by their names, all else milestones.
func life(t *testing.T, category, operation, said string) policy.Life {
	t.Helper()
	l := policy.Life{Category: events.Word(category), Operation: events.Word(operation), Milestones: map[events.Word]policy.Mark{}}
	l.Collected = mark(t, "2026-01-10")
	for _, s := range strings.Fields(said) {
		k, v, _ := strings.Cut(s, "=")
		m := mark(t, v)
		switch k {
		case "collected":
			l.Collected = m
		case "bound":
			l.Bound = m
		case "consent":
			l.Consent = &m
		case "ended":
			l.Ended = &m
		case "service_ended":
			l.ServiceEnded = &m
		case "last":
			l.LastOfMatter = m
		case "contact":
			l.LastContact = m
		case "over":
			l.Milestones["device.returned"], l.Milestones["contract.closed"], l.Milestones["invoice.paid"] = m, m, m
		default:
			l.Milestones[events.Word(k)] = m
		}
	}
	return l
}

//go:embed testdata/retention.txt
var table string

// What every purpose of the catalogue is tried on: the edges of days in Tokyo, leap days, the ends of months and of years.
var edges = map[string]*regexp.Regexp{
	"the last second of a day in Tokyo": regexp.MustCompile(`T14:59:59Z`),
	"the first second of a day":         regexp.MustCompile(`T15:00:00Z`),
	"a leap day":                        regexp.MustCompile(`-02-29`),
	"the end of a month":                regexp.MustCompile(`-(01|03|05|07|08|10)-31|-(04|06|09|11)-30|-02-2[89]`),
	"the end or the start of a year":    regexp.MustCompile(`-12-31|-01-01`),
}

// law are the rules whose period a law sets.
var law = regexp.MustCompile(`^(ACC-01/|IDV-01/|HR-01b/health|HR-01b/tax|SPI-01/)`)

func TestS51_RetentionTable(t *testing.T) {
	c := Default()
	rows, rules := map[events.Word]map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(table) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		part := strings.Split(line, "|")
		w := strings.Fields(part[0])
		if len(part) != 4 || len(w) != 3 {
			t.Fatalf("not a row: %s", line)
		}
		want, rule := strings.TrimSpace(part[2]), strings.TrimSpace(part[3])
		rules[rule] = true
		rule, gap := strings.CutSuffix(rule, "?")
		p := events.Word(w[0])
		if rows[p] == nil {
			rows[p] = map[string]bool{}
		}
		for name, x := range edges {
			rows[p][name] = rows[p][name] || x.MatchString(line)
		}
		d := c.Deadline(p, life(t, w[1], w[2], part[1]))
		if d.Due.String() != want || d.Rule != rule || d.Gap != gap {
			t.Errorf("%s: %s by %s, gap %t, waiting for %v", line, d.Due, d.Rule, d.Gap, d.Waiting)
		}
		if d.Law != law.MatchString(rule) {
			t.Errorf("%s: by law is %t", line, d.Law)
		}
	}
	for i := range c.Purposes {
		p := &c.Purposes[i]
		for name := range edges {
			if !rows[p.ID][name] {
				t.Errorf("%s is not in the table with %s", p.ID, name)
			}
		}
		for _, r := range p.Retention {
			if !rules[r.ID] {
				t.Errorf("rule %s is not in the table", r.ID)
			}
			if r.Otherwise != nil && !rules[r.ID+"?"] {
				t.Errorf("what holds instead of %s is not in the table", r.ID)
			}
			delete(rows, p.ID)
		}
	}
	for p := range rows {
		t.Errorf("%s is in the table and not in the catalogue", p)
	}
}

func TestS34_Minors(t *testing.T) {
	c := Default()
	for _, x := range []struct {
		country, birth, on string
		minor, civil       bool
	}{
		{"JP", "2006-01-16", "2026-01-15", true, false},
		{"JP", "2006-01-16", "2026-01-16", false, false},
		{"JP", "2008-01-16", "2026-01-15", true, true},
		{"JP", "2008-01-16", "2026-01-16", true, false},
		{"JP", "2004-02-29", "2024-02-28", true, false},
		{"JP", "2004-02-29", "2024-02-29", false, false},
		{"FR", "2008-02-29", "2026-02-28", true, true},
		{"FR", "2008-02-29", "2026-03-01", false, false},
		{"KR", "2007-01-01", "2025-12-31", true, true},
		{"KR", "2007-01-01", "2026-01-01", false, false},
		{"TH", "2006-06-01", "2026-05-31", true, true},
		{"SG", "2005-06-01", "2026-05-31", true, true},
		{"SG", "2005-06-01", "2026-06-01", false, false},
		{"TW", "2008-01-01", "2025-12-31", true, true},
		{"TW", "2008-01-01", "2026-01-01", false, false},
		{"US", "2007-06-01", "2026-01-01", false, false},
		{"US-AL", "2007-06-01", "2026-01-01", true, true},
		{"US-CA", "2007-06-01", "2026-01-01", false, false},
		{"GB-SCT", "2010-01-01", "2026-01-01", false, false},
		{"GB", "2010-01-01", "2026-01-01", true, true},
		{"", "2005-06-01", "2026-05-31", true, true},
		{"", "2005-06-01", "2026-06-01", false, false},
	} {
		birth, _ := policy.ParseDate(x.birth)
		on, err := policy.ParseDate(x.on)
		if err != nil {
			t.Fatal(err)
		}
		if m, v := c.MinorOn(events.Word(x.country), birth, on), c.CivilMinorOn(events.Word(x.country), birth, on); m != x.minor || v != x.civil {
			t.Errorf("%+v: minor %t, by civil law %t", x, m, v)
		}
	}
}

func TestS34_TheMonthOfMajority(t *testing.T) {
	for _, x := range []struct{ country, birth, month string }{
		{"JP", "2011-04-30", "2031-04"}, {"JP", "2004-02-29", "2024-02"}, {"FR", "2008-02-29", "2026-03"},
		{"KR", "2007-12-31", "2026-12"}, {"US-MS", "2005-01-01", "2026-01"}, {"", "2005-06-01", "2026-06"}, {"GB-SCT", "2010-06-01", "2026-06"},
	} {
		birth, err := policy.ParseDate(x.birth)
		if err != nil {
			t.Fatal(err)
		}
		if got := Default().MajorityMonth(events.Word(x.country), birth); got != x.month {
			t.Errorf("%+v: %s", x, got)
		}
	}
}
