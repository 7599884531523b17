package register

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
	projection "github.com/daicho-dev/daicho/projections/evidence"
)

// evidence is what the log shows, counted under names; obligations are judged by it. It is counted from facts alone: nothing is kept
// because somebody says so.
type evidence map[string]contracts.Evidence

// Shows tells which evidence an event is, in any room: what the projection of evidence counts.
func Shows(e *events.Event, f events.Fact, note func(what string)) {
	for _, room := range rooms {
		if room.shows != nil {
			room.shows(f, note)
		}
		if room.tells != nil {
			room.tells(e, f, note)
		}
	}
}

// Needed are the names of all evidence that a sentence needs.
func Needed() []string {
	var all []string
	for _, room := range rooms {
		for _, names := range room.needs {
			all = append(all, names...)
		}
		all = append(all, room.counts...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (r *Register) evidence(ctx context.Context) (found evidence, err error) {
	r.level(ctx, r.Evidence)
	err = r.Evidence.Ask(func(e *projection.Evidence) error {
		found, err = e.All(ctx)
		return err
	})
	return found, err
}

// room is what one part of the engine shows of the policy: which facts are evidence of what, and what each sentence needs.
type room struct {
	shows func(f events.Fact, note func(what string))
	// tells is for evidence that rests on an event's type too. May be nil, as shows may.
	tells func(e *events.Event, f events.Fact, note func(what string))
	needs map[string][]string // of a sentence: names of evidence; all must be there. A name never changes its meaning
	// counts are further names: those that weigh and caveats rest on. May be nil, as they may.
	counts []string
	// weigh tells what only the policy in force can say of what is counted: it adds to the evidence, and answers gaps, as gaps does.
	weigh func(c *policy.Catalogue, ev evidence) map[string]string
	// gaps are sentences that are not kept at this moment, with the reason: something overdue, something missing. May be nil.
	gaps func(ctx context.Context, r *Register) (map[string]string, error)
	// caveats are what the evidence of sentences does not show, whatever their state. May be nil.
	caveats func(r *Register, ev evidence) map[string][]string
}

var rooms = []room{
	handling,
	outsourcing,
	datasets,
	disposing,
	organising,
	observing,
	governing,
}

// handling is what collection and use show.
var handling = room{
	needs: handlingNeeds, shows: handlingShows, caveats: handlingCaveats, counts: []string{toldUsedFor}, weigh: handlingWeigh,
}

func handlingShows(f events.Fact, note func(what string)) {
	switch f := f.(type) {
	case *events.Collected:
		note("collections recorded with operation, purpose and category")
		for _, b := range f.Purposes {
			if len(b.Of) > 0 {
				note("records bound to " + string(b.ID))
			}
		}
		for _, rec := range f.Records {
			switch rec.Category {
			case "pd:Transaction", "pd:Purchase", "pd:TravelHistory", "ts:RentalDevice":
				note("transaction records held as personal data")
			}
		}
		if f.Minor {
			note("minors collected with a guardian's consent")
		}
		if f.Transport == "tls" {
			note("collections over an encrypted connection")
		}
		if f.Role == "processor" {
			note("entrusted records kept apart as not disclosable")
		}
		if f.Channel == "web" && f.Transport == "tls" {
			note("pages of the web that asked for personal information over an encrypted connection")
		}
		if f.Channel == "cookie" && f.Person.Kind == "visitor" {
			note("visits recorded under the identifier of a browser")
		}
		if !f.Person.Birthdate.IsZero() {
			note("ages judged by the table at collection")
		}
	case *events.PurposeBound:
		if len(f.Of) > 0 {
			note("records bound to " + string(f.Purpose))
		}
	case *events.Refused:
		note("refused: " + string(f.Rule))
	case *events.Used:
		usedShows(f, note)
	case *events.NoticeShown:
		if f.Deemed {
			note("deemed acknowledgements recorded as notices, never as consent")
		}
	case *events.TrackingRefused:
		note("refusals of tracking taken")
	case *events.Accessed:
		note("looks at values recorded before they were shown")
	default: // no evidence of a sentence by itself
	}
}

// usedShows is what a use, or an attempt at one, shows: refused, only where the data is there and does not serve the purpose that was asked
// for: that something is not there shows nothing.
func usedShows(f *events.Used, note func(what string)) {
	note("uses asked of the purpose gate")
	beyond := f.Rule == "category_not_permitted" || f.Rule == "purpose_not_bound"
	if beyond {
		note(usesBeyond)
	}
	browsers := slices.ContainsFunc(f.Categories, func(c events.Word) bool { return slices.Contains(toldByBrowsers, c) })
	switch {
	case browsers && f.Allowed:
		note(toldUsedFor + string(f.Purpose))
		if f.Purpose == "CK-01" {
			note("uses of what browsers told for adjusting the website")
		}
	case browsers && beyond && f.Purpose != "CK-01":
		note(toldBeyond)
	}
}

const (
	usesBeyond  = "uses refused: the data serves other purposes"
	toldBeyond  = "uses of what browsers told refused: it serves other purposes"
	toldUsedFor = "uses of what browsers told for: " // a purpose
)

// handlingWeigh finds uses of what browsers told that were let pass for something that no tracker of the inventory serves.
func handlingWeigh(c *policy.Catalogue, ev evidence) map[string]string {
	var all []string
	for _, what := range slices.Sorted(maps.Keys(ev)) {
		purpose, ok := strings.CutPrefix(what, toldUsedFor)
		if ok && !slices.ContainsFunc(c.Trackers, func(t policy.Tracker) bool { return t.Serves(events.Word(purpose)) }) {
			all = append(all, fmt.Sprintf("%s (%d)", purpose, ev[what].Count))
		}
	}
	if len(all) == 0 {
		return nil
	}
	return map[string]string{"S55": "What browsers told was used for purposes that no tracker of the inventory serves: " + strings.Join(all, ", ") + "."}
}

// handlingCaveats say what an emitter's word is worth.
func handlingCaveats(*Register, evidence) map[string][]string {
	const own = "That a page or a form was encrypted is what the system that collected says of itself; the register refuses what says otherwise, and sees no page."
	return map[string][]string{"S61": {own}, "S62": {own}}
}

// toldByBrowsers are the categories that cookies and the like give.
var toldByBrowsers = []events.Word{
	"pd:IPAddress", "pd:BrowsingBehaviour", "pd:BrowserFingerprint", "pd:UserAgent", "pd:LinkClicked", "pd:BrowserHistory", "ts:CookieID",
}

var handlingNeeds = map[string][]string{
	"S1":  {"collections recorded with operation, purpose and category"},
	"S7":  {"collections recorded with operation, purpose and category", "refused: unknown_purpose"},
	"S8":  {"uses asked of the purpose gate", usesBeyond},
	"S10": {"refused: category_not_permitted"},
	"S32": {"transaction records held as personal data"},
	"S33": {"minors collected with a guardian's consent", "refused: minor"},
	"S34": {"ages judged by the table at collection", "refused: minor"},
	"S35": {"uses asked of the purpose gate", usesBeyond, "refused: unknown_purpose"},
	"S36": {"records bound to SVC-01"}, "S37": {"records bound to SVC-02"}, "S38": {"records bound to SVC-03"}, "S39": {"records bound to SVC-04"},
	"S40": {"records bound to SVC-05"}, "S41": {"records bound to SVC-06"}, "S42": {"records bound to SVC-07"}, "S43": {"records bound to SVC-08"},
	"S44": {"records bound to SVC-09"}, "S45": {"records bound to DM-01"}, "S46": {"records bound to DM-02"}, "S47": {"records bound to HR-01"},
	"S48": {"records bound to SP-01"},
	"S49": {"entrusted records kept apart as not disclosable"},
	"S54": {"visits recorded under the identifier of a browser"},
	"S55": {"records bound to CK-01", "uses of what browsers told for adjusting the website", toldBeyond},
	"S56": {"deemed acknowledgements recorded as notices, never as consent"},
	"S57": {"refusals of tracking taken", "refused: tracking_refused"},
	"S61": {"pages of the web that asked for personal information over an encrypted connection"},
	"S62": {"collections over an encrypted connection"},
}

// gaps are what the rooms know to be wrong now, by sentence. What the policy in force says of the evidence is added to it.
func (r *Register) gaps(ctx context.Context, ev evidence) (map[string][]string, error) {
	all := map[string][]string{}
	c := r.Gateway.Organisation().Policy
	for _, room := range rooms {
		if room.weigh != nil && c != nil {
			for id, reason := range room.weigh(c, ev) {
				all[id] = append(all[id], reason)
			}
		}
		if room.gaps == nil {
			continue
		}
		some, err := room.gaps(ctx, r)
		if err != nil {
			return nil, err
		}
		for id, reason := range some {
			all[id] = append(all[id], reason)
		}
	}
	return all, nil
}

// caveats are what the rooms say beside the evidence, by sentence.
func (r *Register) caveats(ev evidence) map[string][]string {
	all := map[string][]string{}
	for _, room := range rooms {
		if room.caveats == nil {
			continue
		}
		for id, texts := range room.caveats(r, ev) {
			all[id] = append(all[id], texts...)
		}
	}
	return all
}

func (ev evidence) judge(o *contracts.Obligation, gaps []string) {
	var want []string
	for _, room := range rooms {
		want = append(want, room.needs[o.ID]...)
	}
	if len(want) == 0 && len(gaps) == 0 {
		o.Caveats = append(o.Caveats, "No evidence is gathered for this sentence yet.")
		return
	}
	missing := false
	for _, what := range want {
		if x, ok := ev[what]; ok {
			o.Evidence = append(o.Evidence, x)
		} else {
			missing = true
			o.Caveats = append(o.Caveats, "The log shows nothing yet of: "+what+".")
		}
	}
	switch {
	case len(gaps) > 0:
		o.State = "gap"
		o.Caveats = append(o.Caveats, gaps...)
	case !missing:
		o.State = "kept"
	}
}
