package api

import (
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

func (a *API) datasetRoutes() []Route {
	return []Route{
		{"GET", "/v1/datasets", a.asked(a.datasets)},
		{"POST", "/v1/datasets", a.asked(a.makeDataset)},
		{"GET", "/v1/datasets/{id}", a.asked(a.dataset)},
		{"POST", "/v1/datasets/{id}/publish", a.asked(a.publishDataset)},
		{"POST", "/v1/datasets/{id}/use", a.asked(a.useDataset)},
		{"POST", "/v1/datasets/{id}/file", a.asked(a.datasetFile)},
		{"POST", "/v1/datasets/{id}/provide", a.asked(a.provideDataset)},
		{"POST", "/v1/datasets/{id}/join", a.asked(a.joinDataset)},
		{"POST", "/v1/datasets/{id}/destroy", a.asked(a.destroyDataset)},
	}
}

func datasetID(r *http.Request) events.ID { return events.ID(r.PathValue("id")) }

func (a *API) datasets(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Datasets.Datasets(r.Context()))
}

func (a *API) dataset(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Datasets.Dataset(r.Context(), datasetID(r)))
}

// makeDataset takes a recipe, as it is.
func (a *API) makeDataset(s *serving, w http.ResponseWriter, r *http.Request) error {
	recipe, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return &contracts.Problem{Type: "about:blank", Title: "The question cannot be read", Status: 400, Code: "body", Detail: "the body ended early"}
	}
	out, err := s.Datasets.MakeDataset(r.Context(), recipe)
	if err != nil {
		return err
	}
	return answerAs(w, http.StatusCreated, out)
}

func (a *API) publishDataset(s *serving, w http.ResponseWriter, r *http.Request) error {
	var q contracts.DatasetPublication
	if err := question(r, &q); err != nil {
		return err
	}
	return reply(w)(s.Datasets.PublishDataset(r.Context(), datasetID(r), q))
}

func (a *API) useDataset(s *serving, w http.ResponseWriter, r *http.Request) error {
	var q contracts.DatasetUse
	if err := question(r, &q); err != nil {
		return err
	}
	return reply(w)(s.Datasets.UseDataset(r.Context(), datasetID(r), q))
}

func (a *API) datasetFile(s *serving, w http.ResponseWriter, r *http.Request) error {
	var q contracts.DatasetUse
	if err := question(r, &q); err != nil {
		return err
	}
	about, from, err := s.Datasets.DatasetFile(r.Context(), datasetID(r), q)
	if err != nil {
		return err
	}
	return a.handOut(w, r, about, from)
}

func (a *API) provideDataset(s *serving, w http.ResponseWriter, r *http.Request) error {
	var q contracts.DatasetProvision
	if err := question(r, &q); err != nil {
		return err
	}
	about, from, err := s.Datasets.ProvideDataset(r.Context(), datasetID(r), q)
	if err != nil {
		return err
	}
	return a.handOut(w, r, about, from)
}

// handOut gives a file. One that ends short of the length that it announced is taken for a failure by every client.
func (a *API) handOut(w http.ResponseWriter, r *http.Request, about contracts.DatasetFile, from io.ReadCloser) error {
	defer from.Close()
	h := w.Header()
	h.Set("Content-Type", about.Type)
	h.Set("Content-Length", strconv.FormatInt(about.Size, 10))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": about.Name}))
	if n, err := io.Copy(w, from); err != nil && r.Context().Err() == nil {
		a.Log.Error().Str("route", r.Pattern).Int64("given", n).Err(err).Msg("a dataset ended early")
	}
	return nil
}

func (a *API) joinDataset(s *serving, w http.ResponseWriter, r *http.Request) error {
	var q contracts.DatasetJoin
	if err := question(r, &q); err != nil {
		return err
	}
	return s.Datasets.JoinDataset(r.Context(), datasetID(r), q)
}

func (a *API) destroyDataset(s *serving, w http.ResponseWriter, r *http.Request) error {
	return reply(w)(s.Datasets.DestroyDataset(r.Context(), datasetID(r)))
}
