package contracts_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/schemas"
	"github.com/daicho-dev/daicho/events"
)

func TestAsyncAPI(t *testing.T) {
	var whole, openapi any
	if err := yaml.Unmarshal(contracts.AsyncAPI, &whole); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(contracts.OpenAPI, &openapi); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		AsyncAPI string `yaml:"asyncapi"`
		Channels map[string]struct {
			Address    string
			Messages   map[string]any
			Parameters map[string]struct{ Enum []string }
		}
		Operations map[string]struct {
			Action  string
			Channel struct {
				Ref string `yaml:"$ref"`
			}
		}
		Components struct {
			Messages map[string]struct{ Name string }
		}
	}
	if err := yaml.Unmarshal(contracts.AsyncAPI, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.AsyncAPI != "3.0.0" {
		t.Errorf("it is of version %q", doc.AsyncAPI)
	}
	refs := map[string]bool{}
	references(whole, refs)
	streams := map[string]bool{}
	for _, k := range events.Kinds() {
		streams[k.Stream] = true
		channel, other := "intake", "log"
		if k.Engine {
			channel, other = other, channel
		}
		if doc.Components.Messages[k.Short()].Name != k.Type || doc.Channels[channel].Messages[k.Short()] == nil {
			t.Errorf("%s is not there", k.Type)
		}
		if !k.Engine && doc.Channels["queue"].Messages[k.Short()] == nil {
			t.Errorf("%s is not in the queue", k.Type)
		}
		if doc.Channels[other].Messages[k.Short()] != nil {
			t.Errorf("%s is in the channel %s", k.Type, other)
		}
		if !refs["./schemas/"+k.Short()+".v1.schema.json"] {
			t.Errorf("%s does not refer to its schema", k.Type)
		}
	}
	for _, kind := range doc.Channels["log"].Parameters["kind"].Enum {
		if !streams[kind] {
			t.Errorf("the log has no streams of the kind %q", kind)
		}
		delete(streams, kind)
	}
	if len(streams) > 0 {
		t.Errorf("the log also has streams of the kinds %v", streams)
	}
	for ref := range refs {
		file, fragment, _ := strings.Cut(ref, "#")
		switch {
		case file == "" && resolves(whole, ref):
		case file == "./openapi.json" && resolves(openapi, "#"+fragment):
		case fragment == "" && schemas.Schema("daicho."+strings.TrimSuffix(strings.TrimPrefix(file, "./schemas/"), ".schema.json")) != nil:
		default:
			t.Errorf("%s leads nowhere", ref)
		}
	}
	for name, op := range doc.Operations {
		_, channel, _ := strings.Cut(op.Channel.Ref, "#/channels/")
		if _, ok := doc.Channels[channel]; !ok || (op.Action == "receive") != (channel == "intake" || channel == "queue") {
			t.Errorf("the operation %s does %q at %q", name, op.Action, op.Channel.Ref)
		}
	}
}

// The examples are messages as the document describes them.
func TestExamplesAreMessages(t *testing.T) {
	var doc any
	if err := yaml.Unmarshal(contracts.AsyncAPI, &doc); err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	add := func(url string, b []byte) {
		t.Helper()
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(url, v); err != nil {
			t.Fatal(err)
		}
	}
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	const home = "https://daicho.dev/" // the schemas' $id, to which the references lead
	add(home+"asyncapi.yaml", b)
	add(home+"openapi.json", contracts.OpenAPI)
	for _, k := range events.Kinds() {
		add(home+"schemas/"+k.Short()+".v1.schema.json", schemas.Schema(k.Type))
	}
	for _, message := range []string{"receipt", "recorded"} {
		if _, err := c.Compile(home + "asyncapi.yaml#/components/messages/" + message + "/payload"); err != nil {
			t.Error(err)
		}
	}
	for name, b := range schemas.Examples() {
		short, _, _ := strings.Cut(name, ".")
		s, err := c.Compile(home + "asyncapi.yaml#/components/messages/" + short + "/payload")
		if err != nil {
			t.Errorf("%s: %v", short, err)
			continue
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if k, _ := events.KindOf("daicho." + short + ".v1"); k.Engine {
			v = v.(map[string]any)["data"] // binary: the payload is the data
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
