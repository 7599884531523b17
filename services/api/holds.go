package api

import (
	"net/http"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

func (a *API) holdRoutes() []Route {
	return []Route{{"GET", "/v1/holds", a.asked(a.holds)}, {"POST", "/v1/holds", a.asked(a.hold)}}
}

func (a *API) holds(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Holds.Holds(r.Context()))
}

func (a *API) hold(s *serving, w http.ResponseWriter, r *http.Request) error {
	var h contracts.HoldOrder
	if err := question(r, &h); err != nil {
		return err
	}
	h.Person = events.Identifier(nfc(string(h.Person)))
	out, err := s.Holds.Hold(r.Context(), h)
	if err != nil {
		return err
	}
	return answerAs(w, http.StatusCreated, out)
}
