package intake

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
)

func born(country, birthdate, more string) takes {
	return takes{person: fmt.Sprintf(`{"kind":"customer","country":%q,"birthdate":%q}`, country, birthdate), more: more}
}

const guarded = `,"guardian":{"consent":"G-1","relation":"parent"}`

// A minor's data is taken with the consent of a parent or guardian, or not at all: nothing of it stays, nor is anybody made known.
func TestS33_AMinorsDataNeedsAGuardian(t *testing.T) {
	w := newWorld(t)
	w.refused("minor /data/guardian", "collected", born("JP", "2012-04-01", "").String())
	for _, nothing := range []string{`""`, `" \u3000"`, `false`, `{}`} {
		w.refused("minor /data/guardian", "collected", born("JP", "2012-04-01", `,"guardian":{"consent":`+strings.ReplaceAll(nothing, `\u3000`, "\u3000")+`}`).String())
	}
	w.refused("person_unknown /subject", "milestone_reached", `{"milestone":"contact"}`)
	kept, err := w.g.vault.Quarantined(t.Context(), 10, true)
	if err != nil || len(kept) != 1 { // the milestone alone
		t.Errorf("%d refused submissions are kept (%v)", len(kept), err)
	}
	got := w.tells("collected", born("JP", "2012-04-01", guarded).String())
	f := facts[*events.Collected](w)
	if len(f) != 1 || !f[0].Minor || f[0].Majority != "2032-04" || f[0].Guardian.Consent.Box() == nil {
		t.Errorf("of a minor the log keeps %+v", f)
	}
	// The guardian consents, too; withdrawing is open to the child.
	consent := func(typ, by string) (string, string) {
		return typ, `{"purposes":["DM-02"],"by":"` + by + `",` + notice + `}`
	}
	typ, data := consent("consent_given", "self")
	w.refused("minor /data/by", typ, data)
	w.tells(consent("consent_given", "guardian"))
	if s := w.state(got.Person); len(s.GuardianConsents()) != 1 || s.Consented("DM-02") == nil {
		t.Errorf("the guardian's consent does not stand: %+v", s.Consents)
	}
	w.tells(consent("consent_withdrawn", "self"))
	if s := w.state(got.Person); len(s.GuardianConsents()) != 0 || s.Consented("DM-02") != nil {
		t.Errorf("a withdrawn consent stands: %+v", s.Consents)
	}
}

// What the catalogue keeps from minors is refused, whoever consents.
func TestS39_AdvertisingByInterestIsNotForMinors(t *testing.T) {
	w := newWorld(t)
	ads := `{"id":"SVC-04","basis":"consent","consent":{"by":"guardian"}}`
	child := born("JP", "2012-04-01", guarded)
	child.purposes, child.records = rental+","+ads, "name=pd:Name likes=pd:Interest"
	w.refused("minor /data/purposes/1/id", "collected", child.String())
	child.purposes, child.records = rental, "name=pd:Name device=ts:RentalDevice"
	w.tells("collected", child.String())
	w.refused("minor /data/purpose", "purpose_bound", `{"records":["device"],"purpose":"SVC-04","basis":"consent","consent":{"by":"guardian"}}`)
	w.refused("minor /data/purposes/0", "consent_given", `{"purposes":["SVC-04"],"by":"guardian",`+notice+`}`)
	grown := w.as("/rental/web", "rental:Q")
	adult := born("JP", "1990-04-01", "")
	adult.purposes, adult.records = rental+","+on("SVC-04", "consent"), "name=pd:Name likes=pd:Interest"
	grown.tells("collected", adult.String())
}

// Who is a minor is judged by the table for the person's country, on the civil day of the event in the company's zone.
func TestS34_TheDayBeforeAndTheDay(t *testing.T) {
	w := newWorld(t)
	for i, x := range []struct{ country, birth, last string }{ // last: the last moment as a minor, in Tokyo
		{"JP", "2006-10-01", "2026-09-30T23:59:59.5+09:00"},
		{"JP", "2004-02-29", "2024-02-28T23:59:59.5+09:00"},
		{"FR", "2008-02-29", "2026-02-28T23:59:59.5+09:00"}, // on 1 March of a common year
		{"KR", "2007-01-01", "2025-12-31T23:59:59.5+09:00"},
		{"SG", "2005-06-01", "2026-05-31T23:59:59.5+09:00"},
		{"US-AL", "2007-06-01", "2026-05-31T23:59:59.5+09:00"},
		{"US", "2008-06-01", "2026-05-31T23:59:59.5+09:00"},
		{"GB-SCT", "2010-06-01", "2026-05-31T23:59:59.5+09:00"},
	} {
		at, err := time.Parse(time.RFC3339, x.last)
		if err != nil {
			t.Fatal(err)
		}
		before, after := w.on(x.last), w.on(at.Add(500*time.Millisecond).Format(time.RFC3339Nano))
		before.subject, after.subject = fmt.Sprintf("rental:B-%d", i), fmt.Sprintf("rental:A-%d", i)
		before.n, after.n = 0, 0
		before.refused("minor /data/guardian", "collected", born(x.country, x.birth, "").String())
		after.tells("collected", born(x.country, x.birth, "").String())
	}
}

// Of age, a person consents themselves: by the birthdate in the event, or, told as a minor before, once the month of majority is over.
// In that month, of which the day is not kept, either may be.
func TestS34_WhoConsentsAroundMajority(t *testing.T) {
	w := newWorld(t)
	byGuardian := born("JP", "1990-01-01", guarded)
	byGuardian.purposes = rental + `,{"id":"DM-02","basis":"consent","consent":{"by":"guardian"}}`
	w.refused("consent_missing /data/purposes/1/consent/by", "collected", byGuardian.String())
	w.on("2026-04-10T12:00:00+09:00").tells("collected", born("JP", "2006-07-15", guarded).String())
	for i, x := range []struct{ at, by, want string }{
		{"2026-06-30T23:59:00+09:00", "self", "minor /data/by"},
		{"2026-06-30T23:59:00+09:00", "guardian", ""},
		{"2026-07-01T00:01:00+09:00", "self", ""},
		{"2026-07-31T23:59:00+09:00", "guardian", ""},
		{"2026-08-01T00:00:00+09:00", "guardian", "consent_missing /data/by"},
		{"2026-08-01T00:00:00+09:00", "self", ""},
	} {
		y := w.on(x.at)
		y.n = 100 * (i + 1)
		data := `{"purposes":["DM-02"],"by":"` + x.by + `",` + notice + `}`
		if x.want == "" {
			y.tells("consent_given", data)
		} else {
			y.refused(x.want, "consent_given", data)
		}
	}
}

// Two thresholds in Japan: the policy's 20 for taking data, civil law's 18 for asking alone.
func TestS34_AnEighteenYearOldAsksAlone(t *testing.T) {
	w := newWorld(t)
	c := policies.Default()
	got := w.on("2026-04-10T12:00:00+09:00").tells("collected", born("JP", "2008-07-15", guarded).String())
	s := w.state(got.Person)
	for at, alone := range map[string]bool{"2026-07-31T23:59:59+09:00": false, "2026-08-01T00:00:00+09:00": true, "2028-08-01T00:00:00+09:00": true} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if s.AsksAlone(c, moment) != alone {
			t.Errorf("%s: asks alone %t", at, !alone)
		}
	}
	if m, ok := s.OfMajority(c); !ok || m.Policy != "2028-07" || m.Civil != "2026-07" || m.Told != nil {
		t.Errorf("majority: %+v", m)
	}
	// Where the law knows one age, both are the same; who is of age has no month.
	k := w.as("/rental/web", "rental:K").tells("collected", born("KR", "2010-07-15", guarded).String())
	if m, ok := w.state(k.Person).OfMajority(c); !ok || m.Policy != "2029-07" || m.Civil != "2029-07" {
		t.Errorf("majority in Korea: %+v", m)
	}
	a := w.as("/rental/web", "rental:A").tells("collected", born("JP", "1990-07-15", "").String())
	if _, ok := w.state(a.Person).OfMajority(c); ok || !w.state(a.Person).AsksAlone(c, w.at) {
		t.Error("who is of age has a month of majority, or may not ask alone")
	}
}

// The milestone of majority is the engine's own word, from the month that it keeps.
func TestS34_NobodyElseTellsMajority(t *testing.T) {
	w := newWorld(t)
	w.tells("collected", born("JP", "2012-04-01", guarded).String())
	w.refused("not_permitted /data/milestone", "milestone_reached", `{"milestone":"majority.reached"}`)
}
