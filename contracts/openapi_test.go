package contracts_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	v2 "github.com/go-json-experiment/json"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

type openAPI struct {
	OpenAPI    string
	Paths      map[string]map[string]operation
	Components struct {
		Schemas   map[string]any
		Responses map[string]any
	}
}

type operation struct {
	OperationID string
	Summary     string
	Parameters  []struct {
		Ref      string `json:"$ref"`
		Name, In string
		Required bool
	}
	Responses map[string]any
}

func TestOpenAPI(t *testing.T) {
	var doc openAPI
	var whole any
	if err := json.Unmarshal(contracts.OpenAPI, &doc); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(contracts.OpenAPI, &whole); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") || len(doc.Paths) == 0 {
		t.Errorf("it is of version %q, with %d paths", doc.OpenAPI, len(doc.Paths))
	}
	ids := map[string]bool{}
	for path, operations := range doc.Paths {
		if !strings.HasPrefix(path, "/v1/") && strings.Count(path, "/") != 1 {
			t.Errorf("%s has no version", path)
		}
		for method, op := range operations {
			where := method + " " + path
			if op.OperationID == "" || ids[op.OperationID] || op.Summary == "" {
				t.Errorf("%s has no name of its own, or says nothing", where)
			}
			ids[op.OperationID] = true
			good := false
			for status := range op.Responses {
				good = good || status[0] == '2'
			}
			if !good {
				t.Errorf("%s has no good answer", where)
			}
			if strings.HasPrefix(path, "/v1/") {
				for _, status := range []string{"401", "500", "503"} {
					if op.Responses[status] == nil {
						t.Errorf("%s has no answer %s", where, status)
					}
				}
			}
			declared := map[string]bool{}
			for _, p := range op.Parameters {
				if strings.HasSuffix(p.Ref, "/Person") {
					p.Name, p.In, p.Required = "id", "path", true
				}
				if p.In == "path" {
					declared[p.Name] = p.Required
				}
			}
			for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				if !declared[m[1]] {
					t.Errorf("%s does not declare {%s}", where, m[1])
				}
				delete(declared, m[1])
			}
			if len(declared) > 0 {
				t.Errorf("%s declares what is not in its path: %v", where, declared)
			}
		}
	}
	refs := map[string]bool{}
	references(whole, refs)
	for ref := range refs {
		if !resolves(whole, ref) {
			t.Errorf("%s leads nowhere", ref)
		}
	}
	for kind, names := range map[string]map[string]any{"schemas": doc.Components.Schemas, "responses": doc.Components.Responses} {
		for name := range names {
			// Affected and the like stand in one answer each; what stands in none is left over.
			if !refs["#/components/"+kind+"/"+name] {
				t.Errorf("nothing refers to components/%s/%s", kind, name)
			}
		}
	}
}

// references collects every $ref below v.
func references(v any, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			if ref, ok := x.(string); ok && name == "$ref" {
				into[ref] = true
			}
			references(x, into)
		}
	case []any:
		for _, x := range v {
			references(x, into)
		}
	}
}

func resolves(root any, ref string) bool {
	rest, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return false
	}
	at := root
	for _, step := range strings.Split(rest, "/") {
		o, ok := at.(map[string]any)
		if at = o[strings.NewReplacer("~1", "/", "~0", "~").Replace(step)]; !ok || at == nil {
			return false
		}
	}
	return true
}

// What the Go types write fits what the document says of them.
func TestAnswersFitTheirSchemas(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(contracts.OpenAPI))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	var names openAPI
	if err := json.Unmarshal(contracts.OpenAPI, &names); err != nil {
		t.Fatal(err)
	}
	compiled := map[string]*jsonschema.Schema{}
	for name := range names.Components.Schemas {
		if compiled[name], err = c.Compile("openapi.json#/components/schemas/" + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	const person = events.Pseudonym("h2k7xq3mzv5nwa4tj6bpc2yd7e")
	now, yes, people, key := time.Unix(1762131160, 0).UTC(), true, 3, "K-1/name"
	because := []contracts.Because{{Event: "milestone_reached", Word: "device.returned", Position: 7, Time: now}}
	deadline := contracts.Deadline{Due: "2026-04-01", Rule: "SVC-08/case", Because: because, Waiting: []events.Word{"case.closed"}, Gap: true}
	record := contracts.DossierRecord{
		ID: "a.1", Key: &key, Category: "pd:Name", Value: map[string]any{"any": 1}, State: "live", Operation: "rental", Collected: now,
		Purposes: []contracts.DossierPurpose{{ID: "SVC-01", Basis: "contract", State: "ended", Since: now, Until: &now}},
		Deadline: &deadline,
	}
	for name, all := range map[string][]any{
		"Receipt": {contracts.Receipt{Status: contracts.StatusRecorded, Position: 7, Person: person, Allowed: &yes},
			contracts.Receipt{Status: contracts.StatusRefused, Rule: "minor", Field: "/data/guardian"}},
		"Receipts":    {contracts.Receipts{}},
		"Problem":     {contracts.Problem{Type: "about:blank", Title: "t", Status: 422, Code: "refused"}},
		"PersonFound": {contracts.PersonFound{Person: person}},
		"UseQuestion": {contracts.UseQuestion{Person: "rental:C-1", Purpose: "SVC-01", By: "staff:s-1", Source: "/rental/web"}},
		"DossierQuestion": {contracts.DossierQuestion{Lang: "ja"},
			contracts.DossierQuestion{AsOf: now, KnownAt: "7", Purpose: "SVC-01", Lang: "en", Request: "r-1"}},
		"Dossier": {contracts.Dossier{Person: person, AsOf: now},
			contracts.Dossier{Person: person, AsOf: now, Records: []contracts.DossierRecord{record, {State: "disposed", Collected: now}},
				Consents: []contracts.DossierConsent{{State: "given"}}, Looks: []contracts.Look{{By: person}}}},
		"Explained": {contracts.Explained{Record: "a.1", Person: person, State: "live", Deadline: &deadline, Because: because,
			Bindings: []contracts.BindingDeadline{{Purpose: "SVC-01", Deadline: deadline}}}},
		"Due":            {contracts.Due{By: "2026-04-01", Next: &key, Items: []contracts.DueItem{{Person: person, Because: because}}}, contracts.Due{}},
		"Calendar":       {contracts.Calendar{Months: []contracts.CalendarMonth{{Month: "2026-04", Purposes: map[events.Word]int{"SVC-01": 3}}}}},
		"Impact":         {contracts.Impact{People: contracts.ImpactPeople{ByCountry: map[string]int{"JP": 1}}, Duties: []contracts.Duty{{}}}},
		"Affected":       {contracts.Affected{Person: person, First: now, Last: now}},
		"Model":          {contracts.Model{State: "live", People: &people, Events: map[string]int{"collected": 1}}, contracts.Model{State: "stuck", Error: "e"}},
		"Recorded":       {contracts.Recorded{Position: 1, Person: person, Data: map[string]any{"channel": "web"}}},
		"PolicyVersion":  {contracts.PolicyVersion{Version: "2025-10", Current: true, State: "in_force", From: "2025-10-01"}},
		"Obligation":     {contracts.Obligation{ID: "S1", State: "kept", Evidence: []contracts.Evidence{{What: "w"}}}},
		"Verified":       {contracts.Verified{Checks: []contracts.Check{{Name: "n"}}}},
		"QuarantineItem": {contracts.QuarantineItem{}},
		"Token":          {contracts.Token{Role: "emitter", Sources: []string{"/"}}},
	} {
		for _, x := range all {
			b, err := v2.Marshal(x)
			if err != nil {
				t.Fatal(err)
			}
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if err := compiled[name].Validate(v); err != nil {
				t.Errorf("%s %s: %v", name, b, err)
			}
		}
	}
}
