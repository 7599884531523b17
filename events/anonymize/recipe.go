package anonymize

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/daicho-dev/daicho/events"
)

// Recipe declares how a dataset is made: from which records, by which steps, and how far nobody may stand out.
type Recipe struct {
	// Purpose is the purpose of use under which the source records are processed; it must permit every category.
	Purpose events.Word `json:"purpose"`
	// Aim says in words what the dataset is made for. It stays with the recipe: the log keeps the recipe's digest only.
	Aim   string `json:"aim"`
	Query Query  `json:"query"`
	// Per is what one row is about: a person, or one matter (a rental, a sale) of a person.
	Per     events.Word `json:"per"`
	Columns []Column    `json:"columns"`
	// K is how many people at least share every combination of quasi-identifiers that is left. At least MinK.
	K int `json:"k"`
	// L is how many different values at least a sensitive column has in each such group (l-diversity; Machanavajjhala 2007). 0: no demand.
	L int `json:"l,omitzero"`
	// T is how far at most, in percent, the distribution of a sensitive column in a group may be from that of all (t-closeness by total
	// variation; Li 2007). 0: no demand.
	T int `json:"t,omitzero"`
	// Suppress is the share of rows, in percent, that may be left out because they would stand out. 0: none.
	Suppress int `json:"suppress,omitzero"`
}

// Query selects the source records; everything given must hold.
type Query struct {
	Categories []events.Word `json:"categories"`
	Operation  events.Word   `json:"operation,omitzero"`
	Location   events.Word   `json:"location,omitzero"`
	Kind       events.Word   `json:"kind,omitzero"` // of person
	From       events.Day    `json:"from,omitzero"` // collected on this day or later, in the company's zone
	To         events.Day    `json:"to,omitzero"`   // collected before this day
}

// Column is one column: where its values come from, and what is done to them. Every column that is not Sensitive is a
// quasi-identifier.
type Column struct {
	Name string `json:"name"`
	// Category takes the value of the row's record of this category (the newest, if there are several); Field takes what the register
	// knows in the clear. One of the two.
	Category  events.Word `json:"category,omitzero"`
	Field     events.Word `json:"field,omitzero"`
	Path      string      `json:"path,omitzero"`  // JSON Pointer into a record's value
	Until     events.Word `json:"until,omitzero"` // of the field "days": the milestone at which they end
	Steps     []Step      `json:"steps,omitempty"`
	Sensitive bool        `json:"sensitive,omitzero"`
}

// Fields are what a column may take besides records' values.
var Fields = []events.Word{"person.country", "person.kind", "person.minor", "operation", "source", "location", "collected", "days", "records"}

// Step is one thing done to a column. Exactly one member is given.
type Step struct {
	Drop       bool        `json:"drop,omitzero"` // the column is not opened and does not appear
	Generalize *Generalize `json:"generalize,omitempty"`
	Band       *Band       `json:"band,omitempty"`
	Top        *float64    `json:"top,omitempty"`    // numbers from here on become "N or more"
	Bottom     *float64    `json:"bottom,omitempty"` // numbers up to here become "N or less"
	Time       events.Word `json:"time,omitzero"`    // year, half, quarter, month
	Place      events.Word `json:"place,omitzero"`   // country, prefecture, region
	Suppress   *Suppress   `json:"suppress,omitempty"`
}

// Generalize replaces values by wider ones: by a table, or by their first characters.
type Generalize struct {
	To     map[string]string `json:"to,omitempty"`
	Other  string            `json:"other,omitzero"`  // what the table does not name; else it is suppressed
	Prefix int               `json:"prefix,omitzero"` // characters kept
}

// Band puts numbers into bands of one width.
type Band struct {
	Width float64 `json:"width"`
	From  float64 `json:"from,omitzero"`
}

// Suppress replaces values that fewer people than this have.
type Suppress struct {
	Fewer int `json:"fewer"`
}

// MinK is the least k that a recipe may ask for. No text of the law names a number; five is what this register promises.
const MinK = 5

// Limits of a recipe.
const (
	MaxRecipe  = 256 << 10
	maxColumns = 40
	maxSteps   = 10
	maxQuasi   = 20
	maxName    = 40
)

var errRecipe = errors.New("is not a recipe: a field is unknown, missing its form, or given twice")

// Parse reads a recipe from JSON, strictly. Its meaning is asked by Check.
func Parse(b []byte) (*Recipe, error) {
	if len(b) > MaxRecipe {
		return nil, errRecipe
	}
	r := &Recipe{}
	if err := json.Unmarshal(b, r, json.RejectUnknownMembers(true)); err != nil {
		return nil, errRecipe
	}
	return r, nil
}

// Digest is SHA-256 over the recipe's canonical JSON (RFC 8785): equal recipes have equal digests, however they were written.
func (r *Recipe) Digest() events.Word {
	b, err := json.Marshal(r, json.Deterministic(true))
	if err == nil {
		err = (*jsontext.Value)(&b).Canonicalize()
	}
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return events.Word("sha256:" + hex.EncodeToString(sum[:]))
}

// Dropped says that a column does not appear in the output, and is not opened.
func (c *Column) Dropped() bool {
	for _, s := range c.Steps {
		if s.Drop {
			return true
		}
	}
	return false
}

// Item is the item of information that a column is, as it is published (Rule 36): its category, or the name of its field.
func (c *Column) Item() events.Word {
	if c.Category != "" {
		return c.Category
	}
	return c.Field
}

// Opened are the categories whose values are opened for the output.
func (r *Recipe) Opened() []events.Word {
	var all []events.Word
	for i := range r.Columns {
		if c := &r.Columns[i]; !c.Dropped() && c.Category != "" {
			all = addWord(all, c.Category)
		}
	}
	return all
}

// StepWords say, for the log, what was done to which item: `pd:Purchase/generalize`.
func (r *Recipe) StepWords() []events.Word {
	var all []events.Word
	for i := range r.Columns {
		for _, s := range r.Columns[i].Steps {
			all = addWord(all, r.Columns[i].Item()+"/"+events.Word(s.name()))
		}
	}
	return all
}

func addWord(all []events.Word, w events.Word) []events.Word {
	for _, x := range all {
		if x == w {
			return all
		}
	}
	return append(all, w)
}

// name is which step it is; empty if none is given, "?" if several are.
func (s *Step) name() string {
	names := s.names()
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0]
	}
	return "?"
}

func (s *Step) names() []string {
	var all []string
	add := func(is bool, name string) {
		if is {
			all = append(all, name)
		}
	}
	add(s.Drop, "drop")
	add(s.Generalize != nil, "generalize")
	add(s.Band != nil, "band")
	add(s.Top != nil, "top")
	add(s.Bottom != nil, "bottom")
	add(s.Time != "", "time")
	add(s.Place != "", "place")
	add(s.Suppress != nil, "suppress")
	return all
}
