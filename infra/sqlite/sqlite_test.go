package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/placetest"
)

func TestContract(t *testing.T) {
	dirs := map[*testing.T]string{}
	placetest.Test(t, placetest.Adapter{New: func(t *testing.T, name string) contracts.Place {
		if dirs[t] == "" {
			dirs[t] = t.TempDir()
		}
		return File(filepath.Join(dirs[t], "models", name+".db"))
	}})
}
