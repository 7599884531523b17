package policies

import (
	"testing"

	"github.com/daicho-dev/daicho/events/policy"
)

func TestShippedCatalogueHasNoErrors(t *testing.T) {
	for _, f := range policy.Lint(Default()) {
		if f.Severity == policy.Error {
			t.Errorf("%s %s: %s", f.Path, f.Rule, f.Text)
		} else {
			t.Logf("%s %s: %s", f.Path, f.Rule, f.Text)
		}
	}
}
