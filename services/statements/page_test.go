package statements_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/organisation"
	"github.com/daicho-dev/daicho/services/statements"
)

var (
	main  = events.Stream{Kind: "policy", ID: "main"}
	april = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
)

// told folds facts about the organisation, as the gateway does.
type told struct {
	t     testing.TB
	state *organisation.State
	n     events.Position
}

func (o *told) tell(typ string, st events.Stream, at time.Time, f events.Fact) {
	o.t.Helper()
	data, err := events.Encode(f)
	if err != nil {
		o.t.Fatal(err)
	}
	o.n++
	if o.state, err = o.state.With(&events.Event{Stream: st, Type: typ, Time: at, Position: o.n, Data: data}); err != nil {
		o.t.Fatal(err)
	}
}

// shipped is a register in which the shipped policy is in force, changed here and there.
func shipped(t testing.TB, change ...string) *told {
	t.Helper()
	doc := string(policies.Default().JSON())
	for i := 0; i+1 < len(change); i += 2 {
		if !strings.Contains(doc, change[i]) {
			t.Fatalf("the shipped policy does not hold %s", change[i])
		}
		doc = strings.Replace(doc, change[i], change[i+1], 1)
	}
	o := &told{t: t, state: organisation.New()}
	o.tell(events.TypePolicyPublished, main, april, &events.PolicyPublished{Version: "2025-10", Catalogue: []byte(doc)})
	return o
}

func (o *told) page(lang string) (*html.Node, string) {
	o.t.Helper()
	b, err := statements.New(o.state, lang, april).HTML()
	if err != nil {
		o.t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(string(b)))
	if err != nil {
		o.t.Fatal(err)
	}
	return doc, string(b)
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func all(n *html.Node, want func(*html.Node) bool) []*html.Node {
	var found []*html.Node
	for x := range n.Descendants() {
		if x.Type == html.ElementNode && want(x) {
			found = append(found, x)
		}
	}
	return found
}

func byID(t testing.TB, doc *html.Node, id string) *html.Node {
	t.Helper()
	found := all(doc, func(n *html.Node) bool { return attribute(n, "id") == id })
	if len(found) != 1 {
		t.Fatalf("%d elements have the id %s", len(found), id)
	}
	return found[0]
}

func text(n *html.Node) string {
	var b strings.Builder
	for x := range n.Descendants() {
		if x.Type == html.TextNode {
			b.WriteString(x.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestEveryWordIsThereInEveryLanguage(t *testing.T) {
	b, err := os.ReadFile("words.json")
	if err != nil {
		t.Fatal(err)
	}
	var words map[string]map[string]string
	if err := json.Unmarshal(b, &words); err != nil {
		t.Fatal(err)
	}
	brace := regexp.MustCompile(`\{\w+\}`)
	for name, in := range words {
		for _, lang := range statements.Languages {
			if strings.TrimSpace(in[lang]) == "" {
				t.Errorf("%s is not there in %s", name, lang)
			}
			for _, b := range brace.FindAllString(in["en"], -1) {
				if !strings.Contains(in[lang], b) {
					t.Errorf("%s in %s has no place for %s", name, lang, b)
				}
			}
		}
		if len(in) != len(statements.Languages) {
			t.Errorf("%s is there in %d languages", name, len(in))
		}
	}
	for _, file := range []string{"page.html", "page.go", "items.go", "keep.go"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?:\bSay|\bsay|add\("[^"]*", ?|see\("[^"]*", ?)[ (]?"([a-z_]+(?:\.[A-Za-z_]+)*)"`).FindAllStringSubmatch(string(b), -1) {
			if words[m[1]] == nil {
				t.Errorf("%s says %q, and no language knows it", file, m[1])
			}
		}
	}
}

// The items of APPI 32(1) and Order 10, and what the company's own policy promises besides: each has to be there, in each language.
func TestS73_S74_S75_EveryRequiredItemIsOnThePageInEveryLanguage(t *testing.T) {
	desk := []string{"Homat Horizon Bldg. 3F, 6-2 Gobancho, Chiyoda-ku, Tokyo 102-0076", "privacy@telecomsquare.co.jp", "03-3239-3278", "10:00"}
	for _, lang := range statements.Languages {
		doc, _ := shipped(t).page(lang)
		in := func(of ...string) string { return of[map[string]int{"en": 0, "ja": 1, "zh-Hant": 2, "ko": 3}[lang]] }
		for item, want := range map[string][]string{
			"name":               {"Telecom Square, Inc."},
			"address":            desk[:1],
			"manager":            {in("General Affairs Group", "総務グループ", "總務部門", "총무그룹")},
			"purposes":           {in("purposes", "利用目的", "使用目的", "이용 목적")},
			"procedures":         {in("procedures", "手続", "程序", "절차")},
			"measures-basic":     {in("basic policy", "基本方針", "基本方針", "기본 방침")},
			"measures-technical": {in("encrypted", "暗号化", "加密", "암호화"), in("recorded", "記録", "紀錄", "기록")},
			"contact":            append([]string{in("Service Desk", "相談窓口", "諮詢窗口", "상담 창구")}, desk...),
			"accredited":         {in("Japan Data Communications Association", "日本データ通信協会", "日本資料通信協會", "일본데이터통신협회"), "03-5907-3803", "Sugamo", "13:00"},
		} {
			got := text(byID(t, doc, "item-"+item))
			for _, w := range want {
				if !strings.Contains(got, w) {
					t.Errorf("%s: the item %s does not say %q: %s", lang, item, w, got)
				}
			}
		}
		for kind, fee := range map[string]string{
			"NOTIFY_PURPOSE": "1,000", "DISCLOSE": "1,000", "CORRECT": in("free", "無料", "免費", "무료"), "CEASE_USE": in("free", "無料", "免費", "무료"),
			"ERASE": in("free", "無料", "免費", "무료"), "CEASE_PROVISION": in("free", "無料", "免費", "무료"), "ADD": in("free", "無料", "免費", "무료"),
			"DELETE_CONTENT": in("free", "無料", "免費", "무료"),
		} {
			if got := text(byID(t, doc, "request-"+kind)); !strings.Contains(got, fee) {
				t.Errorf("%s: the fee of %s is not %s: %s", lang, kind, fee, got)
			}
		}
		procedures := text(byID(t, doc, "procedures"))
		for _, w := range []string{in("by post", "郵送", "郵寄", "우편"), in("by hand", "持参", "親送", "직접 제출"), in("power of attorney", "委任状", "委任書", "위임장"), in("registered mail", "現金書留", "現金掛號", "현금등기우편"), "14"} {
			if !strings.Contains(procedures, w) {
				t.Errorf("%s: the procedures do not say %q", lang, w)
			}
		}
	}
}

// S75: the table shows the purposes of what is subject to disclosure, all of them and no other, in the words of the catalogue.
func TestS75_TheTableShowsTheDisclosablePurposesOnly(t *testing.T) {
	c := policies.Default()
	for _, lang := range statements.Languages {
		doc, _ := shipped(t).page(lang)
		table, others := byID(t, doc, "purposes-table"), byID(t, doc, "other-purposes")
		for i := range c.Purposes {
			p := &c.Purposes[i]
			row := byID(t, doc, "purpose-"+string(p.ID))
			if !strings.Contains(text(row), p.Text[lang]) {
				t.Errorf("%s: %s is not in the words of the catalogue", lang, p.ID)
			}
			is := len(all(table, func(n *html.Node) bool { return n == row })) == 1
			is2 := len(all(others, func(n *html.Node) bool { return n == row })) == 1
			if is != p.Disclosable || is2 == p.Disclosable {
				t.Errorf("%s: %s is in the table: %v; beside it: %v; disclosable: %v", lang, p.ID, is, is2, p.Disclosable)
			}
			if cells := all(row, func(n *html.Node) bool { return n.Data == "td" }); text(cells[0]) == "" || text(cells[2]) == "" {
				t.Errorf("%s: %s says nothing of its data or its time", lang, p.ID)
			}
		}
	}
}

func TestThePageListsWhatTheCompanyHasToSupply(t *testing.T) {
	want := "item-representative item-in_union item-measures-rules item-measures-organisational item-measures-human item-measures-physical item-measures-external item-procedure-DISCLOSE_3P_RECORD item-answers-electronic"
	for _, lang := range statements.Languages {
		doc, _ := shipped(t).page(lang)
		var open []string
		for _, n := range all(doc, func(n *html.Node) bool { return attribute(n, "class") == "missing" }) {
			open = append(open, attribute(n, "id"))
			if dd := all(n, func(n *html.Node) bool { return n.Data == "dd" }); len(dd) != 1 || text(dd[0]) == "" {
				t.Errorf("%s: %s says nothing at all", lang, attribute(n, "id"))
			}
		}
		if got := strings.Join(open, " "); got != want {
			t.Errorf("%s: open on the page are %s", lang, got)
		}
		lint := map[string]bool{} // what staff are told to supply is what the public sees open
		for _, i := range policies.Default().Items() {
			if !i.Said() {
				lint["item-"+strings.ReplaceAll(string(i.ID), "/", "-")] = true
			}
		}
		for _, id := range open {
			delete(lint, id)
		}
		if len(lint) > 0 {
			t.Errorf("%s: not said to be open: %v", lang, lint)
		}
	}
	o := shipped(t, `"representative":""`, `"representative":"Taro Denki"`)
	doc, _ := o.page("ko")
	if n := byID(t, doc, "item-representative"); attribute(n, "class") == "missing" || !strings.Contains(text(n), "Taro Denki") {
		t.Error("what has been supplied is not shown")
	}
}

// Every passage of the policy is there in the words of each language: whole, or in short beside the English original.
func TestS31_S73_EveryPassageIsInEveryLanguage(t *testing.T) {
	c := policies.Default()
	for _, lang := range statements.Languages {
		doc, _ := shipped(t).page(lang)
		if lang != "en" && !slices.Contains(c.Review, lang) {
			t.Errorf("%s: a translation is not marked for review", lang)
		}
		for i := range c.Sections {
			x := &c.Sections[i]
			said := text(byID(t, doc, "section-"+string(x.ID)))
			if original := all(byID(t, doc, "section-"+string(x.ID)), func(n *html.Node) bool { return attribute(n, "class") == "original" }); len(original) > 0 {
				said = strings.TrimSuffix(said, text(original[0]))
			}
			if rest := strings.TrimSpace(strings.TrimPrefix(said, x.Title[lang])); rest == "" {
				t.Errorf("%s: %s is there in English only", lang, x.ID)
			}
		}
	}
	for lang, want := range map[string]string{"ja": "個人情報保護マネジメントシステム", "zh-Hant": "個人資料保護管理體系", "ko": "개인정보 보호 관리체계"} {
		doc, _ := shipped(t).page(lang)
		statement := byID(t, doc, "section-statement")
		if points := all(statement, func(n *html.Node) bool { return n.Data == "li" }); len(points) != 5 || strings.Count(text(statement), want) != 2 {
			t.Errorf("%s: %d points", lang, len(points))
		}
		for _, section := range []string{"section-contact", "section-disclosure"} {
			for _, word := range []string{"Telecom Square, Inc.", "Homat Horizon Bldg. 3F, 6-2 Gobancho", "privacy@telecomsquare.co.jp", "03-3239-3278"} {
				if !strings.Contains(text(byID(t, doc, section)), word) {
					t.Errorf("%s: %s lacks %s", lang, section, word)
				}
			}
		}
	}
}

// Every text stands in an element that names its language, ids are unique, links lead somewhere, and nothing comes from elsewhere.
func TestThePageIsWhole(t *testing.T) {
	for _, lang := range statements.Languages {
		doc, source := shipped(t).page(lang)
		root := all(doc, func(n *html.Node) bool { return n.Data == "html" })[0]
		if attribute(root, "lang") != lang {
			t.Errorf("%s: the page is in %s", lang, attribute(root, "lang"))
		}
		ids := map[string]bool{}
		for _, n := range all(doc, func(*html.Node) bool { return true }) {
			if id := attribute(n, "id"); id != "" && ids[id] {
				t.Errorf("%s: the id %s stands twice", lang, id)
			} else {
				ids[id] = true
			}
			switch n.Data {
			case "script", "img", "iframe", "object", "form", "base":
				t.Errorf("%s: there is a %s", lang, n.Data)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "style" || a.Key == "href" && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "?lang=") {
					t.Errorf("%s: %s has %s=%s", lang, n.Data, a.Key, a.Val)
				}
			}
		}
		for _, n := range all(doc, func(n *html.Node) bool { return n.Data == "a" }) {
			if id, ok := strings.CutPrefix(attribute(n, "href"), "#"); ok && !ids[id] {
				t.Errorf("%s: a link leads to %s", lang, id)
			}
		}
		if n := len(all(doc, func(n *html.Node) bool { return n.Data == "h1" })); n != 1 {
			t.Errorf("%s: %d headings of the page", lang, n)
		}
		style := sha256.Sum256([]byte(all(doc, func(n *html.Node) bool { return n.Data == "style" })[0].FirstChild.Data))
		if !strings.Contains(statements.Policy, "'sha256-"+base64.StdEncoding.EncodeToString(style[:])+"'") {
			t.Errorf("%s: a browser would refuse the page's own style", lang)
		}
		for _, left := range []string{"{{", "%!", "{period}", "{start}", "{n}", "ZgotmplZ", "&lt;no value"} {
			if strings.Contains(source, left) {
				t.Errorf("%s: %s is left over", lang, left)
			}
		}
		for _, n := range all(doc, func(n *html.Node) bool {
			return n.Data == "td" || n.Data == "th" || n.Data == "li" || n.Data == "dt" || n.Data == "dd" || n.Data == "h2"
		}) {
			if text(n) == "" && n.Parent.Data != "tr" {
				t.Errorf("%s: an empty %s", lang, n.Data)
			}
		}
	}
}

var (
	majorChange = events.Change{Text: map[events.Word]events.Text{"en": "Parcels <b>&</b> more", "ja": "配送の追加", "zh-Hant": "新增配送", "ko": "배송 추가"}, Major: true}
	minorChange = events.Change{Text: map[events.Word]events.Text{"en": "A new address", "ja": "住所の変更"}}
)

func next(version, effective string) []byte {
	doc := string(policies.Default().JSON())
	return []byte(strings.NewReplacer(`"version":"2025-10"`, `"version":"`+version+`"`, `"effective":"2025-10-01"`, `"effective":"`+effective+`"`).Replace(doc))
}

// S29: each change of each version is a line at the bottom, none more. S30: a major one stands in the banner before it takes effect.
func TestS29_S30_ChangesAndBanner(t *testing.T) {
	for _, lang := range statements.Languages {
		o := shipped(t)
		changes := func() (lines, banners []string) {
			doc, _ := o.page(lang)
			for _, n := range all(doc, func(n *html.Node) bool { return strings.HasPrefix(attribute(n, "class"), "change") }) {
				lines = append(lines, text(n))
			}
			for _, n := range all(doc, func(n *html.Node) bool { return attribute(n, "class") == "banner" }) {
				banners = append(banners, text(n))
			}
			return lines, banners
		}
		if lines, banners := changes(); len(lines)+len(banners) != 0 {
			t.Errorf("%s: changes of nothing: %v %v", lang, lines, banners)
		}
		o.tell(events.TypePolicyPublished, main, april.AddDate(0, -6, 0), &events.PolicyPublished{Version: "2025-11", Catalogue: next("2025-11", "2025-11-01"), Changes: []events.Change{minorChange, majorChange}})
		if lines, banners := changes(); len(lines) != 2 || len(banners) != 0 {
			t.Errorf("%s: an old change: %d lines, %d banners", lang, len(lines), len(banners))
		}
		o.tell(events.TypePolicyPublished, main, april, &events.PolicyPublished{Version: "2026-05", Catalogue: next("2026-05", "2026-05-01"), Changes: []events.Change{majorChange}, Waits: true})
		day := map[string]string{"en": "1 May 2026", "ja": "2026年5月1日", "zh-Hant": "2026年5月1日", "ko": "2026년 5월 1일"}[lang]
		lines, banners := changes()
		if len(lines) != 3 || len(banners) != 1 || !strings.Contains(banners[0], day) || !strings.Contains(banners[0], string(majorChange.Text[events.Word(lang)])) || !strings.Contains(lines[0], day) {
			t.Errorf("%s: an announced change: %v, %v", lang, lines, banners)
		}
		doc, source := o.page(lang)
		if strings.Contains(source, "<b>&") {
			t.Error("a change is put into the page as it is")
		}
		if got := text(byID(t, doc, "version")); got != "2025-11" {
			t.Errorf("%s: an announced policy is shown as if in force: %s", lang, got)
		}
		last := all(doc, func(n *html.Node) bool { return n.Data == "section" })
		if attribute(last[len(last)-1], "id") != "changes" {
			t.Errorf("%s: the changes are not at the bottom", lang)
		}
		o.tell(events.TypePolicyEffective, main, time.Date(2026, 4, 30, 15, 0, 0, 0, time.UTC), &events.PolicyEffective{Version: "2026-05"})
		doc, _ = o.page(lang)
		if got := text(byID(t, doc, "version")) + " " + text(byID(t, doc, "in-force")); got != "2026-05 "+day {
			t.Errorf("%s: in force is %s", lang, got)
		}
	}
}

// S29: every version is on the page, also those that have no change to tell, and those that an older log has without their list.
func TestS29_EveryVersionIsOnThePage(t *testing.T) {
	for _, lang := range statements.Languages {
		in := func(of ...string) string { return of[map[string]int{"en": 0, "ja": 1, "zh-Hant": 2, "ko": 3}[lang]] }
		o := shipped(t)
		rows := func() (rows []string, unchanged bool) {
			doc, _ := o.page(lang)
			section := byID(t, doc, "changes")
			for _, n := range all(section, func(n *html.Node) bool { return n.Data == "tr" && attribute(n, "class") != "" }) {
				rows = append(rows, text(n))
			}
			return rows, strings.Contains(text(section), in("Nothing has been changed", "掲載以降の変更はありません", "自刊載以來無變更", "게재 이후 변경 사항이 없습니다"))
		}
		first := in("The first version", "最初の版", "首版", "최초의 버전")
		if got, unchanged := rows(); len(got) != 1 || !strings.Contains(got[0], "2025-10") || !strings.Contains(got[0], first) || !unchanged {
			t.Errorf("%s: the first version: %q", lang, got)
		}
		o.tell(events.TypePolicyPublished, main, april, &events.PolicyPublished{Version: "2025-11", Catalogue: next("2025-11", "2025-11-01")})
		if got, unchanged := rows(); len(got) != 2 || !strings.Contains(got[0], "2025-11") || !strings.Contains(got[0], in("Nothing of this page", "変更はありません", "無變更", "변경이 없습니다")) || !unchanged {
			t.Errorf("%s: a version that changes nothing: %q", lang, got)
		}
		other := strings.Replace(string(next("2025-12", "2025-12-01")), "03-3239-3278", "03-0000-0000", 1)
		o.tell(events.TypePolicyPublished, main, april, &events.PolicyPublished{Version: "2025-12", Catalogue: []byte(other)})
		if got, unchanged := rows(); len(got) != 3 || !strings.Contains(got[0], "2025-12") || !strings.Contains(got[0], in("without a list", "変更の内容を示さず", "未列明變更內容", "변경 내용의 안내 없이")) || unchanged {
			t.Errorf("%s: a version without its list: %q, said to be unchanged: %v", lang, got, unchanged)
		}
		o.tell(events.TypePolicyPublished, main, april, &events.PolicyPublished{Version: "2026-05", Catalogue: next("2026-05", "2026-05-01"), Changes: []events.Change{majorChange}, Waits: true})
		o.tell(events.TypePolicyPublished, main, april, &events.PolicyPublished{Version: "2026-06", Catalogue: next("2026-06", "2026-06-01"), Changes: []events.Change{minorChange}, Waits: true})
		o.tell(events.TypePolicyEffective, main, time.Date(2026, 5, 31, 15, 0, 0, 0, time.UTC), &events.PolicyEffective{Version: "2026-06"})
		got, _ := rows()
		if len(got) != 5 || !strings.Contains(got[1], "2026-05") || !strings.Contains(got[1], in("Never in force", "施行されませんでした", "未施行", "시행되지 않음")) {
			t.Errorf("%s: a version that was passed over: %q", lang, got)
		}
		if doc, _ := o.page(lang); len(all(doc, func(n *html.Node) bool { return attribute(n, "class") == "banner" })) > 0 {
			t.Errorf("%s: a version that will not come is announced", lang)
		}
	}
}

// S69: the categories of information in a published dataset are announced; of one that is not published, nothing.
func TestS69_TheItemsOfAPublishedDatasetAreAnnounced(t *testing.T) {
	o := shipped(t)
	st := events.Stream{Kind: "dataset", ID: "ds-1"}
	o.tell(events.TypeDatasetAnonymized, st, april, &events.Dataset{Dataset: "ds-1", Items: []events.Word{"pd:Purchase", "pd:TravelHistory", "person.country"}})
	for _, lang := range statements.Languages {
		doc, _ := o.page(lang)
		if got := text(byID(t, doc, "datasets")); strings.Contains(got, "購入") || len(all(byID(t, doc, "datasets"), func(n *html.Node) bool { return n.Data == "tr" })) > 0 {
			t.Errorf("%s: a dataset is announced before it is published: %s", lang, got)
		}
	}
	o.tell(events.TypeDatasetPublished, st, april, &events.Dataset{Dataset: "ds-1", Items: []events.Word{"pd:Purchase", "pd:TravelHistory", "person.country"}, Methods: []events.Word{"sftp"}})
	for _, lang := range statements.Languages {
		doc, _ := o.page(lang)
		got := text(byID(t, doc, "datasets"))
		for _, id := range []events.Word{"pd:Purchase", "pd:TravelHistory"} {
			k, _ := o.state.Policy.Category(id)
			if !strings.Contains(got, k.Label[lang]) {
				t.Errorf("%s: %s is not announced: %s", lang, id, got)
			}
		}
		if field := map[string]string{"en": "Country", "ja": "国・地域", "zh-Hant": "國家／地區", "ko": "국가·지역"}[lang]; !strings.Contains(got, field) || strings.Contains(got, "person.country") {
			t.Errorf("%s: an item is announced as the engine calls it: %s", lang, got)
		}
		if !strings.Contains(got, "sftp") {
			t.Errorf("%s: the method is not announced", lang)
		}
	}
	before, _ := o.page("ja")
	o.tell(events.TypeDatasetDestroyed, st, april, &events.Dataset{Dataset: "ds-1"})
	if o.state.Datasets["ds-1"].Destroyed == nil {
		t.Fatal("the dataset is not destroyed")
	}
	if after, _ := o.page("ja"); text(byID(t, after, "datasets")) != text(byID(t, before, "datasets")) {
		t.Error("what was provided is out there, and is no longer announced, as the copy here is destroyed")
	}
}

// S52, S53, S60: each tracker with its name, content and lifetime, in all of the five channels; S57 to S59: how to refuse them, and what
// follows. What goes to others is told once more as an external transmission: content, recipient, purpose.
func TestS52_S53_S58_S59_S60_TheInventoryIsOnThePage(t *testing.T) {
	c := policies.Default()
	for _, lang := range statements.Languages {
		in := func(of ...string) string { return of[map[string]int{"en": 0, "ja": 1, "zh-Hant": 2, "ko": 3}[lang]] }
		doc, _ := shipped(t).page(lang)
		section := text(byID(t, doc, "trackers"))
		for _, w := range []string{in("website", "ウェブサイト", "網站", "웹사이트"), in("online service", "オンラインサービス", "線上服務", "온라인 서비스"),
			in("talking application", "通話アプリ", "通話應用程式", "통화 앱"), in("e-mails", "メール", "電子郵件", "이메일"), in("advertisements", "広告", "廣告", "광고"),
			in("refuse cookies in the settings", "設定で拒否", "設定中拒絕", "설정에서 거부"), in("may not be available", "利用できない", "無法使用", "이용하지 못할"), in("provider of your browser", "ブラウザの提供者", "瀏覽器提供者", "브라우저 제공자")} {
			if !strings.Contains(section, w) {
				t.Errorf("%s: %q is not said of the trackers", lang, w)
			}
		}
		for i := range c.Trackers {
			x := &c.Trackers[i]
			row := byID(t, doc, "tracker-"+string(x.ID))
			for j, cell := range all(row, func(n *html.Node) bool { return n.Data == "td" }) {
				if text(cell) == "" {
					t.Errorf("%s: %s leaves column %d empty", lang, x.ID, j+1)
				}
			}
			if own := in("the company", "当社", "本公司", "당사"); (x.Operator == "company") != (text(all(row, func(n *html.Node) bool { return n.Data == "td" })[2]) == own) {
				t.Errorf("%s: who runs %s is not said", lang, x.ID)
			}
			for _, w := range []string{x.Label[lang], x.Content[lang], x.Name, c.Purpose(x.Purposes[0]).Text[lang]} {
				if !strings.Contains(text(row), w) {
					t.Errorf("%s: %s does not say %q", lang, x.ID, w)
				}
			}
			sent := all(doc, func(n *html.Node) bool { return attribute(n, "id") == "transmission-"+string(x.ID) })
			if (len(sent) == 1) != (x.Operator != "company") {
				t.Errorf("%s: %s is among the external transmissions: %v", lang, x.ID, len(sent) == 1)
			}
			if len(sent) == 1 && (!strings.Contains(text(sent[0]), x.Content[lang]) || !strings.Contains(text(sent[0]), c.Purpose(x.Purposes[0]).Text[lang])) {
				t.Errorf("%s: %s does not say what is sent, and for what", lang, x.ID)
			}
		}
		if got := text(byID(t, doc, "tracker-site-preferences")); !strings.Contains(got, in("6 months", "6か月", "6個月", "6개월")) {
			t.Errorf("%s: no lifetime: %s", lang, got)
		}
	}
}

// S58, S59: what is said of refusing cookies, and of the browser's provider, is said of trackers: without any, the page says that there are none.
func TestS59_WithoutAnInventoryNothingIsSaidOfTheBrowser(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal(policies.Default().JSON(), &doc); err != nil {
		t.Fatal(err)
	}
	delete(doc, "trackers")
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	without := &told{t: t, state: organisation.New()}
	without.tell(events.TypePolicyPublished, main, april, &events.PolicyPublished{Version: "2025-10", Catalogue: b})
	for lang, w := range map[string][3]string{
		"en": {"provider of your browser", "refuse cookies in the settings", "may not be available"}, "ja": {"ブラウザの提供者", "設定で拒否", "利用できない"},
		"zh-Hant": {"瀏覽器提供者", "設定中拒絕", "無法使用"}, "ko": {"브라우저 제공자", "설정에서 거부", "이용하지 못할"},
	} {
		whole, _ := shipped(t).page(lang)
		bare, _ := without.page(lang)
		there, gone := text(byID(t, whole, "trackers")), text(byID(t, bare, "trackers"))
		for _, passage := range w {
			if !strings.Contains(there, passage) || strings.Contains(gone, passage) {
				t.Errorf("%s: %q stands there %t with trackers, %t without", lang, passage, strings.Contains(there, passage), strings.Contains(gone, passage))
			}
		}
		if len(gone) < 10 {
			t.Errorf("%s: that there are no trackers is not said: %q", lang, gone)
		}
	}
}

func TestRecipientsAndCountries(t *testing.T) {
	o := shipped(t)
	r := &events.Recipient{Recipient: "mailer", Name: "Mailer LLC", Country: "US", Kinds: []events.Word{"entrusted"}, Purposes: []events.Word{"DM-01"}, Safeguard: "consent"}
	o.tell(events.TypeRecipientRegistered, events.Stream{Kind: "recipient", ID: "mailer"}, april, r)
	for lang, want := range map[string][]string{"en": {"United States", "consent", "Mail sending"}, "ja": {"アメリカ合衆国", "同意", "委託先"}, "zh-Hant": {"美國", "同意"}, "ko": {"미국", "동의", "수탁자"}} {
		doc, _ := o.page(lang)
		for _, w := range want {
			if got := text(byID(t, doc, "recipients")); !strings.Contains(got, w) {
				t.Errorf("%s: %q is not in %s", lang, w, got)
			}
		}
	}
	o.tell(events.TypeRecipientEnded, events.Stream{Kind: "recipient", ID: "mailer"}, april, &events.Recipient{Recipient: "mailer"})
	if doc, _ := o.page("ko"); strings.Contains(text(byID(t, doc, "recipients")), "미국") {
		t.Error("one who is no longer a recipient is still shown")
	}
}

func TestPreferred(t *testing.T) {
	for _, x := range [][3]string{
		{"ja", "", "ja"}, {"ko", "ja", "ko"}, {"zh-Hant", "", "zh-Hant"}, {"zh-TW", "", "zh-Hant"}, {"", "ko-KR,ko;q=0.9,en;q=0.8", "ko"},
		{"", "fr;q=0.9, en-GB;q=0.5", "en"}, {"", "", "ja"}, {"xx", "", "ja"}, {"\x00<script>", ";;;,,", "ja"}, {"", "en;q=0.1, zh-TW", "zh-Hant"},
	} {
		if got := statements.Preferred(x[0], x[1]); got != x[2] {
			t.Errorf("%q, %q: %s, want %s", x[0], x[1], got, x[2])
		}
	}
}

func TestKeeps(t *testing.T) {
	c := policies.Default()
	for id, want := range map[events.Word]map[string]string{
		"CK-01":  {"en": "6 months from collection", "ja": "取得から6か月", "zh-Hant": "自取得起6個月", "ko": "취득부터 6개월"},
		"SVC-04": {"en": "13 months from consent", "ko": "동의부터 13개월"},
		"SP-01":  {"en": "30 days from the end of the entrusted service"},
		"SVC-05": {"en": "until Account closed (if that never happens: 24 months from the last contact or transaction)"},
	} {
		for lang, w := range want {
			if got := statements.Keeps(c, c.Purpose(id), lang); len(got) != 1 || got[0] != w {
				t.Errorf("%s in %s: %q", id, lang, got)
			}
		}
	}
	if got := statements.Keeps(c, c.Purpose("SVC-01"), "en"); len(got) != 4 || !strings.HasPrefix(got[0], "sales / Payment card, Card number, Card expiry: 120 days from the first of: Invoice paid, Contract closed") || !strings.HasPrefix(got[3], "otherwise: 90 days from the last of:") {
		t.Errorf("%q", got)
	}
}
