package api

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

func (a *API) recipientRoutes() []Route {
	return []Route{
		{"GET", "/v1/recipients", a.asked(a.recipients)},
		{"GET", "/v1/recipients/{id}", a.asked(a.recipient)},
		{"GET", "/v1/recipients/{id}/exposure", a.asked(a.exposure)},
		{"GET", "/v1/recalls", a.asked(a.recalls)},
		{"GET", "/v1/provisions", a.asked(a.provisions)},
		{"POST", "/v1/persons/{id}/provisions", a.asked(a.provisionsOf)},
	}
}

func (a *API) recipients(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Recipients.Recipients(r.Context()))
}

func (a *API) recipient(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Recipients.Recipient(r.Context(), events.Word(r.PathValue("id"))))
}

// number reads a limit; what is no number is one that every question refuses.
func number(v url.Values, name string) int {
	n, err := strconv.Atoi(v.Get(name))
	if err != nil && v.Get(name) != "" {
		return -1
	}
	return n
}

func cursor(v url.Values) (events.Position, error) {
	if v.Get("after") == "" {
		return 0, nil
	}
	p, err := events.ParsePosition(v.Get("after"))
	if err != nil {
		return 0, &contracts.Problem{Type: "about:blank", Title: "The question cannot be understood", Status: 400, Code: "question", Field: "after", Detail: err.Error()}
	}
	return p, nil
}

func (a *API) exposure(s *serving, w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	asOf, err := moment(v.Get("asOf"))
	if err != nil {
		return err
	}
	return reply(w)(s.Recipients.Exposure(r.Context(), contracts.ExposureQuestion{
		Recipient: events.Word(r.PathValue("id")), AsOf: asOf, KnownAt: v.Get("knownAt"), Limit: number(v, "limit"),
	}))
}

func (a *API) recalls(s *serving, w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	after, err := cursor(v)
	if err != nil {
		return err
	}
	return reply(w)(s.Recipients.Recalls(r.Context(), contracts.RecallQuestion{
		Recipient: events.Word(v.Get("recipient")), All: v.Get("all") == "true", After: after, Limit: number(v, "limit"),
	}))
}

func (a *API) provisions(s *serving, w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	after, err := cursor(v)
	if err != nil {
		return err
	}
	return reply(w)(s.Recipients.Provisions(r.Context(), contracts.ProvisionQuestion{
		Recipient: events.Word(v.Get("recipient")), Kind: v.Get("kind"), After: after, Limit: number(v, "limit"),
	}))
}

// provisionsOf asks about one person, and may open the records: a look leaves an event.
func (a *API) provisionsOf(s *serving, w http.ResponseWriter, r *http.Request) error {
	var q contracts.ProvisionQuestion
	if err := question(r, &q); err != nil {
		return err
	}
	q.Person = nfc(r.PathValue("id"))
	return reply(w)(s.Recipients.Provisions(r.Context(), q))
}
