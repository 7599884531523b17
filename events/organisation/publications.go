package organisation

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// Publication is one version of the policy as it was published: a line of the public list of changes.
type Publication struct {
	Version   events.Word
	Effective policy.Date // its first day, as the catalogue names it; zero if it names none
	Changes   []events.Change
	Time      time.Time // of its publication
	Position  events.Position
	InForce   *time.Time // nil as long as it is announced

	catalogue *policy.Catalogue
}

// Catalogue is what was published.
func (p *Publication) Catalogue() *policy.Catalogue { return p.catalogue }

// Major says that a change of it is a major one.
func (p *Publication) Major() bool {
	return slices.ContainsFunc(p.Changes, func(c events.Change) bool { return c.Major })
}

// Coming are the versions that are announced and not yet in force.
func (s *State) Coming() []Publication {
	var all []Publication
	for _, p := range s.Published {
		if p.InForce == nil {
			all = append(all, p)
		}
	}
	return all
}

func (s *State) publish(e *events.Event, f *events.PolicyPublished) error {
	c, err := policy.Parse(f.Catalogue)
	if err != nil {
		return err
	}
	p := Publication{Version: f.Version, Effective: c.Effective, Changes: f.Changes, Time: e.Time, Position: e.Position, catalogue: c}
	if !f.Waits {
		t := e.Time
		p.InForce, s.Policy = &t, c
	}
	s.Published = append(slices.Clone(s.Published), p)
	s.Versions = maps.Clone(s.Versions)
	s.Versions[f.Version] = e.Position
	return nil
}

func (s *State) effective(e *events.Event, f *events.PolicyEffective) {
	s.Published = slices.Clone(s.Published)
	for i := range s.Published {
		if p := &s.Published[i]; p.Version == f.Version && p.InForce == nil {
			t := e.Time
			p.InForce, s.Policy = &t, p.catalogue
		}
	}
}

func published(s *State, f *events.PolicyPublished, now time.Time) *events.Refusal {
	c, err := policy.Parse(f.Catalogue)
	if err != nil {
		return refuse(events.RuleSchema, "/data/catalogue", "is not a catalogue; `daicho policy lint` says where")
	}
	if string(f.Version) != c.Version {
		return refuse(events.RuleSchema, "/data/version", "is not the version that the catalogue names")
	}
	if _, ok := s.Versions[f.Version]; ok {
		return refuse(events.RuleSchema, "/data/version", "has been published before; a changed policy needs a version of its own")
	}
	for _, finding := range policy.Lint(c) {
		if finding.Severity == policy.Error {
			return refuse(events.RuleSchema, "/data/catalogue", "has errors; `daicho policy lint` lists them")
		}
	}
	f.Waits = s.Policy != nil && c.Effective.After(c.On(now))
	return noticed(s, c, f)
}

// noticed refuses a change of purposes that people were not told of before it takes effect. The policy reserves changes without notice
// (S28); for purposes the law does not allow it (APPI 21(3); GDPR 13(3)).
func noticed(s *State, c *policy.Catalogue, f *events.PolicyPublished) *events.Refusal {
	if s.Policy == nil {
		return nil
	}
	changed := policy.ChangedPurposes(s.Policy, c)
	if len(changed) == 0 {
		return nil
	}
	names := make([]string, len(changed))
	for i, p := range changed {
		names[i] = string(p)
	}
	which := strings.Join(names, ", ")
	if !announces(c, f.Changes) {
		return refuse("notice_missing", "/data/changes", "do not tell of a change of purposes ("+which+"); name it as a major change in every language of the policy (APPI 21(3))")
	}
	if !f.Waits {
		return refuse("notice_missing", "/data/catalogue/effective", "is not a later day: people are told of a change of purposes ("+which+") before it takes effect (GDPR 13(3))")
	}
	return nil
}

// announces says that a major change is told in every language that the policy is published in.
func announces(c *policy.Catalogue, changes []events.Change) bool {
	return slices.ContainsFunc(changes, func(x events.Change) bool {
		return x.Major && !slices.ContainsFunc(c.Languages, func(lang string) bool { return x.Text[events.Word(lang)] == "" })
	})
}

// effectiveRules: a version comes into force on its first day, and once.
func effectiveRules(s *State, f *events.PolicyEffective, now time.Time) *events.Refusal {
	for _, p := range s.Coming() {
		if p.Version == f.Version {
			if p.Effective.After(p.catalogue.On(now)) {
				return refuse("future", "/data/version", "is announced for a later day")
			}
			return nil
		}
	}
	return refuse("unknown_policy", "/data/version", "is no version that is announced and not in force")
}
