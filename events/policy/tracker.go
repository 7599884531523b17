package policy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/daicho-dev/daicho/events"
)

// Tracker is a technology by which people's terminals or their reading are observed, as the inventory names it: what is not in the
// inventory does not collect. Who runs it is the company, or a recipient; then it is an external transmission (Telecommunications Business
// Act 27-12), and content, recipient and purpose are published.
type Tracker struct {
	ID         events.Word   `json:"id"`
	Name       string        `json:"name,omitzero"` // of the cookie, the file, the component
	Label      Text          `json:"label"`
	Technology events.Word   `json:"technology"`       // cookie, storage, pixel, link, sdk, tag
	Channel    events.Word   `json:"channel"`          // website, online_service, talking_application, email, advertisement
	Operator   events.Word   `json:"operator"`         // company, or a recipient
	Country    events.Word   `json:"country,omitzero"` // where the operator takes it
	Content    Text          `json:"content"`
	Categories []events.Word `json:"categories"`
	Purposes   []events.Word `json:"purposes"`
	Lifetime   Period        `json:"lifetime,omitzero"` // none: until the browser or the application is closed
	Sources    []string      `json:"sources,omitempty"` // paths that collect with it; none: any
	Assumption string        `json:"assumption,omitzero"`

	collects words
}

// Company is the operator of what is the company's own.
const company = events.Word("company")

// The five channels that the policy names, and the technologies that a tracker may be of.
var (
	TrackerChannels = []events.Word{"website", "online_service", "talking_application", "email", "advertisement"}
	technologies    = []events.Word{"cookie", "storage", "pixel", "link", "sdk", "tag"}
)

// External says that a tracker sends what it observes to somebody else.
func (t *Tracker) External() bool { return t.Operator != company }

// Stored says that a tracker leaves something on the terminal, which a browser can be set to refuse.
func (t *Tracker) Stored() bool { return t.Technology == "cookie" || t.Technology == "storage" }

// On says whether a refusal on a channel reaches the tracker: of cookies, whatever a browser can be set to refuse.
func (t *Tracker) On(channel events.Word) bool {
	switch channel {
	case "cookie":
		return t.Stored()
	case "web":
		return t.Channel == "website" || t.Channel == "online_service" || t.Channel == "advertisement"
	case "app":
		return t.Channel == "talking_application"
	case "mail":
		return t.Channel == "email"
	}
	return false
}

// Tracker finds a tracker of the inventory, or nil.
func (c *Catalogue) Tracker(id events.Word) *Tracker {
	for i := range c.Trackers {
		if c.Trackers[i].ID == id {
			return &c.Trackers[i]
		}
	}
	return nil
}

// From says whether a source collects with the tracker.
func (t *Tracker) From(source string) bool {
	return len(t.Sources) == 0 || slices.Contains(t.Sources, source)
}

// Collects says whether a category is among the tracker's.
func (t *Tracker) Collects(category events.Word) bool { return t.collects[category] }

// Serves says whether a purpose is among the tracker's.
func (t *Tracker) Serves(purpose events.Word) bool { return slices.Contains(t.Purposes, purpose) }

func (c *Catalogue) indexTrackers() error {
	for i := range c.Trackers {
		t := &c.Trackers[i]
		all, err := c.expand(t.Categories, "/trackers/"+strconv.Itoa(i)+"/categories")
		if err != nil {
			return err
		}
		t.collects = set(all)
	}
	return nil
}

// maxLifetime is for how long at most a tracker may stay: 13 months.
var maxLifetime = Period{months: 13}

func (l *linter) trackers() {
	seen, channels := words{}, words{}
	for i := range l.Trackers {
		t := &l.Trackers[i]
		path := "/trackers/" + strconv.Itoa(i)
		if t.ID == "" || seen[t.ID] {
			l.error(path+"/id", "duplicate", string(t.ID)+" stands twice, or is no name")
		}
		seen[t.ID], channels[t.Channel] = true, true
		if !slices.Contains(TrackerChannels, t.Channel) {
			l.error(path+"/channel", "dangling", string(t.Channel)+" is none of the channels that the policy names")
		}
		if !slices.Contains(technologies, t.Technology) {
			l.error(path+"/technology", "dangling", string(t.Technology)+" is not a technology that this engine knows")
		}
		if t.External() && !l.HasRecipient(t.Operator) {
			l.error(path+"/operator", "dangling", string(t.Operator)+" is neither the company nor a recipient")
		}
		if t.External() && t.Country == "" {
			l.error(path+"/country", "tracker", "an external transmission says to which country")
		}
		if t.Lifetime.Duration() > maxLifetime.Duration() {
			l.error(path+"/lifetime", "tracker", "stays longer than 13 months")
		}
		l.languages(path+"/label", t.Label)
		l.languages(path+"/content", t.Content)
		if len(t.Purposes) == 0 || len(t.collects) == 0 {
			l.error(path, "tracker", string(t.ID)+" has no purpose, or collects nothing")
		}
		for j, id := range t.Purposes {
			if l.Purpose(id) == nil {
				l.error(path+"/purposes/"+strconv.Itoa(j), "dangling", string(id)+" is not a purpose of this catalogue")
			}
		}
		for k := range t.collects {
			if !slices.ContainsFunc(t.Purposes, func(id events.Word) bool { return l.Purpose(id).Permits(k) }) {
				l.error(path+"/categories", "not_permitted", "no purpose of the tracker permits "+string(k))
			}
		}
		for j, s := range t.Sources {
			if !l.HasSource(strings.TrimSuffix(s, "/")) {
				l.error(path+"/sources/"+strconv.Itoa(j), "dangling", s+" is not a source of this catalogue")
			}
		}
	}
	if len(l.Trackers) == 0 {
		return
	}
	for _, channel := range TrackerChannels {
		if !channels[channel] {
			l.warn("/trackers", "tracker_missing", "the policy speaks of tracking in "+string(channel)+", and the inventory has no tracker there")
		}
	}
}
