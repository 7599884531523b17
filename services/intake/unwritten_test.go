package intake

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
)

// full is a log that can be read and takes nothing for a while, as on a full disk.
type full struct {
	*memlog.Log
	is atomic.Bool
}

func (f *full) Append(ctx context.Context, writes []contracts.Write) []contracts.Result {
	if !f.is.Load() {
		return f.Log.Append(ctx, writes)
	}
	all := make([]contracts.Result, len(writes))
	for i := range all {
		all[i].Err = errors.New("no room")
	}
	return all
}

// A log that takes nothing is told of although it can be read, and no more when it takes something again, which nothing hinders it from.
func TestALogThatTakesNothingIsToldOf(t *testing.T) {
	log := &full{Log: memlog.New()}
	defer log.Close()
	g := testGateway(t, log, testVault(t))
	publish(t, g)
	w := &world{t: t, log: log, g: g, caller: admin, source: "/rental/web", subject: "rental:P", at: time.Date(2026, 10, 1, 3, 0, 0, 0, time.UTC)}
	one := []Submission{w.submission("collected", take(rental, `,"matter":"K1",`+someone, "name=pd:Name"))}
	if err := g.Unwritten(); err != nil {
		t.Fatal(err)
	}
	log.is.Store(true)
	if _, err := g.Submit(t.Context(), admin, one); err == nil {
		t.Fatal("what the log did not take is answered")
	}
	if err := g.Unwritten(); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("it is said to take what is written: %v", err)
	}
	log.is.Store(false)
	w.tells("collected", take(rental, `,"matter":"K1",`+someone, "name=pd:Name"))
	if err := g.Unwritten(); err != nil {
		t.Errorf("it takes something again, and is said not to: %v", err)
	}
}
