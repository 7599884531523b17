package attachments

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/objects"
	"github.com/daicho-dev/daicho/infra/postgres"
	"github.com/daicho-dev/daicho/infra/rootkey"
	"github.com/daicho-dev/daicho/infra/sqlite"
	"github.com/daicho-dev/daicho/infra/vault"
	projection "github.com/daicho-dev/daicho/projections/attachments"
	"github.com/daicho-dev/daicho/projections/dossier"
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
	register *register.Register
	objects  contracts.Objects
	*Service
	ahead atomic.Int64 // how far the service's clock is ahead
	n     int
}

var (
	emitter    = intake.Caller{Role: "emitter", Holder: "staff:pbx", Sources: []string{"/"}}
	stranger   = intake.Caller{Role: "emitter", Holder: "staff:shop", Sources: []string{"/"}}
	compliance = intake.Caller{Role: "compliance", Holder: "staff:compliance"}
	admin      = intake.Caller{Role: "admin", Holder: "staff:admin"}
)

func newWorld(t *testing.T) *world { return newWorldOn(t, nil) }

// newWorldOn is the office of an engine in several processes, whose vault and uploads lie on a server; without one, the whole engine.
func newWorldOn(t *testing.T, server *postgres.Server) *world {
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
	var uploads contracts.Database
	turn := ""
	if server != nil {
		w.vault, uploads, turn = together(t, server, root)
	} else {
		w.vault, err = vault.Open(ctx, filepath.Join(dir, "vault"), root, vault.Options{})
		must(err)
		uploads, err = sqlite.Durable(ctx, filepath.Join(dir, "uploads.db"))
		must(err)
	}
	states, err := sqlite.Open(ctx, filepath.Join(dir, "states.db"))
	must(err)
	w.gateway, err = intake.Open(ctx, w.log, w.vault, states, nil, nil)
	must(err)
	w.gateway.Shared = server != nil
	attached, err := models.Open(ctx, "attachments", sqlite.File(filepath.Join(dir, "attachments.db")), w.log, projection.New)
	must(err)
	dossiers, err := models.Open(ctx, "dossier", sqlite.File(filepath.Join(dir, "dossier.db")), w.log, dossier.New)
	must(err)
	w.objects, err = objects.Open(filepath.Join(dir, "objects"))
	must(err)
	claims, err := OpenClaims(ctx, w.vault, uploads, turn)
	must(err)
	w.Service = New(claims, w.objects, Model{attached}, w.log)
	w.Service.now = func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }
	w.gateway.Uploads = w.Service
	k := keeper.New(w.vault, w.log, w.gateway)
	k.Objects = func(ctx context.Context, owner events.Stream, person bool, ordinals []events.Ordinal) error {
		held, err := w.gateway.Objects(ctx, owner)
		if err != nil {
			return err
		}
		return w.Remove(ctx, held, person, ordinals)
	}
	must(k.Redo(ctx))
	w.gateway.Start()
	k.Start()
	attached.Start()
	dossiers.Start()
	w.register = &register.Register{Log: w.log, Vault: w.vault, Gateway: w.gateway, Dossiers: dossiers, All: []models.Runner{dossiers, attached}, Now: time.Now}
	w.Serve(w.register)
	t.Cleanup(func() {
		k.Close()
		_ = w.gateway.Close()
		_ = attached.Close()
		_ = dossiers.Close()
		_, _ = sqlite.Close(states), uploads.Close()
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

func as(ctx context.Context, c intake.Caller) context.Context { return register.WithCaller(ctx, c) }

func (w *world) upload(c intake.Caller, name, content string) contracts.Uploaded {
	w.t.Helper()
	u, err := w.Upload(as(w.t.Context(), c), contracts.AttachmentInfo{Name: name, Type: "audio/wav"}, strings.NewReader(content))
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

// rows are how many uploads wait.
func (w *world) rows() int {
	w.t.Helper()
	all, err := w.waiting.all(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return len(all)
}

func (w *world) stored() (names []string) {
	w.t.Helper()
	for o, err := range w.objects.List(w.t.Context()) {
		if err != nil {
			w.t.Fatal(err)
		}
		names = append(names, o.Name)
	}
	slices.Sort(names)
	return names
}

// event is one about rental:C-1, with an id of its own unless it has one.
func (w *world) event(typ, data string, id ...string) intake.Submission {
	w.n++
	if len(id) == 0 {
		id = []string{fmt.Sprintf("e%d", w.n)}
	}
	return intake.ReadStructured(fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"/callcenter/pbx","type":"daicho.%s.v1","subject":"rental:C-1","time":%q,"data":%s}`,
		id[0], typ, time.Now().UTC().Format(time.RFC3339), data))
}

// scan is a collection of scans, each of an upload.
func scan1(uploads ...events.ID) string {
	var records []string
	for i, u := range uploads {
		records = append(records, fmt.Sprintf(`{"key":"scan/%s/%d","category":"pd:PersonalDocuments","attachment":{"upload":%q}}`, u, i, u))
	}
	return `{"records":[` + strings.Join(records, ",") + `],"purposes":[{"id":"SVC-01","basis":"contract"}],"operation":"rental","location":"rental-db","channel":"counter",
		"notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"customer","country":"JP"}}`
}

func (w *world) submit(c intake.Caller, s ...intake.Submission) []contracts.Receipt {
	w.t.Helper()
	out, err := w.gateway.Submit(w.t.Context(), c, s)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) must(c intake.Caller, s intake.Submission) contracts.Receipt {
	w.t.Helper()
	r := w.submit(c, s)[0]
	if r.Status != contracts.StatusRecorded {
		w.t.Fatalf("%s is %s: %s at %s: %s", s.Type, r.Status, r.Rule, r.Field, r.Text)
	}
	return r
}

// records are those of the sealed dossier, by the order of their numbers.
func (w *world) dossier(q contracts.DossierQuestion) contracts.Dossier {
	w.t.Helper()
	q.Person = "rental:C-1"
	d, err := w.register.Dossier(as(w.t.Context(), compliance), q)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) open(record string) (contracts.AttachmentInfo, string, error) {
	w.t.Helper()
	about, r, err := w.Attachment(as(w.t.Context(), compliance), contracts.AttachmentQuestion{Record: record, Purpose: "SVC-01"})
	if err != nil {
		return about, "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return about, string(b), err
}

// eventually waits for what the keeper does in the background.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never came to this: " + what)
		}
	}
}
