package e2e

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
)

// A review and what comes of it, from the command line: recorded, listed, read after the look is recorded; refusals say why. Nothing that was
// written is in the clear on disk, and a start later everything is there.
func TestS5_S6_S26_S27_ReviewsFromTheCommandLine(t *testing.T) {
	e := startRaced(t, t.TempDir())
	soon := time.Now().AddDate(0, 1, 0).Format(time.DateOnly)
	for _, c := range []struct {
		args []string
		code int
		has  string
	}{
		{[]string{"review", "list"}, 0, "Expectations of the public"},
		{[]string{"review", "record", "--subject", "law", "--subject", "system", "--outcome", "improve", "--note", "canary-minutes 議事録", "--id", "mr-1"}, 0, "mr-1"},
		{[]string{"review", "record", "--subject", "law", "--subject", "system", "--outcome", "improve", "--note", "x", "--id", "mr-1"}, 1, ""},
		{[]string{"review", "record", "--subject", "moon", "--outcome", "adequate", "--note", "x"}, 1, ""},
		{[]string{"review", "record", "--note", "x", "--note-file", "y"}, 2, ""},
		{[]string{"review", "plan", "--subject", "technology", "--reason", "incident", "--due", soon, "--id", "mr-2"}, 0, "recorded"},
		{[]string{"improvement", "open", "--cause", "review:mr-1", "--due", soon, "--note", "canary-todo", "--id", "ia-1"}, 0, "ia-1"},
		{[]string{"improvement", "open", "--cause", "review:mr-9", "--due", soon, "--note", "x"}, 1, ""},
		{[]string{"improvement", "complete", "ia-1"}, 1, ""},
		{[]string{"improvement", "complete", "ia-1", "--evidence", "canary-proof", "--by", "staff:canary-clerk"}, 0, "recorded"},
		{[]string{"improvement", "drop", "ia-1", "--note", "x"}, 1, ""},
		{[]string{"improvement", "open", "--cause", "audit", "--due", soon, "--note", "x", "--id", "ia-2"}, 0, "ia-2"},
		{[]string{"improvement", "list", "--overdue", "-o", "json"}, 0, `"overdue": 0`},
		{[]string{"improvement", "list", "--overdue", "--state", "open"}, 2, ""},
		{[]string{"improvement", "list", "-o", "csv"}, 0, "ia-1,review mr-1,completed"},
		{[]string{"improvement", "show", "ia-1"}, 0, "completed"},
		{[]string{"improvement", "show", "ia-1", "--read"}, 0, "canary-proof"},
		{[]string{"improvement", "show", "ia-9"}, 1, ""},
		{[]string{"review", "show", "mr-1"}, 0, "action ia-1"},
		{[]string{"review", "show", "mr-1", "--read"}, 0, "canary-minutes 議事録"},
		{[]string{"review", "show", "mr-1", "--read", "--role", "auditor"}, 1, ""},
		{[]string{"obligations", "S26"}, 0, "kept"},
		{[]string{"obligations", "S5"}, 0, "gap"},
		{[]string{"verify"}, 0, "true"},
	} {
		out, code := e.daicho(c.args...)
		if code != c.code || !strings.Contains(out, c.has) {
			t.Errorf("daicho %s: exit %d, want %d; output %.300s", strings.Join(c.args, " "), code, c.code, out)
		}
	}
	before := asked[contracts.ReviewList](e, "review", "list")
	e.stop()
	if err := filepath.WalkDir(e.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte("canary-")) || bytes.Contains(b, []byte("議事録")) {
			t.Errorf("%s holds clear words of a review", filepath.Base(path))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	e.again()
	after := asked[contracts.ReviewList](e, "review", "list")
	if len(after.Reviews) != 2 || len(after.Cycles) != 5 || !after.Reviews[1].Held.Equal(*before.Reviews[1].Held) || after.Reviews[1].By != before.Reviews[1].By {
		t.Errorf("a start later: %+v, before: %+v", after, before)
	}
	e.verified()
}
