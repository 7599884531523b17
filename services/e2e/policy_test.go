package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A catalogue is looked at and published by the commands; one that is published already is refused, and only an admin publishes.
func TestS50_APolicyIsPublishedByCommand(t *testing.T) {
	e := start(t, t.TempDir())
	b, err := os.ReadFile("../../contracts/policies/telecomsquare.yaml")
	if err != nil {
		t.Fatal(err)
	}
	shipped := string(b)
	if strings.Count(shipped, "2025-10") == 0 {
		t.Fatal("the policy has another version now")
	}
	next := filepath.Join(t.TempDir(), "next.yaml")
	changes := filepath.Join(t.TempDir(), "changes.json")
	if err := os.WriteFile(next, []byte(strings.Replace(shipped, "version: \"2025-10\"", "version: \"2026-11\"", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(changes, []byte(`[{"text":{"ja":"変更","en":"A change"}}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, exit := e.daicho("policy", "what-if", next); exit != 0 || !strings.Contains(out, "2026-11 instead of 2025-10") {
		t.Errorf("what-if: %d %s", exit, out)
	}
	if out, exit := e.daicho("--role", "compliance", "policy", "publish", next); exit != 1 {
		t.Errorf("published by compliance: %d %s", exit, out)
	}
	if out, exit := e.daicho("policy", "publish", next, "--changes", changes); exit != 0 || !strings.Contains(out, "in_force") {
		t.Fatalf("publish: %d %s\n%s", exit, out, e.out)
	}
	changed := strings.NewReplacer("version: \"2025-10\"", "version: \"2100-01\"", "effective: \"2025-10-01\"", "effective: \"2100-01-04\"", "03-3239-3278", "03-0000-0000").Replace(shipped)
	if err := os.WriteFile(next, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, exit := e.daicho("policy", "publish", next, "--changes", changes); exit != 1 || !strings.Contains(e.out.String(), "do not tell what differs from version 2026-11") {
		t.Errorf("published with a list in two languages of four: %d %s", exit, out)
	}
	if err := os.WriteFile(changes, []byte(`[{"text":{"ja":"変更","en":"A change","zh-Hant":"變更","ko":"변경"}}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, exit := e.daicho("policy", "publish", next, "--changes", changes); exit != 0 || !strings.Contains(out, "announced") || !strings.Contains(out, "2100-01-04") {
		t.Errorf("announced: %d %s", exit, out)
	}
	all, err := e.as("admin").Policies(context.Background())
	if err != nil || len(all) != 3 || all[0].State != "replaced" || all[0].From != "2025-10-01" || all[1].Version != "2026-11" || all[1].State != "in_force" || all[2].State != "announced" || all[2].Changes != 1 {
		t.Errorf("%+v %v", all, err)
	}
	if out, exit := e.daicho("policy", "publish", next); exit != 1 {
		t.Errorf("published twice: %d %s", exit, out)
	}
}
