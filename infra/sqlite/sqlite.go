// Package sqlite opens embedded stores. Those of projections and person states hold ciphertext and pseudonymous facts that the log
// can give again, so they are fast first: a write-ahead log, and no flush a transaction (Open); what it has gathered goes into the
// file 8,000 pages at a time, since pages come again and every such move is flushed. What the log cannot give again is
// flushed and overwritten (Durable).
package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	_ "modernc.org/sqlite" // the driver

	"github.com/daicho-dev/daicho/contracts"
)

// Open opens, or creates, a database file (0600). One connection writes; a pool of readers sees whole transactions.
//
// Durability: a crash of the process loses nothing committed; a power cut may lose the last transactions, whole ones, and
// positions with them, and they are folded again.
func Open(ctx context.Context, path string) (contracts.Database, error) {
	return open(ctx, path, "?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(10000)&_pragma=cache_size(-32000)&_pragma=wal_autocheckpoint(8000)&_pragma=temp_store(MEMORY)")
}

// openBeside opens a file that is thrown away if anything happens to it, a failed transaction included: without a journal, and without a
// flush. It is not for readers beside the writer.
func openBeside(ctx context.Context, path string) (contracts.Database, error) {
	return open(ctx, path, "?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=busy_timeout(10000)&_pragma=cache_size(-32000)&_pragma=temp_store(MEMORY)")
}

// Durable opens, or creates, a database file (0600) in which a committed transaction is on disk, and what it replaced or deleted is
// overwritten there: a rollback journal, and secure_delete. It is slower by the disk's flushes, three a transaction: the journal, the file,
// and the journal again, which is emptied and not removed, as its folder would have to be flushed twice.
func Durable(ctx context.Context, path string) (contracts.Database, error) {
	return open(ctx, path, "?_pragma=busy_timeout(10000)&_pragma=journal_mode(TRUNCATE)&_pragma=synchronous(EXTRA)&_pragma=secure_delete(ON)&_pragma=temp_store(MEMORY)")
}

const tables = `select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name`

func open(ctx context.Context, path, pragmas string) (contracts.Database, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return contracts.Database{}, fmt.Errorf("making the folder of a read model: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return contracts.Database{}, fmt.Errorf("opening a read model: %w", err)
	}
	_ = f.Close()
	w, err := sql.Open("sqlite", "file:"+path+pragmas+"&_txlock=immediate")
	if err != nil {
		return contracts.Database{}, fmt.Errorf("opening a read model: %w", err)
	}
	w.SetMaxOpenConns(1)
	if err := w.PingContext(ctx); err != nil {
		_ = w.Close()
		return contracts.Database{}, fmt.Errorf("opening a read model (%s): %w", filepath.Base(path), err)
	}
	r, err := sql.Open("sqlite", "file:"+path+pragmas+"&_pragma=query_only(ON)")
	if err != nil {
		_ = w.Close()
		return contracts.Database{}, fmt.Errorf("opening a read model: %w", err)
	}
	r.SetMaxOpenConns(2 * runtime.NumCPU())
	return contracts.Database{Write: w, Read: r, Statement: positional, Tables: tables}, nil
}

// Close closes both handles.
func Close(db contracts.Database) error { return db.Close() }
