// Package attachments carries what is too large to be a value from its arrival to its end.
//
//	upload   bytes → sealed in chunks under a random content key → the object store. The key waits, sealed under an owner of the
//	         upload's own in the vault, for the event that names the upload.
//	claim    intake makes the record's value of it: name, media type, digest, object and content key, sealed like any other value.
//	         From then on the upload's own key is destroyed: whoever opens the record's value opens the attachment, and nobody else.
//	         The event may come by any edge and to any process that takes events: what it needs lies in a store that they share.
//	look     recorded, then opened a chunk at a time.
//	end      when the leaf of the value is punctured, the object is noise; the keeper has it removed, and the sweep what was missed.
//	         What no event named within 24 hours goes the same way.
//
// What is clear: the object's name (random, known to nobody outside), how many bytes it has, and when it came.
package attachments

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/attachments/stream"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/register"
	"github.com/daicho-dev/daicho/services/rounds"
)

// Service takes and gives attachments. Its worker removes what has ended.
type Service struct {
	*Claims
	objects  contracts.Objects
	log      contracts.Log
	register opener
	rounds.Rounds
	swept time.Time // when every object was last looked at; owned by the rounds
}

var (
	_ contracts.Attachments = (*Service)(nil)
	_ intake.Uploads        = (*Service)(nil)
)

// opener opens the value of a record, once the look stands in the log.
type opener interface {
	Attached(ctx context.Context, q contracts.AttachmentQuestion) (contracts.SealedAttachment, error)
}

// New makes the service over the uploads that wait. Serve must be called before it gives anything.
func New(claims *Claims, objects contracts.Objects, attached Attached, log contracts.Log) *Service {
	claims.attached = attached
	return &Service{Claims: claims, objects: objects, log: log}
}

// Serve names what opens values.
func (s *Service) Serve(r opener) { s.register = r }

func refused(status int, code, title, detail string) *contracts.Problem {
	return &contracts.Problem{Type: "about:blank", Title: title, Status: status, Code: code, Detail: detail}
}

// describe checks what an emitter says of its bytes.
func describe(about contracts.AttachmentInfo) (contracts.AttachmentInfo, error) {
	bad := func(field, detail string) error {
		p := refused(400, "question", "The question cannot be understood", detail)
		p.Field = field
		return p
	}
	if about.Type == "" {
		about.Type = "application/octet-stream"
	}
	if media, params, err := mime.ParseMediaType(about.Type); err != nil || !strings.Contains(media, "/") || len(about.Type) > 200 {
		return about, bad("type", "is no media type, as audio/wav")
	} else {
		about.Type = mime.FormatMediaType(media, params)
	}
	if len(about.Name) > 255 || !utf8.ValidString(about.Name) || strings.ContainsFunc(about.Name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '/' || r == '\\' }) {
		return about, bad("name", "is a file's name, without folders, of at most 255 bytes")
	}
	return contracts.AttachmentInfo{Name: about.Name, Type: about.Type}, nil
}

// counted lets at most a number of bytes through, and knows how many and which they were.
type counted struct {
	from io.Reader
	most int64
	n    int64
	sum  hash.Hash
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.from.Read(b)
	c.n += int64(n)
	if c.n > c.most {
		return 0, refused(400, "body", "The request cannot be read", fmt.Sprintf("an attachment has at most %d bytes", c.most))
	}
	c.sum.Write(b[:n])
	return n, err
}

// Upload seals what it reads.
func (s *Service) Upload(ctx context.Context, about contracts.AttachmentInfo, from io.Reader) (contracts.Uploaded, error) {
	var none contracts.Uploaded
	caller := register.CallerOf(ctx)
	switch caller.Role {
	case "emitter", "compliance", "responder", "admin", "engine":
	default:
		return none, refused(403, "role", "Not permitted", "this needs a role that writes: emitter, compliance, responder or admin")
	}
	about, err := describe(about)
	if err != nil {
		return none, err
	}
	value := contracts.SealedAttachment{AttachmentInfo: about, Object: random(), Key: make([]byte, stream.KeySize)}
	defer clear(value.Key)
	if _, err := rand.Read(value.Key); err != nil {
		return none, err
	}
	object, err := s.objects.Create(ctx, value.Object)
	if err != nil {
		return none, err
	}
	defer object.Abort()
	sealed, err := stream.NewWriter(object, value.Key)
	if err != nil {
		return none, err
	}
	in := &counted{from: from, most: contracts.MaxAttachment, sum: sha256.New()}
	if _, err := io.Copy(onlyWriter{sealed}, in); err != nil {
		var p *contracts.Problem
		if errors.As(err, &p) || ctx.Err() != nil {
			return none, err
		}
		return none, fmt.Errorf("taking an attachment: %w", err)
	}
	if err := errors.Join(sealed.Close(), ctx.Err()); err != nil {
		return none, err
	}
	if err := object.Commit(); err != nil {
		return none, err
	}
	value.Size, value.Digest = in.n, "sha256:"+hex.EncodeToString(in.sum.Sum(nil))
	upload := events.ID(random())
	if err := s.wait(ctx, upload, caller, value); err != nil {
		return none, errors.Join(err, s.objects.Delete(context.WithoutCancel(ctx), value.Object))
	}
	return contracts.Uploaded{Upload: upload, Size: value.Size, Digest: value.Digest, Expires: s.now().Add(contracts.UploadKept).UTC().Truncate(time.Second)}, nil
}

// onlyWriter keeps io.Copy from asking for anything but Write: its one buffer is all the memory there is.
type onlyWriter struct{ io.Writer }

func random() string { return strings.ToLower(rand.Text()) }

// wait seals what the claim will need under an owner of the upload's own, and notes it. The row comes first: a key that was admitted is
// found again whatever happens, and destroyed.
func (s *Service) wait(ctx context.Context, upload events.ID, caller intake.Caller, value contracts.SealedAttachment) error {
	owner := ownerOf(upload)
	newcomer, err := s.vault.Newcomer(owner)
	if err != nil {
		return err
	}
	clearValue, err := json.Marshal(hold(value, caller))
	if err != nil {
		return errors.New("writing the description of an attachment")
	}
	defer clear(clearValue)
	box, err := newcomer.Keys().Seal(1, uploadBound, clearValue)
	if err != nil {
		return err
	}
	row := upcoming{upload: upload, object: events.ID(value.Object), created: s.now(), holder: s.holder(caller), box: box}
	if err := s.waiting.add(ctx, row); err != nil {
		return err
	}
	_, err = s.vault.Admit(ctx, []contracts.Newcomer{newcomer})
	return err
}

// ownerOf is whose key seals a waiting upload: one owner an upload, so that it can be forgotten alone.
func ownerOf(upload events.ID) events.Stream {
	return events.Stream{Kind: "upload", ID: string(upload)}
}

var uploadBound = contracts.Bound{Type: "upload", Category: "attachment"}

// Release gives back an upload, or destroys it.
func (s *Service) Release(ctx context.Context, upload events.ID, by string, destroy bool) error {
	if err := s.Claims.Release(ctx, upload, by, destroy); err != nil || !destroy {
		return err
	}
	row, ok, err := s.waiting.find(ctx, upload)
	if err != nil || !ok || !row.dropped {
		return err
	}
	return s.destroy(ctx, row)
}

// destroy destroys a waiting upload: the key first, the row last.
func (s *Service) destroy(ctx context.Context, row upcoming) error {
	if err := s.vault.Forget(ctx, ownerOf(row.upload), s.now(), 0); err != nil {
		return err
	}
	if err := s.objects.Delete(ctx, string(row.object)); err != nil {
		return err
	}
	return s.waiting.remove(ctx, row.upload)
}

// Attachment opens that of a record.
func (s *Service) Attachment(ctx context.Context, q contracts.AttachmentQuestion) (contracts.AttachmentInfo, io.ReadCloser, error) {
	var none contracts.AttachmentInfo
	value, err := s.register.Attached(ctx, q)
	if err != nil {
		return none, nil, err
	}
	defer clear(value.Key)
	object, err := s.objects.Open(ctx, value.Object)
	if errors.Is(err, contracts.ErrNoObject) {
		return none, nil, errors.New("the object of a living attachment is missing from the object store: a loss of data (`daicho verify` lists how many)")
	}
	if err != nil {
		return none, nil, err
	}
	clear, err := stream.NewReader(object, value.Key)
	if err != nil {
		return none, nil, errors.Join(err, object.Close())
	}
	return value.AttachmentInfo, &opened{whole: whole{from: clear, left: value.Size}, Closer: object}, nil
}

type opened struct {
	whole
	io.Closer
}

// whole reads exactly as much as there should be.
type whole struct {
	from io.Reader
	left int64
}

func (w *whole) Read(b []byte) (int, error) {
	n, err := w.from.Read(b)
	w.left -= int64(n)
	if w.left < 0 || errors.Is(err, io.EOF) && w.left != 0 {
		return 0, stream.ErrDamaged
	}
	return n, err
}

// Remove removes the objects whose content keys have been destroyed with the values of some ordinals, or with the person.
func (s *Service) Remove(ctx context.Context, objects map[events.Ordinal]events.ID, person bool, ordinals []events.Ordinal) error {
	gone := ordinals
	if person {
		gone = gone[:0:0]
		for n := range objects {
			gone = append(gone, n)
		}
	}
	for _, n := range gone {
		if o := objects[n]; o != "" {
			if err := s.objects.Delete(ctx, string(o)); err != nil {
				return err
			}
		}
	}
	return nil
}
