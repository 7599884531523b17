package person_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/historytest"
	"github.com/daicho-dev/daicho/events/person"
)

// scene is somebody to whom things have happened.
type scene struct {
	t *testing.T
	m *historytest.Maker
	p *historytest.Person
}

func begin(t *testing.T) *scene {
	m := historytest.New(1, historytest.Catalogue)
	m.Now = time.Date(2026, 4, 1, 3, 0, 0, 0, time.UTC)
	return &scene{t: t, m: m, p: m.Somebody()}
}

// tell is `type {data}`, as the shop sends it, now.
func (s *scene) tell(line string) historytest.Submission {
	typ, data, _ := strings.Cut(line, " ")
	return historytest.Submission{Person: s.p, Type: "daicho." + typ + ".v1", Source: "/shop/web", ID: s.m.Name(), Time: s.m.Now, Data: data}
}

func (s *scene) happened(lines ...string) {
	s.t.Helper()
	for _, line := range lines {
		if d, _, err := s.m.Record(s.tell(line)); err != nil || d.Refusal != nil {
			s.t.Fatalf("%s: %v %+v", line, err, d.Refusal)
		}
	}
}

func (s *scene) decide(x historytest.Submission, gone time.Time) person.Decision {
	s.t.Helper()
	k, _ := events.KindOf(x.Type)
	f, r := events.Submitted(k, []byte(x.Data))
	if r != nil {
		s.t.Fatalf("%s: %v", x.Data, r)
	}
	return person.Decide(s.m.Org, s.p.State, person.Submission{
		Kind: k, Source: x.Source, Tag: x.ID, Time: x.Time, Fact: f, Gone: gone,
		Other: s.m.Other, Steers: true,
	}, s.m.Now)
}

func said(d person.Decision) string {
	if d.Refusal == nil {
		return "recorded"
	}
	return d.Refusal.Rule + " " + d.Refusal.Field
}

// took is a collection for the purposes and of the records given, "key=category".
func took(purposes, more string, records ...string) string {
	var rs []string
	for _, r := range records {
		k, c, _ := strings.Cut(r, "=")
		rs = append(rs, fmt.Sprintf(`{"key":%q,"category":%q,"value":"v"}`, k, c))
	}
	if !strings.Contains(more, `"person"`) {
		more += `,"person":{"kind":"customer","country":"JP"}`
	}
	if !strings.Contains(more, `"channel"`) {
		more += `,"channel":"counter"`
	}
	return `collected {"records":[` + strings.Join(rs, ",") + `],"purposes":[` + purposes + `],"operation":"rental","location":"db","notice":{"policy":"h1","language":"en"}` + more + `}`
}

const (
	serve = `{"id":"SERVE","basis":"contract"}`
	mail  = `{"id":"MAIL","basis":"consent","consent":{"by":"self"}}`
)

var base = took(serve+","+mail, `,"matter":"M"`, "name=pd:Name", "mail=pd:EmailAddress", "card=pd:PaymentCardNumber")

func moved(records, to, kind, purpose, basis, country string) string {
	return fmt.Sprintf(`transferred {"records":[%s],"recipient":%q,"kind":%q,"purpose":%q,"basis":%q,"country":%q}`, records, to, kind, purpose, basis, country)
}

// Every rule of a decision: the least that had to happen, and what is refused then, and where.
func TestS3_EveryRefusalNamesItsRule(t *testing.T) {
	minor := `,"person":{"kind":"customer","country":"JP","birthdate":"2006-04-02"}`
	for _, x := range []struct{ before, tell, want string }{
		{"", strings.Replace(base, `"h1"`, `"h0"`, 1), "unknown_policy /data/notice/policy"},
		{"", strings.Replace(base, `"db"`, `"moon"`, 1), "unknown_location /data/location"},
		{base, `copied {"location":"moon"}`, "unknown_location /data/location"},
		{base, `used {"purpose":"SERVE","categories":["pd:Name"],"by":"moon"}`, "unknown_location /data/by"},
		{base, moved(`"card"`, "nobody", "entrusted", "SERVE", "contract", "JP"), "unknown_recipient /data/recipient"},
		{base, `disposal_confirmed {"recipient":"nobody"}`, "unknown_recipient /data/recipient"},
		{"", took(`{"id":"X","basis":"contract"}`, "", "n=pd:Name"), "unknown_purpose /data/purposes/0/id"},
		{base, `purpose_ended {"purpose":"X","reason":"completed"}`, "unknown_purpose /data/purpose"},
		{"", `consent_given {"purposes":["MAIL","X"],"by":"self","notice":{"policy":"h1","language":"en"}}`, "unknown_purpose /data/purposes/1"},
		{"", took(serve, "", "n=pd:Name", "x=pd:Shoe"), "unknown_category /data/records/1/category"},
		{base, `copied {"categories":["pd:Shoe"],"location":"db"}`, "unknown_category /data/categories/0"},
		{base, `milestone_reached {"milestone":"landed"}`, "unknown_word /data/milestone"},
		{"", took(serve, `,"client":"client-z"`, "n=pd:Name"), "unknown_word /data/client"},
		{"", took(serve, `,"channel":"web"`, "n=pd:Name"), "transport /data/transport"},
		{"", took(serve, `,"channel":"cookie","transport":"internal"`, "n=pd:Name"), "transport /data/transport"},
		{"", took(serve, `,"channel":"app","transport":"tls"`, "n=pd:Name"), "recorded"},
		{"", took(serve, `,"channel":"phone"`, "n=pd:Name"), "recorded"},
		{"", strings.Replace(base, `"notice":{"policy":"h1","language":"en"},`, "", 1), "notice_missing /data/notice"},
		{"", `consent_given {"purposes":["MAIL"],"by":"self"}`, "notice_missing /data/notice"},
		{base, `consent_withdrawn {"purposes":["MAIL"],"by":"self"}`, "recorded"}, // as easy as giving: no notice
		{"", `milestone_reached {"milestone":"closed"}`, "person_unknown /subject"},
		{"", `deleted {"person":true,"cause":"request"}`, "person_unknown /subject"},
		{base, `identity_linked {"other":"person:nobody","evidence":"x"}`, "person_unknown /data/other"},
		{`tracking_refused {"channel":"web"}`, took(serve, `,"channel":"web","transport":"tls"`, "n=pd:Name"), "tracking_refused /data/channel"},
		{`tracking_refused {"channel":"web"}`, took(serve, `,"channel":"app","transport":"tls"`, "n=pd:Name"), "recorded"}, // that channel only
		{base, `copied {"records":["name","none"],"location":"crm"}`, "record_unknown /data/records/1"},
		{base, `copied {"matter":"N","location":"crm"}`, "record_unknown /data/matter"},
		{base, `copied {"categories":["pd:Health"],"location":"crm"}`, "record_unknown /data/categories"},
		{base, `removed {"records":["name"],"location":"crm"}`, "record_unknown /data/records/0"},
		{base, `corrected {"record":"none","value":"x"}`, "record_unknown /data/record"},
		{base, `use_resumed {"records":["name"]}`, "record_unknown /data/records/0"},
		{base, `disposal_confirmed {"records":["name"],"recipient":"parcel"}`, "record_unknown /data/records/0"},
		{base, `hold_released {"case":"L"}`, "record_unknown /data/case"},
		{base, took(serve, "", "name=pd:Name"), "key_taken /data/records/0/key"},
		{"", took(serve, "", "n=pd:Name", "n=pd:EmailAddress"), "key_taken /data/records/1/key"},
		{"", took(serve, minor, "n=pd:Name"), "minor /data/guardian"},
		{"", took(serve, minor+`,"guardian":{"consent":"G"}`, "n=pd:Name"), "recorded"},
		{"", took(serve, "", "n=pd:Name", "h=pd:Health"), "category_not_permitted /data/records/1/category"},
		{base, `purpose_bound {"records":["card"],"purpose":"CARE","basis":"contract"}`, "category_not_permitted /data/purpose"},
		{base, `purpose_bound {"records":["card"],"purpose":"CLIENT","basis":"contract"}`, "category_not_permitted /data/purpose"}, // own data serves no client
		{"", took(`{"id":"CLIENT","basis":"contract"}`, "", "n=pd:Name"), "category_not_permitted /data/purposes/0/id"},
		{"", took(serve, `,"role":"processor","client":"client-x"`, "n=pd:Name"), "category_not_permitted /data/purposes/0/id"},
		{"", took(serve, `,"role":"processor"`, "n=pd:Name"), "unknown_word /data/client"},
		{"", took(`{"id":"CARE","basis":"contract"}`, "", "h=pd:Health"), "consent_missing /data/records/0/category"}, // special care-required
		{"", took(`{"id":"CARE","basis":"legal_obligation"}`, "", "h=pd:Health"), "recorded"},
		{"", took(`{"id":"MAIL","basis":"consent"}`, "", "n=pd:Name"), "consent_missing /data/purposes/0/consent"},
		{"", took(`{"id":"LOOK","basis":"legitimate_interest"}`, `,"person":{"kind":"visitor","country":"FR"}`, "ip=pd:IPAddress"), "consent_missing /data/purposes/0/basis"},
		{"", took(`{"id":"LOOK","basis":"legitimate_interest"}`, "", "ip=pd:IPAddress"), "recorded"},
		{base, `purpose_bound {"records":["name"],"purpose":"MAIL","basis":"contract"}`, "consent_missing /data/basis"},
		{base, moved(`"card"`, "parcel", "third_party", "SERVE", "contract", "JP"), "consent_missing /data/basis"},
		{"", took(`{"id":"SERVE","basis":"legitimate_interest"}`, "", "n=pd:Name"), "purpose_not_bound /data/purposes/0/basis"},
		{base, moved(`"card"`, "parcel", "entrusted", "CARE", "contract", "JP"), "purpose_not_bound /data/records/0"},
		{base, `purpose_ended {"records":["card"],"purpose":"MAIL","reason":"objected"}`, "purpose_not_bound /data/records/0"},
		{base, moved(`"card"`, "parcel", "succession", "SERVE", "contract", "JP"), "recipient_not_permitted /data/recipient"},
		{base, moved(`"card"`, "parcel", "entrusted", "SERVE", "contract", "US"), "recipient_not_permitted /data/country"},
		{base, moved(`"card"`, "broker", "entrusted", "SERVE", "contract", "US"), "recipient_not_permitted /data/country"}, // abroad, on consent alone
		{base, moved(`"mail"`, "broker", "entrusted", "MAIL", "consent", "US"), "recorded"},
		{base, moved(`"card"`, "mailer", "entrusted", "SERVE", "contract", "US"), "recorded"}, // an equivalent system
		{base + "\n" + `use_suspended {"records":["card"]}`, moved(`"card"`, "parcel", "entrusted", "SERVE", "contract", "JP"), "suspended /data/records"},
		{base + "\n" + `provision_ceased {"records":["mail"]}`, moved(`"mail"`, "parcel", "third_party", "MAIL", "consent", "JP"), "suspended /data/records"},
		{base + "\n" + `provision_ceased {"records":["mail"]}`, moved(`"mail"`, "parcel", "entrusted", "MAIL", "consent", "JP"), "recorded"}, // an entrustee is no third party
		{base + "\n" + `hold_placed {"case":"L","records":["card"]}`, `deleted {"records":["card"],"cause":"request"}`, "held /data/records"},
		{base + "\n" + `hold_placed {"case":"L","records":["card"]}`, `deleted {"person":true,"cause":"request"}`, "held /data/person"},
		{base + "\n" + `hold_placed {"case":"L","records":["card"]}`, `deleted {"records":["mail"],"cause":"request"}`, "recorded"},
		{base, `deleted {"records":["card"],"cause":"retention"}`, "held /data/cause"}, // still bound
		{base, `deleted {"person":true,"cause":"purpose_met"}`, "held /data/cause"},
		{base + "\n" + `purpose_ended {"records":["card"],"purpose":"SERVE","reason":"completed"}`, `deleted {"records":["card"],"cause":"purpose_met"}`, "recorded"},
		{base + "\n" + `purpose_ended {"records":["name"],"purpose":"SERVE","reason":"completed"}` + "\n" + `purpose_ended {"records":["name"],"purpose":"MAIL","reason":"completed"}`,
			`deleted {"records":["name"],"cause":"purpose_met"}`, "held /data/cause"}, // the law's books keep it
	} {
		s := begin(t)
		for line := range strings.Lines(x.before) {
			s.happened(strings.TrimSpace(line))
		}
		y := s.tell(x.tell)
		if strings.HasPrefix(x.tell, "hold") || strings.HasPrefix(x.tell, "deleted") {
			y.Source = "/desk/office"
		}
		d := s.decide(y, time.Time{})
		if said(d) != x.want {
			t.Errorf("%s: %s, want %s", x.tell, said(d), x.want)
		}
		if d.Refusal != nil && (d.Refusal.Text == "" || d.Fact != nil || events.Law(d.Refusal.Rule) == "") {
			t.Errorf("%s: a refusal without words, or with a fact: %+v", x.tell, d)
		}
	}
}

func TestTheTimeOfAnEvent(t *testing.T) {
	s := begin(t)
	x := s.tell(base)
	for ahead, want := range map[time.Duration]string{5 * time.Minute: "recorded", 5*time.Minute + time.Millisecond: "future /time", -400 * 24 * time.Hour: "recorded"} {
		x.Time = s.m.Now.Add(ahead)
		if got := said(s.decide(x, time.Time{})); got != want {
			t.Errorf("%s ahead: %s, want %s", ahead, got, want)
		}
	}
	// Somebody was forgotten under the same identifier: what happened before, or then, is about them, and is not taken.
	gone := s.m.Now.Add(-time.Hour)
	for at, want := range map[time.Time]string{gone.Add(-time.Second): "record_gone /time", gone: "record_gone /time", gone.Add(time.Millisecond): "recorded"} {
		x.Time = at
		if got := said(s.decide(x, gone)); got != want {
			t.Errorf("%s after: %s, want %s", at.Sub(gone), got, want)
		}
	}
	late := s.tell(`milestone_reached {"milestone":"closed"}`)
	late.Time = gone
	if got := said(s.decide(late, gone)); got != "record_gone /subject" {
		t.Errorf("about nobody but the forgotten: %s", got)
	}
}

// A submission that breaks every rule is refused by the first; mended, by the next; and so on in the contract's order.
func TestS3_RulesAreAskedInTheContractsOrder(t *testing.T) {
	type mend struct{ rule, from, to string }
	for name, story := range map[string]struct {
		before []string
		tell   string
		steps  []mend
	}{
		"a collection": {
			[]string{base, `tracking_refused {"channel":"web"}`},
			`collected {"records":[{"key":"name","category":"pd:Shoe","value":"v"},{"key":"ip","category":"pd:Health","value":"v"}],"purposes":[{"id":"X","basis":"contract"},{"id":"SERVE","basis":"legitimate_interest"},{"id":"MAIL","basis":"contract"}],` +
				`"operation":"rental","location":"moon","channel":"web","notice":{"policy":"h0","language":"en"},"client":"client-z","person":{"kind":"customer","country":"JP","birthdate":"2006-04-02"}}`,
			[]mend{
				{"future", "TIME", ""}, {"unknown_policy", `"h0"`, `"h1"`}, {"unknown_location", `"moon"`, `"db"`}, {"unknown_purpose", `{"id":"X","basis":"contract"},`, ``},
				{"unknown_category", `"pd:Shoe"`, `"pd:Name"`}, {"unknown_word", `"client":"client-z",`, ``}, {"transport", `"channel":"web",`, `"channel":"web","transport":"tls",`},
				{"notice_missing", ``, `"notice":{"policy":"h1","language":"en"},`}, {"record_gone", "GONE", ""}, {"tracking_refused", `"channel":"web"`, `"channel":"mail"`},
				{"key_taken", `"key":"name"`, `"key":"other"`}, {"minor", `"person":`, `"guardian":{"consent":"G"},"person":`}, {"category_not_permitted", `"pd:Health"`, `"pd:EmailAddress"`},
				{"consent_missing", `{"id":"MAIL","basis":"contract"}`, `{"id":"MAIL","basis":"consent","consent":{"by":"guardian"}}`}, {"purpose_not_bound", `"legitimate_interest"`, `"contract"`}, {"recorded", "", ""},
			},
		},
		"a transfer": {
			[]string{base, `use_suspended {"records":["name"]}`},
			`transferred {"records":["name","none"],"categories":["pd:Shoe"],"recipient":"nobody","kind":"third_party","purpose":"X","basis":"contract","country":"FR"}`,
			[]mend{
				{"future", "TIME", ""}, {"unknown_recipient", `"nobody"`, `"broker"`}, {"unknown_purpose", `"X"`, `"CARE"`}, {"unknown_category", `"pd:Shoe"`, `"pd:Name"`},
				{"unknown_word", "SOURCE", ""}, {"record_gone", "GONE", ""}, {"record_unknown", `,"none"`, ``}, {"purpose_not_bound", `"CARE"`, `"SERVE"`}, {"consent_missing", `"contract"`, `"legal_obligation"`},
				{"recipient_not_permitted", `"FR"`, `"US"`}, {"suspended", `["name"]`, `["card"]`}, {"record_unknown", `,"categories":["pd:Name"]`, ``}, {"recorded", "", ""},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := begin(t)
			s.happened(story.before...)
			x := s.tell(story.tell)
			x.Time, x.Source = s.m.Now.Add(time.Hour), "/moon"
			if name == "a collection" {
				x.Source = "/shop/web"
			}
			gone := s.m.Now.Add(2 * time.Hour)
			for _, step := range story.steps {
				if step.rule == "notice_missing" {
					x.Data = strings.Replace(x.Data, step.to, "", 1)
				}
				if got, _, _ := strings.Cut(said(s.decide(x, gone)), " "); got != step.rule {
					t.Fatalf("refused by %s, want %s: %s", got, step.rule, x.Data)
				}
				switch step.from {
				case "TIME":
					x.Time = s.m.Now
				case "GONE":
					gone = time.Time{}
				case "SOURCE":
					x.Source = "/shop/till"
				case "":
					x.Data = strings.Replace(x.Data, `"channel"`, step.to+`"channel"`, 1)
				default:
					x.Data = strings.Replace(x.Data, step.from, step.to, 1)
				}
			}
		})
	}
}

// Both answers to a use are recorded; the rule of a denial is the first that applies, whichever category it is about.
func TestS8_UsesAreAnswered(t *testing.T) {
	for _, x := range []struct{ before, purpose, categories, want string }{
		{"", "SERVE", `"pd:Name","pd:PaymentCardNumber"`, "allowed [1 3]"},
		{"", "SERVE", `"pd:Health"`, "record_unknown []"},
		{"", "MAIL", `"pd:PaymentCardNumber"`, "purpose_not_bound []"},
		{`use_suspended {"records":["card"]}`, "SERVE", `"pd:PaymentCardNumber","pd:Name"`, "suspended []"},
		{`use_suspended {"records":["card"]}`, "SERVE", `"pd:PaymentCardNumber","pd:Health"`, "record_unknown []"},
		{`use_suspended {"records":["mail"]}`, "MAIL", `"pd:EmailAddress","pd:PaymentCardNumber"`, "purpose_not_bound []"},
		{`purpose_ended {"records":["mail"],"purpose":"MAIL","reason":"objected"}`, "MAIL", `"pd:EmailAddress"`, "purpose_not_bound []"},
		{`consent_withdrawn {"purposes":["MAIL"],"by":"self"}`, "MAIL", `"pd:EmailAddress"`, "purpose_not_bound []"},
		{`deleted {"records":["card"],"cause":"request"}`, "SERVE", `"pd:PaymentCardNumber"`, "record_unknown []"},
	} {
		s := begin(t)
		s.happened(base)
		if x.before != "" {
			s.happened(x.before)
		}
		d := s.decide(s.tell(fmt.Sprintf(`used {"purpose":%q,"categories":[%s],"by":"db"}`, x.purpose, x.categories)), time.Time{})
		u, ok := d.Fact.(*events.Used)
		if !ok {
			t.Fatalf("%+v: %+v", x, d.Refusal)
		}
		rule := string(u.Rule)
		if u.Allowed {
			rule = "allowed" + rule
		}
		if got := fmt.Sprint(rule, " ", u.Of); got != x.want {
			t.Errorf("%+v: %s", x, got)
		}
	}
}

// A browser leads to a customer only by a consent given in it, whichever of the two the link is about.
func TestS54_ABrowserIsLinkedByConsentAlone(t *testing.T) {
	visit := took(`{"id":"LOOK","basis":"legitimate_interest"}`, `,"person":{"kind":"visitor","country":"JP"}`, "ip=pd:IPAddress")
	agreed := `consent_given {"purposes":["LOOK"],"by":"self","notice":{"policy":"h1","language":"en"}}`
	for _, x := range []struct {
		one, other []string
		want       string
	}{
		{[]string{base}, []string{base}, "recorded"},
		{[]string{base}, []string{visit}, "consent_missing /data/other"},
		{[]string{visit}, []string{base}, "consent_missing /data/other"},
		{[]string{base}, []string{visit, agreed}, "recorded"},
		{[]string{visit, agreed}, []string{base}, "recorded"},
		{[]string{base}, []string{visit, agreed, `consent_withdrawn {"purposes":["LOOK"],"by":"self"}`}, "consent_missing /data/other"},
		{[]string{base}, []string{`tracking_refused {"channel":"cookie"}`}, "consent_missing /data/other"}, // nothing was collected yet
	} {
		s := begin(t)
		s.happened(x.other...)
		other := s.p.ID
		s.p = s.m.Somebody()
		s.happened(x.one...)
		if got := said(s.decide(s.tell(fmt.Sprintf(`identity_linked {"other":"person:%s","evidence":"x"}`, other)), time.Time{})); got != x.want {
			t.Errorf("%v with %v: %s, want %s", x.one, x.other, got, x.want)
		}
	}
}
