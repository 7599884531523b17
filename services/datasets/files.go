package datasets

import (
	"bufio"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
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

// write writes both forms, flushes them, and gives them their names. The digest is of the CSV. After an error nothing is there.
func (f *folder) write(id events.ID, t *anonymize.Table) (digest events.Word, err error) {
	sum := sha256.New()
	var names []string
	defer func() {
		if err != nil {
			for _, name := range names {
				_ = os.Remove(name)
			}
		}
	}()
	for _, format := range formats {
		begin, err := os.CreateTemp(f.dir, begun+"*") // 0600
		if err != nil {
			return "", wrong("beginning a file", err)
		}
		names = append(names, begin.Name())
		w := bufio.NewWriterSize(begin, 1<<18)
		if format == csvFormat {
			err = writeCSV(io.MultiWriter(w, sum), t.Columns, eachOf(t.Rows))
		} else {
			err = writeParquet(w, t.Columns, eachOf(t.Rows))
		}
		if err == nil {
			err = w.Flush()
		}
		if err == nil {
			err = begin.Sync()
		}
		if err = errors.Join(err, begin.Close()); err != nil {
			return "", wrong("writing a file", err)
		}
	}
	for i, format := range formats {
		if err := os.Rename(names[i], f.path(id, format)); err != nil {
			return "", wrong("naming a file", err)
		}
		names[i] = f.path(id, format)
	}
	return events.Word("sha256:" + hex.EncodeToString(sum.Sum(nil))), f.flush()
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

// each hands over rows, one after the other; a row is good until the next.
type each func(yield func(row []string) error) error

func eachOf(rows [][]string) each {
	return func(yield func([]string) error) error {
		for _, row := range rows {
			if err := yield(row); err != nil {
				return err
			}
		}
		return nil
	}
}

// writeCSV writes RFC 4180 with a line of names first. A value that there was not is an empty cell.
func writeCSV(w io.Writer, columns []anonymize.Out, rows each) error {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	out := csv.NewWriter(w)
	if err := out.Write(names); err != nil {
		return err
	}
	if err := rows(func(row []string) error {
		if len(row) == 1 && row[0] == "" { // an empty line would be no row
			out.Flush()
			_, err := io.WriteString(w, "\"\"\n")
			return errors.Join(err, out.Error())
		}
		return out.Write(row)
	}); err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// digestOf is the digest of the rows in a file: of its bytes, or of the CSV that a Parquet file would be.
func digestOf(f *os.File, format events.Word) (digest events.Word, err error) {
	defer func() { // a damaged file may be more than the library's reading is made for
		if recover() != nil {
			digest, err = "", errors.New("datasets: reading a file: it is damaged")
		}
	}()
	sum := sha256.New()
	if format == csvFormat {
		_, err = io.Copy(sum, f)
	} else {
		var info fs.FileInfo
		if info, err = f.Stat(); err == nil {
			var columns []anonymize.Out
			var rows each
			if columns, rows, err = readParquet(f, info.Size()); err == nil {
				err = writeCSV(sum, columns, rows)
			}
		}
	}
	if err != nil {
		return "", fmt.Errorf("datasets: reading a file: %w", err)
	}
	return events.Word("sha256:" + hex.EncodeToString(sum.Sum(nil))), nil
}
