package memlog_test

import (
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/logtest"
	"github.com/daicho-dev/daicho/contracts/memlog"
)

func TestLog(t *testing.T) {
	logtest.Test(t, logtest.Adapter{Open: func(*testing.T) contracts.Log { return memlog.New() }})
}
