package main

import (
	"bytes"
	"strings"
	"testing"

	"go.uber.org/fx"
)

// Whatever the engine is told to run on, what it is made of fits together. Nothing is started.
func TestEveryCombinationIsWired(t *testing.T) {
	for _, log := range []string{"", "jetstream", "jetstream://127.0.0.1:4222", "esdb://127.0.0.1:2113?tls=false", "kurrentdb+discover://127.0.0.1:2113", "memory"} {
		for _, kept := range []string{"", "sqlite", "postgres://daicho@127.0.0.1/daicho"} {
			if err := fx.ValidateApp(wiring(Config{Data: t.TempDir(), Listen: "127.0.0.1:0", Log: log, Models: kept, Vault: kept})); err != nil {
				t.Errorf("--log %q --models %q: %v", log, kept, err)
			}
		}
	}
}

func TestTablesAlignWithJapanese(t *testing.T) {
	x := &table{head: []string{"name", "n"}}
	x.add("山田", "1")
	x.add("Smith", "2")
	x.add("! a remark that is much longer than any column of the table")
	var b bytes.Buffer
	x.print(&b)
	want := "name   n\n山田   1\nSmith  2\n! a remark that is much longer than any column of the table\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	if columns("ｱ") != 1 || columns("漢") != 2 || strings.Repeat("x", columns("Å")) != "x" {
		t.Error("widths on screen are wrong")
	}
}
