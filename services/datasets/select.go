package datasets

import (
	"slices"
	"strings"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/anonymize"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/events/policy"
)

// selected is what one row of the source is made of: the records of a person, or of one matter of theirs, the oldest first.
type selected struct {
	matter  events.Key
	records []*person.Record
}

// choose are the rows that a recipe makes of a person. What may not be used is passed over: what is suspended, held for a case or kept from
// third parties, disposed of or waiting to be; what is a client's; everything of staff and applicants; and whatever lies behind a wall.
func choose(r *anonymize.Recipe, c *policy.Catalogue, s *person.State) []selected {
	if !s.Exists() || s.Kind == "employee" || s.Kind == "applicant" || r.Query.Kind != "" && s.Kind != r.Query.Kind {
		return nil
	}
	purpose := c.Purpose(r.Purpose)
	rows := map[events.Key]int{}
	var all []selected
	for i := range s.Records {
		rec := &s.Records[i]
		if !free(c, s, rec) || !asked(&r.Query, c, rec) || !permitted(c, purpose, s, rec) {
			continue
		}
		at := events.Key("")
		if r.Per == "matter" {
			if at = rec.Matter; at == "" {
				continue
			}
		}
		j, ok := rows[at]
		if !ok {
			j = len(all)
			rows[at], all = j, append(all, selected{matter: rec.Matter})
		}
		all[j].records = append(all[j].records, rec)
	}
	for i := range all {
		slices.SortStableFunc(all[i].records, func(a, b *person.Record) int { return a.Collected.Time.Compare(b.Collected.Time) })
		all[i].matter = all[i].records[len(all[i].records)-1].Matter
	}
	return all
}

// free says that nothing speaks against the use of a record.
func free(c *policy.Catalogue, s *person.State, rec *person.Record) bool {
	var bound []events.Word
	for i := range rec.Bindings {
		bound = append(bound, rec.Bindings[i].Purpose)
	}
	return rec.Live() && !rec.Suspended && !rec.Ceased && !rec.Processor && rec.Operation != "hr" && rec.Object == "" &&
		len(s.Held(rec)) == 0 && len(c.Behind(rec.Category, bound)) == 0
}

// asked says that a query names a record.
func asked(q *anonymize.Query, c *policy.Catalogue, rec *person.Record) bool {
	day := c.On(rec.Collected.Time).String()
	return slices.Contains(q.Categories, rec.Category) &&
		(q.Operation == "" || rec.Operation == q.Operation) &&
		(q.Location == "" || slices.ContainsFunc(rec.Locations, func(p person.Place) bool { return p.ID == q.Location && p.Until == nil })) &&
		(q.From == "" || day >= string(q.From)) && (q.To == "" || day < string(q.To))
}

// permitted says that a record may be used for the recipe's purpose: it is bound to it; or the purpose is the making of anonymously
// processed information, which takes what was collected for others, under a basis of its own for this person's country, as long as
// something still binds the record and the person has not objected.
func permitted(c *policy.Catalogue, purpose *policy.Purpose, s *person.State, rec *person.Record) bool {
	if rec.Bound(purpose.ID) != nil {
		return true
	}
	if !slices.Contains(purpose.Processing, "dpv:Anonymise") {
		return false
	}
	bound := false
	for i := range rec.Bindings {
		b := &rec.Bindings[i]
		if b.Purpose == purpose.ID && (b.Reason == "objected" || b.Reason == "withdrawn") {
			return false
		}
		bound = bound || b.Ended == nil
	}
	country := events.Word(s.Country)
	return bound && (c.Takes(purpose, "legitimate_interest", country) || c.Takes(purpose, "consent", country) && s.Consented(purpose.ID) != nil)
}

// categories are those of the records of some rows, each once.
func categories(rows []selected) []events.Word {
	var all []events.Word
	for _, row := range rows {
		for _, rec := range row.records {
			if !slices.Contains(all, rec.Category) {
				all = append(all, rec.Category)
			}
		}
	}
	return all
}

// field is what the register knows of a row in the clear.
func field(col *anonymize.Column, c *policy.Catalogue, s *person.State, row selected) anonymize.Value {
	first, last := row.records[0], row.records[len(row.records)-1]
	switch col.Field {
	case "person.country":
		return anonymize.Text(string(s.Country))
	case "person.kind":
		return anonymize.Text(string(s.Kind))
	case "person.minor":
		if s.Minor {
			return anonymize.Text("yes")
		}
		return anonymize.Text("no")
	case "operation":
		return anonymize.Text(string(last.Operation))
	case "source":
		return anonymize.Text(last.Source)
	case "location":
		var at []string
		for _, p := range last.Locations {
			if p.Until == nil {
				at = append(at, string(p.ID))
			}
		}
		slices.Sort(at)
		return anonymize.Text(strings.Join(at, " "))
	case "collected":
		return anonymize.Moment(first.Collected.Time.In(c.Zone()))
	case "days":
		marks := s.Own
		if row.matter != "" {
			marks = s.Matters[row.matter]
		}
		end, ok := marks[col.Until]
		if !ok || end.Time.Before(first.Collected.Time) {
			return anonymize.Value{}
		}
		return anonymize.Number(days(c, first.Collected.Time, end.Time))
	case "records":
		return anonymize.Number(float64(len(row.records)))
	}
	return anonymize.Value{}
}

// days counts civil days in the company's zone.
func days(c *policy.Catalogue, from, to time.Time) float64 {
	day := func(t time.Time) time.Time {
		y, m, d := t.In(c.Zone()).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return day(to).Sub(day(from)).Hours() / 24
}
