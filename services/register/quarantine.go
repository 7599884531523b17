package register

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
	"github.com/daicho-dev/daicho/services/intake"
)

// Submissions of the quarantine that are listed, looked at by one question, and sent again at once.
const (
	mostListed = 10_000
	mostLooked = 100
	atOnce     = 200
)

// Quarantined lists refused submissions that can be mended.
func (r *Register) Quarantined(ctx context.Context) ([]contracts.QuarantineItem, error) {
	if err := allow(ctx, "compliance"); err != nil {
		return nil, err
	}
	kept, err := r.Vault.Quarantined(ctx, 1000, false)
	if err != nil {
		return nil, err
	}
	out := []contracts.QuarantineItem{}
	for _, k := range kept {
		out = append(out, item(k))
	}
	return out, nil
}

func item(k contracts.Quarantined) contracts.QuarantineItem {
	return contracts.QuarantineItem{ID: k.ID, At: k.At, Source: k.Source, Type: k.Type, Rule: k.Rule, Field: k.Field}
}

// chosen are the ids of those named, or of those of a rule, oldest first.
func (r *Register) chosen(ctx context.Context, ids []string, rule string, most int) ([]string, error) {
	if len(ids) > 0 {
		if rule != "" {
			return nil, badQuestion("rule", "name submissions, or a rule, not both")
		}
		return ids, nil
	}
	kept, err := r.Vault.Quarantined(ctx, mostListed, false)
	if err != nil {
		return nil, err
	}
	for _, k := range kept {
		if rule == "" || k.Rule == rule {
			ids = append(ids, k.ID)
		}
	}
	ids = ids[:min(most, len(ids))] // the newest
	slices.Reverse(ids)
	return ids, nil
}

// OpenQuarantined shows submissions as they came, after the look has been recorded.
func (r *Register) OpenQuarantined(ctx context.Context, q contracts.QuarantineQuestion) (contracts.QuarantineOpened, error) {
	none := contracts.QuarantineOpened{}
	if err := r.mayOpen(ctx, contracts.DossierQuestion{Purpose: q.Purpose, Request: q.Request}); err != nil {
		return none, err
	}
	if len(q.IDs) > mostLooked {
		return none, badQuestion("ids", "are more than 100; look at fewer")
	}
	ids, err := r.chosen(ctx, q.IDs, q.Rule, mostLooked)
	if err != nil {
		return none, err
	}
	kept, err := r.Vault.OpenQuarantined(ctx, ids)
	if err != nil {
		return none, err
	}
	if len(kept) < len(q.IDs) {
		return none, notFound("the quarantine holds nothing of this name; `daicho quarantine list` shows what it holds")
	}
	out := contracts.QuarantineOpened{Items: []contracts.QuarantineEvent{}}
	var shown []opened
	for _, k := range kept {
		e := contracts.QuarantineEvent{QuarantineItem: item(k)}
		s := intake.ReadStructured(k.Body)
		if e.Withheld = r.wallBefore(ctx, &s); e.Withheld == "" {
			shown = append(shown, opened{events.ID(k.ID), s})
			if json.Unmarshal(k.Body, &e.Event) != nil {
				e.Event, e.Text = nil, strings.ToValidUTF8(string(k.Body), "〓")
			}
		}
		out.Items = append(out.Items, e)
	}
	if err := r.lookAt(ctx, q, shown); err != nil {
		return none, err
	}
	return out, nil
}

// opened is a submission that somebody is about to see.
type opened struct {
	id events.ID
	intake.Submission
}

// wallBefore is a wall that a submission lies behind and the caller is not cleared for. Of what says no category, it is the source that
// tells; what cannot be read may be of anywhere.
func (r *Register) wallBefore(ctx context.Context, s *intake.Submission) events.Word {
	c := r.Gateway.Organisation().Policy
	if c == nil || s.Kind != nil && s.Kind.Stream != "person" {
		return ""
	}
	if f, ok := s.Fact.(*events.Collected); ok {
		rec := &contracts.DossierRecord{}
		for _, p := range f.Purposes {
			rec.Purposes = append(rec.Purposes, contracts.DossierPurpose{ID: p.ID})
		}
		for i := range f.Records {
			rec.Category = f.Records[i].Category
			if walls := r.between(ctx, rec); len(walls) > 0 {
				return walls[0]
			}
		}
		return ""
	}
	for i := range c.Walls {
		w := &c.Walls[i]
		if (s.Fact == nil || len(w.Sources) > 0 && w.Admits(s.Source)) && !slices.Contains(CallerOf(ctx).Walls, w.ID) {
			return w.ID
		}
	}
	return ""
}

// lookAt records who is about to see what: once for all of it, and for each person who is known.
func (r *Register) lookAt(ctx context.Context, q contracts.QuarantineQuestion, shown []opened) error {
	if len(shown) == 0 {
		return nil
	}
	caller, purpose := CallerOf(ctx), cmp.Or(q.Purpose, Rights)
	by := events.Identity(caller.Holder)
	all := &events.QuarantineRead{By: by, Role: caller.Role, Purpose: purpose, Request: q.Request}
	var whose []events.Identifier
	var of [][]events.Word
	for _, s := range shown {
		all.Items = append(all.Items, s.id)
		if f, ok := s.Fact.(*events.Collected); ok {
			whose, of = append(whose, s.Subject), append(of, categories(r.Gateway.Organisation().Policy, f))
		}
	}
	found, err := r.Vault.Find(ctx, whose)
	if err != nil {
		return err
	}
	looks := []intake.Submission{intake.Own(events.TypeQuarantineRead, events.Stream{Kind: "quarantine", ID: "looks"}, all)}
	for i, f := range found {
		if f.Person != "" && len(of[i]) > 0 {
			looks = append(looks, intake.Own(events.TypeAccessed, events.PersonStream(f.Person),
				&events.Accessed{By: by, Role: caller.Role, Categories: of[i], Purpose: purpose, Request: q.Request}))
		}
	}
	receipts, err := r.Gateway.Submit(ctx, intake.Engine, looks)
	if err != nil {
		return err
	}
	for _, receipt := range receipts {
		if receipt.Status != contracts.StatusRecorded {
			return problem(409, "look", "The look could not be recorded", "so nothing is shown: "+receipt.Text)
		}
	}
	return nil
}

// categories are those of a collection that are words of the policy: anything else is the emitter's text.
func categories(c *policy.Catalogue, f *events.Collected) (all []events.Word) {
	if c == nil {
		return nil
	}
	for i := range f.Records {
		w := f.Records[i].Category
		if _, known := c.Category(w); known && !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return all
}

// Resend has submissions decided again, in the order in which they came, with the rights of who asks.
func (r *Register) Resend(ctx context.Context, o contracts.QuarantineOrder) (contracts.QuarantineResent, error) {
	out := contracts.QuarantineResent{Results: []contracts.ResentItem{}}
	if err := allow(ctx, "compliance"); err != nil {
		return out, err
	}
	if len(o.IDs) == 0 && o.Rule == "" {
		return out, badQuestion("ids", "name submissions, or the rule that refused them")
	}
	ids, err := r.chosen(ctx, o.IDs, o.Rule, mostListed)
	if err != nil {
		return out, err
	}
	if len(o.IDs) > 0 { // all or nothing, and oldest first
		kept, err := r.Vault.OpenQuarantined(ctx, ids)
		if err != nil {
			return out, err
		}
		if len(kept) < len(o.IDs) {
			return out, notFound("the quarantine does not hold all of these, or one is named twice; `daicho quarantine list` shows what it holds")
		}
		ids = ids[:0:0]
		for _, k := range kept {
			ids = append(ids, k.ID)
		}
	}
	for part := range slices.Chunk(ids, atOnce) {
		results, err := r.resend(ctx, part)
		if err != nil {
			return out, err
		}
		out.Results = append(out.Results, results...)
	}
	return out, nil
}

func (r *Register) resend(ctx context.Context, ids []string) ([]contracts.ResentItem, error) {
	kept, err := r.Vault.OpenQuarantined(ctx, ids)
	if err != nil || len(kept) == 0 {
		return nil, err
	}
	all := make([]intake.Submission, len(kept))
	order := make([]int, len(kept))
	for i := range kept {
		all[i] = intake.ReadStructured(kept[i].Body)
		all[i].Again = true
		order[i] = i
	}
	// Those of one request were refused in one moment: among them, what happened first goes first.
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(kept[a].At.Compare(kept[b].At), all[a].Time.Compare(all[b].Time))
	})
	sent := make([]intake.Submission, len(order))
	for i, at := range order {
		sent[i] = all[at]
	}
	// What is recorded is taken out, also if who asked has gone.
	ctx = context.WithoutCancel(ctx)
	receipts, err := r.Gateway.Submit(ctx, CallerOf(ctx), sent)
	if err != nil {
		return nil, err
	}
	results := make([]contracts.ResentItem, len(order))
	var gone []string
	var moved []contracts.Quarantined
	for i, at := range order {
		k, receipt := &kept[at], receipts[i]
		results[i] = contracts.ResentItem{ID: k.ID, Receipt: receipt}
		if receipt.Status == contracts.StatusRefused && receipt.Rule == k.Rule {
			continue
		}
		gone = append(gone, k.ID)
		if receipt.Status == contracts.StatusRefused && !policy.NeverKept(receipt.Rule) {
			again := intake.Submission{Subject: all[at].Subject, Source: all[at].Source, Type: all[at].Type, Kind: all[at].Kind, Raw: k.Body}
			q := again.Kept(r.Gateway.Organisation(), receipt.Rule, receipt.Field, k.At)
			results[i].ID = q.ID
			moved = append(moved, q)
		}
	}
	if len(moved) > 0 { // before the others are removed: a crash between leaves both
		if err := r.Vault.Quarantine(ctx, moved); err != nil {
			return nil, err
		}
	}
	return results, r.Vault.Release(ctx, gone)
}
