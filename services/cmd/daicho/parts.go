package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/infra/natsbus"
	"github.com/daicho-dev/daicho/infra/postgres"
	"github.com/daicho-dev/daicho/services/api"
	"github.com/daicho-dev/daicho/services/front"
	"github.com/daicho-dev/daicho/services/models"
)

// parts are what a process serves; nil: everything, alone.
type parts map[string]bool

func (c Config) parts() parts {
	if len(c.Only) == 0 {
		return nil
	}
	p := parts{}
	for _, name := range c.Only {
		p[name] = true
	}
	return p
}

func (p parts) has(name string) bool { return p == nil || p[name] }

// records says that events are recorded here: those of emitters, those of the office, looks.
func (p parts) records() bool { return p.has(api.Intake) || p.has(api.Dossier) || p.has(api.Office) }

// uploads says that what was uploaded is taken or claimed here.
func (p parts) uploads() bool { return p.has(api.Intake) || p.has(api.Office) }

// keys says that something is opened here: values, or the words of cases.
func (p parts) keys() bool { return p.records() || p.has(api.Retention) }

// splitRules say what a process that serves only some parts needs.
func (c Config) splitRules() error {
	for _, name := range c.Only {
		if !slices.Contains(api.AllParts, name) {
			return errUsage{fmt.Errorf("--only takes %s", strings.Join(api.AllParts, ", "))}
		}
	}
	p := c.parts()
	switch {
	case p == nil:
		return nil
	case !outside(c.Log):
		return errUsage{errors.New("--only needs a log that other processes reach too: --log jetstream://host:port or esdb://host:port")}
	case p.keys() && !postgres.Scheme(c.Vault):
		return errUsage{errors.New("--only needs a vault that other processes have open too: --vault postgres://user@host/database (but for --only breach, which opens nothing)")}
	case c.peersURL() == "":
		return errUsage{errors.New("--only needs --peers nats://host:port, over which the processes of an engine find each other")}
	}
	return nil
}

// peersURL is where peers are found: as told, or at the first server of a JetStream log.
func (c Config) peersURL() string {
	if c.Peers != "" {
		return c.Peers
	}
	rest, ok := strings.CutPrefix(c.Log, "jetstream://")
	if !ok {
		return ""
	}
	hosts, _, _ := strings.Cut(rest, "?")
	first, _, _ := strings.Cut(hosts, ",")
	return "nats://" + strings.TrimSuffix(first, "/")
}

// meet makes this process one of its peers, and has it hand over what they serve.
func (e *Engine) meet() error {
	if e.only == nil {
		return nil
	}
	bus, err := natsbus.Connect(e.cfg.peersURL(), natsbus.Options{Logf: func(format string, a ...any) { e.logger.Warn().Str("part", "peers").Msgf(format, a...) }})
	if err != nil {
		return fmt.Errorf("--peers: %w", err)
	}
	self := natsbus.Peer{ID: rand.Text(), URL: e.url()}
	if e.cfg.Advertise != "" {
		self.URL = strings.TrimSuffix(e.cfg.Advertise, "/")
	}
	e.peers, err = bus.Join(func() natsbus.Peer {
		now := self
		now.Parts = map[string]string{}
		for name := range e.only {
			now.Parts[name] = e.stateOf(name)
		}
		return now
	})
	if err != nil {
		return errors.Join(err, bus.Close())
	}
	e.bus = bus
	e.api.Only(e.cfg.Only, front.New(e.peers, nil, e.api.Fail))
	return nil
}

// leave says goodbye to the peers.
func (e *Engine) leave() error {
	if e.peers == nil {
		return nil
	}
	return errors.Join(e.peers.Close(), e.bus.Close())
}

// stateOf is what others are told of a part of this process.
func (e *Engine) stateOf(name string) string {
	if loaded(&e.waits) != nil {
		return models.Standby
	}
	if !e.up() || !e.api.Serves() {
		return "starting"
	}
	var m models.Runner
	switch name {
	case api.Dossier:
		m = e.stores.Dossier
	case api.Retention:
		m = e.stores.Retention
	case api.Breach:
		m = e.stores.Breach
	default:
		return natsbus.Serving
	}
	if _, state, _ := m.Status(); state == models.Standby || state == models.Stuck {
		return state
	}
	return natsbus.Serving
}
