package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	unit    = "systemd/daicho.service"
	overTLS = "systemd/daicho.service.d/tls.conf"

	onPostgres = "systemd/daicho.service.d/postgres.conf"
)

// starts are the arguments of a unit with its drop-ins: of the last ExecStart, which is the one that counts, with its variables as they were
// set last.
func starts(t testing.TB, paths ...string) []string {
	t.Helper()
	set := map[string]string{}
	var args []string
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(string(b), "\n") {
			if command, ok := strings.CutPrefix(line, "ExecStart=/usr/bin/daicho "); ok {
				args = strings.Fields(command)
			}
			if quoted, ok := strings.CutPrefix(line, "Environment="); ok {
				name, value, _ := strings.Cut(strings.Trim(quoted, `"`), "=")
				set[name] = value
			}
		}
	}
	return strings.Fields(os.Expand(strings.Join(args, " "), func(name string) string { return set[name] }))
}

// systemd itself finds nothing wrong with the unit, and little that it could still do.
func TestUnitIsAsSystemdWantsIt(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		missing(t, "systemd-analyze")
	}
	for _, files := range [][]string{{unit}, {unit, overTLS}, {unit, onPostgres}, {unit, overTLS, onPostgres}} {
		dir := t.TempDir()
		for _, f := range files {
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
	for scheme, files := range map[string][]string{"http://": {unit}, "https://": {unit, overTLS}} {
		p := newPlace(t)
		var as *syscall.Credential
		if os.Getuid() == 0 {
			as = &syscall.Credential{Uid: 65532, Gid: 65532}
			p.shell("chmod 711 . ..; chown 65532:65532 data; chmod 750 secrets; chmod 440 secrets/*; chown -R 0:65532 secrets")
		}
		p.serve(starts(t, files...), as, "%S/daicho", p.dir+"/data", "%d", p.dir+"/secrets")
		if status, body := p.get("/healthz"); status != 200 || !strings.HasPrefix(p.url, scheme) {
			t.Errorf("%s: /healthz at %s: %d %s", files, p.url, status, body)
		}
		p.stop()
	}
}
