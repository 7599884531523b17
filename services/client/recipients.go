package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

var _ contracts.Recipients = (*Client)(nil)

// Recipients lists every recipient.
func (c *Client) Recipients(ctx context.Context) (contracts.RecipientList, error) {
	return ask[contracts.RecipientList](ctx, c, http.MethodGet, "/v1/recipients", nil, nil)
}

// Recipient is all that is on file about one.
func (c *Client) Recipient(ctx context.Context, id events.Word) (contracts.RecipientFile, error) {
	return ask[contracts.RecipientFile](ctx, c, http.MethodGet, "/v1/recipients/"+url.PathEscape(string(id)), nil, nil)
}

func page(v url.Values, after events.Position, limit int) url.Values {
	if after > 0 {
		v.Set("after", after.String())
	}
	if limit != 0 {
		v.Set("limit", strconv.Itoa(limit))
	}
	return v
}

// Exposure asks whose and what data lies with a recipient.
func (c *Client) Exposure(ctx context.Context, q contracts.ExposureQuestion) (contracts.Exposure, error) {
	v := page(url.Values{}, 0, q.Limit)
	if !q.AsOf.IsZero() {
		v.Set("asOf", q.AsOf.Format(time.RFC3339Nano))
	}
	set(v, "knownAt", q.KnownAt)
	return ask[contracts.Exposure](ctx, c, http.MethodGet, "/v1/recipients/"+url.PathEscape(string(q.Recipient))+"/exposure", v, nil)
}

// Recalls lists recalls.
func (c *Client) Recalls(ctx context.Context, q contracts.RecallQuestion) (contracts.RecallList, error) {
	v := page(url.Values{}, q.After, q.Limit)
	set(v, "recipient", string(q.Recipient))
	if q.All {
		v.Set("all", "true")
	}
	return ask[contracts.RecallList](ctx, c, http.MethodGet, "/v1/recalls", v, nil)
}

// Provisions lists records of provision, of everybody or of one person.
func (c *Client) Provisions(ctx context.Context, q contracts.ProvisionQuestion) (contracts.ProvisionList, error) {
	if q.Person == "" && q.Purpose == "" && q.Request == "" {
		v := page(url.Values{}, q.After, q.Limit)
		set(v, "recipient", string(q.Recipient))
		set(v, "kind", q.Kind)
		return ask[contracts.ProvisionList](ctx, c, http.MethodGet, "/v1/provisions", v, nil)
	}
	p, err := c.pseudonym(ctx, q.Person)
	if err != nil {
		return contracts.ProvisionList{}, err
	}
	q.Person = ""
	return ask[contracts.ProvisionList](ctx, c, http.MethodPost, "/v1/persons/"+url.PathEscape(p)+"/provisions", nil, q)
}

var _ contracts.Notices = (*Client)(nil)

// Notices lists how far recipients have been told.
func (c *Client) Notices(ctx context.Context, all bool) (contracts.NoticeList, error) {
	v := url.Values{}
	if all {
		v.Set("all", "true")
	}
	return ask[contracts.NoticeList](ctx, c, http.MethodGet, "/v1/notices", v, nil)
}

// SendAgain lets a notice be tried again.
func (c *Client) SendAgain(ctx context.Context, recall events.ID) (contracts.NoticeLine, error) {
	return ask[contracts.NoticeLine](ctx, c, http.MethodPost, "/v1/notices/"+url.PathEscape(string(recall))+"/send", nil, nil)
}

// WebhookSecret is what a recipient checks notices with.
func (c *Client) WebhookSecret(ctx context.Context, recipient events.Word) (contracts.WebhookSecret, error) {
	return ask[contracts.WebhookSecret](ctx, c, http.MethodGet, "/v1/recipients/"+url.PathEscape(string(recipient))+"/secret", nil, nil)
}

// Confirm says, as a recipient would, that a recall has been carried out.
func (c *Client) Confirm(ctx context.Context, recall events.ID, answer contracts.RecallConfirmation) (contracts.Receipt, error) {
	return ask[contracts.Receipt](ctx, c, http.MethodPost, "/v1/recalls/"+url.PathEscape(string(recall))+"/confirm", nil, answer)
}
