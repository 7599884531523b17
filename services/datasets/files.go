package datasets

import (
	"bufio"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/anonymize"
)

// The forms in which a dataset is written: the same rows, in the same order.
const (
	csvFormat     = events.Word("csv")
	parquetFormat = events.Word("parquet")
)

var formats = []events.Word{csvFormat, parquetFormat}

var mediaTypes = map[events.Word]string{csvFormat: "text/csv; charset=utf-8", parquetFormat: "application/vnd.apache.parquet"}

// folder holds the files of datasets: <id>.csv and <id>.parquet, readable by the engine alone.
type folder struct{ dir string }

const begun = ".begun-"

// openFolder makes the folder where there is none, and removes what an earlier process began and did not finish.
func openFolder(dir string) (*folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, wrong("making the folder", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, begun+"*"))
	if err != nil {
		return nil, wrong("reading the folder", err)
	}
	for _, name := range left {
		if err := os.Remove(name); err != nil {
			return nil, wrong("removing what was not finished", err)
		}
	}
	return &folder{dir}, nil
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
	return fmt.Errorf("datasets: %s: %w", doing, err)
}

func (f *folder) path(id events.ID, format events.Word) string {
	return filepath.Join(f.dir, string(id)+"."+string(format))
}

// write writes both forms, flushes them, and gives them their names. After an error nothing is there.
func (f *folder) write(id events.ID, t *anonymize.Table) (digests map[events.Word]events.Word, err error) {
	var names []string
	defer func() {
		if err != nil {
			for _, name := range names {
				_ = os.Remove(name)
			}
		}
	}()
	digests = map[events.Word]events.Word{}
	for _, format := range formats {
		begin, err := os.CreateTemp(f.dir, begun+"*") // 0600
		if err != nil {
			return nil, wrong("beginning a file", err)
		}
		names = append(names, begin.Name())
		sum := sha256.New()
		w := bufio.NewWriterSize(io.MultiWriter(begin, sum), 1<<18)
		if format == csvFormat {
			err = writeCSV(w, t.Columns, t.Rows)
		} else {
			err = writeParquet(w, t.Columns, t.Rows)
		}
		if err == nil {
			err = w.Flush()
		}
		if err == nil {
			err = begin.Sync()
		}
		if err = errors.Join(err, begin.Close()); err != nil {
			return nil, wrong("writing a file", err)
		}
		digests[format] = digestWord(sum)
	}
	for i, format := range formats {
		if err := os.Rename(names[i], f.path(id, format)); err != nil {
			return nil, wrong("naming a file", err)
		}
		names[i] = f.path(id, format)
	}
	return digests, f.flush()
}

// flush brings what the folder lists to the disk.
func (f *folder) flush() error {
	d, err := os.Open(f.dir)
	if err != nil {
		return wrong("flushing the folder", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return wrong("flushing the folder", err)
	}
	return nil
}

func (f *folder) open(id events.ID, format events.Word) (*os.File, error) {
	file, err := os.Open(f.path(id, format))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errMissing
	}
	if err != nil {
		return nil, wrong("opening a file", err)
	}
	return file, nil
}

var errMissing = errors.New("is missing from the datasets folder")

// remove unlinks both files. What is not there is removed already.
func (f *folder) remove(id events.ID) error {
	for _, format := range formats {
		if err := os.Remove(f.path(id, format)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return wrong("removing a file", err)
		}
	}
	return f.flush()
}

// held are the datasets that have a file, and when it was written.
func (f *folder) held() (map[events.ID]time.Time, error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, wrong("reading the folder", err)
	}
	all := map[events.ID]time.Time{}
	for _, e := range entries {
		id, format, ok := strings.Cut(e.Name(), ".")
		if info, err := e.Info(); ok && id != "" && err == nil && (format == string(csvFormat) || format == string(parquetFormat)) {
			all[events.ID(id)] = info.ModTime()
		}
	}
	return all, nil
}

// writeCSV writes RFC 4180 with a line of names first. A value that there was not is an empty cell.
func writeCSV(w io.Writer, columns []anonymize.Out, rows [][]string) error {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	out := csv.NewWriter(w)
	if err := out.Write(names); err != nil {
		return err
	}
	for _, row := range rows {
		if len(row) == 1 && row[0] == "" { // an empty line would be no row
			out.Flush()
			if _, err := io.WriteString(w, "\"\"\n"); err != nil {
				return err
			}
			continue
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// digestOf reads a file whole.
func digestOf(f io.Reader) (events.Word, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", wrong("reading a file", err)
	}
	return digestWord(sum), nil
}

func digestWord(sum hash.Hash) events.Word {
	return events.Word("sha256:" + hex.EncodeToString(sum.Sum(nil)))
}
