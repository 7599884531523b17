package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// Processing asks for the record of processing activities.
func (c *Client) Processing(ctx context.Context, lang events.Word) (contracts.ProcessingRegister, error) {
	return ask[contracts.ProcessingRegister](ctx, c, http.MethodGet, "/v1/register", url.Values{"lang": {string(lang)}}, nil)
}

// ProcessingAs is the same in another form: csv or jsonld.
func (c *Client) ProcessingAs(ctx context.Context, lang events.Word, format string) ([]byte, error) {
	r, err := c.do(ctx, http.MethodGet, "/v1/register", url.Values{"lang": {string(lang)}, "format": {format}}, "", nil)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading the engine's answer: %w", err)
	}
	return b, nil
}
