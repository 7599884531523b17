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

func (a *API) noticeRoutes() []Route {
	return []Route{
		{"GET", "/v1/notices", a.asked(a.notices)},
		{"POST", "/v1/notices/{recall}/send", a.asked(a.sendNotice)},
		{"GET", "/v1/recipients/{id}/secret", a.asked(a.webhookSecret)},
		{"POST", "/v1/recalls/{id}/confirm", a.answered(a.confirmRecall)},
	}
}

func (a *API) notices(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Notices.Notices(r.Context(), r.URL.Query().Get("all") == "true"))
}

func (a *API) sendNotice(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Notices.SendAgain(r.Context(), events.ID(r.PathValue("recall"))))
}

func (a *API) webhookSecret(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Notices.WebhookSecret(r.Context(), events.Word(r.PathValue("id"))))
}

// answered is for recipients, who have no token of this engine's: the one in the body is the right to say one thing.
func (a *API) answered(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := a.ready.Load()
		if s == nil {
			w.Header().Set("Retry-After", "1")
			a.fail(w, r, a.starting("the engine is reading its log; /readyz says when it is level"))
			return
		}
		if err := h(s, w, r); err != nil {
			a.fail(w, r, err)
		}
	}
}

func (a *API) confirmRecall(s *serving, w http.ResponseWriter, r *http.Request) error {
	var c contracts.RecallConfirmation
	if err := question(r, &c); err != nil {
		return err
	}
	out, err := s.Notices.Confirm(r.Context(), events.ID(r.PathValue("id")), c)
	if err != nil {
		return err
	}
	if out.Status == contracts.StatusRecorded {
		return answerAs(w, http.StatusCreated, out)
	}
	return answer(w, out)
}
