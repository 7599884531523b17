package client

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

var _ contracts.Datasets = (*Client)(nil)

func datasetPath(id events.ID, what string) string {
	return "/v1/datasets/" + url.PathEscape(string(id)) + what
}

// MakeDataset sends a recipe (JSON).
func (c *Client) MakeDataset(ctx context.Context, recipe []byte) (contracts.Dataset, error) {
	var out contracts.Dataset
	r, err := c.do(ctx, http.MethodPost, "/v1/datasets", nil, "application/json", recipe)
	if err != nil {
		return out, err
	}
	defer r.Close()
	if err := json.UnmarshalRead(r, &out); err != nil {
		return out, fmt.Errorf("reading the engine's answer: %w", err)
	}
	return out, nil
}

// Datasets asks for all that were made.
func (c *Client) Datasets(ctx context.Context) ([]contracts.Dataset, error) {
	return ask[[]contracts.Dataset](ctx, c, http.MethodGet, "/v1/datasets", nil, nil)
}

// Dataset asks for one.
func (c *Client) Dataset(ctx context.Context, id events.ID) (contracts.Dataset, error) {
	return ask[contracts.Dataset](ctx, c, http.MethodGet, datasetPath(id, ""), nil, nil)
}

// PublishDataset has one announced.
func (c *Client) PublishDataset(ctx context.Context, id events.ID, q contracts.DatasetPublication) (contracts.Dataset, error) {
	return ask[contracts.Dataset](ctx, c, http.MethodPost, datasetPath(id, "/publish"), nil, q)
}

// UseDataset has a use recorded.
func (c *Client) UseDataset(ctx context.Context, id events.ID, q contracts.DatasetUse) (contracts.Dataset, error) {
	return ask[contracts.Dataset](ctx, c, http.MethodPost, datasetPath(id, "/use"), nil, q)
}

// DatasetFile asks for the rows.
func (c *Client) DatasetFile(ctx context.Context, id events.ID, q contracts.DatasetUse) (contracts.DatasetFile, io.ReadCloser, error) {
	return c.handedOut(ctx, datasetPath(id, "/file"), q)
}

// ProvideDataset asks for what is handed to a recipient.
func (c *Client) ProvideDataset(ctx context.Context, id events.ID, q contracts.DatasetProvision) (contracts.DatasetFile, io.ReadCloser, error) {
	return c.handedOut(ctx, datasetPath(id, "/provide"), q)
}

func (c *Client) handedOut(ctx context.Context, path string, q any) (contracts.DatasetFile, io.ReadCloser, error) {
	var about contracts.DatasetFile
	body, err := json.Marshal(q)
	if err != nil {
		return about, nil, fmt.Errorf("writing a question: %w", err)
	}
	res, err := c.send(ctx, http.MethodPost, path, http.Header{"Content-Type": {"application/json"}}, bytes.NewReader(body))
	if err != nil {
		return about, nil, err
	}
	about.Type, about.Size = res.Header.Get("Content-Type"), res.ContentLength
	if _, params, err := mime.ParseMediaType(res.Header.Get("Content-Disposition")); err == nil {
		about.Name = params["filename"]
	}
	return about, res.Body, nil
}

// DestroyDataset has the files removed for good.
func (c *Client) DestroyDataset(ctx context.Context, id events.ID) (contracts.Dataset, error) {
	return ask[contracts.Dataset](ctx, c, http.MethodPost, datasetPath(id, "/destroy"), nil, nil)
}

// JoinDataset tries what is refused.
func (c *Client) JoinDataset(ctx context.Context, id events.ID, q contracts.DatasetJoin) error {
	_, err := ask[struct{}](ctx, c, http.MethodPost, datasetPath(id, "/join"), nil, q)
	return err
}
