package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/daicho-dev/daicho/contracts"
)

// File is a contracts.Place that is a file, opened by Open. Its folder belongs to one process: nobody is kept from it here.
func File(path string) contracts.Place { return file{path: path} }

type file struct {
	path   string
	beside bool // it is begun anew if anything happens to it, and nobody reads it before it is in another's place
}

func (f file) Open(ctx context.Context) (contracts.Database, error) {
	if f.beside {
		return openBeside(ctx, f.path)
	}
	return Open(ctx, f.path)
}

func (f file) Beside(ctx context.Context, name string) (contracts.Place, error) {
	beside := file{f.path + "." + name, true}
	return beside, beside.Remove(ctx)
}

// Replace renames: after a crash before it there is none, and the next start makes an empty one, which the log fills again.
func (f file) Replace(ctx context.Context, live contracts.Database, beside contracts.Place) (contracts.Database, error) {
	if err := live.Close(); err != nil {
		return contracts.Database{}, fmt.Errorf("closing an old read model: %w", err)
	}
	if err := f.Remove(ctx); err != nil { // what lies beside the file, too: a journal of the old one must not meet the new one
		return contracts.Database{}, err
	}
	from := beside.(file).path
	if err := flush(from); err != nil {
		return contracts.Database{}, fmt.Errorf("putting a new read model in place: %w", err)
	}
	if err := os.Rename(from, f.path); err != nil {
		return contracts.Database{}, fmt.Errorf("putting a new read model in place: %w", err)
	}
	return f.Open(ctx)
}

func (f file) Remove(context.Context) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(f.path + suffix); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("removing a read model: %w", err)
		}
	}
	return nil
}

// flush has a file that was written without a flush on disk.
func flush(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
