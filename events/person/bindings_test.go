package person_test

import (
	"fmt"
	"testing"
)

// A collection that names a purpose twice binds it once, as far as its end goes: what ends the purpose ends it whole, and what ends a
// consent leaves what rests on a contract.
func TestS51_APurposeNamedTwiceEndsAsOne(t *testing.T) {
	agreed := `{"id":"CARE","basis":"consent","consent":{"by":"self"}}`
	contract := `{"id":"CARE","basis":"contract"}`
	for _, x := range []struct {
		purposes, then string
		bound          bool
	}{
		{contract + "," + contract, `purpose_ended {"records":["n"],"purpose":"CARE","reason":"completed"}`, false},
		{contract + "," + agreed, `purpose_ended {"records":["n"],"purpose":"CARE","reason":"objected"}`, false},
		{agreed + "," + agreed, `consent_withdrawn {"purposes":["CARE"],"by":"self"}`, false},
		{agreed + "," + contract, `consent_withdrawn {"purposes":["CARE"],"by":"self"}`, true},
		{contract + "," + agreed, `consent_withdrawn {"purposes":["CARE"],"by":"self"}`, true},
	} {
		s := begin(t)
		s.happened(took(x.purposes, "", "n=pd:Name"), x.then)
		r := &s.p.State.Records[0]
		got := fmt.Sprint(r.Bound("CARE") != nil, " ", len(s.p.State.Ripe(s.m.Org, s.m.Org.Policy.On(s.m.Now))))
		want := map[bool]string{false: "false 1", true: "true 0"}[x.bound]
		if got != want {
			t.Errorf("%s, then %s: bound and ripe %s, want %s", x.purposes, x.then, got, want)
		}
	}
}
