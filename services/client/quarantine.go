package client

import (
	"context"
	"net/http"

	"github.com/daicho-dev/daicho/contracts"
)

// Quarantined lists refused submissions that can be mended.
func (c *Client) Quarantined(ctx context.Context) ([]contracts.QuarantineItem, error) {
	return ask[[]contracts.QuarantineItem](ctx, c, http.MethodGet, "/v1/quarantine", nil, nil)
}

// OpenQuarantined shows submissions as they came; the look is recorded.
func (c *Client) OpenQuarantined(ctx context.Context, q contracts.QuarantineQuestion) (contracts.QuarantineOpened, error) {
	return ask[contracts.QuarantineOpened](ctx, c, http.MethodPost, "/v1/quarantine:open", nil, q)
}

// Resend has submissions decided again.
func (c *Client) Resend(ctx context.Context, o contracts.QuarantineOrder) (contracts.QuarantineResent, error) {
	return ask[contracts.QuarantineResent](ctx, c, http.MethodPost, "/v1/quarantine:resend", nil, o)
}
