package majority_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/rootkey"
	"github.com/daicho-dev/daicho/infra/sqlite"
	"github.com/daicho-dev/daicho/infra/vault"
	"github.com/daicho-dev/daicho/projections/retention"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/majority"
	"github.com/daicho-dev/daicho/services/models"
	"github.com/daicho-dev/daicho/services/register"
)

// scene is a register of minors.
type scene struct {
	t       *testing.T
	log     contracts.Log
	gateway *intake.Gateway
	minors  *models.Model[*retention.Retention]
	worker  *majority.Worker
	now     time.Time
}

func newScene(t *testing.T) *scene {
	t.Helper()
	ctx, dir := context.Background(), t.TempDir()
	log := memlog.New()
	t.Cleanup(log.Close)
	root, err := rootkey.File(filepath.Join(dir, "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(ctx, filepath.Join(dir, "vault"), root, vault.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	v.Level()
	states, err := sqlite.Open(ctx, filepath.Join(dir, "states.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sqlite.Close(states) })
	s := &scene{t: t, log: log}
	if s.gateway, err = intake.Open(ctx, log, v, states, nil, nil); err != nil {
		t.Fatal(err)
	}
	s.gateway.Start()
	t.Cleanup(func() { _ = s.gateway.Close() })
	c := policies.Default()
	if out, err := s.gateway.Submit(ctx, intake.Engine, []intake.Submission{intake.Own(events.TypePolicyPublished, events.Stream{Kind: "policy", ID: "main"},
		&events.PolicyPublished{Version: events.Word(c.Version), Catalogue: c.JSON()})}); err != nil || out[0].Status != contracts.StatusRecorded {
		t.Fatalf("publishing: %+v %v", out, err)
	}
	if s.minors, err = models.Open(ctx, "retention", sqlite.File(filepath.Join(dir, "retention.db")), log, retention.New); err != nil {
		t.Fatal(err)
	}
	s.minors.Start()
	t.Cleanup(func() { _ = s.minors.Close() })
	s.worker = majority.New(s.gateway, log, s.minors)
	s.worker.Now = func() time.Time { return s.now }
	return s
}

// tell records an event about somebody, at a moment in Tokyo.
func (s *scene) tell(who, id, typ, at, data string) contracts.Receipt {
	s.t.Helper()
	x := intake.ReadStructured([]byte(fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/rental/web","type":"daicho.%s.v1","subject":"rental:%s","time":"%s+09:00","data":%s}`, id, typ, who, at, data)))
	out, err := s.gateway.Submit(context.Background(), intake.Caller{Role: "admin", Holder: "staff:t"}, []intake.Submission{x})
	if err != nil || out[0].Status != contracts.StatusRecorded {
		s.t.Fatalf("%s of %s: %+v %v", typ, who, out, err)
	}
	return out[0]
}

func (s *scene) child(who, country, birthdate string) contracts.Receipt {
	s.t.Helper()
	return s.tell(who, "c", "collected", "2026-01-10T12:00:00", fmt.Sprintf(`{"records":[{"key":"n","category":"pd:Name","value":"v"}],"purposes":[{"id":"SVC-01","basis":"contract"},{"id":"GUA-01","basis":"legitimate_interest"},{"id":"DM-02","basis":"consent","consent":{"by":"guardian"}}],`+
		`"operation":"rental","location":"rental-db","channel":"counter","notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"customer","country":%q,"birthdate":%q},"guardian":{"consent":"G"}}`, country, birthdate))
}

// list is the answer of a register at a moment, as "month civil state told purposes" by name.
func (s *scene) list(by string, names map[events.Pseudonym]string) map[string]string {
	s.t.Helper()
	ctx := register.WithCaller(context.Background(), intake.Caller{Role: "compliance"})
	r := &register.Register{Log: s.log, Gateway: s.gateway, Retention: s.minors, Now: func() time.Time { return s.now }}
	got := map[string]string{}
	q := contracts.MajorityQuestion{By: by, Limit: 1} // a page each
	for {
		m, err := r.Majority(ctx, q)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, i := range m.Items {
			purposes := ""
			for _, c := range i.Consents {
				purposes += " " + string(c.Purpose)
			}
			got[names[i.Person]] = fmt.Sprintf("%s %s %s %t%s", i.Month, i.Civil, i.State, i.Told != nil, purposes)
		}
		if m.Next == nil {
			if m.Total != len(got) {
				s.t.Errorf("%d are listed of %d", len(got), m.Total)
			}
			return got
		}
		q.After = *m.Next
	}
}

func (s *scene) milestones() (all []events.Event) {
	s.t.Helper()
	for batch, err := range s.log.Scan(context.Background(), 0, contracts.Filter{Kinds: []string{"person"}}) {
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range batch {
			if e.Type == events.TypeMilestoneReached {
				all = append(all, e)
			}
		}
	}
	return all
}

func same(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s:\n%v, want\n%v", what, got, want)
	}
}

// Majority is a deadline that can be seen before, is told once when its month is over, and leaves on the list what a guardian consented
// to until the person has said themselves.
func TestS34_MajorityIsSeenAndToldOnce(t *testing.T) {
	s := newScene(t)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	tokyo := policies.Default().Zone()
	look := func(y int, m time.Month, d, h int) {
		t.Helper()
		s.now = time.Date(y, m, d, h, 0, 0, 0, tokyo)
		for range 2 { // looking again tells nothing again
			if err := s.worker.Look(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	names := map[events.Pseudonym]string{
		s.child("J", "JP", "2006-03-20").Person: "J", s.child("Y", "JP", "2007-09-01").Person: "Y", s.child("K", "KR", "2007-03-02").Person: "K", s.child("F", "FR", "2008-03-31").Person: "F",
	}
	s.tell("N", "n", "collected", "2026-01-10T12:00:00", `{"records":[{"key":"n","category":"pd:Name","value":"v"}],"purposes":[{"id":"SVC-01","basis":"contract"}],"operation":"rental","location":"rental-db","channel":"counter","notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"customer","country":"JP","birthdate":"1980-01-01"}}`)

	look(2026, 3, 31, 23)
	same(t, "before", s.list("2026-03", names), map[string]string{
		"J": "2026-03 2024-03 asks_alone false DM-02", "K": "2026-03 2026-03 minor false DM-02", "F": "2026-03 2026-03 minor false DM-02"})
	same(t, "ahead", s.list("2027-12", names), map[string]string{
		"J": "2026-03 2024-03 asks_alone false DM-02", "K": "2026-03 2026-03 minor false DM-02", "F": "2026-03 2026-03 minor false DM-02", "Y": "2027-09 2025-09 asks_alone false DM-02"})
	if n := len(s.milestones()); n != 0 {
		t.Errorf("%d majorities are told before their month is over", n)
	}

	s.tell("F", "gone", "deleted", "2026-03-31T12:00:00", `{"person":true,"cause":"request"}`)
	look(2026, 4, 1, 0)
	if all := s.milestones(); len(all) != 2 || !all[0].Time.Equal(time.Date(2026, 4, 1, 0, 0, 0, 0, tokyo)) || all[0].Source != "/daicho/majority" {
		t.Errorf("told: %+v", all)
	}
	same(t, "told", s.list("2026-03", names), map[string]string{"J": "2026-03 2024-03 of_age true DM-02", "K": "2026-03 2026-03 of_age true DM-02"})

	// What the guardian consented to stands until the person confirms or withdraws it.
	s.tell("J", "yes", "consent_given", "2026-04-02T12:00:00", `{"purposes":["DM-02"],"by":"self","notice":{"policy":"2025-10","language":"ja"}}`)
	s.tell("K", "no", "consent_withdrawn", "2026-04-02T12:00:00", `{"purposes":["DM-02"],"by":"self"}`)
	same(t, "settled", s.list("2026-04", names), map[string]string{})

	// A birthdate that was wrong: the month is another one, and is told when it is over.
	s.tell("J", "again", "collected", "2026-04-03T12:00:00", `{"records":[{"key":"n2","category":"pd:Name","value":"v"}],"purposes":[{"id":"SVC-01","basis":"contract"}],"operation":"rental","location":"rental-db","channel":"counter","notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"customer","country":"JP","birthdate":"2006-05-20"},"guardian":{"consent":"G"}}`)
	look(2026, 5, 31, 0)
	same(t, "corrected", s.list("2026-05", names), map[string]string{"J": "2026-05 2024-05 asks_alone false"})
	look(2026, 6, 1, 0)
	if n := len(s.milestones()); n != 3 {
		t.Errorf("%d majorities are told, want the corrected one as well", n)
	}
	if _, different, err := s.minors.Compare(ctx); err != nil || len(different) > 0 {
		t.Errorf("a rebuilt model differs in %v (%v)", different, err)
	}

	// The keeping of a guardian's word counts from it.
	if err := s.minors.Ask(func(r *retention.Retention) error {
		due, err := r.Due(ctx, retention.Question{By: "2030-01-01", Purpose: "GUA-01"})
		if err != nil || len(due.Items) == 0 || due.Items[0].Due != "2029-04-01" || due.Items[0].Rule != "GUA-01/majority" {
			t.Errorf("the guardian's word is kept until %+v (%v)", due.Items, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
