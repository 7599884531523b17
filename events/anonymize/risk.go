package anonymize

import "math"

// Million is the unit of the shares in a Risk: parts in a million.
const Million = 1_000_000

// Risk is what was measured on the output. Groups are the rows that are alike in every quasi-identifier.
type Risk struct {
	Rows, People, Groups int
	K                    int // people of the smallest group; 0 of an empty table
	// The risk that somebody who knows that a person is in the dataset, and all of their quasi-identifiers, picks the right one
	// (prosecutor risk; Dankar and El Emam 2010): the largest, and the mean over the rows, in parts of a million.
	Max, Mean int
	// L is the smallest number of different values that a sensitive column has in a group; T the largest distance of a group's
	// distribution from that of all rows (total variation), in parts of a million. Both 0 without a sensitive column.
	L, T int
	// Alone counts rows that no other person shares in all columns, the sensitive ones included.
	Alone int
}

type group struct {
	rows []int
	who  map[int]bool
}

func (g *group) people() int { return len(g.who) }

func (t *Table) groups(columns []int) map[string]*group {
	all := map[string]*group{}
	for i, row := range t.Rows {
		key := keyOf(row, columns)
		g := all[key]
		if g == nil {
			g = &group{who: map[int]bool{}}
			all[key] = g
		}
		g.rows = append(g.rows, i)
		g.who[t.who[i]] = true
	}
	return all
}

// Measure measures a table whose people have not been forgotten yet.
func (t *Table) Measure() Risk {
	m := Risk{Rows: len(t.Rows), People: t.People()}
	groups := t.groups(t.quasi())
	m.Groups = len(groups)
	if m.Groups == 0 {
		return m
	}
	sum := 0.0
	m.K = math.MaxInt
	for _, g := range groups {
		m.K = min(m.K, g.people())
		sum += float64(len(g.rows)) / float64(g.people())
	}
	m.Max = share(1 / float64(m.K))
	m.Mean = share(sum / float64(m.Rows))
	for _, g := range t.groups(every(len(t.Columns))) {
		if g.people() == 1 {
			m.Alone += len(g.rows)
		}
	}
	if len(t.quasi()) < len(t.Columns) {
		m.L = math.MaxInt
		far := 0.0
		for _, g := range groups {
			m.L = min(m.L, t.diversity(g))
			far = max(far, t.distance(g))
		}
		m.T = share(far)
	}
	return m
}

// share is a fraction in parts of a million, rounded up: a risk is never told smaller than it is.
func share(f float64) int { return int(math.Ceil(f*Million - 1e-6)) }

func every(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// diversity is the smallest number of different values that a sensitive column has in a group. What is suppressed or missing is no value.
func (t *Table) diversity(g *group) int {
	least := math.MaxInt
	for j, o := range t.Columns {
		if !o.Sensitive {
			continue
		}
		values := map[string]bool{}
		for _, i := range g.rows {
			if v := t.Rows[i][j]; v != "" && v != Suppressed {
				values[v] = true
			}
		}
		least = min(least, len(values))
	}
	return least
}

// distance is the largest total variation between a sensitive column in a group and in the whole table: half the sum of the
// differences of the shares.
func (t *Table) distance(g *group) float64 {
	far := 0.0
	for j, o := range t.Columns {
		if !o.Sensitive {
			continue
		}
		difference := map[string]float64{}
		for _, row := range t.Rows {
			difference[row[j]] -= 1 / float64(len(t.Rows))
		}
		for _, i := range g.rows {
			difference[t.Rows[i][j]] += 1 / float64(len(g.rows))
		}
		sum := 0.0
		for _, d := range difference {
			sum += math.Abs(d)
		}
		far = max(far, sum/2)
	}
	return far
}
