package sqlite

import (
	"strconv"
	"strings"
)

// positional writes placeholders $1, $2, … as ?, where each stands once and in its order. SQLite takes $1 for a name, and the driver looks
// up the name of each before it gives it a value, by going through all: much, where a statement has many.
func positional(statement string) string {
	var b strings.Builder
	next := 1
	for i, quoted := 0, false; i < len(statement); i++ {
		c := statement[i]
		if c == '\'' {
			quoted = !quoted
		}
		if quoted || c != '$' {
			b.WriteByte(c)
			continue
		}
		end := i + 1
		for end < len(statement) && statement[end] >= '0' && statement[end] <= '9' {
			end++
		}
		if statement[i+1:end] != strconv.Itoa(next) {
			return statement
		}
		b.WriteByte('?')
		next, i = next+1, end-1
	}
	return b.String()
}
