package recipients

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	projection "github.com/daicho-dev/daicho/projections/recipients"
)

// derived is a secret of the vault's for one use. It is kept nowhere.
func (s *Service) derived(scope string, of ...string) []byte {
	sum := sha256.Sum256([]byte(s.vault.Peppered(scope, strings.Join(of, "\x00"))))
	return sum[:]
}

// secret signs what a recipient is told at a webhook. Another address has another secret, so a review that changes it ends the old one.
func (s *Service) secret(recipient events.Word, webhook events.Text) []byte {
	return s.derived("webhook", string(recipient), string(webhook))
}

// token is the right to confirm a recall as far as it had been asked at a position.
func (s *Service) token(recall events.ID, upTo events.Position) string {
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(s.derived("confirm", string(recall), upTo.String())))
}

// body is what a recipient is told: names of records and tags, nothing of what they hold.
func (s *Service) body(ctx context.Context, r *projection.Recall) ([]byte, error) {
	parts, err := s.parts(ctx, r.ID, r.UpTo)
	if err != nil {
		return nil, err
	}
	at := map[events.Stream]events.Position{}
	for _, p := range parts {
		at[events.PersonStream(p.Person)] = 0
	}
	states, err := s.gateway.People(ctx, at, 0)
	if err != nil {
		return nil, err
	}
	n := contracts.RecallNotice{
		Type: events.TypeRecallRequested, Recall: r.ID, Recipient: r.Recipient, Asked: r.Asked, Due: r.Due, Records: []contracts.RecalledRecord{},
		Confirm: contracts.ConfirmBy{Path: "/v1/recalls/" + string(r.ID) + "/confirm", Token: s.token(r.ID, r.UpTo)},
	}
	for _, p := range parts {
		st := states[events.PersonStream(p.Person)]
		for _, ordinal := range p.Left {
			line := contracts.RecalledRecord{Record: fmt.Sprintf("%s.%d", p.Person, ordinal)}
			if rec := st.Record(ordinal); rec != nil {
				line.Category, line.Tag = rec.Category, rec.Key
			}
			n.Records = append(n.Records, line)
		}
	}
	return json.Marshal(n)
}

// post tells a recipient, signed as Standard Webhooks says. Errors say what happened and never where: an address may hold a secret.
func (s *Service) post(ctx context.Context, webhook string, secret []byte, id string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, s.send.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, webhook, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address on file cannot be used")
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "daicho")
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", stamp)
	req.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	res, err := s.send.client.Do(req)
	switch {
	case err != nil && (os.IsTimeout(err) || errors.Is(err, context.DeadlineExceeded)):
		return errors.New("it did not answer in time")
	case err != nil:
		return errors.New("it could not be reached")
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection serves again
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("it answered %d", res.StatusCode)
	}
	return nil
}

// newClient follows no redirect: what is signed for one address is not carried to another.
func newClient() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
