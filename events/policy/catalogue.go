package policy

import (
	"slices"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// Text is words for people, by language ("en", "ja").
type Text map[string]string

// In is the text in a language, or in English, or in whichever there is.
func (t Text) In(language string) string {
	if s, ok := t[language]; ok {
		return s
	}
	return t["en"]
}

// Catalogue is one version of the policy. Its exported fields are the document as it was read; it is never changed afterwards,
// and may be used by many at once.
type Catalogue struct {
	Version             string                        `json:"version"`
	Effective           Date                          `json:"effective,omitzero"`
	Review              []string                      `json:"review,omitempty"` // languages whose texts a native speaker is still to review
	TimeZone            string                        `json:"zone,omitzero"`    // default Asia/Tokyo
	FiscalYearEnd       string                        `json:"fiscalYearEnd,omitzero"`
	Languages           []string                      `json:"languages,omitempty"`
	Company             Company                       `json:"company,omitzero"`
	Contacts            []Contact                     `json:"contacts,omitempty"`
	Accredited          *Contact                      `json:"accredited,omitempty"` // accredited protection organisation (APPI 47)
	Keep                Keep                          `json:"keep,omitzero"`
	Desk                Desk                          `json:"desk,omitzero"`
	Requests            Requests                      `json:"requests,omitzero"`
	Measures            []Measure                     `json:"measures,omitempty"` // of security (APPI 23, Order 10(1))
	Outsourcing         Outsourcing                   `json:"outsourcing,omitzero"`
	Governance          Governance                    `json:"governance,omitzero"`
	Approvals           []Approval                    `json:"approvals,omitempty"`
	Disposal            Disposal                      `json:"disposal,omitzero"`
	Namespaces          map[string]string             `json:"namespaces,omitempty"`
	Sets                map[events.Word][]events.Word `json:"sets,omitempty"`
	Categories          []Category                    `json:"categories"`
	Groups              []Term                        `json:"groups,omitempty"` // headings of the published table of purposes
	Purposes            []Purpose                     `json:"purposes"`
	Trackers            []Tracker                     `json:"trackers,omitempty"` // the inventory
	Walls               []Wall                        `json:"walls,omitempty"`
	Locations           []Term                        `json:"locations,omitempty"`
	Schemes             []Term                        `json:"schemes,omitempty"`
	Milestones          []Term                        `json:"milestones,omitempty"`
	Channels            []Term                        `json:"channels,omitempty"`
	Operations          []Term                        `json:"operations,omitempty"`
	Clients             []Term                        `json:"clients,omitempty"`
	Sources             []string                      `json:"sources,omitempty"`
	SourceKinds         map[string]events.Word        `json:"sourceKinds,omitempty"` // by path of Sources: web, counter, phone, system, vendor, office, client
	RecipientKinds      []Term                        `json:"recipientKinds,omitempty"`
	Recipients          []Term                        `json:"recipients,omitempty"` // the known ones; who may have what is told by their own events
	Ages                Ages                          `json:"ages,omitzero"`
	ConsentAges         []Age                         `json:"consentAges,omitempty"` // GDPR 8, for services online
	ConsentAgeDefault   int                           `json:"consentAge,omitzero"`   // where no row speaks: 16
	GDPRCountries       []events.Word                 `json:"gdprCountries,omitempty"`
	DesignatedCountries []events.Word                 `json:"designatedCountries,omitempty"` // APPI 28
	Sections            []Section                     `json:"sections,omitempty"`

	doc   []byte
	zone  *time.Location
	index index
}

// Company is who answers for the data.
type Company struct {
	Name           string      `json:"name,omitzero"`
	Address        string      `json:"address,omitzero"`
	Country        events.Word `json:"country,omitzero"`
	Representative string      `json:"representative,omitzero"`
	Manager        string      `json:"manager,omitzero"`      // personal information protection manager
	ManagerTitle   Text        `json:"managerTitle,omitzero"` // the same, in the languages of the policy
	Site           string      `json:"site,omitzero"`
	InUnion        string      `json:"inUnion,omitzero"` // representative in the Union (GDPR 27)
	Officer        string      `json:"officer,omitzero"` // data protection officer (GDPR 37)
}

// Contact is a desk that people can turn to.
type Contact struct {
	ID      events.Word `json:"id"`
	Name    Text        `json:"name"`
	Address string      `json:"address,omitzero"`
	Mail    string      `json:"mail,omitzero"`
	Phone   string      `json:"phone,omitzero"`
	Hours   string      `json:"hours,omitzero"`
	Opening Text        `json:"opening,omitzero"` // the hours, in the languages of the policy
}

// Keep says how long the engine's own traces of people stay.
type Keep struct {
	Tombstones Period `json:"tombstones,omitzero"`
	Quarantine Period `json:"quarantine,omitzero"`
	Assumption string `json:"assumption,omitzero"`
}

// Desk says on which days the desk does not work besides weekends.
type Desk struct {
	Holidays string `json:"holidays,omitzero"` // "JP", the default: national holidays and 29 December to 3 January; or "none"
}

// Approval says whose word an act needs before it is carried out.
type Approval struct {
	Act        events.Word   `json:"act"`    // disposal, person
	Roles      []events.Word `json:"roles"`  // any of them
	Others     int           `json:"others"` // how many people, other than who planned it
	Assumption string        `json:"assumption,omitzero"`
}

// Disposal says how long what is due may wait for its disposal: people decide on it, and need their days to do so.
type Disposal struct {
	Grace      Period `json:"grace,omitzero"` // from the day on which it fell due; none: it is overdue on the next day
	Assumption string `json:"assumption,omitzero"`
}

// Term is a word of the catalogue and what it is called.
type Term struct {
	ID    events.Word `json:"id"`
	Label Text        `json:"label,omitempty"`
}

// Category is a kind of personal data: a term of the W3C Data Privacy Vocabulary, or one of ours (`ts:`).
type Category struct {
	ID        events.Word `json:"id"`
	Label     Text        `json:"label"`
	Parent    events.Word `json:"parent,omitzero"`    // a broader term, where the vocabulary has none of its own
	Special   bool        `json:"special,omitzero"`   // care-required (APPI 2(3)), GDPR 9
	Financial bool        `json:"financial,omitzero"` // a leak may cost money (Rules 7)
	Observed  bool        `json:"observed,omitzero"`  // of a terminal or of reading: only a tracker of the inventory collects it
	Announced bool        `json:"announced,omitzero"` // a recording of a call: the person is told before it begins
}

// Purpose is a purpose of use (APPI 17), with all that follows from it.
type Purpose struct {
	ID          events.Word              `json:"id"`
	Group       events.Word              `json:"group,omitzero"` // its heading; none for what stands outside of the table
	Text        Text                     `json:"text"`
	Terms       []string                 `json:"terms,omitempty"`      // dpv: purposes
	Processing  []string                 `json:"processing,omitempty"` // dpv: processing
	Subjects    []string                 `json:"subjects,omitempty"`   // dpv: data subjects
	Law         string                   `json:"law,omitzero"`
	GDPRBases   []string                 `json:"gdprBases,omitempty"` // eu-gdpr: terms
	Categories  []events.Word            `json:"categories"`          // categories, names of sets, or "*"
	Bases       map[string][]events.Word `json:"bases"`               // by regime: "default", "gdpr"
	Role        events.Word              `json:"role"`
	Disclosable bool                     `json:"disclosable"`
	Automatic   bool                     `json:"automatic,omitzero"` // a deadline alone may start the disposal
	Adults      bool                     `json:"adults,omitzero"`    // not for minors, whoever consents
	Reasons     []Term                   `json:"reasons,omitempty"`  // that a use within the purpose may name, each for itself
	Brings      []Brings                 `json:"brings,omitempty"`
	Retention   []Rule                   `json:"retention"`
	Remark      string                   `json:"remark,omitzero"`
	Assumption  string                   `json:"assumption,omitzero"`

	any     bool
	permits map[events.Word]bool
	all     []events.Word
	law     bool // brought by a law: ends by its own rule only
	rules   []rule
}

// HasReason says that a use within the purpose may name a reason.
func (p *Purpose) HasReason(id events.Word) bool {
	return p != nil && slices.ContainsFunc(p.Reasons, func(r Term) bool { return r.ID == id })
}

// Brings is another purpose that a law ties to some of the categories.
type Brings struct {
	Purpose    events.Word   `json:"purpose"`
	Categories []events.Word `json:"categories"`
	Operations []events.Word `json:"operations,omitempty"`
	Basis      events.Word   `json:"basis"`
	Law        string        `json:"law"`
}

// Rule is one row of a purpose's retention: the first whose conditions are met decides. Keep must be given, so that a forgotten
// one does not dispose at once. Where a rule is valid for a time, the day of the collection decides which row holds.
type Rule struct {
	ID         string        `json:"id"`
	Categories []events.Word `json:"categories,omitempty"`
	Operations []events.Word `json:"operations,omitempty"`
	If         events.Word   `json:"if,omitzero"`     // a milestone that was reached
	Unless     events.Word   `json:"unless,omitzero"` // a milestone that was not
	All        []events.Word `json:"all,omitempty"`   // counts from the last of these milestones
	Any        []events.Word `json:"any,omitempty"`   // counts from the first of these that is reached
	From       events.Word   `json:"from,omitzero"`   // counts from an event that is always there: see anchors
	Calendar   *Calendar     `json:"calendar,omitempty"`
	Keep       *Period       `json:"keep"`
	Otherwise  *Otherwise    `json:"otherwise,omitempty"`
	Law        string        `json:"law,omitzero"`
	Assumption string        `json:"assumption,omitzero"`
	Source     string        `json:"source,omitzero"`     // where the period was read
	Confidence string        `json:"confidence,omitzero"` // high, medium, low
	ValidFrom  Date          `json:"validFrom,omitzero"`  // first day
	ValidTo    Date          `json:"validTo,omitzero"`    // last day
}

// Calendar moves the start of a period to a day of the calendar: to the end of the fiscal year ("fiscal_year_end") or to a day
// of the following year ("01-10"), and then on by a period.
type Calendar struct {
	To   string `json:"to"`
	Plus Period `json:"plus,omitzero"`
}

// Otherwise is what holds while a rule's milestones have not been reached: a gap of the policy, filled and stated.
type Otherwise struct {
	From       events.Word `json:"from"`
	Calendar   *Calendar   `json:"calendar,omitempty"`
	Keep       *Period     `json:"keep"`
	Assumption string      `json:"assumption,omitzero"`
}

// Ages is who counts as a minor, by country.
type Ages struct {
	Default int    `json:"default,omitzero"` // 18
	Unknown int    `json:"unknown,omitzero"` // no country known: the highest
	Source  string `json:"source,omitzero"`
	Rows    []Age  `json:"rows,omitempty"`
}

// Age is one country's, or subdivision's, age.
type Age struct {
	Country    events.Word `json:"country"`
	Age        int         `json:"age"`
	Civil      int         `json:"civil,omitzero"` // of civil law, where the policy promises more
	From       Date        `json:"from,omitzero"`
	To         Date        `json:"to,omitzero"`
	Source     string      `json:"source"`
	Confidence string      `json:"confidence"` // high, medium, low
}

// Section is a passage of the published policy: its own words, and what they say in short.
type Section struct {
	ID      events.Word `json:"id"`
	Title   Text        `json:"title"`
	Text    Text        `json:"text"`
	Summary Text        `json:"summary,omitempty"`
}
