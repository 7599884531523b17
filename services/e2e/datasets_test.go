package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// asked runs a command that must succeed and answers in JSON.
func asked[T any](e *engine, args ...string) (out T) {
	e.t.Helper()
	said, exit := e.daicho(append(args, "--output", "json")...)
	if exit != 0 || json.Unmarshal([]byte(said), &out) != nil {
		e.t.Fatalf("%v: exit %d, %s", args, exit, said)
	}
	return out
}

// sourceEvent is a line of the year, as whoever has the whole source reads it.
type sourceEvent struct {
	Type, Source, Subject string
	Time                  time.Time
	Data                  struct {
		Records                      json.RawMessage // of a collection; elsewhere keys
		Matter, Milestone, Operation string
		Person                       struct{ Country string }
	}
	Brought []struct {
		Key, Category string
		Value         any
	} `json:"-"`
}

func sourceOf(t *testing.T, lines [][]byte) []sourceEvent {
	t.Helper()
	all := make([]sourceEvent, len(lines))
	for i := range lines {
		s := &all[i]
		if err := json.Unmarshal(lines[i], s); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(s.Type, ".collected.v1") {
			if err := json.Unmarshal(s.Data.Records, &s.Brought); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}

// rental is what the steps of the recipe make of one, written out by hand.
type rental struct {
	who   string
	cells []string // country, counter, season, days
}

func rentalsOf(all []sourceEvent) []rental {
	tokyo := time.FixedZone("JST", 9*60*60)
	day := func(t time.Time) int { return int(t.In(tokyo).Unix()+9*60*60) / 86400 }
	back := map[string]time.Time{}
	for _, e := range all {
		if e.Data.Milestone == "device.returned" {
			back[e.Subject+e.Data.Matter] = e.Time
		}
	}
	var out []rental
	for _, e := range all {
		if !strings.HasSuffix(e.Type, ".collected.v1") || e.Data.Operation != "rental" || e.Data.Matter == "" {
			continue
		}
		r := rental{who: e.Subject, cells: make([]string, 4)}
		switch e.Data.Person.Country {
		case "JP":
			r.cells[0] = "Japan"
		case "KR":
			r.cells[0] = "Korea"
		case "TW":
			r.cells[0] = "Taiwan"
		default:
			r.cells[0] = "elsewhere"
		}
		r.cells[1] = "airport"
		if e.Source == "/rental/web" {
			r.cells[1] = "web"
		}
		at := e.Time.In(tokyo)
		r.cells[2] = fmt.Sprintf("%d-Q%d", at.Year(), (int(at.Month())+2)/3)
		if b, ok := back[e.Subject+e.Data.Matter]; ok {
			switch n := day(b) - day(e.Time); {
			case n >= 15:
				r.cells[3] = "15 or more"
			case n >= 8:
				r.cells[3] = "8-14"
			case n >= 1:
				r.cells[3] = "1-7"
			default:
				r.cells[3] = "-6-0"
			}
		}
		out = append(out, r)
	}
	return out
}

func rowsOf(t *testing.T, path string) (head []string, rows [][]string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil || len(all) == 0 {
		t.Fatal(err)
	}
	return all[0], all[1:]
}

// purchasesOf are the same of the recipe of sales: country, half-year, what was bought.
func purchasesOf(all []sourceEvent) []rental {
	var out []rental
	for _, e := range all {
		for _, rec := range e.Brought {
			if rec.Category != "pd:Purchase" || e.Data.Operation != "sales" {
				continue
			}
			country := "abroad"
			if e.Data.Person.Country == "JP" {
				country = "Japan"
			}
			at := e.Time.In(time.FixedZone("JST", 9*60*60))
			out = append(out, rental{e.Subject, []string{country, fmt.Sprintf("%d-H%d", at.Year(), (int(at.Month())+5)/6), fmt.Sprint(rec.Value)}})
		}
	}
	return out
}

// Over a whole year, whoever has the source and a dataset, and tries every rental, or purchase, as a key, by every set of columns, finds
// nobody alone; nor does what is sensitive, by itself.
func TestS70_TheSourceFindsNobodyInADatasetOfTheYear(t *testing.T) {
	lines := year(t)
	e := fed(t, lines)
	source := sourceOf(t, lines)
	for _, x := range []struct {
		recipe string
		head   []string
		rows   int
		source []rental
		keys   int // the first columns; a sensitive one is tried by itself
		empty  []events.Word
	}{
		{"telecomsquare-usage", []string{"country", "counter", "season", "days"}, 800, rentalsOf(source), 4, []events.Word{"pd:TravelHistory"}}, // the year has no trips
		{"telecomsquare-sales", []string{"country", "half", "bought"}, 100, purchasesOf(source), 2, []events.Word{}},
	} {
		d := asked[contracts.Dataset](e, "dataset", "make", x.recipe)
		if d.K < 5 || d.Rows < x.rows || len(d.Criteria) != 5 || slices.ContainsFunc(d.Criteria, func(c events.Criterion) bool { return !c.Met }) {
			t.Fatalf("%+v", d)
		}
		if !slices.Equal(d.Empty, x.empty) || slices.Contains(d.Items, "pd:TravelHistory") {
			t.Errorf("%s: contained %v, without a value %v", x.recipe, d.Items, d.Empty)
		}
		asked[contracts.Dataset](e, "dataset", "publish", string(d.ID))
		out := filepath.Join(t.TempDir(), "own.csv")
		if said, exit := e.daicho("dataset", "file", string(d.ID), "--purpose", "SVC-07", "--file", out); exit != 0 {
			t.Fatal(said)
		}
		head, rows := rowsOf(t, out)
		if !slices.Equal(head, x.head) || len(rows) != d.Rows {
			t.Fatalf("%v, %d rows", head, len(rows))
		}
		for j, name := range head {
			if !slices.ContainsFunc(rows, func(row []string) bool { return row[j] != "" }) {
				t.Errorf("%s: %s is empty in every row, and announced", x.recipe, name)
			}
		}
		for set := 1; set < 1<<x.keys; set++ {
			var by []int
			for j := range x.keys {
				if set>>j&1 == 1 {
					by = append(by, j)
				}
			}
			tries(t, rows, x.source, by)
		}
		for j := x.keys; j < len(head); j++ {
			tries(t, slices.DeleteFunc(slices.Clone(rows), func(row []string) bool { return row[j] == "" || row[j] == "*" }), x.source, []int{j})
		}
	}
	if page := e.publicPage("en"); strings.Contains(page[strings.Index(page, `<section id="datasets">`):strings.Index(page, `<section id="items">`)], "Travel") {
		t.Error("the public page announces what no dataset contains")
	}
	if o := asked[[]contracts.Obligation](e, "obligations", "S66"); len(o) != 1 || o[0].State != "kept" {
		t.Errorf("%+v", o)
	}
}

// tries each row of the source as a key into a dataset, by some of its columns.
func tries(t *testing.T, rows [][]string, all []rental, by []int) {
	t.Helper()
	key := func(cells []string) string {
		var b strings.Builder
		for _, j := range by {
			fmt.Fprintf(&b, "%q", cells[j])
		}
		return b.String()
	}
	there, people, source := map[string]int{}, map[string]map[string]bool{}, map[string]int{}
	for _, row := range rows {
		there[key(row)]++
	}
	for _, r := range all {
		k := key(r.cells)
		if source[k]++; people[k] == nil {
			people[k] = map[string]bool{}
		}
		people[k][r.who] = true
	}
	if len(there) == 0 {
		t.Errorf("by columns %v, there is nothing to find", by)
	}
	for k, n := range there {
		if n < 5 || len(people[k]) < 5 {
			t.Errorf("by columns %v, %s is found in %d rows, and is %d people", by, k, n, len(people[k]))
		}
		if source[k] < n {
			t.Errorf("by columns %v, %s stands in %d rows, and the source has %d: the attempt is not the one it should be", by, k, n, source[k])
		}
	}
}

// The life of a dataset by the commands, over a restart, and nothing of anybody in its folder.
func TestS66_ADatasetFromTheCommandLine(t *testing.T) {
	lines := year(t)
	e := fed(t, lines)
	d := asked[contracts.Dataset](e, "--role", "compliance", "dataset", "make", "telecomsquare-sales")
	if _, exit := e.daicho("--role", "auditor", "dataset", "make", "telecomsquare-sales"); exit != 1 {
		t.Errorf("an auditor makes a dataset: exit %d", exit)
	}
	if _, exit := e.daicho("dataset", "make", "no-such-recipe"); exit != 2 {
		t.Errorf("a recipe that is not there: exit %d", exit)
	}
	mine := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(mine, []byte("purpose: ANON-01\naim: names\nper: person\nk: 5\nquery: {categories: [\"pd:Name\"]}\ncolumns:\n  - {name: who, category: \"pd:Name\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, exit := e.daicho("dataset", "make", mine); exit != 1 || said != "" {
		t.Errorf("a dataset of names: exit %d, %s", exit, said)
	}
	id := string(d.ID)
	zipped := filepath.Join(t.TempDir(), "out.zip")
	give := []string{"dataset", "provide", id, "--recipient", "travel", "--method", "sftp", "--format", "parquet", "--file", zipped}
	for _, early := range [][]string{{"dataset", "use", id, "--purpose", "SVC-07"}, give} {
		if _, exit := e.daicho(early...); exit != 1 {
			t.Errorf("%v before it is published: exit %d", early, exit)
		}
	}
	reviewed := fmt.Appendf(nil, `{"specversion":"1.0","id":"review-1","source":"/privacy/office","type":"daicho.recipient_reviewed.v1","time":%q,"data":{"recipient":"travel","purposes":["SVC-05","ANON-02"]}}`, time.Now().UTC().Format(time.RFC3339))
	if r, err := e.as("admin").Emit(context.Background(), reviewed); err != nil || r[0].Status != contracts.StatusRecorded {
		t.Fatalf("%+v %v", r, err)
	}
	asked[contracts.Dataset](e, "dataset", "publish", id, "--method", "sftp")
	e.kill() // as a power cut would
	e.again()
	if said, exit := e.daicho(give...); exit != 0 {
		t.Fatalf("provide: exit %d %s", exit, said)
	}
	files := map[string]string{}
	for _, format := range []string{"csv", "parquet"} {
		files[format] = filepath.Join(t.TempDir(), "own."+format)
		if said, exit := e.daicho("dataset", "file", id, "--purpose", "SVC-07", "--format", format, "--file", files[format]); exit != 0 {
			t.Fatalf("file: exit %d %s", exit, said)
		}
	}
	if _, exit := e.daicho("dataset", "join", id, "--with", "pd:Name"); exit != 1 {
		t.Errorf("a join: exit %d", exit)
	}

	// The two forms, and what was handed over, are the same rows.
	head, rows := rowsOf(t, files["csv"])
	b, err := os.ReadFile(files["parquet"])
	if err != nil {
		t.Fatal(err)
	}
	table, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, g := range table.RowGroups() {
		r := g.Rows()
		for buffer := make([]parquet.Row, 1); ; at++ {
			if n, _ := r.ReadRows(buffer); n == 0 {
				break
			}
			for j, v := range buffer[0] {
				if v.IsNull() != (rows[at][j] == "") || !v.IsNull() && v.String() != rows[at][j] {
					t.Fatalf("row %d, %s: %v, and as CSV %q", at, head[j], v, rows[at][j])
				}
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if at != len(rows) || at != d.Rows {
		t.Errorf("%d rows in Parquet, %d in CSV, %d measured", at, len(rows), d.Rows)
	}
	z, err := zip.OpenReader(zipped)
	if err != nil || len(z.File) != 2 || z.File[0].Name != "NOTICE.txt" || !strings.HasSuffix(z.File[1].Name, id+".parquet") {
		t.Fatalf("%+v %v", z, err)
	}
	_ = z.Close()

	e.canaries(sourceOf(t, lines), "pd:Purchase")
	for _, s := range []string{"S66", "S67", "S68", "S69", "S70", "S71", "S72"} {
		if o := asked[[]contracts.Obligation](e, "obligations", s); len(o) != 1 || o[0].State != "kept" || len(o[0].Evidence) == 0 {
			t.Errorf("%+v", o)
		}
	}
	buyer := ""
	for _, s := range sourceOf(t, lines) {
		if s.Data.Operation == "sales" && strings.HasSuffix(s.Type, ".collected.v1") {
			buyer = s.Subject
		}
	}
	own := asked[contracts.Dossier](e, "dossier", buyer, "--sealed")
	if !slices.ContainsFunc(own.Looks, func(l contracts.Look) bool {
		return l.Purpose == "ANON-01" && slices.Equal(l.Categories, []events.Word{"pd:Purchase"})
	}) {
		t.Errorf("the dossier of somebody who was read does not show it: %+v", own.Looks)
	}
	e.verified()
	if left := asked[contracts.Dataset](e, "dataset", "destroy", id); left.State != "destroyed" || len(left.Provided) != 1 || left.Uses != 2 || left.Joins != 1 {
		t.Errorf("%+v", left)
	}
	if entries, err := os.ReadDir(filepath.Join(e.dir, "datasets")); err != nil || len(entries) != 0 {
		t.Errorf("%v is left (%v)", entries, err)
	}
	e.verified()
}

// canaries looks for whatever the source says of anybody, but for some category, in the folder of datasets and in what the engine printed.
func (e *engine) canaries(source []sourceEvent, but string) {
	e.t.Helper()
	words := map[string]bool{}
	for _, s := range source {
		if s.Subject != "" {
			words[s.Subject[strings.IndexByte(s.Subject, ':')+1:]] = true
		}
		for _, r := range s.Brought {
			if text, ok := r.Value.(string); ok && r.Category != but {
				words[text] = true
			}
			words[r.Key] = true
		}
	}
	searched := 0
	dir := filepath.Join(e.dir, "datasets")
	entries, err := os.ReadDir(dir)
	if err != nil {
		e.t.Fatal(err)
	}
	for _, f := range entries {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			e.t.Fatal(err)
		}
		searched++
		for w := range words {
			if len(w) >= 4 && (bytes.Contains(b, []byte(w)) || strings.Contains(f.Name(), w)) {
				e.t.Errorf("%s holds what the source says of somebody", f.Name())
				break
			}
		}
	}
	if searched < 2 || len(words) < 5000 {
		e.t.Errorf("%d files were searched for %d words", searched, len(words))
	}
}
