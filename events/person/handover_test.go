package person_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// stranded is what is to be asked back: "recipient [records]", in order.
func (s *scene) stranded() string {
	var all []string
	for _, x := range s.p.State.Stranded(s.m.Org) {
		all = append(all, fmt.Sprint(x.Recipient, " ", x.Of))
	}
	return fmt.Sprint(all)
}

// What went abroad by the person's consent (APPI 28(1)) is there on no ground any more once that consent is withdrawn, also where the
// purpose itself rests on a contract and goes on.
func TestS9_AWithdrawnConsentToATransferAbroadRecalls(t *testing.T) {
	s := begin(t)
	s.happened(base,
		`consent_given {"purposes":["SERVE"],"by":"self","notice":{"policy":"h1","language":"en"}}`,
		moved(`"card"`, "broker", "entrusted", "SERVE", "contract", "US"),
		moved(`"card","name"`, "mailer", "entrusted", "SERVE", "contract", "US"),
		moved(`"card"`, "parcel", "entrusted", "SERVE", "contract", "JP"))
	var routes []events.Word
	for _, r := range s.p.Facts {
		if f, ok := r.Fact.(*events.Transferred); ok {
			routes = append(routes, f.Route)
		}
	}
	if !slices.Equal(routes, []events.Word{"consent", "equivalent_system", "domestic"}) {
		t.Fatalf("routes %v", routes)
	}
	if got := s.stranded(); got != "[]" {
		t.Errorf("while the consent stands, %s is asked back", got)
	}
	s.happened(`consent_withdrawn {"purposes":["SERVE"],"by":"self"}`)
	if got := s.stranded(); got != "[broker [3]]" {
		t.Errorf("after its withdrawal: %s", got)
	}
}

// The end of a client's service is exact: what happened before is taken, what happened then or later is not.
func TestS48_TheMomentAServiceEnds(t *testing.T) {
	s := begin(t)
	end := s.m.Now
	if !s.m.Organisation(events.Stream{Kind: "client", ID: "client-x"}, events.TypeServiceEnded, `{"client":"client-x"}`) {
		t.Fatal("the end was refused")
	}
	s.m.Now = end.Add(time.Hour)
	for client, wants := range map[string][3]string{
		"client-x": {"recorded", "unknown_word /data/client", "unknown_word /data/client"}, "client-y": {"recorded", "recorded", "recorded"},
	} {
		for i, at := range []time.Time{end.Add(-time.Millisecond), end, end.Add(time.Millisecond)} {
			x := s.tell(took(`{"id":"CLIENT","basis":"contract"}`, `,"role":"processor","client":"`+client+`"`, "n=pd:Name"))
			x.Time = at
			if got := said(s.decide(x, time.Time{})); got != wants[i] {
				t.Errorf("%s at %s: %s, want %s", client, at, got, wants[i])
			}
		}
	}
}
