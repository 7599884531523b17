package organisation_test

import (
	"testing"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
)

const approvalsText = `{"version":"2","zone":"Asia/Tokyo","categories":[{"id":"pd:Name","label":{"en":"N"}}],
	"approvals":[{"act":"disposal","roles":["compliance","admin"],"others":1},{"act":"person","roles":["admin"],"others":2}],
	"purposes":[{"id":"A","text":{"en":"x"},"categories":["pd:Name"],"bases":{"default":["contract"]},"role":"controller","disclosable":true,
		"retention":[{"id":"r","from":"collected","keep":"P30D"}]}]}`

func disposals(t *testing.T) *register {
	r := opened(t)
	r.fold(events.TypePolicyPublished, events.Stream{Kind: "policy", ID: "main"}, &events.PolicyPublished{Version: "2", Catalogue: []byte(approvalsText)})
	return r
}

func (r *register) does(typ string, f *events.Disposal) {
	r.t.Helper()
	if refused := r.decide(typ, f); refused != nil {
		r.t.Fatalf("%s: %v", typ, refused)
	}
	r.fold(typ, events.Stream{Kind: "disposal", ID: string(f.Disposal)}, f)
}

func (r *register) doesNot(what, typ string, f *events.Disposal, rule, field string) {
	r.t.Helper()
	if refused := r.decide(typ, f); refused == nil || refused.Rule != rule || refused.Field != field {
		r.t.Errorf("%s: want %s at %s, got %v", what, rule, field, refused)
	}
}

func plan(forgets int) *events.Disposal {
	f := &events.Disposal{Disposal: "d-1", By: "person:a", Role: "admin", Until: "2026-04-01", Items: 10, People: 4, Forgets: forgets, Digest: "sha256:aa", Needs: 1}
	if forgets > 0 {
		f.Needs = 2
	}
	return f
}

func TestS51_NothingIsPlannedBeforeItIsDueNorByLessThanThePolicyAsks(t *testing.T) {
	r := disposals(t)
	for what, x := range map[string]struct {
		rule, field string
		change      func(f *events.Disposal)
	}{
		"a day to come":           {"schema", "/data/until", func(f *events.Disposal) { f.Until = "2026-04-02" }},
		"no digest":               {"schema", "/data", func(f *events.Disposal) { f.Digest = "" }},
		"nobody plans it":         {"schema", "/data", func(f *events.Disposal) { f.By = "" }},
		"an empty list":           {"schema", "/data", func(f *events.Disposal) { f.Items = 0 }},
		"done before it is begun": {"schema", "/data", func(f *events.Disposal) { f.Disposed = 1 }},
		"fewer approvals":         {"schema", "/data/needs", func(f *events.Disposal) { f.Needs = 0 }},
		"the stream of scans":     {"key_taken", "/data/disposal", func(f *events.Disposal) { f.Disposal = organisation.ScanID }},
		"another role":            {"not_permitted", "/data/role", func(f *events.Disposal) { f.Role = "auditor" }},
		"forgetting needs two":    {"schema", "/data/needs", func(f *events.Disposal) { f.Forgets = 1 }},
		"forgetting needs admin":  {"not_permitted", "/data/role", func(f *events.Disposal) { f.Forgets, f.Needs, f.Role = 1, 2, "compliance" }},
	} {
		f := plan(0)
		x.change(f)
		r.doesNot(what, events.TypeDisposalPlanned, f, x.rule, x.field)
	}
	r.does(events.TypeDisposalPlanned, plan(0))
	r.doesNot("the same name again", events.TypeDisposalPlanned, plan(0), "key_taken", "/data/disposal")
}

func TestS51_AnApprovalIsAnothersWordOnTheSameList(t *testing.T) {
	r := disposals(t)
	say := func(by events.Identity) *events.Disposal {
		return &events.Disposal{Disposal: "d-1", By: by, Role: "admin", Digest: "sha256:aa"}
	}
	done := &events.Disposal{Disposal: "d-1", Digest: "sha256:aa", Items: 10, Disposed: 8, Left: []events.Left{{Reason: "held", Count: 2}}}
	r.doesNot("before it is planned", events.TypeDisposalApproved, say("person:b"), "record_unknown", "/data/disposal")
	r.does(events.TypeDisposalPlanned, plan(1)) // somebody is forgotten: two others
	r.doesNot("who planned it", events.TypeDisposalApproved, say("person:a"), "not_permitted", "/data/by")
	r.doesNot("nobody", events.TypeDisposalApproved, say(""), "schema", "/data/by")
	f := say("person:b")
	f.Digest = "sha256:bb"
	r.doesNot("another list", events.TypeDisposalApproved, f, "not_permitted", "/data/digest")
	f = say("person:b")
	f.Role = "compliance"
	r.doesNot("a role that may not forget", events.TypeDisposalApproved, f, "not_permitted", "/data/role")
	r.does(events.TypeDisposalApproved, say("person:b"))
	r.doesNot("the same word twice", events.TypeDisposalApproved, say("person:b"), "not_permitted", "/data/by")
	r.doesNot("carried out with one word of two", events.TypeDisposalExecuted, done, "not_permitted", "/data/disposal")
	r.does(events.TypeDisposalApproved, say("person:c"))

	short := *done
	short.Disposed = 7
	r.doesNot("a record is not accounted for", events.TypeDisposalExecuted, &short, "schema", "/data/items")
	r.does(events.TypeDisposalExecuted, done)
	if d := r.state.Disposals["d-1"]; d.Done() || d.Waiting() != 2 {
		t.Errorf("what is held does not wait: %+v", d.Runs)
	}
	all := *done
	all.Disposed, all.Left = 9, []events.Left{{Reason: "bound", Count: 1}}
	r.does(events.TypeDisposalExecuted, &all)
	r.doesNot("after its end", events.TypeDisposalExecuted, &all, "record_gone", "/data/disposal")
	r.doesNot("after its end", events.TypeDisposalApproved, say("person:d"), "record_gone", "/data/disposal")
}
