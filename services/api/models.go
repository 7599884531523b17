package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/models"
)

// keeps says which part keeps which model, in the order in which they are shown. Of two the office has a copy of its own where another
// process keeps them: it asks them all day.
var keeps = []struct {
	model, part string
	copied      bool
}{
	{"dossier", Dossier, true}, {"retention", Retention, true}, {"breach", Breach, false},
	{"attachments", Office, false}, {"evidence", Office, false}, {"recipients", Office, false},
}

const office = "office_"

// CopyOf names the office's copy of another part's model.
func CopyOf(model string) string { return office + model }

// Keeps are the models of a process that serves some parts.
func Keeps(parts ...string) (all []string) {
	for _, k := range keeps {
		switch {
		case slices.Contains(parts, k.part):
			all = append(all, k.model)
		case k.copied && slices.Contains(parts, Office):
			all = append(all, CopyOf(k.model))
		}
	}
	return all
}

// keeper is the part that keeps a model; the office for what nobody keeps: it says so.
func keeper(model string) string {
	for _, k := range keeps {
		if k.model == model {
			return k.part
		}
	}
	return Office
}

// models shows every model once, whichever process is asked. Asked by another process, this one shows its own.
func (a *API) models(s *serving, w http.ResponseWriter, r *http.Request) error {
	own, err := s.Register.Models(r.Context())
	e := a.elsewhere.Load()
	if err != nil || e == nil {
		return reply(w)(own, err)
	}
	all := newGathered(e.here)
	all.take(own)
	if !e.Each(r, false, func(parts map[string]string, body []byte, err error) {
		all.hear(slices.Collect(maps.Keys(parts)), body, err)
	}) {
		return answer(w, own)
	}
	return answer(w, all.models())
}

// gathered is what the processes of an engine have answered about their models.
type gathered struct {
	found  map[string]contracts.Model
	silent map[string]string // why a model's process has not answered
	served map[string]bool   // parts that somebody serves, answering or not
}

func newGathered(here map[string]bool) *gathered {
	return &gathered{found: map[string]contracts.Model{}, silent: map[string]string{}, served: maps.Clone(here)}
}

// hear takes what a process has answered that serves some parts.
func (g *gathered) hear(parts []string, body []byte, err error) {
	var theirs []contracts.Model
	if err == nil && json.Unmarshal(body, &theirs) != nil {
		err = errors.New("its answer cannot be read; is it of this version?")
	}
	for _, part := range parts {
		g.served[part] = true
	}
	g.take(theirs)
	if err != nil {
		for _, name := range Keeps(parts...) {
			g.silent[name] = "the process that serves its part " + keeper(name) + " does not answer: " + err.Error()
		}
	}
}

// take keeps of each model what is told by whoever applies it.
func (g *gathered) take(all []contracts.Model) {
	for _, m := range all {
		if was, ok := g.found[m.Name]; !ok || applies(m.State) > applies(was.State) || applies(m.State) == applies(was.State) && m.Position > was.Position {
			g.found[m.Name] = m
		}
	}
}

// applies orders states by how much of applying there is in them.
func applies(state string) int {
	switch state {
	case models.Standby:
		return 0
	case models.Stuck:
		return 1
	default:
		return 2
	}
}

// models are all of them, those of whom nothing is known with the reason.
func (g *gathered) models() []contracts.Model {
	for _, part := range AllParts {
		if !g.served[part] {
			for _, name := range Keeps(part) {
				g.silent[name] = "no process of this engine serves its part " + keeper(name) + " now; start one: daicho serve --only " + keeper(name)
			}
		}
	}
	var head events.Position
	for _, m := range g.found {
		head = max(head, m.Position+events.Position(m.Lag))
	}
	for name, why := range g.silent {
		switch m, ok := g.found[name]; {
		case !ok:
			g.found[name] = contracts.Model{Name: name, Lag: uint64(head), State: models.Unknown, Error: why}
		case m.State == models.Standby: // it says that another applies; that one is silent
			m.Error = strings.TrimPrefix(m.Error+"; "+why, "; ")
			g.found[name] = m
		}
	}
	all := make([]contracts.Model, 0, len(g.found))
	for _, m := range g.found {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b contracts.Model) int {
		return cmp.Or(cmp.Compare(place(a.Name), place(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// place is where a model stands among the others: a copy behind what it is of, and what is not known here last.
func place(model string) int {
	of, copied := strings.CutPrefix(model, office)
	for i, k := range keeps {
		switch {
		case k.model != of:
		case copied:
			return 2*i + 1
		default:
			return 2 * i
		}
	}
	return 2 * len(keeps)
}

// rebuild folds a model anew, here: who keeps it is asked (placed).
func (a *API) rebuild(s *serving, w http.ResponseWriter, r *http.Request) error {
	lines := newLines(w)
	return lines.end(s.Register.Rebuild(r.Context(), r.PathValue("name"), func(m contracts.Model) { _ = lines.write(m) }))
}
