// Package objects keeps attachments as files: contracts.Objects in a folder. See README.md for the life of an object here.
package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/daicho-dev/daicho/contracts"
)

// Folder is a store in a folder: one file (0600) an object, in folders by the first two characters of its name, so that none grows
// large. One process at a time may have it open.
type Folder struct{ dir string }

var _ contracts.Objects = (*Folder)(nil)

// begun is where objects are until they are committed; no object's folder has this name.
const begun = "begun"

// Open opens a folder, and makes it where there is none. What an earlier process began and did not finish is removed.
func Open(dir string) (*Folder, error) {
	if err := os.RemoveAll(filepath.Join(dir, begun)); err != nil {
		return nil, wrong("removing what was not finished", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, begun), 0o700); err != nil {
		return nil, wrong("making the folder", err)
	}
	if err := flush(dir); err != nil {
		return nil, wrong("making the folder", err)
	}
	return &Folder{dir}, nil
}

// wrong drops the path from an error's text: what went wrong, and in doing what.
func wrong(doing string, err error) error {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		err = p.Err
	case errors.As(err, &l):
		err = l.Err
	}
	return fmt.Errorf("objects: %s: %w", doing, err)
}

func (f *Folder) path(name string) string { return filepath.Join(f.dir, shelf(name), name) }

// shelf is the folder of a name. Short names stand on one that no longer name has.
func shelf(name string) string {
	if len(name) < 2 {
		return "_" + name
	}
	return name[:2]
}

// flush brings what a folder lists to the disk.
func flush(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

type writer struct {
	folder *Folder
	name   string
	file   *os.File
	ended  bool
}

// Create begins an object in a file of its own.
func (f *Folder) Create(ctx context.Context, name string) (contracts.ObjectWriter, error) {
	if !contracts.ObjectName(name) {
		return nil, contracts.ErrObjectName
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if _, err := os.Lstat(f.path(name)); err == nil {
		return nil, contracts.ErrObjectExists
	}
	file, err := os.CreateTemp(filepath.Join(f.dir, begun), name+"-") // 0600
	if err != nil {
		return nil, wrong("beginning an object", err)
	}
	return &writer{folder: f, name: name, file: file}, nil
}

func (w *writer) Write(b []byte) (int, error) {
	n, err := w.file.Write(b)
	if err != nil {
		err = wrong("writing an object", err)
	}
	return n, err
}

// Commit flushes the bytes, then gives them their name, then flushes the name.
func (w *writer) Commit() error {
	if w.ended {
		return errors.New("objects: this object has been ended already")
	}
	defer w.Abort()
	if err := w.file.Sync(); err != nil {
		return wrong("flushing an object", err)
	}
	at := w.folder.path(w.name)
	dir := filepath.Dir(at)
	switch err := os.Mkdir(dir, 0o700); {
	case err == nil:
		if err := flush(w.folder.dir); err != nil {
			return wrong("flushing the folder", err)
		}
	case !errors.Is(err, fs.ErrExist):
		return wrong("making a folder", err)
	}
	// A link, not a renaming: it fails where the name is taken.
	if err := os.Link(w.file.Name(), at); errors.Is(err, fs.ErrExist) {
		return contracts.ErrObjectExists
	} else if err != nil {
		return wrong("naming an object", err)
	}
	if err := flush(dir); err != nil {
		return wrong("flushing the folder", err)
	}
	return nil
}

// Abort drops what was begun; what is committed stays.
func (w *writer) Abort() {
	if w.ended {
		return
	}
	w.ended = true
	_ = w.file.Close()
	_ = os.Remove(w.file.Name())
}

// Open reads an object.
func (f *Folder) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if !contracts.ObjectName(name) {
		return nil, contracts.ErrObjectName
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	file, err := os.Open(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, contracts.ErrNoObject
	}
	if err != nil {
		return nil, wrong("opening an object", err)
	}
	return file, nil
}

// Delete unlinks the file, and flushes that it is gone.
func (f *Folder) Delete(ctx context.Context, name string) error {
	if !contracts.ObjectName(name) {
		return contracts.ErrObjectName
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	at := f.path(name)
	switch err := os.Remove(at); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return wrong("deleting an object", err)
	}
	// Also where it was gone already: whoever unlinked it may have crashed before it was flushed.
	if err := flush(filepath.Dir(at)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return wrong("flushing the folder", err)
	}
	return nil
}

// List walks the folders, one at a time.
func (f *Folder) List(ctx context.Context) iter.Seq2[contracts.Object, error] {
	return func(yield func(contracts.Object, error) bool) {
		shelves, err := os.ReadDir(f.dir)
		if err != nil {
			yield(contracts.Object{}, wrong("listing", err))
			return
		}
		for _, s := range shelves {
			if !s.IsDir() || s.Name() == begun {
				continue
			}
			files, err := os.ReadDir(filepath.Join(f.dir, s.Name()))
			if err != nil {
				yield(contracts.Object{}, wrong("listing", err))
				return
			}
			for _, e := range files {
				if err := ctx.Err(); err != nil {
					yield(contracts.Object{}, err)
					return
				}
				name := e.Name()
				if !contracts.ObjectName(name) || shelf(name) != s.Name() {
					continue // not ours
				}
				info, err := e.Info()
				if errors.Is(err, fs.ErrNotExist) {
					continue // deleted meanwhile
				}
				if err != nil {
					yield(contracts.Object{}, wrong("listing", err))
					return
				}
				if !yield(contracts.Object{Name: name, Modified: info.ModTime(), Size: info.Size()}, nil) {
					return
				}
			}
		}
	}
}
