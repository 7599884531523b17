package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/daicho-dev/daicho/contracts"
)

// Majority asks who reaches majority.
func (c *Client) Majority(ctx context.Context, q contracts.MajorityQuestion) (contracts.Majorities, error) {
	v := url.Values{}
	set(v, "by", q.By)
	set(v, "after", q.After)
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return ask[contracts.Majorities](ctx, c, http.MethodGet, "/v1/majority", v, nil)
}
