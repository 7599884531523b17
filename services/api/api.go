// Package api is the register over HTTP: one handler an endpoint, each a question, its answer as JSON, or problem details.
// Nothing of a person is in a URL: look-ups by identifier are POSTs.
package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/intake"
	"github.com/daicho-dev/daicho/services/register"
	"github.com/daicho-dev/daicho/services/tokens"
)

// API serves a register. Until Ready it answers 503 to everything but the health checks.
type API struct {
	Tokens  *tokens.Store
	Log     zerolog.Logger
	Metrics http.Handler
	// Health says what is wrong, or nothing.
	Health func() error
	// Waits says what the engine waits for before it starts, or nothing.
	Waits func() error

	ready     atomic.Pointer[serving]
	elsewhere atomic.Pointer[split]
	mux       *http.ServeMux
}

// Parts are what the endpoints answer from: one field a room of the engine.
type Parts struct {
	Register contracts.Register
	Gateway  *intake.Gateway

	Attachments contracts.Attachments
	Recipients  contracts.Recipients
	Datasets    contracts.Datasets
	Disposals   contracts.Disposals
	Holds       contracts.Holds
	Notices     contracts.Notices
	Reviews     contracts.Reviews
}

type serving struct {
	Parts
	level func() error // whether every projection has reached the head that was there at start
}

// New makes the handler.
func New(store *tokens.Store, log zerolog.Logger, metrics http.Handler) *API {
	a := &API{Tokens: store, Log: log, Metrics: metrics, Health: func() error { return nil }, Waits: func() error { return nil }, mux: http.NewServeMux()}
	for _, r := range a.Routes() {
		a.mux.HandleFunc(r.Method+" "+r.Path, a.placed(r.handler))
	}
	return a
}

// Ready gives the API what it answers from.
func (a *API) Ready(parts Parts, level func() error) {
	a.ready.Store(&serving{parts, level})
}

// Route is one endpoint; the OpenAPI document lists the same.
type Route struct {
	Method, Path string
	handler      http.HandlerFunc
}

// Routes are all endpoints.
func (a *API) Routes() []Route {
	all := []Route{
		{"POST", "/v1/events", a.asked(a.events)},
		{"POST", "/v1/persons:find", a.asked(a.find)},
		{"POST", "/v1/uses", a.asked(a.use)},
		{"POST", "/v1/persons/{id}/dossier", a.asked(a.dossier)},
		{"GET", "/v1/persons/{id}/history", a.asked(a.history)},
		{"GET", "/v1/records/{id}", a.asked(a.explain)},
		{"GET", "/v1/retention/due", a.asked(a.due)},
		{"GET", "/v1/retention/calendar", a.asked(a.calendar)},
		{"GET", "/v1/impact", a.asked(a.impact)},
		{"GET", "/v1/replay", a.asked(a.replay)},
		{"GET", "/v1/models", a.asked(a.models)},
		{"POST", "/v1/models/{name}/rebuild", a.asked(a.rebuild)},
		{"GET", "/v1/policies", a.asked(a.policies)},
		{"GET", "/v1/policies/current", a.asked(a.policy)},
		{"GET", "/v1/obligations", a.asked(a.obligations)},
		{"GET", "/v1/obligations/{id}", a.asked(a.obligation)},
		{"GET", "/v1/verify", a.asked(a.verify)},
		{"GET", "/v1/tokens", a.asked(a.tokens)},
		{"POST", "/v1/tokens", a.asked(a.createToken)},
		{"DELETE", "/v1/tokens/{id}", a.asked(a.revokeToken)},
		{"GET", "/healthz", a.healthz},
		{"GET", "/readyz", a.readyz},
		{"GET", "/metrics", a.metrics},
		{"GET", "/openapi.json", a.openapi},
	}
	all = append(all, a.quarantineRoutes()...)
	all = append(all, a.attachmentRoutes()...)
	all = append(all, a.majorityRoutes()...)
	all = append(all, a.pageRoutes()...)
	all = append(all, a.recipientRoutes()...)
	all = append(all, a.datasetRoutes()...)
	all = append(all, a.disposalRoutes()...)
	all = append(all, a.holdRoutes()...)
	all = append(all, a.noticeRoutes()...)
	all = append(all, a.reviewRoutes()...)
	return all
}

// ServeHTTP serves.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	a.mux.ServeHTTP(w, r)
}

type handler func(s *serving, w http.ResponseWriter, r *http.Request) error

// asked finds out who asks, and turns errors into problems.
func (a *API) asked(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			a.fail(w, r, intake.Unknown("send a token: Authorization: Bearer …"))
			return
		}
		caller, ok := a.Tokens.Caller(secret)
		if !ok {
			a.fail(w, r, intake.Unknown("this token is not known here, or has been revoked"))
			return
		}
		s := a.ready.Load()
		if s == nil {
			w.Header().Set("Retry-After", "1")
			a.fail(w, r, a.starting("the engine is reading its log; /readyz says when it is level"))
			return
		}
		if err := h(s, w, r.WithContext(register.WithCaller(r.Context(), caller))); err != nil {
			a.fail(w, r, err)
		}
	}
}

// starting says that the engine answers nothing yet: because of what it waits for, if it does.
func (a *API) starting(detail string) *contracts.Problem {
	if err := a.Waits(); err != nil {
		detail = err.Error()
	}
	return &contracts.Problem{Type: "about:blank", Title: "Not ready", Status: 503, Code: "starting", Detail: detail}
}

// Fail answers an error, as every endpoint does.
func (a *API) Fail(w http.ResponseWriter, r *http.Request, err error) { a.fail(w, r, err) }

// Serves says that questions are answered.
func (a *API) Serves() bool { return a.ready.Load() != nil }

// fail answers an error. What is not a problem is logged with its route, and the asker is told nothing of it.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	p, internal := intake.Problem(err)
	if internal {
		if r.Context().Err() != nil {
			return
		}
		a.Log.Error().Str("route", r.Pattern).Err(err).Msg("a question failed")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// reply answers what a question gave, or its error.
func reply(w http.ResponseWriter) func(any, error) error {
	return func(v any, err error) error {
		if err != nil {
			return err
		}
		return answer(w, v)
	}
}

func answer(w http.ResponseWriter, v any) error {
	return answerAs(w, http.StatusOK, v)
}

func answerAs(w http.ResponseWriter, status int, v any) error {
	b, err := marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
	return nil
}

// question reads a small JSON body strictly.
func question(r *http.Request, into any) error {
	b, err := io.ReadAll(io.LimitReader(r.Body, 1<<20+1))
	if err != nil || len(b) > 1<<20 {
		return &contracts.Problem{Type: "about:blank", Title: "The question cannot be read", Status: 400, Code: "body", Detail: "the body is larger than 1 MiB, or ended early"}
	}
	if len(b) == 0 {
		return nil
	}
	if err := unmarshal(b, into); err != nil {
		return &contracts.Problem{Type: "about:blank", Title: "The question cannot be read", Status: 400, Code: "body", Detail: "the body is not the JSON that /openapi.json describes"}
	}
	return nil
}

func (a *API) events(s *serving, w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, intake.MaxBodyBytes+1)
	all, single, err := intake.ReadRequest(r.Header, r.Body)
	if err != nil {
		return err
	}
	// A recorded event is not given up because the sender has gone: what it was told, it was told.
	receipts, err := s.Gateway.Submit(context.WithoutCancel(r.Context()), register.CallerOf(r.Context()), all)
	if err != nil {
		return err
	}
	status, body := intake.Answer(receipts, single)
	if p, refused := body.(*contracts.Problem); refused {
		return p
	}
	return answerAs(w, status, body)
}

func (a *API) find(s *serving, w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Identifier string `json:"identifier"`
	}
	if err := question(r, &q); err != nil {
		return err
	}
	return reply(w)(s.Register.Find(r.Context(), events.Identifier(nfc(q.Identifier))))
}

func (a *API) use(s *serving, w http.ResponseWriter, r *http.Request) error {
	var q contracts.UseQuestion
	if err := question(r, &q); err != nil {
		return err
	}
	q.Person = events.Identifier(nfc(string(q.Person)))
	out, err := s.Register.Use(r.Context(), q)
	if err != nil {
		return err
	}
	if out.Status == contracts.StatusRefused {
		return contracts.Refused("The question is refused", out)
	}
	return answer(w, out)
}

func (a *API) dossier(s *serving, w http.ResponseWriter, r *http.Request) error {
	var q contracts.DossierQuestion
	if err := question(r, &q); err != nil {
		return err
	}
	q.Person = nfc(r.PathValue("id"))
	return reply(w)(s.Register.Dossier(r.Context(), q))
}

func (a *API) history(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Register.History(r.Context(), r.PathValue("id")))
}

func (a *API) explain(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Register.Explain(r.Context(), r.PathValue("id")))
}

func (a *API) due(s *serving, w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	limit, err := strconv.Atoi(v.Get("limit"))
	if err != nil && v.Get("limit") != "" {
		limit = -1
	}
	return reply(w)(s.Register.Due(r.Context(), contracts.DueQuestion{By: v.Get("by"), Purpose: events.Word(v.Get("purpose")), After: v.Get("after"), Limit: limit}))
}

func (a *API) calendar(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Register.Calendar(r.Context()))
}

func words(all []string) []events.Word {
	var out []events.Word
	for _, s := range all {
		for w := range strings.SplitSeq(s, ",") {
			if w != "" {
				out = append(out, events.Word(w))
			}
		}
	}
	return out
}

func moment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, &contracts.Problem{Type: "about:blank", Title: "The question cannot be understood", Status: 400, Code: "question", Detail: "a moment is RFC 3339 with offset, as 2026-04-01T00:00:00+09:00"}
	}
	return t, nil
}

func (a *API) impact(s *serving, w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	from, err := moment(v.Get("from"))
	if err != nil {
		return err
	}
	to, err := moment(v.Get("to"))
	if err != nil {
		return err
	}
	q := contracts.ImpactQuestion{Locations: words(v["location"]), Categories: words(v["category"]), From: from, To: to, KnownAt: v.Get("knownAt")}
	if v.Get("list") == "ndjson" {
		lines := newLines(w)
		return lines.end(s.Register.Affected(r.Context(), q, func(x contracts.Affected) error { return lines.write(x) }))
	}
	return reply(w)(s.Register.Impact(r.Context(), q))
}

func (a *API) replay(s *serving, w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	from, err := moment(v.Get("from"))
	if err != nil {
		return err
	}
	to, err := moment(v.Get("to"))
	if err != nil {
		return err
	}
	q := contracts.ReplayQuestion{From: from, To: to, Type: v.Get("type"), Person: v.Get("person")}
	if after := v.Get("after"); after != "" {
		if q.After, err = events.ParsePosition(after); err != nil {
			return &contracts.Problem{Type: "about:blank", Title: "The question cannot be understood", Status: 400, Code: "question", Field: "after", Detail: err.Error()}
		}
	}
	if strings.ContainsRune(q.Person, ':') {
		return &contracts.Problem{Type: "about:blank", Title: "The question cannot be understood", Status: 400, Code: "question", Field: "person", Detail: "an identifier does not belong into a URL; find the pseudonym first"}
	}
	lines := newLines(w)
	return lines.end(s.Register.Replay(r.Context(), q, func(x contracts.Recorded) error { return lines.write(x) }))
}

func (a *API) policies(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Register.Policies(r.Context()))
}

func (a *API) policy(s *serving, w http.ResponseWriter, r *http.Request) error {
	out, err := s.Register.Policy(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(out)
	return nil
}

func (a *API) obligations(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Register.Obligations(r.Context()))
}

func (a *API) obligation(s *serving, w http.ResponseWriter, r *http.Request) error {
	all, err := s.Register.Obligations(r.Context())
	if err != nil {
		return err
	}
	for _, o := range all {
		if o.ID == r.PathValue("id") {
			return answer(w, o)
		}
	}
	return &contracts.Problem{Type: "about:blank", Title: "Not found", Status: 404, Code: "not_found", Detail: "obligations are S1 to S89"}
}

func (a *API) tokens(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Register.Tokens(r.Context()))
}

func (a *API) createToken(s *serving, w http.ResponseWriter, r *http.Request) error {
	var t contracts.Token
	if err := question(r, &t); err != nil {
		return err
	}
	out, err := s.Register.CreateToken(r.Context(), t)
	if err != nil {
		return err
	}
	return answerAs(w, http.StatusCreated, out)
}

func (a *API) revokeToken(s *serving, w http.ResponseWriter, r *http.Request) error {
	if err := s.Register.RevokeToken(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) healthz(w http.ResponseWriter, r *http.Request) {
	if err := a.Health(); err != nil {
		a.fail(w, r, &contracts.Problem{Type: "about:blank", Title: "Stuck", Status: 503, Code: "stuck", Detail: err.Error()})
		return
	}
	_ = answer(w, map[string]string{"status": "ok"})
}

func (a *API) readyz(w http.ResponseWriter, r *http.Request) {
	if err := a.Level(); err != nil {
		a.fail(w, r, &contracts.Problem{Type: "about:blank", Title: "Not ready", Status: 503, Code: "starting", Detail: err.Error()})
		return
	}
	_ = answer(w, map[string]string{"status": "ready"})
}

var errStarting = errors.New("the engine is reading its log")

// Level is why the engine is not ready, or nil.
func (a *API) Level() error {
	s := a.ready.Load()
	if s == nil {
		return cmp.Or(a.Waits(), errStarting)
	}
	return s.level()
}

func (a *API) metrics(w http.ResponseWriter, r *http.Request) {
	a.Metrics.ServeHTTP(w, r)
}

func (a *API) openapi(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(contracts.OpenAPI)
}
