package api

import (
	"net/http"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/statements"
)

func (a *API) pageRoutes() []Route {
	return []Route{
		{"GET", "/policy", a.page},
		{"GET", "/v1/register", a.asked(a.processing)},
	}
}

// page is for everybody: it asks for no token, and holds nothing of anybody.
func (a *API) page(w http.ResponseWriter, r *http.Request) {
	s := a.ready.Load()
	if s == nil {
		w.Header().Set("Retry-After", "1")
		a.fail(w, r, a.starting("the engine is reading its log"))
		return
	}
	org := s.Gateway.Organisation()
	if org.Policy == nil {
		a.fail(w, r, &contracts.Problem{Type: "about:blank", Title: "Not found", Status: 404, Code: "not_found", Detail: "no policy has been published yet"})
		return
	}
	lang := statements.Preferred(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
	page, err := statements.New(org, lang, time.Now()).HTML()
	if err != nil {
		a.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", lang)
	h.Set("Vary", "Accept-Language")
	h.Set("Content-Security-Policy", statements.Policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "public, max-age=60")
	_, _ = w.Write(page)
}

// processing answers with the record of processing activities, in the form asked for.
func (a *API) processing(s *serving, w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	record, err := s.Register.Processing(r.Context(), events.Word(v.Get("lang")))
	if err != nil {
		return err
	}
	var b []byte
	switch v.Get("format") {
	case "", "json":
		return answer(w, record)
	case "csv":
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		b, err = statements.CSV(record)
	case "jsonld":
		w.Header().Set("Content-Type", "application/ld+json")
		b, err = statements.JSONLD(s.Gateway.Organisation().Policy, record)
	default:
		return &contracts.Problem{Type: "about:blank", Title: "The question cannot be understood", Status: 400, Code: "question", Field: "format", Detail: "is json, csv or jsonld"}
	}
	if err != nil {
		return err
	}
	_, _ = w.Write(b)
	return nil
}
