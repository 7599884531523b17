package person

import (
	"strings"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// MajorityReached is the milestone that the engine records when the month of a minor's majority is over.
const MajorityReached events.Word = "majority.reached"

// What a collection says of somebody's age.
type told int

const (
	unsaid told = iota
	aMinor
	ofAge
)

const guardianConsents = "the person is a minor by the policy's table: a parent or guardian consents"

const guardianNoMore = "the person is of age: they consent themselves, and no longer their guardian"

// age judges the person of a collection by the policy's table on the event's day, and keeps of a minor the month of majority. A minor's
// data is taken with the consent of a parent or guardian.
func (d *decision) age(f *events.Collected) (told, *events.Refusal) {
	birth, ok := f.Person.Birthdate.Date()
	if !ok {
		return unsaid, nil
	}
	b, err := policy.ParseDate(string(birth))
	if err != nil {
		return unsaid, nil
	}
	country := events.Word(f.Person.Country)
	if !d.c.MinorOn(country, b, d.c.On(d.in.Time)) {
		return ofAge, nil
	}
	if f.Guardian == nil || says(f.Guardian.Consent) == "" {
		return aMinor, refuse("minor", "/data/guardian", "the person is a minor by the policy's table; the consent of a parent or guardian is missing")
	}
	for i := range f.Purposes {
		b := &f.Purposes[i]
		switch {
		case d.c.Purpose(b.ID).Adults:
			return aMinor, refuse("minor", indexed("/data/purposes/%/id", i), notForMinors)
		case b.Consent != nil && b.Consent.By == "self":
			return aMinor, refuse("minor", indexed("/data/purposes/%/consent/by", i), guardianConsents)
		}
	}
	f.Minor = true
	f.Majority = events.Month(d.c.MajorityMonth(country, b))
	return aMinor, nil
}

// says is what a sealed note says, roughly: nothing, if all that it holds is space, quotes or an empty form.
func says(x events.Secret) string {
	switch s := strings.Trim(string(x.Value()), "\" \t\r\n\u3000"); s {
	case "null", "false", "0", "{}", "[]":
		return ""
	default:
		return s
	}
}

const notForMinors = "is not for minors"

// Age says what is known of somebody's age in the month of a moment: of who was told to be a minor, the month of majority is kept and
// nothing finer, so in that month itself they may be either.
func (s *State) age(c *policy.Catalogue, t time.Time) told {
	if !s.Minor || s.Majority == "" {
		return unsaid
	}
	switch month := c.Month(t); {
	case month < s.Majority:
		return aMinor
	case month > s.Majority:
		return ofAge
	}
	return unsaid
}

// consenting asks whose consent it is: a minor's guardian gives it, and no longer once the minor is of age. Withdrawing is open to both.
func (d *decision) consenting(f *events.Consent) *events.Refusal {
	if d.in.Kind.Type != events.TypeConsentGiven {
		return nil
	}
	if r := d.whose(f.By, "minor", "/data/by"); r != nil {
		return r
	}
	for i, p := range f.Purposes {
		if r := d.grown(p, indexed("/data/purposes/%", i)); r != nil {
			return r
		}
	}
	return nil
}

// ofWhom asks the same of a collection's consents, and that nothing that is not for minors is taken of one. What the event itself says of the age
// counts; where it says nothing, what was told before: then no rule about minors applies, but the consent is not the one that it takes.
func (d *decision) ofWhom(f *events.Collected, of told) *events.Refusal {
	for i := range f.Purposes {
		b, field := &f.Purposes[i], indexed("/data/purposes/%/consent/by", i)
		switch {
		case of == unsaid && d.c.Purpose(b.ID).Adults && d.s.age(d.c, d.in.Time) == aMinor:
			return refuse("consent_missing", indexed("/data/purposes/%/id", i), notForMinors)
		case b.Consent == nil:
		case of == unsaid:
			if r := d.whose(b.Consent.By, "consent_missing", field); r != nil {
				return r
			}
		case of == ofAge && b.Consent.By == "guardian":
			return refuse("consent_missing", field, guardianNoMore)
		}
	}
	return nil
}

// whose asks whose consent it is, of somebody whose age was told before: a minor's is their guardian's to give, and nobody's but their own from
// then on.
func (d *decision) whose(by events.Word, rule, field string) *events.Refusal {
	switch age := d.s.age(d.c, d.in.Time); {
	case age == aMinor && by == "self":
		return refuse(rule, field, guardianConsents)
	case age == ofAge && by == "guardian":
		return refuse("consent_missing", field, guardianNoMore)
	}
	return nil
}

// grown refuses a purpose that is not for minors to one.
func (d *decision) grown(purpose events.Word, field string) *events.Refusal {
	if d.c.Purpose(purpose).Adults && d.s.age(d.c, d.in.Time) == aMinor {
		return refuse("minor", field, notForMinors)
	}
	return nil
}

// Majority is when somebody who was told to be a minor is one no longer: by the policy, whose table says whose data needs a guardian's
// consent, and by civil law, which says who may ask alone (in Japan 20 and 18). Both are months, and count when they are over.
type Majority struct {
	Policy, Civil events.Month
	Told          *policy.Mark // the milestone, once the policy's month is over and it was recorded
}

// OfMajority answers for a minor; ok is false for who was told to be of age, or whose age was never told.
func (s *State) OfMajority(c *policy.Catalogue) (m Majority, ok bool) {
	if !s.Exists() || !s.Minor || s.Majority == "" {
		return m, false
	}
	m = Majority{Policy: s.Majority, Civil: c.CivilMajorityMonth(events.Word(s.Country), s.Majority)}
	if mark, is := s.Own[MajorityReached]; is && !mark.Time.Before(c.MonthEnd(m.Policy)) {
		m.Told = &mark
	}
	return m, true
}

// AsksAlone says whether somebody may ask for disclosure without a guardian, as far as the register knows: by civil law, so that in Japan
// who is 18 may, although the policy asks for a guardian's consent until 20.
func (s *State) AsksAlone(c *policy.Catalogue, t time.Time) bool {
	m, minor := s.OfMajority(c)
	return !minor || c.Month(t) > m.Civil
}

// GuardianConsents are the consents that stand on a guardian's word: at majority the person is told of them, and may confirm, change or
// withdraw each; until then they stand.
func (s *State) GuardianConsents() []Consent {
	var all []Consent
	for _, c := range s.Consents {
		if c.By == "guardian" && c.Withdrawn == nil {
			all = append(all, c)
		}
	}
	return all
}
