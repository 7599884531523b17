package register

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// organising is what the company tells the public, and how it governs itself.
var organising = room{shows: organisingShows, tells: cookiesShown, needs: organisingNeeds, gaps: func(_ context.Context, r *Register) (map[string]string, error) {
	org := r.Gateway.Organisation()
	gaps := companyGaps(org.Policy)
	if versions := org.Unlisted(); len(versions) > 0 {
		gaps["S29"] = "Published without the list of their changes, in every language of the policy: " + join(versions) + "."
	}
	return gaps, nil
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
	case *events.Used:
		if f.Allowed && f.Reason != "" {
			note("uses of " + string(f.Purpose) + " with a reason of their own")
		}
	case *events.Refused:
		if f.Type == events.TypeCollected && (f.Rule == "unknown_word" && f.Field == "/data/tracker" || f.Rule == "category_not_permitted" && f.Field == "/data/channel") {
			note(trackersRefused)
		}
	case *events.PolicyPublished:
		pageSays(f, note)
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

// cookiesShown counts notices of cookies that showed the policy in force when they were recorded; what that says is judged by its page.
func cookiesShown(e *events.Event, f events.Fact, note func(what string)) {
	n, ok := f.(*events.NoticeShown)
	if ok && (n.Deemed || n.Channel == "cookie") && n.Notice != nil && n.Notice.Policy == events.Word(e.Policy) {
		note(cookieNotices)
	}
}

const (
	trackersRefused = "collections by what is no tracker of the inventory, refused"
	cookieNotices   = "notices of cookies shown, of the policy then in force"
	saysCookies     = "policies published whose page says how to refuse cookies, what follows, and who answers about browsers"
)

// sayings are what the public page of a policy says for some sentences: what a published policy that says it counts as, and what is lacking
// where it does not, by its place in the catalogue. Who wrote the page is nobody's guess: it is made of the catalogue.
var sayings = []struct {
	of      []string
	what    string
	lacking func(*policy.Catalogue) []string
}{
	{[]string{"S31"}, "policies published with a desk: its address, mail, telephone and hours", deskLacks},
	{[]string{"S73"}, "policies published with the company's name and address", func(c *policy.Catalogue) []string { return unsaid(c, "name", "address") }},
	{[]string{"S74"}, "policies published with a manager of personal information", func(c *policy.Catalogue) []string {
		return lack("the manager for the protection of personal information (/company/manager)", c.Company.Manager)
	}},
	{[]string{"S75"}, "policies published with every disclosable purpose in every language", func(c *policy.Catalogue) []string {
		if !slices.ContainsFunc(c.Purposes, func(p policy.Purpose) bool { return p.Disclosable }) {
			return []string{"any purpose that is subject to disclosure (/purposes)"}
		}
		return unsaid(c, "purposes")
	}},
	{[]string{"S58", "S59"}, saysCookies, func(c *policy.Catalogue) []string {
		if len(c.Trackers) == 0 {
			return []string{"the inventory of trackers (/trackers), without which the page does not say how to refuse them, what follows, and whom to ask about a browser"}
		}
		return nil
	}},
}

// pageSays counts what a policy says that is published. What cannot be read as a catalogue says nothing.
func pageSays(f *events.PolicyPublished, note func(what string)) {
	c, err := policy.Parse(f.Catalogue)
	if err != nil {
		return
	}
	for _, s := range sayings {
		if len(s.lacking(c)) == 0 {
			note(s.what)
		}
	}
}

// unsaid are those of some required items that the page does not say.
func unsaid(c *policy.Catalogue, items ...events.Word) (all []string) {
	for _, item := range c.Items() {
		if slices.Contains(items, item.ID) && !item.Said() {
			all = append(all, string(item.ID)+" ("+item.Law+", "+item.Path+" of the catalogue)")
		}
	}
	return all
}

// lack is the name of what is empty.
func lack(name, what string) []string {
	if what == "" {
		return []string{name}
	}
	return nil
}

// deskLacks is what the fullest desk leaves out of what the policy promises of it.
func deskLacks(c *policy.Catalogue) []string {
	lacking := []string{"a desk that people can turn to (/contacts of the catalogue)"}
	for i, x := range c.Contacts {
		at := fmt.Sprintf("/contacts/%d", i)
		of := slices.Concat(lack("its name ("+at+"/name)", x.Name.In("en")), lack("its address ("+at+"/address)", x.Address), lack("its mail ("+at+"/mail)", x.Mail),
			lack("its telephone ("+at+"/phone)", x.Phone), lack("its hours ("+at+"/hours)", x.Hours))
		if i == 0 || len(of) < len(lacking) {
			lacking = of
		}
	}
	return lacking
}

var organisingNeeds = map[string][]string{
	"S28": {"changes of the policy compared with what was in force: none of a purpose without notice"},
	"S29": {"policies published with their list of changes"},
	"S30": {"major changes announced before their first day"},
	"S31": {sayings[0].what}, "S73": {sayings[1].what}, "S74": {sayings[2].what}, "S75": {sayings[3].what},
	"S58": {saysCookies, cookieNotices},
	"S59": {saysCookies},
	"S52": {"collections by a tracker of the inventory"},
	"S53": {"collections by a tracker of the inventory", trackersRefused},
	"S60": {"collections by a tracker of the inventory"},
	"S64": {"telephone recordings announced before they began"},
	"S65": {"telephone recordings announced before they began", "records bound to CALL-01", "uses of CALL-01 with a reason of their own"},
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
	for _, s := range sayings {
		for _, id := range s.of {
			lacking[id] = append(lacking[id], s.lacking(c)...)
		}
	}
	lacking["S73"] = append(lacking["S73"], unsaid(c, "representative")...) // the law asks for it; the sentence for the name alone
	for id, items := range lacking {
		if len(items) > 0 {
			gaps[id] = "The company has still to supply for the public page: " + strings.Join(items, ", ") + "."
		}
	}
	var missing []string
	for _, channel := range policy.TrackerChannels {
		if !slices.ContainsFunc(c.Trackers, func(t policy.Tracker) bool { return t.Channel == channel }) {
			missing = append(missing, string(channel))
		}
	}
	if len(missing) > 0 {
		gaps["S60"] = "The inventory has no tracker of: " + strings.Join(missing, ", ") + "."
	}
	return gaps
}
