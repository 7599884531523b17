package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/objects"
	"github.com/daicho-dev/daicho/services/attachments"
)

// claims lets intake claim what was uploaded, here or at the office.
func (e *Engine) claims(ctx context.Context) (*attachments.Claims, error) {
	claims, err := attachments.OpenClaims(ctx, e.vault, e.uploads, e.keeping.uploadsTurn())
	if err != nil {
		return nil, err
	}
	e.gateway.Uploads, e.keeper.Recorded = claims, claims.Recorded
	return claims, nil
}

// attachments opens the object store, and lets intake claim from it and the keeper remove from it.
func (e *Engine) attachments(claims *attachments.Claims) (*attachments.Service, error) {
	store, err := objects.Open(filepath.Join(e.cfg.Data, "objects"))
	if err != nil {
		return nil, err
	}
	files := attachments.New(claims, store, attachments.Model{Model: e.stores.Attached}, e.log)
	e.gateway.Uploads = files
	e.keeper.Objects = func(ctx context.Context, owner events.Stream, person bool, ordinals []events.Ordinal) error {
		held, err := e.gateway.Objects(ctx, owner)
		if err != nil {
			return err
		}
		return files.Remove(ctx, held, person, ordinals)
	}
	return files, nil
}

func attachmentCommand(s *shared) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "attachment",
		Short: "Recordings and scans: what is too large to be a value",
		Long: `An attachment is sent first, and then named by an event: "attachment": {"upload": "…"} in the place of a record's value.
It is sealed while it arrives, belongs to the record from then on, and is gone with it. What no event names within
24 hours is gone.`,
	}
	cmd.AddCommand(attachmentPutCommand(s), attachmentGetCommand(s))
	return cmd
}

func attachmentPutCommand(s *shared) *cobra.Command {
	var about contracts.AttachmentInfo
	cmd := &cobra.Command{
		Use:   "put FILE|-",
		Short: "Send bytes; the answer is the upload id that an event names",
		Example: `  daicho attachment put call-4128.wav
  ffmpeg … | daicho attachment put - --type audio/ogg --name call-4128.ogg --output json`,
		Args: exactly(1, "one file, or - for what is piped in"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			in, total := io.Reader(os.Stdin), int64(-1)
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("reading the file: %w", err)
				}
				defer f.Close()
				if info, err := f.Stat(); err == nil {
					total = info.Size()
				}
				in = f
				if about.Name == "" {
					about.Name = filepath.Base(args[0])
				}
				if about.Type == "" {
					about.Type = mime.TypeByExtension(filepath.Ext(args[0]))
				}
			}
			b := newBar("bytes sent", total)
			out, err := c.Upload(cmd.Context(), about, &progressing{from: in, bar: b})
			b.done()
			if err != nil {
				return err
			}
			return s.show(out, func() *table {
				t := &table{head: []string{"upload", "bytes", "digest", "to be named by"}}
				t.add(string(out.Upload), strconv.FormatInt(out.Size, 10), out.Digest, day(out.Expires))
				return t
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&about.Type, "type", "", "media type, as audio/wav (default: by the file's ending)")
	f.StringVar(&about.Name, "name", "", "the file's name as it is kept, sealed (default: that of FILE)")
	return cmd
}

// progressing shows how far a stream has been read.
type progressing struct {
	from io.Reader
	bar  *bar
	n    int64
}

func (p *progressing) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	if p.n += int64(n); p.bar.total >= 0 {
		p.bar.set(p.n)
	}
	return n, err
}

func attachmentGetCommand(s *shared) *cobra.Command {
	var purpose, request, file string
	cmd := &cobra.Command{
		Use:   "get RECORD",
		Short: "The bytes of a record, for a purpose or a request; the look is recorded first",
		Example: `  daicho attachment get mbxw…q.7 --purpose CALL-01 --file call.wav
  daicho attachment get mbxw…q.7 --request r-k2… --file - | aplay`,
		Args: exactly(1, "one record, as a dossier names it"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if file == "" {
				return errUsage{errors.New("--file says where the bytes go; - is this command's output")}
			}
			c, err := s.dial()
			if err != nil {
				return err
			}
			about, from, err := c.Attachment(cmd.Context(), contracts.AttachmentQuestion{Record: args[0], Purpose: events.Word(purpose), Request: events.ID(request)})
			if err != nil {
				return err
			}
			defer from.Close()
			b := newBar("bytes received", about.Size)
			in := &progressing{from: from, bar: b}
			defer b.done()
			if file == "-" {
				_, err := io.Copy(os.Stdout, in)
				return err
			}
			return save(file, in)
		},
	}
	f := cmd.Flags()
	f.StringVar(&purpose, "purpose", "", "for which purpose of use it is looked at")
	f.StringVar(&request, "request", "", "for which disclosure request")
	f.StringVar(&file, "file", "", "where the bytes go (0600; nothing is left there unless all of them came); - is the output")
	return cmd
}

// save writes a file that is there whole or not at all.
func save(path string, from io.Reader) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".daicho-*") // 0600
	if err != nil {
		return fmt.Errorf("writing the file: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = io.Copy(f, from)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("writing the file: %w", err)
	}
	return nil
}
