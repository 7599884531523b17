package intake

import (
	"context"
	"errors"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
)

// TestNothingIsDecidedWithoutAPolicy: intake that starts before the process that publishes the first policy says so, and takes the same
// event once there is one.
func TestNothingIsDecidedWithoutAPolicy(t *testing.T) {
	g := testGateway(t, memlog.New(), testVault(t))
	s := submission("1", "C-1")
	_, err := g.Submit(context.Background(), admin, []Submission{s})
	if p, internal := Problem(err); !errors.Is(err, ErrNoPolicy) || internal || p.Status != 503 || p.Code != "starting" {
		t.Fatalf("%v: %+v", err, p)
	}
	publish(t, g)
	if out, err := g.Submit(context.Background(), admin, []Submission{s}); err != nil || out[0].Status != contracts.StatusRecorded {
		t.Fatalf("%+v %v", out, err)
	}
}

// TestTheFirstPolicyMayComeWithOthers: what comes before it is not decided, of whatever form it is; what comes behind it in one request is.
func TestTheFirstPolicyMayComeWithOthers(t *testing.T) {
	g := testGateway(t, memlog.New(), testVault(t))
	c := policies.Default()
	first := Own(events.TypePolicyPublished, events.Stream{Kind: "policy", ID: "main"}, &events.PolicyPublished{Version: events.Word(c.Version), Catalogue: c.JSON()})
	none := ReadStructured([]byte(`{"specversion":"1.0","type":"none.of.ours"}`))
	refused := Own(events.TypePolicyPublished, events.Stream{Kind: "policy", ID: "main"}, &events.PolicyPublished{Version: "1", Catalogue: []byte(`{}`)})
	for name, all := range map[string][]Submission{"behind one that is refused": {refused, submission("1", "C-1")}, "of no type": {none}, "before it": {submission("1", "C-1"), first}, "of no type, before it": {none, first}} {
		if _, err := g.Submit(context.Background(), Engine, all); !errors.Is(err, ErrNoPolicy) {
			t.Errorf("%s: %v", name, err)
		}
	}
	out, err := g.Submit(context.Background(), Engine, []Submission{first, submission("1", "C-1"), none})
	if err != nil || out[0].Status != contracts.StatusRecorded || out[1].Status != contracts.StatusRecorded || out[2].Status != contracts.StatusRefused {
		t.Fatalf("%+v %v", out, err)
	}
}
