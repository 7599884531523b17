package simulate

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// people are invented names, by country, as they are written there.
var people = map[string]struct{ family, given []string }{
	"JP": {[]string{"佐々木", "菅原", "高橋", "田村", "小野", "渡部", "𠮷田", "髙木"}, []string{"玲奈", "健太", "美咲", "翔", "陽子", "直樹", "千夏", "蓮"}},
	"KR": {[]string{"김", "이", "박", "최", "정", "남"}, []string{"소정", "민준", "서연", "지호", "하은", "도윤"}},
	"TW": {[]string{"陳", "林", "黃", "張", "李", "吳"}, []string{"怡君", "家豪", "淑芬", "志明", "雅婷", "冠宇"}},
	"US": {[]string{"Miller", "Garcia", "Nguyen", "Brown", "O'Hara"}, []string{"Ava", "Noah", "Mia", "Liam", "Zoe"}},
	"DE": {[]string{"Müller", "Schäfer", "Weiß", "Krüger"}, []string{"Jürgen", "Anna", "Lukas", "Sophie"}},
	"FR": {[]string{"Lefèvre", "Moreau", "Garnier", "Noël"}, []string{"Chloé", "Hugo", "Zoé", "André"}},
	"SG": {[]string{"Tan", "Lim", "Ng", "Ong"}, []string{"Wei Ling", "Jun Hao", "Aisyah", "Kumar"}},
	"TH": {[]string{"สมบูรณ์", "ศรีสุข", "ใจดี"}, []string{"สมชาย", "อรุณี", "กมล"}},
}

var countries = []string{"JP", "JP", "JP", "JP", "JP", "KR", "KR", "TW", "TW", "US", "DE", "FR", "SG", "TH"}

var desks = []string{"/rental/web", "/rental/haneda-t3", "/rental/narita-t1", "/rental/kansai-t1"}

func pick[T any](r *rand.Rand, all []T) T { return all[r.IntN(len(all))] }

func (s *simulation) customer(i int, day time.Time) {
	r := person(s.o.Seed, i)
	r.Uint64() // the day was drawn with it
	no := number(i)
	c := &customer{s: s, r: r, no: no, subject: "rental:C-" + no, matter: "K-" + no, country: pick(r, countries), source: pick(r, desks)}
	c.rent(day.Add(time.Duration(r.IntN(86_000)) * time.Second))
	if r.IntN(100) < 12 {
		c.call(c.began.Add(c.hours(24, 200)))
	}
	if r.IntN(100) < 15 {
		c.buy(c.began.Add(c.hours(48, 900)))
	}
	if r.IntN(100) < 10 {
		c.browse(i, day)
	}
	if r.IntN(100) < 2 {
		c.apply(day)
	}
	if r.IntN(100) < 2 {
		s.emit(day.Add(time.Hour), "e-"+no, "/entrusted/client-x", "collected", "client-x:"+no, c.collection([]string{"n"}, []string{"pd:Name"}, []string{c.name()},
			`{"id":"SP-01","basis":"contract"}`, "", "entrusted", "entrusted-db", `"form","role":"processor","client":"client-x"`, ""))
	}
}

// customer is one person at the rental company.
type customer struct {
	s                                    *simulation
	r                                    *rand.Rand
	no, subject, matter, country, source string
	began                                time.Time
	n                                    int
}

// hours is a time between two numbers of hours.
func (c *customer) hours(from, to int) time.Duration {
	return time.Duration(from*3600+c.r.IntN((to-from)*3600)) * time.Second
}

func (c *customer) name() string {
	p := people[c.country]
	f, g := pick(c.r, p.family), pick(c.r, p.given)
	switch c.country {
	case "JP", "KR", "TW":
		return f + " " + g
	}
	return g + " " + f
}

func (c *customer) emit(at time.Time, source, typ, data string) {
	c.n++
	c.s.emit(at, "r-"+c.no+"-"+strconv.Itoa(c.n), source, typ, c.subject, data)
}

// collection writes the data of `collected`. Channel may carry more members behind it.
func (c *customer) collection(keys, categories, values []string, purposes, matter, operation, location, channel, more string) string {
	b := `{"records":[`
	for i := range keys {
		if i > 0 {
			b += ","
		}
		b += `{"key":"` + keys[i] + `","category":"` + categories[i] + `","value":"` + values[i] + `"}`
	}
	b += `],"purposes":[` + purposes + `]`
	if matter != "" {
		b += `,"matter":"` + matter + `"`
	}
	lang := map[string]string{"JP": "ja", "KR": "ko", "TW": "zh-Hant"}[c.country]
	if lang == "" {
		lang = "en"
	}
	kind := "customer"
	switch operation {
	case "content":
		kind = "visitor"
	case "hr":
		kind = "applicant"
	}
	return b + `,"operation":"` + operation + `","location":"` + location + `","channel":` + channel + `,"notice":{"policy":"2025-10","language":"` + lang +
		`"},"person":{"kind":"` + kind + `","country":"` + c.country + `"` + more + `}}`
}

// rent is a contract from its beginning to its last milestone.
func (c *customer) rent(at time.Time) {
	r, no := c.r, c.no
	c.began = at
	keys, cats := []string{"name", "email", "phone", "address", "card", "device"}, []string{"pd:Name", "pd:EmailAddress", "pd:TelephoneNumber", "pd:PhysicalAddress", "pd:PaymentCardNumber", "ts:RentalDevice"}
	vals := []string{c.name(), "guest." + no + "@example.jp", "+81-90-" + number(r.IntN(9999))[2:] + "-" + no[2:], "〒" + number(r.IntN(999999))[:3] + "-" + no[2:] + " 1-" + strconv.Itoa(1+r.IntN(30)),
		"4" + number(r.IntN(999999)) + number(r.IntN(999999)) + no[3:], "WF-" + number(r.IntN(999999)) + no[4:]}
	if c.country != "JP" {
		keys, cats, vals = append(keys, "passport"), append(cats, "pd:Passport"), append(vals, "PA"+number(r.IntN(999999))+no[3:])
	}
	if r.IntN(80) == 0 { // a desk that asks what it must not ask
		keys, cats, vals = append(keys, "health"), append(cats, "pd:Health"), append(vals, "a note of "+no)
	}
	for i := range keys {
		keys[i] = c.matter + "/" + keys[i]
	}
	purposes := `{"id":"SVC-01","basis":"contract"},{"id":"SVC-09","basis":"legitimate_interest"}`
	mail := r.IntN(3) == 0
	if mail {
		purposes += `,{"id":"DM-02","basis":"consent","consent":{"by":"self"}}`
	}
	if r.IntN(120) == 0 {
		purposes = `{"id":"SVC-99","basis":"contract"}`
	}
	channel := `"counter","transport":"internal"`
	if c.source == "/rental/web" {
		if channel = `"web","transport":"tls"`; r.IntN(200) == 0 {
			channel = `"web"`
		}
	}
	age := 20 + r.IntN(55)
	if r.IntN(14) == 0 {
		age = 13 + r.IntN(5)
	}
	if age < 20 && r.IntN(8) > 0 {
		channel += `,"guardian":{"consent":"GC-` + no + `","relation":"parent"}`
	}
	born := at.AddDate(-age, 0, -r.IntN(360))
	id := "r-" + no + "-0"
	data := c.collection(keys, cats, vals, purposes, c.matter, "rental", "rental-db", channel, `,"birthdate":"`+born.Format("2006-01-02")+`"`)
	c.s.emit(at, id, c.source, "collected", c.subject, data)
	if r.IntN(60) == 0 { // sent again by an emitter that did not hear the answer
		c.s.emit(at.Add(time.Minute), id, c.source, "collected", c.subject, data)
	}
	move := func(at time.Time, record, to, country, purpose, basis string) {
		c.emit(at, c.source, "transferred", `{"records":[`+record+`],"recipient":"`+to+`","kind":"entrusted","purpose":"`+purpose+`","basis":"`+basis+`","country":"`+country+`"}`)
	}
	key := func(k string) string { return `"` + c.matter + "/" + k + `"` }
	move(at.Add(10*time.Minute), key("card"), "cards", "JP", "SVC-01", "contract")
	if c.source == "/rental/web" {
		move(at.Add(2*time.Hour), key("name")+","+key("address")+","+key("phone"), "parcel", "JP", "SVC-01", "contract")
		if r.IntN(3) > 0 {
			c.emit(at.Add(c.hours(400, 900)), "/vendors/parcel", "disposal_confirmed", `{"records":[`+key("name")+","+key("address")+","+key("phone")+`],"recipient":"parcel","certificate":"PC-`+no+`"}`)
		}
	}
	if r.IntN(4) == 0 {
		c.emit(at.Add(c.hours(3, 60)), "/rental/support", "used", `{"purpose":"SVC-01","categories":["pd:Name","pd:TelephoneNumber"],"by":"staff:s-`+strconv.Itoa(r.IntN(40))+`"}`)
	}
	if r.IntN(20) == 0 {
		c.emit(at.Add(c.hours(5, 90)), c.source, "corrected", `{"record":`+key("email")+`,"value":"new.`+no+`@example.com"}`)
	}
	if mail {
		c.s.emit(at.Add(c.hours(200, 600)), "m-"+no, "/marketing/crm", "transferred", c.subject, `{"records":[`+key("email")+`],"recipient":"mailer","kind":"entrusted","purpose":"DM-02","basis":"consent","country":"US"}`)
		if r.IntN(6) == 0 {
			c.emit(at.Add(c.hours(300, 2000)), "/marketing/crm", "purpose_ended", `{"matter":"`+c.matter+`","purpose":"DM-02","reason":"objected"}`)
		}
	}
	back := at.Add(c.hours(72, 700))
	for i, m := range []string{"device.returned", "invoice.paid", "contract.closed"} {
		if r.IntN(60) == 0 {
			continue // a milestone that never comes
		}
		source := c.source
		if m == "invoice.paid" {
			source = "/rental/billing"
		}
		c.emit(back.Add(time.Duration(i)*7*time.Hour), source, "milestone_reached", `{"matter":"`+c.matter+`","milestone":"`+m+`"}`)
	}
	if r.IntN(35) == 0 {
		c.emit(back.Add(c.hours(100, 800)), "/legal/cases", "hold_placed", `{"case":"L-`+no+`","matter":"`+c.matter+`"}`)
	}
}

func (c *customer) call(at time.Time) {
	t := "T-" + c.no
	c.s.emit(at, "c-"+c.no, "/callcenter/pbx", "collected", c.subject, c.collection([]string{t + "/note"}, []string{"pd:Communication"}, []string{"asked about the bill of " + c.matter},
		`{"id":"SVC-08","basis":"legitimate_interest"}`, t, "rental", "call-store", `"phone"`, ""))
	c.emit(at.Add(c.hours(20, 200)), "/callcenter/pbx", "milestone_reached", `{"matter":"`+t+`","milestone":"case.closed"}`)
}

func (c *customer) buy(at time.Time) {
	m, subject := "S-"+c.no, "sales:S-"+c.no
	c.s.emit(at, "s-"+c.no, "/sales/shop", "collected", subject, c.collection([]string{m + "/name", m + "/email", m + "/purchase"}, []string{"pd:Name", "pd:EmailAddress", "pd:Purchase"},
		[]string{c.name(), "buyer." + c.no + "@example.com", "SIM card, order of " + c.no}, `{"id":"SVC-01","basis":"contract"}`, m, "sales", "sales-crm", `"web","transport":"tls"`, ""))
	c.s.emit(at.Add(c.hours(1, 90)), "sp-"+c.no, "/rental/billing", "milestone_reached", subject, `{"matter":"`+m+`","milestone":"invoice.paid"}`)
	if c.r.IntN(3) > 0 {
		c.s.emit(at.Add(c.hours(48, 300)), "l-"+c.no, "/privacy/office", "identity_linked", c.subject, `{"other":"`+subject+`","evidence":"same e-mail, confirmed by phone"}`)
	}
}

func (c *customer) browse(i int, at time.Time) {
	r := c.r
	cookie := "cookie:" + number(r.IntN(1<<20)) + "-" + strconv.FormatUint(r.Uint64()>>8, 16) + "-" + c.no
	visit := func(at time.Time, id, k string) {
		was := c.country
		c.country = "JP"
		c.s.emit(at, id, "/web/www", "collected", cookie, c.collection([]string{k + "/agent", k + "/ip"}, []string{"pd:UserAgent", "pd:IPAddress"}, []string{"Mozilla/5.0 (" + c.no + ")", "203.0.113." + strconv.Itoa(i%250)},
			`{"id":"CK-01","basis":"legitimate_interest"}`, "", "content", "web-analytics", `"cookie","transport":"tls"`, ""))
		c.country = was
	}
	c.s.emit(at, "w-"+c.no, "/web/www", "notice_shown", cookie, `{"notice":{"policy":"2025-10","language":"ja"},"deemed":true}`)
	visit(at.Add(5*time.Second), "w1-"+c.no, "visit-1")
	if r.IntN(5) == 0 {
		c.s.emit(at.Add(time.Minute), "w2-"+c.no, "/web/www", "tracking_refused", cookie, `{"channel":"cookie"}`)
		visit(at.Add(time.Hour), "w3-"+c.no, "visit-2") // a tag that does not listen
	}
}

func (c *customer) apply(at time.Time) {
	subject, m := "applicant:A-"+c.no, "A-"+c.no
	c.s.emit(at.Add(2*time.Hour), "h-"+c.no, "/hr/recruiting", "collected", subject, c.collection([]string{m + "/name", m + "/work"}, []string{"pd:Name", "pd:WorkHistory"},
		[]string{c.name(), "five years at a shop"}, `{"id":"HR-01","basis":"contract"}`, m, "hr", "hr-files", `"form"`, ""))
	c.s.emit(at.Add(c.hours(200, 700)), "h1-"+c.no, "/hr/recruiting", "milestone_reached", subject, `{"matter":"`+m+`","milestone":"application.rejected"}`)
}
