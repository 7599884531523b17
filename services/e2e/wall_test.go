package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

var apart = []string{
	`{"specversion":"1.0","id":"w1","source":"/hr/payroll","type":"daicho.collected.v1","subject":"employee:E-1","time":"2026-04-01T00:00:00Z","data":{"records":[{"key":"name","category":"pd:Name","value":"Sato"},{"key":"no","category":"ts:MyNumber","value":"123456789018"}],` +
		`"purposes":[{"id":"HR-01b","basis":"contract"},{"id":"SPI-01","basis":"legal_obligation"}],"operation":"hr","location":"hr-files","channel":"form","notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"employee","country":"JP"}}}`,
	`{"specversion":"1.0","id":"w2","source":"/entrusted/client-x","type":"daicho.collected.v1","subject":"client-x:7","time":"2026-04-01T00:00:00Z","data":{"records":[{"key":"n","category":"pd:Name","value":"Suzuki"},{"key":"a","category":"pd:PhysicalAddress","value":"Osaka"}],` +
		`"purposes":[{"id":"SP-01","basis":"contract"}],"operation":"entrusted","location":"entrusted-db","channel":"form","role":"processor","client":"client-x","notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"customer","country":"JP"}}}`,
}

// Clear values behind a wall are shown to who is cleared for it and to nobody else, admin's token included; what is entrusted is shown to
// nobody, and the client is named who is to be asked, and told of a leak.
func TestS49_WallsAndEntrustedDataAreNotLookedAt(t *testing.T) {
	e := fed(t, [][]byte{[]byte(apart[0]), []byte(apart[1])})
	ctx := context.Background()
	shown := func(who string, walls ...events.Word) (string, []string) {
		t.Helper()
		tok, err := e.as("admin").CreateToken(ctx, contracts.Token{Role: "compliance", Holder: "staff:desk", Walls: walls})
		if err != nil {
			t.Fatal(err)
		}
		c := e.as("admin")
		c.Token = tok.Secret
		d, err := c.Dossier(ctx, contracts.DossierQuestion{Person: who, Purpose: "DSR-01"})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, r := range d.Records {
			if r.Value != nil {
				all = append(all, string(r.Category))
			}
		}
		for _, n := range d.NotDisclosable {
			all = append(all, "not: "+n.Reason+" "+string(n.Client))
		}
		return strings.Join(all, " "), d.Caveats
	}
	for _, x := range []struct {
		walls []events.Word
		want  string
	}{{nil, ""}, {[]events.Word{"my-number"}, ""}, {[]events.Word{"personnel"}, "pd:Name"}, {[]events.Word{"personnel", "my-number"}, "pd:Name ts:MyNumber"}} {
		got, caveats := shown("employee:E-1", x.walls...)
		if got != x.want {
			t.Errorf("cleared for %v: %q, want %q", x.walls, got, x.want)
		}
		if withheld := strings.Contains(strings.Join(caveats, " "), "kept apart"); withheld != (len(x.walls) < 2) {
			t.Errorf("cleared for %v: the answer says %q", x.walls, caveats)
		}
	}
	looks := 0
	if err := e.as("auditor").Replay(ctx, contracts.ReplayQuestion{Type: "accessed"}, func(r contracts.Recorded) error {
		looks++
		if strings.Contains(fmt.Sprint(r.Data), "ts:MyNumber") != (looks == 2) {
			t.Errorf("look %d: %v", looks, r.Data)
		}
		return nil
	}); err != nil || looks != 2 {
		t.Errorf("%d looks stand in the log, want the two that saw something (%v)", looks, err)
	}
	if d, err := e.as("admin").Dossier(ctx, contracts.DossierQuestion{Person: "employee:E-1", Purpose: "HR-01b"}); err != nil || len(d.Records) != 2 || d.Records[0].Value != nil {
		t.Errorf("admin's token opens a wall: %+v %v", d.Records, err)
	}
	if _, err := e.as("admin").CreateToken(ctx, contracts.Token{Role: "compliance", Holder: "staff:desk", Walls: []events.Word{"moon"}}); err == nil {
		t.Error("a token is cleared for a wall that is not there")
	}
	if got, _ := shown("client-x:7", "entrusted"); got != "not: entrusted client-x" {
		t.Errorf("entrusted data: %q", got)
	}
	i, err := e.as("responder").Impact(ctx, contracts.ImpactQuestion{Locations: []events.Word{"entrusted-db", "hr-files"}, From: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	if len(i.Clients) != 1 || i.Clients[0] != (contracts.ImpactClient{Client: "client-x", People: 1, Records: 2}) || i.People.Total != 2 {
		t.Errorf("an impact names %+v of %d people", i.Clients, i.People.Total)
	}
	told := false
	for _, d := range i.Duties {
		told = told || strings.Contains(d.Because, "client-x")
	}
	if !told {
		t.Errorf("no duty tells the client: %+v", i.Duties)
	}
	// Asking the gate at the desk needs the same.
	receipt, err := e.as("compliance").Use(ctx, contracts.UseQuestion{Person: "employee:E-1", Purpose: "SPI-01", Categories: []events.Word{"ts:MyNumber"}, By: "staff:desk"})
	if err != nil || receipt.Allowed == nil || *receipt.Allowed {
		t.Errorf("a use without clearance: %+v %v", receipt, err)
	}
	e.verified()
}
