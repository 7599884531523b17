package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/fx"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/jetstream"
	"github.com/daicho-dev/daicho/services/api"
	"github.com/daicho-dev/daicho/services/client"
	"github.com/daicho-dev/daicho/services/edges"
)

func serveCommand(s *shared) *cobra.Command {
	c := Config{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the engine: intake, vault, projections and the HTTP surface in one process",
		Example: `  daicho serve
  daicho serve --data /var/lib/daicho --listen 127.0.0.1:8420
  daicho serve --log jetstream://127.0.0.1:4222 --policy our-policy.yaml
  daicho serve --log jetstream://n1:4222,n2:4222,n3:4222 --partitions 4
  daicho serve --nats-listen 127.0.0.1:4222
  daicho serve --intake-outbox 'postgres://rental@127.0.0.1/rental?source=/rental'
  daicho serve --log 'esdb://127.0.0.1:2113?tls=false'
  daicho serve --models postgres://daicho@db/daicho --vault postgres://daicho@db/daicho_vault
  daicho serve --only breach --log jetstream://127.0.0.1:4222`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.Data = s.data
			if err := errors.Join(c.splitRules(), c.partitionRules()); err != nil {
				return err
			}
			if err := edges.Check(c.IntakeNATS, c.IntakeOutbox); err != nil {
				return errUsage{err}
			}
			stop, err := profile(c.Profile)
			if err != nil {
				return err
			}
			defer stop()
			return serve(cmd.Context(), c, func(e *Engine) { fmt.Println(e.url()) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Listen, "listen", "127.0.0.1:8420", "address of the HTTP surface")
	f.StringVar(&c.Log, "log", "jetstream", "the log: jetstream (embedded), jetstream://host:port (more hosts after commas; then ?replicas=, tls, tlsCaFile, userCertFile, userKeyFile, creds, user, passwordFile, tokenFile), esdb://[user:password@]host:port (EventStoreDB; also esdb+discover, kurrentdb), memory (gone when the process ends, and the data folder of no use then)")
	f.IntVar(&c.Partitions, "partitions", 0, fmt.Sprintf("divide a new JetStream log by person over so many streams, 1 to %d; a log stays as it was made, and is not opened with another number (default: as it is; a new one is one stream)", jetstream.MaxPartitions))
	f.StringVar(&c.Models, "models", "sqlite", "where read models and person states lie: sqlite (files of the data folder), postgres://[user:password@]host:port/database (a database of this register's own)")
	f.StringVar(&c.Vault, "vault", "sqlite", "where the vault lies: sqlite, postgres://… (there a destruction is final with the next epoch of the root key)")
	f.StringVar(&c.Policy, "policy", "", "the catalogue file to publish at the first start (default: the one built in)")
	f.StringVar(&c.RootKey, "root-key", "", "the root key's file (default: root.key in the data folder; keep it elsewhere)")
	f.StringVar(&c.TLSCert, "tls-cert", "", "certificate file; needed to listen on an address that others can reach")
	f.StringVar(&c.TLSKey, "tls-key", "", "its key file")
	f.StringSliceVar(&c.Only, "only", nil, "serve only these parts, and hand questions for others over to the processes that serve them: "+strings.Join(api.AllParts, ", "))
	f.StringVar(&c.Peers, "peers", "", "with --only: the NATS server over which the processes find each other (default: the first of a JetStream log)")
	f.StringVar(&c.Advertise, "advertise", "", "with --only: the URL at which the other processes reach this one (default: where it listens)")
	f.StringVar(&c.Tokens, "tokens", "", "the folder of tokens, which the processes of one engine share (default: the data folder)")
	f.StringVar(&c.Profile, "cpuprofile", "", "write a CPU profile there, and a heap profile beside it (.heap)")
	edgeFlags(f, &c)
	f.BoolVar(&c.AcceptLost, "accept-lost-keys", false, "start although people have lost their keys (their values are gone; this may have to be reported)")
	return cmd
}

// profile measures the process until it is stopped.
func profile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("writing a profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, fmt.Errorf("writing a profile: %w", err)
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
		if h, err := os.Create(path + ".heap"); err == nil {
			_ = pprof.WriteHeapProfile(h)
			_ = h.Close()
		}
	}, nil
}

// serve runs an engine until the context ends. Started is called once it listens.
func serve(ctx context.Context, c Config, started func(*Engine)) error {
	var e *Engine
	if c.Progress == nil {
		c.Progress = replayBar()
	}
	app := fx.New(wiring(c), fx.Populate(&e), fx.StartTimeout(5*time.Minute))
	if err := app.Err(); err != nil {
		return plain(err)
	}
	if err := app.Start(ctx); err != nil {
		return plain(err)
	}
	if err := e.announce(); err != nil {
		return err
	}
	if started != nil {
		started(e)
	}
	code := 0
	select {
	case <-ctx.Done():
	case sig := <-app.Wait():
		code = sig.ExitCode
	}
	stop, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	err := app.Stop(stop)
	_ = os.Remove(filepath.Join(c.Data, "engine.json"))
	if err != nil {
		return plain(err)
	}
	if code != 0 {
		if failed := e.failed.Load(); failed != nil {
			return *failed
		}
		return fmt.Errorf("the engine stopped; its log says why")
	}
	return nil
}

// plain takes an error out of what the wiring wraps around it.
func plain(err error) error { return rootCause(err) }

// announce writes engine.json, by which commands find the engine of a data folder. Two engines of which one stands by may share the folder,
// and begin at once: each writes a file of its own, and the later name stays.
func (e *Engine) announce() error {
	b, err := json.Marshal(engineFile{URL: e.url(), NATS: e.natsURL(), PID: os.Getpid()})
	if err != nil {
		return fmt.Errorf("writing engine.json: %w", err)
	}
	f, err := os.CreateTemp(e.cfg.Data, "engine.json.*")
	if err != nil {
		return fmt.Errorf("writing engine.json: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing engine.json: %w", err)
	}
	return os.Rename(f.Name(), filepath.Join(e.cfg.Data, "engine.json"))
}

type engineFile struct {
	URL  string `json:"url"`
	NATS string `json:"nats,omitempty"` // of --nats-listen
	PID  int    `json:"pid"`
}

// dial finds the engine that a question is for: the one named, or that of the data folder.
func (s *shared) dial() (*client.Client, error) {
	url, token := s.server, s.token
	if url == "" {
		b, err := os.ReadFile(filepath.Join(s.data, "engine.json"))
		if err != nil {
			return nil, fmt.Errorf("no engine runs on the data folder %s (start one with `daicho serve`, or name one with --server)", s.data)
		}
		var f engineFile
		if err := json.Unmarshal(b, &f); err != nil {
			return nil, fmt.Errorf("%s/engine.json cannot be read; start the engine again", s.data)
		}
		url = f.URL
	}
	if token == "" {
		if !slices.Contains([]string{"emitter", "compliance", "responder", "auditor", "admin"}, s.role) {
			return nil, errUsage{fmt.Errorf("--role is emitter, compliance, responder, auditor or admin")}
		}
		b, err := os.ReadFile(filepath.Join(s.data, "tokens", s.role))
		if err != nil {
			return nil, fmt.Errorf("no token: give --token, or --data with the folder of a local engine")
		}
		token = string(b[:max(0, len(b)-1)])
	}
	c := client.New(url, token)
	civil.dialled(c)
	return c, nil
}

// replayBar shows how the replay at start goes.
func replayBar() func(string, events.Position, events.Position) {
	var b *bar
	return func(what string, at, head events.Position) {
		if b == nil {
			b = newBar("reading the log ("+what+")", int64(head))
		}
		b.set(int64(at))
		if at >= head {
			b.done()
		}
	}
}
