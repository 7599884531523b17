// Package client asks a running engine over HTTP. A Client is a contracts.Register, so that commands and tests do not know whether
// they talk to a service or over a wire.
package client

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// Client speaks to one engine with one token.
type Client struct {
	URL   string
	Token string
	HTTP  *http.Client
}

var _ contracts.Register = (*Client)(nil)

// New makes a client.
func New(url, token string) *Client {
	return &Client{URL: strings.TrimSuffix(url, "/"), Token: token, HTTP: &http.Client{}}
}

// do sends a request and answers the body of a success; anything else is a *contracts.Problem.
func (c *Client) do(ctx context.Context, method, path string, q url.Values, contentType string, body []byte) (io.ReadCloser, error) {
	target := c.URL + path
	if len(q) > 0 {
		target += "?" + q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("asking the engine: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the engine at %s does not answer (is `daicho serve` running?): %w", c.URL, unwrapURL(err))
	}
	if res.StatusCode < 300 {
		return res.Body, nil
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	p := &contracts.Problem{}
	if json.Unmarshal(b, p) != nil || p.Title == "" {
		p = &contracts.Problem{Title: "The engine answered " + res.Status, Status: res.StatusCode, Code: "http"}
	}
	return nil, p
}

// unwrapURL drops the URL from an error's text.
func unwrapURL(err error) error {
	if u, ok := err.(*url.Error); ok {
		return u.Err
	}
	return err
}

func ask[T any](ctx context.Context, c *Client, method, path string, q url.Values, body any) (out T, err error) {
	var b []byte
	contentType := ""
	if body != nil {
		if b, err = json.Marshal(body); err != nil {
			return out, fmt.Errorf("writing a question: %w", err)
		}
		contentType = "application/json"
	}
	r, err := c.do(ctx, method, path, q, contentType, b)
	if err != nil {
		return out, err
	}
	defer r.Close()
	if err := json.UnmarshalRead(r, &out); err != nil {
		return out, fmt.Errorf("reading the engine's answer: %w", err)
	}
	return out, nil
}

// each reads an answer of many lines.
func each[T any](r io.ReadCloser, yield func(T) error) error {
	defer r.Close()
	lines := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var broken struct {
				Error string `json:"error"`
			}
			if bytes.HasPrefix(line, []byte(`{"error":`)) && json.Unmarshal(line, &broken) == nil && broken.Error != "" {
				return fmt.Errorf("%s", broken.Error)
			}
			var v T
			if err := json.Unmarshal(line, &v); err != nil {
				return fmt.Errorf("reading the engine's answer: %w", err)
			}
			if err := yield(v); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the engine's answer ended early: %w", err)
		}
	}
}

// Emit sends NDJSON CloudEvents: one receipt a line, in order.
func (c *Client) Emit(ctx context.Context, ndjson []byte) ([]contracts.Receipt, error) {
	r, err := c.do(ctx, http.MethodPost, "/v1/events", nil, "application/x-ndjson", ndjson)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out contracts.Receipts
	if err := json.UnmarshalRead(r, &out); err != nil {
		return nil, fmt.Errorf("reading the engine's answer: %w", err)
	}
	return out.Results, nil
}

// Ready asks whether the engine is level.
func (c *Client) Ready(ctx context.Context) error {
	r, err := c.do(ctx, http.MethodGet, "/readyz", nil, "", nil)
	if err == nil {
		err = r.Close()
	}
	return err
}

// Find leads from an identifier to the pseudonym.
func (c *Client) Find(ctx context.Context, id events.Identifier) (contracts.PersonFound, error) {
	return ask[contracts.PersonFound](ctx, c, http.MethodPost, "/v1/persons:find", nil, map[string]string{"identifier": string(id)})
}

// pseudonym looks an identifier up first: it does not belong into a URL.
func (c *Client) pseudonym(ctx context.Context, person string) (string, error) {
	person = strings.TrimPrefix(person, "person:")
	if !strings.ContainsRune(person, ':') {
		return person, nil
	}
	p, err := c.Find(ctx, events.Identifier(person))
	return string(p.Person), err
}

// Use asks the purpose gate.
func (c *Client) Use(ctx context.Context, u contracts.UseQuestion) (contracts.Receipt, error) {
	return ask[contracts.Receipt](ctx, c, http.MethodPost, "/v1/uses", nil, u)
}

// Dossier asks what is held about a person.
func (c *Client) Dossier(ctx context.Context, q contracts.DossierQuestion) (contracts.Dossier, error) {
	p, err := c.pseudonym(ctx, q.Person)
	if err != nil {
		return contracts.Dossier{}, err
	}
	q.Person = ""
	return ask[contracts.Dossier](ctx, c, http.MethodPost, "/v1/persons/"+url.PathEscape(p)+"/dossier", nil, q)
}

// History asks for a person's events, sealed.
func (c *Client) History(ctx context.Context, person string) ([]contracts.Recorded, error) {
	p, err := c.pseudonym(ctx, person)
	if err != nil {
		return nil, err
	}
	return ask[[]contracts.Recorded](ctx, c, http.MethodGet, "/v1/persons/"+url.PathEscape(p)+"/history", nil, nil)
}

// Explain asks why a record is there.
func (c *Client) Explain(ctx context.Context, record string) (contracts.Explained, error) {
	return ask[contracts.Explained](ctx, c, http.MethodGet, "/v1/records/"+url.PathEscape(record), nil, nil)
}

// Due asks for deadlines.
func (c *Client) Due(ctx context.Context, q contracts.DueQuestion) (contracts.Due, error) {
	v := url.Values{}
	set(v, "by", q.By)
	set(v, "purpose", string(q.Purpose))
	set(v, "after", q.After)
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return ask[contracts.Due](ctx, c, http.MethodGet, "/v1/retention/due", v, nil)
}

func set(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

// Calendar asks for counts per month.
func (c *Client) Calendar(ctx context.Context) (contracts.Calendar, error) {
	return ask[contracts.Calendar](ctx, c, http.MethodGet, "/v1/retention/calendar", nil, nil)
}

func scope(q contracts.ImpactQuestion) url.Values {
	v := url.Values{"from": {q.From.Format(time.RFC3339Nano)}, "to": {q.To.Format(time.RFC3339Nano)}}
	for _, l := range q.Locations {
		v.Add("location", string(l))
	}
	for _, k := range q.Categories {
		v.Add("category", string(k))
	}
	set(v, "knownAt", q.KnownAt)
	return v
}

// Impact asks who a leak touched.
func (c *Client) Impact(ctx context.Context, q contracts.ImpactQuestion) (contracts.Impact, error) {
	return ask[contracts.Impact](ctx, c, http.MethodGet, "/v1/impact", scope(q), nil)
}

// Affected lists them.
func (c *Client) Affected(ctx context.Context, q contracts.ImpactQuestion, yield func(contracts.Affected) error) error {
	v := scope(q)
	v.Set("list", "ndjson")
	r, err := c.do(ctx, http.MethodGet, "/v1/impact", v, "", nil)
	if err != nil {
		return err
	}
	return each(r, yield)
}

// Replay asks for the log.
func (c *Client) Replay(ctx context.Context, q contracts.ReplayQuestion, yield func(contracts.Recorded) error) error {
	v := url.Values{}
	if !q.From.IsZero() {
		v.Set("from", q.From.Format(time.RFC3339Nano))
	}
	if !q.To.IsZero() {
		v.Set("to", q.To.Format(time.RFC3339Nano))
	}
	set(v, "type", q.Type)
	if q.After > 0 {
		v.Set("after", q.After.String())
	}
	p, err := c.pseudonym(ctx, q.Person)
	if err != nil {
		return err
	}
	set(v, "person", p)
	r, err := c.do(ctx, http.MethodGet, "/v1/replay", v, "", nil)
	if err != nil {
		return err
	}
	return each(r, yield)
}

// Models asks how far the projections are.
func (c *Client) Models(ctx context.Context) ([]contracts.Model, error) {
	return ask[[]contracts.Model](ctx, c, http.MethodGet, "/v1/models", nil, nil)
}

// Rebuild has a projection rebuilt, and follows it.
func (c *Client) Rebuild(ctx context.Context, name string, progress func(contracts.Model)) error {
	r, err := c.do(ctx, http.MethodPost, "/v1/models/"+url.PathEscape(name)+"/rebuild", nil, "", nil)
	if err != nil {
		return err
	}
	return each(r, func(m contracts.Model) error {
		if progress != nil {
			progress(m)
		}
		return nil
	})
}

// Policies asks for the published versions.
func (c *Client) Policies(ctx context.Context) ([]contracts.PolicyVersion, error) {
	return ask[[]contracts.PolicyVersion](ctx, c, http.MethodGet, "/v1/policies", nil, nil)
}

// Policy asks for the catalogue in force.
func (c *Client) Policy(ctx context.Context) ([]byte, error) {
	r, err := c.do(ctx, http.MethodGet, "/v1/policies/current", nil, "", nil)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// Obligations asks for the policy's sentences and their evidence.
func (c *Client) Obligations(ctx context.Context) ([]contracts.Obligation, error) {
	return ask[[]contracts.Obligation](ctx, c, http.MethodGet, "/v1/obligations", nil, nil)
}

// Verify has everything checked that can be.
func (c *Client) Verify(ctx context.Context) (contracts.Verified, error) {
	return ask[contracts.Verified](ctx, c, http.MethodGet, "/v1/verify", nil, nil)
}

// Tokens lists who may ask.
func (c *Client) Tokens(ctx context.Context) ([]contracts.Token, error) {
	return ask[[]contracts.Token](ctx, c, http.MethodGet, "/v1/tokens", nil, nil)
}

// CreateToken makes a token.
func (c *Client) CreateToken(ctx context.Context, t contracts.Token) (contracts.Token, error) {
	return ask[contracts.Token](ctx, c, http.MethodPost, "/v1/tokens", nil, t)
}

// RevokeToken ends a token.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	r, err := c.do(ctx, http.MethodDelete, "/v1/tokens/"+url.PathEscape(id), nil, "", nil)
	if err != nil {
		return err
	}
	return r.Close()
}
