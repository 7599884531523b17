package person

import (
	"math"
	"slices"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// Empty says that nothing of a person is left once some records are gone: no other record lives, and there is no wish of theirs that is to
// be respected further on, as a refusal of tracking, or a consent that was given since the last record went.
func (s *State) Empty(except []events.Ordinal) bool {
	var went events.Position
	for i := range s.Records {
		switch r := &s.Records[i]; {
		case !r.Live():
			went = max(went, r.Gone.Position)
		case slices.Contains(except, r.N):
			went = events.Position(math.MaxUint64)
		default:
			return false
		}
	}
	return len(s.Refused) == 0 && !slices.ContainsFunc(s.Consents, func(c Consent) bool { return c.Withdrawn == nil && c.Since.Position > went })
}

// RecordOfProvision names the reason to know somebody that is no purpose: in deletions before its time, and as the rule of later ones.
const RecordOfProvision = events.Word("record_of_provision")

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
	if !s.Exists() || len(s.Records)+len(s.Consents) == 0 || !s.Empty(nil) {
		return policy.Date{}, false
	}
	var day policy.Date
	if until := s.Remembered(c); !until.IsZero() {
		day = until.AddDays(1)
	}
	last := func(m *policy.Mark) {
		if m != nil {
			if on := c.On(m.Time); on.After(day) {
				day = on
			}
		}
	}
	for i := range s.Records {
		last(s.Records[i].Gone)
	}
	for i := range s.Consents {
		last(s.Consents[i].Withdrawn)
	}
	return day, true
}

// provided keeps the last record of provision or receiving.
func (s *State) provided(m policy.Mark) {
	if s.Provision.Time.IsZero() || later(m, s.Provision) {
		s.Provision = m
	}
}
