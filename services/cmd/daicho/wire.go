package main

import (
	"cmp"
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
	"github.com/daicho-dev/daicho/events"
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
	"github.com/daicho-dev/daicho/services/attachments"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/keeper"
	"github.com/daicho-dev/daicho/services/metrics"
	"github.com/daicho-dev/daicho/services/models"
	"github.com/daicho-dev/daicho/services/recipients"
	"github.com/daicho-dev/daicho/services/register"
	"github.com/daicho-dev/daicho/services/tokens"
)

// Config is what `daicho serve` is told.
type Config struct {
	Data   string
	Listen string
	Models string // "sqlite" or empty: files of the data folder; "postgres://…": schemas of that database
	Vault  string // the same
	Log    string // "jetstream": embedded; "jetstream://host:port"; "esdb://host:port" and its like; "memory" for a look around
	// Partitions is over how many streams a new JetStream log is divided by person; zero: as it is, and a new one is not.
	Partitions int
	Policy     string // a catalogue file for the first start; empty: the one built in
	RootKey    string // file; empty: root.key in the data folder
	TLSCert    string
	TLSKey     string
	Profile    string

	Only      []string // parts that this process serves; none: all of them, alone
	Peers     string   // the NATS server over which processes of one engine find each other
	Advertise string   // where others reach this process; empty: where it listens
	Tokens    string   // the folder of the tokens, which processes of one engine share; empty: the data folder

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
	opts := jetstream.Options{Logf: logf, Partitions: c.Partitions}
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
		l.Warn().Str("part", "log").Msg("the log is in memory: it is gone when this process ends, and the data folder is then of no use; start anew with an empty one")
		log := memlog.New()
		lc.Append(fx.StopHook(log.Close))
		return feed.New(log), nil
	}
	return nil, fmt.Errorf("--log is jetstream (embedded), jetstream://host:port, esdb://host:port (also esdb+discover, kurrentdb, kurrentdb+discover), or memory")
}

// partitionRules say which logs can be divided, and over how many streams.
func (c Config) partitionRules() error {
	switch {
	case c.Partitions < 0 || c.Partitions > jetstream.MaxPartitions:
		return errUsage{fmt.Errorf("--partitions is 1 to %d; without it a log is opened as it was made", jetstream.MaxPartitions)}
	case c.Partitions > 0 && (c.Log == "memory" || eventstore.Scheme(c.Log)):
		return errUsage{errors.New("--partitions is for a JetStream log: EventStoreDB and a log in memory keep one stream of everything")}
	}
	return nil
}

// outside says that others may append to the log too.
func outside(log string) bool { return log != "" && log != "jetstream" && log != "memory" }

func newTokens(c Config, l zerolog.Logger) (*tokens.Store, error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	s, first, err := tokens.Open(cmp.Or(c.Tokens, c.Data))
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

func newStores(lc fx.Lifecycle, c Config, k *keeping, log contracts.Log) *Stores {
	p := c.parts()
	// The office folds for itself what it asks all day: a process of its own is there for others.
	name := func(model, part string) string {
		if !p.has(part) {
			return api.CopyOf(model)
		}
		return model
	}
	theirs, kept := name("dossier", api.Dossier), name("retention", api.Retention)
	s := &Stores{
		Dossier:   models.New(theirs, k.model(theirs), log, dossier.New),
		Retention: models.New(kept, k.model(kept), log, retention.New),
		Breach:    models.New("breach", k.model("breach"), log, breach.New),
		Attached:  models.New("attachments", k.model("attachments"), log, attached.New),
		Evidence:  models.New("evidence", k.model("evidence"), log, evidence.New(register.Needed(), register.Shows)),
		Handed:    models.New("recipients", k.model("recipients"), log, handed.New),
	}
	served := c.Only
	if p == nil {
		served = api.AllParts
	}
	here := api.Keeps(served...)
	for _, m := range []models.Runner{s.Dossier, s.Retention, s.Breach, s.Attached, s.Evidence, s.Handed} {
		if slices.Contains(here, m.Name()) {
			s.All = append(s.All, m)
		}
	}
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
	only     parts
	bus      *natsbus.Bus // to the peers; nil unless --only, as they are
	peers    *natsbus.Peers
	files    *attachments.Service
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
	e := &Engine{cfg: c, only: c.parts(), log: log, keeping: k, down: down, stores: s, api: a, metrics: m, tokens: t, listener: ln, nats: door, logger: l, booted: make(chan struct{})}
	e.server = newServer(a)
	a.Health = e.health
	a.Waits = func() error { return loaded(&e.waits) }
	ctx, cancel := context.WithCancel(context.Background())
	e.boot = cancel
	e.watch = m.Watch(e.gauges()...)
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			if err := e.meet(); err != nil {
				return err
			}
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
	err := errors.Join(e.leave(), e.server.Shutdown(ctx)) // nobody is handed over to it any more
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
