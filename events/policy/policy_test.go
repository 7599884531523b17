package policy

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// small is a catalogue with one of everything.
const small = `{"version":"1","languages":["en"],"fiscalYearEnd":"03-31",
"company":{"name":"C","address":"A","representative":"R","manager":"M","inUnion":"U"},"contacts":[{"id":"desk","phone":"1","name":{"en":"Desk"}}],
"governance":{"reviews":[{"subject":"law","every":"P6M"},{"subject":"system","every":"P1Y","changed":"P30D"}],"improvement":"P2Y"},
"accredited":{"id":"org","name":{"en":"Org"},"phone":"2"},
"requests":{"kinds":["NOTIFY_PURPOSE","DISCLOSE","DISCLOSE_3P_RECORD","CORRECT","CEASE_USE","CEASE_PROVISION"],"channels":[{"id":"mail","label":{"en":"by post"}}],
 "answers":[{"id":"electronic"}],"fee":{"yen":1,"kinds":["DISCLOSE"],"how":{"en":"in cash"}}},
"trackers":[{"id":"t","label":{"en":"T"},"technology":"cookie","channel":"website","operator":"company","content":{"en":"c"},"categories":["BASIC"],"purposes":["A"],"lifetime":"P6M","sources":["/shop"]},
 {"id":"u","label":{"en":"U"},"technology":"sdk","channel":"talking_application","operator":"parcel","country":"SG","content":{"en":"c"},"categories":["pd:Purchase"],"purposes":["A"]},
 {"id":"v","label":{"en":"V"},"technology":"storage","channel":"online_service","operator":"company","content":{"en":"c"},"categories":["pd:Name"],"purposes":["A"]},
 {"id":"w","label":{"en":"W"},"technology":"pixel","channel":"email","operator":"company","content":{"en":"c"},"categories":["pd:Name"],"purposes":["A"]},
 {"id":"x","label":{"en":"X"},"technology":"tag","channel":"advertisement","operator":"company","content":{"en":"c"},"categories":["pd:Name"],"purposes":["A"]}],
"measures":[{"id":"1","kind":"basic","text":{"en":"b"}},{"id":"2","kind":"rules","text":{"en":"r"}},{"id":"3","kind":"organisational","text":{"en":"o"}},
 {"id":"4","kind":"human","text":{"en":"h"}},{"id":"5","kind":"physical","text":{"en":"p"}},{"id":"6","kind":"technical","text":{"en":"t"}},{"id":"7","kind":"external","text":{"en":"e"}}],
"sets":{"BASIC":["pd:Name"],"ALL":["BASIC","pd:Purchase"]},
"categories":[{"id":"pd:Name","label":{"en":"Name"}},{"id":"pd:Purchase","label":{"en":"Purchase"}}],
"milestones":[{"id":"closed"},{"id":"opened"},{"id":"settled"},{"id":"service.ended"}],"operations":[{"id":"rental"},{"id":"sales"}],
"sources":["/shop","/vendors/*"],"sourceKinds":{"/shop":"web","/vendors/*":"vendor"},"recipientKinds":[{"id":"entrusted"}],"recipients":[{"id":"parcel"}],
"desk":{"holidays":"none"},"approvals":[{"act":"disposal","roles":["compliance"],"others":1}],"consentAges":[{"country":"FR","age":15,"source":"s","confidence":"high"}],
"clients":[{"id":"client-x"}],"schemes":[{"id":"rental"}],"gdprCountries":["AT","BE","BG","HR","CY","CZ","DK","EE","FI","FR","DE","GR","HU","IE","IT","LV","LT","LU","MT","NL","PL","PT","RO","SK","SI","ES","SE","IS","LI","NO","GB"],
"ages":{"rows":[{"country":"JP","age":20,"civil":18,"source":"s","confidence":"high"},
 {"country":"AE","age":21,"to":"2026-05-31","source":"s","confidence":"low"},{"country":"AE","age":18,"from":"2026-06-01","source":"s","confidence":"low"}]},
"purposes":[
{"id":"A","text":{"en":"a"},"categories":["ALL"],"bases":{"default":["contract"],"gdpr":["consent"]},"gdprBases":["eu-gdpr:A6-1-a"],"role":"controller","disclosable":true,
 "brings":[{"purpose":"L","categories":["BASIC"],"operations":["rental"],"basis":"legal_obligation","law":"Act 1"}],
 "retention":[{"id":"A/claim","if":"opened","any":["settled"],"keep":"P5Y","assumption":"x"},
  {"id":"A/rest","all":["closed"],"keep":"P90D","otherwise":{"from":"last_of_matter","keep":"P24M"},"assumption":"x"}]},
{"id":"L","text":{"en":"l"},"categories":["ALL"],"bases":{"default":["legitimate_interest"]},"gdprBases":["eu-gdpr:A6-1-f"],"role":"controller","disclosable":true,
 "retention":[{"id":"L/law","from":"collected","calendar":{"to":"fiscal_year_end","plus":"P2M"},"keep":"P7Y","law":"Act 1"}]},
{"id":"S","text":{"en":"s"},"categories":["*"],"bases":{"default":["contract"]},"role":"processor","disclosable":false,
 "retention":[{"id":"S/service","from":"service_ended","keep":"P30D","assumption":"x"}]}]}`

func parse(t *testing.T, doc string) *Catalogue {
	t.Helper()
	c, err := Parse([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func at(s string) Mark {
	x, err := time.Parse("2006-01-02T15:04", s)
	if err != nil {
		panic(err)
	}
	return Mark{Type: "t", Time: x}
}

func TestDeadline(t *testing.T) {
	c := parse(t, small)
	ms := func(kv ...string) map[events.Word]Mark {
		m := map[events.Word]Mark{"": at("2031-01-01T00:00")}
		for i := 0; i < len(kv); i += 2 {
			m[events.Word(kv[i])] = at(kv[i+1])
		}
		return m
	}
	end := at("2026-02-01T00:00")
	base := Life{Category: "pd:Name", Operation: "rental", Collected: at("2026-01-10T00:00"), LastOfMatter: at("2026-01-20T00:00")}
	for name, x := range map[string]struct {
		purpose  events.Word
		change   func(*Life)
		due      string
		rule     string
		gap, law bool
		waiting  string
	}{
		"counts from the milestone":              {"A", func(l *Life) { l.Milestones = ms("closed", "2026-01-31T00:00") }, "2026-05-01", "A/rest", false, false, ""},
		"the civil day is the company's":         {"A", func(l *Life) { l.Milestones = ms("closed", "2026-01-31T15:00") }, "2026-05-02", "A/rest", false, false, ""},
		"a gap is stated":                        {"A", func(l *Life) { l.Milestones = ms() }, "2028-01-20", "A/rest", true, false, "closed"},
		"an open claim waits":                    {"A", func(l *Life) { l.Milestones = ms("closed", "2026-01-31T00:00", "opened", "2026-02-01T00:00") }, "", "A/claim", false, false, "settled"},
		"a settled claim ends":                   {"A", func(l *Life) { l.Milestones = ms("opened", "2026-02-01T00:00", "settled", "2026-03-01T00:00") }, "2031-03-01", "A/claim", false, false, ""},
		"a claim opened anew waits again":        {"A", func(l *Life) { l.Milestones = ms("opened", "2026-04-01T00:00", "settled", "2026-03-01T00:00") }, "", "A/claim", false, false, "settled"},
		"a purpose met is due at once":           {"A", func(l *Life) { l.Ended = &end }, "2026-02-01", "A/ended", false, false, ""},
		"a period over before the purpose":       {"A", func(l *Life) { l.Ended = &end; l.Milestones = ms("closed", "2025-10-01T00:00") }, "2025-12-30", "A/rest", false, false, ""},
		"a law ends by its own rule":             {"L", func(l *Life) { l.Ended = &end }, "2033-05-31", "L/law", false, true, ""},
		"the last day of the fiscal year":        {"L", func(l *Life) { l.Collected = at("2026-03-31T14:59") }, "2033-05-31", "L/law", false, true, ""},
		"the first day of the next fiscal year":  {"L", func(l *Life) { l.Collected = at("2026-03-31T15:00") }, "2034-05-31", "L/law", false, true, ""},
		"a service that goes on":                 {"S", func(*Life) {}, "", "S/service", false, false, "service.ended"},
		"a service that ended":                   {"S", func(l *Life) { l.ServiceEnded = &end }, "2026-03-03", "S/service", false, false, ""},
		"a service that ended for one matter":    {"S", func(l *Life) { l.Milestones = ms("service.ended", "2026-02-01T00:00") }, "2026-03-03", "S/service", false, false, ""},
		"a purpose that the catalogue dropped":   {"X", func(*Life) {}, "", "X/none", true, false, ""},
		"a dropped purpose that ended, is ended": {"X", func(l *Life) { l.Ended = &end }, "2026-02-01", "X/ended", false, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := base
			x.change(&l)
			d := c.Deadline(x.purpose, l)
			var waiting []string
			for _, w := range d.Waiting {
				waiting = append(waiting, string(w))
			}
			if d.Due.String() != x.due || d.Rule != x.rule || d.Gap != x.gap || d.Law != x.law || strings.Join(waiting, ",") != x.waiting {
				t.Errorf("got %+v", d)
			}
			if !d.Due.IsZero() && len(d.Because) == 0 {
				t.Error("a day without a reason")
			}
		})
	}
}

func TestQuestions(t *testing.T) {
	c := parse(t, small)
	a, l := c.Purpose("A"), c.Purpose("L")
	needs := func(act events.Word) bool { x, ok := c.Approval(act); return ok && x.Others == 1 }
	for name, ok := range map[string]bool{
		"a category of a set of a set":     a.Permits("pd:Purchase"),
		"no other":                         !a.Permits("pd:Health"),
		"a star permits all":               c.Purpose("S").Permits("pd:Health"),
		"unknown is nil":                   c.Purpose("Z") == nil && !c.Purpose("Z").Permits("pd:Name"),
		"the default regime":               c.Takes(a, "contract", "JP") && !c.Takes(a, "consent", "JP"),
		"the GDPR's":                       c.Takes(a, "consent", "GB-SCT") && !c.Takes(a, "contract", "FR"),
		"a purpose that the law brings":    c.Takes(l, "legal_obligation", "FR") && c.Takes(l, "legitimate_interest", "FR"),
		"what is brought":                  len(c.Brings("A", "pd:Name", "rental")) == 1,
		"not in another operation":         len(c.Brings("A", "pd:Name", "sales")) == 0,
		"not with another category":        len(c.Brings("A", "pd:Purchase", "rental")) == 0,
		"a source":                         c.HasSource("/shop") && c.HasSource("/vendors/parcel"),
		"no source":                        !c.HasSource("/shop/x") && !c.HasSource("/vendors/") && !c.HasSource("/vendors/a/b"),
		"a client is a scheme":             c.HasScheme("client-x") && c.HasClient("client-x") && !c.HasClient("rental"),
		"what is kept of it":               c.TombstoneKeep() == 400*24*time.Hour && c.QuarantineKeep() == 14*24*time.Hour,
		"what is never kept":               NeverKept("minor") && NeverKept("transport") && !NeverKept("unknown_purpose"),
		"an age that changed, before":      c.MinorOn("AE", NewDate(2006, 1, 1), NewDate(2026, 5, 31)),
		"an age that changed, after":       !c.MinorOn("AE", NewDate(2006, 1, 1), NewDate(2026, 6, 1)),
		"majority by the row then valid":   c.MajorityMonth("AE", NewDate(2010, 7, 1)) == "2028-07",
		"majority by the policy's own age": c.MajorityMonth("JP", NewDate(2011, 4, 30)) == "2031-04",
		"one document, one form":           bytes.Equal(c.JSON(), parse(t, string(c.JSON())).JSON()) && bytes.HasPrefix(c.JSON(), []byte(`{"accredited":{"id":"org",`)),
		"a known recipient":                c.HasRecipient("parcel") && !c.HasRecipient("nobody"),
		"a kind of source":                 c.SourceKind("/shop") == "web" && c.SourceKind("/vendors/parcel") == "vendor" && c.SourceKind("/vendors/a/b") == "",
		"whose word is needed":             needs("disposal") && !needs("nothing"),
		"a desk of its own calendar":       c.BusinessDay(NewDate(2026, 1, 1)) && !c.BusinessDay(NewDate(2026, 1, 3)),
		"a child's consent":                c.ConsentAge("FR", NewDate(2026, 1, 1)) == 15 && c.ConsentAge("XX", NewDate(2026, 1, 1)) == 16,
	} {
		if !ok {
			t.Error(name)
		}
	}
}

func TestParseNamesThePath(t *testing.T) {
	for from, x := range map[string]struct{ to, path string }{
		`"version":"1"`:               {`"version":""`, "/version"},
		`"fiscalYearEnd":"03-31"`:     {`"fiscalYearEnd":"03-32"`, "/fiscalYearEnd"},
		`"categories":["ALL"]`:        {`"categories":["NONE"]`, "/purposes/0/categories/0"},
		`"ALL":["BASIC"`:              {`"ALL":["ALL"`, "/sets/ALL/0"},
		`"purpose":"L"`:               {`"purpose":"Q"`, "/purposes/0/brings/0/purpose"},
		`"keep":"P7Y","law"`:          {`"law"`, "/purposes/1/retention/0/keep"},
		`"keep":"P7Y"`:                {`"keep":"7 years"`, "/purposes/1/retention/0/keep"},
		`"from":"collected"`:          {`"from":"birth"`, "/purposes/1/retention/0/from"},
		`"to":"fiscal_year_end"`:      {`"to":"easter"`, "/purposes/1/retention/0/calendar/to"},
		`"plus":"P2M"`:                {`"plus":"PT2H"`, "/purposes/1/retention/0/calendar/plus"},
		`"keep":"P30D"`:               {`"keep":"P30DT1H"`, "/purposes/2/retention/0/keep"},
		`"holidays":"none"`:           {`"holidays":"mine"`, "/desk/holidays"},
		`"all":["closed"]`:            {`"all":["closed"],"any":["closed"]`, "/purposes/0/retention/1"},
		`"from":"last_of_matter"`:     {`"from":"x"`, "/purposes/0/retention/1/otherwise/from"},
		`"id":"A/rest"`:               {`"id":""`, "/purposes/0/retention/1/id"},
		`"gdpr":["consent"]`:          {`"gpdr":["consent"]`, "/purposes/0/bases"},
		`"id":"S","text":{"en":"s"},`: {`"id":"S","text":{"en":"s"},"colour":"red",`, "/purposes/2"},
	} {
		_, err := Parse([]byte(strings.Replace(small, from, x.to, 1)))
		if err == nil || !strings.Contains(err.Error(), x.path) {
			t.Errorf("%s: %v, want %s", x.to, err, x.path)
		}
	}
}

func TestLint(t *testing.T) {
	if found := Lint(parse(t, small)); len(found) > 0 {
		t.Fatalf("the small catalogue is clean, but %v", found)
	}
	for from, x := range map[string]struct{ to, rule, severity string }{
		`"BASIC":["pd:Name"]`:              {`"BASIC":["pd:Name","pd:Nose"]`, "dangling", Error},
		`"ALL":["BASIC","pd:Purchase"]`:    {`"ALL":["BASIC"]`, "category_unused", Error},
		`"operations":["rental"]`:          {`"operations":["rent"]`, "dangling", Error},
		`"if":"opened",`:                   {``, "unreachable", Error},
		`"if":"opened"`:                    {`"if":"opend"`, "milestone_unknown", Error},
		`"all":["closed"]`:                 {`"all":["closed","gone"]`, "milestone_unknown", Error},
		`"id":"A/rest"`:                    {`"id":"A/claim"`, "duplicate", Error},
		`{"id":"S",`:                       {`{"id":"A",`, "duplicate", Error},
		`{"id":"settled"}`:                 {`{"id":"settled"},{"id":"settled"}`, "duplicate", Error},
		`"country":"AE","age":18,"from":"`: {`"country":"AE","age":18,"to":"`, "duplicate", Error},
		`{"id":"S/service","from":"service_ended","keep":"P30D","assumption":"x"}`: {``, "retention_missing", Error},
		`{"id":"S/service"`:                                {`{"id":"S/service","operations":["rental"]`, "retention_missing", Error},
		`"bases":{"default":["contract"]}`:                 {`"bases":{"default":[]}`, "basis_missing", Error},
		`"role":"processor"`:                               {`"role":"friend"`, "role", Error},
		`"FI","FR",`:                                       {`"FI",`, "country_missing", Warning},
		`"representative":"R"`:                             {`"representative":""`, "company_item_missing", Warning},
		`"languages":["en"]`:                               {`"languages":["en","ja"]`, "language_missing", Warning},
		`"keep":"P30D","assumption":"x"`:                   {`"keep":"P30D"`, "source_missing", Warning},
		`"sources":["/shop","/v`:                           {`"sources":["shop","/v`, "source", Error},
		`{"/shop":"web"`:                                   {`{"/shop":"wab"`, "source", Error},
		`"/vendors/*":"vendor"}`:                           {`"/vendors/*":"vendor","/gone":"web"}`, "dangling", Error},
		`{"id":"S",` + `"text"`:                            {`{"id":"S","group":"none","text"`, "dangling", Error},
		`{"id":"L","text":{"en":"l"},"categories":["ALL"]`: {`{"id":"L","text":{"en":"l"},"categories":["pd:Purchase"]`, "not_permitted", Error},
		`"text":{"en":"a"},"categories":["ALL"]`:           {`"text":{"en":"a"},"categories":["pd:Purchase"]`, "unreachable", Warning},
		`"age":20,"civil":18`:                              {`"age":20,"civil":25`, "age", Error},
		`{"id":"S"`:                                        {`{"id":""`, "id_missing", Error},
		`"contacts":[{"id":"desk","phone":"1","name":{"en":"Desk"}}]`: {`"contacts":[]`, "company_item_missing", Warning},
		`"roles":["compliance"]`:                  {`"roles":[]`, "approval", Error},
		`"recipients":[{"id":"parcel"}]`:          {`"recipients":[{"id":"parcel"},{"id":"parcel"}]`, "duplicate", Error},
		`"keep":"P30D"`:                           {`"keep":"P30D","validTo":"2026-01-01"`, "retention_missing", Error},
		`"keep":"P30D",`:                          {`"keep":"P30D","validFrom":"2026-02-01","validTo":"2026-01-01",`, "unreachable", Error},
		`"keep":"P5Y"`:                            {`"keep":"P5Y","confidence":"sure"`, "confidence", Error},
		`"id":"u"`:                                {`"id":"t"`, "duplicate", Error},
		`"channel":"website"`:                     {`"channel":"web"`, "dangling", Error},
		`"channel":"email"`:                       {`"channel":"website"`, "tracker_missing", Warning},
		`"subject":"law"`:                         {`"subject":"moon"`, "dangling", Error},
		`"subject":"system"`:                      {`"subject":"law"`, "duplicate", Error},
		`"every":"P1Y"`:                           {`"every":"PT72H"`, "cycle", Error},
		`"changed":"P30D"`:                        {`"changed":"PT5H"`, "cycle", Error},
		`"improvement":"P2Y"`:                     {`"improvement":"PT5H"`, "cycle", Error},
		`"technology":"sdk"`:                      {`"technology":"magic"`, "dangling", Error},
		`"operator":"parcel"`:                     {`"operator":"nobody"`, "dangling", Error},
		`"country":"SG",`:                         {``, "tracker", Error},
		`"lifetime":"P6M"`:                        {`"lifetime":"P14M"`, "tracker", Error},
		`"sources":["/shop"]`:                     {`"sources":["/shop/x"]`, "dangling", Error},
		`"categories":["BASIC"],"purposes":["A"]`: {`"categories":["BASIC"],"purposes":["Q"]`, "dangling", Error},
		`["pd:Purchase"],"purposes":["A"]`:        {`["pd:Purchase"],"purposes":[]`, "tracker", Error},
		`"kinds":["DISCLOSE"]`:                    {`"kinds":["CORRECT"]`, "fee", Error},
		`"yen":1,"kinds":["DISCLOSE"]`:            {`"yen":1,"kinds":["PORT"]`, "dangling", Error},
		`"kind":"basic"`:                          {`"kind":"base"`, "dangling", Error},
	} {
		hit := false
		for _, f := range Lint(parse(t, strings.Replace(small, from, x.to, 1))) {
			hit = hit || f.Rule == x.rule && f.Severity == x.severity && f.Path != ""
		}
		if !hit {
			t.Errorf("%s: no %s %s", x.to, x.severity, x.rule)
		}
	}
}

// Each required item that is taken away is missed, by its name and in its language.
func TestItems(t *testing.T) {
	for _, i := range parse(t, small).Items() {
		if !i.Said() || i.Law == "" || i.Path == "" {
			t.Errorf("the small catalogue says everything, but %+v", i)
		}
	}
	for from, x := range map[string]struct{ to, item string }{
		`"name":"C",`:                        {``, "name"},
		`"address":"A",`:                     {``, "address"},
		`"representative":"R",`:              {``, "representative"},
		`"text":{"en":"a"}`:                  {`"text":{"ja":"a"}`, "purposes"},
		`"NOTIFY_PURPOSE",`:                  {``, "procedure/NOTIFY_PURPOSE"},
		`"DISCLOSE",`:                        {``, "procedure/DISCLOSE"},
		`"DISCLOSE_3P_RECORD",`:              {``, "procedure/DISCLOSE_3P_RECORD"},
		`"CORRECT",`:                         {``, "procedure/CORRECT"},
		`"CEASE_USE",`:                       {``, "procedure/CEASE_USE"},
		`,"CEASE_PROVISION"`:                 {``, "procedure/CEASE_PROVISION"},
		`{"en":"by post"}`:                   {`{"ja":"by post"}`, "procedure/CORRECT"},
		`{"id":"electronic"}`:                {`{"id":"paper"}`, "answers/electronic"},
		`"how":{"en":"in cash"}`:             {`"how":{"ja":"in cash"}`, "fee"},
		`"kind":"basic"`:                     {`"kind":"rules"`, "measures/basic"},
		`"kind":"external","text":{"en":"e"`: {`"kind":"external","text":{"ja":"e"`, "measures/external"},
		`"phone":"1",`:                       {``, "contact"},
		`"name":{"en":"Desk"}`:               {`"name":{"ja":"Desk"}`, "contact"},
		`"name":{"en":"Org"}`:                {`"name":{"ja":"Org"}`, "accredited"},
		`"gdprBases":["eu-gdpr:A6-1-f"],`:    {``, "bases"},
		`,"inUnion":"U"`:                     {``, "in_union"},
	} {
		doc := strings.Replace(small, from, x.to, 1)
		lacking := []string{}
		for _, i := range parse(t, doc).Items() {
			if !i.Said() {
				lacking = append(lacking, string(i.ID))
			}
		}
		if doc == small || !slices.Contains(lacking, x.item) {
			t.Errorf("%s: lacking are %v, want %s", from, lacking, x.item)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte(`{"version":"1","categories":[],"purposes":[]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		c, err := Parse(doc)
		if err != nil {
			return
		}
		Lint(c)
		now := at("2026-02-28T00:00")
		for i := range c.Purposes {
			p := c.Purposes[i].ID
			c.Deadline(p, Life{Collected: now, Bound: now, LastOfMatter: now, LastContact: now})
			c.Takes(c.Purpose(p), "consent", "FR")
			c.Brings(p, "pd:Name", "rental")
		}
		c.MajorityMonth("JP", NewDate(2010, 2, 28))
	})
}

func BenchmarkDeadline(b *testing.B) {
	c, err := Parse([]byte(small))
	if err != nil {
		b.Fatal(err)
	}
	l := Life{Category: "pd:Name", Operation: "rental", Milestones: map[events.Word]Mark{"closed": at("2026-01-31T00:00")}}
	b.ReportAllocs()
	for b.Loop() {
		c.Deadline("A", l)
	}
}

// S14: whom the GDPR protects is the law's list, by country and its parts; a catalogue that applies it to nobody is not warned.
func TestS14_WhomTheGDPRProtects(t *testing.T) {
	c := parse(t, small)
	for country, want := range map[events.Word]bool{"DE": true, "NO": true, "GB": true, "GB-SCT": true, "IS": true, "JP": false, "CH": false, "US": false, "": false} {
		if Protected(country) != want {
			t.Errorf("%q is protected: %v", country, !want)
		}
		if c.GDPR(country) != want {
			t.Errorf("a catalogue of the whole list: %q is %v", country, !want)
		}
	}
	if len(europe) != 31 {
		t.Errorf("%d countries, not the 30 of the Economic Area and Great Britain", len(europe))
	}
	c.GDPRCountries = nil
	for _, f := range Lint(c) {
		if f.Rule == "country_missing" {
			t.Errorf("nobody is protected by it, and it is warned: %+v", f)
		}
	}
}
