package jetstream

import (
	"fmt"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/logtest"
)

// divisions are the numbers of partitions that a log is tested with.
var divisions = []int{1, 3}

// divided runs a test on logs of several divisions.
func divided(t *testing.T, test func(t *testing.T, partitions int)) {
	for _, n := range divisions {
		t.Run(fmt.Sprint("partitions ", n), func(t *testing.T) { test(t, n) })
	}
}

func TestEmbedded(t *testing.T) { divided(t, testEmbedded) }

func testEmbedded(t *testing.T, partitions int) {
	var dir string
	var now *Log
	made := 0
	open := func(t *testing.T) contracts.Log {
		l, err := Embedded(t.Context(), dir, Options{Logf: t.Logf, Partitions: made})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(l.Close)
		now = l
		return l
	}
	logtest.Test(t, logtest.Adapter{
		Open:   func(t *testing.T) contracts.Log { dir, made = t.TempDir(), partitions; return open(t) },
		Reopen: func(t *testing.T) contracts.Log { now.Close(); made = 0; return open(t) },
	})
}

func TestOutside(t *testing.T) { divided(t, testOutside) }

func testOutside(t *testing.T, partitions int) {
	var now *Log
	var url string
	open := func(t *testing.T) contracts.Log {
		l, err := Connect(t.Context(), url, Options{Logf: t.Logf, Partitions: partitions})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(l.Close)
		now = l
		return l
	}
	logtest.Test(t, logtest.Adapter{
		Open: func(t *testing.T) contracts.Log {
			server, err := Embedded(t.Context(), t.TempDir(), Options{Listen: "127.0.0.1:0", Partitions: partitions})
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
