package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
)

// Sentences that nothing shows yet: of the incident's desk, the chain of integrity, and the desk of requests and complaints.
func awaited(id string) bool {
	n, err := strconv.Atoi(id[1:])
	return err != nil || n >= 16 && n <= 25 || n >= 76
}

// What a sentence of the demo's company lacks, and has to say so.
var lacks = map[string]string{
	"S2":  "request desk",
	"S3":  "S2",
	"S4":  "requests and incidents",
	"S12": "S73 (APPI 32(1)(1))",
	"S14": "S2 (GDPR",
	"S73": "representative",
}

// The tour of the real program shows every sentence of the policy kept with its evidence, or as a gap with the reason.
func TestTheDemoShowsEverySentence(t *testing.T) {
	tour := exec.Command(binary, "demo", "--people", "300")
	out, err := tour.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	tour.Stderr = os.Stderr
	if err := tour.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(5*time.Minute, func() { _ = tour.Process.Kill() })
	defer kill.Stop()
	told := regexp.MustCompile(`with its data in (\S+) \(`)
	dir := ""
	lines := bufio.NewScanner(out)
	for dir == "" && lines.Scan() {
		if m := told.FindStringSubmatch(lines.Text()); m != nil {
			dir = m[1]
		}
	}
	if dir == "" {
		t.Fatalf("the tour ended before its end: %v", tour.Wait())
	}
	said, err := exec.Command(binary, "--data", dir, "obligations", "--output", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []contracts.Obligation
	if err := json.Unmarshal(said, &all); err != nil || len(all) != 89 {
		t.Fatalf("%d sentences, %v", len(all), err)
	}
	for _, o := range all {
		counted := len(o.Evidence) > 0 && !slices.ContainsFunc(o.Evidence, func(e contracts.Evidence) bool { return e.Count == 0 || e.Since == nil })
		switch why, lacking := lacks[o.ID]; {
		case awaited(o.ID):
			if o.State != "unproved" || len(o.Caveats) == 0 {
				t.Errorf("%s is %s: %q", o.ID, o.State, o.Caveats)
			}
		case lacking:
			if o.State != "gap" || !slices.ContainsFunc(o.Caveats, func(c string) bool { return strings.Contains(c, why) }) {
				t.Errorf("%s is %s: %q", o.ID, o.State, o.Caveats)
			}
		case o.State != "kept" || !counted:
			t.Errorf("%s is %s: %+v %q", o.ID, o.State, o.Evidence, o.Caveats)
		}
	}
	if err := tour.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // to its end, so that it may write it
	}
	if err := tour.Wait(); err != nil {
		t.Errorf("the demo ends with %v", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Error("the demo left its data behind")
	}
}
