package anonymize

import (
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/daicho-dev/daicho/events"
)

// Row is one row of the source: which person it is about, as a number of the caller's that means nothing elsewhere, and one value a
// column of the recipe (missing for dropped ones).
type Row struct {
	Who    int
	Values []Value
}

// Table is a dataset: columns and rows of cells. An empty cell is a value that there was not; Suppressed one that was left out.
type Table struct {
	Columns []Out
	Rows    [][]string
	Empty   []events.Word // items of the columns that were left out, as no row held a value: nothing of them is contained
	who     []int         // of each row; until Forget
}

// Out is a column of the output.
type Out struct {
	Name      string
	Item      events.Word
	Integer   bool // every cell is a whole number, or empty
	Sensitive bool
	from      int // index in the recipe
}

// Suppression is what was left out so that nobody stands out.
type Suppression struct {
	Rows   int // rows
	Cells  int // cells of the rows that stayed
	People int // people of whom no row stayed
}

// Make carries out a recipe. Rows of groups that stay smaller than k people (or less diverse than l) are left out; how many may be is
// for Judge. The rows are in the order of the source: Shuffle before anybody sees them.
func Make(r *Recipe, rows []Row) (*Table, Suppression) {
	t := &Table{}
	for i := range r.Columns {
		if c := &r.Columns[i]; !c.Dropped() {
			whole := len(c.Steps) == 0 && (c.Field == "days" || c.Field == "records")
			t.Columns = append(t.Columns, Out{Name: c.Name, Item: c.Item(), Integer: whole, Sensitive: c.Sensitive, from: i})
		}
	}
	for _, row := range rows {
		t.Rows, t.who = append(t.Rows, r.cells(t.Columns, row)), append(t.who, row.Who)
	}
	for changed := true; changed; {
		t.suppressRare(r)
		changed = t.leaveOut(r)
	}
	s := Suppression{Rows: len(rows) - len(t.Rows), People: distinct(rows) - t.People()}
	for _, row := range t.Rows {
		for _, cell := range row {
			if cell == Suppressed {
				s.Cells++
			}
		}
	}
	t.leaveOutEmpty()
	return t, s
}

// cells are a source row after every step that needs no other row.
// leaveOutEmpty takes the columns away that hold no value in any row: what is announced is what is contained (APPI 43(3)).
func (t *Table) leaveOutEmpty() {
	if len(t.Rows) == 0 {
		return // of nobody; that is for Judge
	}
	for j := len(t.Columns) - 1; j >= 0; j-- {
		if slices.ContainsFunc(t.Rows, func(row []string) bool { return row[j] != "" && row[j] != Suppressed }) {
			continue
		}
		t.Empty = addWord(t.Empty, t.Columns[j].Item)
		t.Columns = slices.Delete(t.Columns, j, j+1)
		for i := range t.Rows {
			t.Rows[i] = slices.Delete(t.Rows[i], j, j+1)
		}
	}
	slices.Reverse(t.Empty)
}

// Items are what the table contains.
func (t *Table) Items() []events.Word {
	var all []events.Word
	for _, o := range t.Columns {
		all = addWord(all, o.Item)
	}
	return all
}

func (r *Recipe) cells(out []Out, row Row) []string {
	cells := make([]string, len(out))
	for j, o := range out {
		v := row.Values[o.from]
		for i := range r.Columns[o.from].Steps {
			v = r.Columns[o.from].Steps[i].apply(v)
		}
		cells[j] = v.cell()
	}
	return cells
}

// rare is the number of people below which a column's values are suppressed; 0 if they are not.
func (r *Recipe) rare(o Out) int {
	steps := r.Columns[o.from].Steps
	if len(steps) > 0 && steps[len(steps)-1].Suppress != nil {
		return steps[len(steps)-1].Suppress.Fewer
	}
	return 0
}

func (t *Table) suppressRare(r *Recipe) {
	for j, o := range t.Columns {
		fewer := r.rare(o)
		if fewer == 0 {
			continue
		}
		holders := t.holders(j)
		for _, row := range t.Rows {
			if row[j] != "" && holders[row[j]] < fewer {
				row[j] = Suppressed
			}
		}
	}
}

// holders counts the people who have each value of a column.
func (t *Table) holders(j int) map[string]int {
	n := map[string]int{}
	seen := map[string]map[int]bool{}
	for i, row := range t.Rows {
		if seen[row[j]] == nil {
			seen[row[j]] = map[int]bool{}
		}
		if !seen[row[j]][t.who[i]] {
			seen[row[j]][t.who[i]] = true
			n[row[j]]++
		}
	}
	return n
}

// leaveOut takes out the rows of groups that are too small, and says whether there were any.
func (t *Table) leaveOut(r *Recipe) bool {
	groups := t.groups(t.quasi())
	bad := map[string]bool{}
	for key, g := range groups {
		if g.people() < r.K || r.L > 0 && t.diversity(g) < r.L {
			bad[key] = true
		}
	}
	if len(bad) == 0 {
		return false
	}
	quasi := t.quasi()
	n := 0
	for i, row := range t.Rows {
		if !bad[keyOf(row, quasi)] {
			t.Rows[n], t.who[n] = row, t.who[i]
			n++
		}
	}
	t.Rows, t.who = t.Rows[:n], t.who[:n]
	return true
}

// quasi are the columns that are quasi-identifiers.
func (t *Table) quasi() []int {
	var all []int
	for j, o := range t.Columns {
		if !o.Sensitive {
			all = append(all, j)
		}
	}
	return all
}

// People counts the people behind the rows; 0 after Forget.
func (t *Table) People() int {
	seen := map[int]bool{}
	for _, w := range t.who {
		seen[w] = true
	}
	return len(seen)
}

func distinct(rows []Row) int {
	seen := map[int]bool{}
	for i := range rows {
		seen[rows[i].Who] = true
	}
	return len(seen)
}

// Shuffle puts the rows into an order of chance, so that their place says nothing of where they came from.
func (t *Table) Shuffle(chance *rand.Rand) {
	chance.Shuffle(len(t.Rows), func(i, j int) {
		t.Rows[i], t.Rows[j] = t.Rows[j], t.Rows[i]
		if t.who != nil {
			t.who[i], t.who[j] = t.who[j], t.who[i]
		}
	})
}

// Forget destroys what leads from rows to people.
func (t *Table) Forget() {
	clear(t.who)
	t.who = nil
}

// keyOf joins some cells of a row so that no two different rows have one key.
func keyOf(row []string, columns []int) string {
	var b []byte
	for _, j := range columns {
		b = strconv.AppendInt(b, int64(len(row[j])), 10)
		b = append(b, ':')
		b = append(b, row[j]...)
	}
	return string(b)
}
