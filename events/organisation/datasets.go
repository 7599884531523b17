package organisation

import (
	"slices"
	"strconv"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/anonymize"
	"github.com/daicho-dev/daicho/events/policy"
)

// Dataset is anonymously processed information that was made here, and what has become of it.
type Dataset struct {
	Made      events.Dataset // as it was measured
	Source    policy.Mark
	Published *policy.Mark
	Methods   []events.Word // how it is going to be provided, as published
	Provided  []Provision
	Uses      int
	Joins     int // attempts to join it with other information, all refused
	Destroyed *policy.Mark
}

// Provision is one handing over of a dataset to a third party.
type Provision struct {
	Recipient events.Word
	Method    events.Word
	At        policy.Mark
}

// Label is what a third party is told that a dataset is (APPI 43(4), 44; Rule 38).
const Label = events.Word("anonymously_processed_information")

func dataset(was *Dataset, e *events.Event, f *events.Dataset) *Dataset {
	d := Dataset{}
	if was != nil {
		d = *was
	}
	mark := policy.Mark{Type: events.Word(e.Type), Word: events.Word(f.Dataset), Time: e.Time, Position: e.Position}
	switch e.Type {
	case events.TypeDatasetAnonymized:
		d.Made, d.Source = *f, mark
	case events.TypeDatasetPublished:
		if d.Published == nil {
			d.Published = &mark
		}
		d.Methods = slices.Clone(d.Methods)
		for _, m := range f.Methods {
			if !has(d.Methods, m) {
				d.Methods = append(d.Methods, m)
			}
		}
	case events.TypeDatasetUsed:
		d.Uses++
	case events.TypeDatasetProvided:
		d.Provided = append(slices.Clone(d.Provided), Provision{f.Recipient, f.Method, mark})
	case events.TypeDatasetDestroyed:
		d.Destroyed = &mark
	case events.TypeDatasetJoinRefused:
		d.Joins++
	}
	return &d
}

// datasetRules are the order in which anonymously processed information may come to be, be published, used and handed over.
func (s *State) datasetRules(in Submission, f *events.Dataset) *events.Refusal {
	d := s.Datasets[f.Dataset]
	if in.Kind.Type == events.TypeDatasetAnonymized {
		if d != nil {
			return refuse("key_taken", "/data/dataset", "is the name of another dataset")
		}
		return s.sound(f)
	}
	switch {
	case f.K+f.Rows+f.People+f.Groups+f.MaxRisk+f.MeanRisk+len(f.Criteria)+len(f.Destroyed) > 0 || f.Recipe != "" || f.Digest != "" || f.Parquet != "":
		return refuse(events.RuleSchema, "/data", "has a measure, which only the making of a dataset may tell")
	case stray(in.Kind.Type, f):
		return refuse(events.RuleSchema, "/data", "has a field that belongs to another step in the life of a dataset")
	case d == nil:
		return refuse("record_unknown", "/data/dataset", "names no dataset that was made here")
	case in.Kind.Type == events.TypeDatasetJoinRefused:
		return nil
	case d.Destroyed != nil:
		return refuse("record_gone", "/data/dataset", "names a dataset that was destroyed")
	}
	switch in.Kind.Type {
	case events.TypeDatasetPublished:
		if !same(f.Items, d.Made.Items) {
			return refuse("not_permitted", "/data/items", "are not the items of information that the dataset contains (APPI 43(3); Rule 36)")
		}
	case events.TypeDatasetUsed:
		switch {
		case s.Policy.Purpose(f.Purpose) == nil:
			return refuse("unknown_purpose", "/data/purpose", "is not known to the policy in force")
		case d.Published == nil:
			return refuse("not_permitted", "/data/dataset", "names a dataset whose items are not published yet; publish them before it is used (APPI 43(3); Rule 36)")
		}
	case events.TypeDatasetProvided:
		return s.provision(d, f)
	}
	return nil
}

// stray says that a step carries what only another one does: a use that looked like a publication would be evidence of nothing.
func stray(typ string, f *events.Dataset) bool {
	items, provision := len(f.Items)+len(f.Methods) > 0, f.Recipient != "" || f.Method != "" || f.Label != ""
	switch typ {
	case events.TypeDatasetPublished:
		return provision || f.Purpose != "" || len(f.Categories) > 0
	case events.TypeDatasetUsed:
		return items || provision || len(f.Categories) > 0
	case events.TypeDatasetProvided:
		return items || len(f.Categories) > 0
	case events.TypeDatasetDestroyed:
		return items || provision || f.Purpose != "" || len(f.Categories) > 0
	}
	return items || provision // a join that was refused names what was to be joined, and for what
}

// sound asks whether a dataset may come to be at all: all five criteria met, nobody too much alone, and everything that leads back destroyed.
func (s *State) sound(f *events.Dataset) *events.Refusal {
	purpose := s.Policy.Purpose(f.Purpose)
	switch {
	case f.Recipe == "" || len(f.Items) == 0 || len(f.Categories) == 0 || f.Digest == "" || f.Parquet == "":
		return refuse(events.RuleSchema, "/data", "a dataset has a recipe, items, source categories and the digests of its files")
	case len(f.Destroyed) == 0 || f.DestroyedAt == "":
		return refuse("not_permitted", "/data/destroyed", "is missing: mapping tables and random parameters are destroyed before a dataset is one (APPI 43(2))")
	case purpose == nil:
		return refuse("unknown_purpose", "/data/purpose", "is not known to the policy in force")
	case len(f.Criteria) != 5:
		return refuse("not_permitted", "/data/criteria", "are not the five criteria of Rule 34")
	}
	for i, c := range f.Criteria {
		if c.Number != i+1 || !c.Met {
			return refuse("not_permitted", "/data/criteria/"+strconv.Itoa(i), "is not met (APPI 43(1); Rule 34)")
		}
	}
	if f.K < anonymize.MinK || f.Rows < f.K || f.People < f.K {
		return refuse("not_permitted", "/data/k", "is smaller than "+strconv.Itoa(anonymize.MinK))
	}
	for i, c := range f.Categories {
		if !purpose.Permits(c) {
			return refuse("category_not_permitted", "/data/categories/"+strconv.Itoa(i), "is not permitted by the purpose")
		}
	}
	return nil
}

// provision asks whether a dataset may go to a third party: only with its items and the method published beforehand, and only when the
// third party is told what it is (APPI 43(4), 44; Rules 37, 38).
func (s *State) provision(d *Dataset, f *events.Dataset) *events.Refusal {
	switch {
	case d.Published == nil:
		return refuse("not_permitted", "/data/dataset", "names a dataset whose items and method of provision are not published yet (APPI 43(4), 44; Rule 37)")
	case f.Method == "" || !has(d.Methods, f.Method):
		return refuse("not_permitted", "/data/method", "is not among the published methods of provision (APPI 43(4), 44; Rule 37)")
	case f.Label != Label:
		return refuse("not_permitted", "/data/label", "does not tell the third party that this is anonymously processed information (APPI 43(4), 44; Rule 38)")
	}
	if r := known(s, f.Recipient); r != nil {
		return r
	}
	if s.Policy.Purpose(f.Purpose) == nil {
		return refuse("unknown_purpose", "/data/purpose", "is not known to the policy in force")
	}
	if to := s.Recipients[f.Recipient]; !to.Active || !to.Takes(f.Purpose, "third_party") {
		return refuse("recipient_not_permitted", "/data/recipient", "is not registered as a third party for this purpose, or no longer")
	}
	return nil
}

// same says that two lists have the same words, in any order.
func same(a, b []events.Word) bool {
	for _, w := range a {
		if !has(b, w) {
			return false
		}
	}
	for _, w := range b {
		if !has(a, w) {
			return false
		}
	}
	return true
}
