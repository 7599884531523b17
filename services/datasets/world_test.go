package datasets

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/rootkey"
	"github.com/daicho-dev/daicho/infra/sqlite"
	"github.com/daicho-dev/daicho/infra/vault"
	"github.com/daicho-dev/daicho/projections/dossier"
	"github.com/daicho-dev/daicho/projections/evidence"
	"github.com/daicho-dev/daicho/projections/retention"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/keeper"
	"github.com/daicho-dev/daicho/services/models"
	"github.com/daicho-dev/daicho/services/register"
)

// world is an engine's parts, put together as the engine does.
type world struct {
	t        testing.TB
	dir      string
	gateway  *intake.Gateway
	register *register.Register
	*Service
	ahead atomic.Int64 // how far the service's clock is ahead
	n     int
}

var (
	admin      = intake.Caller{Role: "admin", Holder: "staff:admin"}
	compliance = intake.Caller{Role: "compliance", Holder: "staff:clerk"}
)

func newWorld(t testing.TB) *world {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	log := memlog.New()
	w := &world{t: t, dir: dir}
	root, err := rootkey.File(filepath.Join(dir, "root.key"))
	must(err)
	v, err := vault.Open(ctx, filepath.Join(dir, "vault"), root, vault.Options{})
	must(err)
	states, err := sqlite.Open(ctx, filepath.Join(dir, "states.db"))
	must(err)
	w.gateway, err = intake.Open(ctx, log, v, states, nil, nil)
	must(err)
	dossiers, err := models.Open(ctx, "dossier", sqlite.File(filepath.Join(dir, "dossier.db")), log, dossier.New)
	must(err)
	deadlines, err := models.Open(ctx, "retention", sqlite.File(filepath.Join(dir, "retention.db")), log, retention.New)
	must(err)
	shown, err := models.Open(ctx, "evidence", sqlite.File(filepath.Join(dir, "evidence.db")), log, evidence.New(register.Needed(), register.Shows))
	must(err)
	k := keeper.New(v, log, w.gateway)
	must(k.Redo(ctx))
	w.gateway.Start()
	k.Start()
	dossiers.Start()
	deadlines.Start()
	shown.Start()
	w.Service, err = New(filepath.Join(dir, "datasets"), Parts{Log: log, Vault: v, Gateway: w.gateway, Dossiers: dossiers, Retention: deadlines})
	must(err)
	w.Service.now = func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }
	w.register = &register.Register{Log: log, Vault: v, Gateway: w.gateway, Dossiers: dossiers, Retention: deadlines, Evidence: shown, Now: time.Now, Datasets: w.Service}
	t.Cleanup(func() {
		k.Close()
		_ = w.gateway.Close()
		_, _, _ = dossiers.Close(), deadlines.Close(), shown.Close()
		_ = sqlite.Close(states)
		_ = v.Close()
	})
	c := policies.Default()
	out, err := w.gateway.Submit(ctx, intake.Engine, []intake.Submission{intake.Own(events.TypePolicyPublished, events.Stream{Kind: "policy", ID: "main"},
		&events.PolicyPublished{Version: events.Word(c.Version), Catalogue: c.JSON()})})
	if err != nil || out[0].Status != contracts.StatusRecorded {
		t.Fatal(out, err)
	}
	return w
}

// as is the context of somebody who asks.
func (w *world) as(c intake.Caller) context.Context { return register.WithCaller(w.t.Context(), c) }

func (w *world) clerk() context.Context { return w.as(compliance) }

// event is one that an emitter or an office would send.
func (w *world) event(source, typ, subject, data string) intake.Submission {
	w.n++
	if subject != "" {
		subject = fmt.Sprintf(`"subject":%q,`, subject)
	}
	return intake.ReadStructured(fmt.Appendf(nil, `{"specversion":"1.0","id":"e%d","source":%q,"type":"daicho.%s.v1",%s"time":%q,"data":%s}`,
		w.n, source, typ, subject, time.Now().UTC().Format(time.RFC3339), data))
}

// must records events, all of them.
func (w *world) must(all ...intake.Submission) []contracts.Receipt {
	w.t.Helper()
	out, err := w.gateway.Submit(w.t.Context(), admin, all)
	if err != nil {
		w.t.Fatal(err)
	}
	for i, r := range out {
		if r.Status != contracts.StatusRecorded {
			w.t.Fatalf("%s is %s: %s at %s: %s", all[i].Type, r.Status, r.Rule, r.Field, r.Text)
		}
	}
	return out
}

var bought = []string{"SIM 5GB", "SIM 10GB", "Charger set", "Power bank"}

// buyer is a customer of the shop, by number: of Japan or Korea, with a name that is nobody else's.
func (w *world) buyer(i int, more ...string) intake.Submission {
	country := []string{"JP", "JP", "KR"}[i%3]
	what := bought[i%len(bought)]
	if len(more) > 0 {
		what = more[0]
	}
	return w.event("/sales/shop", "collected", fmt.Sprintf("sales:S-%d", i), fmt.Sprintf(`{"records":[
		{"key":"O-%[1]d/name","category":"pd:Name","value":"canary name %[1]d"},{"key":"O-%[1]d/mail","category":"pd:EmailAddress","value":"canary.%[1]d@example.jp"},
		{"key":"O-%[1]d/item","category":"pd:Purchase","value":%[2]q}],"purposes":[{"id":"SVC-01","basis":"contract"}],"matter":"O-%[1]d",
		"operation":"sales","location":"sales-crm","channel":"web","transport":"tls","notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"customer","country":%[3]q}}`, i, what, country))
}

// buyers are so many of them.
func (w *world) buyers(n int) {
	w.t.Helper()
	var all []intake.Submission
	for i := range n {
		all = append(all, w.buyer(i))
	}
	w.must(all...)
}

// recipe is the shop's, with some text of it replaced.
func (w *world) recipe(changes ...string) []byte {
	w.t.Helper()
	b, err := policies.Recipe("telecomsquare-sales")
	if err != nil {
		w.t.Fatal(err)
	}
	s := string(b)
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(s, changes[i]) {
			w.t.Fatalf("the recipe has no %s: %s", changes[i], s)
		}
		s = strings.ReplaceAll(s, changes[i], changes[i+1])
	}
	return []byte(s)
}

func (w *world) make(changes ...string) contracts.Dataset {
	w.t.Helper()
	d, err := w.MakeDataset(w.clerk(), w.recipe(changes...))
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) publish(id events.ID, methods ...events.Word) contracts.Dataset {
	w.t.Helper()
	d, err := w.PublishDataset(w.clerk(), id, contracts.DatasetPublication{Methods: methods})
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// refusedAs asks for a refusal by a rule at a place.
func refusedAs(t testing.TB, what string, err error, rule, field string) {
	t.Helper()
	var p *contracts.Problem
	if !errors.As(err, &p) || p.Rule != rule || p.Field != field || p.Status != 422 {
		t.Errorf("%s: want %s at %s, got %v", what, rule, field, err)
	}
}

// files are the names in the datasets folder.
func (w *world) files() (names []string) {
	w.t.Helper()
	entries, err := os.ReadDir(filepath.Join(w.dir, "datasets"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// rows are those of a file that was handed out for use.
func (w *world) rows(id events.ID, format events.Word) [][]string {
	w.t.Helper()
	about, from, err := w.DatasetFile(w.clerk(), id, contracts.DatasetUse{Purpose: "SVC-07", Format: format})
	if err != nil {
		w.t.Fatal(err)
	}
	defer from.Close()
	if format == parquetFormat {
		b, err := io.ReadAll(from)
		if err != nil || about.Type != mediaTypes[parquetFormat] {
			w.t.Fatal(about, err)
		}
		return parquetRows(w.t, b)
	}
	all, err := csv.NewReader(from).ReadAll()
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// history counts the events of a type.
func (w *world) history(typ string) (n int) {
	w.t.Helper()
	for batch, err := range w.Log.Scan(w.t.Context(), 0, contracts.Filter{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		for i := range batch {
			if events.Short(batch[i].Type) == typ {
				n++
			}
		}
	}
	return n
}

// sentence is one of the policy's obligations as it stands.
func (w *world) sentence(id string) contracts.Obligation {
	w.t.Helper()
	all, err := w.register.Obligations(w.clerk())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, o := range all {
		if o.ID == id {
			return o
		}
	}
	w.t.Fatal(id)
	return contracts.Obligation{}
}
