package vault

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver

	"github.com/daicho-dev/daicho/contracts"
)

// SQLite opens the file of a vault in a folder, `vault.db` (0600), and makes it where there is none.
//
// No write-ahead log: it would keep what has been replaced until a checkpoint. secure_delete zeroes what is deleted or
// replaced within the file. With a rollback journal a transaction ends when the journal is emptied, and that is flushed too: if it came
// back after a power cut, the next start would roll a returned destruction back with it. A journal that is unlinked takes two flushes of its
// folder for the same (synchronous=EXTRA; FULL leaves the second out); EXTRA stays, for the journal's first making.
func SQLite(dir string) (contracts.Database, error) {
	path := filepath.Join(dir, "vault.db")
	if err := create(path); err != nil {
		return contracts.Database{}, fmt.Errorf("vault: %w", err)
	}
	write, err := handle(path, "immediate", 1)
	if err != nil {
		return contracts.Database{}, err
	}
	read, err := handle(path, "deferred", 2)
	if err != nil {
		_ = write.Close()
		return contracts.Database{}, err
	}
	return contracts.Database{Write: write, Read: read}, nil
}

// create makes the file first, with the mode wanted: SQLite gives its journal the mode of the file.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	err = f.Chmod(0o600)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

func handle(path, lock string, connections int) (*sql.DB, error) {
	q := url.Values{"_txlock": {lock}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(TRUNCATE)", "synchronous(EXTRA)", "secure_delete(ON)",
		"temp_store(MEMORY)", "trusted_schema(OFF)",
	}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}
