// Package deploy tests the files by which Daicho is run: that each can be read by those who read it, and says nothing that the binary does
// not know. It is a module of its own, outside the workspace, as what it reads them with is large and is no part of Daicho.
package deploy

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const house = "../.." // the top of the repository

var (
	binary string   // built as the Dockerfile says
	flags  []string // of `daicho serve`
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "daicho-deploy-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if err := build(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

// build runs the Dockerfile's own command, here.
func build(out string) error {
	b, err := os.ReadFile("Dockerfile")
	if err != nil {
		return err
	}
	run := regexp.MustCompile(`(?m)^RUN (?:--mount=\S+ ?)*\\\n\s*(.* go build .*)$`).FindSubmatch(b)
	if run == nil {
		return fmt.Errorf("the Dockerfile has no RUN with go build")
	}
	if err := os.Chmod(out, 0o755); err != nil { // others run it, too
		return err
	}
	binary = filepath.Join(out, "daicho")
	cmd := exec.Command("sh", "-c", strings.ReplaceAll(string(run[1]), "/out", out))
	cmd.Dir, cmd.Env = house, slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "GOWORK=") || strings.HasPrefix(s, "GOFLAGS=") })
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the Dockerfile's build: %v\n%s", err, b)
	}
	help, err := exec.Command(binary, "serve", "--help").Output()
	for _, f := range regexp.MustCompile(`(?m)^\s+(?:-\w, |    )(--[a-z-]+)`).FindAllSubmatch(help, -1) {
		flags = append(flags, string(f[1]))
	}
	if err != nil || len(flags) < 8 || !slices.Contains(flags, "--data") {
		return fmt.Errorf("the help of serve cannot be read: %v %v", err, flags)
	}
	return nil
}

// missing is for a test that needs what is not here: it skips loudly, and in CI fails.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("DAICHO_CI") == "1" {
		t.Fatalf("%s is not here, and DAICHO_CI=1", what)
	}
	t.Skipf("SKIPPED: %s is not here", what)
}

// known fails for arguments that `daicho serve` would not take.
func known(t testing.TB, args []string) {
	t.Helper()
	if len(args) < 2 || args[0] != "serve" {
		t.Fatalf("these arguments do not begin with serve: %v", args)
	}
	for _, a := range args[1:] {
		name, _, ok := strings.Cut(a, "=")
		if !ok || !slices.Contains(flags, name) {
			t.Errorf("%s is not --flag=value of a flag of daicho serve (%v)", a, flags)
		}
	}
}

// The image holds one file that needs nothing else, and the user that it runs as owns the data folder only.
func TestImageNeedsNothingElse(t *testing.T) {
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if libs, err := f.ImportedLibraries(); err != nil || len(libs) > 0 || f.Section(".interp") != nil {
		t.Errorf("the binary needs a loader or libraries: %v %v", libs, err)
	}
	b, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nUSER 65532:65532\n", "\nVOLUME /var/lib/daicho\n", "--chown=65532:65532 --chmod=0700 /out/data /var/lib/daicho\n", `ENTRYPOINT ["/usr/bin/daicho"]`} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("the Dockerfile lacks %q", want)
		}
	}
	cmd := regexp.MustCompile(`(?m)^CMD \["serve", "(--[a-z-]+)", "/var/lib/daicho"\]$`).FindSubmatch(b)
	if cmd == nil || !slices.Contains(flags, string(cmd[1])) {
		t.Error("the Dockerfile's CMD is not serve with a flag that there is, on the volume")
	}
}
