package organisation_test

import (
	"slices"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
)

var now = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)

// register is the organisation's side of a log in memory: what is decided is folded.
type register struct {
	t     *testing.T
	state *organisation.State
	n     events.Position
}

func (r *register) decide(typ string, f events.Fact) *events.Refusal {
	r.t.Helper()
	kind, ok := events.KindOf(typ)
	if !ok {
		r.t.Fatal(typ)
	}
	return organisation.Decide(r.state, organisation.Submission{Kind: kind, Source: "/daicho/dataset", Time: now, Fact: f}, now)
}

func (r *register) fold(typ string, st events.Stream, f events.Fact) {
	r.t.Helper()
	data, err := events.Encode(f)
	if err != nil {
		r.t.Fatal(err)
	}
	r.n++
	if r.state, err = r.state.With(&events.Event{Stream: st, Type: typ, Time: now, Position: r.n, Data: data}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *register) record(typ string, f *events.Dataset) {
	r.t.Helper()
	if refused := r.decide(typ, f); refused != nil {
		r.t.Fatalf("%s: %v", typ, refused)
	}
	r.fold(typ, events.Stream{Kind: "dataset", ID: string(f.Dataset)}, f)
}

func (r *register) refused(what, typ string, f *events.Dataset, rule, field string) {
	r.t.Helper()
	if refused := r.decide(typ, f); refused == nil || refused.Rule != rule || refused.Field != field {
		r.t.Errorf("%s: want %s at %s, got %v", what, rule, field, refused)
	}
}

const policyText = `{"version":"1","zone":"Asia/Tokyo","categories":[{"id":"pd:Purchase","label":{"en":"P"}},{"id":"pd:Name","label":{"en":"N"}}],
	"purposes":[{"id":"ANON-01","text":{"en":"x"},"categories":["pd:Purchase"],"bases":{"default":["legitimate_interest"]},"role":"controller","disclosable":true,
		"retention":[{"id":"r","from":"collected","keep":"P30D"}]},
	{"id":"ANON-02","text":{"en":"x"},"categories":[],"bases":{"default":["legitimate_interest"]},"role":"controller","disclosable":true,
		"retention":[{"id":"s","from":"collected","keep":"P30D"}]}]}`

func opened(t *testing.T) *register {
	r := &register{t: t, state: organisation.New()}
	r.fold(events.TypePolicyPublished, events.Stream{Kind: "policy", ID: "main"}, &events.PolicyPublished{Version: "1", Catalogue: []byte(policyText)})
	for _, to := range []events.Recipient{
		{Recipient: "travel", Name: "Travel", Country: "JP", Kinds: []events.Word{"third_party"}, Purposes: []events.Word{"ANON-02"}, Safeguard: "domestic"},
		{Recipient: "mailer", Name: "Mailer", Country: "JP", Kinds: []events.Word{"entrusted"}, Purposes: []events.Word{"ANON-02"}, Safeguard: "domestic"},
	} {
		r.fold(events.TypeRecipientRegistered, events.Stream{Kind: "recipient", ID: string(to.Recipient)}, &to)
	}
	return r
}

func made() *events.Dataset {
	return &events.Dataset{
		Dataset: "ds-1", Items: []events.Word{"pd:Purchase", "person.country"}, Categories: []events.Word{"pd:Purchase"}, Purpose: "ANON-01",
		Recipe: "sha256:00", Digest: "sha256:11", Parquet: "sha256:22", Rows: 100, People: 90, Groups: 4, K: 7, MaxRisk: 142858, MeanRisk: 40000,
		Criteria:  []events.Criterion{{Number: 1, Met: true}, {Number: 2, Met: true}, {Number: 3, Met: true}, {Number: 4, Met: true}, {Number: 5, Met: true}},
		Destroyed: []events.Word{"row-order-key"}, DestroyedAt: "2026-04-01T00:00:00Z",
	}
}

func TestS66_OnlyWhatMeetsTheFiveCriteriaIsADataset(t *testing.T) {
	r := opened(t)
	for i, at := range []string{"/data/criteria/0", "/data/criteria/1", "/data/criteria/2", "/data/criteria/3", "/data/criteria/4"} {
		f := made()
		f.Criteria[i].Met = false
		r.refused("a criterion that is not met", events.TypeDatasetAnonymized, f, "not_permitted", at)
	}
	for _, x := range []struct {
		what, rule, at string
		change         func(f *events.Dataset)
	}{
		{"a criterion left out", "not_permitted", "/data/criteria", func(f *events.Dataset) { f.Criteria = f.Criteria[1:] }},
		{"a criterion twice", "not_permitted", "/data/criteria/1", func(f *events.Dataset) { f.Criteria[1].Number = 1 }},
		{"k of 4", "not_permitted", "/data/k", func(f *events.Dataset) { f.K = 4 }},
		{"no row", "not_permitted", "/data/k", func(f *events.Dataset) { f.Rows = 0 }},
		{"a category beyond the purpose", "category_not_permitted", "/data/categories/1", func(f *events.Dataset) { f.Categories = append(f.Categories, "pd:Name") }},
		{"an unknown purpose", "unknown_purpose", "/data/purpose", func(f *events.Dataset) { f.Purpose = "X" }},
		{"no recipe", "schema", "/data", func(f *events.Dataset) { f.Recipe = "" }},
	} {
		f := made()
		x.change(f)
		r.refused(x.what, events.TypeDatasetAnonymized, f, x.rule, x.at)
	}
	r.record(events.TypeDatasetAnonymized, made())
	r.refused("the same name again", events.TypeDatasetAnonymized, made(), "key_taken", "/data/dataset")
}

func TestS68_WhatLeadsBackIsDestroyedBeforeADatasetIsOne(t *testing.T) {
	r := opened(t)
	f := made()
	f.Destroyed = nil
	r.refused("nothing destroyed", events.TypeDatasetAnonymized, f, "not_permitted", "/data/destroyed")
	f = made()
	f.DestroyedAt = ""
	r.refused("nobody knows when", events.TypeDatasetAnonymized, f, "not_permitted", "/data/destroyed")
}

func TestS69_ItemsArePublishedBeforeUse(t *testing.T) {
	r := opened(t)
	r.record(events.TypeDatasetAnonymized, made())
	use := &events.Dataset{Dataset: "ds-1", Purpose: "ANON-01"}
	r.refused("used before it is published", events.TypeDatasetUsed, use, "not_permitted", "/data/dataset")
	r.refused("fewer items", events.TypeDatasetPublished, &events.Dataset{Dataset: "ds-1", Items: []events.Word{"pd:Purchase"}}, "not_permitted", "/data/items")
	r.refused("other items", events.TypeDatasetPublished, &events.Dataset{Dataset: "ds-1", Items: []events.Word{"pd:Purchase", "person.kind"}}, "not_permitted", "/data/items")
	r.refused("a dataset that is not there", events.TypeDatasetPublished, &events.Dataset{Dataset: "ds-2"}, "record_unknown", "/data/dataset")
	r.refused("a measure from outside", events.TypeDatasetPublished, &events.Dataset{Dataset: "ds-1", Items: made().Items, K: 500}, "schema", "/data")
	r.record(events.TypeDatasetPublished, &events.Dataset{Dataset: "ds-1", Items: []events.Word{"person.country", "pd:Purchase"}})
	r.record(events.TypeDatasetUsed, use)
	r.refused("a use for no purpose", events.TypeDatasetUsed, &events.Dataset{Dataset: "ds-1", Purpose: "X"}, "unknown_purpose", "/data/purpose")
	if d := r.state.Datasets["ds-1"]; d.Uses != 1 || d.Published == nil || d.Made.K != 7 {
		t.Errorf("%+v", d)
	}
}

func TestS72_NothingIsProvidedBeforeItemsAndMethodArePublished(t *testing.T) {
	r := opened(t)
	r.record(events.TypeDatasetAnonymized, made())
	give := func(change func(f *events.Dataset)) *events.Dataset {
		f := &events.Dataset{Dataset: "ds-1", Recipient: "travel", Method: "sftp", Purpose: "ANON-02", Label: organisation.Label}
		if change != nil {
			change(f)
		}
		return f
	}
	r.refused("before anything is published", events.TypeDatasetProvided, give(nil), "not_permitted", "/data/dataset")
	r.record(events.TypeDatasetPublished, &events.Dataset{Dataset: "ds-1", Items: made().Items})
	r.refused("the method is not published", events.TypeDatasetProvided, give(nil), "not_permitted", "/data/method")
	r.record(events.TypeDatasetPublished, &events.Dataset{Dataset: "ds-1", Items: made().Items, Methods: []events.Word{"sftp"}})
	r.refused("another method", events.TypeDatasetProvided, give(func(f *events.Dataset) { f.Method = "web" }), "not_permitted", "/data/method")
	r.refused("an unknown recipient", events.TypeDatasetProvided, give(func(f *events.Dataset) { f.Recipient = "nobody" }), "unknown_recipient", "/data/recipient")
	r.refused("no third party", events.TypeDatasetProvided, give(func(f *events.Dataset) { f.Recipient = "mailer" }), "recipient_not_permitted", "/data/recipient")
	r.refused("not for this purpose", events.TypeDatasetProvided, give(func(f *events.Dataset) { f.Purpose = "ANON-01" }), "recipient_not_permitted", "/data/recipient")
	r.record(events.TypeDatasetProvided, give(nil))
	if d := r.state.Datasets["ds-1"]; len(d.Provided) != 1 || d.Provided[0].Recipient != "travel" || !slices.Equal(d.Methods, []events.Word{"sftp"}) {
		t.Errorf("%+v", d)
	}
	r.record(events.TypeDatasetDestroyed, &events.Dataset{Dataset: "ds-1"})
	r.refused("after it was destroyed", events.TypeDatasetProvided, give(nil), "record_gone", "/data/dataset")
	r.refused("destroyed twice", events.TypeDatasetDestroyed, &events.Dataset{Dataset: "ds-1"}, "record_gone", "/data/dataset")
}

func TestS71_AProvisionSaysWhatItIs(t *testing.T) {
	r := opened(t)
	r.record(events.TypeDatasetAnonymized, made())
	r.record(events.TypeDatasetPublished, &events.Dataset{Dataset: "ds-1", Items: made().Items, Methods: []events.Word{"sftp"}})
	for _, label := range []events.Word{"", "statistics"} {
		r.refused("without the label", events.TypeDatasetProvided,
			&events.Dataset{Dataset: "ds-1", Recipient: "travel", Method: "sftp", Purpose: "ANON-02", Label: label}, "not_permitted", "/data/label")
	}
}

// What a step carries is what it is counted as: none may carry another's.
func TestStepsCarryTheirOwnFieldsOnly(t *testing.T) {
	r := opened(t)
	r.record(events.TypeDatasetAnonymized, made())
	items := made().Items
	r.record(events.TypeDatasetPublished, &events.Dataset{Dataset: "ds-1", Items: items, Methods: []events.Word{"sftp"}})
	for _, x := range []struct {
		typ string
		f   events.Dataset
	}{
		{events.TypeDatasetPublished, events.Dataset{Items: items, Recipient: "travel"}},
		{events.TypeDatasetPublished, events.Dataset{Items: items, Purpose: "ANON-01"}},
		{events.TypeDatasetUsed, events.Dataset{Purpose: "ANON-01", Items: items}},
		{events.TypeDatasetUsed, events.Dataset{Purpose: "ANON-01", Categories: []events.Word{"pd:Purchase"}}},
		{events.TypeDatasetUsed, events.Dataset{Purpose: "ANON-01", Label: organisation.Label}},
		{events.TypeDatasetProvided, events.Dataset{Recipient: "travel", Method: "sftp", Purpose: "ANON-02", Label: organisation.Label, Items: items}},
		{events.TypeDatasetDestroyed, events.Dataset{Methods: []events.Word{"sftp"}}},
		{events.TypeDatasetJoinRefused, events.Dataset{Items: items}},
	} {
		x.f.Dataset = "ds-1"
		r.refused(events.Short(x.typ), x.typ, &x.f, events.RuleSchema, "/data")
	}
}
