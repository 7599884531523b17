package store

import (
	"strconv"
	"strings"
)

// Rows are inserted many at a time: what a statement costs beside its rows, on a server elsewhere a round trip above all, is paid once for
// many. Nothing is there to be read before Flush, or before so many have been added.
type Rows struct {
	tx         *Tx
	into, then string
	width      int
	args       []any
}

// many is how many rows one statement inserts at most: a power of two.
const many = 64

// Rows is an insert of rows with so many columns: into is `insert into t (a, b)`, then what follows the values, such as what to do on
// conflict. Two rows of one key may not wait together where a conflict updates.
func (t *Tx) Rows(into string, width int, then string) *Rows {
	return &Rows{tx: t, into: into, then: then, width: width}
}

// Add takes a row.
func (r *Rows) Add(row ...any) error {
	if r.args == nil {
		r.args = make([]any, 0, many*r.width)
	}
	if r.args = append(r.args, row...); len(r.args) < many*r.width {
		return nil
	}
	return r.Flush()
}

// Flush writes what waits, by halves, so that few statements have to be prepared.
func (r *Rows) Flush() error {
	rest := r.args
	for n := many; n > 0; n /= 2 {
		if len(rest) < n*r.width {
			continue
		}
		if _, err := r.tx.Exec(r.statement(n), rest[:n*r.width]...); err != nil {
			return err
		}
		rest = rest[n*r.width:]
	}
	clear(r.args)
	r.args = r.args[:0]
	return nil
}

// statement inserts n rows.
func (r *Rows) statement(n int) string {
	var b strings.Builder
	b.WriteString(r.into)
	b.WriteString(" values ")
	for i := range n * r.width {
		switch {
		case i == 0:
			b.WriteString("($")
		case i%r.width == 0:
			b.WriteString("), ($")
		default:
			b.WriteString(", $")
		}
		b.WriteString(strconv.Itoa(i + 1))
	}
	b.WriteString(") ")
	b.WriteString(r.then)
	return b.String()
}
