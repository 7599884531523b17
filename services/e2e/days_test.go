package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
)

// A civil day is the company's, wherever the engine and the command run: the built-in policy counts its days in Tokyo.
func TestCivilDaysAreTheCompanys(t *testing.T) {
	t.Setenv("TZ", "America/New_York")
	e := begun(t, 2)
	for day, want := range map[string]string{
		"2026-04-01":                "2026-03-31T15:00:00Z",
		"2026-04-01T00:00:00-04:00": "2026-04-01T04:00:00Z", // a moment is what it says
	} {
		if d := asked[contracts.Dossier](e, "dossier", subject, "--sealed", "--as-of", day); d.AsOf.UTC().Format(time.RFC3339) != want {
			t.Errorf("as of %s is as of %s, want %s", day, d.AsOf, want)
		}
	}
	x := asked[contracts.Impact](e, "impact", "--location", "rental-db", "--from", "2025-10-02", "--to", "2025-10-03")
	if got := x.Scope.From.UTC().Format(time.RFC3339) + " " + x.Scope.To.UTC().Format(time.RFC3339); got != "2025-10-01T15:00:00Z 2025-10-02T15:00:00Z" {
		t.Errorf("a window of one day is %s", got)
	}
	// Collected at 02:37 UTC: in the morning of the same day in Tokyo, in the evening before in New York.
	d := asked[contracts.Dossier](e, "dossier", subject, "--sealed")
	out, code := e.daicho("explain", d.Records[0].ID)
	if code != 0 || !strings.Contains(out, "2025-10-02 11:37") || strings.Contains(out, "2025-10-01 22:37") {
		t.Errorf("exit %d: %s", code, out)
	}
	if _, code := e.daicho("dossier", subject, "--sealed", "--as-of", "yesterday"); code != 2 {
		t.Errorf("a day that is none: exit %d", code)
	}
}

// S50: why a record is still there says of each purpose what its day rests on, whether that is an assumption, and what would end it.
func TestS50_ExplainSaysWhatWouldLetARecordGo(t *testing.T) {
	e := begun(t, 2)
	d := asked[contracts.Dossier](e, "dossier", subject, "--sealed")
	var waiting string
	for _, r := range d.Records {
		if r.Category == "pd:EmailAddress" {
			waiting = r.ID
		}
	}
	x := asked[contracts.Explained](e, "explain", waiting)
	if len(x.Bindings) == 0 || !x.Bindings[0].Gap || x.Bindings[0].Due == "" || len(x.Bindings[0].Waiting) == 0 {
		t.Fatalf("the record does not wait for anything: %+v", x.Bindings)
	}
	out, code := e.daicho("explain", waiting)
	for _, has := range []string{x.Bindings[0].Due + ", by an assumption", "rests on", "waits for", string(x.Bindings[0].Waiting[0]), "gap"} {
		if code != 0 || !strings.Contains(out, has) {
			t.Errorf("exit %d, without %q:\n%s", code, has, out)
		}
	}
	if strings.Contains(out, "held for") {
		t.Errorf("nothing holds it:\n%s", out)
	}
	if _, code := e.daicho("hold", "place", "case-9", "--person", subject); code != 0 {
		t.Fatal("no hold was placed")
	}
	if out, _ := e.daicho("explain", waiting); !strings.Contains(out, "held for") || !strings.Contains(out, "case-9") {
		t.Errorf("what holds it is not told:\n%s", out)
	}
}

// begun is an engine that knows the first events of one person.
func begun(t *testing.T, n int) *engine {
	t.Helper()
	var lines [][]byte
	for _, l := range year(t) {
		if len(lines) < n && strings.Contains(string(l), `"`+subject+`"`) {
			lines = append(lines, l)
		}
	}
	file := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(file, []byte(join(lines)), 0o600); err != nil {
		t.Fatal(err)
	}
	e := start(t, t.TempDir())
	if _, code := e.daicho("emit", file); code != 0 {
		t.Fatal("the events were not sent")
	}
	return e
}
