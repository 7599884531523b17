package recipients

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	projection "github.com/daicho-dev/daicho/projections/recipients"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/register"
)

// Notices lists how far recipients have been told of what is open.
func (s *Service) Notices(ctx context.Context, all bool) (contracts.NoticeList, error) {
	out := contracts.NoticeList{Notices: []contracts.NoticeLine{}}
	if err := register.Allow(ctx, register.Readers...); err != nil {
		return out, err
	}
	s.level(ctx)
	out.Position = s.position()
	open, err := s.recalls(ctx, projection.Which{Open: true})
	if err != nil {
		return out, err
	}
	told, err := s.own.notices(ctx)
	if err != nil {
		return out, err
	}
	for i := range open {
		if line := s.noticeLine(&open[i], told[open[i].ID]); all || line.State != "taken" {
			out.Notices = append(out.Notices, line)
		}
	}
	return out, nil
}

func (s *Service) noticeLine(r *projection.Recall, n notice) contracts.NoticeLine {
	line := contracts.NoticeLine{Recall: r.ID, Recipient: r.Recipient, State: "waiting", Attempts: n.attempts, Reason: n.reason, Due: r.Due}
	to := s.gateway.Organisation().Recipients[r.Recipient]
	switch {
	case n.told >= r.UpTo:
		line.State = "taken"
	case to == nil || to.Webhook == "":
		line.State = "by_hand"
	case n.poisoned && n.tried >= r.UpTo:
		line.State = "poisoned"
	}
	if !n.at.IsZero() {
		line.Tried = &n.at
	}
	return line
}

// SendAgain lets a notice be tried again.
func (s *Service) SendAgain(ctx context.Context, recall events.ID) (contracts.NoticeLine, error) {
	var none contracts.NoticeLine
	if err := register.Allow(ctx, "compliance"); err != nil {
		return none, err
	}
	s.level(ctx)
	found, err := s.recalls(ctx, projection.Which{ID: recall, Open: true})
	if err != nil {
		return none, err
	}
	if len(found) == 0 {
		return none, register.NotFound("no recall of this name is open")
	}
	if err := s.own.again(ctx, recall); err != nil {
		return none, err
	}
	s.send.again()
	told, err := s.own.notices(ctx)
	return s.noticeLine(&found[0], told[recall]), err
}

// WebhookSecret is what a recipient checks notices with.
func (s *Service) WebhookSecret(ctx context.Context, recipient events.Word) (contracts.WebhookSecret, error) {
	var none contracts.WebhookSecret
	if err := register.Allow(ctx); err != nil { // an admin alone
		return none, err
	}
	_, r, err := s.known(recipient)
	if err != nil {
		return none, err
	}
	if r.Webhook == "" {
		return none, register.NotFound("no webhook is on file for this recipient; `daicho recipients review --webhook` names one")
	}
	return contracts.WebhookSecret{Recipient: recipient, Secret: "whsec_" + base64.StdEncoding.EncodeToString(s.secret(recipient, r.Webhook))}, nil
}

// Confirm records a recipient's answer. Whoever has the token of the latest notice may give it: it says this recall and no other, as far
// as it had been asked then. What is not a recall, and what is not its token, is answered alike.
func (s *Service) Confirm(ctx context.Context, recall events.ID, c contracts.RecallConfirmation) (contracts.Receipt, error) {
	s.level(ctx)
	found, err := s.recalls(ctx, projection.Which{ID: recall})
	if err != nil {
		return contracts.Receipt{}, err
	}
	var r projection.Recall
	if len(found) > 0 {
		r = found[0]
	}
	if fits := subtle.ConstantTimeCompare([]byte(c.Token), []byte(s.token(recall, r.UpTo))) == 1; !fits || len(found) == 0 {
		return contracts.Receipt{}, &contracts.Problem{Type: "about:blank", Title: "Who confirms?", Status: 401, Code: "token",
			Detail: "no recall is confirmed by this token; the latest notice of a recall holds the one that does"}
	}
	source := "/vendors/" + string(r.Recipient)
	if org := s.gateway.Organisation(); !org.Policy.HasSource(source) {
		source = "/daicho/recipients"
	}
	x := intake.Own(events.TypeDisposalConfirmed, events.Stream{Kind: "recall", ID: string(recall)},
		&events.DisposalConfirmed{Recall: recall, Recipient: r.Recipient, Certificate: c.Certificate})
	x.ID, x.Source = fmt.Sprintf("confirm/%s/%v", recall, r.UpTo), source
	out, err := s.gateway.Submit(context.WithoutCancel(ctx), intake.Engine, []intake.Submission{x})
	if err != nil {
		return contracts.Receipt{}, err
	}
	if out[0].Status == contracts.StatusRefused {
		return contracts.Receipt{}, contracts.Refused("The confirmation is refused", out[0])
	}
	return out[0], nil
}
