package tokens

import (
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
