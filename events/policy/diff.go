package policy

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/daicho-dev/daicho/events"
)

// Difference is what one catalogue changes of another.
type Difference struct {
	Was     string    `json:"was"` // versions
	Is      string    `json:"is"`
	Changes []Changed `json:"changes"`
	// Notice are the purposes that people must be told of before the change takes effect (ChangedPurposes). With any, it is a major change:
	// it is refused without an announcement in every language, and before a later day (APPI 21(3); GDPR 13(3)).
	Notice []events.Word `json:"notice"`
	// Listed says that the list of changes at the bottom of the public page has to tell of it, in every language (Differ).
	Listed bool `json:"listed"`
}

// Major says that people must be told of it beforehand.
func (d *Difference) Major() bool { return len(d.Notice) > 0 }

// Changed is one passage. What is in a list is named by its own id in the path, as the order of most lists says nothing; where an order is
// another one, that is a change of its own, for the first rule of retention that fits decides.
type Changed struct {
	Kind   string         `json:"kind"` // purpose, period, category, recipient, text, tracker, review, age, company, version, other
	How    string         `json:"how"`  // added, removed, changed, reordered
	Path   string         `json:"path"`
	Was    jsontext.Value `json:"was,omitempty"`
	Is     jsontext.Value `json:"is,omitempty"`
	Notice bool           `json:"notice"` // of a purpose that people must be told of
}

// Diff compares two catalogues, passage by passage. There is no change if, and only if, they are the same document.
func Diff(was, is *Catalogue) Difference {
	d := Difference{Was: was.Version, Is: is.Version, Changes: []Changed{}, Notice: []events.Word{}, Listed: Differ(was, is)}
	d.Notice = append(d.Notice, ChangedPurposes(was, is)...)
	d.compare(nil, tree(was.doc), tree(is.doc))
	return d
}

func tree(doc []byte) any {
	var v any
	if json.Unmarshal(doc, &v) != nil {
		return nil // a catalogue has been read before
	}
	return v
}

func (d *Difference) say(how string, at []string, was, is any) {
	c := Changed{Kind: kindOf(at), How: how, Was: text(was), Is: text(is)}
	for _, step := range at {
		c.Path += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(step)
	}
	c.Notice = len(at) > 1 && at[0] == "purposes" && slices.Contains(d.Notice, events.Word(at[1]))
	d.Changes = append(d.Changes, c)
}

func text(v any) jsontext.Value {
	if v == nil {
		return nil
	}
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil
	}
	return b
}

func (d *Difference) compare(at []string, was, is any) {
	a, aMap := was.(map[string]any)
	b, bMap := is.(map[string]any)
	x, xList := was.([]any)
	y, yList := is.([]any)
	switch {
	case aMap && bMap:
		d.members(at, a, b)
	case xList && yList:
		d.list(at, x, y)
	case string(text(was)) != string(text(is)):
		d.say("changed", at, was, is)
	}
}

func (d *Difference) members(at []string, was, is map[string]any) {
	names := map[string]bool{}
	for name := range was {
		names[name] = true
	}
	for name := range is {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		a, there := was[name]
		b, here := is[name]
		d.one(slices.Concat(at, []string{name}), a, b, there, here)
	}
}

func (d *Difference) one(at []string, was, is any, there, here bool) {
	switch {
	case !there:
		d.say("added", at, nil, is)
	case !here:
		d.say("removed", at, was, nil)
	default:
		d.compare(at, was, is)
	}
}

func (d *Difference) list(at []string, was, is []any) {
	a, b := keyed(was, is)
	before, after := map[string]any{}, map[string]any{}
	for i, k := range a {
		before[k] = was[i]
	}
	for i, k := range b {
		after[k] = is[i]
	}
	var stayed, stays []string
	for i, k := range a {
		v, here := after[k]
		d.one(slices.Concat(at, []string{k}), was[i], v, true, here)
		if here {
			stayed = append(stayed, k)
		}
	}
	for i, k := range b {
		if _, there := before[k]; !there {
			d.one(slices.Concat(at, []string{k}), nil, is[i], false, true)
		} else {
			stays = append(stays, k)
		}
	}
	if !slices.Equal(stayed, stays) {
		d.say("reordered", at, stayed, stays)
	}
}

// names are the members that tell the entries of a list apart, the first that does.
var names = [][]string{{"id"}, {"subject"}, {"act"}, {"country", "from"}, {"purpose", "basis"}}

// keyed gives the entries of both lists names: what they are, for words; their ids, for objects; or their places.
func keyed(was, is []any) (a, b []string) {
	for _, of := range append([][]string{nil}, names...) {
		a, b = keys(was, of), keys(is, of)
		if a != nil && b != nil {
			return a, b
		}
	}
	places := func(n int) []string {
		all := make([]string, n)
		for i := range all {
			all[i] = strconv.Itoa(i)
		}
		return all
	}
	return places(len(was)), places(len(is))
}

// keys are the entries' names by some members (by themselves, where there are none), or nil if they do not tell them apart.
func keys(list []any, of []string) []string {
	all, seen := []string{}, map[string]bool{}
	for _, v := range list {
		key := ""
		switch v := v.(type) {
		case map[string]any:
			if len(of) == 0 {
				return nil
			}
			first, _ := v[of[0]].(string)
			if first == "" {
				return nil
			}
			parts := []string{first}
			for _, m := range of[1:] {
				if s, ok := v[m].(string); ok {
					parts = append(parts, s)
				}
			}
			key = strings.Join(parts, " ")
		default:
			if len(of) > 0 {
				return nil
			}
			key = cmp.Or(plain(v), string(text(v)))
		}
		if seen[key] {
			return nil
		}
		seen[key] = true
		all = append(all, key)
	}
	return all
}

func plain(v any) string {
	s, _ := v.(string)
	return s
}

// kindOf says what a passage is about.
func kindOf(at []string) string {
	switch at[0] {
	case "purposes":
		switch {
		case len(at) > 2 && at[2] == "retention":
			return "period"
		case len(at) > 2 && at[2] == "categories":
			return "category"
		case len(at) > 2 && at[2] == "text":
			return "text"
		}
		return "purpose"
	case "keep", "disposal", "outsourcing":
		return "period"
	case "categories", "sets":
		return "category"
	case "recipients", "recipientKinds", "designatedCountries":
		return "recipient"
	case "sections", "groups":
		return "text"
	case "trackers":
		return "tracker"
	case "governance":
		return "review"
	case "ages", "consentAges", "consentAge":
		return "age"
	case "company", "contacts", "accredited":
		return "company"
	case "version", "effective":
		return "version"
	}
	return "other"
}
