package register

import (
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/events/policy"
)

// A look at every record that is of neither today nor yesterday, or found records for no purpose that is known, or some long overdue, is a
// gap; each says which.
func TestS11_ALookThatDoesNotShowItIsAGap(t *testing.T) {
	scan := func(on string, unknown int) *organisation.Scanned {
		return &organisation.Scanned{Scan: events.Scan{On: events.Day(on), Unknown: unknown}}
	}
	today := policy.NewDate(2026, 4, 3)
	for _, x := range []struct {
		what    string
		scan    *organisation.Scanned
		overdue int
		gap     string
	}{
		{"none yet", nil, 3, ""},
		{"of today", scan("2026-04-03", 0), 0, ""},
		{"of yesterday", scan("2026-04-02", 0), 0, ""},
		{"of the day before", scan("2026-04-01", 0), 0, "on 2026-04-01"},
		{"with a purpose that is not known", scan("2026-04-03", 2), 0, "2 records are bound to purposes alone"},
		{"with what is overdue", scan("2026-04-03", 0), 4, "4 records are there without a purpose"},
	} {
		if got := scanGap(x.scan, today, x.overdue, policies.Default().Grace()); got == "" != (x.gap == "") || !strings.Contains(got, x.gap) {
			t.Errorf("%s: %q", x.what, got)
		}
	}
}

// A value is shown for a purpose that its record is bound to and that is not over, or to answer the person; for no other.
func TestS8_S10_ADossierOpensForThePurposeAskedAlone(t *testing.T) {
	w := newWard(t)
	rec := &contracts.DossierRecord{Category: "pd:Name", Purposes: []contracts.DossierPurpose{{ID: "SVC-01", State: "live"}, {ID: "SVC-08", State: "ended"}}}
	for _, x := range []struct {
		q    contracts.DossierQuestion
		want bool
	}{
		{contracts.DossierQuestion{Purpose: "SVC-01"}, true},
		{contracts.DossierQuestion{Purpose: "SVC-08"}, false}, // over
		{contracts.DossierQuestion{Purpose: "SVC-03"}, false}, // not bound to it
		{contracts.DossierQuestion{}, false},
		{contracts.DossierQuestion{Purpose: "DSR-01"}, true},
		{contracts.DossierQuestion{Request: "r-1"}, true},
	} {
		if got := w.shows(w.as("compliance"), x.q, rec); got != x.want {
			t.Errorf("%+v: shown %v", x.q, got)
		}
	}
}
