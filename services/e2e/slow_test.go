package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// brake slows the disk down for processes that are started within it, by the kernel's control groups.
type brake struct {
	t      *testing.T
	group  string // a folder
	device string
}

func newBrake(t *testing.T, dir string) *brake {
	t.Helper()
	var s syscall.Stat_t
	if err := syscall.Stat(dir, &s); err != nil {
		t.Fatal(err)
	}
	b := &brake{t: t, group: filepath.Join("/sys/fs/cgroup/blkio", "daicho-e2e-"+strconv.Itoa(os.Getpid()))}
	b.device = fmt.Sprintf("%d:%d", unix.Major(s.Dev), unix.Minor(s.Dev))
	err := os.Mkdir(b.group, 0o700)
	if err == nil {
		t.Cleanup(func() { // as soon as nobody is left in it
			eventually(t, "the control group to be removed", func() error { return syscall.Rmdir(b.group) })
		})
		err = b.limit(1000)
	}
	if err != nil {
		t.Skipf("SKIPPED, NOTHING WAS TESTED: the disk cannot be slowed down here (%v); it takes root, a disk, and control groups of version 1", err)
	}
	return b
}

// limit lets so many writes through in a second; 0: all.
func (b *brake) limit(writes int) error {
	return os.WriteFile(filepath.Join(b.group, "blkio.throttle.write_iops_device"), fmt.Appendf(nil, "%s %d", b.device, writes), 0)
}

func (b *brake) to(writes int) {
	b.t.Helper()
	if err := b.limit(writes); err != nil {
		b.t.Fatal(err)
	}
}

// The disk becomes slow, and then as good as stands still until the engine is killed there; nothing is lost and nothing is recorded twice, and
// what stands at the end is what an undisturbed run gives.
func TestASlowDiskLosesNothing(t *testing.T) {
	long(t, "a slow disk takes its time")
	dir := t.TempDir()
	brake := newBrake(t, dir)
	lines := year(t)[:1200]
	ids, asOf, want := undisturbed(t, lines)

	brake.to(0)
	e := &engine{t: t, path: binary, dir: dir, out: &output{}, within: []string{"sh", "-c", `echo $$ > "$0"/cgroup.procs && exec "$@"`, brake.group}}
	e.launch()
	t.Cleanup(func() { brake.to(0); e.kill() })
	e.ready()
	tell := func(lines [][]byte) time.Duration {
		t.Helper()
		began := time.Now()
		if _, err := send(e.as("admin"), lines, 20); err != nil {
			t.Fatal(err)
		}
		return time.Since(began)
	}
	fast := tell(lines[:400])
	brake.to(100)
	slow := tell(lines[400:800])
	t.Logf("400 lines take %v, and %v on a slow disk", fast, slow)
	if slow < 3*fast {
		t.Error("too little happened: the slow disk is hardly slower")
	}
	brake.to(1)
	c, answered := e.as("admin"), 800
	c.HTTP = &http.Client{Timeout: 5 * time.Second}
	for answered < 1000 {
		if _, err := send(c, lines[answered:answered+20], 20); err != nil {
			break
		}
		answered += 20
	}
	t.Logf("%d lines were answered while the disk stood still", answered-800)
	if answered == 1000 {
		t.Error("too little happened: a disk that stands still takes everything")
	}
	_ = e.cmd.Process.Kill()
	brake.to(0) // who waits for a disk does not end before
	e.kill()
	e.again()
	if n, err := send(e.as("admin"), lines[:answered], 500); err != nil || n.Recorded != 0 {
		t.Errorf("of what was answered, %d lines are recorded anew (%v)", n.Recorded, err)
	}
	if _, err := send(e.as("admin"), lines[answered:], 500); err != nil {
		t.Fatal(err)
	}
	e.grown()
	if got := normal(t, e, ids, asOf, true); !bytes.Equal(got, want) {
		t.Errorf("the end state differs from an undisturbed run's:\n%s", differ(want, got))
	}
	e.verified()
}
