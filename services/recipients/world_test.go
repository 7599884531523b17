package recipients

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
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
	"github.com/daicho-dev/daicho/projections/breach"
	"github.com/daicho-dev/daicho/projections/dossier"
	"github.com/daicho-dev/daicho/projections/evidence"
	projection "github.com/daicho-dev/daicho/projections/recipients"
	"github.com/daicho-dev/daicho/projections/retention"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/keeper"
	"github.com/daicho-dev/daicho/services/models"
	"github.com/daicho-dev/daicho/services/register"
)

// world is an engine's parts, put together as the engine does.
type world struct {
	t        *testing.T
	dir      string
	log      contracts.Log
	vault    *vault.Vault
	gateway  *intake.Gateway
	keeper   *keeper.Keeper
	model    *Model
	register *register.Register
	*Service
	n int
}

var (
	compliance = intake.Caller{Role: "compliance", Holder: "staff:compliance"}
	admin      = intake.Caller{Role: "admin", Holder: "staff:admin"}
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
	w := &world{t: t, dir: dir, log: memlog.New()}
	root, err := rootkey.File(filepath.Join(dir, "root.key"))
	must(err)
	w.vault, err = vault.Open(ctx, filepath.Join(dir, "vault"), root, vault.Options{})
	must(err)
	states, err := sqlite.Open(ctx, filepath.Join(dir, "states.db"))
	must(err)
	w.gateway, err = intake.Open(ctx, w.log, w.vault, states, nil, nil)
	must(err)
	w.model, err = models.Open(ctx, "recipients", sqlite.File(filepath.Join(dir, "recipients.db")), w.log, projection.New)
	must(err)
	w.keeper = keeper.New(w.vault, w.log, w.gateway)
	must(w.keeper.Redo(ctx))
	w.gateway.Start()
	w.keeper.Start()
	w.model.Start()
	dossiers, err := models.Open(ctx, "dossier", sqlite.File(filepath.Join(dir, "dossier.db")), w.log, dossier.New)
	must(err)
	there, err := models.Open(ctx, "breach", sqlite.File(filepath.Join(dir, "breach.db")), w.log, breach.New)
	must(err)
	shown, err := models.Open(ctx, "evidence", sqlite.File(filepath.Join(dir, "evidence.db")), w.log, evidence.New(register.Needed(), register.Shows))
	must(err)
	kept, err := models.Open(ctx, "retention", sqlite.File(filepath.Join(dir, "retention.db")), w.log, retention.New)
	must(err)
	kept.Start()
	dossiers.Start()
	there.Start()
	shown.Start()
	w.register = &register.Register{Log: w.log, Vault: w.vault, Gateway: w.gateway, Dossiers: dossiers, Retention: kept, Breach: there, Evidence: shown, Handed: w.model, Now: time.Now}
	db, err := sqlite.Open(ctx, filepath.Join(dir, "notices.db"))
	must(err)
	w.Service, err = New(ctx, w.log, w.vault, w.gateway, w.model, db)
	must(err)
	w.Serve(w.register)
	t.Cleanup(func() {
		w.Close()
		_, _, _, _ = dossiers.Close(), there.Close(), shown.Close(), kept.Close()
		w.keeper.Close()
		_ = w.gateway.Close()
		_ = w.model.Close()
		_, _ = sqlite.Close(states), sqlite.Close(db)
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

// again is the service as a restart would make it, over the same stores.
func (w *world) again() {
	w.t.Helper()
	w.Close()
	s, err := New(w.t.Context(), w.log, w.vault, w.gateway, w.model, w.own.db)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Service = s
	w.Serve(w.register)
}

// as is a context in which somebody asks.
func (w *world) as(c intake.Caller) context.Context { return register.WithCaller(w.t.Context(), c) }

// sentence is how one of the policy's stands now.
func (w *world) sentence(id string) contracts.Obligation {
	w.t.Helper()
	all, err := w.register.Obligations(w.as(compliance))
	if err != nil {
		w.t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(o contracts.Obligation) bool { return o.ID == id })
	return all[i]
}

// tell submits one event as an admin, and answers its receipt.
func (w *world) tell(subject, source, typ, data string) contracts.Receipt {
	w.t.Helper()
	w.n++
	s := ""
	if subject != "" {
		s = fmt.Sprintf(`"subject":%q,`, subject)
	}
	out, err := w.gateway.Submit(w.t.Context(), admin, []intake.Submission{intake.ReadStructured(fmt.Appendf(nil,
		`{"specversion":"1.0","id":"e%d","source":%q,"type":"daicho.%s.v1",%s"time":%q,"data":%s}`, w.n, source, typ, s, time.Now().UTC().Format(time.RFC3339), data))})
	if err != nil {
		w.t.Fatal(err)
	}
	return out[0]
}

func (w *world) must(subject, source, typ, data string) contracts.Receipt {
	w.t.Helper()
	r := w.tell(subject, source, typ, data)
	if r.Status != contracts.StatusRecorded {
		w.t.Fatalf("%s is %s: %s at %s: %s", typ, r.Status, r.Rule, r.Field, r.Text)
	}
	return r
}

const office = "/privacy/office"

// vendor registers a recipient that may be entrusted with rental work and sent advertising; more is further fields. Whom work is
// entrusted to has a contract, unless more says of which days.
func (w *world) vendor(id, kind, more string) {
	w.t.Helper()
	if kind == "entrusted" && !strings.Contains(more, `"contract"`) {
		more += `,"contract":{"ref":"V-0","from":"2025-10-01"}`
	}
	w.must("", office, "recipient_registered", fmt.Sprintf(`{"recipient":%q,"name":"Vendor %[1]s","country":"JP","kinds":[%[2]q],"purposes":["SVC-01","SVC-05","DM-01"],"safeguard":"domestic"%[3]s}`, id, kind, more))
}

// customer has a name and an e-mail for their rental, and has consented to travel information and to mail.
func (w *world) customer(id string) {
	w.t.Helper()
	w.must(id, "/rental/web", "collected", `{"records":[{"key":"name","category":"pd:Name","value":"山田 花子"},{"key":"email","category":"pd:EmailAddress","value":"hanako@example.com"}],
		"purposes":[{"id":"SVC-01","basis":"contract"},{"id":"DM-01","basis":"consent","consent":{"by":"self"}}],"operation":"rental","location":"rental-db","channel":"web","transport":"tls",
		"notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"customer","country":"JP","birthdate":"1990-05-01"}}`)
}

func (w *world) handOver(id, key, recipient, kind, purpose, basis string) {
	w.t.Helper()
	w.must(id, "/rental/web", "transferred", fmt.Sprintf(`{"records":[%q],"recipient":%q,"kind":%q,"purpose":%q,"basis":%q,"country":"JP"}`, key, recipient, kind, purpose, basis))
}

// all reads the log; from its beginning, or after a position.
func (w *world) all(after events.Position, types ...string) (found []events.Event) {
	w.t.Helper()
	for batch, err := range w.log.Scan(context.Background(), after, contracts.Filter{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range batch {
			if len(types) == 0 || slices.Contains(types, e.Type) {
				found = append(found, e)
			}
		}
	}
	return found
}

// react has the service read the whole log, once more than it needs.
func (w *world) react() {
	w.t.Helper()
	for range 2 {
		w.t.Helper()
		if err := w.React(w.t.Context(), w.all(0)); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) level() {
	w.t.Helper()
	head, err := w.log.Head(w.t.Context())
	if err == nil {
		err = w.model.Level(w.t.Context(), head)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// open are the recalls of which something is left.
func (w *world) open() []projection.Recall {
	w.t.Helper()
	w.level()
	all, err := w.recalls(w.t.Context(), projection.Which{Open: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// state is what the log says of somebody.
func (w *world) state(id string) *person.State {
	w.t.Helper()
	found, err := w.vault.Find(w.t.Context(), []events.Identifier{events.Identifier(id)})
	if err != nil || found[0].Person == "" {
		w.t.Fatal("not found", err)
	}
	st := events.PersonStream(found[0].Person)
	have, err := w.gateway.People(w.t.Context(), map[events.Stream]events.Position{st: 0}, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return have[st]
}

// eventually waits for what runs in the background.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never came to this: " + what)
		}
	}
}
