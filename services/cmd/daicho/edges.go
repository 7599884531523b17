package main

import (
	"crypto/tls"
	"fmt"
	"strconv"

	"github.com/rs/zerolog"
	"github.com/spf13/pflag"
	"go.uber.org/fx"

	"github.com/daicho-dev/daicho/infra/natsbus"
	"github.com/daicho-dev/daicho/services/edges"
	"github.com/daicho-dev/daicho/services/tokens"
)

// edgeFlags are those of the ways in beside HTTP.
func edgeFlags(f *pflag.FlagSet, c *Config) {
	f.StringArrayVar(&c.IntakeNATS, "intake-nats", nil, "also take events published at this NATS server: nats://host:port, tls://host:port, with ?queue=STREAM&creds=FILE&ca=FILE&trust=subjects (repeatable)")
	f.StringVar(&c.NATSListen, "nats-listen", "", "also be a NATS server for emitters, at this address; its queue is in memory")
	f.StringArrayVar(&c.IntakeOutbox, "intake-outbox", nil, "also take events from a table of this database, and delete there what is recorded: postgres://user@host:port/database?table=TABLE&source=/rental (repeatable; also order=COLUMN, type=STEERING_TYPE)")
}

// newNATS starts a NATS server for emitters, if one is wanted.
func newNATS(lc fx.Lifecycle, c Config, t *tokens.Store, l zerolog.Logger) (*natsbus.Listener, error) {
	if c.NATSListen == "" {
		return nil, nil
	}
	o := natsbus.ListenOptions{
		Subjects: edges.Subjects, Logf: func(format string, a ...any) { l.Warn().Str("part", "edges").Msgf(format, a...) },
		Knows: func(token string) bool { _, known := t.Caller(token); return known },
	}
	if c.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("reading the certificate: %w", err)
		}
		o.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	door, err := natsbus.Listen(c.NATSListen, o)
	if err != nil {
		return nil, fmt.Errorf("--nats-listen: %w", err)
	}
	lc.Append(fx.StopHook(door.Close))
	return door, nil
}

// edges begins to take what comes by other ways than HTTP.
func (e *Engine) edges() error {
	house := edges.House{Gateway: e.gateway, Log: e.log, Vault: e.vault, Tokens: e.tokens, Logger: e.logger}
	var all []*edges.Edge
	if e.nats != nil {
		own, err := edges.Listen(e.nats, house)
		if err != nil {
			return err
		}
		all = own
	}
	for _, address := range e.cfg.IntakeNATS {
		there, err := edges.NATS(address, house)
		if err != nil {
			return err
		}
		all = append(all, there...)
	}
	for _, address := range e.cfg.IntakeOutbox {
		x, err := edges.Outbox(address, house)
		if err != nil {
			return err
		}
		all = append(all, x)
	}
	named := map[string]int{}
	for _, x := range all {
		name := x.Name()
		if named[name]++; named[name] > 1 {
			name += " (" + strconv.Itoa(named[name]) + ")"
		}
		e.work(name, x)
	}
	return nil
}

// natsURL is where emitters reach the NATS server of our own, or nothing.
func (e *Engine) natsURL() string {
	if e.nats == nil {
		return ""
	}
	return e.nats.Address()
}
