package person

import (
	"slices"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// Empty says that nothing of a person is left once some records are gone: no other record lives, and there is no wish of theirs, as a
// refusal of tracking, that is to be respected further on.
func (s *State) Empty(except []events.Ordinal) bool {
	return len(s.Refused) == 0 && !slices.ContainsFunc(s.Records, func(r Record) bool { return r.Live() && !slices.Contains(except, r.N) })
}

// Leaves says that nobody is left to remember, on a day, once some records are gone: nothing else of theirs is there, and no record of a
// provision is to say any more whom it was about.
func (s *State) Leaves(records []events.Ordinal, c *policy.Catalogue, on policy.Date) bool {
	return s.Empty(records) && s.Remembered(c).Before(on)
}

// Remembered is the last day on which a person is to be known for the last record of provision or receiving about them: it must be there,
// say whom it is about, and be disclosed to them for so long (APPI 29(2), 30(4), 33(5)). The zero day: there is none.
func (s *State) Remembered(c *policy.Catalogue) policy.Date {
	if s.Provision.Time.IsZero() {
		return policy.Date{}
	}
	made := c.On(s.Provision.Time)
	until := c.ProvisionKept(made, made, false)
	if byContract := c.ProvisionKept(made, made, true); byContract.After(until) {
		until = byContract
	}
	return until
}

// Forgettable is the first day on which somebody of whom no record is left may be forgotten as well. False: there is no such day, since
// something of theirs is there, or there never was anything, or they are forgotten.
func (s *State) Forgettable(c *policy.Catalogue) (policy.Date, bool) {
	if !s.Exists() || len(s.Records) == 0 || !s.Empty(nil) {
		return policy.Date{}, false
	}
	var day policy.Date
	if until := s.Remembered(c); !until.IsZero() {
		day = until.AddDays(1)
	}
	for i := range s.Records {
		if gone := c.On(s.Records[i].Gone.Time); gone.After(day) {
			day = gone
		}
	}
	return day, true
}

// provided keeps the last record of provision or receiving.
func (s *State) provided(m policy.Mark) {
	if s.Provision.Time.IsZero() || later(m, s.Provision) {
		s.Provision = m
	}
}
