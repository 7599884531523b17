package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events/policy"
)

// What a draft changes of the policy in force is told before it is published: passage by passage, and whether people have to be told first.
func TestS28_S30_WhatADraftChangesIsToldBeforehand(t *testing.T) {
	e := startRaced(t, t.TempDir())
	shipped := string(policies.Default().JSON())
	draft := func(changes ...string) string {
		t.Helper()
		doc := shipped
		for i := 0; i < len(changes); i += 2 {
			if !strings.Contains(doc, changes[i]) {
				t.Fatalf("the policy does not say %s", changes[i])
			}
			doc = strings.Replace(doc, changes[i], changes[i+1], 1)
		}
		file := filepath.Join(t.TempDir(), "draft.yaml") // JSON is YAML
		if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	same := draft()
	minor := draft(`"version":"2025-10"`, `"version":"2026-04"`, `"id":"CALL-01/call","keep":"P6M"`, `"id":"CALL-01/call","keep":"P3M"`)
	major := draft(`"version":"2025-10"`, `"version":"2026-04"`, `For responding to customer opinions, wishes, and inquiries.`, `For responding to customer opinions, and for sales calls.`)
	for _, x := range []struct {
		args  []string
		code  int
		has   string
		major bool
	}{
		{[]string{same}, 0, "Nothing is changed.", false},
		{[]string{minor}, 0, "period   changed  /purposes/CALL-01/retention/CALL-01~1call/keep  P6M      P3M", false},
		{[]string{major}, 0, "people are told first", true},
		{[]string{minor, minor}, 0, "Nothing is changed.", false},
		{[]string{minor, major}, 0, "a major change", true},
		{[]string{"no-such-file"}, 1, "", false},
		{nil, 2, "", false},
		{[]string{same, minor, major}, 2, "", false},
	} {
		out, code := e.daicho(append([]string{"policy", "diff"}, x.args...)...)
		if code != x.code || !strings.Contains(out, x.has) {
			t.Errorf("diff %d files: exit %d, want %d; %.400s", len(x.args), code, x.code, out)
		}
		if code != 0 {
			continue
		}
		d := asked[policy.Difference](e, append([]string{"policy", "diff"}, x.args...)...)
		if d.Major() != x.major || x.major && d.Notice[0] != "SVC-08" {
			t.Errorf("%s: told first of %v", x.has, d.Notice)
		}
	}
}
