package api

import (
	"io"
	"net/http"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

func (a *API) disposalRoutes() []Route {
	return []Route{
		{"POST", "/v1/disposals", a.asked(a.planDisposal)},
		{"GET", "/v1/disposals", a.asked(a.disposals)},
		{"GET", "/v1/disposals/{id}", a.asked(a.disposal)},
		{"GET", "/v1/disposals/{id}/items", a.asked(a.disposalItems)},
		{"POST", "/v1/disposals/{id}/approve", a.asked(a.approveDisposal)},
		{"POST", "/v1/disposals/{id}/run", a.asked(a.runDisposal)},
		{"GET", "/v1/disposals/{id}/certificate", a.asked(a.certificate)},
		{"POST", "/v1/disposals:check", a.asked(a.checkCertificate)},
		{"POST", "/v1/policies:what-if", a.asked(a.whatIf)},
	}
}

func (a *API) planDisposal(s *serving, w http.ResponseWriter, r *http.Request) error {
	var q contracts.DisposalQuestion
	if err := question(r, &q); err != nil {
		return err
	}
	out, err := s.Disposals.Plan(r.Context(), q)
	if err != nil {
		return err
	}
	if q.Preview {
		return answer(w, out)
	}
	return answerAs(w, http.StatusCreated, out)
}

func (a *API) disposals(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Disposals.Disposals(r.Context()))
}

func (a *API) disposal(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Disposals.Disposal(r.Context(), events.ID(r.PathValue("id"))))
}

func (a *API) disposalItems(s *serving, w http.ResponseWriter, r *http.Request) error {
	lines := newLines(w)
	return lines.end(s.Disposals.Items(r.Context(), events.ID(r.PathValue("id")), func(x contracts.DisposalItem) error { return lines.write(x) }))
}

func (a *API) approveDisposal(s *serving, w http.ResponseWriter, r *http.Request) error {
	var q contracts.DisposalApproval
	if err := question(r, &q); err != nil {
		return err
	}
	return reply(w)(s.Disposals.Approve(r.Context(), events.ID(r.PathValue("id")), q.Digest))
}

// runDisposal tells each step as it is done. Whoever asked may go: what is left then waits for the next run.
func (a *API) runDisposal(s *serving, w http.ResponseWriter, r *http.Request) error {
	lines := newLines(w)
	out, err := s.Disposals.Run(r.Context(), events.ID(r.PathValue("id")), func(p contracts.DisposalProgress) error {
		if err := lines.write(p); err != nil {
			return err
		}
		if p.Record == "" {
			return http.NewResponseController(w).Flush()
		}
		return nil
	})
	if err == nil {
		err = lines.write(contracts.DisposalProgress{Done: out.Records, Total: out.Records, Disposal: &out})
	} else if lines.started {
		a.Log.Error().Str("route", r.Pattern).Err(err).Msg("a disposal ended early; run it again")
	}
	return lines.end(err)
}

func (a *API) certificate(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Disposals.Certificate(r.Context(), events.ID(r.PathValue("id"))))
}

func (a *API) checkCertificate(s *serving, w http.ResponseWriter, r *http.Request) error {
	var c contracts.Certificate
	if err := question(r, &c); err != nil {
		return err
	}
	return reply(w)(s.Disposals.CheckCertificate(r.Context(), c))
}

func (a *API) whatIf(s *serving, w http.ResponseWriter, r *http.Request) error {
	b, err := io.ReadAll(io.LimitReader(r.Body, 4<<20+1))
	if err != nil || len(b) > 4<<20 {
		return &contracts.Problem{Type: "about:blank", Title: "The question cannot be read", Status: 400, Code: "body", Detail: "the catalogue is larger than 4 MiB, or ended early"}
	}
	return reply(w)(s.Disposals.WhatIf(r.Context(), b))
}
