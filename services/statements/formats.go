package statements

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events/policy"
)

// Columns are the head of the record as CSV: the fields of GDPR 30(1) and (2), and before them which of the two a row is.
var Columns = []string{
	"article", "name_and_contact", "on_behalf_of", "joint_controllers", "representative", "data_protection_officer", "purposes", "processing",
	"data_subjects", "personal_data", "recipients", "transfers", "erasure", "security",
}

// Rows are the record as a table, one row an activity. What the activity's article has no field for is empty.
func Rows(r contracts.ProcessingRegister) [][]string {
	var all [][]string
	texts := func(terms []contracts.ActivityTerm) string {
		return joined(terms, func(t contracts.ActivityTerm) string { return t.Text })
	}
	abroad := func(terms []contracts.ActivityAbroad) string {
		return joined(terms, func(t contracts.ActivityAbroad) string {
			return strings.TrimSpace(fmt.Sprintf("%s (%s, %s) %s", t.Country, t.Recipient, t.Safeguard, t.Documentation))
		})
	}
	for _, a := range r.Controller {
		all = append(all, []string{
			"30(1)", contact(&a.Parties.Controller), "", joined(a.Parties.JointControllers, func(p contracts.Party) string { return contact(&p) }),
			contact(a.Parties.Representative), contact(a.Parties.Officer), string(a.Purpose.ID) + ": " + a.Purpose.Text, "", texts(a.DataSubjects), texts(a.PersonalData),
			joined(a.Recipients, func(t contracts.ActivityTo) string { return t.Text }), abroad(a.Transfers), strings.Join(a.Erasure, "; "), texts(a.Security),
		})
	}
	for _, a := range r.Processor {
		all = append(all, []string{
			"30(2)", contact(&a.Parties.Processor), contact(&a.Parties.Controller), "", contact(a.Parties.Representative), contact(a.Parties.Officer), "",
			texts(a.Categories), "", "", "", abroad(a.Transfers), "", texts(a.Security),
		})
	}
	return all
}

func joined[T any](all []T, text func(T) string) string {
	parts := make([]string, len(all))
	for i, x := range all {
		parts[i] = text(x)
	}
	return strings.Join(parts, "; ")
}

func contact(p *contracts.Party) string {
	if p == nil {
		return ""
	}
	var parts []string
	for _, s := range []string{p.Name, p.Address, p.Contact, p.Mail, p.Phone} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ", ")
}

// CSV writes the record as a table.
func CSV(r contracts.ProcessingRegister) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(append([][]string{Columns}, Rows(r)...)); err != nil {
		return nil, fmt.Errorf("writing the record of processing activities: %w", err)
	}
	return b.Bytes(), nil
}

type node = map[string]any

func ref(id string) node { return node{"@id": id} }

func refs(ids []string) []node {
	out := make([]node, len(ids))
	for i, id := range ids {
		out[i] = ref(id)
	}
	return out
}

// JSONLD writes the record in the Data Privacy Vocabulary, as linked data.
func JSONLD(c *policy.Catalogue, r contracts.ProcessingRegister) ([]byte, error) {
	g := graph{c: c, r: r}
	context := node{
		"dct": "http://purl.org/dc/terms/", "skos": "http://www.w3.org/2004/02/skos/core#", "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
		"@base": c.Namespaces["ts"] + "register/" + c.Version + "/",
	}
	for prefix, iri := range c.Namespaces {
		context[prefix] = iri
	}
	b, err := json.Marshal(node{"@context": context, "@graph": g.nodes()}, json.Deterministic(true), jsontext.Multiline(true))
	if err != nil {
		return nil, fmt.Errorf("writing the record of processing activities: %w", err)
	}
	return append(b, '\n'), nil
}

type graph struct {
	c   *policy.Catalogue
	r   contracts.ProcessingRegister
	all []node
	own map[string]bool // terms of ours that are used
}

func (g *graph) said(s string) node { return node{"@value": s, "@language": string(g.r.Language)} }

func (g *graph) add(n node) { g.all = append(g.all, n) }

// use notes a term, so that one of ours is declared.
func (g *graph) use(ids ...string) []node {
	for _, id := range ids {
		if strings.HasPrefix(id, "ts:") {
			g.own[id] = true
		}
	}
	return refs(ids)
}

func (g *graph) party(id, typ string, p *contracts.Party) []node {
	n := node{"@id": id, "@type": []string{typ}, "dpv:hasName": p.Name}
	if p.Address != "" {
		n["dpv:hasAddress"] = p.Address
	}
	for _, s := range []string{p.Contact, p.Mail, p.Phone} {
		if s != "" {
			had, _ := n["dpv:hasContact"].([]string)
			n["dpv:hasContact"] = append(had, s)
		}
	}
	g.add(n)
	return []node{ref(id)}
}

func (g *graph) nodes() []node {
	g.own = map[string]bool{}
	var parts []string
	company := g.company()
	security := g.security()
	for _, a := range g.r.Controller {
		id := string(a.Purpose.ID)
		parts = append(parts, id)
		n := node{
			"@id": id, "@type": []string{"dpv:Process"}, "dct:title": id, "dct:description": g.said(a.Purpose.Text), "dpv:hasDataController": []node{ref(company)},
			"dpv:hasPurpose": g.use(a.Purpose.Terms...), "dpv:hasDataSubject": g.use(ids(a.DataSubjects)...), "dpv:hasPersonalData": g.use(ids(a.PersonalData)...),
			"dpv:hasTechnicalOrganisationalMeasure": security,
		}
		var limits []node
		for _, e := range a.Erasure {
			limits = append(limits, node{"@type": []string{"dpv:StorageDuration"}, "dct:description": g.said(e)})
		}
		n["dpv:hasStorageCondition"] = limits
		for i, p := range a.Parties.JointControllers {
			had, _ := n["dpv:hasDataController"].([]node)
			n["dpv:hasDataController"] = append(had, g.party(fmt.Sprintf("%s/joint/%d", id, i+1), "dpv:JointDataControllers", &p)...)
		}
		g.recipients(n, a)
		g.add(n)
	}
	for i, a := range g.r.Processor {
		id := fmt.Sprintf("%s/%d", a.Categories[0].ID, i+1)
		parts = append(parts, id)
		g.add(node{
			"@id": id, "@type": []string{"dpv:Process"}, "dct:description": g.said(a.Categories[0].Text), "dpv:hasDataProcessor": []node{ref(company)},
			"dpv:hasDataController": g.party(id+"/controller", "dpv:DataController", &a.Parties.Controller), "dpv:hasProcessing": g.use(ids(a.Categories[1:])...),
			"dpv:hasThirdCountry": third(a.Transfers), "dpv:hasTechnicalOrganisationalMeasure": security,
		})
	}
	g.add(node{"@id": "", "@type": []string{"dpv:RecordsOfActivities"}, "dct:identifier": string(g.r.Policy), "dct:hasPart": refs(parts), "dpv:hasApplicableLaw": []node{ref("legal-jp:law-APPI")}})
	g.declare()
	return g.all
}

func (g *graph) company() string {
	c := &g.r.Controller
	if len(*c) == 0 {
		return "company"
	}
	p := (*c)[0].Parties
	g.party("company", "dpv:DataController", &p.Controller)
	n := g.all[len(g.all)-1]
	if p.Representative != nil {
		n["dpv:hasRepresentative"] = g.party("representative", "dpv:Representative", p.Representative)
	}
	if p.Officer != nil {
		had, _ := n["dpv:hasRepresentative"].([]node)
		n["dpv:hasRepresentative"] = append(had, g.party("officer", "dpv:DataProtectionOfficer", p.Officer)...)
	}
	return "company"
}

// security are the measures: each a thing of its own, of the vocabulary's kind where it has one.
func (g *graph) security() []node {
	var all []node
	for i := range g.c.Measures {
		m := &g.c.Measures[i]
		id := "measure/" + string(m.ID)
		n := node{"@id": id, "@type": []string{"dpv:TechnicalOrganisationalMeasure"}, "dct:description": g.said(voice(g.r.Language).of(m.Text).Text)}
		if m.Term != "" {
			n["@type"] = []string{m.Term}
		}
		g.add(n)
		all = append(all, ref(id))
	}
	return all
}

func (g *graph) recipients(n node, a contracts.ControllerActivity) {
	var processors, others []node
	for _, t := range a.Recipients {
		id := "recipient/" + string(t.Recipient)
		if !slices.ContainsFunc(g.all, func(n node) bool { return n["@id"] == id }) {
			g.add(node{"@id": id, "@type": []string{"dpv:Recipient"}, "dct:description": g.said(t.Text)})
		}
		if t.Kind == "entrusted" {
			processors = append(processors, ref(id))
		} else {
			others = append(others, ref(id))
		}
	}
	if len(processors) > 0 {
		n["dpv:hasDataProcessor"] = processors
	}
	if len(others) > 0 {
		n["dpv:hasRecipient"] = others
	}
	if countries := third(a.Transfers); len(countries) > 0 {
		n["dpv:hasThirdCountry"] = countries
	}
}

func third(all []contracts.ActivityAbroad) []node {
	var names []string
	for _, t := range all {
		if id := "loc:" + string(t.Country); !slices.Contains(names, id) {
			names = append(names, id)
		}
	}
	return refs(names)
}

func ids(all []contracts.ActivityTerm) []string {
	out := []string{}
	for _, t := range all {
		if t.ID == "*" {
			t.ID = "dpv:PersonalData"
		}
		out = append(out, t.ID)
	}
	return out
}

// declare says what our own terms are, and which of the vocabulary's they are narrower than.
func (g *graph) declare() {
	names := make([]string, 0, len(g.own))
	for id := range g.own {
		names = append(names, id)
	}
	slices.Sort(names)
	for _, id := range names {
		n := node{"@id": id, "@type": []string{"skos:Concept"}}
		for i := range g.c.Categories {
			if k := &g.c.Categories[i]; string(k.ID) == id {
				n["skos:prefLabel"] = g.said(voice(g.r.Language).of(k.Label).Text)
				n["skos:broader"] = ref("dpv:PersonalData")
				if k.Parent != "" {
					n["skos:broader"] = ref(string(k.Parent))
				}
			}
		}
		if n["skos:broader"] == nil {
			n["skos:broader"] = ref("dpv:Purpose")
		}
		g.add(n)
	}
}
