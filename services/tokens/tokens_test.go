package tokens

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
)

// Another process that shares the file hears of a token that was made, and of one that was revoked.
func TestProcessesShareTokens(t *testing.T) {
	dir := t.TempDir()
	one, first, err := Open(dir)
	if err != nil || !first {
		t.Fatal(err)
	}
	two, first, err := Open(dir)
	if err != nil || first {
		t.Fatalf("the second start makes tokens too: %v", err)
	}
	made, err := one.Create(contracts.Token{Role: "auditor", Holder: "staff:a"})
	if err != nil {
		t.Fatal(err)
	}
	knows := func(want bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			caller, known := two.Caller(made.Secret)
			if known == want && (!want || caller.Holder == "staff:a" && caller.Role == "auditor") {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("the other process says known: %v", known)
			}
		}
	}
	knows(true)
	if len(two.List()) != len(Roles)+1 {
		t.Errorf("%d tokens are listed", len(two.List()))
	}
	if err := one.Revoke(made.ID); err != nil {
		t.Fatal(err)
	}
	knows(false)
	if err := one.Revoke(made.ID); err != ErrUnknown {
		t.Errorf("revoked twice: %v", err)
	}
	if _, known := one.Caller("daicho_guess"); known {
		t.Error("a guess is known")
	}
}

// Processes that begin at once on one folder make the tokens once, and each knows those whose secrets lie there.
func TestProcessesBeginAtOnce(t *testing.T) {
	for range 20 {
		dir := t.TempDir()
		all, made := make([]*Store, 8), make([]bool, 8)
		var wg sync.WaitGroup
		for i := range all {
			wg.Go(func() {
				var err error
				if all[i], made[i], err = Open(dir); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if t.Failed() {
			return
		}
		n := 0
		for _, m := range made {
			if m {
				n++
			}
		}
		if n != 1 {
			t.Fatalf("%d processes made tokens", n)
		}
		for _, role := range Roles {
			b, err := os.ReadFile(filepath.Join(dir, "tokens", string(role)))
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range all {
				if c, known := s.Caller(strings.TrimSpace(string(b))); !known || c.Role != role {
					t.Fatalf("a process does not know the %s's token", role)
				}
			}
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != 2 {
			t.Fatalf("%v %v", left, err)
		}
	}
}
