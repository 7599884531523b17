package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/services/api"
	"github.com/daicho-dev/daicho/services/metrics"
)

func TestCommands(t *testing.T) {
	lines := year(t)[:600]
	file := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(file, []byte(join(lines)), 0o600); err != nil {
		t.Fatal(err)
	}
	e := startRaced(t, t.TempDir())
	for _, c := range []struct {
		args []string
		code int
		has  string
	}{
		{[]string{"emit", file, "--output", "json"}, 0, `"sent": 600`},
		{[]string{"emit", "no-such-file"}, 1, ""},
		{[]string{"person", "find", subject}, 0, "person"},
		{[]string{"person", "find", "rental:nobody"}, 1, ""},
		{[]string{"dossier", subject, "--purpose", "DSR-01"}, 0, "남 소정"},
		{[]string{"dossier", subject, "--sealed", "-o", "json"}, 0, `"records": [`},
		{[]string{"dossier", subject}, 1, ""},
		{[]string{"due", "--by", "2099-12-31", "-o", "csv"}, 0, "SVC-01"},
		{[]string{"due", "--by", "soon"}, 1, ""},
		{[]string{"majority", "--by", "2040-01"}, 0, "asks alone"},
		{[]string{"majority", "--by", "soon"}, 1, ""},
		{[]string{"token", "create", "--role", "compliance", "--holder", "staff:hr", "--wall", "personnel"}, 0, "daicho_"},
		{[]string{"token", "create", "--role", "compliance", "--holder", "staff:hr", "--wall", "moon"}, 1, ""},
		{[]string{"calendar"}, 0, "2026-"},
		{[]string{"impact", "--location", "parcel", "--from", "2025-10-01", "--to", "2026-10-01"}, 0, "sha256:"},
		{[]string{"impact", "--location", "parcel", "--from", "2025-10-01", "--to", "2026-10-01", "--list", "ndjson"}, 0, `"contactable":true`},
		{[]string{"impact", "--location", "nowhere", "--from", "2025-10-01", "--to", "2026-10-01"}, 1, ""},
		{[]string{"impact", "--location", "parcel", "--from", "x", "--to", "y"}, 2, ""},
		{[]string{"replay", "--type", "transferred"}, 0, "transferred"},
		{[]string{"models", "status"}, 0, "retention"},
		{[]string{"models", "rebuild", "retention"}, 0, ""},
		{[]string{"policy", "lint"}, 0, ""},
		{[]string{"policy", "show"}, 0, "SVC-01"},
		{[]string{"obligations", "S33", "-o", "json"}, 0, `"S33"`},
		{[]string{"obligations", "s33", "S1", "-o", "json"}, 0, `"S33"`},
		{[]string{"obligations", "S90"}, 2, ""},
		{[]string{"obligations", "s1", "-o", "csv"}, 0, "S1,kept,"},
		{[]string{"verify"}, 0, "true"},
		{[]string{"token", "list"}, 0, "compliance"},
		{[]string{"token", "create", "--role", "auditor", "--holder", "staff:x"}, 0, "daicho_"},
		{[]string{"nonsense"}, 2, ""},
		{[]string{"hold", "nonsense"}, 2, ""},
		{[]string{"models", "nonsense", "--data", "x"}, 2, ""},
		{[]string{"models"}, 0, "status"},
		{[]string{"due", "--nonsense"}, 2, ""},
		{[]string{"emit"}, 2, ""},
		{[]string{"models", "status", "-o", "xml"}, 2, ""},
	} {
		out, code := e.daicho(c.args...)
		if code != c.code || !strings.Contains(out, c.has) {
			t.Errorf("daicho %s: exit %d, want %d; output %.300s", strings.Join(c.args, " "), code, c.code, out)
		}
	}
	out, _ := e.daicho("obligations", "-o", "json")
	var all []contracts.Obligation
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 89 {
		t.Errorf("%d obligations (%v), want 89", len(all), err)
	}
	for _, o := range all {
		if o.State == "kept" && len(o.Evidence) == 0 {
			t.Errorf("%s is kept without evidence", o.ID)
		}
	}
	e.stop()
	if _, err := os.Stat(filepath.Join(e.dir, "engine.json")); !os.IsNotExist(err) {
		t.Error("a clean stop leaves engine.json behind")
	}
	if _, code := e.daicho("models", "status"); code != 1 {
		t.Error("a question to no engine is not an error")
	}
}

func join(lines [][]byte) string {
	var b strings.Builder
	for _, l := range lines {
		b.Write(l)
		b.WriteByte('\n')
	}
	return b.String()
}

func TestOutsideAddressNeedsTLS(t *testing.T) {
	out, err := exec.Command(binary, "serve", "--data", t.TempDir(), "--listen", "0.0.0.0:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--tls-cert") {
		t.Errorf("listening on every address in the clear: %v %s", err, out)
	}
}

// The document that /openapi.json serves lists the endpoints that there are.
func TestRoutesEqualTheOpenAPIDocument(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(contracts.OpenAPI, &doc); err != nil {
		t.Fatal(err)
	}
	var documented, served []string
	for path, methods := range doc.Paths {
		for m := range methods {
			if m != "parameters" && m != "description" && m != "summary" {
				documented = append(documented, strings.ToUpper(m)+" "+path)
			}
		}
	}
	for _, r := range api.New(nil, zerolog.Nop(), metrics.New().Handler()).Routes() {
		served = append(served, r.Method+" "+r.Path)
	}
	slices.Sort(documented)
	slices.Sort(served)
	if !slices.Equal(documented, served) {
		t.Errorf("documented:\n%s\nserved:\n%s", strings.Join(documented, "\n"), strings.Join(served, "\n"))
	}
}

// S4: the registers of the management system can be asked for: purposes, processing, recipients, datasets; and those that are not there yet are
// a gap that names them.
func TestS4_TheRegistersCanBeAsked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(file, []byte(join(year(t)[:200])), 0o600); err != nil {
		t.Fatal(err)
	}
	e := start(t, t.TempDir())
	if _, code := e.daicho("emit", file); code != 0 {
		t.Fatal("the events were not sent")
	}
	for _, c := range []struct {
		args []string
		has  string
	}{
		{[]string{"policy", "show", "-o", "json"}, `"SVC-01"`},
		{[]string{"register", "-o", "json"}, `"SVC-01"`},
		{[]string{"recipients", "list", "-o", "json"}, `"parcel"`},
		{[]string{"dataset", "list", "-o", "json"}, `[`},
	} {
		if out, code := e.daicho(c.args...); code != 0 || !strings.Contains(out, c.has) {
			t.Errorf("daicho %s: exit %d: %.300s", strings.Join(c.args, " "), code, out)
		}
	}
	o := asked[[]contracts.Obligation](e, "obligations", "S4")
	if len(o) != 1 || o[0].State != "gap" || !slices.ContainsFunc(o[0].Caveats, func(c string) bool { return strings.Contains(c, "requests and incidents") }) {
		t.Errorf("%+v", o)
	}
}
