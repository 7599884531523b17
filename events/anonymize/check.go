package anonymize

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// Check says what is wrong with a recipe, before any value is opened: nil, or the first fault, with its rule and a JSON Pointer into
// the recipe. It refuses what could not pass the five criteria whatever the data: a category that identifies and is left as it is.
func Check(r *Recipe, c *policy.Catalogue) *events.Refusal {
	purpose := c.Purpose(r.Purpose)
	switch {
	case r.Purpose == "":
		return wrong("/purpose", "is required: the purpose of use under which the source is processed")
	case purpose == nil:
		return refuse("unknown_purpose", "/purpose", "is not a purpose of the policy in force")
	case r.Aim == "":
		return wrong("/aim", "is required: what the dataset is made for, in a few words")
	case r.Per != "person" && r.Per != "matter":
		return wrong("/per", "is person or matter")
	case r.K < MinK:
		return wrong("/k", "is at least "+strconv.Itoa(MinK))
	case r.K > 1_000_000:
		return wrong("/k", "is more than a million")
	case r.L < 0 || r.L > 1000:
		return wrong("/l", "is between 0 and 1,000")
	case r.T < 0 || r.T > 100:
		return wrong("/t", "is a share in percent")
	case r.Suppress < 0 || r.Suppress > 50:
		return wrong("/suppress", "is a share in percent, at most 50")
	case len(r.Columns) == 0:
		return wrong("/columns", "is empty")
	case len(r.Columns) > maxColumns:
		return wrong("/columns", "has more than 40 columns")
	}
	if bad := r.Query.check(c, purpose); bad != nil {
		return bad
	}
	names := map[string]bool{}
	out, quasi := 0, 0
	for i := range r.Columns {
		col := &r.Columns[i]
		at := "/columns/" + strconv.Itoa(i)
		if bad := col.check(r, c, purpose, at); bad != nil {
			return bad
		}
		if names[col.Name] {
			return wrong(at+"/name", "is the name of another column")
		}
		names[col.Name] = true
		if !col.Dropped() {
			out++
			if !col.Sensitive {
				quasi++
			}
		}
	}
	switch {
	case out == 0:
		return wrong("/columns", "drops every column")
	case quasi == 0:
		return wrong("/columns", "declares every column sensitive; what somebody could know of a person from elsewhere is a quasi-identifier")
	case quasi > maxQuasi:
		return wrong("/columns", "leaves more than 20 quasi-identifiers; no group stays large enough")
	}
	return nil
}

func (q *Query) check(c *policy.Catalogue, purpose *policy.Purpose) *events.Refusal {
	if len(q.Categories) == 0 {
		return wrong("/query/categories", "is empty: name the categories of the source records")
	}
	for i, k := range q.Categories {
		if bad := permitted(c, purpose, k, "/query/categories/"+strconv.Itoa(i)); bad != nil {
			return bad
		}
	}
	if q.Operation != "" && !slices.Contains([]events.Word{"rental", "sales", "content", "hr", "entrusted"}, q.Operation) {
		return wrong("/query/operation", "is rental, sales, content, hr or entrusted")
	}
	switch q.Operation {
	case "entrusted":
		return refuse("not_permitted", "/query/operation", "entrusted records are a client's, not the company's to make anything of")
	case "hr":
		return refuse("not_permitted", "/query/operation", "no dataset is made of personnel files")
	}
	if q.Location != "" && !c.HasLocation(q.Location) {
		return refuse("unknown_location", "/query/location", "is not a location of the policy in force")
	}
	for _, d := range []struct {
		day events.Day
		at  string
	}{{q.From, "/query/from"}, {q.To, "/query/to"}} {
		if _, err := time.Parse("2006-01-02", string(d.day)); d.day != "" && err != nil {
			return wrong(d.at, "is not a day (2006-01-02)")
		}
	}
	return nil
}

func permitted(c *policy.Catalogue, purpose *policy.Purpose, category events.Word, at string) *events.Refusal {
	k, ok := c.Category(category)
	switch {
	case !ok:
		return refuse("unknown_category", at, "is not a category of the policy in force")
	case !purpose.Permits(category):
		return refuse("category_not_permitted", at, "is not a category that this purpose permits")
	case k.Special:
		return refuse("category_not_permitted", at, "is care-required (APPI 2(3)); no dataset is made of it here")
	case personnel(c, purpose, category):
		return refuse("category_not_permitted", at, "is held of staff and applicants only; no dataset is made of personnel files")
	}
	return nil
}

// personnel says that, of all other purposes, only some about staff and applicants name a category.
func personnel(c *policy.Catalogue, purpose *policy.Purpose, category events.Word) bool {
	only := false
	for i := range c.Purposes {
		p := &c.Purposes[i]
		if named, _ := p.Permitted(); p == purpose || !slices.Contains(named, category) {
			continue
		}
		if !slices.Contains(p.Subjects, "dpv:Employee") && !slices.Contains(p.Subjects, "dpv:JobApplicant") {
			return false
		}
		only = true
	}
	return only
}

func (col *Column) check(r *Recipe, c *policy.Catalogue, purpose *policy.Purpose, at string) *events.Refusal {
	if !isName(col.Name) {
		return wrong(at+"/name", "is of a-z, 0-9 and _, at most 40, and begins with a letter")
	}
	if len(col.Steps) > maxSteps {
		return wrong(at+"/steps", "has more than 10 steps")
	}
	for i := range col.Steps {
		if bad := col.Steps[i].check(at+"/steps/"+strconv.Itoa(i), i == len(col.Steps)-1); bad != nil {
			return bad
		}
	}
	switch {
	case (col.Category == "") == (col.Field == ""):
		return wrong(at, "takes either a category or a field")
	case col.Field != "":
		return col.checkField(c, at)
	case col.Until != "":
		return wrong(at+"/until", "belongs to the field days")
	}
	if _, ok := c.Category(col.Category); !ok {
		return refuse("unknown_category", at+"/category", "is not a category of the policy in force")
	}
	if col.Dropped() {
		return nil
	}
	if n := NatureOf(c, col.Category); n != Plain && !slices.ContainsFunc(col.Steps, func(s Step) bool { return generalizing(n, &s) }) {
		return refuse("not_permitted", at+"/steps", [...]string{
			Identifying: "leaves what identifies a person by itself (Rule 34(1)): drop it, or make it a place, a time or a wider group",
			Code:        "leaves an individual identification code (Rule 34(2)): drop it",
			Linking:     "leaves a code that leads to other information (Rule 34(3)): drop it, or generalize it",
		}[n])
	}
	if bad := permitted(c, purpose, col.Category, at+"/category"); bad != nil {
		return bad
	}
	if !slices.Contains(r.Query.Categories, col.Category) {
		return wrong(at+"/category", "is not among the categories of the query")
	}
	if col.Path != "" && !strings.HasPrefix(col.Path, "/") {
		return wrong(at+"/path", "is a JSON Pointer, as /destination/country")
	}
	return nil
}

func (col *Column) checkField(c *policy.Catalogue, at string) *events.Refusal {
	coarse := slices.ContainsFunc(col.Steps, func(s Step) bool { return s.Time != "" || s.Drop })
	switch {
	case !slices.Contains(Fields, col.Field):
		return wrong(at+"/field", "is none of person.country, person.kind, person.minor, operation, source, location, collected, days, records")
	case col.Path != "":
		return wrong(at+"/path", "belongs to a category")
	case col.Field == "collected" && !coarse:
		return refuse("not_permitted", at+"/steps", "leaves the moment of each collection (Rule 34(5)): coarsen it by time")
	case col.Field == "days" && !c.HasMilestone(col.Until):
		return refuse("unknown_word", at+"/until", "is not a milestone of the policy in force")
	case col.Field != "days" && col.Until != "":
		return wrong(at+"/until", "belongs to the field days")
	}
	return nil
}

func (s *Step) check(at string, last bool) *events.Refusal {
	switch s.name() {
	case "":
		return wrong(at, "names no step: drop, generalize, band, top, bottom, time, place or suppress")
	case "?":
		return wrong(at, "names several steps; each is one entry")
	case "generalize":
		g := s.Generalize
		switch {
		case len(g.To) > 0 == (g.Prefix > 0):
			return wrong(at+"/generalize", "has either a table (to) or a prefix")
		case g.Prefix < 0 || g.Prefix > 8:
			return wrong(at+"/generalize/prefix", "is between 1 and 8")
		case g.Other != "" && len(g.To) == 0:
			return wrong(at+"/generalize/other", "belongs to a table")
		case len(g.To) > 10_000:
			return wrong(at+"/generalize/to", "has more than 10,000 entries")
		}
	case "band":
		if !(s.Band.Width > 0) || math.Abs(s.Band.From) > 1e15 || s.Band.Width > 1e15 {
			return wrong(at+"/band/width", "is a positive number")
		}
	case "top", "bottom":
	case "time":
		if !slices.Contains([]events.Word{"year", "half", "quarter", "month"}, s.Time) {
			return wrong(at+"/time", "is year, half, quarter or month")
		}
	case "place":
		if !slices.Contains([]events.Word{"country", "prefecture", "region"}, s.Place) {
			return wrong(at+"/place", "is country, prefecture or region")
		}
	case "suppress":
		if s.Suppress.Fewer < 2 || !last {
			return wrong(at+"/suppress", "is the last step, and at least 2")
		}
	}
	return nil
}

func isName(s string) bool {
	if s == "" || len(s) > maxName || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_') {
			return false
		}
	}
	return true
}

func wrong(at, text string) *events.Refusal { return refuse(events.RuleSchema, at, text) }

func refuse(rule, at, text string) *events.Refusal {
	return &events.Refusal{Rule: rule, Field: at, Text: text}
}
