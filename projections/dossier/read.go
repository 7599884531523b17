package dossier

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
)

// Question asks for one person.
type Question struct {
	Person  events.Pseudonym
	AsOf    time.Time
	KnownAt events.Position // zero: all that is known
}

// Reading is a dossier and, beside it, what would have to be opened to show its values.
type Reading struct {
	Dossier contracts.Dossier
	Sealed  []Sealed
	Cases   []contracts.CaseRef // the case tags that stand in deadlines
}

// Sealed is the sealed value of one record of a reading.
type Sealed struct {
	Record int // index in Dossier.Records
	Owner  events.Stream
	N      events.Ordinal
	Bound  contracts.Bound
	Box    []byte
	// Attached: the value is contracts.SealedAttachment, with a key in it that is never shown.
	Attached bool
}

// About answers one person's dossier, united with everybody that the links that stand unite them with. Nobody known is an empty
// reading.
func (d *Dossier) About(ctx context.Context, q Question) (*Reading, error) {
	at, err := d.Position(ctx)
	if err != nil {
		return nil, err
	}
	known := at
	if q.KnownAt != 0 {
		known = min(q.KnownAt, at)
	}
	org, err := d.Organisation(ctx, known, q.AsOf)
	if err != nil {
		return nil, err
	}
	people, err := d.united(ctx, q.Person, q.AsOf, known)
	if err != nil {
		return nil, err
	}
	r := &Reading{Dossier: contracts.Dossier{
		Person: q.Person, AsOf: q.AsOf, KnownAt: known, Position: at,
		Records: []contracts.DossierRecord{}, Consents: []contracts.DossierConsent{}, Requests: []contracts.DossierRequest{},
		Looks: []contracts.Look{}, History: []contracts.HistoryLine{}, NotDisclosable: []contracts.NotDisclosable{}, Caveats: []string{},
	}}
	if len(people) > 1 {
		for _, p := range people {
			r.Dossier.United = append(r.Dossier.United, p.person)
		}
	}
	for _, p := range people {
		if err := r.add(org, p); err != nil {
			return nil, err
		}
	}
	r.finish()
	return r, nil
}

// told is one pseudonym's events as far as they were known and had happened, and their fold.
type told struct {
	person events.Pseudonym
	events []events.Event
	facts  []events.Fact
	state  *person.State
}

// tell folds what had happened by a moment. It is the whole meaning of "as of": events of a later time are as if they were not there.
func tell(p events.Pseudonym, history []events.Event, asOf time.Time) (told, error) {
	t := told{person: p, state: &person.State{}}
	for i := range history {
		e := &history[i]
		if e.Time.After(asOf) {
			continue
		}
		f, err := events.Decode(e)
		if err != nil {
			return t, err
		}
		t.state.Apply(e, f)
		t.events, t.facts = append(t.events, *e), append(t.facts, f)
	}
	return t, nil
}

// united walks the links from one pseudonym.
func (d *Dossier) united(ctx context.Context, p events.Pseudonym, asOf time.Time, known events.Position) ([]told, error) {
	var all []told
	links := map[[2]events.Pseudonym]bool{}
	reached := map[events.Pseudonym]*told{}
	visit := func(p events.Pseudonym) (*told, error) {
		if t := reached[p]; t != nil {
			return t, nil
		}
		history, err := d.History(ctx, p, known)
		if err != nil {
			return nil, err
		}
		t, err := tell(p, history, asOf)
		if err != nil {
			return nil, err
		}
		reached[p] = &t
		for _, l := range t.state.Links {
			if l.Until == nil {
				links[[2]events.Pseudonym{p, l.Other}], links[[2]events.Pseudonym{l.Other, p}] = true, true
			}
		}
		return &t, nil
	}
	queue := []events.Pseudonym{p}
	queued := map[events.Pseudonym]bool{p: true}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		t, err := visit(p)
		if err != nil {
			return nil, err
		}
		all = append(all, *t)
		others, err := d.neighbours(ctx, p, known)
		if err != nil {
			return nil, err
		}
		for _, o := range others {
			if _, err := visit(o); err != nil { // a link stands in the other's stream, too
				return nil, err
			}
			if links[[2]events.Pseudonym{p, o}] && !queued[o] {
				queued[o] = true
				queue = append(queue, o)
			}
		}
	}
	return all, nil
}

func (r *Reading) add(org *organisation.State, t told) error {
	d := &r.Dossier
	limits := t.state.Limits(org)
	entrusted := map[events.Word]int{}
	boxes := t.boxes()
	for i := range t.state.Records {
		rec := &t.state.Records[i]
		if rec.Processor {
			entrusted[rec.Client]++
			continue
		}
		d.Records = append(d.Records, recordOf(t, rec, person.OfRecord(limits, rec.N)))
		for _, tag := range CaseTags(t.state.Held(rec)) {
			r.Cases = append(r.Cases, contracts.CaseRef{Owner: events.PersonStream(t.person), Tag: tag})
		}
		if b, ok := boxes[rec.Value]; ok && rec.Live() {
			b.Record, b.Owner, b.Bound.Category = len(d.Records)-1, events.PersonStream(t.person), string(rec.Category)
			r.Sealed = append(r.Sealed, b)
		}
	}
	for _, client := range slices.Sorted(maps.Keys(entrusted)) {
		d.NotDisclosable = append(d.NotDisclosable, contracts.NotDisclosable{Reason: "entrusted", Client: client, Count: entrusted[client]})
	}
	for _, c := range t.state.Consents {
		line := contracts.DossierConsent{Purpose: c.Purpose, State: "given", By: c.By, Notice: c.Notice, Since: c.Since.Time}
		if c.Withdrawn != nil {
			line.State, line.Since = "withdrawn", c.Withdrawn.Time
		}
		d.Consents = append(d.Consents, line)
	}
	for i, f := range t.facts {
		e := &t.events[i]
		d.History = append(d.History, contracts.HistoryLine{Position: e.Position, Time: e.Time, Recorded: e.Recorded, Type: events.Short(e.Type), Source: e.Source, Policy: e.Policy})
		if a, ok := f.(*events.Accessed); ok {
			d.Looks = append(d.Looks, contracts.Look{Time: e.Time, By: events.Pseudonym(strings.TrimPrefix(string(a.By), "person:")), Role: a.Role, Purpose: a.Purpose, Categories: a.Categories, Request: a.Request})
		}
	}
	if t.state.Gone != nil {
		d.Caveats = append(d.Caveats, "A person of this dossier was forgotten: their values and identifiers are destroyed; what is shown are traces that name nobody.")
	}
	return nil
}

// boxes finds the sealed value that each ordinal stands for.
func (t *told) boxes() map[events.Ordinal]Sealed {
	all := map[events.Ordinal]Sealed{}
	keep := func(e *events.Event, x events.Secret, attached bool) {
		all[x.Ordinal()] = Sealed{N: x.Ordinal(), Bound: contracts.Bound{Type: e.Type}, Box: x.Box(), Attached: attached}
	}
	for i, f := range t.facts {
		switch f := f.(type) {
		case *events.Collected:
			for j := range f.Records {
				keep(&t.events[i], f.Records[j].Value, f.Records[j].Attachment != nil)
			}
		case *events.Corrected:
			keep(&t.events[i], f.Value, false)
		default: // brings no record's value
		}
	}
	return all
}

func recordOf(t told, rec *person.Record, limits []person.Limit) contracts.DossierRecord {
	return contracts.DossierRecord{
		ID: ID(t.person, rec.N), Category: rec.Category, State: stateOf(rec), Operation: rec.Operation,
		Location: Places(rec.Locations), Collected: rec.Collected.Time, Source: rec.Source,
		Purposes: Purposes(rec), Recipients: Recipients(rec), Deadline: DeadlineOf(t.state, rec, limits),
	}
}

// ID names a record: the person and the ordinal of its first value.
func ID(p events.Pseudonym, n events.Ordinal) string { return string(p) + "." + n.String() }

func stateOf(r *person.Record) string {
	switch {
	case !r.Live():
		return "disposed"
	case r.Suspended:
		return "suspended"
	}
	return "live"
}

// Places are the locations where a record is.
func Places(all []person.Place) []events.Word {
	out := []events.Word{}
	for _, p := range all {
		if p.Until == nil {
			out = append(out, p.ID)
		}
	}
	slices.Sort(out)
	return out
}

// Purposes are all bindings that a record has had.
func Purposes(r *person.Record) []contracts.DossierPurpose {
	out := []contracts.DossierPurpose{}
	for _, b := range r.Bindings {
		p := contracts.DossierPurpose{ID: b.Purpose, Basis: b.Basis, State: "live", Since: b.Since.Time}
		end := b.Ended
		if end == nil {
			end = r.Gone
		}
		if end != nil {
			p.State, p.Until = "ended", &end.Time
		}
		out = append(out, p)
	}
	return out
}

// Recipients are all that have had a record; until they confirm its disposal, they still have it.
func Recipients(r *person.Record) []contracts.DossierRecipient {
	out := []contracts.DossierRecipient{}
	for _, p := range r.With {
		line := contracts.DossierRecipient{ID: p.ID, Since: p.Since.Time}
		if p.Until != nil {
			line.Until = &p.Until.Time
		}
		out = append(out, line)
	}
	return out
}

// DeadlineOf is until when a record may live; nil once it is gone, or when nothing binds it.
func DeadlineOf(s *person.State, r *person.Record, limits []person.Limit) *contracts.Deadline {
	l := person.Longest(limits)
	if l == nil {
		return nil
	}
	d := LimitOf(*l)
	d.Held = CaseTags(s.Held(r))
	return &d
}

// LimitOf is one binding's deadline as an answer.
func LimitOf(l person.Limit) contracts.Deadline {
	d := contracts.Deadline{Purpose: l.Binding.Purpose, Rule: l.Rule, Because: []contracts.Because{}, Waiting: l.Waiting, Gap: l.Gap, Held: []string{}}
	if !l.Due.IsZero() {
		d.Due = l.Due.String()
	}
	for _, m := range l.Because {
		d.Because = append(d.Because, contracts.Because{Event: string(m.Type), Word: string(m.Word), Position: m.Position, Time: m.Time})
	}
	return d
}

// CaseTags are case tags as strings.
func CaseTags(keys []events.Key) []string {
	out := []string{}
	for _, k := range keys {
		out = append(out, string(k))
	}
	return out
}

// finish orders what came from several pseudonyms, and adds what the dossier cannot show.
func (r *Reading) finish() {
	d := &r.Dossier
	slices.SortStableFunc(d.History, func(a, b contracts.HistoryLine) int { return int(int64(a.Position) - int64(b.Position)) })
	slices.SortStableFunc(d.Looks, func(a, b contracts.Look) int { return a.Time.Compare(b.Time) })
	gaps, vendors := 0, 0
	for _, rec := range d.Records {
		if rec.Deadline != nil && rec.Deadline.Gap {
			gaps++
		}
		if rec.State == "disposed" && slices.ContainsFunc(rec.Recipients, func(x contracts.DossierRecipient) bool { return x.Until == nil }) {
			vendors++
		}
	}
	if gaps > 0 {
		d.Caveats = append(d.Caveats, "Some deadlines are fallbacks: what should have ended the purpose was never reported.")
	}
	if vendors > 0 {
		d.Caveats = append(d.Caveats, "Some records are disposed of here, but a recipient has not yet confirmed that it disposed of its copy.")
	}
	if len(d.NotDisclosable) > 0 {
		d.Caveats = append(d.Caveats, "Data held on behalf of others is counted and not shown: it is not this company's to disclose (APPI 16(4)); a request about it is forwarded to the client named.")
	}
}

// Explain says of one record why it is there, and until when. Nil if there is no such record.
func (d *Dossier) Explain(ctx context.Context, p events.Pseudonym, n events.Ordinal, asOf time.Time) (*contracts.Explained, *Reading, error) {
	at, err := d.Position(ctx)
	if err != nil {
		return nil, nil, err
	}
	org, err := d.Organisation(ctx, at, asOf)
	if err != nil {
		return nil, nil, err
	}
	history, err := d.History(ctx, p, at)
	if err != nil {
		return nil, nil, err
	}
	t, err := tell(p, history, asOf)
	if err != nil {
		return nil, nil, err
	}
	rec := t.state.Record(n)
	if rec == nil {
		return nil, nil, nil
	}
	limits := person.OfRecord(t.state.Limits(org), n)
	out := &contracts.Explained{
		Record: ID(p, n), Person: p, Category: rec.Category, State: stateOf(rec), Purposes: Purposes(rec), Deadline: DeadlineOf(t.state, rec, limits),
		Bindings: []contracts.BindingDeadline{}, Recipients: Recipients(rec), Locations: Places(rec.Locations), Because: []contracts.Because{}, Position: at,
	}
	for _, l := range limits {
		out.Bindings = append(out.Bindings, contracts.BindingDeadline{Purpose: l.Binding.Purpose, Deadline: LimitOf(l)})
	}
	for i, f := range t.facts {
		if concerns(f, n) {
			e := &t.events[i]
			out.Because = append(out.Because, contracts.Because{Event: events.Short(e.Type), Position: e.Position, Time: e.Time})
		}
	}
	r := &Reading{}
	for _, tag := range CaseTags(t.state.Held(rec)) {
		r.Cases = append(r.Cases, contracts.CaseRef{Owner: events.PersonStream(p), Tag: tag})
	}
	return out, r, nil
}
