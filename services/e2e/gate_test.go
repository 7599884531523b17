package e2e

import (
	"context"
	"errors"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/client"
)

// S8: whoever asks the gate leaves an answer in the log, so who reads only may not ask; an emitter asks from a source of its own, and is told
// where it has none.
func TestS8_WhoMayAskTheGate(t *testing.T) {
	e := begun(t, 2)
	ctx := context.Background()
	question := contracts.UseQuestion{Person: subject, Purpose: "SVC-01", Categories: []events.Word{"pd:Name"}, By: "staff:desk"}
	scoped, err := e.as("admin").CreateToken(ctx, contracts.Token{Role: "emitter", Holder: "staff:web", Sources: []string{"/rental"}})
	if err != nil {
		t.Fatal(err)
	}
	web, err := e.as("admin").CreateToken(ctx, contracts.Token{Role: "emitter", Holder: "staff:web", Sources: []string{"/rental/web/", "/rental/billing"}})
	if err != nil {
		t.Fatal(err)
	}
	named := question
	named.Source = "/rental/support"
	for _, x := range []struct {
		who   string
		c     *client.Client
		q     contracts.UseQuestion
		code  string // of the problem; none: allowed
		field string
	}{
		{"an auditor", e.as("auditor"), question, "role", ""},
		{"an auditor about a dataset", e.as("auditor"), contracts.UseQuestion{Person: subject, Purpose: "SVC-01", Categories: question.Categories, By: "staff:desk", Dataset: "d-1"}, "role", ""},
		{"an emitter below a prefix that is no source", client.New(e.url, scoped.Secret), question, "question", "source"},
		{"the same, which names its source", client.New(e.url, scoped.Secret), named, "", ""},
		{"an emitter of one source", client.New(e.url, web.Secret), question, "", ""},
		{"the desk", e.as("compliance"), question, "", ""},
		{"a responder", e.as("responder"), question, "", ""},
		{"an admin", e.as("admin"), question, "", ""},
	} {
		r, err := x.c.Use(ctx, x.q)
		var p *contracts.Problem
		switch {
		case x.code == "" && (err != nil || r.Allowed == nil || !*r.Allowed):
			t.Errorf("%s: %+v %v", x.who, r, err)
		case x.code != "" && (!errors.As(err, &p) || p.Code != x.code || p.Field != x.field):
			t.Errorf("%s: %+v %v, want %s at %q", x.who, r, err, x.code, x.field)
		}
	}
	sources := map[string]int{}
	if err := e.as("auditor").Replay(ctx, contracts.ReplayQuestion{Type: "used"}, func(r contracts.Recorded) error { sources[r.Source]++; return nil }); err != nil {
		t.Fatal(err)
	}
	if len(sources) != 3 || sources["/daicho/uses"] != 3 || sources["/rental/web"] != 1 || sources["/rental/support"] != 1 {
		t.Errorf("uses stand in the log from %v", sources)
	}
}
