package api

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

// The parts of an engine that may run as processes of their own (`daicho serve --only`).
const (
	Intake    = "intake"    // takes events, and uses
	Dossier   = "dossier"   // what is held about a person, and why
	Retention = "retention" // what is due
	Breach    = "breach"    // whom a leak touched
	Office    = "office"    // everything else: disposals, recipients, datasets, attachments, the policy and its evidence
)

// AllParts are all of them.
var AllParts = []string{Intake, Dossier, Retention, Breach, Office}

// PartOf is the part that answers an endpoint; empty for what every process answers of itself.
func PartOf(path string) string {
	switch {
	case !strings.HasPrefix(path, "/v1/") && path != "/policy":
		return ""
	case path == "/v1/events", path == "/v1/uses", path == "/v1/persons:find":
		return Intake
	case strings.HasPrefix(path, "/v1/persons/"), strings.HasPrefix(path, "/v1/records/"):
		return Dossier
	case strings.HasPrefix(path, "/v1/retention/"):
		return Retention
	case path == "/v1/impact":
		return Breach
	default:
		return Office
	}
}

// Elsewhere hands a question for a part over to a process that serves it.
type Elsewhere interface {
	Hand(w http.ResponseWriter, r *http.Request, part string)
}

// placed answers an endpoint here, or has it answered elsewhere.
func (a *API) placed(part string, here http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if e := a.elsewhere.Load(); e != nil && part != "" && !e.here[part] {
			e.Hand(w, r, part)
			return
		}
		here(w, r)
	}
}

// Only says which parts are served here, and who has the others.
func (a *API) Only(here []string, others Elsewhere) {
	e := &split{Elsewhere: others, here: map[string]bool{}}
	for _, part := range here {
		e.here[part] = true
	}
	a.elsewhere.Store(e)
}

type split struct {
	Elsewhere
	here map[string]bool
}

// attachmentsElsewhere says that what has attachments belongs to the process that holds what was uploaded. Again makes a question's body
// readable once more.
func (a *API) attachmentsElsewhere(s *serving, r *http.Request) (again func(*http.Request), handOver bool) {
	if a.elsewhere.Load() == nil || s.Gateway.Uploads != nil {
		return nil, false
	}
	var read bytes.Buffer
	body := r.Body
	r.Body = io.NopCloser(io.TeeReader(body, &read))
	return func(r *http.Request) { r.Body = io.NopCloser(io.MultiReader(&read, body)) }, true
}
