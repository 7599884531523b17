package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/daicho-dev/daicho/events"
)

// asyncAPI adds a message for each event type to the hand-written part.
func (g *generator) asyncAPI() error {
	v, err := read(filepath.Join(g.root, "internal", "generate", "templates", "asyncapi.yaml"))
	if err != nil {
		return err
	}
	doc := v.(object)
	components, channels := doc.get("components").(object), doc.get("channels").(object)
	messages := components.get("messages").(object)
	var intake, recorded object
	var streams []string
	for _, k := range events.Kinds() {
		if !slices.Contains(streams, k.Stream) {
			streams = append(streams, k.Stream)
		}
		summary, _, _ := strings.Cut(g.events[events.ShapeOf(k.New()).Type.Name()], ". ")
		summary = strings.TrimSuffix(summary, ".") + "."
		schema := object{{"$ref", "./schemas/" + k.Short() + ".v1.schema.json"}}
		to := object{{"$ref", "#/components/messages/" + k.Short()}}
		if k.Engine {
			// It is never submitted; recorded, it is a message of the log, in binary form.
			messages.set(k.Short(), object{
				{"name", k.Type}, {"title", k.Short()}, {"summary", summary}, {"contentType", "application/json"}, {"payload", schema},
			})
			recorded.set(k.Short(), to)
			continue
		}
		messages.set(k.Short(), object{
			{"name", k.Type}, {"title", k.Short()}, {"summary", summary},
			{"contentType", "application/cloudevents+json"},
			{"payload", object{{"allOf", []any{
				object{{"$ref", "#/components/schemas/attributes"}},
				object{{"type", "object"}, {"properties", object{
					{"type", object{{"const", k.Type}}},
					{"data", schema},
				}}},
			}}}},
		})
		intake.set(k.Short(), to)
	}
	log := channels.get("log").(object)
	if err := errors.Join(
		components.replace("messages", messages),
		channels.get("intake").(object).replace("messages", intake),
		channels.get("queue").(object).replace("messages", intake),
		log.replace("messages", append(log.get("messages").(object), recorded...)),
		log.get("parameters").(object).get("kind").(object).replace("enum", list(streams)),
	); err != nil {
		return err
	}

	var b bytes.Buffer
	b.WriteString("# Written by internal/generate from its templates/asyncapi.yaml and the event types. Do not edit.\n")
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(node(doc)); err != nil {
		return err
	}
	g.put("asyncapi.yaml", b.Bytes())
	return nil
}

// node is a value as YAML, in its order.
func node(v any) *yaml.Node {
	switch v := v.(type) {
	case object:
		n := &yaml.Node{Kind: yaml.MappingNode}
		if len(v) == 0 {
			n.Style = yaml.FlowStyle
		}
		for _, m := range v {
			n.Content = append(n.Content, node(m.name), node(m.value))
		}
		return n
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, x := range v {
			n.Content = append(n.Content, node(x))
		}
		return n
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: v.String()}
	default:
		n := &yaml.Node{}
		if err := n.Encode(v); err != nil {
			panic(err) // a value that this program made
		}
		return n
	}
}
