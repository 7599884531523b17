package disposal

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/infra/rootkey"
	"github.com/daicho-dev/daicho/infra/sqlite"
	"github.com/daicho-dev/daicho/infra/vault"
	"github.com/daicho-dev/daicho/projections/retention"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/keeper"
	"github.com/daicho-dev/daicho/services/models"
	"github.com/daicho-dev/daicho/services/register"
)

// world is an engine's parts, put together as the engine does.
type world struct {
	t       *testing.T
	log     contracts.Log
	vault   *vault.Vault
	gateway *intake.Gateway
	*Service
	n  int
	at time.Time // when what happens next happened; zero: now
}

var (
	compliance = intake.Caller{Role: "compliance", Holder: "staff:compliance"}
	admin      = intake.Caller{Role: "admin", Holder: "staff:admin"}
	auditor    = intake.Caller{Role: "auditor", Holder: "staff:auditor"}
)

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	w := &world{t: t, log: memlog.New()}
	root, err := rootkey.File(filepath.Join(dir, "root.key"))
	must(err)
	w.vault, err = vault.Open(ctx, filepath.Join(dir, "vault"), root, vault.Options{})
	must(err)
	states, err := sqlite.Open(ctx, filepath.Join(dir, "states.db"))
	must(err)
	lists, err := sqlite.Durable(ctx, filepath.Join(dir, "lists.db"))
	must(err)
	w.gateway, err = intake.Open(ctx, w.log, w.vault, states, nil, nil)
	must(err)
	model, err := models.Open(ctx, "retention", sqlite.File(filepath.Join(dir, "retention.db")), w.log, retention.New)
	must(err)
	k := keeper.New(w.vault, w.log, w.gateway)
	must(k.Redo(ctx))
	w.gateway.Start()
	k.Start()
	model.Start()
	w.Service, err = New(ctx, w.log, w.vault, w.gateway, model, lists)
	must(err)
	t.Cleanup(func() {
		w.Service.Close()
		k.Close()
		_ = w.gateway.Close()
		_ = model.Close()
		_, _ = sqlite.Close(states), sqlite.Close(lists)
		_ = w.vault.Close()
	})
	c := policies.Default()
	out, err := w.gateway.Submit(ctx, intake.Engine, []intake.Submission{intake.Own(events.TypePolicyPublished, events.Stream{Kind: "policy", ID: "main"},
		&events.PolicyPublished{Version: events.Word(c.Version), Catalogue: c.JSON()})})
	if err != nil || out[0].Status != contracts.StatusRecorded {
		t.Fatal(out, err)
	}
	return w
}

func (w *world) as(c intake.Caller) context.Context { return register.WithCaller(w.t.Context(), c) }

// event is one about somebody, or about nobody, by an admin.
func (w *world) event(who, typ, data string) contracts.Receipt {
	w.t.Helper()
	w.n++
	subject := ""
	if who != "" {
		subject = `"subject":"rental:` + who + `",`
	}
	s := intake.ReadStructured(fmt.Appendf(nil, `{"specversion":"1.0","id":"e%d","source":"/marketing/crm","type":"daicho.%s.v1",%s"time":%q,"data":%s}`,
		w.n, typ, subject, cmp.Or(w.at, time.Now()).UTC().Format(time.RFC3339), data))
	out, err := w.gateway.Submit(w.t.Context(), admin, []intake.Submission{s})
	if err != nil {
		w.t.Fatal(err)
	}
	return out[0]
}

func (w *world) happened(who, typ, data string) events.Pseudonym {
	w.t.Helper()
	r := w.event(who, typ, data)
	if r.Status != contracts.StatusRecorded {
		w.t.Fatalf("%s is %s: %s at %s: %s", typ, r.Status, r.Rule, r.Field, r.Text)
	}
	return r.Person
}

// takes collects one mail address for a purpose that consent allows, and ends answers that the purpose is over: the record may go at once.
func (w *world) takes(who string, keys ...string) events.Pseudonym {
	w.t.Helper()
	var records []string
	for _, k := range keys {
		records = append(records, fmt.Sprintf(`{"key":%q,"category":"pd:EmailAddress","value":"a@example.com"}`, k))
	}
	return w.happened(who, "collected", `{"records":[`+strings.Join(records, ",")+`],"purposes":[{"id":"DM-01","basis":"consent","consent":{"by":"self"}}],
		"operation":"rental","location":"marketing-crm","channel":"counter","notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"customer","country":"JP"}}`)
}

func (w *world) ends(who string, keys ...string) {
	w.t.Helper()
	w.happened(who, "purpose_ended", fmt.Sprintf(`{"records":["%s"],"purpose":"DM-01","reason":"completed"}`, strings.Join(keys, `","`)))
}

// approved is a plan of all that may go, approved by another.
func (w *world) approved() contracts.Disposal {
	w.t.Helper()
	d, err := w.Plan(w.as(compliance), contracts.DisposalQuestion{})
	if err != nil {
		w.t.Fatal(err)
	}
	if d, err = w.Approve(w.as(admin), d.Disposal, d.Digest); err != nil || d.State != "approved" {
		w.t.Fatalf("%+v %v", d, err)
	}
	return d
}

// runs answers the disposal after a run, and the reason told of each record that was not disposed of.
func (w *world) runs(id events.ID) (contracts.Disposal, map[string]string) {
	w.t.Helper()
	reasons := map[string]string{}
	d, err := w.Run(w.as(compliance), id, func(p contracts.DisposalProgress) error {
		if p.Record != "" {
			reasons[p.Record] = p.Reason
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return d, reasons
}

// living are the keys' ordinals of somebody's records that are there; nil if they are forgotten.
func (w *world) living(p events.Pseudonym) []events.Ordinal {
	w.t.Helper()
	if err := w.level(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	var s *person.State
	if err := w.retention.Ask(func(r *retention.Retention) (err error) {
		s, err = r.Person(w.t.Context(), p)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	if !s.Exists() {
		return nil
	}
	all := []events.Ordinal{}
	for i := range s.Records {
		if s.Records[i].Live() {
			all = append(all, s.Records[i].N)
		}
	}
	return all
}

func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatal("it never came to this: " + what)
		}
	}
}
