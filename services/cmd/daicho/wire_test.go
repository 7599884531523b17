package main

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"go.uber.org/fx"

	"github.com/daicho-dev/daicho/services/api"
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
	for _, only := range append([][]string{{api.Intake, api.Breach}}, slices.Collect(slices.Chunk(api.AllParts, 1))...) {
		c := Config{Data: t.TempDir(), Listen: "127.0.0.1:0", Log: "jetstream://127.0.0.1:4222", Vault: "postgres://127.0.0.1/vault", Only: only}
		if err := errors.Join(c.splitRules(), fx.ValidateApp(wiring(c))); err != nil {
			t.Errorf("--only %q: %v", only, err)
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

// A process of several needs what the others can reach too.
func TestWhatAPartNeeds(t *testing.T) {
	outside, shared := "jetstream://127.0.0.1:4222,127.0.0.2:4222?replicas=3", "postgres://127.0.0.1/vault"
	for _, x := range []struct {
		c  Config
		ok bool
	}{
		{Config{}, true},
		{Config{Only: []string{"nonsense"}, Log: outside, Vault: shared}, false},
		{Config{Only: []string{api.Intake}, Log: outside, Vault: shared}, true},
		{Config{Only: []string{api.Intake}, Log: "jetstream", Vault: shared}, false},
		{Config{Only: []string{api.Retention}, Log: outside}, false},
		{Config{Only: []string{api.Breach}, Log: outside}, true},
		{Config{Only: []string{api.Breach}, Log: "esdb://127.0.0.1:2113"}, false}, // where would it find the others?
		{Config{Only: []string{api.Breach}, Log: "esdb://127.0.0.1:2113", Peers: "nats://127.0.0.1:4222"}, true},
	} {
		if err := x.c.splitRules(); (err == nil) != x.ok {
			t.Errorf("%+v: %v", x.c, err)
		}
	}
	if got := (Config{Log: outside}).peersURL(); got != "nats://127.0.0.1:4222" {
		t.Errorf("peers are looked for at %s", got)
	}
}

// Only a JetStream log can be divided.
func TestWhichLogsCanBeDivided(t *testing.T) {
	for _, x := range []struct {
		c  Config
		ok bool
	}{
		{Config{}, true}, {Config{Log: "memory"}, true}, {Config{Log: "esdb://127.0.0.1:2113"}, true},
		{Config{Partitions: 64}, true}, {Config{Partitions: 4, Log: "jetstream://127.0.0.1:4222"}, true},
		{Config{Partitions: 65}, false}, {Config{Partitions: -1}, false},
		{Config{Partitions: 4, Log: "memory"}, false}, {Config{Partitions: 1, Log: "esdb+discover://127.0.0.1:2113"}, false},
	} {
		err := x.c.partitionRules()
		var usage errUsage
		if (err == nil) != x.ok || err != nil && !errors.As(err, &usage) {
			t.Errorf("%d partitions of %q: %v", x.c.Partitions, x.c.Log, err)
		}
	}
}
