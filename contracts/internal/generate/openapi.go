package main

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// What travels over HTTP. The types that these hold come with them.
var answers = []any{
	contracts.Receipt{}, contracts.Receipts{}, contracts.Problem{}, contracts.PersonFound{}, contracts.UseQuestion{},
	contracts.DossierQuestion{}, contracts.Dossier{}, contracts.Recorded{}, contracts.Explained{}, contracts.Due{},
	contracts.Calendar{}, contracts.Impact{}, contracts.Affected{}, contracts.Model{}, contracts.PolicyVersion{},
	contracts.Obligation{}, contracts.Verified{}, contracts.QuarantineItem{}, contracts.QuarantineQuestion{}, contracts.QuarantineOpened{}, contracts.QuarantineOrder{}, contracts.QuarantineResent{}, contracts.Token{},
	contracts.Uploaded{}, contracts.AttachmentQuestion{},
	contracts.ProcessingRegister{},
	contracts.RecipientList{}, contracts.RecipientFile{}, contracts.Exposure{}, contracts.RecallList{}, contracts.ProvisionList{}, contracts.ProvisionQuestion{},
	contracts.Dataset{}, contracts.DatasetPublication{}, contracts.DatasetUse{}, contracts.DatasetProvision{}, contracts.DatasetJoin{},
	contracts.Disposal{}, contracts.DisposalQuestion{}, contracts.DisposalApproval{}, contracts.DisposalItem{}, contracts.DisposalProgress{}, contracts.WhatIf{}, contracts.Hold{}, contracts.HoldOrder{}, contracts.Certificate{},
	contracts.Majorities{},
	contracts.ReviewList{}, contracts.ReviewFile{}, contracts.ImprovementList{}, contracts.ImprovementLine{}, contracts.Notes{},
	contracts.NoticeList{}, contracts.WebhookSecret{}, contracts.RecallConfirmation{}, contracts.RecallNotice{},
}

// Questions are read strictly; answers may gain fields.
var strict = []string{
	"UseQuestion", "DossierQuestion", "QuarantineQuestion", "QuarantineOrder", "AttachmentQuestion", "ProvisionQuestion", "RecallConfirmation",
	"DatasetPublication", "DatasetUse", "DatasetProvision", "DatasetJoin",
	"DisposalQuestion", "DisposalApproval", "Certificate", "HoldOrder",
}

// closed are the strings that have a closed set of values.
var closed = map[string][]string{
	"Problem.Code": {
		"body", "question", "refused", "token", "role", "not_found", "look", "no_policy", "starting", "stopping", "stuck", "internal",
	},
	"Receipt.Status":        {"recorded", "duplicate", "refused"},
	"DossierRecord.State":   {"live", "suspended", "disposed"},
	"Explained.State":       {"live", "suspended", "disposed"},
	"DossierPurpose.State":  {"live", "ended"},
	"DossierConsent.State":  {"given", "withdrawn"},
	"Model.State":           {"live", "catching up", "rebuilding", "stuck", "standby", "unknown"},
	"Dataset.State":         {"made", "published", "destroyed"},
	"Obligation.State":      {"kept", "gap", "unproved"},
	"MajorityItem.State":    {"minor", "asks_alone", "of_age"},
	"Token.Role":            {"emitter", "compliance", "responder", "auditor", "admin"},
	"RecipientLine.State":   {"active", "ended"},
	"RecipientFile.State":   {"active", "ended"},
	"RecallLine.State":      {"open", "overdue", "confirmed"},
	"NoticeLine.State":      {"waiting", "taken", "poisoned", "by_hand"},
	"ProvisionRecord.Kind":  {"provided", "received"},
	"Disposal.State":        {"preview", "planned", "approved", "waiting", "done"},
	"ReviewCycle.State":     {"due", "overdue", "never"},
	"ReviewCycle.Because":   {"cycle", "change", "plan", "review"},
	"ReviewLine.State":      {"planned", "overdue", "held"},
	"ReviewFile.State":      {"planned", "overdue", "held"},
	"ImprovementLine.State": {"open", "overdue", "completed", "dropped"},
	"Note.What":             {"note", "evidence"},
	"DossierQuestion.Lang":  {"en", "ja", "zh-Hant", "ko"},
}

// named are the strings that mean the same wherever they stand.
var named = map[reflect.Type]object{
	reflect.TypeFor[events.Position](): {{"type", "string"}, {"pattern", "^[0-9]+$"},
		{"description", "A place in the log. Opaque: compare it for equality, hand it back."}},
	reflect.TypeFor[events.Pseudonym](): {{"type", "string"}, {"pattern", "^[a-z2-7]{26}$"},
		{"description", "A person, by a random name that leads nowhere once they are forgotten."}},
}

func (g *generator) openAPI() error {
	v, err := read(filepath.Join(g.root, "internal", "generate", "templates", "openapi.yaml"))
	if err != nil {
		return err
	}
	doc := v.(object)
	components := doc.get("components").(object)
	w := &answerSchemas{docs: g.answers, out: components.get("schemas").(object)}
	w.out.set("EventType", object{
		{"type", "string"}, {"description", "The event types that may be submitted."}, {"enum", submittable()},
	})
	for _, a := range answers {
		if _, err := w.schema(reflect.TypeOf(a), ""); err != nil {
			return err
		}
	}
	slices.SortStableFunc(w.out, func(a, b member) int { return strings.Compare(a.name, b.name) })
	if err := components.replace("schemas", w.out); err != nil {
		return err
	}
	g.put("openapi.json", print(doc))
	return nil
}

func submittable() []any {
	var all []any
	for _, k := range events.Kinds() {
		if !k.Engine {
			all = append(all, k.Type)
		}
	}
	return all
}

type answerSchemas struct {
	docs docs
	out  object
}

func ref(name string) object { return object{{"$ref", "#/components/schemas/" + name}} }

// schema is that of a Go type; field is "Type.Field", where it stands.
func (w *answerSchemas) schema(t reflect.Type, field string) (object, error) {
	if body, ok := named[t]; ok {
		if w.out.get(t.Name()) == nil {
			w.out.set(t.Name(), body)
		}
		return ref(t.Name()), nil
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{{"type", "string"}, {"format", "date-time"}}, nil
	case t.Kind() == reflect.Interface:
		return object{}, nil
	case t.Kind() == reflect.Pointer:
		inner, err := w.schema(t.Elem(), field)
		if inner.get("type") != nil {
			inner[0].value = []any{inner[0].value, "null"}
			return inner, err
		}
		return object{{"oneOf", []any{inner, object{{"type", "null"}}}}}, err
	case t.Kind() == reflect.Slice:
		inner, err := w.schema(t.Elem(), field)
		return object{{"type", "array"}, {"items", inner}}, err
	case t.Kind() == reflect.Map:
		inner, err := w.schema(t.Elem(), field)
		return object{{"type", "object"}, {"additionalProperties", inner}}, err
	case t.Kind() == reflect.String:
		if words := closed[field]; words != nil {
			return object{{"type", "string"}, {"enum", list(words)}}, nil
		}
		return object{{"type", "string"}}, nil
	case t.Kind() == reflect.Bool:
		return object{{"type", "boolean"}}, nil
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64, t.Kind() == reflect.Uint64:
		return object{{"type", "integer"}, {"minimum", 0}}, nil
	case t.Kind() == reflect.Struct:
		return w.structure(t)
	}
	return nil, fmt.Errorf("%s is a %s, which has no schema", field, t)
}

func (w *answerSchemas) structure(t reflect.Type) (object, error) {
	if w.out.get(t.Name()) != nil {
		return ref(t.Name()), nil
	}
	at := len(w.out)
	w.out.set(t.Name(), object{}) // so that a type may hold itself
	properties, required := object{}, []any{}
	var fields func(t reflect.Type) error
	fields = func(t reflect.Type) error {
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Anonymous {
				if err := fields(f.Type); err != nil {
					return err
				}
				continue
			}
			tag := strings.Split(f.Tag.Get("json"), ",")
			if tag[0] == "" {
				return fmt.Errorf("%s.%s has no name in JSON", t.Name(), f.Name)
			}
			p, err := w.schema(f.Type, t.Name()+"."+f.Name)
			if err != nil {
				return err
			}
			if text := w.docs[t.Name()+"."+f.Name]; text != "" {
				p.set("description", strings.ToUpper(text[:1])+text[1:])
			}
			if properties.get(tag[0]) != nil {
				continue // an embedded struct's field, hidden by one of the same name
			}
			properties.set(tag[0], p)
			if len(tag) == 1 {
				required = append(required, tag[0])
			}
		}
		return nil
	}
	if err := fields(t); err != nil {
		return nil, err
	}
	body := object{{"type", "object"}}
	if text := w.docs[t.Name()]; text != "" {
		body.set("description", text)
	}
	body.set("properties", properties)
	if len(required) > 0 {
		body.set("required", required)
	}
	if slices.Contains(strict, t.Name()) {
		body.set("additionalProperties", false)
	}
	w.out[at].value = body
	return ref(t.Name()), nil
}
