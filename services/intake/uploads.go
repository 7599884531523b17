package intake

import (
	"context"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// Uploads is where attachments wait for the event that claims them.
type Uploads interface {
	// Claim answers what a record is made of that claims an upload: the value to seal, with the content key in it, and the object. By
	// names the submission, and source where it stands: from its claim on the upload is kept for it alone, durably, and it may ask again for
	// as often as it is decided again. ok is false for an upload that is not there, or no longer, or another caller's, or another submission's.
	Claim(ctx context.Context, upload events.ID, caller Caller, source, by string) (c Claimed, ok bool, err error)
	// Release gives back an upload whose submission was refused; or, where nothing of it may be kept, destroys it.
	Release(ctx context.Context, upload events.ID, by string, destroy bool) error
}

// Claimed is an upload on its way into a record.
type Claimed struct {
	Object events.ID
	Value  jsontext.Value
}

// attach fills in the values of records that claim uploads. One that cannot be claimed stays without a value, and the decision refuses it.
func (g *Gateway) attach(ctx context.Context, items []*item) error {
	if g.Uploads == nil {
		return nil
	}
	for _, it := range items {
		f, ok := it.Fact.(*events.Collected)
		if !ok || it.Refused != nil || it.permitted() != nil {
			continue
		}
		it.claimed = it.claimed[:0]
		once := map[events.ID]bool{}
		for i := range f.Records {
			a := f.Records[i].Attachment
			if a == nil || once[a.Upload] {
				continue
			}
			once[a.Upload] = true
			c, ok, err := g.Uploads.Claim(ctx, a.Upload, it.caller, it.Source, g.claimant(it))
			if err != nil {
				return err
			}
			if ok {
				it.claimed = append(it.claimed, a.Upload)
				a.Object, f.Records[i].Value = c.Object, events.Clear(c.Value)
			}
		}
	}
	return nil
}

// claimant names a submission, in a way that leads to nobody. Another one with the same id about somebody else is another submission.
func (g *Gateway) claimant(it *item) string {
	return g.vault.Peppered("upload", it.Source+"\x00"+it.ID+"\x00"+string(it.Subject))
}

// How long between two tries to give back what was claimed, in a store that is elsewhere and may be away for a while.
const releaseAgain = 250 * time.Millisecond

// release gives back what refused submissions have claimed. A failure stops intake, visibly: something may be kept that must not be.
func (g *Gateway) release(ctx context.Context, items []*item) error {
	for _, it := range items {
		if it.err != nil || it.receipt.Status != contracts.StatusRefused {
			continue
		}
		for _, u := range it.claimed {
			err := g.Uploads.Release(ctx, u, g.claimant(it), policy.NeverKept(it.receipt.Rule))
			for g.Shared && err != nil && ctx.Err() == nil { // nobody is answered before it is done
				select {
				case <-ctx.Done():
				case <-time.After(releaseAgain):
				}
				err = g.Uploads.Release(ctx, u, g.claimant(it), policy.NeverKept(it.receipt.Rule))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Objects are the objects that hold a person's attachments, by the ordinal of the value that holds the key to each; of records that are
// gone as well.
func (g *Gateway) Objects(ctx context.Context, owner events.Stream) (map[events.Ordinal]events.ID, error) {
	have, err := g.states.load(ctx, []events.Stream{owner})
	if err != nil {
		return nil, err
	}
	all := map[events.Ordinal]events.ID{}
	for i := range have[owner].Records {
		if r := &have[owner].Records[i]; r.Object != "" {
			all[r.N] = r.Object
		}
	}
	return all, nil
}
