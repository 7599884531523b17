package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/client"
)

// The binary under test; and the same with the race detector, where the tests run with it. The long comparisons take the first, since a
// race of theirs would show in the second as well.
var binary, raced string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "daicho-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		defer on.until.end()
		if err := on.begin(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if binary = os.Getenv("DAICHO_E2E_BINARY"); binary != "" { // one that is built already
			raced = binary
			return m.Run()
		}
		binary, raced = filepath.Join(dir, "daicho"), filepath.Join(dir, "daicho")
		builds := [][]string{{"build", "-o", binary}}
		if raceEnabled {
			raced = filepath.Join(dir, "daicho-race")
			builds = append(builds, []string{"build", "-race", "-o", raced})
		}
		for _, args := range builds {
			if out, err := exec.Command("go", append(args, "github.com/daicho-dev/daicho/services/cmd/daicho")...).CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "building the binary: %v\n%s", err, out)
				return 1
			}
		}
		return m.Run()
	}())
}

// engine is a running `daicho serve`.
type engine struct {
	t      testing.TB
	path   string
	dir    string
	log    string // what --log is given; empty: the backend's
	vault  string // what --vault is given by the backend; empty: nothing
	args   []string
	within []string     // the command that runs it; empty: it is run itself
	http   *http.Client // who reaches it; nil: anybody
	cmd    *exec.Cmd    // nil: it has not been launched
	out    *output
	url    string
	done   chan error
}

// output is what engines print, kept over restarts: nothing in it may name anybody.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// start runs an engine on a folder, and waits until it is ready.
func start(t testing.TB, dir string, env ...string) *engine {
	t.Helper()
	return startBinary(t, binary, dir, env...)
}

// startRaced is start with the race detector, where there is one.
func startRaced(t testing.TB, dir string) *engine {
	t.Helper()
	return startBinary(t, raced, dir)
}

func startBinary(t testing.TB, path, dir string, env ...string) *engine {
	t.Helper()
	e := &engine{t: t, path: path, dir: dir, out: &output{}}
	e.launch(env...)
	e.ready()
	t.Cleanup(e.kill)
	return e
}

// startOn runs an engine on a log elsewhere.
func startOn(t testing.TB, log string) *engine {
	t.Helper()
	e := &engine{t: t, path: binary, dir: t.TempDir(), log: log, out: &output{}}
	e.launch()
	e.ready()
	t.Cleanup(e.kill)
	return e
}

// startWith runs an engine with more flags.
func startWith(t testing.TB, args ...string) *engine {
	t.Helper()
	e := &engine{t: t, path: binary, dir: t.TempDir(), args: args, out: &output{}}
	e.launch()
	e.ready()
	t.Cleanup(e.kill)
	return e
}

func (e *engine) launch(env ...string) {
	e.t.Helper()
	if e.cmd == nil {
		on.place(e)
	} else {
		e.lasts()
	}
	_ = os.Remove(filepath.Join(e.dir, "engine.json"))
	command := slices.Concat(e.within, []string{e.path, "serve", "--data", e.dir, "--listen", "127.0.0.1:0"})
	e.cmd = exec.Command(command[0], command[1:]...)
	if e.log != "" {
		e.cmd.Args = append(e.cmd.Args, "--log", e.log)
	}
	e.cmd.Args = append(e.cmd.Args, e.args...)
	e.cmd.Stdout, e.cmd.Stderr = e.out, e.out
	e.cmd.Env = append(os.Environ(), env...)
	if err := e.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	e.done = make(chan error, 1)
	cmd, done := e.cmd, e.done
	go func() { done <- cmd.Wait() }()
}

func (e *engine) ready() {
	e.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for time.Now().Before(deadline) {
		select {
		case err := <-e.done:
			e.done <- err
			e.t.Fatalf("the engine ended (%v):\n%s", err, e.out)
		default:
		}
		if e.listens() == nil && e.as("admin").Ready(context.Background()) == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	e.t.Fatalf("the engine is not ready after a minute:\n%s", e.out)
}

// listens says whether it does yet, ready or not.
func (e *engine) listens() error {
	b, err := os.ReadFile(filepath.Join(e.dir, "engine.json"))
	if err != nil {
		return err
	}
	var f struct{ URL string }
	if err := json.Unmarshal(b, &f); err != nil || f.URL == "" {
		return fmt.Errorf("engine.json is not whole yet (%w)", err)
	}
	e.url = f.URL
	return nil
}

// kill ends the engine as a power cut would.
func (e *engine) kill() {
	_ = e.cmd.Process.Kill()
	e.done <- <-e.done
}

// stop ends it the clean way.
func (e *engine) stop() {
	e.t.Helper()
	_ = e.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-e.done:
		e.done <- err
		if err != nil {
			e.t.Fatalf("a clean stop ended with %v:\n%s", err, e.out)
		}
	case <-time.After(60 * time.Second):
		e.t.Fatalf("the engine does not stop:\n%s", e.out)
	}
}

// again starts the engine anew on the same folder.
func (e *engine) again(env ...string) {
	e.t.Helper()
	e.launch(env...)
	e.ready()
}

// as is a client with a role's token.
func (e *engine) as(role string) *client.Client {
	b, _ := os.ReadFile(filepath.Join(e.dir, "tokens", role)) // there is none while it begins
	c := client.New(e.url, strings.TrimSpace(string(b)))
	if e.http != nil {
		c.HTTP = e.http
	}
	return c
}

// daicho runs a command on the engine's folder.
func (e *engine) daicho(args ...string) (stdout string, code int) {
	e.t.Helper()
	cmd := exec.Command(binary, append([]string{"--data", e.dir}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, e.out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		e.t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// long leaves a test out of the ordinary run, for what it takes.
func long(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("DAICHO_E2E_LONG") != "1" {
		t.Skipf("SKIPPED: %s; DAICHO_E2E_LONG=1 has it run", why)
	}
}

// year are the lines of a simulated year that other people's libraries made, in the order of time.
func year(t testing.TB) [][]byte {
	t.Helper()
	f, err := os.Open("testdata/year-1000.ndjson.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]byte
	sc := bufio.NewScanner(bytes.NewReader(b))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		lines = append(lines, bytes.Clone(sc.Bytes()))
	}
	return lines
}

// counts are what becomes of events.
type counts struct {
	Recorded  int            `json:"recorded"`
	Duplicate int            `json:"duplicate"`
	Refused   map[string]int `json:"refused"`
}

func (c *counts) add(all []contracts.Receipt) {
	if c.Refused == nil {
		c.Refused = map[string]int{}
	}
	for _, r := range all {
		switch r.Status {
		case contracts.StatusRecorded:
			c.Recorded++
		case contracts.StatusDuplicate:
			c.Duplicate++
		default:
			c.Refused[r.Rule]++
		}
	}
}

// all is how many were answered.
func (c *counts) all() int {
	n := c.Recorded + c.Duplicate
	for _, k := range c.Refused {
		n += k
	}
	return n
}

// send sends lines in batches; it stops at the first batch that is not answered.
func send(c *client.Client, lines [][]byte, batch int) (counts, error) {
	var n counts
	for len(lines) > 0 {
		k := min(batch, len(lines))
		receipts, err := c.Emit(context.Background(), append(bytes.Join(lines[:k], []byte("\n")), '\n'))
		if err != nil {
			return n, err
		}
		n.add(receipts)
		lines = lines[k:]
	}
	return n, nil
}

// fed is an engine that has been given lines, all of them answered.
func fed(t testing.TB, lines [][]byte) *engine {
	t.Helper()
	e := start(t, t.TempDir())
	if _, err := send(e.as("admin"), lines, 1000); err != nil {
		t.Fatal(err)
	}
	return e
}

// grown starts an engine anew, which looks at once for who has come of age meanwhile, and waits until it is told of everybody.
func (e *engine) grown(env ...string) {
	e.t.Helper()
	e.kill()
	e.again(env...)
	month := events.Month(time.Now().In(time.FixedZone("JST", 9*3600)).Format("2006-01"))
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		m, err := e.as("admin").Majority(context.Background(), contracts.MajorityQuestion{Limit: 10_000})
		if err != nil {
			e.t.Fatal(err)
		}
		if !slices.ContainsFunc(m.Items, func(i contracts.MajorityItem) bool { return i.Month < month && i.Told == nil }) {
			return
		}
		if time.Now().After(end) {
			e.t.Fatal("somebody of age is not told to be")
		}
	}
}

// verified has everything checked that can be.
func (e *engine) verified() {
	e.t.Helper()
	v, err := e.as("admin").Verify(context.Background())
	if err != nil {
		e.t.Fatal(err)
	}
	for _, c := range v.Checks {
		if !c.OK {
			e.t.Errorf("verify: %s (of %d): %s", c.Name, c.Count, c.Detail)
		}
	}
	if len(v.Checks) < 5 {
		e.t.Errorf("verify made only %d checks", len(v.Checks))
	}
}
