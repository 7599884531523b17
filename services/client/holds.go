package client

import (
	"context"
	"net/http"

	"github.com/daicho-dev/daicho/contracts"
)

var _ contracts.Holds = (*Client)(nil)

// Holds lists what stands.
func (c *Client) Holds(ctx context.Context) ([]contracts.Hold, error) {
	return ask[[]contracts.Hold](ctx, c, http.MethodGet, "/v1/holds", nil, nil)
}

// Hold places or releases a hold.
func (c *Client) Hold(ctx context.Context, h contracts.HoldOrder) (contracts.Receipt, error) {
	return ask[contracts.Receipt](ctx, c, http.MethodPost, "/v1/holds", nil, h)
}
