package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

var _ contracts.Reviews = (*Client)(nil)

// Reviews lists the cycles, and every review.
func (c *Client) Reviews(ctx context.Context) (contracts.ReviewList, error) {
	return ask[contracts.ReviewList](ctx, c, http.MethodGet, "/v1/reviews", nil, nil)
}

// Review is one review, and what came of it.
func (c *Client) Review(ctx context.Context, id events.ID) (contracts.ReviewFile, error) {
	return ask[contracts.ReviewFile](ctx, c, http.MethodGet, "/v1/reviews/"+url.PathEscape(string(id)), nil, nil)
}

// ReviewNotes opens what was found in a review; the look is recorded.
func (c *Client) ReviewNotes(ctx context.Context, id events.ID) (contracts.Notes, error) {
	return ask[contracts.Notes](ctx, c, http.MethodPost, "/v1/reviews/"+url.PathEscape(string(id))+"/notes", nil, nil)
}

// Improvements lists actions.
func (c *Client) Improvements(ctx context.Context, q contracts.ImprovementQuestion) (contracts.ImprovementList, error) {
	v := url.Values{}
	set(v, "state", q.State)
	return ask[contracts.ImprovementList](ctx, c, http.MethodGet, "/v1/improvements", v, nil)
}

// Improvement is one action.
func (c *Client) Improvement(ctx context.Context, id events.ID) (contracts.ImprovementLine, error) {
	return ask[contracts.ImprovementLine](ctx, c, http.MethodGet, "/v1/improvements/"+url.PathEscape(string(id)), nil, nil)
}

// ImprovementNotes opens what was to be done, and the evidence that it was; the look is recorded.
func (c *Client) ImprovementNotes(ctx context.Context, id events.ID) (contracts.Notes, error) {
	return ask[contracts.Notes](ctx, c, http.MethodPost, "/v1/improvements/"+url.PathEscape(string(id))+"/notes", nil, nil)
}
