package register

import (
	"context"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// organising is what the company tells the public, and how it governs itself.
var organising = room{shows: organisingShows, needs: organisingNeeds, gaps: func(_ context.Context, r *Register) (map[string]string, error) {
	return companyGaps(r.Gateway.Organisation().Policy), nil
}}

func organisingShows(f events.Fact, note func(what string)) {
	switch f := f.(type) {
	case *events.Collected:
		if f.Tracker != "" {
			note("collections by a tracker of the inventory")
		}
		if f.Announced {
			note("telephone recordings announced before they began")
		}
	case *events.PolicyPublished:
		if len(f.Changes) > 0 {
			note("policies published with their list of changes")
			note("changes of the policy compared with what was in force: none of a purpose without notice")
		}
		if f.Waits && slices.ContainsFunc(f.Changes, func(c events.Change) bool { return c.Major }) {
			note("major changes announced before their first day")
		}
	default: // nothing of the company's own
	}
}

const published = "policies published with their purposes"

var organisingNeeds = map[string][]string{
	"S28": {"changes of the policy compared with what was in force: none of a purpose without notice"},
	"S29": {"policies published with their list of changes"},
	"S30": {"major changes announced before their first day"},
	"S31": {published}, "S73": {published}, "S74": {published}, "S75": {published},
	"S52": {"collections by a tracker of the inventory"},
	"S53": {"collections by a tracker of the inventory"},
	"S60": {"collections by a tracker of the inventory"},
	"S64": {"telephone recordings announced before they began"},
	"S65": {"telephone recordings announced before they began", "records bound to CALL-01"},
}

// unbuilt are sentences that ask for a part of the engine which is not there: nothing in the log could show them kept.
var unbuilt = map[string]string{
	"S2": "The request desk is not there yet: people's requests are recorded, and nothing carries them out end to end.",
	"S4": "The registers of purposes, processing, recipients and datasets are there; those of requests and incidents are not yet.",
}

// companyGaps are what the policy in force leaves unsaid of the company itself (APPI 32(1), Order 10), or without a tracker where the policy
// says that it tracks.
func companyGaps(c *policy.Catalogue) map[string]string {
	gaps := map[string]string{}
	for id, why := range unbuilt {
		gaps[id] = why
	}
	if c == nil {
		return gaps
	}
	lacking := map[string][]string{}
	for _, item := range c.Items() {
		if item.Said() {
			continue
		}
		for id, items := range map[string][]events.Word{"S31": {"contact"}, "S73": {"name", "address", "representative"}, "S75": {"purposes"}} {
			if slices.Contains(items, item.ID) {
				lacking[id] = append(lacking[id], string(item.ID)+" ("+item.Law+", "+item.Path+" of the catalogue)")
			}
		}
	}
	for id, items := range lacking {
		gaps[id] = "The company has still to supply for the public page: " + strings.Join(items, ", ") + "."
	}
	if c.Company.Manager == "" {
		gaps["S74"] = "The catalogue names no manager for the protection of personal information (/company/manager)."
	}
	var missing []string
	for _, channel := range policy.TrackerChannels {
		if !slices.ContainsFunc(c.Trackers, func(t policy.Tracker) bool { return t.Channel == channel }) {
			missing = append(missing, string(channel))
		}
	}
	if len(c.Trackers) == 0 {
		gaps["S58"] = "The inventory of trackers is empty, so the public page does not say what a refusal changes."
		gaps["S59"] = "The inventory of trackers is empty, so the public page does not say whom to ask about a browser's settings."
	}
	if len(missing) > 0 {
		gaps["S60"] = "The inventory has no tracker of: " + strings.Join(missing, ", ") + "."
	}
	return gaps
}
