package vault_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"

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
	ok(t, v.AddCase(t.Context(), owner, "tag", "word"))
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
		err1, err2, v.Puncture(t.Context(), owner, []events.Ordinal{1}), v.Forget(t.Context(), owner, noon, 1),
		v.AddCase(t.Context(), owner, "tag", "word"), v.Quarantine(t.Context(), []contracts.Quarantined{{ID: "q", At: noon}}),
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
