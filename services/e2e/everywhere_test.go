package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/infra/postgres/pgtest"
)

// A few tests of every kind, that do not take long: events in and answers out over the whole year, keys destroyed, a look at the past,
// the quarantine, an attachment over power cuts.
var few = []string{
	"TestYearGivesItsCounts", "TestDeletedRecordCannotBeOpened", "TestValueDestroyedSinceIsNull", "TestQuarantineIsMended", "TestAttachment",
}

// A few tests on combinations of log and store that no other test is about; `go tool task test:everywhere` runs all tests on all combinations.
func TestAFewOnOtherLogsAndStores(t *testing.T) {
	if on.log != embedded || on.store != files {
		t.Skip("SKIPPED: all of this run is on another log or store already")
	}
	server := pgtest.Start(t).Database(t)
	for _, c := range [][2]string{{memory, files}, {divided, files}, {esdb, pg}, {cluster, pg}} {
		t.Run(c[0]+" "+c[1], func(t *testing.T) {
			run := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.timeout", "5m", "-test.run", "^("+strings.Join(few, "|")+")$")
			run.Env = append(os.Environ(), "DAICHO_E2E_LOG="+c[0], "DAICHO_E2E_STORE="+c[1], "DAICHO_E2E_BINARY="+binary, "DAICHO_POSTGRES="+server)
			out, err := run.CombinedOutput()
			if err != nil {
				t.Fatalf("%v:\n%s", err, out)
			}
			for _, name := range few {
				if !strings.Contains(string(out), "--- PASS: "+name+" ") && !(c[0] == memory && strings.Contains(string(out), "--- SKIP: "+name+" ")) {
					t.Errorf("%s was not run:\n%s", name, out)
				}
			}
		})
	}
}
