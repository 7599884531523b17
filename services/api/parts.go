package api

import (
	"net/http"
	"strings"

	"github.com/daicho-dev/daicho/services/models"
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
	model, one := strings.CutPrefix(path, "/v1/models/")
	switch {
	case !strings.HasPrefix(path, "/v1/") && path != "/policy", path == "/v1/models", path == "/v1/verify":
		return ""
	case one:
		return keeper(strings.TrimSuffix(model, "/rebuild"))
	case path == "/v1/events", path == "/v1/uses", path == "/v1/persons:find":
		return Intake
	case strings.HasSuffix(path, "/attachment"), strings.HasSuffix(path, "/provisions"): // of a record, of a person: answered from rooms of the office
		return Office
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

// Elsewhere are the other processes of an engine.
type Elsewhere interface {
	// Hand gives a question for a part to a process that serves it, or in which it is in one of some other states.
	Hand(w http.ResponseWriter, r *http.Request, part string, or ...string)
	// Each asks all of them the same, and tells of one after another which parts it serves, or would, with their states, and what it answers.
	// What takes long is waited for as long as they are there. It asks nobody, and says so, where the question comes from one of them.
	Each(r *http.Request, long bool, tell func(parts map[string]string, body []byte, err error)) (asked bool)
}

// placed answers an endpoint here, or has it answered elsewhere.
func (a *API) placed(here http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		e, part := a.elsewhere.Load(), PartOf(r.URL.Path)
		switch {
		case e == nil || part == "" || e.here[part]:
			here(w, r)
		case strings.HasPrefix(r.URL.Path, "/v1/models/"): // to be rebuilt is what helps a model that is stuck
			e.Hand(w, r, part, models.Stuck)
		default:
			e.Hand(w, r, part)
		}
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
