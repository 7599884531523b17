package eventstore

import (
	"os"
	"testing"

	"github.com/google/uuid"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/logtest"
	"github.com/daicho-dev/daicho/infra/eventstore/estest"
)

// suite runs the suite of every log, each test on a log that begin makes.
func suite(t *testing.T, begin func(t *testing.T) (address, name string)) {
	var address, name string
	var now *Log
	open := func(t *testing.T) contracts.Log {
		l, err := Connect(t.Context(), address, Options{Logf: t.Logf, Name: name})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(l.Close)
		now = l
		return l
	}
	logtest.Test(t, logtest.Adapter{
		Open:   func(t *testing.T) contracts.Log { address, name = begin(t); return open(t) },
		Reopen: func(t *testing.T) contracts.Log { now.Close(); return open(t) },
	})
}

// address is that of the server that DAICHO_ESDB names, or of one that speaks its protocol.
func address(t testing.TB) string {
	if a := os.Getenv("DAICHO_ESDB"); a != "" {
		return a
	}
	return estest.Start(t, estest.Options{}).URL()
}

func TestLog(t *testing.T) {
	a := address(t)
	suite(t, func(*testing.T) (string, string) { return a, "test-" + uuid.NewString() })
}
