package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
	"github.com/daicho-dev/daicho/infra/eventstore"
	"github.com/daicho-dev/daicho/infra/feed"
	"github.com/daicho-dev/daicho/infra/jetstream"
	"github.com/daicho-dev/daicho/infra/natsbus"
	"github.com/daicho-dev/daicho/infra/vault"
	attached "github.com/daicho-dev/daicho/projections/attachments"
	"github.com/daicho-dev/daicho/projections/breach"
	"github.com/daicho-dev/daicho/projections/dossier"
	"github.com/daicho-dev/daicho/projections/evidence"
	handed "github.com/daicho-dev/daicho/projections/recipients"
	"github.com/daicho-dev/daicho/projections/retention"
	"github.com/daicho-dev/daicho/services/api"
	"github.com/daicho-dev/daicho/services/inforce"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/keeper"
	"github.com/daicho-dev/daicho/services/majority"
	"github.com/daicho-dev/daicho/services/metrics"
	"github.com/daicho-dev/daicho/services/models"
	"github.com/daicho-dev/daicho/services/recipients"
	"github.com/daicho-dev/daicho/services/register"
	"github.com/daicho-dev/daicho/services/tokens"
)

// Config is what `daicho serve` is told.
type Config struct {
	Data    string
	Listen  string
	Models  string // "sqlite" or empty: files of the data folder; "postgres://…": schemas of that database
	Vault   string // the same
	Log     string // "jetstream": embedded; "jetstream://host:port"; "esdb://host:port" and its like; "memory" for a look around
	Policy  string // a catalogue file for the first start; empty: the one built in
	RootKey string // file; empty: root.key in the data folder
	TLSCert string
	TLSKey  string
	Only    []string
	Profile string

	IntakeNATS   []string // servers that emitters publish to
	NATSListen   string   // where a NATS server of our own listens for emitters; empty: nowhere
	IntakeOutbox []string // tables of companies' own databases
	// Progress is told how the replay at start goes.
	Progress func(what string, at, head events.Position)
	// AcceptLost starts although people have lost their keys.
	AcceptLost bool
}

// wiring is the one place that fx is used: what needs what. Every constructor is a plain function.
func wiring(c Config) fx.Option {
	return fx.Options(
		fx.Supply(c),
		fx.Provide(newLogger, newLog, newKeeping, newTokens, newStores, metrics.New, newAPI, newListener, newNATS, newEngine),
		fx.Invoke(func(*Engine) {}),
		fx.WithLogger(func() fxevent.Logger { return fxevent.NopLogger }),
		fx.StopTimeout(60*time.Second),
	)
}

func newLogger(c Config) zerolog.Logger {
	zerolog.TimeFieldFormat = time.RFC3339Nano
	return zerolog.New(os.Stderr).With().Timestamp().Logger().Level(zerolog.InfoLevel)
}

// newLog opens the register's log, whose end is read once for everybody here who follows it.
func newLog(lc fx.Lifecycle, c Config, l zerolog.Logger) (contracts.Log, error) {
	ctx := context.Background()
	logf := func(format string, a ...any) { l.Warn().Str("part", "log").Msgf(format, a...) }
	opts := jetstream.Options{Logf: logf}
	switch {
	case c.Log == "" || c.Log == "jetstream":
		log, err := jetstream.Embedded(ctx, filepath.Join(c.Data, "log"), opts)
		if err != nil {
			return nil, err
		}
		lc.Append(fx.StopHook(log.Close))
		return feed.New(log), nil
	case strings.HasPrefix(c.Log, "jetstream://"):
		log, err := jetstream.Connect(ctx, c.Log, opts)
		if err != nil {
			return nil, err
		}
		lc.Append(fx.StopHook(log.Close))
		return feed.New(log), nil
	case eventstore.Scheme(c.Log):
		log, err := eventstore.Connect(ctx, c.Log, eventstore.Options{Logf: logf})
		if err != nil {
			return nil, err
		}
		lc.Append(fx.StopHook(log.Close))
		return feed.New(log), nil
	case c.Log == "memory":
		log := memlog.New()
		lc.Append(fx.StopHook(log.Close))
		return feed.New(log), nil
	}
	return nil, fmt.Errorf("--log is jetstream (embedded), jetstream://host:port, esdb://host:port (also esdb+discover, kurrentdb, kurrentdb+discover), or memory")
}

// outside says that others may append to the log too.
func outside(log string) bool { return log != "" && log != "jetstream" && log != "memory" }

func newTokens(c Config, l zerolog.Logger) (*tokens.Store, error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	s, first, err := tokens.Open(c.Data)
	if first {
		l.Info().Msg("first start: one token a role is in the data folder's tokens/; hand out your own with `daicho token create`")
	}
	return s, err
}

// Stores are the read models. Those that other parts keep, Engine.keep opens.
type Stores struct {
	Dossier   *models.Model[*dossier.Dossier]
	Retention *models.Model[*retention.Retention]
	Breach    *models.Model[*breach.Breach]
	Attached  *models.Model[*attached.Attachments]
	Evidence  *models.Model[*evidence.Evidence]
	Handed    *recipients.Model
	All       []models.Runner // every model, in the order in which they start
}

func newStores(lc fx.Lifecycle, k *keeping, log contracts.Log) *Stores {
	s := &Stores{
		Dossier:   models.New("dossier", k.model("dossier"), log, dossier.New),
		Retention: models.New("retention", k.model("retention"), log, retention.New),
		Breach:    models.New("breach", k.model("breach"), log, breach.New),
		Attached:  models.New("attachments", k.model("attachments"), log, attached.New),
		Evidence:  models.New("evidence", k.model("evidence"), log, evidence.New(register.Needed(), register.Shows)),
		Handed:    models.New("recipients", k.model("recipients"), log, handed.New),
	}
	s.All = []models.Runner{s.Dossier, s.Retention, s.Breach, s.Attached, s.Evidence, s.Handed}
	for _, m := range s.All {
		lc.Append(fx.StopHook(m.Close))
	}
	return s
}

func newAPI(t *tokens.Store, l zerolog.Logger, m *metrics.Metrics) *api.API {
	return api.New(t, l, m.Handler())
}

// Engine is everything at work.
type Engine struct {
	cfg      Config
	log      contracts.Log
	keeping  *keeping
	vault    *vault.Vault // from here to lists: opened by keep
	states   contracts.Database
	uploads  contracts.Database // what waits for its record
	notices  contracts.Database // how far recipients have been told
	lists    contracts.Database // of disposals
	stores   *Stores
	api      *api.API
	metrics  *metrics.Metrics
	watch    *metrics.Watch
	tokens   *tokens.Store
	listener net.Listener
	nats     *natsbus.Listener // nil unless --nats-listen
	logger   zerolog.Logger
	server   *http.Server
	gateway  *intake.Gateway
	keeper   *keeper.Keeper
	vendors  *recipients.Service
	workers  []working
	booted   chan struct{}
	boot     context.CancelFunc
	failed   atomic.Pointer[error]
	waits    atomic.Pointer[error] // why it stands by
	cut      atomic.Pointer[error] // why what it keeps cannot be reached
	down     fx.Shutdowner
}

func newEngine(lc fx.Lifecycle, down fx.Shutdowner, c Config, log contracts.Log, k *keeping, s *Stores, a *api.API, m *metrics.Metrics, t *tokens.Store, ln net.Listener, door *natsbus.Listener, l zerolog.Logger) *Engine {
	e := &Engine{cfg: c, log: log, keeping: k, down: down, stores: s, api: a, metrics: m, tokens: t, listener: ln, nats: door, logger: l, booted: make(chan struct{})}
	e.server = newServer(a)
	a.Health = e.health
	a.Waits = func() error { return loaded(&e.waits) }
	ctx, cancel := context.WithCancel(context.Background())
	e.boot = cancel
	e.watch = m.Watch(e.gauges()...)
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			go e.serve(down)
			e.watch.Start()
			go func() { // replaying a log takes as long as it takes; meanwhile /readyz says so
				defer close(e.booted)
				switch err := e.begin(ctx); {
				case err == nil:
				case ctx.Err() != nil: // it was stopped before
					e.failed.Store(&err)
				default:
					e.fail(err, "the engine does not start")
				}
			}()
			return nil
		},
		OnStop: e.end,
	})
	return e
}

func (e *Engine) serve(down fx.Shutdowner) {
	var err error
	if e.cfg.TLSCert != "" {
		err = e.server.ServeTLS(e.listener, e.cfg.TLSCert, e.cfg.TLSKey)
	} else {
		err = e.server.Serve(e.listener)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		e.logger.Error().Err(err).Msg("serving ended")
		_ = down.Shutdown(fx.ExitCode(1))
	}
}

// begin brings the engine up in the order that its promises need: states level with the log, the vault level with its deletions, then
// writers, then readers.
func (e *Engine) begin(ctx context.Context) error {
	if err := e.keep(ctx); err != nil {
		return err
	}
	head, err := e.log.Head(ctx)
	if err != nil {
		return err
	}
	told := func(what string) func(events.Position) {
		return func(at events.Position) {
			if e.cfg.Progress != nil {
				e.cfg.Progress(what, at, head)
			}
		}
	}
	if e.gateway, err = intake.Open(ctx, e.log, e.vault, e.states, e.metrics, told("person states")); err != nil {
		return err
	}
	e.gateway.Shared = outside(e.cfg.Log)
	e.keeper = keeper.New(e.vault, e.log, e.gateway)
	if at := os.Getenv("DAICHO_CRASH_AT_STEP"); at != "" { // for tests of what a crash leaves
		e.keeper.Crash = func(step int) {
			if at == fmt.Sprint(step) {
				die()
			}
		}
	}
	files, err := e.attachments(ctx)
	if err != nil {
		return err
	}
	if err := e.keeper.Redo(ctx); err != nil {
		return err
	}
	e.gateway.Start()
	if err := e.publish(ctx); err != nil {
		return err
	}
	e.work("destruction of keys", e.keeper)
	for _, m := range e.stores.All {
		m.Start()
	}
	if err := e.keysThere(ctx); err != nil {
		return err
	}
	r := &register.Register{
		Log: e.log, Vault: e.vault, Gateway: e.gateway, Dossiers: e.stores.Dossier, Retention: e.stores.Retention, Breach: e.stores.Breach, Evidence: e.stores.Evidence, Handed: e.stores.Handed,
		All: e.stores.All, Store: e.tokens, Now: time.Now,
	}
	files.Serve(r)
	r.Checks = append(r.Checks, files.Check)
	e.work("removal of attachments", files)
	e.work("calendar of the policy", inforce.New(e.gateway))
	e.work("telling of majorities", majority.New(e.gateway, e.log, e.stores.Retention))
	vendors, err := recipients.New(ctx, e.log, e.vault, e.gateway, e.stores.Handed, e.notices)
	if err != nil {
		return err
	}
	vendors.Serve(r)
	e.vendors = vendors
	e.work("supervision of recipients", vendors)
	made, err := e.datasets(r)
	if err != nil {
		return err
	}
	e.work("removal of datasets", made)
	gone, err := e.disposals(ctx)
	if err != nil {
		return err
	}
	e.server.RegisterOnShutdown(gone.Halt)
	e.work("watch over disposals", gone)
	target, err := e.log.Head(ctx)
	if err != nil {
		return err
	}
	e.api.Ready(api.Parts{
		Register: r, Gateway: e.gateway, Attachments: files, Recipients: vendors, Notices: vendors,
		Datasets: made, Disposals: gone, Holds: gone, Reviews: e.reviews(),
	}, func() error { return e.level(target) })
	if err := e.edges(); err != nil {
		return err
	}
	said := e.logger.Info().Str("url", e.url()).Str("position", target.String())
	if e.nats != nil {
		said.Str("nats", e.natsURL())
	}
	said.Msg("daicho serves")
	go e.sweep(ctx, e.vault)
	return nil
}

// worker does a room's work in the background, from Start until Close. Close waits until it has ended; Err says why it is stuck.
type worker interface {
	Start()
	Close()
	Err() error
}

type working struct {
	what string
	worker
}

// work starts a worker; the health check asks it, and the end closes it, the last started first.
func (e *Engine) work(what string, w worker) {
	w.Start()
	e.workers = append(e.workers, working{what, w})
}

// publish puts the first policy into an empty register.
func (e *Engine) publish(ctx context.Context) error {
	if e.gateway.Organisation().Policy != nil {
		return nil
	}
	c := policies.Default()
	if e.cfg.Policy != "" {
		var err error
		if c, _, err = policies.Load(e.cfg.Policy); err != nil {
			return err
		}
	}
	for _, f := range policy.Lint(c) {
		if f.Severity == policy.Error {
			return fmt.Errorf("the policy has errors, the first at %s: %s (`daicho policy lint` lists all)", f.Path, f.Text)
		}
	}
	s := intake.Own(events.TypePolicyPublished, events.Stream{Kind: "policy", ID: "main"}, &events.PolicyPublished{Version: events.Word(c.Version), Catalogue: c.JSON()})
	out, err := e.gateway.Submit(ctx, intake.Engine, []intake.Submission{s})
	if err != nil {
		return err
	}
	if out[0].Status == contracts.StatusRefused {
		return fmt.Errorf("the first policy is refused (%s at %s): %s", out[0].Rule, out[0].Field, out[0].Text)
	}
	return nil
}

// fail ends the engine.
func (e *Engine) fail(err error, what string) {
	e.failed.Store(&err)
	e.logger.Error().Err(err).Msg(what)
	_ = e.down.Shutdown(fx.ExitCode(1))
}

func loaded(p *atomic.Pointer[error]) error {
	if err := p.Load(); err != nil {
		return *err
	}
	return nil
}

func (e *Engine) url() string {
	scheme := "http"
	if e.cfg.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + e.listener.Addr().String()
}

// sweep lets the quarantine and tombstones forget what is past its time.
func (e *Engine) sweep(ctx context.Context, v *vault.Vault) {
	for {
		if c := e.gateway.Organisation().Policy; c != nil {
			if err := v.Sweep(ctx, time.Now(), c.QuarantineKeep()); err != nil && ctx.Err() == nil {
				e.logger.Error().Err(err).Msg("sweeping the vault failed; it is tried again in an hour")
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Hour):
		}
	}
}

// end stops in the order that loses nothing: no more questions, what was taken is finished, then the stores.
func (e *Engine) end(ctx context.Context) error {
	err := e.server.Shutdown(ctx)
	e.watch.Close()
	e.boot()
	<-e.booted
	if e.failed.Load() == nil {
		for _, w := range slices.Backward(e.workers) {
			w.Close()
		}
		err = errors.Join(err, e.gateway.Close())
	}
	return errors.Join(err, e.letGo())
}
