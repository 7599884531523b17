package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

var _ contracts.Disposals = (*Client)(nil)

func disposalPath(id events.ID) string { return "/v1/disposals/" + url.PathEscape(string(id)) }

// Plan asks for a plan.
func (c *Client) Plan(ctx context.Context, q contracts.DisposalQuestion) (contracts.Disposal, error) {
	return ask[contracts.Disposal](ctx, c, http.MethodPost, "/v1/disposals", nil, q)
}

// Disposals lists all.
func (c *Client) Disposals(ctx context.Context) ([]contracts.Disposal, error) {
	return ask[[]contracts.Disposal](ctx, c, http.MethodGet, "/v1/disposals", nil, nil)
}

// Disposal is one of them.
func (c *Client) Disposal(ctx context.Context, id events.ID) (contracts.Disposal, error) {
	return ask[contracts.Disposal](ctx, c, http.MethodGet, disposalPath(id), nil, nil)
}

// Items reads a disposal's list.
func (c *Client) Items(ctx context.Context, id events.ID, yield func(contracts.DisposalItem) error) error {
	r, err := c.do(ctx, http.MethodGet, disposalPath(id)+"/items", nil, "", nil)
	if err != nil {
		return err
	}
	return each(r, yield)
}

// Approve approves a list.
func (c *Client) Approve(ctx context.Context, id events.ID, digest events.Word) (contracts.Disposal, error) {
	return ask[contracts.Disposal](ctx, c, http.MethodPost, disposalPath(id)+"/approve", nil, contracts.DisposalApproval{Digest: digest})
}

// Run has a disposal carried out, and follows it.
func (c *Client) Run(ctx context.Context, id events.ID, progress func(contracts.DisposalProgress) error) (out contracts.Disposal, err error) {
	r, err := c.do(ctx, http.MethodPost, disposalPath(id)+"/run", nil, "", nil)
	if err != nil {
		return out, err
	}
	ended := false
	err = each(r, func(p contracts.DisposalProgress) error {
		if p.Disposal != nil {
			out, ended = *p.Disposal, true
		}
		if progress == nil {
			return nil
		}
		return progress(p)
	})
	if err == nil && !ended {
		err = errors.New("the engine's answer ended early; run the disposal again, it goes on where it was")
	}
	return out, err
}

// Certificate asks for the certificate of a disposal.
func (c *Client) Certificate(ctx context.Context, id events.ID) (contracts.Certificate, error) {
	return ask[contracts.Certificate](ctx, c, http.MethodGet, disposalPath(id)+"/certificate", nil, nil)
}

// CheckCertificate has a certificate compared with the log.
func (c *Client) CheckCertificate(ctx context.Context, x contracts.Certificate) (contracts.Verified, error) {
	return ask[contracts.Verified](ctx, c, http.MethodPost, "/v1/disposals:check", nil, x)
}

// WhatIf asks what a catalogue would change.
func (c *Client) WhatIf(ctx context.Context, catalogue []byte) (contracts.WhatIf, error) {
	return ask[contracts.WhatIf](ctx, c, http.MethodPost, "/v1/policies:what-if", nil, jsontext.Value(catalogue))
}
