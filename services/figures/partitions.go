package figures

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/daicho-dev/daicho/infra/jetstream"
	"github.com/daicho-dev/daicho/services/client"
	"github.com/daicho-dev/daicho/services/simulate"
)

// Process is intake as a process of its own.
type Process interface {
	Client() *client.Client
	Close() error
}

const partitionedEvents = 40_000

// partitions sends the same events to intake as one and as two processes of their own, on a log of one, two and four partitions, kept by a
// server beside them; the processes share a vault in PostgreSQL.
func (r *run) partitions(ctx context.Context) error {
	address, stop, err := server()
	if err != nil {
		r.say("no PostgreSQL, which processes of one engine share a vault in: " + err.Error())
		return nil
	}
	defer stop()
	var b strings.Builder
	if err := simulate.Year(&b, simulate.Options{People: r.o.People, Days: 365, Seed: 12, Start: time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC)}, nil); err != nil {
		return err
	}
	lines := strings.SplitAfter(strings.TrimSuffix(b.String(), "\n"), "\n")
	lines = lines[:min(len(lines), partitionedEvents)]
	first := 0.0
	for _, processes := range []int{1, 2} {
		for _, n := range []int{1, 2, 4} {
			rate, err := r.divided(ctx, address, lines, n, processes)
			if err != nil {
				return fmt.Errorf("intake on %d partitions by %d processes: %w", n, processes, err)
			}
			if first == 0 {
				first = rate
				continue
			}
			r.add(Figure{fmt.Sprintf("intake, %d processes, %d partitions", processes, n), rate, "events/s", "1 process, 1 partition", first, ""})
		}
	}
	return nil
}

// divided answers how many events a second so many processes take, on a log of so many partitions.
func (r *run) divided(ctx context.Context, address string, lines []string, partitions, processes int) (rate float64, err error) {
	dir, err := os.MkdirTemp(r.dir, "divided-")
	if err != nil {
		return 0, err
	}
	log, err := jetstream.Embedded(ctx, filepath.Join(dir, "log"), jetstream.Options{Listen: "127.0.0.1:0", Partitions: partitions})
	if err != nil {
		return 0, err
	}
	defer log.Close()
	vault, drop, err := database(ctx, address)
	if err != nil {
		return 0, err
	}
	defer drop()
	var clients []*client.Client
	for i := range processes {
		p, failed := r.o.Intake(ctx, dir, i, log.Address(), vault)
		if failed != nil {
			return 0, failed
		}
		defer func() { err = errors.Join(err, p.Close()) }()
		clients = append(clients, p.Client())
	}
	return r.send(ctx, fmt.Sprintf("by %d processes on %d partitions", processes, partitions), lines, clients...)
}

// database makes one, and says how it is dropped.
func database(ctx context.Context, address string) (own string, drop func(), err error) {
	at, err := url.Parse(address)
	if err != nil {
		return "", nil, errors.New("DAICHO_POSTGRES is a URL: postgres://user@host:port/database")
	}
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return "", nil, fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	name := fmt.Sprintf("daicho_bench_%d", time.Now().UnixNano())
	if _, err := conn.Exec(ctx, "create database "+name); err != nil {
		return "", nil, errors.Join(fmt.Errorf("making a database: %w", err), conn.Close(ctx))
	}
	at.Path = "/" + name
	return at.String(), func() {
		_, _ = conn.Exec(ctx, "drop database "+name+" with (force)") // only room is lost
		_ = conn.Close(ctx)
	}, nil
}
