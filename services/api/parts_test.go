package api

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

type handed struct{ parts []string }

func (h *handed) Hand(_ http.ResponseWriter, _ *http.Request, part string, _ ...string) {
	h.parts = append(h.parts, part)
}

func (h *handed) Each(*http.Request, bool, func(map[string]string, []byte, error)) bool { return false }

// Every endpoint belongs to one part, or is every process's own; and what is not served here is handed over, whoever asks.
func TestEveryEndpointHasItsPart(t *testing.T) {
	// What a process answers that is not the office: it has its models, and the way in, and no room beside.
	apart := map[string]string{
		"/v1/events": Intake, "/v1/uses": Intake, "/v1/persons:find": Intake,
		"/v1/persons/{id}/dossier": Dossier, "/v1/persons/{id}/history": Dossier, "/v1/records/{id}": Dossier,
		"/v1/retention/due": Retention, "/v1/retention/calendar": Retention, "/v1/impact": Breach,
	}
	own := []string{"/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/models", "/v1/verify"}
	for _, here := range append([]string{""}, AllParts...) {
		a := New(nil, zerolog.Nop(), http.NotFoundHandler())
		others := &handed{}
		if here == "" {
			a.Only(nil, others)
		} else {
			a.Only([]string{here}, others)
		}
		served := map[string]bool{}
		for _, r := range a.Routes() {
			part := PartOf(r.Path)
			served[part] = true
			if (part == "") != slices.Contains(own, r.Path) || part != "" && !slices.Contains(AllParts, part) {
				t.Errorf("%s is of part %q", r.Path, part)
			}
			if want, ok := apart[r.Path]; part != "" && part != Office && !strings.HasPrefix(r.Path, "/v1/models/") && part != want || ok && part != want {
				t.Errorf("%s is of part %q, want %q", r.Path, part, want)
			}
			if part == "" || r.Method == "GET" && r.Path == "/policy" {
				continue
			}
			others.parts = nil
			path := strings.NewReplacer("{id}", "x", "{name}", "x", "{recipient}", "x").Replace(r.Path)
			w := httptest.NewRecorder()
			a.ServeHTTP(w, httptest.NewRequest(r.Method, path, nil))
			want := []string{part}
			if part == here {
				want = nil
			}
			if !slices.Equal(others.parts, want) {
				t.Errorf("with %q here, %s %s is handed to %q, want %q (%d)", here, r.Method, r.Path, others.parts, want, w.Code)
			}
		}
		for _, part := range AllParts {
			if !served[part] {
				t.Errorf("no endpoint is of part %s", part)
			}
		}
	}
}
