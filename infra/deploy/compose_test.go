package deploy

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// The compose file is one, by Compose's own loader and schema; what it starts, starts, speaks TLS, and keeps its root key apart from its data.
func TestComposeStartsTheEngine(t *testing.T) {
	p := newPlace(t)
	p.composed("compose.yaml")
	p.stop()
}

// composed starts what the compose files together start, and answers its arguments.
func (p *place) composed(files ...string) []string {
	t := p.t
	t.Helper()
	details := types.ConfigDetails{WorkingDir: "."}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		details.ConfigFiles = append(details.ConfigFiles, types.ConfigFile{Filename: f, Content: b})
	}
	project, err := loader.LoadWithContext(t.Context(), details)
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
	given := map[string]bool{}
	for _, x := range s.Secrets {
		if given[x.Source] = true; project.Secrets[x.Source].File == "" {
			t.Errorf("the secret %s comes from nowhere", x.Source)
		}
	}
	args := []string(s.Command)
	at := map[string]string{}
	for _, a := range args[1:] {
		name, value, _ := strings.Cut(a, "=")
		at[name] = value
		for _, file := range regexp.MustCompile(`/run/secrets/([^&]+)`).FindAllStringSubmatch(value, -1) {
			if !given[file[1]] {
				t.Errorf("%s names %s, which is no secret of the service", name, file[0])
			}
		}
	}
	if len(s.Volumes) != 1 || s.Volumes[0].Target != at["--data"] || strings.HasPrefix(at["--root-key"], at["--data"]) {
		t.Errorf("the data are not on the volume, or the root key is among them: %v", at)
	}
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
	return args
}
