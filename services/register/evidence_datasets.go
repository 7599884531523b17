package register

import (
	"context"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/anonymize"
	"github.com/daicho-dev/daicho/events/organisation"
)

// datasets is what the making and the life of anonymously processed information show.
var datasets = room{
	tells: datasetsTell,
	needs: map[string][]string{
		"S66": {"datasets measured, with k of 5 people at least", "datasets tried with every row of their source as a key, nobody found alone"},
		"S67": {"datasets that met all five criteria of Rule 34"},
		"S68": {"datasets whose mapping tables and random parameters were destroyed before they left"},
		"S69": {"datasets whose items were published"},
		"S70": {"datasets tried with every row of their source as a key, nobody found alone", "attempts to join a dataset with people's data, refused"},
		"S71": {"datasets handed over with the label of anonymously processed information"},
		"S72": {"publications of items together with methods of provision", "datasets handed over with the label of anonymously processed information"},
	},
	gaps: func(ctx context.Context, r *Register) (map[string]string, error) {
		if r.Datasets == nil {
			return nil, nil
		}
		return r.Datasets.Gaps(ctx)
	},
}

func datasetsTell(e *events.Event, f events.Fact, note func(what string)) {
	d, ok := f.(*events.Dataset)
	if !ok {
		return
	}
	switch e.Type {
	case events.TypeDatasetAnonymized:
		measuredWell(d, note)
	case events.TypeDatasetPublished:
		note("datasets whose items were published")
		if len(d.Methods) > 0 {
			note("publications of items together with methods of provision")
		}
	case events.TypeDatasetProvided:
		if d.Label == organisation.Label {
			note("datasets handed over with the label of anonymously processed information")
		}
	case events.TypeDatasetJoinRefused:
		note("attempts to join a dataset with people's data, refused")
	}
}

func measuredWell(d *events.Dataset, note func(what string)) {
	met := len(d.Criteria) == 5
	for _, k := range d.Criteria {
		met = met && k.Met
	}
	if met {
		note("datasets that met all five criteria of Rule 34")
	}
	if d.K >= anonymize.MinK {
		note("datasets measured, with k of 5 people at least")
	}
	if met && d.Linked > 0 {
		note("datasets tried with every row of their source as a key, nobody found alone")
	}
	if len(d.Destroyed) > 0 && d.DestroyedAt != "" {
		note("datasets whose mapping tables and random parameters were destroyed before they left")
	}
}
