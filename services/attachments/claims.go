package attachments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/intake"
)

// Claims gives the uploads that wait to the events that name them. In an engine of several processes each intake has its own, over one store
// and one vault: it needs the key of an upload and never its bytes, which lie with the office alone.
type Claims struct {
	vault   contracts.Vault
	waiting *waiting
	now     func() time.Time
	// attached is what the log says of an object, where somebody here has read it.
	attached Attached
}

var _ intake.Uploads = (*Claims)(nil)

// OpenClaims opens the store of waiting uploads (sqlite.Durable). Where other processes have it open too, turn is the statement by which a
// transaction waits until no other has its turn (postgres.Server.Turn).
func OpenClaims(ctx context.Context, vault contracts.Vault, db contracts.Database, turn string) (*Claims, error) {
	w, err := openWaiting(ctx, db, turn)
	if err != nil {
		return nil, err
	}
	return &Claims{vault: vault, waiting: w, now: time.Now}, nil
}

// held is what an upload's own key seals.
type held struct {
	contracts.SealedAttachment `json:",inline"`
	Sources                    []string `json:"sources"` // under which its sender may write
}

// hold is what a caller's upload holds.
func hold(value contracts.SealedAttachment, caller intake.Caller) held {
	if caller.Role != "emitter" {
		return held{value, []string{"/"}}
	}
	return held{value, caller.Sources}
}

// Claim answers what a record is made of that claims an upload. Whoever comes with the holder's token may; and so may an event that came
// without any (from an outbox, or by the permissions of a NATS server), if its source is one that the holder may write under.
func (c *Claims) Claim(ctx context.Context, upload events.ID, caller intake.Caller, source, by string) (intake.Claimed, bool, error) {
	var none intake.Claimed
	row, ok, err := c.waiting.find(ctx, upload)
	switch {
	case err != nil || !ok || row.dropped:
		return none, false, err
	case row.claim != "" && row.claim != by:
		return none, false, nil
	case row.claim == "" && c.now().Sub(row.created) >= contracts.UploadKept:
		return none, false, nil
	case caller.Role == "emitter" && caller.Holder != "" && row.holder != c.holder(caller):
		return none, false, nil
	}
	// A store of waiting uploads that was put back from a copy may show as waiting what a record has long had.
	if c.attached != nil {
		if state, err := c.attached.State(ctx, row.object); err != nil || state != "" && row.claim == "" {
			return none, false, err
		}
	}
	keys, err := c.vault.Keys(ctx, []events.Stream{ownerOf(upload)})
	if err != nil || keys[0] == nil {
		return none, false, err
	}
	opened, err := keys[0].Open(1, uploadBound, row.box)
	if err != nil {
		return none, false, fmt.Errorf("opening a waiting upload: %w", err)
	}
	defer clear(opened)
	var h held
	if json.Unmarshal(opened, &h) != nil {
		return none, false, errors.New("the sealed description of a waiting upload cannot be read")
	}
	defer clear(h.Key)
	if caller.Role == "emitter" && caller.Holder == "" && !(intake.Caller{Role: "emitter", Sources: h.Sources}).Writes(source) {
		return none, false, nil
	}
	value, err := json.Marshal(h.SealedAttachment)
	if err != nil {
		return none, false, errors.New("writing the description of an attachment")
	}
	if ok, err := c.waiting.claim(ctx, upload, by); err != nil || !ok {
		return none, false, err
	}
	return intake.Claimed{Object: row.object, Value: value}, true, nil
}

// Release gives back an upload, or destroys its key and leaves what is noise then to the sweep.
func (c *Claims) Release(ctx context.Context, upload events.ID, by string, destroy bool) error {
	if !destroy {
		return c.waiting.release(ctx, upload, by)
	}
	// Marked first, so that a crash leaves it to the sweep; then at once.
	dropped, err := c.waiting.drop(ctx, upload, by)
	if err != nil || !dropped {
		return err
	}
	return c.vault.Forget(ctx, ownerOf(upload), c.now(), 0)
}

// Recorded is told of what the log has after the vault's own position, before anything is claimed: a store that was put back from a copy may
// show as waiting what these events have claimed since.
func (c *Claims) Recorded(ctx context.Context, e *events.Event) error {
	if e.Type != events.TypeCollected || !bytes.Contains(e.Data, []byte(`"attachment":`)) {
		return nil
	}
	f, err := events.Decode(e)
	if err != nil {
		return err
	}
	if f, ok := f.(*events.Collected); ok {
		for i := range f.Records {
			if a := f.Records[i].Attachment; a != nil {
				if err := c.waiting.recorded(ctx, a.Object); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// holder names who uploaded, in a way that leads to nobody.
func (c *Claims) holder(of intake.Caller) string {
	return c.vault.Peppered("holder", string(of.Holder))
}
