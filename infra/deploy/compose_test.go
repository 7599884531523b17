package deploy

import (
	"os"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// The compose file is one, by Compose's own loader and schema; what it starts, starts, speaks TLS, and keeps its root key apart from its data.
func TestComposeStartsTheEngine(t *testing.T) {
	b, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{WorkingDir: ".", ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: b}}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := project.GetService("daicho")
	if err != nil {
		t.Fatal(err)
	}
	if s.User != "65532:65532" || !s.ReadOnly || len(s.CapDrop) != 1 || s.CapDrop[0] != "ALL" || len(s.SecurityOpt) != 1 {
		t.Error("the container may do more than it needs")
	}
	for _, x := range s.Secrets {
		if project.Secrets[x.Source].File == "" {
			t.Errorf("the secret %s comes from nowhere", x.Source)
		}
	}
	args := []string(s.Command)
	at := map[string]string{}
	for _, a := range args[1:] {
		name, value, _ := strings.Cut(a, "=")
		at[name] = value
	}
	if len(s.Volumes) != 1 || s.Volumes[0].Target != at["--data"] || strings.HasPrefix(at["--root-key"], at["--data"]) {
		t.Errorf("the data are not on the volume, or the root key is among them: %v", at)
	}
	p := newPlace(t)
	p.serve(args, nil, "/var/lib/daicho", p.dir+"/data", "/run/secrets", p.dir+"/secrets")
	if !strings.HasPrefix(p.url, "https://") {
		t.Errorf("it serves at %s", p.url)
	}
	if status, body := p.get("/healthz"); status != 200 {
		t.Errorf("/healthz: %d %s", status, body)
	}
	if out := p.daicho("models status"); !strings.Contains(out, "dossier") {
		t.Errorf("a command from elsewhere answers %s", out)
	}
	p.stop()
}
