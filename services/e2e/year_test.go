package e2e

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"strings"
	"testing"
)

type expected struct {
	counts
	ByType map[string]int `json:"byType"`
	People int            `json:"people"`
	Lines  int            `json:"lines"`
}

// yearExpected is what the year must give.
func yearExpected(t testing.TB) (want expected) {
	t.Helper()
	b, err := os.ReadFile("testdata/year-1000.expect.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

func TestYearGivesItsCounts(t *testing.T) {
	want := yearExpected(t)
	lines := year(t)
	if len(lines) != want.Lines {
		t.Fatalf("%d lines, want %d", len(lines), want.Lines)
	}
	e := startRaced(t, t.TempDir())
	c := e.as("admin")
	got, err := send(c, lines, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if got.Recorded != want.Recorded || got.Duplicate != want.Duplicate || !maps.Equal(got.Refused, want.Refused) {
		t.Errorf("the year gives %+v, want %+v", got, want.counts)
	}
	check := func() {
		t.Helper()
		models, err := e.as("admin").Models(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range models {
			if m.State != "live" || m.Lag != 0 {
				t.Errorf("%s is %s, %d behind", m.Name, m.State, m.Lag)
			}
			if m.Name == "dossier" && (*m.People != want.People || !maps.Equal(m.Events, want.ByType)) {
				t.Errorf("the dossiers count %d people and %v, want %d and %v", *m.People, m.Events, want.People, want.ByType)
			}
		}
	}
	check()

	got, err = send(c, lines, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if got.Recorded != 0 || got.Duplicate != want.Recorded+want.Duplicate || !maps.Equal(got.Refused, want.Refused) {
		t.Errorf("sent again: %+v, want nothing recorded, the same refusals, and duplicates else", got)
	}
	check()
	e.verified()

	for _, m := range []string{"dossier", "retention", "breach"} {
		if err := c.Rebuild(context.Background(), m, nil); err != nil {
			t.Fatal(err)
		}
	}
	check()
	e.verified()

	e.stop()
	if strings.Contains(e.out.String(), "DATA RACE") {
		t.Errorf("a race:\n%s", e.out)
	}
	e.again()
	check()
	got, err = send(e.as("admin"), lines, 1000)
	if err != nil || got.Recorded != 0 || !maps.Equal(got.Refused, want.Refused) {
		t.Errorf("after a restart, sent again: %+v (%v)", got, err)
	}
}
