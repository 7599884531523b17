// Package register answers the questions: it is contracts.Register over the models, the vault and the gateway.
//
// Who asks is in the context (WithCaller). A clear value is opened here and nowhere else, and never before the look at it stands
// in the log.
package register

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/projections/breach"
	"github.com/daicho-dev/daicho/projections/dossier"
	projection "github.com/daicho-dev/daicho/projections/evidence"
	"github.com/daicho-dev/daicho/projections/recipients"
	"github.com/daicho-dev/daicho/projections/retention"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/models"
	"github.com/daicho-dev/daicho/services/tokens"
)

// Register answers.
type Register struct {
	Log       contracts.Log
	Vault     contracts.Vault
	Gateway   *intake.Gateway
	Dossiers  *models.Model[*dossier.Dossier]
	Retention *models.Model[*retention.Retention]
	Breach    *models.Model[*breach.Breach]
	Evidence  *models.Model[*projection.Evidence]
	Handed    *models.Model[*recipients.Recipients] // what recipients were handed and asked back; may be nil
	All       []models.Runner                       // every model, these among them
	Store     *tokens.Store
	Now       func() time.Time
	Checks    []func(context.Context) (contracts.Check, error) // of rooms, for Verify
	Divided   bool                                             // others have models of the same names: what stands by here is checked there
	OfModels  bool                                             // of a process without the office, which alone answers for more than its models
	Datasets  interface {                                      // of anonymously processed information: what is not kept there now
		Gaps(context.Context) (map[string]string, error)
	}
}

var _ contracts.Register = (*Register)(nil)

type callerKey struct{}

// WithCaller puts into a context who asks.
func WithCaller(ctx context.Context, c intake.Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf is who asks; nobody in particular has no role.
func CallerOf(ctx context.Context) intake.Caller {
	c, _ := ctx.Value(callerKey{}).(intake.Caller)
	return c
}

// Problems that answers can have. The set is closed.
func problem(status int, code, title, detail string) *contracts.Problem {
	return &contracts.Problem{Type: "about:blank", Title: title, Status: status, Code: code, Detail: detail}
}

func notFound(detail string) error { return problem(404, "not_found", "Not found", detail) }
func badQuestion(field, detail string) error {
	p := problem(400, "question", "The question cannot be understood", detail)
	p.Field = field
	return p
}

// allow asks for one of some roles; an admin may ask anything.
func allow(ctx context.Context, roles ...events.Word) error {
	role := CallerOf(ctx).Role
	if role == "admin" || role == "engine" || slices.Contains(roles, role) {
		return nil
	}
	return problem(403, "role", "Not permitted", "this needs the role "+join(roles)+" or admin")
}

func join(roles []events.Word) string {
	var b strings.Builder
	for i, r := range roles {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(r))
	}
	return b.String()
}

var readers = []events.Word{"compliance", "responder", "auditor"}

// What rooms with answers of their own share with the register: who may ask, and how a "no" is said.

// Problem is an answer that says no, in the closed set of codes.
func Problem(status int, code, title, detail string) *contracts.Problem {
	return problem(status, code, title, detail)
}

// Refused answers by which rule something is refused, and where.
func Refused(title, rule, field, text string) error {
	p := problem(422, "refused", title, text)
	p.Rule, p.Field = rule, field
	return p
}

// Readers are the roles that may ask anything that shows no value.
var Readers = readers

// Allow asks for one of some roles; an admin may ask anything.
func Allow(ctx context.Context, roles ...events.Word) error { return allow(ctx, roles...) }

// NotFound answers that there is no such thing.
func NotFound(detail string) error { return notFound(detail) }

// BadQuestion answers that a field of the question cannot be understood.
func BadQuestion(field, detail string) error { return badQuestion(field, detail) }

// Find leads from an outside identifier to the pseudonym.
func (r *Register) Find(ctx context.Context, id events.Identifier) (contracts.PersonFound, error) {
	if err := allow(ctx, "compliance", "responder"); err != nil {
		return contracts.PersonFound{}, err
	}
	if _, ok := events.ParseIdentifier(string(id)); !ok {
		return contracts.PersonFound{}, badQuestion("/identifier", "an identifier is <scheme>:<key>")
	}
	p, err := r.person(ctx, string(id))
	return contracts.PersonFound{Person: p}, err
}

// Person is a pseudonym as it is, or the one that an identifier leads to.
func (r *Register) Person(ctx context.Context, s string) (events.Pseudonym, error) {
	return r.person(ctx, s)
}

// person is a pseudonym as it is, or the one that an identifier leads to.
func (r *Register) person(ctx context.Context, s string) (events.Pseudonym, error) {
	if p, ok := strings.CutPrefix(s, "person:"); ok {
		s = p
	}
	if !strings.ContainsRune(s, ':') {
		if s == "" {
			return "", badQuestion("/person", "names nobody")
		}
		return events.Pseudonym(s), nil
	}
	found, err := r.Vault.Find(ctx, []events.Identifier{events.Identifier(s)})
	if err != nil {
		return "", err
	}
	if found[0].Person == "" {
		return "", notFound("nobody is known under this identifier")
	}
	return found[0].Person, nil
}

// Use asks the purpose gate, and records the answer.
func (r *Register) Use(ctx context.Context, u contracts.UseQuestion) (contracts.Receipt, error) {
	if err := allow(ctx, "emitter", "compliance", "responder"); err != nil { // the answer is recorded, and who reads only records nothing
		return contracts.Receipt{}, err
	}
	c := CallerOf(ctx)
	if u.Dataset != "" {
		return contracts.Receipt{}, RefuseJoin(ctx, r.Gateway, u.Dataset, u.Purpose, u.Categories)
	}
	source := u.Source
	if source == "" && c.Role == "emitter" {
		if source = r.own(c.Sources); source == "" {
			return contracts.Receipt{}, badQuestion("source", "name the system that asks: this token writes under no source of the policy by itself (`daicho token create --role emitter --source …` makes one that does)")
		}
	}
	s := intake.Own(events.TypeUsed, events.Stream{}, &events.Used{Purpose: u.Purpose, Categories: u.Categories, By: u.By, Reason: u.Reason})
	s.Subject, s.Source = u.Person, source
	if fault := events.Check(s.Fact); fault != nil {
		return contracts.Receipt{}, badQuestion(strings.TrimPrefix(fault.Field, "/data"), fault.Text)
	}
	if source == "" {
		s.Source = "/daicho/uses"
		c = intake.Caller{Role: intake.Engine.Role, Walls: c.Walls}
	}
	out, err := r.Gateway.Submit(ctx, c, []intake.Submission{s})
	if err != nil {
		return contracts.Receipt{}, err
	}
	return out[0], nil
}

// own is the first of a token's prefixes that is a source itself.
func (r *Register) own(prefixes []string) string {
	c := r.Gateway.Organisation().Policy
	for _, s := range prefixes {
		if s = strings.TrimSuffix(s, "/"); c != nil && c.HasSource(s) {
			return s
		}
	}
	return ""
}

// patience is how long a question waits for a projection to reach the log's head as it stood when it was asked.
const patience = 3 * time.Second

// level waits, for a while, until a model has seen what was recorded before the question. What it has not reached by then, the answer's
// position shows.
func (r *Register) level(ctx context.Context, m interface {
	Level(context.Context, events.Position) error
}) {
	head, err := r.Log.Head(ctx)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_ = m.Level(ctx, head)
}

// known resolves "known at": a position, or a moment; empty is now (0).
func known(ctx context.Context, s string, at func(context.Context, time.Time) (events.Position, error)) (events.Position, error) {
	if s == "" {
		return 0, nil
	}
	if p, err := events.ParsePosition(s); err == nil {
		return p, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return 0, badQuestion("knownAt", "is a position that an answer named, or a moment (RFC 3339)")
	}
	p, err := at(ctx, t)
	if err == nil && p == 0 {
		return 0, badQuestion("knownAt", "nothing had been recorded at that moment")
	}
	return p, err
}

// Dossier shows what is held about a person. Values are shown to a purpose, after the look has been recorded.
func (r *Register) Dossier(ctx context.Context, q contracts.DossierQuestion) (contracts.Dossier, error) {
	var none contracts.Dossier
	if err := allow(ctx, readers...); err != nil {
		return none, err
	}
	if !q.Sealed {
		if err := r.mayOpen(ctx, q); err != nil {
			return none, err
		}
	}
	p, err := r.person(ctx, q.Person)
	if err != nil {
		return none, err
	}
	if q.AsOf.IsZero() {
		q.AsOf = r.Now().UTC()
	}
	reading, err := r.read(ctx, p, q)
	if err != nil {
		return none, err
	}
	if len(reading.Dossier.History) == 0 {
		return none, notFound("nothing is known about this person, or was not at that moment")
	}
	if q.Sealed {
		return reading.Dossier, r.nameCases(ctx, reading)
	}
	if err := r.look(ctx, q, reading); err != nil {
		return none, err
	}
	if err := r.nameCases(ctx, reading); err != nil {
		return none, err
	}
	return reading.Dossier, r.openValues(ctx, q, reading)
}

func (r *Register) read(ctx context.Context, p events.Pseudonym, q contracts.DossierQuestion) (*dossier.Reading, error) {
	var reading *dossier.Reading
	r.level(ctx, r.Dossiers)
	err := r.Dossiers.Ask(func(d *dossier.Dossier) error {
		at, err := known(ctx, q.KnownAt, d.At)
		if err != nil {
			return err
		}
		reading, err = d.About(ctx, dossier.Question{Person: p, AsOf: q.AsOf, KnownAt: at})
		return err
	})
	return reading, err
}

// mayOpen asks whether the caller may see values at all, for the purpose given.
func (r *Register) mayOpen(ctx context.Context, q contracts.DossierQuestion) error {
	if err := allow(ctx, "compliance"); err != nil {
		return err
	}
	if q.Purpose == "" && q.Request == "" {
		return badQuestion("purpose", "values are shown for a purpose or a request; ask for the sealed dossier otherwise (--sealed)")
	}
	if c := r.Gateway.Organisation().Policy; q.Purpose != "" && (c == nil || c.Purpose(q.Purpose) == nil) {
		return badQuestion("purpose", "is not a purpose of the policy in force")
	}
	return nil
}

// Rights is the purpose of answering the person themselves: it sees everything that is theirs.
const Rights = "DSR-01"

// shows says whether the caller may see a record: no wall is between, and the purpose is one that the record is bound to, or answering
// the person.
func (r *Register) shows(ctx context.Context, q contracts.DossierQuestion, rec *contracts.DossierRecord) bool {
	if len(r.between(ctx, rec)) > 0 {
		return false
	}
	if q.Request != "" || q.Purpose == Rights {
		return true
	}
	return slices.ContainsFunc(rec.Purposes, func(p contracts.DossierPurpose) bool { return p.ID == q.Purpose && p.State == "live" })
}

// look records who is about to see what, once for each pseudonym.
func (r *Register) look(ctx context.Context, q contracts.DossierQuestion, reading *dossier.Reading) error {
	caller := CallerOf(ctx)
	seen := map[events.Stream][]events.Word{}
	var order []events.Stream
	for _, s := range reading.Sealed {
		rec := &reading.Dossier.Records[s.Record]
		if !r.shows(ctx, q, rec) {
			continue
		}
		if _, ok := seen[s.Owner]; !ok {
			order = append(order, s.Owner)
		}
		if !slices.Contains(seen[s.Owner], rec.Category) {
			seen[s.Owner] = append(seen[s.Owner], rec.Category)
		}
	}
	if len(order) == 0 {
		return nil
	}
	purpose := q.Purpose
	if purpose == "" {
		purpose = Rights
	}
	role := caller.Role
	if role == "engine" {
		role = "admin"
	}
	var looks []intake.Submission
	for _, st := range order {
		looks = append(looks, intake.Own(events.TypeAccessed, st, &events.Accessed{
			By: events.Identity(caller.Holder), Role: role, Categories: seen[st], Purpose: purpose, Request: q.Request,
		}))
	}
	receipts, err := r.Gateway.Submit(ctx, intake.Engine, looks)
	if err != nil {
		return err
	}
	for _, receipt := range receipts {
		if receipt.Status != contracts.StatusRecorded {
			return problem(409, "look", "The look could not be recorded", "so nothing is shown: "+receipt.Text)
		}
	}
	return nil
}

func (r *Register) openValues(ctx context.Context, q contracts.DossierQuestion, reading *dossier.Reading) error {
	d := &reading.Dossier
	var owners []events.Stream
	for _, s := range reading.Sealed {
		if !slices.Contains(owners, s.Owner) {
			owners = append(owners, s.Owner)
		}
	}
	opened, err := r.Vault.Keys(ctx, owners)
	if err != nil {
		return err
	}
	destroyed, withheld, walled := 0, 0, map[events.Word]int{}
	for _, s := range reading.Sealed {
		rec := &d.Records[s.Record]
		if walls := r.between(ctx, rec); len(walls) > 0 {
			walled[walls[0]]++
			continue
		}
		if !r.shows(ctx, q, rec) {
			withheld++
			continue
		}
		keys := opened[slices.Index(owners, s.Owner)]
		if keys == nil {
			destroyed++
			continue
		}
		value, err := keys.Open(s.N, s.Bound, s.Box)
		switch {
		case errors.Is(err, contracts.ErrDestroyed):
			destroyed++
		case err != nil:
			return err
		case s.Attached:
			if rec.Value, err = attachmentOf(value); err != nil {
				return err
			}
		default:
			rec.Value = rawValue(value)
		}
	}
	if destroyed > 0 {
		d.Caveats = append(d.Caveats, "Some values that were held at that moment have been destroyed since; they are null.")
	}
	for _, w := range slices.Sorted(maps.Keys(walled)) {
		d.Caveats = append(d.Caveats, fmt.Sprintf("%d values are kept apart as %s and not shown: this needs a token that is cleared for it.", walled[w], w))
	}
	if withheld > 0 {
		d.Caveats = append(d.Caveats, "Values of records that are not bound to the purpose asked for are not shown.")
	}
	return nil
}
