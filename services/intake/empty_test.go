package intake

import (
	"context"
	"errors"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
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
