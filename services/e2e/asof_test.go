package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// A dossier as of a past moment equals the one that an engine gives which was fed only up to that moment.
func TestDossierAsOfEqualsAnEngineFedUntilThen(t *testing.T) {
	lines := year(t)
	ids := identifiers(lines)
	whole := fed(t, lines)
	for _, moment := range []string{"2025-11-15T00:00:00Z", "2026-03-01T12:00:00Z", "2026-06-30T23:59:59Z"} {
		asOf, err := time.Parse(time.RFC3339, moment)
		if err != nil {
			t.Fatal(err)
		}
		until := 0
		for until < len(lines) {
			var e struct{ Time time.Time }
			if err := json.Unmarshal(lines[until], &e); err != nil {
				t.Fatal(err)
			}
			if e.Time.After(asOf) {
				break
			}
			until++
		}
		then := fed(t, lines[:until])
		got, want := normal(t, whole, ids, asOf, false), normal(t, then, ids, asOf, false)
		if len(want) < 10_000 {
			t.Fatalf("as of %s only %d bytes are known", moment, len(want))
		}
		if !bytes.Equal(got, want) {
			t.Errorf("as of %s:\n%s", moment, differ(want, got))
		}
		then.kill()
	}
}

// What has been destroyed since cannot be shown as of before, and the dossier says so.
func TestValueDestroyedSinceIsNull(t *testing.T) {
	e := fed(t, year(t)[:600])
	c := e.as("admin")
	ctx := context.Background()
	p, err := c.Find(ctx, subject)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := send(c, [][]byte{[]byte(deletion("d1", subject, `{"records":["K-000337/passport"],"cause":"request"}`))}, 1); err != nil {
		t.Fatal(err)
	}
	destroyed(t, e, string(p.Person), 1)
	d, err := c.Dossier(ctx, contracts.DossierQuestion{Person: subject, Purpose: "DSR-01", AsOf: time.Date(2025, 10, 20, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range d.Records {
		switch {
		case r.State != "live":
			t.Errorf("as of before the deletion a record is %s", r.State)
		case r.Category == "pd:Passport" && r.Value != nil:
			t.Error("a destroyed value is shown")
		case r.Category == "pd:Name" && r.Value == nil:
			t.Error("a living value is not shown")
		}
	}
	if !strings.Contains(strings.Join(d.Caveats, "\n"), "destroyed since") {
		t.Errorf("no caveat says why a value is null: %q", d.Caveats)
	}
	looked := false
	after, err := c.Dossier(ctx, contracts.DossierQuestion{Person: subject, Sealed: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range after.Looks {
		looked = looked || l.Purpose == "DSR-01" && len(l.Categories) > 0
	}
	if !looked {
		t.Error("the look at values is not in the dossier's looks")
	}
	// What was known before anything was recorded of the deletion.
	var positions []events.Position
	if err := c.Replay(ctx, contracts.ReplayQuestion{}, func(r contracts.Recorded) error { positions = append(positions, r.Position); return nil }); err != nil {
		t.Fatal(err)
	}
	then := positions[399]
	before, err := c.Dossier(ctx, contracts.DossierQuestion{Person: subject, Sealed: true, KnownAt: then.String()})
	if err != nil {
		t.Fatal(err)
	}
	if before.KnownAt != then {
		t.Errorf("the answer rests on position %v, want %v", before.KnownAt, then)
	}
}
