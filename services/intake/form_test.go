package intake

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/infra/sqlite"
)

// States that another version stored in another form are dropped, and folded anew from the log: what was recorded is a duplicate still.
func TestStatesOfAnotherFormAreFoldedAnew(t *testing.T) {
	ctx := context.Background()
	log := memlog.New()
	defer log.Close()
	v := testVault(t)
	path := filepath.Join(t.TempDir(), "states.db")
	with := func(do func(*Gateway, contracts.Database)) {
		db, err := sqlite.Open(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		g, err := Open(ctx, log, v, db, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		g.Start()
		do(g, db)
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	}
	sends := func(g *Gateway, want contracts.Status) {
		out, err := g.Submit(ctx, admin, []Submission{submission("once", "A")})
		if err != nil || out[0].Status != want {
			t.Fatalf("%+v (%v), want it %s", out, err, want)
		}
	}
	with(func(g *Gateway, _ contracts.Database) {
		publish(t, g)
		sends(g, contracts.StatusRecorded)
	})
	with(func(g *Gateway, db contracts.Database) { // of this version: taken as it is
		sends(g, contracts.StatusDuplicate)
		if _, err := db.Write.ExecContext(ctx, `update states set state = x'7b7d'; update form set form = 'another'`); err != nil {
			t.Fatal(err)
		}
	})
	with(func(g *Gateway, _ contracts.Database) { sends(g, contracts.StatusDuplicate) })
}
