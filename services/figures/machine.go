package figures

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/daicho-dev/daicho/infra/postgres/local"
)

// resident is this process's memory, in megabytes.
func resident() (float64, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.Fields(rest)[0])
			return float64(kb) / 1000, err
		}
	}
	return 0, errors.New("no VmRSS")
}

// flusher appends an event's worth of bytes to a file in the folder and flushes it, each time it is called.
func flusher(dir string) (flush func() error, done func(), err error) {
	f, err := os.CreateTemp(dir, "flush-")
	if err != nil {
		return nil, nil, fmt.Errorf("making a file to flush: %w", err)
	}
	event := make([]byte, 1<<10)
	return func() error {
		_, err := f.Write(event)
		return errors.Join(err, f.Sync())
	}, func() { _ = f.Close() }, nil
}

// server is the PostgreSQL server that DAICHO_POSTGRES names, or one that is made where the programs are found.
func server() (address string, stop func(), err error) {
	if address = os.Getenv("DAICHO_POSTGRES"); address != "" {
		return address, func() {}, nil
	}
	own, err := local.Start(true)
	if err != nil {
		return "", nil, err
	}
	return own.Address("postgres"), func() { _ = own.Close() }, nil
}

// postgresCopy fills a durable event table by COPY in batches of 1,000, and answers rows a second.
func postgresCopy(ctx context.Context, payloads [][]byte) (float64, error) {
	address, stop, err := server()
	if err != nil {
		return 0, err
	}
	defer stop()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return 0, fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, `create temporary table if not exists unused (x int); drop table if exists daicho_bench; create table daicho_bench (position bigserial primary key, stream text, type text, body jsonb)`); err != nil {
		return 0, fmt.Errorf("making the table: %w", err)
	}
	defer func() { _, _ = conn.Exec(ctx, `drop table if exists daicho_bench`) }()
	began := time.Now()
	for from := 0; from < len(payloads); from += 1000 {
		part := payloads[from:min(len(payloads), from+1000)]
		if _, err := conn.CopyFrom(ctx, pgx.Identifier{"daicho_bench"}, []string{"stream", "type", "body"}, pgx.CopyFromSlice(len(part), func(i int) ([]any, error) {
			return []any{"person-" + strconv.Itoa((from+i)%1000), "daicho.collected.v1", strings.TrimRight(string(part[i]), "\x00")}, nil
		})); err != nil {
			return 0, fmt.Errorf("copying: %w", err)
		}
	}
	return float64(len(payloads)) / time.Since(began).Seconds(), nil
}
