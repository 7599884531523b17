package jetstream

import (
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/logtest"
)

func TestEmbedded(t *testing.T) {
	var dir string
	var now *Log
	open := func(t *testing.T) contracts.Log {
		l, err := Embedded(t.Context(), dir, Options{Logf: t.Logf})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(l.Close)
		now = l
		return l
	}
	logtest.Test(t, logtest.Adapter{
		Open:   func(t *testing.T) contracts.Log { dir = t.TempDir(); return open(t) },
		Reopen: func(t *testing.T) contracts.Log { now.Close(); return open(t) },
	})
}

func TestOutside(t *testing.T) {
	var now *Log
	var url string
	open := func(t *testing.T) contracts.Log {
		l, err := Connect(t.Context(), url, Options{Logf: t.Logf})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(l.Close)
		now = l
		return l
	}
	logtest.Test(t, logtest.Adapter{
		Open: func(t *testing.T) contracts.Log {
			server, err := Embedded(t.Context(), t.TempDir(), Options{Listen: "127.0.0.1:0"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(server.Close)
			url = server.Address()
			return open(t)
		},
		Reopen: func(t *testing.T) contracts.Log { now.Close(); return open(t) },
	})
}
