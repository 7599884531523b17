package schemas

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/daicho-dev/daicho/events"
)

func compile(t testing.TB) map[string]*jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat() // "2026-02-30" fits the pattern of a day
	all := map[string]*jsonschema.Schema{}
	for _, k := range events.Kinds() {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema(k.Type)))
		if err != nil {
			t.Fatalf("%s: %v", k.Type, err)
		}
		id := doc.(map[string]any)["$id"].(string)
		if err := c.AddResource(id, doc); err != nil {
			t.Fatalf("%s: %v", k.Type, err)
		}
		s, err := c.Compile(id)
		if err != nil {
			t.Fatalf("%s: %v", k.Type, err)
		}
		all[k.Type] = s
	}
	return all
}

type cloudEvent struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject"`
	Time            time.Time       `json:"time"`
	DataContentType string          `json:"datacontenttype"`
	DataSchema      string          `json:"dataschema"`
	Data            json.RawMessage `json:"data"`
}

func example(t testing.TB, name string, b []byte) cloudEvent {
	t.Helper()
	var e cloudEvent
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return e
}

func TestEveryTypeHasASchemaAndAnExample(t *testing.T) {
	for _, k := range events.Kinds() {
		var s struct {
			Schema      string `json:"$schema"`
			ID          string `json:"$id"`
			Title       string
			Description string
			Daicho      struct{ WrittenBy string } `json:"x-daicho"`
			Examples    []any
		}
		if err := json.Unmarshal(Schema(k.Type), &s); err != nil {
			t.Errorf("%s: %v", k.Type, err)
			continue
		}
		if s.Title != k.Type || s.Description == "" || len(s.Examples) == 0 || !strings.HasSuffix(s.Schema, "2020-12/schema") {
			t.Errorf("%s: its schema says too little", k.Type)
		}
		if (s.Daicho.WrittenBy == "engine") != k.Engine {
			t.Errorf("%s: its schema says that %q writes it", k.Type, s.Daicho.WrittenBy)
		}
		if Examples()[k.Short()] == nil {
			t.Errorf("%s has no example", k.Type)
		}
	}
	for _, typ := range []string{"", "collected", "daicho.collected.v2", "../go.mod"} {
		if Schema(typ) != nil {
			t.Errorf("%q has a schema", typ)
		}
	}
}

func TestExamplesAreSound(t *testing.T) {
	compiled := compile(t)
	ids := map[string]string{}
	for name, b := range Examples() {
		e := example(t, name, b)
		short, _, _ := strings.Cut(name, ".")
		k, ok := events.KindOf(e.Type)
		if !ok || k.Short() != short {
			t.Errorf("%s is of type %q", name, e.Type)
			continue
		}
		if e.SpecVersion != "1.0" || e.DataContentType != "application/json" || e.Source[:1] != "/" || e.Time.IsZero() {
			t.Errorf("%s is no CloudEvent as the contract has it", name)
		}
		if e.DataSchema != "https://daicho.dev/schemas/"+short+".v1.schema.json" {
			t.Errorf("%s names the schema %q", name, e.DataSchema)
		}
		if other := ids[e.Source+" "+e.ID]; other != "" {
			t.Errorf("%s has the id of %s: it would be a duplicate", name, other)
		}
		ids[e.Source+" "+e.ID] = name
		_, person := events.ParseIdentifier(e.Subject)
		if needed := k.Stream == "person" && k.Type != events.TypeDisposalConfirmed; person != needed && !(person && k.Stream == "person") {
			t.Errorf("%s has the subject %q", name, e.Subject)
		}
		if _, r := events.Submitted(k, e.Data); r != nil {
			t.Errorf("%s: %v", name, r)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.Data))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled[e.Type].Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The Go types and the schemas accept and refuse the same: every example, changed in every place in many ways.
func TestGoAndSchemaAgree(t *testing.T) {
	compiled := compile(t)
	examples := Examples()
	names := make([]string, 0, len(examples))
	for name := range examples {
		names = append(names, name)
	}
	slices.Sort(names)
	seen := map[*events.Shape]bool{}
	var taken, refused, sized, wrong int
	for _, name := range names {
		e := example(t, name, examples[name])
		k, _ := events.KindOf(e.Type)
		// Types that share a Go type have the same schema but for its head: of them, every fifth will do.
		shape, by, n, every := events.ShapeOf(k.New()), slices.Concat(spoils, large), 0, 1
		if seen[shape] {
			by, every = spoils, 5
		}
		seen[shape] = true
		if k.Type == events.TypeCorrected || k.Type == events.TypeConsentGiven {
			by = slices.Concat(by, largest)
		}
		mutate(t, e.Data, fieldsOf(shape), by, func(data []byte) {
			if n++; n%every != 0 {
				return
			}
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			bySchema := compiled[e.Type].Validate(v)
			_, byGo := events.Submitted(k, data)
			switch {
			case bySchema == nil && byGo != nil && strings.Contains(byGo.Text, "64 KiB"):
				sized++ // many parts, each small enough: a schema does not count bytes
			case (bySchema == nil) != (byGo == nil):
				if wrong++; wrong <= 20 {
					t.Errorf("%s %.300s\nGo: %v\nschema: %v", name, data, byGo, bySchema)
				}
			case bySchema == nil:
				taken++
			default:
				refused++
			}
		})
	}
	t.Logf("%d taken, %d refused, %d too large for Go alone, %d disputed", taken, refused, sized, wrong)
	if taken < 2000 || refused < 10000 {
		t.Error("too few inputs to mean anything")
	}
}
