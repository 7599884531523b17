package register

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/projections/dossier"
)

// attachmentOf is what may be shown of the value of an attachment: all but the key and the object.
func attachmentOf(value []byte) (contracts.AttachmentValue, error) {
	var a contracts.SealedAttachment
	if err := json.Unmarshal(value, &a); err != nil {
		return contracts.AttachmentValue{}, errors.New("the sealed description of an attachment cannot be read")
	}
	return contracts.AttachmentValue{Attachment: a.AttachmentInfo}, nil
}

// Attached opens the value of one record that is an attachment, for a purpose or a request, after the look has been recorded. What it
// answers holds the content key, and is for this process only.
func (r *Register) Attached(ctx context.Context, q contracts.AttachmentQuestion) (contracts.SealedAttachment, error) {
	var none contracts.SealedAttachment
	dq := contracts.DossierQuestion{Purpose: q.Purpose, Request: q.Request, AsOf: r.Now().UTC()}
	if err := r.mayOpen(ctx, dq); err != nil {
		return none, err
	}
	person, _, ok := strings.Cut(q.Record, ".")
	if !ok || strings.ContainsRune(person, ':') {
		return none, badQuestion("record", "a record is <person>.<number>, as a dossier names it")
	}
	p, err := r.person(ctx, person)
	if err != nil {
		return none, err
	}
	reading, err := r.read(ctx, p, dq)
	if err != nil {
		return none, err
	}
	one := &dossier.Reading{Dossier: reading.Dossier}
	for _, s := range reading.Sealed {
		if reading.Dossier.Records[s.Record].ID == q.Record && s.Attached {
			one.Sealed = append(one.Sealed, s)
		}
	}
	if len(one.Sealed) != 1 {
		return none, notFound("no record of this name holds an attachment, or holds it any longer")
	}
	s := one.Sealed[0]
	if walls := r.between(ctx, &reading.Dossier.Records[s.Record]); len(walls) > 0 {
		return none, problem(403, "role", "Not permitted", "the record is kept apart as "+string(walls[0])+": this needs a token that is cleared for it")
	}
	if !r.shows(ctx, dq, &reading.Dossier.Records[s.Record]) {
		p := problem(422, "refused", "The question is refused", "the record is not bound to this purpose")
		p.Rule = "purpose_not_bound"
		return none, p
	}
	if err := r.look(ctx, dq, one); err != nil {
		return none, err
	}
	opened, err := r.Vault.Keys(ctx, []events.Stream{s.Owner})
	if err != nil {
		return none, err
	}
	if opened[0] == nil {
		return none, notFound("the attachment has been destroyed")
	}
	value, err := opened[0].Open(s.N, s.Bound, s.Box)
	if errors.Is(err, contracts.ErrDestroyed) {
		return none, notFound("the attachment has been destroyed")
	}
	if err != nil {
		return none, fmt.Errorf("opening the value of an attachment: %w", err)
	}
	defer clear(value)
	if err := json.Unmarshal(value, &none); err != nil {
		return contracts.SealedAttachment{}, errors.New("the sealed description of an attachment cannot be read")
	}
	return none, nil
}
