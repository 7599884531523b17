package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const unit = "systemd/daicho.service"

// starts are the arguments of a unit's last ExecStart, which is the one that counts.
func starts(t testing.TB, path string) []string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var args []string
	for line := range strings.SplitSeq(string(b), "\n") {
		if command, ok := strings.CutPrefix(line, "ExecStart=/usr/bin/daicho "); ok {
			args = strings.Fields(command)
		}
	}
	return args
}

// systemd itself finds nothing wrong with the unit, and little that it could still do.
func TestUnitIsAsSystemdWantsIt(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		missing(t, "systemd-analyze")
	}
	dir := t.TempDir()
	for _, drop := range []string{"", "systemd/daicho.service.d/tls.conf"} {
		for _, f := range []string{unit, drop} {
			if f == "" {
				continue
			}
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			to := filepath.Join(dir, strings.TrimPrefix(f, "systemd/"))
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(to, []byte(strings.ReplaceAll(string(b), "/usr/bin/daicho", binary)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		at := filepath.Join(dir, "daicho.service")
		out, err := exec.Command(analyze, "verify", "--man=no", "--recursive-errors=no", at).CombinedOutput()
		if err != nil || strings.Contains(string(out), dir) {
			t.Errorf("systemd-analyze verify: %v\n%s", err, out)
		}
		if out, err := exec.Command(analyze, "security", "--offline=yes", "--threshold=15", at).CombinedOutput(); err != nil {
			t.Errorf("the unit may do more than it needs: %v\n%s", err, out)
		}
	}
}

// What the unit starts, starts, as another user, with a root key as systemd hands it over: root's, and readable by the group.
func TestUnitStartsTheEngine(t *testing.T) {
	for file, scheme := range map[string]string{unit: "http://", "systemd/daicho.service.d/tls.conf": "https://"} {
		p := newPlace(t)
		var as *syscall.Credential
		if os.Getuid() == 0 {
			as = &syscall.Credential{Uid: 65532, Gid: 65532}
			p.shell("chmod 711 . ..; chown 65532:65532 data; chmod 750 secrets; chmod 440 secrets/*; chown -R 0:65532 secrets")
		}
		p.serve(starts(t, file), as, "%S/daicho", p.dir+"/data", "%d", p.dir+"/secrets")
		if status, body := p.get("/healthz"); status != 200 || !strings.HasPrefix(p.url, scheme) {
			t.Errorf("%s: /healthz at %s: %d %s", file, p.url, status, body)
		}
		p.stop()
	}
}
