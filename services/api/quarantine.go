package api

import (
	"net/http"

	"github.com/daicho-dev/daicho/contracts"
)

func (a *API) quarantineRoutes() []Route {
	return []Route{
		{"GET", "/v1/quarantine", a.asked(a.quarantine)},
		{"POST", "/v1/quarantine:open", a.asked(a.openQuarantined)},
		{"POST", "/v1/quarantine:resend", a.asked(a.resend)},
	}
}

func (a *API) quarantine(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Register.Quarantined(r.Context()))
}

// openQuarantined shows values: a look leaves an event.
func (a *API) openQuarantined(s *serving, w http.ResponseWriter, r *http.Request) error {
	var q contracts.QuarantineQuestion
	if err := question(r, &q); err != nil {
		return err
	}
	return reply(w)(s.Register.OpenQuarantined(r.Context(), q))
}

func (a *API) resend(s *serving, w http.ResponseWriter, r *http.Request) error {
	var o contracts.QuarantineOrder
	if err := question(r, &o); err != nil {
		return err
	}
	return reply(w)(s.Register.Resend(r.Context(), o))
}
