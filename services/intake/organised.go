package intake

import (
	"cmp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/person"
)

// permitted asks whether the caller may submit this at all: an emitter only under its own sources, and what steers only with
// a role for it.
func (it *item) permitted() *events.Refusal {
	c := it.caller
	if c.Role == "engine" {
		return nil
	}
	if !c.Writes(it.Source) {
		return &events.Refusal{Rule: "not_your_source", Field: "/source", Text: "is not a source that this token may write under"}
	}
	switch {
	case it.Kind.Engine:
		return &events.Refusal{Rule: "not_permitted", Field: "/type", Text: "is written by the engine itself"}
	case strings.HasPrefix(it.Source, "/daicho/"):
		return &events.Refusal{Rule: "not_your_source", Field: "/source", Text: "is the engine's own"}
	case c.Role == "auditor":
		return &events.Refusal{Rule: "not_permitted", Field: "", Text: "an auditor reads and does not write"}
	case strings.HasPrefix(string(it.Subject), "person:") && c.Role == "emitter":
		return &events.Refusal{Rule: "not_permitted", Field: "/subject", Text: "an emitter names people by their own identifiers"}
	case it.Kind.Steers && !it.steers():
		return &events.Refusal{Rule: "not_permitted", Field: "/type", Text: "needs a role, or a token that names this type"}
	case it.Kind.Steers && c.Role == "responder" && it.Kind.Stream != "incident" && it.Kind.Type != events.TypeHoldPlaced:
		return &events.Refusal{Rule: "not_permitted", Field: "/type", Text: "a responder may open and steer incidents, and place holds"}
	case it.Kind.Type == events.TypePolicyPublished && c.Role != "admin":
		return &events.Refusal{Rule: "not_permitted", Field: "/type", Text: "only an admin publishes a policy"}
	}
	return nil
}

// steers says that the caller may steer by this type: with a role, or a token that names it.
func (it *item) steers() bool {
	return it.caller.Role != "emitter" || slices.Contains(it.caller.Types, it.Kind.Short())
}

// under says that a source is a prefix or lies below it; `/rental/web` does not cover `/rental/web2`.
func under(source, prefix string) bool {
	prefix = strings.TrimSuffix(prefix, "/")
	return source == prefix || strings.HasPrefix(source, prefix+"/")
}

// organised decides an event about the organisation or one of its desks.
func (gr *group) organised(it *item, st events.Stream) error {
	if !plainID(st.ID) {
		gr.refuse(it, schema("/data", "has an id that is not of a-z, 0-9 and -"))
		return nil
	}
	state := gr.state(st)
	tag := gr.g.vault.Peppered("id", it.Source+"\x00"+it.ID)
	if p, ok := state.Seen.Find(tag); ok {
		it.receipt = contracts.Receipt{Status: contracts.StatusDuplicate, Position: p}
		return nil
	}
	if f, ok := it.Fact.(*events.Disposal); ok && f.By != "" { // who approves is compared with who planned: as people
		f.By = gr.identity(f.By)
	}
	it.sign()
	if r := organisation.Decide(gr.org, organisation.Submission{Kind: it.Kind, Source: it.Source, Time: it.Time, Fact: it.Fact, Known: gr.heardOf}, gr.g.now()); r != nil {
		gr.refuse(it, r)
		return nil
	}
	if r := gr.confirmable(it); r != nil {
		gr.refuse(it, r)
		return nil
	}
	events.Walk(it.Fact, events.Carrying{
		Identity: func(_ string, p *events.Identity) { *p = gr.identity(*p) },
		Key:      func(field string, k *events.Key) { *k = events.Key(gr.g.vault.Peppered(field, string(*k))) },
	})
	n, secrets := state.Next, 0
	events.Walk(it.Fact, events.Carrying{Secret: func(_ string, x *events.Secret) {
		n++
		secrets++
		x.At(n)
	}})
	if secrets > 0 {
		keys := gr.keys[st]
		if keys == nil {
			newcomer, err := gr.g.vault.Newcomer(st)
			if err != nil {
				return err
			}
			keys = newcomer.Keys()
			gr.keys[st], gr.admit[st] = keys, newcomer
		}
		if err := seal(it.Kind.Type, it.Fact, &person.State{}, keys); err != nil {
			return err
		}
	}
	return gr.add(it, st, tag, it.Fact)
}

// sign names whose token it is as who plans, holds, opens or completes, where the submission names nobody.
func (it *item) sign() {
	by := events.Identity(it.caller.Holder)
	switch f := it.Fact.(type) {
	case *events.Review:
		f.By = cmp.Or(f.By, by)
	case *events.Improvement:
		f.By = cmp.Or(f.By, by)
	default: // says itself whose it is, or need not
	}
}

// heardOf says whether anything is recorded in a stream of a desk that this group has loaded.
func (gr *group) heardOf(st events.Stream) bool { return gr.state(st).Position > 0 }

func plainID(s string) bool {
	for i := range len(s) {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return s != ""
}

func rawJSON(b []byte) jsontext.Value {
	if v := jsontext.Value(b); v.IsValid() {
		return v
	}
	return jsontext.Value("null")
}
