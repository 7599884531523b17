package datasets

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/services/register"
)

// DatasetFile gives the rows, once the use stands in the log.
func (s *Service) DatasetFile(ctx context.Context, id events.ID, q contracts.DatasetUse) (contracts.DatasetFile, io.ReadCloser, error) {
	var none contracts.DatasetFile
	if err := register.Allow(ctx, "compliance"); err != nil {
		return none, nil, err
	}
	if len(q.With) > 0 {
		return none, nil, s.use(ctx, id, q)
	}
	file, about, err := s.checked(id, &q.Format)
	if err != nil {
		return none, nil, err
	}
	if err := s.use(ctx, id, q); err != nil {
		return none, nil, errors.Join(err, file.Close())
	}
	return about, file, nil
}

// checked opens the file in the form asked for, after it was read whole.
func (s *Service) checked(id events.ID, format *events.Word) (*os.File, contracts.DatasetFile, error) {
	var none contracts.DatasetFile
	d, err := s.living(id)
	if err != nil {
		return nil, none, err
	}
	if *format == "" {
		*format = csvFormat
	}
	file, err := s.sound(id, d, *format)
	if err != nil {
		return nil, none, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, none, errors.Join(wrong("reading a file", err), file.Close())
	}
	return file, contracts.DatasetFile{Name: string(id) + "." + string(*format), Type: mediaTypes[*format], Size: info.Size()}, nil
}

// ProvideDataset gives what a recipient gets, once the provision stands in the log: an archive of the rows and the notice. They cannot
// be had apart.
func (s *Service) ProvideDataset(ctx context.Context, id events.ID, q contracts.DatasetProvision) (contracts.DatasetFile, io.ReadCloser, error) {
	var none contracts.DatasetFile
	if err := register.Allow(ctx, "compliance"); err != nil {
		return none, nil, err
	}
	if q.Label == "" {
		q.Label = organisation.Label
	}
	rows, about, err := s.checked(id, &q.Format)
	if err != nil {
		return none, nil, err
	}
	defer rows.Close()
	f := &events.Dataset{Dataset: id, Recipient: q.Recipient, Method: q.Method, Purpose: q.Purpose, Label: q.Label}
	org := s.Gateway.Organisation()
	archive, size, err := s.folder.pack(s.now(), about.Name, rows, notice(org, org.Datasets[id], f, digestAs(org.Datasets[id], q.Format)))
	if err != nil {
		return none, nil, err
	}
	if err := s.submit(ctx, events.TypeDatasetProvided, "The provision is refused", f); err != nil {
		return none, nil, errors.Join(err, archive.Close())
	}
	return contracts.DatasetFile{Name: "anonymously-processed-information-" + string(id) + ".zip", Type: "application/zip", Size: size}, archive, nil
}

// noticeName is first in the archive.
const noticeName = "NOTICE.txt"

// pack writes an archive into a file that has no name any more: it is gone when it is closed.
func (f *folder) pack(at time.Time, name string, rows io.Reader, told string) (*os.File, int64, error) {
	file, err := os.CreateTemp(f.dir, begun+"*") // 0600
	if err != nil {
		return nil, 0, wrong("beginning an archive", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, 0, errors.Join(wrong("beginning an archive", err), file.Close())
	}
	z := zip.NewWriter(file)
	put := func(name string, from io.Reader) error {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at})
		if err == nil {
			_, err = io.Copy(w, from)
		}
		return err
	}
	err = put(noticeName, strings.NewReader(told))
	if err == nil {
		err = put("anonymously-processed-information-"+name, rows)
	}
	var size int64
	if err = errors.Join(err, z.Close()); err == nil {
		if size, err = file.Seek(0, io.SeekCurrent); err == nil {
			_, err = file.Seek(0, io.SeekStart)
		}
	}
	if err != nil {
		return nil, 0, errors.Join(wrong("writing an archive", err), file.Close())
	}
	return file, size, nil
}
