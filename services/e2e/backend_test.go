package e2e

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/infra/eventstore"
	"github.com/daicho-dev/daicho/infra/eventstore/estest"
	"github.com/daicho-dev/daicho/infra/jetstream"
	"github.com/daicho-dev/daicho/infra/jetstream/clustertest"
	"github.com/daicho-dev/daicho/infra/postgres"
	"github.com/daicho-dev/daicho/infra/postgres/pgtest"
	"github.com/daicho-dev/daicho/infra/rootkey"
	"github.com/daicho-dev/daicho/infra/vault"
)

// What the engines of a run stand on, unless a test says otherwise. DAICHO_E2E_LOG and DAICHO_E2E_STORE name it.
const (
	embedded = "embedded"
	memory   = "memory"
	divided  = "divided" // embedded, over three partitions
	cluster  = "cluster" // three JetStream servers, an account for every engine
	esdb     = "esdb"    // a server of EventStoreDB's protocol for every engine

	files = "files"
	pg    = "postgres" // a server, two databases for every engine
)

var logs, stores = []string{embedded, divided, memory, cluster, esdb}, []string{files, pg}

var on backend

type backend struct {
	log, store string
	until      ending
	cluster    *clustertest.Cluster
	password   string   // a file
	folders    []string // of the servers that are files on this machine
	accounts   int      // that have been given out
	postgres   *pgtest.Server
}

// accounts are as many as a run has engines, and more.
const accounts = 300

// elsewhere are tests that are about one backend by their nature: where they are left out, and why.
var elsewhere = map[string]struct {
	out func(b *backend) bool
	why string
}{
	"TestLogBehindTheVaultDoesNotStart": {func(b *backend) bool { return !b.within() }, "it puts an old copy of the log's folder back, which only the embedded log has"},
	"TestAStuckPartIsToldByName":        {func(b *backend) bool { return b.store != files }, "it locks the file of a projection"},
	"TestASlowDiskLosesNothing":         {func(b *backend) bool { return !b.within() }, "the log does not lie on the disk that it slows down"},
	"TestAFullDiskLosesNothing":         {func(b *backend) bool { return b.store != files && !b.within() }, "nothing that events need lies on the engine's own disk"},
}

// begin starts what all engines of the run share.
func (b *backend) begin() (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case failure:
			err = r
		default:
			panic(r)
		}
	}()
	b.log, b.store = cmp.Or(os.Getenv("DAICHO_E2E_LOG"), embedded), cmp.Or(os.Getenv("DAICHO_E2E_STORE"), files)
	if !slices.Contains(logs, b.log) || !slices.Contains(stores, b.store) {
		return fmt.Errorf("DAICHO_E2E_LOG is one of %s, DAICHO_E2E_STORE one of %s", strings.Join(logs, ", "), strings.Join(stores, ", "))
	}
	if b.log == embedded && b.store == files {
		return nil
	}
	fmt.Fprintf(os.Stderr, "e2e: engines stand on the log %s and the store %s\n", b.log, b.store)
	if b.store == pg {
		b.postgres = pgtest.Start(&b.until)
		if f := b.postgres.Folder(); f != "" {
			b.folders = append(b.folders, f)
		}
	}
	if b.log == cluster {
		b.password = filepath.Join(b.until.TempDir(), "password")
		if err := os.WriteFile(b.password, []byte("e2e"), 0o600); err != nil {
			return err
		}
		var conf strings.Builder
		conf.WriteString("accounts {\n")
		for i := range accounts {
			fmt.Fprintf(&conf, "  A%d { jetstream: enabled, users: [{ user: e%d, password: e2e }] }\n", i, i)
		}
		conf.WriteString("}\n")
		before := len(b.until.dirs)
		b.cluster = clustertest.Start(&b.until, clustertest.Options{Conf: conf.String()})
		b.folders = append(b.folders, b.until.dirs[before:]...)
	}
	return nil
}

// within says whether the log lies in the engine's own folder.
func (b *backend) within() bool { return b.log == embedded || b.log == divided }

// place gives an engine a log and stores of its own, where it has none yet.
func (b *backend) place(e *engine) {
	e.t.Helper()
	test, _, _ := strings.Cut(e.t.Name(), "/")
	if x, ok := elsewhere[test]; ok && x.out(b) {
		e.t.Skipf("SKIPPED on the log %s and the store %s: %s", b.log, b.store, x.why)
	}
	if e.log == "" && !slices.Contains(e.args, "--log") {
		if e.log = b.newLog(e.t); b.log == divided {
			e.args = slices.Concat(e.args, []string{"--partitions", "3"})
		}
	}
	if b.store == pg && !slices.Contains(e.args, "--vault") {
		e.vault = b.postgres.Database(e.t)
		e.args = slices.Concat(e.args, []string{"--models", b.postgres.Database(e.t), "--vault", e.vault})
	}
}

// newLog is the address of a log that is nobody else's.
func (b *backend) newLog(t testing.TB) string {
	t.Helper()
	switch b.log {
	case memory:
		return memory
	case esdb:
		return estest.Start(t, estest.Options{}).URL()
	case cluster:
		if b.accounts == accounts {
			t.Fatalf("more than %d engines: give the cluster more accounts", accounts)
		}
		user := fmt.Sprintf("e%d", b.accounts)
		b.accounts++
		t.Cleanup(func() {
			c, err := nats.Connect("nats://"+b.cluster.Nodes[0].Address, nats.UserInfo(user, "e2e"))
			if err != nil {
				return // it would only have made room
			}
			defer c.Close()
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			if js, err := natsjs.New(c); err == nil {
				for name := range js.StreamNames(ctx).Name() {
					_ = js.DeleteStream(ctx, name)
				}
			}
		})
		return b.cluster.URL() + "?user=" + user + "&passwordFile=" + url.QueryEscape(b.password)
	}
	return ""
}

// lasts says that a log is there when its engine has ended; a test whose log is not is over.
func (e *engine) lasts() {
	e.t.Helper()
	if e.log == memory {
		e.t.Skip("SKIPPED FROM HERE: a log in memory is gone with its engine")
	}
}

// leftLog opens the log that a stopped engine has left behind.
func (e *engine) leftLog() contracts.Log {
	e.t.Helper()
	e.lasts()
	ctx := context.Background()
	var log interface {
		contracts.Log
		Close()
	}
	var err error
	switch {
	case e.log == "":
		log, err = jetstream.Embedded(ctx, filepath.Join(e.dir, "log"), jetstream.Options{})
	case eventstore.Scheme(e.log):
		log, err = eventstore.Connect(ctx, e.log, eventstore.Options{})
	default:
		log, err = jetstream.Connect(ctx, e.log, jetstream.Options{})
	}
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(log.Close)
	return log
}

// leftVault opens the vault that it has left behind.
func (e *engine) leftVault() *vault.Vault {
	e.t.Helper()
	ctx := context.Background()
	root, err := rootkey.File(filepath.Join(e.dir, "root.key"))
	if err != nil {
		e.t.Fatal(err)
	}
	var v *vault.Vault
	if e.vault == "" {
		v, err = vault.Open(ctx, filepath.Join(e.dir, "vault"), root, vault.Options{})
	} else {
		server, bad := postgres.At(e.vault)
		if bad != nil {
			e.t.Fatal(bad)
		}
		db, bad := server.Durable("vault").Open(ctx)
		if bad != nil {
			e.t.Fatal(bad)
		}
		v, err = vault.New(ctx, db, root, vault.Options{Lingers: true})
	}
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = v.Close() })
	v.Level()
	return v
}

// ending is what servers of the whole run take for their test: it ends with the run.
type ending struct {
	testing.TB
	ends []func()
	dirs []string
}

func (u *ending) Helper()          {}
func (u *ending) Failed() bool     { return false }
func (u *ending) Cleanup(f func()) { u.ends = append(u.ends, f) }

func (u *ending) TempDir() string {
	dir, err := os.MkdirTemp("", "daicho-e2e-")
	if err != nil {
		u.Fatal(err)
	}
	u.dirs = append(u.dirs, dir)
	u.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (u *ending) end() {
	for _, f := range slices.Backward(u.ends) {
		f()
	}
	u.ends = nil
}

func (u *ending) Logf(format string, a ...any) { fmt.Fprintf(os.Stderr, format+"\n", a...) }

func (u *ending) Fatal(a ...any) { u.Fatalf("%s", fmt.Sprint(a...)) }

func (u *ending) Fatalf(format string, a ...any) { panic(failure{fmt.Errorf(format, a...)}) }

// failure is what ends the run before it begins.
type failure struct{ error }

// Skipf: whoever names a backend wants it tested.
func (u *ending) Skipf(format string, a ...any) { u.Fatalf(format, a...) }
