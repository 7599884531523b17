package policies

import (
	"bytes"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/events/policy"
)

// A reason that people were not told of widens a purpose (APPI 21(3)); one that stands twice, has no name or lacks a language is a mistake.
func TestS65_Reasons(t *testing.T) {
	shipped := Default()
	with := func(first string) *policy.Catalogue {
		t.Helper()
		c, err := policy.Parse(bytes.Replace(shipped.JSON(), []byte(`"reasons":[`), []byte(`"reasons":[`+first+`,`), 1))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	const labels = `"label":{"en":"x","ja":"x","zh-Hant":"x","ko":"x"}`
	for first, what := range map[string]string{`{"id":"quality",` + labels + `}`: "duplicate", `{"id":"",` + labels + `}`: "id_missing", `{"id":"r","label":{"en":"x"}}`: "language"} {
		said := ""
		for _, f := range policy.Lint(with(first)) {
			if strings.Contains(f.Path, "/reasons/") {
				said += f.Rule + " "
			}
		}
		if !strings.Contains(said, what) {
			t.Errorf("of %s the linter says %q", first, said)
		}
	}
	more := with(`{"id":"marketing",` + labels + `}`)
	if d := policy.Diff(shipped, more); !d.Major() {
		t.Errorf("another reason is no major change: %+v", d)
	}
	if d := policy.Diff(more, shipped); d.Major() {
		t.Errorf("a reason less is a major change: %+v", d)
	}
}
