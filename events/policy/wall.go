package policy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/daicho-dev/daicho/events"
)

// Wall keeps some data apart from the rest: which purposes reach behind it, whose systems bring and use it, where it lies. Clear values
// behind it are shown only to who is cleared for it by name, whatever their role.
type Wall struct {
	ID         events.Word   `json:"id"`
	Label      Text          `json:"label,omitempty"`
	Categories []events.Word `json:"categories,omitempty"` // what lies behind it; none: whatever is bound to one of its purposes
	Purposes   []events.Word `json:"purposes"`             // all that reach behind it
	Sources    []string      `json:"sources,omitempty"`    // paths, with all below them, that bring, use and hand over; none: any
	Locations  []events.Word `json:"locations,omitempty"`  // where its data may lie; none: anywhere
	Provision  []events.Word `json:"provision,omitempty"`  // the only bases on which a third party may have it; none: those of the law
	Law        string        `json:"law,omitzero"`
	Assumption string        `json:"assumption,omitzero"`

	holds words
}

// Behind are the walls that a record lies behind: by its category, or by a purpose that it is, or was, bound to.
func (c *Catalogue) Behind(category events.Word, bound []events.Word) []*Wall {
	var all []*Wall
	for i := range c.Walls {
		w := &c.Walls[i]
		if w.holds[category] || len(w.Categories) == 0 && slices.ContainsFunc(bound, w.Serves) {
			all = append(all, w)
		}
	}
	return all
}

// Wall finds a wall, or nil.
func (c *Catalogue) Wall(id events.Word) *Wall {
	for i := range c.Walls {
		if c.Walls[i].ID == id {
			return &c.Walls[i]
		}
	}
	return nil
}

// Serves says whether a purpose reaches behind the wall.
func (w *Wall) Serves(purpose events.Word) bool { return slices.Contains(w.Purposes, purpose) }

// Admits says whether a source may bring and use what lies behind the wall.
func (w *Wall) Admits(source string) bool {
	return len(w.Sources) == 0 || slices.ContainsFunc(w.Sources, func(p string) bool {
		p = strings.TrimSuffix(p, "/")
		return source == p || strings.HasPrefix(source, p+"/")
	})
}

// Holds says whether what lies behind the wall may lie in a location.
func (w *Wall) Holds(location events.Word) bool {
	return len(w.Locations) == 0 || slices.Contains(w.Locations, location)
}

// Provides says whether a third party may have what lies behind the wall on a basis.
func (w *Wall) Provides(basis events.Word) bool {
	return len(w.Provision) == 0 || slices.Contains(w.Provision, basis)
}

func (c *Catalogue) indexWalls() error {
	for i := range c.Walls {
		w := &c.Walls[i]
		all, err := c.expand(w.Categories, "/walls/"+strconv.Itoa(i)+"/categories")
		if err != nil {
			return err
		}
		w.holds = set(all)
	}
	return nil
}

// walls finds walls that keep out what should pass, or nothing.
func (l *linter) walls() {
	seen := words{}
	for i := range l.Walls {
		w, path := &l.Walls[i], "/walls/"+strconv.Itoa(i)
		if w.ID == "" || seen[w.ID] {
			l.error(path+"/id", "duplicate", "a wall needs an id of its own")
		}
		seen[w.ID] = true
		if len(w.Purposes) == 0 {
			l.error(path+"/purposes", "unreachable", "no purpose reaches behind "+string(w.ID)+": nothing could be held there")
		}
		l.known(w.Categories, path+"/categories", false)
		for j, p := range w.Purposes {
			purpose := l.index.purposes[p]
			if purpose == nil {
				l.error(path+"/purposes/"+strconv.Itoa(j), "dangling", string(p)+" is not a purpose of this catalogue")
				continue
			}
			if len(w.holds) > 0 && !slices.ContainsFunc(l.permittedBy(purpose), func(k events.Word) bool { return w.holds[k] }) {
				l.error(path+"/purposes/"+strconv.Itoa(j), "unreachable", string(p)+" permits nothing that lies behind "+string(w.ID))
			}
		}
		for j, k := range w.Locations {
			if !l.HasLocation(k) {
				l.error(path+"/locations/"+strconv.Itoa(j), "dangling", string(k)+" is not a location of this catalogue")
			}
		}
		for j, s := range w.Sources {
			if !slices.ContainsFunc(l.Sources, func(path string) bool { return (&Wall{Sources: []string{s}}).Admits(path) }) {
				l.error(path+"/sources/"+strconv.Itoa(j), "dangling", "no source of this catalogue is, or lies below, "+s)
			}
		}
		if w.Law == "" && w.Assumption == "" {
			l.warn(path, "source_missing", "says neither the law nor that it is an assumption")
		}
	}
	for _, k := range l.Categories {
		if k.Special && len(l.Behind(k.ID, nil)) == 0 {
			l.warn("/walls", "wall_missing", string(k.ID)+" is care-required (APPI 2(3)) and lies behind no wall")
		}
	}
}

// permittedBy are the categories that a purpose permits.
func (l *linter) permittedBy(p *Purpose) []events.Word {
	if !p.any {
		return p.all
	}
	var all []events.Word
	for _, k := range l.Categories {
		all = append(all, k.ID)
	}
	return all
}
