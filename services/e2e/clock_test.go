package e2e

import (
	"bytes"
	bin "encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
)

// stepped is what time.Now adds to the machine's clock: seconds that a file holds, of which a test may change its mind at any time. As when a
// real clock is set, what has been measured since a moment is not moved.
const stepped = `package time

import (
	"syscall"
	"unsafe"
)

var step = func() *int64 {
	path, _ := syscall.Getenv("DAICHO_E2E_STEP")
	var b []byte
	fd, err := syscall.Open(path, syscall.O_RDONLY, 0)
	if err == nil {
		b, err = syscall.Mmap(fd, 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	}
	if err != nil {
		_, _ = syscall.Write(2, []byte("the file of DAICHO_E2E_STEP cannot be read\n"))
		syscall.Exit(1)
	}
	return (*int64)(unsafe.Pointer(&b[0]))
}()

func stepped() int64 { return *step }
`

// clocked builds the engine on Go's own time package with a clock that can be set: the whole process goes by it, an embedded log too.
func clocked(t *testing.T) (path string) {
	t.Helper()
	long(t, "all that the engine is made of is built anew with another clock, which takes minutes")
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	pkg := filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	source, err := os.ReadFile(filepath.Join(pkg, "time.go"))
	if err != nil {
		t.Fatal(err)
	}
	const now = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	if bytes.Count(source, []byte(now)) != 1 {
		t.Fatal("Go's time.Now is made in another way than this test knows")
	}
	dir := t.TempDir()
	own := map[string]string{}
	for name, text := range map[string]string{"time.go": strings.Replace(string(source), now, now+"\tsec += stepped()\n", 1), "stepped.go": stepped} {
		own[filepath.Join(pkg, name)] = filepath.Join(dir, name)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": own})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "daicho")
	if out, err := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", path, "github.com/daicho-dev/daicho/services/cmd/daicho").CombinedOutput(); err != nil {
		t.Fatalf("building the binary: %v\n%s", err, out)
	}
	return path
}

// The engine's clock is set back and forth while events come in, also between an end and the next start: recorded times never decrease, and
// what stands at the end is what an undisturbed run gives.
func TestAClockSetBackLosesNothing(t *testing.T) {
	path := clocked(t)
	lines := year(t)[:2000]
	ids, asOf, want := undisturbed(t, lines)

	clock, err := os.Create(filepath.Join(t.TempDir(), "step"))
	if err != nil {
		t.Fatal(err)
	}
	defer clock.Close()
	set := func(step time.Duration) {
		t.Helper()
		if _, err := clock.WriteAt(bin.NativeEndian.AppendUint64(nil, uint64(int64(step/time.Second))), 0); err != nil {
			t.Fatal(err)
		}
	}
	set(0)
	env := "DAICHO_E2E_STEP=" + clock.Name()
	e := startBinary(t, path, t.TempDir(), env)
	const day = 24 * time.Hour
	for i, step := range []time.Duration{0, -time.Second, -time.Hour, 5 * time.Minute, -3 * day, -3 * day, -3*day - time.Minute, time.Hour, -10 * time.Minute, 0} {
		set(step)
		if i == 4 || i == 6 || i == 8 { // a start while the log's last time lies ahead
			e.kill()
			e.again(env)
		}
		if _, err := send(e.as("admin"), lines[i*200:(i+1)*200], 40); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := send(e.as("admin"), lines, 1000); err != nil || n.Recorded != 0 {
		t.Errorf("sent again: %+v (%v)", n, err)
	}
	var last time.Time
	at, still := 0, 0
	if err := e.as("admin").Replay(t.Context(), contracts.ReplayQuestion{}, func(r contracts.Recorded) error {
		if at++; r.Recorded.Before(last) {
			t.Errorf("event %d of the log is recorded %v before the one ahead of it", at, last.Sub(r.Recorded))
		} else if r.Recorded.Equal(last) {
			still++
		}
		last = r.Recorded
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if still < 1000 || time.Until(last) < 50*time.Minute { // of 2,000, 1,600 came in while the clock was behind the log
		t.Errorf("too little happened: of %d events %d have the time of the one before, and the last one's lies %v ahead", at, still, time.Until(last))
	}
	e.grown(env)
	if got := normal(t, e, ids, asOf, true); !bytes.Equal(got, want) {
		t.Errorf("the end state differs from an undisturbed run's:\n%s", differ(want, got))
	}
	e.verified()
}
