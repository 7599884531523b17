package historytest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/events/policy"
)

// Step lets some time pass and tells one random event to the rules: mostly about a person, sometimes about the organisation. It
// gives what was recorded, which may be nothing: refusals and duplicates are part of a history's making.
func (m *Maker) Step() ([]Recorded, error) {
	m.pass()
	switch n := m.Rand.IntN(200); {
	case n < 2 && len(m.Org.Policy.Clients) > 0:
		c := m.Org.Policy.Clients[m.Rand.IntN(len(m.Org.Policy.Clients))].ID
		m.Organisation(events.Stream{Kind: "client", ID: string(c)}, events.TypeServiceEnded, fmt.Sprintf(`{"client":%q}`, c))
		return nil, nil
	case n < 3:
		r := m.word(terms(m.Org.Policy.Recipients))
		if m.Org.Recipients[events.Word(r)].Active {
			m.Organisation(events.Stream{Kind: "recipient", ID: r}, events.TypeRecipientEnded, fmt.Sprintf(`{"recipient":%q}`, r))
		}
		return nil, nil
	case n < 5:
		for i, r := range m.Org.Policy.Recipients {
			if !m.Org.Recipients[r.ID].Active {
				m.register(i, r.ID)
			}
		}
		return nil, nil
	}
	x := m.Next()
	_, all, err := m.Record(x)
	return all, err
}

// pass lets the clock go on, often not at all: many events of one moment.
func (m *Maker) pass() {
	switch m.Rand.IntN(4) {
	case 0:
		m.Now = m.Now.Add(time.Duration(m.Rand.IntN(72)) * time.Hour)
	case 1:
		m.Now = m.Now.Add(time.Duration(m.Rand.IntN(90_000)) * time.Millisecond)
	case 2:
		if m.Rand.IntN(8) == 0 {
			m.Now = m.Now.AddDate(0, m.Rand.IntN(5), 0)
		}
	}
}

// when is when an event happened: now, or some time before, on the hour so that moments coincide.
func (m *Maker) when() time.Time {
	switch m.Rand.IntN(3) {
	case 0:
		return m.Now.Add(-time.Duration(m.Rand.IntN(60*24)) * time.Hour).Truncate(time.Hour)
	case 1:
		return m.Now.Truncate(time.Hour)
	}
	return m.Now
}

func (m *Maker) word(all []string) string { return all[m.Rand.IntN(len(all))] }

func (m *Maker) chance(percent int) bool { return m.Rand.IntN(100) < percent }

func terms(all []policy.Term) []string {
	var out []string
	for _, t := range all {
		out = append(out, string(t.ID))
	}
	return out
}

// body is the data of a submission under way.
type body map[string]any

func (b body) String() string {
	j, _ := json.Marshal(b)
	return string(j)
}

var kinds = []struct {
	weight int
	typ    string
}{
	{30, events.TypeCollected}, {8, events.TypeConsentGiven}, {5, events.TypeConsentWithdrawn}, {2, events.TypeNoticeShown}, {1, events.TypeTrackingRefused},
	{10, events.TypePurposeBound}, {9, events.TypePurposeEnded}, {22, events.TypeMilestoneReached}, {7, events.TypeCopied}, {5, events.TypeRemoved},
	{6, events.TypeUsed}, {12, events.TypeTransferred}, {4, events.TypeRecallRequested}, {2, events.TypeRecallOverdue}, {6, events.TypeDisposalConfirmed},
	{7, events.TypeCorrected}, {3, events.TypeUseSuspended}, {2, events.TypeUseResumed}, {2, events.TypeProvisionCeased},
	{9, events.TypeHoldPlaced}, {8, events.TypeHoldReleased}, {12, events.TypeDeleted}, {3, events.TypeIdentityLinked}, {2, events.TypeIdentityUnlinked},
}

// Next is a random submission: about somebody known, mostly; of any type that is not the engine's own; sometimes a repetition.
func (m *Maker) Next() Submission { return m.About(m.anybody()) }

// About is Next about one person.
func (m *Maker) About(p *Person) Submission {
	if len(p.Facts) > 0 && m.chance(4) {
		again := p.Facts[m.Rand.IntN(len(p.Facts))]
		return Submission{Person: p, Type: events.TypeMilestoneReached, Source: again.Source, ID: again.ID, Time: m.Now, Data: fmt.Sprintf(`{"milestone":%q}`, m.milestone())}
	}
	typ := events.TypeCollected
	if p.State.Exists() {
		sum := 0
		for _, k := range kinds {
			sum += k.weight
		}
		n := m.Rand.IntN(sum)
		for _, k := range kinds {
			if n -= k.weight; n < 0 {
				typ = k.typ
				break
			}
		}
	} else if m.chance(20) {
		typ = m.word([]string{events.TypeConsentGiven, events.TypeNoticeShown, events.TypeMilestoneReached})
	}
	return m.Of(p, typ)
}

func (m *Maker) anybody() *Person {
	if len(m.People) == 0 || m.chance(3) {
		return m.Somebody()
	}
	p := m.People[m.Rand.IntN(len(m.People))]
	if p.State.Gone != nil { // an identifier leads to somebody new then
		return m.Somebody()
	}
	return p
}

// Of is a random submission of one type about a person.
func (m *Maker) Of(p *Person, typ string) Submission {
	c := m.Org.Policy
	x := Submission{Person: p, Type: typ, Source: m.source(), ID: m.Name(), Time: m.when()}
	b := body{}
	switch typ {
	case events.TypeCollected:
		m.collected(p, b)
	case events.TypeConsentGiven, events.TypeConsentWithdrawn:
		b["purposes"], b["by"] = []string{m.purpose("consent")}, m.word([]string{"self", "guardian", "agent"})
		if typ == events.TypeConsentGiven {
			b["notice"] = m.notice()
		}
		if m.chance(30) {
			b["evidence"] = "seen"
		}
	case events.TypeNoticeShown:
		b["notice"] = m.notice()
		if m.chance(50) {
			b["deemed"] = true
		}
	case events.TypeTrackingRefused:
		b["channel"] = m.word([]string{"cookie", "web", "app"})
	case events.TypePurposeBound:
		m.selector(p, b)
		purpose := m.purpose("")
		b["purpose"], b["basis"] = purpose, m.basis(purpose, p.State.Country)
		if m.chance(30) {
			b["consent"] = body{"by": "self"}
		}
	case events.TypePurposeEnded:
		m.selector(p, b)
		b["purpose"], b["reason"] = m.boundPurpose(p), m.word([]string{"completed", "withdrawn", "objected", "ceased"})
	case events.TypeMilestoneReached:
		b["milestone"] = m.milestone()
		if m.chance(85) {
			b["matter"] = m.matter()
		}
	case events.TypeCopied, events.TypeRemoved:
		m.selector(p, b)
		b["location"] = m.word(terms(c.Locations))
	case events.TypeUsed:
		b["purpose"], b["categories"], b["by"] = m.boundPurpose(p), []string{m.category()}, m.word(terms(c.Locations))
	case events.TypeTransferred:
		m.selector(p, b)
		b["purpose"], b["recipient"] = m.boundPurpose(p), m.word(terms(c.Recipients))
		if r := m.record(p, func(r *person.Record) bool { return len(r.Bindings) > 0 }); r != nil && m.chance(70) {
			b["purpose"] = string(r.Bindings[len(r.Bindings)-1].Purpose)
			only(b, r)
		}
		b["kind"], b["basis"] = m.word([]string{"entrusted", "entrusted", "third_party", "joint_use"}), m.word([]string{"contract", "consent", "legal_obligation"})
		b["country"] = string(m.country())
		if r := m.Org.Recipients[events.Word(b["recipient"].(string))]; r != nil && m.chance(90) {
			b["country"] = string(r.Country)
		}
	case events.TypeRecallRequested, events.TypeRecallOverdue, events.TypeDisposalConfirmed:
		m.recall(p, typ, b)
	case events.TypeCorrected:
		b["record"], b["value"] = m.key(p), "corrected"
	case events.TypeUseSuspended, events.TypeUseResumed, events.TypeProvisionCeased:
		m.selector(p, b)
		if r := m.record(p, func(r *person.Record) bool { return r.Suspended }); r != nil && typ == events.TypeUseResumed {
			only(b, r)
		}
	case events.TypeHoldPlaced:
		m.selector(p, b)
		b["case"] = fmt.Sprintf("case-%d", m.Rand.IntN(3))
	case events.TypeHoldReleased:
		if m.chance(60) {
			m.selector(p, b)
		}
		b["case"] = fmt.Sprintf("case-%d", m.Rand.IntN(3))
	case events.TypeDeleted:
		if m.chance(6) {
			b["person"] = true
		} else {
			m.selector(p, b)
		}
		b["cause"] = m.word([]string{"retention", "purpose_met", "request", "withdrawal", "end_of_service"})
	case events.TypeIdentityLinked, events.TypeIdentityUnlinked:
		other := m.People[m.Rand.IntN(len(m.People))]
		b["other"], b["evidence"] = "person:"+string(other.ID), "seen"
	}
	x.Data = b.String()
	return x
}

func (m *Maker) collected(p *Person, b body) {
	c := m.Org.Policy
	country := m.country()
	if p.State.Country != "" && m.chance(90) {
		country = p.State.Country
	}
	purposes := []string{m.purpose("")}
	if m.chance(50) {
		purposes = append(purposes, m.purpose(""))
	}
	// Entrusted data serves a client's work alone, mostly.
	operation := m.word([]string{"rental", "sales", "content", "hr", "entrusted"})
	if m.chance(85) {
		if c.Purpose(events.Word(purposes[0])).Role == "processor" {
			operation, purposes = "entrusted", purposes[:1]
		} else if operation == "entrusted" {
			operation = "rental"
		}
	}
	channel := m.word([]string{"web", "counter", "phone", "cookie", "app"})
	b["operation"], b["channel"], b["transport"] = operation, channel, "tls"
	b["location"], b["notice"] = m.word(terms(c.Locations)), m.notice()
	if m.chance(80) {
		b["matter"] = m.matter()
	}
	if operation == "entrusted" && len(c.Clients) > 0 {
		b["client"] = m.word(terms(c.Clients))
	}
	who := body{"kind": m.word([]string{"customer", "visitor", "applicant"}), "country": string(country)}
	if m.chance(40) {
		who["birthdate"] = fmt.Sprintf("%d-%02d-%02d", 1985+m.Rand.IntN(28), 1+m.Rand.IntN(12), 1+m.Rand.IntN(28))
		if m.chance(70) {
			b["guardian"] = body{"consent": "G-1", "name": "Guardian"}
		}
	}
	b["person"] = who
	var binds []body
	var permitted []string
	taken := map[string]bool{}
	for _, purpose := range purposes {
		if taken[purpose] {
			continue
		}
		taken[purpose] = true
		bind := body{"id": purpose, "basis": m.basis(purpose, country)}
		if bind["basis"] == "consent" && m.chance(80) {
			bind["consent"] = body{"by": m.word([]string{"self", "guardian"})}
		}
		binds = append(binds, bind)
		categories, any := c.Purpose(events.Word(purpose)).Permitted()
		if any {
			for _, k := range c.Categories {
				categories = append(categories, k.ID)
			}
		}
		for _, k := range categories {
			permitted = append(permitted, string(k))
		}
	}
	b["purposes"] = binds
	var records []body
	for range 1 + m.Rand.IntN(3) {
		category := m.category()
		if len(permitted) > 0 && m.chance(97) {
			category = m.word(permitted)
		}
		records = append(records, body{"key": fmt.Sprintf("k%d", m.Rand.IntN(40)), "category": category, "value": "v"})
	}
	b["records"] = records
}

// selector selects records of a person in any of the ways that there are.
func (m *Maker) selector(p *Person, b body) {
	n := m.Rand.IntN(10)
	if n < 6 {
		keys := []string{m.key(p)}
		if m.chance(30) {
			keys = append(keys, m.key(p))
		}
		b["records"] = keys
	}
	if n == 6 || n == 8 || m.chance(5) {
		b["matter"] = m.matter()
	}
	if n == 7 || n == 8 || m.chance(5) {
		b["categories"] = []string{m.category()}
	}
}

// key is the key of one of a person's records, live or not, mostly.
func (m *Maker) key(p *Person) string {
	if len(p.State.Records) == 0 || m.chance(3) {
		return "unknown"
	}
	for range 4 {
		if r := &p.State.Records[m.Rand.IntN(len(p.State.Records))]; r.Live() {
			return string(r.Key)
		}
	}
	return string(p.State.Records[m.Rand.IntN(len(p.State.Records))].Key)
}

func (m *Maker) recall(p *Person, typ string, b body) {
	b["recipient"] = m.word(terms(m.Org.Policy.Recipients))
	if n := len(p.State.Recalls); n > 0 && (typ == events.TypeRecallOverdue || m.chance(60)) {
		r := p.State.Recalls[m.Rand.IntN(n)]
		b["recall"], b["recipient"] = string(r.ID), string(r.Recipient)
		if typ != events.TypeRecallRequested {
			return
		}
	} else if typ != events.TypeDisposalConfirmed {
		b["recall"] = fmt.Sprintf("recall%d", m.Rand.IntN(1_000_000))
	}
	m.selector(p, b)
	if r := m.record(p, func(r *person.Record) bool { return len(r.With) > 0 }); r != nil && m.chance(80) {
		b["recipient"] = string(r.With[len(r.With)-1].ID)
		only(b, r)
	}
}

// record is one of a person's live records that fit, or nil.
func (m *Maker) record(p *Person, fits func(*person.Record) bool) *person.Record {
	var all []*person.Record
	for i := range p.State.Records {
		if r := &p.State.Records[i]; r.Live() && fits(r) {
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[m.Rand.IntN(len(all))]
}

// only selects one record.
func only(b body, r *person.Record) {
	delete(b, "matter")
	delete(b, "categories")
	b["records"] = []string{string(r.Key)}
}

func (m *Maker) matter() string    { return fmt.Sprintf("m%d", m.Rand.IntN(3)) }
func (m *Maker) milestone() string { return m.word(terms(m.Org.Policy.Milestones)) }
func (m *Maker) notice() body      { return body{"policy": m.Org.Policy.Version, "language": "en"} }
func (m *Maker) category() string {
	return string(m.Org.Policy.Categories[m.Rand.IntN(len(m.Org.Policy.Categories))].ID)
}

func (m *Maker) country() events.Country {
	return events.Country(m.word([]string{"JP", "JP", "FR", "US", "KR"}))
}

func (m *Maker) source() string {
	for {
		if s := m.word(m.Org.Policy.Sources); s[len(s)-1] != '*' {
			return s
		}
	}
}

// purpose is any purpose, or one that takes a basis.
func (m *Maker) purpose(basis events.Word) string {
	for {
		p := &m.Org.Policy.Purposes[m.Rand.IntN(len(m.Org.Policy.Purposes))]
		if basis == "" || m.Org.Policy.Takes(p, basis, "JP") {
			return string(p.ID)
		}
	}
}

// boundPurpose is a purpose that something of a person is bound to, mostly.
func (m *Maker) boundPurpose(p *Person) string {
	if len(p.State.Records) > 0 && m.chance(90) {
		if r := &p.State.Records[m.Rand.IntN(len(p.State.Records))]; len(r.Bindings) > 0 {
			return string(r.Bindings[m.Rand.IntN(len(r.Bindings))].Purpose)
		}
	}
	return m.purpose("")
}

func (m *Maker) basis(purpose string, country events.Country) string {
	p := m.Org.Policy.Purpose(events.Word(purpose))
	for range 8 {
		b := m.word([]string{"contract", "consent", "legitimate_interest", "legal_obligation"})
		if m.Org.Policy.Takes(p, events.Word(b), events.Word(country)) {
			return b
		}
	}
	return "contract"
}
