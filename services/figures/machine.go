package figures

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
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

// postgresCopy fills a durable event table by COPY in batches of 1,000, and answers rows a second. The server is the one that
// DAICHO_POSTGRES names, or one that is made for it where the programs are found.
func postgresCopy(ctx context.Context, dir string, payloads [][]byte) (float64, error) {
	dsn := os.Getenv("DAICHO_POSTGRES")
	if dsn == "" {
		var stop func()
		var err error
		if dsn, stop, err = ownPostgres(dir); err != nil {
			return 0, err
		}
		defer stop()
	}
	conn, err := pgx.Connect(ctx, dsn)
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

// ownPostgres makes a cluster in the folder and starts it on a socket there. PostgreSQL does not run as root: then it runs as the
// user postgres.
func ownPostgres(dir string) (dsn string, stop func(), err error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", nil, errors.New("no PostgreSQL server is found")
	}
	bin := filepath.Dir(found[len(found)-1])
	data, err := os.MkdirTemp("", "daicho-pg-")
	if err != nil {
		return "", nil, err
	}
	attr := &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		out, err := exec.Command("id", "-u", "postgres").Output()
		uid, convErr := strconv.Atoi(strings.TrimSpace(string(out)))
		if err != nil || convErr != nil {
			return "", nil, errors.New("PostgreSQL does not run as root, and there is no user postgres")
		}
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
		if err := os.Chown(data, uid, uid); err != nil {
			return "", nil, err
		}
	}
	do := func(name string, args ...string) error {
		cmd := exec.Command(filepath.Join(bin, name), args...)
		cmd.SysProcAttr, cmd.Dir = attr, data
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %.200s", name, err, out)
		}
		return nil
	}
	cluster := filepath.Join(data, "cluster")
	if err := do("initdb", "-D", cluster, "-A", "trust", "-U", "postgres"); err != nil {
		return "", nil, err
	}
	if err := do("pg_ctl", "-D", cluster, "-w", "-l", filepath.Join(data, "log"), "-o", "-k "+data+" -c listen_addresses=''", "start"); err != nil {
		return "", nil, err
	}
	return "host=" + data + " user=postgres dbname=postgres", func() {
		_ = do("pg_ctl", "-D", cluster, "-m", "immediate", "stop")
		_ = os.RemoveAll(data)
	}, nil
}
