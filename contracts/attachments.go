package contracts

import (
	"context"
	"io"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// Attachments takes and gives what is too large to be a value: a recording of a call, a scan. The bytes are sealed while they arrive
// and opened while they leave, a chunk at a time, so that memory does not grow with them. They belong to a record from when an event
// names the upload, and are gone with it; what nothing names within 24 hours is gone.
//
// Who asks is in the context (the service) or in the token (the client). Errors that a caller can do something about are *Problem.
type Attachments interface {
	// Upload seals what it reads, to its end. When it answers, the bytes are on disk. After an error nothing is there.
	Upload(ctx context.Context, about AttachmentInfo, from io.Reader) (Uploaded, error)
	// Attachment opens that of a record, for a purpose; the look is recorded before the first byte is given. The reader errs before its
	// end if what is stored is not, byte for byte, what was uploaded. The caller closes it.
	Attachment(ctx context.Context, q AttachmentQuestion) (AttachmentInfo, io.ReadCloser, error)
}

// MaxAttachment is the most bytes of one attachment: 4 GiB.
const MaxAttachment = 4 << 30

// UploadKept is how long an upload waits for an event to name it.
const UploadKept = 24 * time.Hour

// AttachmentInfo describes an attachment. All of it is personal: it is sealed with the record's value.
type AttachmentInfo struct {
	Name   string `json:"name,omitempty"` // of the file; none if it was not given
	Type   string `json:"type"`           // media type; application/octet-stream if it was not given
	Size   int64  `json:"size"`           // bytes; found while uploading
	Digest string `json:"digest"`         // "sha256:<hex>" of the bytes; found while uploading
}

// AttachmentValue is what a dossier shows as the value of a record that is an attachment.
type AttachmentValue struct {
	Attachment AttachmentInfo `json:"attachment"`
}

// SealedAttachment is the sealed value of a record that is an attachment. It is never an answer: it holds the key.
type SealedAttachment struct {
	AttachmentInfo `json:",inline"`
	Object         string `json:"object"`
	Key            []byte `json:"key"` // of services/attachments/stream
}

// Uploaded answers an upload.
type Uploaded struct {
	Upload  events.ID `json:"upload"` // what an event names it by: `attachment: {upload}`
	Size    int64     `json:"size"`
	Digest  string    `json:"digest"`
	Expires time.Time `json:"expires"` // until when an event must have named it
}

// AttachmentQuestion asks for the bytes of a record. Purpose or Request says what for.
type AttachmentQuestion struct {
	Record  string      `json:"record,omitempty"`
	Purpose events.Word `json:"purpose,omitempty"`
	Request events.ID   `json:"request,omitempty"`
}
