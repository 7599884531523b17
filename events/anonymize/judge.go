package anonymize

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

// Criterion is the verdict on one of the five criteria of Rule 34 of the Enforcement Rules, asked of the output.
type Criterion struct {
	Number  int // 1 to 5
	Met     bool
	Checked int    // what was looked at: cells, values, or source rows
	Where   string // of the first fault: a JSON Pointer into the recipe
	Text    string // the first fault, without a value
}

// Judge asks whether a table, made of rows by a recipe, is anonymously processed information. It trusts neither the recipe nor Make:
// every cell is looked at, and every row of the source is tried as a key into the output.
func Judge(r *Recipe, c *policy.Catalogue, rows []Row, t *Table, s Suppression) []Criterion {
	return []Criterion{t.identifying(r, c, rows), t.codes(r, c), t.links(r, c), t.idiosyncratic(r), t.nature(r, rows, s)}
}

func (k *Criterion) fault(where, text string) {
	if k.Met {
		k.Met, k.Where, k.Text = false, where, text
	}
}

func at(o Out) string { return "/columns/" + strconv.Itoa(o.from) }

// values hands over each different cell of each column.
func (t *Table) values(see func(o Out, cell string)) {
	for j, o := range t.Columns {
		seen := map[string]bool{}
		for _, row := range t.Rows {
			if cell := row[j]; cell != "" && cell != Suppressed && !seen[cell] {
				seen[cell] = true
				see(o, cell)
			}
		}
	}
}

// left says that a column is of a nature and has no step that takes it away.
func left(r *Recipe, c *policy.Catalogue, o Out, n Nature) bool {
	col := &r.Columns[o.from]
	if col.Category == "" || NatureOf(c, col.Category) != n {
		return false
	}
	for i := range col.Steps {
		if generalizing(n, &col.Steps[i]) {
			return false
		}
	}
	return true
}

// identifying is criterion 1: what identifies somebody by itself is removed. No cell has the form of a name on the net or a telephone
// number, and none holds a text that singled somebody out in the source.
func (t *Table) identifying(r *Recipe, c *policy.Catalogue, rows []Row) Criterion {
	k := Criterion{Number: 1, Met: true}
	for _, o := range t.Columns {
		if left(r, c, o, Identifying) {
			k.fault(at(o), "identifies a person by itself and has been left")
		}
	}
	single := singling(r, rows)
	t.values(func(o Out, cell string) {
		k.Checked++
		if looksIdentifying(cell) {
			k.fault(at(o), "has a value of the form of an e-mail address or a telephone number")
		}
		for raw := range single {
			if strings.Contains(cell, raw) {
				k.fault(at(o), "has a value that singled out people in the source")
				return
			}
		}
	})
	return k
}

// singling are the texts of the source, long enough to mean something, that fewer than k people have.
func singling(r *Recipe, rows []Row) map[string]bool {
	const long = 6
	holders := map[string]map[int]bool{}
	for _, row := range rows {
		for _, v := range row.Values {
			if v.kind == aText && utf8.RuneCountInString(v.text) >= long {
				if holders[v.text] == nil {
					holders[v.text] = map[int]bool{}
				}
				if len(holders[v.text]) < r.K {
					holders[v.text][row.Who] = true
				}
			}
		}
	}
	single := map[string]bool{}
	for text, who := range holders {
		if len(who) < r.K {
			single[text] = true
		}
	}
	return single
}

// codes is criterion 2: every individual identification code is removed.
func (t *Table) codes(r *Recipe, c *policy.Catalogue) Criterion {
	k := Criterion{Number: 2, Met: true}
	for _, o := range t.Columns {
		if left(r, c, o, Code) {
			k.fault(at(o), "is an individual identification code and has been left")
		}
	}
	t.values(func(o Out, cell string) {
		k.Checked++
		if looksCode(cell) {
			k.fault(at(o), "has a value of the form of an individual identification code")
		}
	})
	return k
}

// links is criterion 3: no code leads to other tables. No pseudonym, no key, no number of a device; nothing that is nearly one a row.
func (t *Table) links(r *Recipe, c *policy.Catalogue) Criterion {
	k := Criterion{Number: 3, Met: true}
	for j, o := range t.Columns {
		if left(r, c, o, Linking) {
			k.fault(at(o), "is a code that leads to other information and has been left")
		}
		holders := t.holders(j)
		delete(holders, Suppressed)
		if n := len(holders); n > 1 && n*MinK > len(t.Rows) {
			k.fault(at(o), "has nearly as many values as there are rows: it would serve as a key")
		}
	}
	t.values(func(o Out, cell string) {
		k.Checked++
		if looksLinking(cell) {
			k.fault(at(o), "has a value of the form of a pseudonym, a key or an address of a device")
		}
	})
	return k
}

// idiosyncratic is criterion 4: no value is so peculiar that it points at somebody. Each is that of k people at least, the absence of
// one included; what is rarer had to be top-coded, banded or suppressed.
func (t *Table) idiosyncratic(r *Recipe) Criterion {
	k := Criterion{Number: 4, Met: true}
	for j, o := range t.Columns {
		for value, people := range t.holders(j) {
			k.Checked++
			if value != Suppressed && people < r.K {
				k.fault(at(o), "has a value that fewer than k people have: top-code, band or suppress it")
			}
		}
	}
	return k
}

// nature is criterion 5: what the nature of the database asks for besides. Nobody is alone among the rows; whoever has the whole source
// and tries every row of it as a key finds nobody or k people at least; not more was left out than declared; groups are as diverse as
// the recipe demands.
func (t *Table) nature(r *Recipe, rows []Row, s Suppression) Criterion {
	k := Criterion{Number: 5, Met: true}
	m := t.Measure()
	switch {
	case m.Rows == 0:
		k.fault("/query", "leaves no row")
	case m.K < r.K:
		k.fault("/k", "is not reached: a group is smaller")
	case s.Rows*100 > r.Suppress*len(rows):
		k.fault("/suppress", "is exceeded: "+strconv.Itoa(s.Rows)+" of "+strconv.Itoa(len(rows))+" rows would have to be left out; make the columns coarser")
	case r.L > 0 && m.L < r.L:
		k.fault("/l", "is not reached")
	case r.T > 0 && m.T > r.T*(Million/100):
		k.fault("/t", "is exceeded")
	}
	quasi := t.quasi()
	least, tried := t.Link(r, rows, quasi)
	k.Checked = tried
	if least > 0 && least < r.K {
		k.fault("/k", "is not kept against somebody who has the source")
	}
	return k
}

// Link tries to find the people of a source in the output by some columns (indices of the output), as whoever has both would: the
// steps are done to each source row, and the rows that answer are counted in people. It says how few people the smallest answer
// has that is not empty (0 if all are), and how many keys were tried.
func (t *Table) Link(r *Recipe, rows []Row, columns []int) (least, tried int) {
	present := make([]map[string]int, len(t.Columns))
	for j := range t.Columns {
		present[j] = t.holders(j)
	}
	groups := t.groups(columns)
	for _, row := range rows {
		cells := r.cells(t.Columns, row)
		for j, o := range t.Columns {
			if cells[j] != "" && present[j][cells[j]] == 0 && r.rare(o) > 0 {
				cells[j] = Suppressed // a value that is not there can only be among the suppressed
			}
		}
		tried++
		if g := groups[keyOf(cells, columns)]; g != nil && (least == 0 || g.people() < least) {
			least = g.people()
		}
	}
	return least, tried
}

// Kept says whether every criterion is met, and else which is the first that is not.
func Kept(all []Criterion) (bool, Criterion) {
	for _, k := range all {
		if !k.Met {
			return false, k
		}
	}
	return len(all) == 5, Criterion{}
}

// Refusal is a criterion that is not met, as an answer.
func (k Criterion) Refusal() *events.Refusal {
	return refuse("not_permitted", k.Where, "criterion "+strconv.Itoa(k.Number)+" of Rule 34 is not met: this "+k.Text)
}
