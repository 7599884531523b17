package disposal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/register"
)

// certificateForm names what a certificate holds and how its digests are made.
const certificateForm = "daicho.disposal.v1"

// Certificate says what a disposal has destroyed so far.
func (s *Service) Certificate(ctx context.Context, id events.ID) (contracts.Certificate, error) {
	var none contracts.Certificate
	if err := register.Allow(ctx, readers...); err != nil {
		return none, err
	}
	d, err := s.find(id)
	if err != nil {
		return none, err
	}
	if len(d.Runs) == 0 {
		return none, register.Refused("This is refused", "not_permitted", "", "nothing has been disposed of yet: a certificate is of what a run has done")
	}
	head, err := s.log.Head(ctx)
	if err != nil {
		return none, err
	}
	t, err := s.trace(ctx, id, head)
	if err != nil {
		return none, err
	}
	return t.certificate(head)
}

// certificate is the same for the same position, whenever it is asked for.
func (t *trace) certificate(at events.Position) (contracts.Certificate, error) {
	p := t.planned
	c := contracts.Certificate{
		Certificate: certificateForm, Disposal: t.id, Policy: t.policy, Until: string(p.Until), Purpose: p.Purpose, List: p.Digest,
		Planned: t.marks[events.TypeDisposalPlanned][0], Needs: p.Needs, Approved: marks(t.marks[events.TypeDisposalApproved]),
		Executed: marks(t.marks[events.TypeDisposalExecuted]), Records: p.Items, Remembered: p.Remembers, Rules: []contracts.CertificateRule{}, Position: at,
	}
	if len(t.recalled) > 0 {
		c.Recalled = t.recalled
	}
	if t.executed != nil {
		c.Left = left(t.executed.Left)
	}
	h := sha256.New()
	type key struct{ rule, cause events.Word }
	rules := map[key]int{}
	for _, d := range t.deletions {
		_, _ = h.Write([]byte(d.line + d.gone))
		c.Destruction.Deletions++
		switch {
		case d.destroyed == nil:
			c.Destruction.Pending++
		case d.destroyed.Final:
			c.Destruction.Final++
		default:
			if c.Destruction.Waits == nil {
				c.Destruction.Waits = map[string]int{}
			}
			c.Destruction.Waits[string(d.destroyed.Epoch)]++
		}
		if d.fact.Person {
			c.Forgotten++
			continue
		}
		c.Disposed += len(d.fact.Of)
		rules[key{d.fact.Rule, d.fact.Cause}] += len(d.fact.Of)
	}
	c.Proof = "sha256:" + hex.EncodeToString(h.Sum(nil))
	for k, n := range rules {
		c.Rules = append(c.Rules, contracts.CertificateRule{Rule: k.rule, Cause: k.cause, Records: n})
	}
	slices.SortFunc(c.Rules, func(a, b contracts.CertificateRule) int {
		return strings.Compare(string(a.Rule)+" "+string(a.Cause), string(b.Rule)+" "+string(b.Cause))
	})
	c.Caveats = caveats(&c)
	var err error
	c.Digest, err = sealOf(c)
	return c, err
}

func marks(all []contracts.CertificateMark) []contracts.CertificateMark {
	if all == nil {
		return []contracts.CertificateMark{}
	}
	return all
}

// caveats are what a certificate cannot promise.
func caveats(c *contracts.Certificate) []string {
	all := []string{
		"What stays in the log of the people concerned are times, sources, words of the catalogue and counts, under random names that lead nowhere. Whoever keeps an emitter's own archive may match them by time.",
		"This certificate is about what this register held. Copies that an emitter kept in its own systems are not part of it.",
	}
	d := c.Destruction
	if d.Final > 0 {
		all = append(all, fmt.Sprintf("Of %d deletions the destruction of the keys is final: they are overwritten where they were stored.", d.Final))
	}
	for _, epoch := range slices.Sorted(maps.Keys(d.Waits)) {
		all = append(all, fmt.Sprintf("Of %d deletions the destruction becomes final when epoch %s of the root key is destroyed, with the next change of epochs: until then an old copy of the vault, together with that epoch, could still open them.", d.Waits[epoch], epoch))
	}
	if d.Pending > 0 {
		all = append(all, fmt.Sprintf("Of %d deletions the keys had not been destroyed yet when this certificate was made.", d.Pending))
	}
	if len(c.Recalled) > 0 {
		all = append(all, "What had been handed to recipients was asked back before it was disposed of here; it counts as being with them until they confirm.")
	}
	if c.Remembered > 0 {
		all = append(all, fmt.Sprintf("%d people of whom no record was to be left stay known by their identifiers: a record of provision about them is to say whom it is about until its period is over (APPI 29(2), 30(4)). A later disposal forgets them.", c.Remembered))
	}
	if c.Left[held] > 0 {
		all = append(all, fmt.Sprintf("%d records of the list are held for a case; they are disposed of when the hold is released.", c.Left[held]))
	}
	return all
}

// sealOf is the digest of a certificate: SHA-256 over its canonical JSON (RFC 8785) without the digest.
func sealOf(c contracts.Certificate) (string, error) {
	c.Digest = ""
	b, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("writing a certificate: %w", err)
	}
	v := jsontext.Value(b)
	if err := v.Canonicalize(); err != nil {
		return "", fmt.Errorf("writing a certificate: %w", err)
	}
	sum := sha256.Sum256(v)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// CheckCertificate compares a certificate with the log as it stood at the certificate's position, and with the vault as it is.
func (s *Service) CheckCertificate(ctx context.Context, c contracts.Certificate) (contracts.Verified, error) {
	v := contracts.Verified{OK: true}
	if err := register.Allow(ctx, readers...); err != nil {
		return v, err
	}
	add := func(name string, ok bool, count int, detail string) {
		if ok {
			detail = ""
		}
		v.Checks = append(v.Checks, contracts.Check{Name: name, OK: ok, Count: count, Detail: detail})
		v.OK = v.OK && ok
	}
	if c.Certificate != certificateForm {
		return v, register.BadQuestion("certificate", "is not "+certificateForm+", the form that this engine writes")
	}
	own, err := sealOf(c)
	if err != nil {
		return v, err
	}
	add("the certificate is as it was written", own == c.Digest, 1, "its digest is not that of its content: it was changed")
	head, err := s.log.Head(ctx)
	if err != nil {
		return v, err
	}
	if c.Position > head {
		add("the log reaches the certificate's position", false, 1, "the log ends before it: the log was rolled back, or the certificate is of another register")
		return v, nil
	}
	t, err := s.trace(ctx, c.Disposal, c.Position)
	if err != nil {
		return v, err
	}
	add("the log has this disposal", t.planned != nil, 1, "no disposal of this name stands in the log at the certificate's position")
	if t.planned == nil {
		return v, nil
	}
	want, err := t.certificate(c.Position)
	if err != nil {
		return v, err
	}
	differ, err := differing(want, c)
	if err != nil {
		return v, err
	}
	add("it says what the log says", len(differ) == 0, 1, "the log says otherwise of: "+strings.Join(differ, ", "))
	add("every deletion and destruction is in the log as it was", want.Proof == c.Proof, len(t.deletions), "the proof is another: deletions are missing, or were changed, or are not of this disposal")
	add("it was approved as the policy asked", len(want.Approved) >= want.Needs, len(want.Approved), "approvals are missing in the log")
	alive, err := s.alive(ctx, t)
	if err != nil {
		return v, err
	}
	add("no key of what was disposed of is left", alive == 0, len(t.deletions), fmt.Sprintf("of %d deletions a key still derives", alive))
	return v, nil
}

// differing are the names of fields in which two certificates differ.
func differing(a, b contracts.Certificate) ([]string, error) {
	var fields [2]map[string]jsontext.Value
	for i, c := range []contracts.Certificate{a, b} {
		doc, err := json.Marshal(c)
		if err == nil {
			err = json.Unmarshal(doc, &fields[i])
		}
		if err != nil {
			return nil, fmt.Errorf("comparing certificates: %w", err)
		}
		for k, v := range fields[i] {
			if err := v.Canonicalize(); err != nil {
				return nil, fmt.Errorf("comparing certificates: %w", err)
			}
			fields[i][k] = v
		}
	}
	var all []string
	for _, k := range slices.Sorted(maps.Keys(fields[0])) {
		if string(fields[0][k]) != string(fields[1][k]) {
			all = append(all, k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(fields[1])) {
		if _, ok := fields[0][k]; !ok {
			all = append(all, k)
		}
	}
	return all, nil
}

// alive counts deletions of which a key still derives.
func (s *Service) alive(ctx context.Context, t *trace) (n int, err error) {
	for all := t.deletions; len(all) > 0; {
		k := min(len(all), 500)
		owners := make([]events.Stream, k)
		for i, d := range all[:k] {
			owners[i] = events.PersonStream(d.person)
		}
		keys, err := s.vault.Keys(ctx, owners)
		if err != nil {
			return n, err
		}
		for i, d := range all[:k] {
			if keys[i] != nil && (d.fact.Person || slices.ContainsFunc(d.fact.Keys, keys[i].Alive)) {
				n++
			}
		}
		all = all[k:]
	}
	return n, nil
}
