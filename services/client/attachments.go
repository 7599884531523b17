package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/daicho-dev/daicho/contracts"
)

var _ contracts.Attachments = (*Client)(nil)

// Upload sends what it reads, as it reads it. The engine's digest is compared with what was sent.
func (c *Client) Upload(ctx context.Context, about contracts.AttachmentInfo, from io.Reader) (contracts.Uploaded, error) {
	var out contracts.Uploaded
	sum := sha256.New()
	header := http.Header{}
	if about.Type != "" {
		header.Set("Content-Type", about.Type)
	}
	if about.Name != "" {
		header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": about.Name}))
	}
	res, err := c.send(ctx, http.MethodPost, "/v1/attachments", header, io.TeeReader(from, sum))
	if err != nil {
		return out, err
	}
	defer res.Body.Close()
	if err := json.UnmarshalRead(res.Body, &out); err != nil {
		return out, fmt.Errorf("reading the engine's answer: %w", err)
	}
	if sent := "sha256:" + hex.EncodeToString(sum.Sum(nil)); out.Digest != sent {
		return out, errors.New("what the engine took is not what was sent; send it again")
	}
	return out, nil
}

// Attachment asks for the bytes of a record.
func (c *Client) Attachment(ctx context.Context, q contracts.AttachmentQuestion) (contracts.AttachmentInfo, io.ReadCloser, error) {
	var about contracts.AttachmentInfo
	path := "/v1/records/" + url.PathEscape(q.Record) + "/attachment"
	q.Record = ""
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
	digest, _ := strings.CutPrefix(res.Header.Get("Repr-Digest"), "sha-256=:")
	want, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(digest, ":"))
	if err != nil || len(want) != sha256.Size {
		return about, nil, errors.Join(errors.New("the engine's answer has no digest"), res.Body.Close())
	}
	about.Digest = "sha256:" + hex.EncodeToString(want)
	return about, &checked{ReadCloser: res.Body, sum: sha256.New(), want: want}, nil
}

// checked gives the end only if all before it was what it should be.
type checked struct {
	io.ReadCloser
	sum  hash.Hash
	want []byte
}

func (c *checked) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.sum.Write(b[:n])
	switch {
	case err == io.EOF && !bytes.Equal(c.sum.Sum(nil), c.want):
		err = errors.New("what came is not what was stored; ask again")
	case err != nil && err != io.EOF:
		err = fmt.Errorf("the attachment did not come whole (the engine's log may say why): %w", unwrapURL(err))
	}
	return n, err
}

// send is do for bodies that are streams.
func (c *Client) send(ctx context.Context, method, path string, header http.Header, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, body)
	if err != nil {
		return nil, fmt.Errorf("asking the engine: %w", err)
	}
	req.Header = header
	req.Header.Set("Authorization", "Bearer "+c.Token)
	res, err := c.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the engine at %s does not answer (is `daicho serve` running?): %w", c.URL, unwrapURL(err))
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	p := &contracts.Problem{}
	if json.Unmarshal(b, p) != nil || p.Title == "" {
		p = &contracts.Problem{Title: "The engine answered " + res.Status, Status: res.StatusCode, Code: "http"}
	}
	return nil, p
}
