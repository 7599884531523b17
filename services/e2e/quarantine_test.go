package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
)

// What came too early is refused, seen, and sent again when its cause is mended, from the command line.
func TestQuarantineIsMended(t *testing.T) {
	e := start(t, t.TempDir())
	emit := func(line string) {
		t.Helper()
		if _, err := send(e.as("admin"), [][]byte{[]byte(line)}, 1); err != nil {
			t.Fatal(err)
		}
	}
	listed := func() (all []contracts.QuarantineItem) {
		t.Helper()
		out, code := e.daicho("quarantine", "list", "--output", "json")
		if err := json.Unmarshal([]byte(out), &all); err != nil || code != 0 {
			t.Fatalf("%d %s", code, out)
		}
		if strings.Contains(out, "canary") || strings.Contains(out, "C-000777") {
			t.Errorf("the list shows %s", out)
		}
		return all
	}
	emit(`{"specversion":"1.0","id":"canary-2","source":"/rental/web","type":"daicho.corrected.v1","subject":"rental:C-000777","time":"2026-10-01T03:00:02Z","data":{"record":"canary-k","value":"canary-value"}}`)
	all := listed()
	if len(all) != 1 || all[0].Rule != "person_unknown" || all[0].Source != "/rental/web" {
		t.Fatalf("%+v", all)
	}
	if out, code := e.daicho("quarantine", "list", "--values"); code != 1 || strings.Contains(out, "canary") {
		t.Errorf("without a purpose: %d %s", code, out)
	}
	if _, code := e.daicho("quarantine", "list", "--purpose", "DSR-01"); code != 2 {
		t.Errorf("a purpose of no look: %d", code)
	}
	if out, code := e.daicho("quarantine", "list", "--values", "--purpose", "DSR-01", all[0].ID); code != 0 || !strings.Contains(out, "canary-value") {
		t.Errorf("a look: %d %s", code, out)
	}
	if out, code := e.daicho("replay", "--type", "quarantine_read"); code != 0 || strings.Count(out, "quarantine_read") != 1 {
		t.Errorf("the look in the log: %d %s", code, out)
	}
	if out, code := e.daicho("quarantine", "resend", all[0].ID); code != 1 || !strings.Contains(out, "person_unknown") {
		t.Errorf("before it is mended: %d %s", code, out)
	}
	if _, code := e.daicho("quarantine", "resend"); code != 2 {
		t.Errorf("nothing to send again: %d", code)
	}
	emit(`{"specversion":"1.0","id":"canary-1","source":"/rental/web","type":"daicho.collected.v1","subject":"rental:C-000777","time":"2026-10-01T03:00:00Z","data":{"records":[{"key":"canary-k","category":"pd:Name","value":"canary-first"}],"purposes":[{"id":"SVC-01","basis":"contract"}],"operation":"rental","location":"rental-db","channel":"counter","notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"customer","country":"JP"}}}`)
	if out, code := e.daicho("quarantine", "resend", "--rule", "person_unknown"); code != 0 || !strings.Contains(out, "recorded") {
		t.Errorf("mended: %d %s", code, out)
	}
	if all := listed(); len(all) != 0 {
		t.Errorf("it is still there: %+v", all)
	}
	if out, _ := e.daicho("dossier", "rental:C-000777", "--purpose", "DSR-01"); !strings.Contains(out, "canary-value") {
		t.Errorf("the dossier shows %s", out)
	}
	e.verified()
	e.stop()
	if strings.Contains(e.out.String(), "canary") {
		t.Errorf("the engine's output holds clear text:\n%s", e.out)
	}
}
