package policy

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the company's zone is known wherever the engine runs

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/daicho-dev/daicho/events"
)

// index is what is looked up on every event.
type index struct {
	purposes   map[events.Word]*Purpose
	categories map[events.Word]*Category
	locations  words
	schemes    words
	milestones words
	clients    words
	recipients words
	sources    map[string]bool
	prefixes   []string // sources that end in "/*"
	gdpr       words
	designated words
	ages       map[events.Word][]Age
	brings     map[bringsKey][]bringing
	fiscal     calendarDay
}

type words map[events.Word]bool

type bringsKey struct{ purpose, category events.Word }

type bringing struct {
	Brought
	operations []events.Word
}

// Parse reads a catalogue. It refuses what it could not answer from: unknown fields, sets that are not there, anchors and
// periods that mean nothing. What merely makes no sense is for Lint. An error names the path in the document.
func Parse(doc []byte) (*Catalogue, error) {
	c := &Catalogue{}
	if err := json.Unmarshal(doc, c, json.RejectUnknownMembers(true)); err != nil {
		if s, ok := errors.AsType[*json.SemanticError](err); ok {
			return nil, fmt.Errorf("catalogue at %s: %w", s.JSONPointer, s.Err)
		}
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	// One form for one catalogue (RFC 8785), whoever wrote it: what is published can be compared and hashed.
	form := jsontext.Value(slices.Clone(doc))
	if err := form.Canonicalize(); err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	c.doc = form
	if c.Version == "" {
		return nil, wrong("/version", "is missing")
	}
	if h := c.Desk.Holidays; h != "" && h != "JP" && h != "none" {
		return nil, wrong("/desk/holidays", "knows the holidays of JP, and none")
	}
	name := c.TimeZone
	if name == "" {
		name = "Asia/Tokyo"
	}
	var err error
	if c.zone, err = time.LoadLocation(name); err != nil || name == "Local" {
		return nil, wrong("/zone", "is not a time zone")
	}
	if c.index.fiscal, err = parseCalendarDay(c.FiscalYearEnd); err != nil && c.FiscalYearEnd != "" {
		return nil, wrong("/fiscalYearEnd", err.Error())
	} else if c.FiscalYearEnd == "" {
		c.index.fiscal = calendarDay{time.March, 31}
	}
	if c.Keep.Tombstones.IsZero() {
		c.Keep.Tombstones = Period{days: 400}
	}
	if c.Keep.Quarantine.IsZero() {
		c.Keep.Quarantine = Period{days: 14}
	}
	c.indexWords()
	if err := c.indexWalls(); err != nil {
		return nil, err
	}
	if err := c.indexTrackers(); err != nil {
		return nil, err
	}
	return c, c.indexPurposes()
}

func wrong(path, text string) error { return fmt.Errorf("catalogue at %s: %s", path, text) }

func (c *Catalogue) indexWords() {
	x := &c.index
	x.categories = make(map[events.Word]*Category, len(c.Categories))
	for i := range c.Categories {
		if k := &c.Categories[i]; x.categories[k.ID] == nil {
			x.categories[k.ID] = k
		}
	}
	x.recipients = ids(c.Recipients)
	x.locations, x.schemes, x.milestones, x.clients = ids(c.Locations), ids(c.Schemes), ids(c.Milestones), ids(c.Clients)
	for id := range x.clients {
		x.schemes[id] = true // every client brings its own numbers
	}
	x.gdpr, x.designated = set(c.GDPRCountries), set(c.DesignatedCountries)
	x.sources = map[string]bool{}
	for _, s := range c.Sources {
		if p, ok := strings.CutSuffix(s, "*"); ok && strings.HasSuffix(p, "/") {
			x.prefixes = append(x.prefixes, p)
		} else {
			x.sources[s] = true
		}
	}
	x.ages = map[events.Word][]Age{}
	for _, a := range c.Ages.Rows {
		x.ages[a.Country] = append(x.ages[a.Country], a)
	}
}

func ids(all []Term) words {
	w := make(words, len(all))
	for _, t := range all {
		w[t.ID] = true
	}
	return w
}

func set(all []events.Word) words {
	w := make(words, len(all))
	for _, x := range all {
		w[x] = true
	}
	return w
}

func (c *Catalogue) indexPurposes() error {
	x := &c.index
	x.purposes = make(map[events.Word]*Purpose, len(c.Purposes))
	x.brings = map[bringsKey][]bringing{}
	for i := range c.Purposes {
		p, path := &c.Purposes[i], "/purposes/"+strconv.Itoa(i)
		if x.purposes[p.ID] == nil {
			x.purposes[p.ID] = p
		}
		all, err := c.expand(p.Categories, path+"/categories")
		if err != nil {
			return err
		}
		p.permits = map[events.Word]bool{}
		for _, k := range all {
			if k == "*" {
				p.any = true
			} else if !p.permits[k] {
				p.permits[k] = true
				p.all = append(p.all, k)
			}
		}
		for regime := range p.Bases {
			if regime != "default" && regime != "gdpr" {
				return wrong(path+"/bases", "knows the regimes default and gdpr")
			}
		}
		for j := range p.Retention {
			r, err := c.compile(&p.Retention[j], path+"/retention/"+strconv.Itoa(j))
			if err != nil {
				return err
			}
			p.rules = append(p.rules, r)
		}
	}
	for i := range c.Purposes {
		p := &c.Purposes[i]
		for j, b := range p.Brings {
			path := "/purposes/" + strconv.Itoa(i) + "/brings/" + strconv.Itoa(j)
			to := x.purposes[b.Purpose]
			if to == nil {
				return wrong(path+"/purpose", "is not a purpose of this catalogue")
			}
			all, err := c.expand(b.Categories, path+"/categories")
			if err != nil {
				return err
			}
			to.law = to.law || b.Basis == "legal_obligation"
			for _, k := range all {
				key := bringsKey{p.ID, k}
				x.brings[key] = append(x.brings[key], bringing{Brought{b.Purpose, b.Basis, b.Law}, b.Operations})
			}
		}
	}
	return nil
}

// expand resolves the names of sets, which may name each other.
func (c *Catalogue) expand(list []events.Word, path string) ([]events.Word, error) {
	var all []events.Word
	var open []events.Word
	steps := 0
	var walk func(list []events.Word, path string) error
	walk = func(list []events.Word, path string) error {
		for i, w := range list {
			at := path + "/" + strconv.Itoa(i)
			if w == "*" || strings.Contains(string(w), ":") {
				all = append(all, w)
				continue
			}
			of, ok := c.Sets[w]
			if !ok {
				return wrong(at, "names a set that is not there")
			}
			if slices.Contains(open, w) {
				return wrong(at, "names a set that holds itself")
			}
			if steps++; steps > 10_000 {
				return wrong(at, "names sets that name sets without measure")
			}
			open = append(open, w)
			if err := walk(of, "/sets/"+string(w)); err != nil {
				return err
			}
			open = open[:len(open)-1]
		}
		return nil
	}
	if err := walk(list, path); err != nil {
		return nil, err
	}
	return all, nil
}
