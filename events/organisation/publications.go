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
	Passed    bool       // it was announced and will never be in force: one with a later first day came before it

	catalogue *policy.Catalogue
	first     bool
}

// Catalogue is what was published.
func (p *Publication) Catalogue() *policy.Catalogue { return p.catalogue }

// Major says that a change of it is a major one.
func (p *Publication) Major() bool {
	return slices.ContainsFunc(p.Changes, func(c events.Change) bool { return c.Major })
}

// From is its first day: the one that it names, or that of its publication if it names none or one that was over; of what is in force, the
// day since when. The first version of all was in force before there was a register: its day is the one that it names.
func (p *Publication) From() policy.Date {
	switch {
	case p.first && !p.Effective.IsZero():
		return p.Effective
	case p.InForce != nil:
		return firstDay(p.catalogue, *p.InForce)
	}
	return firstDay(p.catalogue, p.Time)
}

func firstDay(c *policy.Catalogue, at time.Time) policy.Date {
	if on := c.On(at); c.Effective.Before(on) { // as is a zero date
		return on
	}
	return c.Effective
}

// Coming are the versions that are announced and not yet in force, in the order in which they will be.
func (s *State) Coming() []Publication {
	var all []Publication
	for _, p := range s.Published {
		if p.InForce == nil && !p.Passed {
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b Publication) int { return a.From().Compare(b.From()) })
	return all
}

// Unlisted are the versions that changed, or will change, what people can read or what binds them, without a list of the changes in every
// language of the policy (S29). None is recorded any more; an older log may hold some.
func (s *State) Unlisted() []events.Word {
	var were []Publication
	for _, p := range s.Published {
		if p.InForce != nil {
			were = append(were, p)
		}
	}
	slices.SortStableFunc(were, func(a, b Publication) int { return a.InForce.Compare(*b.InForce) })
	var all []events.Word
	order := append(were, s.Coming()...)
	for i := 1; i < len(order); i++ {
		if p := &order[i]; policy.Differ(order[i-1].catalogue, p.catalogue) && !lists(p.catalogue, p.Changes) {
			all = append(all, p.Version)
		}
	}
	return all
}

func (s *State) publish(e *events.Event, f *events.PolicyPublished) error {
	c, err := policy.Parse(f.Catalogue)
	if err != nil {
		return err
	}
	p := Publication{Version: f.Version, Effective: c.Effective, Changes: f.Changes, Time: e.Time, Position: e.Position, catalogue: c, first: len(s.Published) == 0}
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
	i := slices.IndexFunc(s.Published, func(p Publication) bool { return p.Version == f.Version && p.InForce == nil })
	if i < 0 {
		return
	}
	t, in := e.Time, &s.Published[i]
	for j := range s.Published {
		if p := &s.Published[j]; p.InForce == nil && p.From().Before(in.From()) {
			p.Passed = true
		}
	}
	in.InForce, s.Policy = &t, in.catalogue
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
	return noticed(s, c, f, now)
}

// noticed says whether a version waits for its first day, and refuses it if people were not told what it changes of the version before it,
// which may itself be announced; or if it comes before one that would then change more than people were told.
//
// Of purposes people are told before the change takes effect: the policy reserves changes without prior notice (S28), and for purposes the
// law does not allow it (APPI 21(3); GDPR 13(3)). Of all else they are told when it does, in the list at the bottom of the page (S29).
func noticed(s *State, c *policy.Catalogue, f *events.PolicyPublished, now time.Time) *events.Refusal {
	if s.Policy == nil {
		return nil
	}
	today, first := c.On(now), firstDay(c, now)
	was, then := s.Policy, (*Publication)(nil)
	f.Waits = first.After(today)
	for _, p := range s.Coming() {
		if p.From().After(first) {
			then = &p
			break
		}
		was, f.Waits = p.catalogue, true // one that is due is put into force before it
	}
	if which := widened(was, c); which != "" {
		if !announces(c, f.Changes) {
			return refuse("notice_missing", "/data/changes", "do not tell of a change of purposes ("+which+"); name it as a major change in every language of the policy (APPI 21(3))")
		}
		if !first.After(today) {
			return refuse("notice_missing", "/data/catalogue/effective", "is not a later day: people are told of a change of purposes ("+which+") before it takes effect (GDPR 13(3))")
		}
	}
	if policy.Differ(was, c) && !lists(c, f.Changes) {
		return refuse("notice_missing", "/data/changes", "do not tell what differs from version "+was.Version+
			"; every change is announced at the bottom of the public page, in every language of the policy ("+strings.Join(c.Languages, ", ")+"); `daicho policy diff` shows what differs")
	}
	if then != nil && (widened(c, then.catalogue) != "" && !announces(then.catalogue, then.Changes) || policy.Differ(c, then.catalogue) && !lists(then.catalogue, then.Changes)) {
		return refuse("notice_missing", "/data/catalogue/effective", "is before the first day of version "+string(then.Version)+
			", which is announced and would then change more than people were told; name "+then.From().String()+" or a later day")
	}
	return nil
}

// widened are the purposes that people must be told of before one catalogue takes the place of another.
func widened(was, is *policy.Catalogue) string {
	var names []string
	for _, p := range policy.ChangedPurposes(was, is) {
		names = append(names, string(p))
	}
	return strings.Join(names, ", ")
}

// announces says that a major change is told in every language that the policy is published in.
func announces(c *policy.Catalogue, changes []events.Change) bool {
	return slices.ContainsFunc(changes, func(x events.Change) bool { return x.Major && speaks(c, x) })
}

// lists says that there is a list of changes, with each of them in every language that the policy is published in.
func lists(c *policy.Catalogue, changes []events.Change) bool {
	return len(changes) > 0 && !slices.ContainsFunc(changes, func(x events.Change) bool { return !speaks(c, x) })
}

func speaks(c *policy.Catalogue, x events.Change) bool {
	return !slices.ContainsFunc(c.Languages, func(lang string) bool { return x.Text[events.Word(lang)] == "" })
}

// effectiveRules: a version comes into force on its first day, and once; and not if that would change purposes that nobody was told of.
func effectiveRules(s *State, f *events.PolicyEffective, now time.Time) *events.Refusal {
	for _, p := range s.Coming() {
		if p.Version != f.Version {
			continue
		}
		if p.Effective.After(p.catalogue.On(now)) {
			return refuse("future", "/data/version", "is announced for a later day")
		}
		if which := widened(s.Policy, p.catalogue); which != "" && !announces(p.catalogue, p.Changes) {
			return refuse("notice_missing", "/data/version", "changes purposes ("+which+") that people were not told of; publish it again, under another version and with a list of changes (APPI 21(3))")
		}
		return nil
	}
	return refuse("unknown_policy", "/data/version", "is no version that is announced and not in force")
}
