package api

import (
	"net/http"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

func (a *API) reviewRoutes() []Route {
	return []Route{
		{"GET", "/v1/reviews", a.asked(a.reviews)},
		{"GET", "/v1/reviews/{id}", a.asked(a.review)},
		{"POST", "/v1/reviews/{id}/notes", a.asked(a.reviewNotes)},
		{"GET", "/v1/improvements", a.asked(a.improvements)},
		{"GET", "/v1/improvements/{id}", a.asked(a.improvement)},
		{"POST", "/v1/improvements/{id}/notes", a.asked(a.improvementNotes)},
	}
}

func (a *API) reviews(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Reviews.Reviews(r.Context()))
}

func (a *API) review(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Reviews.Review(r.Context(), events.ID(r.PathValue("id"))))
}

func (a *API) reviewNotes(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Reviews.ReviewNotes(r.Context(), events.ID(r.PathValue("id"))))
}

func (a *API) improvements(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Reviews.Improvements(r.Context(), contracts.ImprovementQuestion{State: r.URL.Query().Get("state")}))
}

func (a *API) improvement(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Reviews.Improvement(r.Context(), events.ID(r.PathValue("id"))))
}

func (a *API) improvementNotes(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Reviews.ImprovementNotes(r.Context(), events.ID(r.PathValue("id"))))
}
