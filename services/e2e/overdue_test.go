package e2e

import (
	"context"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
)

// What has been due for longer than the policy's grace is a gap, until it is disposed of; then the sentence is kept.
func TestS51_WhatIsOverdueIsAGap(t *testing.T) {
	ctx := context.Background()
	e := fed(t, year(t))
	state := func() string {
		t.Helper()
		all, err := e.as("auditor").Obligations(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range all {
			if o.ID == "S51" {
				return o.State
			}
		}
		return ""
	}
	if got := state(); got != "gap" {
		t.Errorf("with the year's data undisposed of, S51 is %s", got)
	}
	d, err := e.as("compliance").Plan(ctx, contracts.DisposalQuestion{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.as("admin").Approve(ctx, d.Disposal, d.Digest); err != nil {
		t.Fatal(err)
	}
	if d, err = e.as("compliance").Run(ctx, d.Disposal, nil); err != nil || d.Disposed == 0 {
		t.Fatalf("%+v %v", d, err)
	}
	if got := state(); got != "kept" {
		t.Errorf("after the disposal, S51 is %s", got)
	}
}
