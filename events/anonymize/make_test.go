package anonymize_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/anonymize"
)

// invented makes rows of some people: some have several, countries and devices are uneven, a few values are alone.
func invented(chance *rand.Rand, people int) []anonymize.Row {
	countries := []string{"JP", "JP", "JP", "KR", "TW", "US", "DE"}
	goods := []string{"SIM 5GB", "SIM 5GB", "SIM 10GB", "Charger set", "Power bank"}
	var rows []anonymize.Row
	for who := range people {
		country := countries[chance.IntN(len(countries))]
		for range 1 + chance.IntN(3) {
			good := goods[chance.IntN(len(goods))]
			if chance.IntN(40) == 0 {
				good = "made to order " + strconv.Itoa(who)
			}
			rows = append(rows, anonymize.Row{Who: who, Values: []anonymize.Value{
				anonymize.Text(country), anonymize.Number(float64(chance.IntN(40))),
				anonymize.Moment(time.Date(2026, 1, 1+chance.IntN(360), 9, 0, 0, 0, time.UTC)), anonymize.Text(good), anonymize.Value{},
			}})
		}
	}
	return rows
}

func recipe(k, l int) *anonymize.Recipe {
	top := 30.0
	return &anonymize.Recipe{
		Purpose: "ANON-01", Aim: "a test", Per: "matter", K: k, L: l, Suppress: 50,
		Query: anonymize.Query{Categories: []events.Word{"pd:Purchase", "ts:RentalDevice"}},
		Columns: []anonymize.Column{
			{Name: "country", Field: "person.country", Steps: []anonymize.Step{{Generalize: &anonymize.Generalize{To: map[string]string{"JP": "JP", "KR": "KR", "TW": "TW"}, Other: "elsewhere"}}}},
			{Name: "days", Field: "days", Until: "device.returned", Steps: []anonymize.Step{{Top: &top}, {Band: &anonymize.Band{Width: 10}}}},
			{Name: "since", Field: "collected", Steps: []anonymize.Step{{Time: "half"}}},
			{Name: "bought", Category: "pd:Purchase", Sensitive: true, Steps: []anonymize.Step{{Suppress: &anonymize.Suppress{Fewer: k}}}},
			{Name: "device", Category: "ts:RentalDevice", Steps: []anonymize.Step{{Drop: true}}},
		},
	}
}

// alike counts, the long way, the different people among the source rows whose output is like a given one in some columns.
func alike(t *anonymize.Table, cells [][]string, who []int, row int, columns []int) int {
	people := map[int]bool{}
	for i := range cells {
		if !slices.ContainsFunc(columns, func(j int) bool { return cells[i][j] != cells[row][j] }) {
			people[who[i]] = true
		}
	}
	return len(people)
}

// whose finds the people of a table's rows again, which are in the order of the source, by doing the steps of the test's recipe once more.
// The last column may have been left out, with every value of it suppressed.
func whose(t *testing.T, rows []anonymize.Row, made *anonymize.Table) []int {
	t.Helper()
	var who []int
	next := 0
	for _, out := range made.Rows {
		for ; next < len(rows); next++ {
			if slices.Equal(byHand(rows[next])[:3], out[:3]) && (len(out) == 3 || out[3] == anonymize.Suppressed || byHand(rows[next])[3] == out[3]) {
				break
			}
		}
		if next == len(rows) {
			t.Fatal("a row of the output is none of the source, or out of its order")
		}
		who = append(who, rows[next].Who)
		next++
	}
	return who
}

// byHand is what the test's recipe makes of a row, written out.
func byHand(row anonymize.Row) []string {
	raw := make([]string, len(row.Values))
	for i, v := range row.Values {
		raw[i] = anonymize.RawCell(v)
	}
	country := raw[0]
	if !slices.Contains([]string{"JP", "KR", "TW"}, country) {
		country = "elsewhere"
	}
	n, _ := strconv.Atoi(raw[1])
	days := fmt.Sprintf("%d-%d", n/10*10, n/10*10+9)
	if n >= 30 {
		days = "30 or more"
	}
	half := "2026-H1"
	if raw[2][5:7] > "06" {
		half = "2026-H2"
	}
	return []string{country, days, half, raw[3]}
}

func TestMakeAgainstCountingByHand(t *testing.T) {
	for seed := range uint64(60) {
		chance := rand.New(rand.NewPCG(seed, 1))
		rows := invented(chance, 20+chance.IntN(200))
		r := recipe(5+chance.IntN(3), chance.IntN(3))
		made, left := anonymize.Make(r, rows)
		who := whose(t, rows, made)
		m := made.Measure()
		smallest, sum := 0, 0.0
		for i := range made.Rows {
			n := alike(made, made.Rows, who, i, []int{0, 1, 2})
			if n < r.K {
				t.Fatalf("seed %d: a row is shared by %d people only", seed, n)
			}
			if smallest == 0 || n < smallest {
				smallest = n
			}
			sum += 1 / float64(n)
		}
		if m.K != smallest || m.Rows != len(made.Rows) {
			t.Errorf("seed %d: k is measured as %d, by hand %d", seed, m.K, smallest)
		}
		if len(made.Rows) > 0 {
			if mean := sum / float64(len(made.Rows)); float64(m.Mean) < mean*1e6-1 || float64(m.Mean) > mean*1e6+1 {
				t.Errorf("seed %d: the mean risk is told as %d millionths, by hand %v", seed, m.Mean, mean*1e6)
			}
			if want := 1e6 / float64(smallest); float64(m.Max) < want-1 || float64(m.Max) > want+1 {
				t.Errorf("seed %d: the largest risk is told as %d millionths, by hand %v", seed, m.Max, want)
			}
		}
		people := map[int]bool{}
		for _, w := range who {
			people[w] = true
		}
		if m.People != len(people) || left.Rows != len(rows)-len(made.Rows) {
			t.Errorf("seed %d: %d people and %d rows left out, by hand %d and %d", seed, m.People, left.Rows, len(people), len(rows)-len(made.Rows))
		}
		// What was left out had to be: a group of the source that is large and diverse enough stands.
		all := make([][]string, len(rows))
		everybody := make([]int, len(rows))
		for i := range rows {
			all[i], everybody[i] = byHand(rows[i]), rows[i].Who
		}
		if r.L == 0 {
			for i := range rows {
				if n := alike(made, all, everybody, i, []int{0, 1, 2}); n >= r.K {
					if !slices.ContainsFunc(made.Rows, func(out []string) bool { return slices.Equal(out[:3], all[i][:3]) }) {
						t.Fatalf("seed %d: a group of %d people was left out", seed, n)
					}
				}
			}
		}
	}
}

func TestNobodyIsFoundByAnySubsetOfQuasiIdentifiers(t *testing.T) {
	for seed := range uint64(30) {
		chance := rand.New(rand.NewPCG(seed, 2))
		rows := invented(chance, 60+chance.IntN(200))
		r := recipe(5, 0)
		made, _ := anonymize.Make(r, rows)
		made.Shuffle(chance)
		for set := 1; set < 1<<3; set++ {
			var columns []int
			for j := range 3 {
				if set>>j&1 == 1 {
					columns = append(columns, j)
				}
			}
			least, tried := made.Link(r, rows, columns)
			if tried != len(rows) || least > 0 && least < r.K {
				t.Fatalf("seed %d: by columns %v, %d people answer to a key", seed, columns, least)
			}
		}
	}
}

func TestJudgeFindsWhatWasLeft(t *testing.T) {
	c := catalogue(t)
	chance := rand.New(rand.NewPCG(7, 7))
	rows := invented(chance, 300)
	good := recipe(5, 0)
	made, left := anonymize.Make(good, rows)
	if ok, bad := anonymize.Kept(anonymize.Judge(good, c, rows, made, left)); !ok {
		t.Fatalf("a sound dataset is refused: %+v", bad)
	}
	for _, x := range []struct {
		number int
		where  string
		spoil  func(r *anonymize.Recipe, rows []anonymize.Row, made *anonymize.Table)
	}{
		{1, "/columns/3", func(_ *anonymize.Recipe, _ []anonymize.Row, made *anonymize.Table) {
			fill(made, 3, "suzuki@example.jp")
		}},
		{1, "/columns/0", func(_ *anonymize.Recipe, _ []anonymize.Row, made *anonymize.Table) { fill(made, 0, "+81-90-6365-1940") }},
		{1, "/columns/0", func(_ *anonymize.Recipe, rows []anonymize.Row, made *anonymize.Table) {
			rows[0].Values[3] = anonymize.Text("深沢大樹様御用達")
			fill(made, 0, "from 深沢大樹様御用達")
		}},
		{2, "/columns/3", func(_ *anonymize.Recipe, _ []anonymize.Row, made *anonymize.Table) { fill(made, 3, "PO8181008") }},
		{2, "/columns/3", func(_ *anonymize.Recipe, _ []anonymize.Row, made *anonymize.Table) { fill(made, 3, "no. 123456789018") }},
		{3, "/columns/3", func(_ *anonymize.Recipe, _ []anonymize.Row, made *anonymize.Table) {
			fill(made, 3, "abcdefghijklmnopqrstuvwx23")
		}},
		{3, "/columns/3", func(_ *anonymize.Recipe, _ []anonymize.Row, made *anonymize.Table) {
			for i := range made.Rows {
				made.Rows[i][3] = "n" + strconv.Itoa(i)
			}
		}},
		{4, "/columns/3", func(_ *anonymize.Recipe, _ []anonymize.Row, made *anonymize.Table) { made.Rows[0][3] = "yacht" }},
		{5, "/k", func(_ *anonymize.Recipe, _ []anonymize.Row, made *anonymize.Table) { made.Rows[0][1] = "90 or more" }},
		{5, "/query", func(_ *anonymize.Recipe, _ []anonymize.Row, made *anonymize.Table) { made.Rows = nil }},
		{5, "/suppress", func(r *anonymize.Recipe, _ []anonymize.Row, _ *anonymize.Table) { r.Suppress = 0 }},
		{5, "/l", func(r *anonymize.Recipe, _ []anonymize.Row, _ *anonymize.Table) { r.L = 100 }},
		{5, "/t", func(r *anonymize.Recipe, _ []anonymize.Row, _ *anonymize.Table) { r.T = 1 }},
	} {
		rows := invented(rand.New(rand.NewPCG(7, 7)), 300)
		r := recipe(5, 0)
		made, left := anonymize.Make(r, rows)
		if left.Rows == 0 {
			t.Fatal("the test's data has nothing to leave out")
		}
		x.spoil(r, rows, made)
		verdict := anonymize.Judge(r, c, rows, made, left)
		if k := verdict[x.number-1]; k.Number != x.number || k.Met || k.Where != x.where {
			t.Errorf("criterion %d at %s: %+v", x.number, x.where, k)
		}
		if ok, _ := anonymize.Kept(verdict); ok {
			t.Errorf("criterion %d is not met, and the whole is kept", x.number)
		}
	}
}

func fill(made *anonymize.Table, column int, text string) {
	for i := range made.Rows {
		made.Rows[i][column] = text
	}
}

func TestShuffleForgets(t *testing.T) {
	rows := invented(rand.New(rand.NewPCG(3, 3)), 100)
	made, _ := anonymize.Make(recipe(5, 0), rows)
	before := slices.Clone(made.Rows)
	k := made.Measure()
	made.Shuffle(rand.New(rand.NewPCG(9, 9)))
	if made.Measure() != k {
		t.Error("the measure depends on the order")
	}
	made.Forget()
	if made.People() != 0 {
		t.Error("people are still known")
	}
	order := func(all [][]string) []string {
		var out []string
		for _, row := range all {
			out = append(out, strings.Join(row, "|"))
		}
		return out
	}
	a, b := order(before), order(made.Rows)
	if slices.Equal(a, b) {
		t.Error("the order is the source's")
	}
	slices.Sort(a)
	slices.Sort(b)
	if !slices.Equal(a, b) {
		t.Error("shuffling changed rows")
	}
}
