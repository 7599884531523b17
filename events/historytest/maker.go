package historytest

import (
	"encoding/base32"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/events/policy"
)

// Maker makes one history. Not for use by several goroutines.
type Maker struct {
	Rand   *rand.Rand
	Now    time.Time // the engine's clock
	Org    *organisation.State
	People []*Person
	Log    []events.Event

	Refused map[string]int // by rule

	seq int
}

// Person is somebody of a history, as intake knows them.
type Person struct {
	ID    events.Pseudonym
	State *person.State
	Facts []Recorded // what was recorded about them, as decided, in the order of the log
}

// Recorded is one event and its fact.
type Recorded struct {
	events.Event
	Fact events.Fact
}

// Submission is one event before it is decided: its data as it would be sent, so that it can be decided more than once.
type Submission struct {
	Person *Person
	Type   string
	Source string
	ID     string
	Time   time.Time
	Data   string
	Own    bool
}

// New publishes a catalogue and registers its recipients.
func New(seed uint64, catalogue string) *Maker {
	m := &Maker{
		Rand: rand.New(rand.NewPCG(seed, 1)), Now: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), Org: organisation.New(), Refused: map[string]int{},
	}
	var version struct{ Version string }
	if err := json.Unmarshal([]byte(catalogue), &version); err != nil {
		return nil
	}
	m.Organisation(events.Stream{Kind: "policy", ID: "policy"}, events.TypePolicyPublished, `{"version":`+quote(version.Version)+`,"catalogue":`+catalogue+`}`)
	for i, r := range m.Catalogue().Recipients {
		m.register(i, r.ID)
	}
	return m
}

// register makes the i-th recipient one for every purpose, in a country and by a route of its own.
func (m *Maker) register(i int, r events.Word) {
	var purposes []string
	for _, p := range m.Catalogue().Purposes {
		purposes = append(purposes, quote(string(p.ID)))
	}
	countries := [][2]string{{"JP", "domestic"}, {"US", "equivalent_system"}, {"US", "consent"}, {"FR", "designated_country"}}
	x := countries[i%len(countries)]
	m.Organisation(events.Stream{Kind: "recipient", ID: string(r)}, events.TypeRecipientRegistered, fmt.Sprintf(
		`{"recipient":%q,"name":"N","country":%q,"kinds":["entrusted","third_party","joint_use"],"purposes":[%s],"safeguard":%q,"contract":{"ref":"V","from":"2023-01-01"}}`, r, x[0], strings.Join(purposes, ","), x[1]))
}

// Catalogue is the policy in force.
func (m *Maker) Catalogue() *policy.Catalogue { return m.Org.Policy }

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// Organisation records an event about the organisation. It gives false if the rules refuse it.
func (m *Maker) Organisation(st events.Stream, typ, data string) bool {
	k, _ := events.KindOf(typ)
	f, r := events.Submitted(k, []byte(data))
	if r == nil {
		r = organisation.Decide(m.Org, organisation.Submission{Kind: k, Source: "/daicho/test", Time: m.Now, Fact: f}, m.Now)
	}
	if r != nil {
		m.Refused[r.Rule+" "+r.Field]++
		return false
	}
	e := events.Event{Stream: st, Revision: m.Org.Revisions[st] + 1, ID: m.Name(), Type: typ, Source: "/daicho/test", Time: m.Now}
	e.Data, _ = events.Encode(f)
	next, err := m.Org.With(m.store(e))
	if err == nil {
		m.Org = next
	}
	return err == nil
}

func (m *Maker) store(e events.Event) *events.Event {
	e.Position, e.Recorded = events.Position(len(m.Log)+1), m.Now
	if m.Org.Policy != nil {
		e.Policy = m.Org.Policy.Version
	}
	m.Log = append(m.Log, e)
	return &m.Log[len(m.Log)-1]
}

// Name is a fresh tag: 22 characters, as intake makes them.
func (m *Maker) Name() string {
	m.seq++
	var b [16]byte
	for i := range b {
		b[i] = byte(m.Rand.Uint32())
	}
	b[0], b[1] = byte(m.seq>>8), byte(m.seq)
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:])[:22]
}

// Somebody adds a person of whom nothing is known yet.
func (m *Maker) Somebody() *Person {
	var b [17]byte
	for i := range b {
		b[i] = byte(m.Rand.Uint32())
	}
	p := &Person{ID: events.Pseudonym(strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))[:26]), State: &person.State{}}
	m.People = append(m.People, p)
	return p
}

// Other is the state of a person, also of nobody.
func (m *Maker) Other(id events.Pseudonym) *person.State {
	if p := m.Find(id); p != nil {
		return p.State
	}
	return &person.State{}
}

// Find is the person of a pseudonym, or nil.
func (m *Maker) Find(id events.Pseudonym) *Person {
	for _, p := range m.People {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// Decide decides a submission on a state, without recording anything.
func (m *Maker) Decide(s *person.State, x Submission) (person.Decision, error) {
	k, ok := events.KindOf(x.Type)
	if !ok {
		return person.Decision{}, fmt.Errorf("%s is no type", x.Type)
	}
	f, r := events.Submitted(k, []byte(x.Data))
	if r != nil {
		return person.Decision{}, fmt.Errorf("%s %s: %w", x.Type, x.Data, r)
	}
	return person.Decide(m.Org, s, person.Submission{
		Kind: k, Source: x.Source, Tag: x.ID, Time: x.Time, Fact: f, Own: x.Own, Steers: true,
		Other: m.Other,
	}, m.Now), nil
}

// Record decides a submission and records what is accepted: the events it became, none for a refusal or a duplicate.
func (m *Maker) Record(x Submission) (person.Decision, []Recorded, error) {
	d, err := m.Decide(x.Person.State, x)
	if err != nil {
		return d, nil, err
	}
	if d.Refusal != nil {
		m.Refused[d.Refusal.Rule]++
		return d, nil, nil
	}
	if d.Duplicate != 0 {
		return d, nil, nil
	}
	var out []Recorded
	for _, r := range d.First {
		r.Recall = events.ID(strings.ToLower(m.Name()))
		e, err := m.append(x.Person, events.Event{ID: m.Name(), Type: events.TypeRecallRequested, Source: "/daicho/intake", Time: m.Now}, r)
		if err != nil {
			return d, nil, err
		}
		out = append(out, e)
	}
	e, err := m.append(x.Person, events.Event{ID: x.ID, Type: x.Type, Source: x.Source, Time: x.Time}, d.Fact)
	return d, append(out, e), err
}

func (m *Maker) append(p *Person, e events.Event, f events.Fact) (Recorded, error) {
	Seal(f)
	var err error
	if e.Data, err = events.Encode(f); err != nil {
		return Recorded{}, err
	}
	e.Stream, e.Revision = events.PersonStream(p.ID), p.State.Revision+1
	e.Time = e.Time.UTC().Truncate(time.Millisecond)
	stored := m.store(e)
	p.State.Apply(stored, f)
	r := Recorded{*stored, f}
	p.Facts = append(p.Facts, r)
	return r, nil
}

// Seal closes every value of a fact: the box says nothing.
func Seal(f events.Fact) {
	events.Walk(f, events.Carrying{Secret: func(_ string, x *events.Secret) { x.Close([]byte("sealed")) }})
}
