package person_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/historytest"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/events/policy"
)

// support is what a submission rests on and what it changes. Two submissions are independent if neither changes what the other
// rests on or changes. What only ever keeps the latest moment (milestones, contacts, the profile) may be changed by both.
type support struct{ reads, writes []string }

// supportOf knows the submissions that name what they are about; ok is false for those that take whatever there is.
func supportOf(x historytest.Submission) (s support, ok bool) {
	var f struct {
		Records                                         []json.RawMessage
		Record, Matter, Purpose, Recipient              string
		Channel, Case, Recall, Other, Basis, Kind, Type string
		Categories                                      []string
		Purposes                                        []json.RawMessage
		Person                                          json.RawMessage
		Consent                                         *struct{}
	}
	if json.Unmarshal([]byte(x.Data), &f) != nil {
		return s, false
	}
	write := func(what, of string) {
		if of != "" {
			s.writes = append(s.writes, what+" "+of)
		}
	}
	read := func(what, of string) { s.reads = append(s.reads, what+" "+of) }
	for _, r := range f.Records {
		var key string
		if json.Unmarshal(r, &key) != nil {
			var rec struct{ Key string }
			_ = json.Unmarshal(r, &rec)
			key = rec.Key
		}
		write("record", key)
	}
	write("record", f.Record)
	named := len(s.writes) > 0
	write("case", f.Case)
	write("with", f.Recipient)
	write("recall", f.Recall)
	write("link", f.Other)
	switch x.Type {
	case events.TypeCollected:
		read("channel", f.Channel)
		for _, p := range f.Purposes {
			var b struct {
				ID, Basis string
				Consent   *struct{}
			}
			_ = json.Unmarshal(p, &b)
			read("consent", b.ID)
			if b.Consent != nil {
				write("consent", b.ID)
				read("profile", "") // whose consent it is to give hangs on the age that was told
			}
		}
		s.writes = append(s.writes, fmt.Sprintf("profile %d", x.Time.UnixMilli())) // two of one moment have no order but the log's
		return s, true
	case events.TypeConsentGiven, events.TypeConsentWithdrawn:
		for _, p := range f.Purposes {
			var id string
			_ = json.Unmarshal(p, &id)
			write("consent", id)
		}
		read("profile", "") // a minor's guardian consents, and no longer once the minor is of age
		return s, true
	case events.TypeTrackingRefused: // ends whatever trackers have collected there
		return s, false
	case events.TypeMilestoneReached:
		write("milestone", "")
		s.writes = append(s.writes, "milestones")
		return s, true
	case events.TypeIdentityLinked: // a browser is linked by consent alone
		read("profile", "")
		read("consent", "")
		return s, true
	case events.TypeNoticeShown, events.TypeIdentityUnlinked:
		return s, true
	case events.TypePurposeBound:
		read("profile", "")
		if f.Consent != nil {
			write("consent", f.Purpose)
		}
	case events.TypeDeleted: // because its time is over, or not: that hangs on everything
		if strings.Contains(x.Data, "retention") || strings.Contains(x.Data, "purpose_met") || f.Person != nil && strings.Contains(x.Data, `"person":true`) {
			return s, false
		}
	}
	if f.Purpose != "" {
		read("consent", f.Purpose)
	}
	return s, named && f.Matter == "" && len(f.Categories) == 0
}

func independent(a, b support) bool {
	touches := func(writes, other []string) bool {
		return slices.ContainsFunc(writes, func(w string) bool {
			if w == "milestones" {
				return false
			}
			if what, _, _ := strings.Cut(w, " "); slices.Contains(other, what+" ") { // whichever
				return true
			}
			return slices.Contains(other, w)
		})
	}
	return !touches(a.writes, slices.Concat(b.reads, b.writes)) && !touches(b.writes, a.reads)
}

// normal is a state in a form that is equal for all orders in which the same independent events came: no positions, no ordinals, no
// order of lists.
func normal(o *organisation.State, s *person.State) string {
	name := map[events.Ordinal]string{}
	times := map[events.Key]int{}
	for i := range s.Records {
		r := &s.Records[i]
		times[r.Key]++
		name[r.N] = fmt.Sprintf("%s#%d", r.Key, times[r.Key])
	}
	names := func(of []events.Ordinal) string {
		var all []string
		for _, n := range of {
			all = append(all, name[n])
		}
		slices.Sort(all)
		return strings.Join(all, ",")
	}
	mark := func(m *policy.Mark) string {
		if m == nil {
			return "-"
		}
		return fmt.Sprintf("%s/%s/%s", m.Type, m.Word, m.Time.Format("2006-01-02T15:04:05.000"))
	}
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	say("is %s %s minor=%t %s told=%s age=%s contact=%s gone=%s", s.Kind, s.Country, s.Minor, s.Majority, mark(&s.Told), mark(&s.ToldAge), mark(&s.Contact), mark(s.Gone))
	for i := range s.Records {
		r := &s.Records[i]
		say("record %s %s %s %s %s %s at=%s kept=%d corrected=%t susp=%t ceased=%t gone=%s %s", name[r.N], r.Category, r.Operation, r.Source, r.Matter, r.Client, mark(&r.Collected), len(r.Kept), r.Value != r.N, r.Suspended, r.Ceased, mark(r.Gone), r.Cause)
		held := s.Held(r)
		slices.Sort(held)
		say("record %s held %v", name[r.N], held)
		for _, b := range r.Bindings {
			say("record %s bound %s %s since=%s ended=%s %s brought=%t", name[r.N], b.Purpose, b.Basis, mark(&b.Since), mark(b.Ended), b.Reason, b.Brought)
		}
		for _, p := range slices.Concat(r.Locations, r.With) {
			grounds := fmt.Sprint(p.Grounds)
			say("record %s at %s since=%s until=%s %s", name[r.N], p.ID, mark(&p.Since), mark(p.Until), grounds)
		}
	}
	for matter, marks := range s.Matters {
		for w, m := range marks {
			say("matter %s %s %s", matter, w, mark(&m))
		}
	}
	for w, m := range s.Own {
		say("own %s %s", w, mark(&m))
	}
	for _, c := range s.Consents {
		say("consent %s by=%s %s since=%s withdrawn=%s", c.Purpose, c.By, c.Notice, mark(&c.Since), mark(c.Withdrawn))
	}
	for _, h := range s.Holds {
		say("hold %s %s of=%s since=%s released=%s", h.Case, h.Matter, names(h.Of), mark(&h.Since), mark(h.Released))
	}
	for _, l := range s.Links {
		say("link %s since=%s until=%s", l.Other, mark(&l.Since), mark(l.Until))
	}
	// What is to come back has been asked for, or will be: when, is for the service that asks.
	for _, r := range s.Recalls {
		for _, n := range r.Of {
			if r.Confirmed == nil {
				say("back %s of %s", r.Recipient, name[n])
			}
		}
	}
	for _, x := range s.Stranded(o) {
		for _, n := range x.Of {
			say("back %s of %s", x.Recipient, name[n])
		}
	}
	for _, n := range s.Notes {
		say("note of=%s", names(n.Of))
	}
	for _, c := range s.Refused {
		say("refused %s", c)
	}
	for _, l := range s.Limits(o) {
		say("limit %s %s due=%s rule=%s waiting=%v gap=%t law=%t", name[l.Record.N], l.Binding.Purpose, l.Due, l.Rule, l.Waiting, l.Gap, l.Law)
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n")
}

// after decides and applies submissions on a copy of a state.
func after(t *testing.T, m *historytest.Maker, s *person.State, all ...historytest.Submission) (*person.State, []string) {
	t.Helper()
	s = s.Clone()
	var outcomes []string
	for i, x := range all {
		d, err := m.Decide(s, x)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case d.Refusal != nil:
			outcomes = append(outcomes, d.Refusal.Rule+" "+d.Refusal.Field)
			continue
		case d.Duplicate != 0:
			outcomes = append(outcomes, "duplicate")
			continue
		}
		outcomes = append(outcomes, "recorded")
		at := events.Position(len(m.Log) + 10*i + 1)
		for j, r := range d.First {
			r.Recall = events.ID(fmt.Sprintf("r%d", int(at)+j))
			e := events.Event{Position: at + events.Position(j), ID: m.Name(), Type: events.TypeRecallRequested, Source: "/daicho/intake", Time: m.Now}
			s.Apply(&e, r)
		}
		historytest.Seal(d.Fact)
		e := events.Event{Position: at + 9, ID: x.ID, Type: x.Type, Source: x.Source, Time: x.Time}
		s.Apply(&e, d.Fact)
	}
	return s, outcomes
}

// Which of two independent events arrives first changes nothing: neither what becomes of them, nor what is known afterwards, nor
// any deadline.
func TestTheOrderOfIndependentEventsChangesNothing(t *testing.T) {
	pairs := map[string]int{}
	each(t, 250, historytest.Catalogue, func(t *testing.T, m *historytest.Maker, _ int, x historytest.Submission) {
		if _, _, err := m.Record(x); err != nil {
			t.Fatal(err)
		}
		p := x.Person
		if !p.State.Exists() {
			return
		}
		for range 6 {
			a, b := m.About(p), m.About(p)
			sa, ok := supportOf(a)
			sb, too := supportOf(b)
			if !ok || !too || a.ID == b.ID || !independent(sa, sb) {
				continue
			}
			one, first := after(t, m, p.State, a, b)
			two, second := after(t, m, p.State, b, a)
			slices.Reverse(second)
			if !slices.Equal(first, second) {
				t.Errorf("%s %s, then %s %s: %v; the other way round: %v", a.Type, a.Data, b.Type, b.Data, first, second)
			}
			if x, y := normal(m.Org, one), normal(m.Org, two); x != y {
				t.Errorf("%s %s at %s and %s %s at %s: in this order\n%s\nin the other\n%s", a.Type, a.Data, a.Time, b.Type, b.Data, b.Time, difference(x, y), difference(y, x))
			}
			if first[0] == "recorded" && first[1] == "recorded" {
				types := []string{events.Short(a.Type), events.Short(b.Type)}
				slices.Sort(types)
				pairs[strings.Join(types, "+")]++
			}
		}
	})
	if *seeds >= 20 && len(pairs) < 60 {
		t.Errorf("only %d pairs of types were tried: %v", len(pairs), pairs)
	}
}

// difference are the lines of a that b does not have.
func difference(a, b string) string {
	var out []string
	for line := range strings.Lines(a) {
		if !strings.Contains(b+"\n", strings.TrimSuffix(line, "\n")+"\n") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}
