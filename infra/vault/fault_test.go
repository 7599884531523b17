package vault_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/rootkey"
	"github.com/daicho-dev/daicho/infra/vault"
)

var errFault = errors.New("the root keys are not there")

// faulty is root keys that go away after some calls.
type faulty struct {
	contracts.RootKeys
	left atomic.Int64
}

func (f *faulty) fails() bool { return f.left.Add(-1) < 0 }

func (f *faulty) Wrap(ctx context.Context, epoch string, value, bound []byte) ([]byte, error) {
	if f.fails() {
		return nil, errFault
	}
	return f.RootKeys.Wrap(ctx, epoch, value, bound)
}

func (f *faulty) Unwrap(ctx context.Context, epoch string, wrapped, bound []byte) ([]byte, error) {
	if f.fails() {
		return nil, errFault
	}
	return f.RootKeys.Unwrap(ctx, epoch, wrapped, bound)
}

func (f *faulty) NewEpoch(ctx context.Context) (string, error) {
	if f.fails() {
		return "", errFault
	}
	return f.RootKeys.NewEpoch(ctx)
}

func (f *faulty) DestroyEpoch(ctx context.Context, epoch string) error {
	if f.fails() {
		return errFault
	}
	return f.RootKeys.DestroyEpoch(ctx, epoch)
}

// Wherever a rotation is cut short, nothing is lost, and another one does the work.
func TestRotateCutShort(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a folder?with#odd %41 name")
	v := open(t, dir, vault.Options{})
	owner := admit(t, v, "crm:1")
	admit(t, v, "crm:2")
	ok(t, v.AddCases(t.Context(), map[contracts.CaseRef]string{{Owner: owner, Tag: "tag"}: "word"}))
	ok(t, v.Quarantine(t.Context(), []contracts.Quarantined{{ID: "q1", At: noon, Body: []byte("body")}}))
	v.Level()
	box := must[[]byte](t)(keysOf(t, v, owner).Seal(2, bound, []byte("two")))
	ok(t, v.Close())
	root := must[contracts.RootKeys](t)(rootkey.File(dir + ".keys"))
	for cut, done := int64(0), false; !done; cut++ {
		if cut > 100 {
			t.Fatal("a rotation of two owners never ends")
		}
		f := &faulty{RootKeys: root}
		f.left.Store(1 << 40)
		v := must[*vault.Vault](t)(vault.Open(t.Context(), dir, f, vault.Options{}))
		f.left.Store(cut)
		err := v.Rotate(t.Context())
		if done = err == nil; !done && !errors.Is(err, errFault) {
			t.Fatal(err)
		}
		ok(t, v.Close())
		v = open(t, dir, vault.Options{})
		v.Level()
		if got := must[[]byte](t)(keysOf(t, v, owner).Open(2, bound, box)); string(got) != "two" {
			t.Fatal("a value was lost")
		}
		found := must[[]contracts.Found](t)(v.Find(t.Context(), []events.Identifier{"crm:1", "crm:2"}))
		words := must[map[contracts.CaseRef]string](t)(v.Cases(t.Context(), []events.Stream{owner}))
		kept := must[[]contracts.Quarantined](t)(v.Quarantined(t.Context(), 9, true))
		if found[0].Person != owner.Person() || found[1].Person == "" || len(words) != 1 || len(kept) != 1 {
			t.Fatalf("something was lost by a rotation cut short at call %d", cut)
		}
		ok(t, v.Close())
		root = must[contracts.RootKeys](t)(rootkey.File(dir + ".keys"))
	}
}

// While the root keys are away nothing changes, and nothing is half done.
func TestRootKeysAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "vault")
	f := &faulty{RootKeys: must[contracts.RootKeys](t)(rootkey.File(dir + ".keys"))}
	f.left.Store(1 << 40)
	v := must[*vault.Vault](t)(vault.Open(t.Context(), dir, f, vault.Options{KeysFor: -1}))
	defer func() { _ = v.Close() }()
	v.Level()
	owner := admit(t, v, "crm:1")
	n := must[contracts.Newcomer](t)(v.Newcomer(events.PersonStream(v.NewPseudonym()), "crm:2"))
	f.left.Store(0)
	_, err1 := v.Admit(t.Context(), []contracts.Newcomer{n})
	_, err2 := v.Keys(t.Context(), []events.Stream{owner})
	for i, err := range []error{
		err1, err2, v.Puncture(t.Context(), map[events.Stream][]events.Ordinal{owner: {1}}), v.Forget(t.Context(), owner, noon, 1),
		v.AddCases(t.Context(), map[contracts.CaseRef]string{{Owner: owner, Tag: "tag"}: "word"}), v.Quarantine(t.Context(), []contracts.Quarantined{{ID: "q", At: noon}}),
	} {
		if !errors.Is(err, errFault) {
			t.Errorf("%d: %v", i, err)
		}
	}
	f.left.Store(1 << 40)
	if !keysOf(t, v, owner).Alive(1) || must[[]contracts.Found](t)(v.Find(t.Context(), []events.Identifier{"crm:2"}))[0].Person != "" {
		t.Fatal("something was half done")
	}
}

// deaf is a connection that does what it is told and says that it failed.
type deaf struct {
	connection
	on *atomic.Bool
}

type connection interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

type deafTx struct {
	driver.Tx
	on *atomic.Bool
}

type deafConnector struct {
	of  driver.Driver
	dsn string
	on  *atomic.Bool
}

func (c deafConnector) Driver() driver.Driver { return c.of }

func (c deafConnector) Connect(context.Context) (driver.Conn, error) {
	made, err := c.of.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return deaf{made.(connection), c.on}, nil
}

func (d deaf) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	tx, err := d.connection.BeginTx(ctx, opts)
	return deafTx{tx, d.on}, err
}

func (t deafTx) Commit() error {
	if err := t.Tx.Commit(); err != nil || !t.on.Load() {
		return err
	}
	return errFault
}

// What failed in the telling only has been done: nothing in memory says otherwise, and doing it again is good.
func TestFailedButStored(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "vault")
	db := must[contracts.Database](t)(vault.SQLite(dir))
	var on atomic.Bool
	ok(t, db.Write.Ping())
	write := sql.OpenDB(deafConnector{db.Write.Driver(), "file:" + filepath.Join(dir, "vault.db") + "?_txlock=immediate&_pragma=busy_timeout(10000)", &on})
	write.SetMaxOpenConns(1)
	ok(t, db.Write.Close())
	db.Write = write
	root := must[contracts.RootKeys](t)(rootkey.File(dir + ".keys"))
	v := must[*vault.Vault](t)(vault.New(t.Context(), db, root, vault.Options{KeysFor: time.Hour}))
	defer func() { _ = v.Close() }()
	v.Level()
	failing := func(do func() error) {
		t.Helper()
		on.Store(true)
		if err := do(); !errors.Is(err, errFault) {
			t.Fatalf("the failure was not told: %v", err)
		}
		on.Store(false)
	}
	find := func() contracts.Found {
		return must[[]contracts.Found](t)(v.Find(t.Context(), []events.Identifier{"crm:1"}))[0]
	}

	n := must[contracts.Newcomer](t)(v.Newcomer(events.PersonStream(v.NewPseudonym()), "crm:1"))
	admit := func() error { _, err := v.Admit(t.Context(), []contracts.Newcomer{n}); return err }
	failing(admit)
	ok(t, admit())
	owner := n.Stream()
	box := must[[]byte](t)(n.Keys().Seal(1, bound, []byte("one")))
	if got := must[[]byte](t)(keysOf(t, v, owner).Open(1, bound, box)); string(got) != "one" || find().Person != owner.Person() {
		t.Fatal("the key that was stored is not the one that the caller has")
	}

	puncture := func() error { return v.Puncture(t.Context(), map[events.Stream][]events.Ordinal{owner: {1}}) }
	failing(puncture)
	for range 2 {
		if keysOf(t, v, owner).Alive(1) || !keysOf(t, v, owner).Alive(2) {
			t.Fatal("a destroyed key is still in memory")
		}
		ok(t, puncture())
	}

	forget := func() error { return v.Forget(t.Context(), owner, noon, time.Hour) }
	failing(forget)
	for range 2 {
		if keysOf(t, v, owner) != nil || find().Person != "" || !find().Gone.Equal(noon) {
			t.Fatal("memory still leads to somebody forgotten")
		}
		ok(t, forget())
	}
}
