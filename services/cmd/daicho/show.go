package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/schollz/progressbar/v3"
	"go.uber.org/dig"
	"golang.org/x/term"
	"golang.org/x/text/width"
)

func rootCause(err error) error { return dig.RootCause(err) }

// table is an answer as rows. Cells may be in Japanese: columns are aligned by the width on screen.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// columns a text takes: East Asian wide characters take two.
func columns(s string) int {
	n := 0
	for _, r := range s {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

func (t *table) print(w io.Writer) {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		if len(row) == 1 && len(t.head) > 1 {
			continue // a remark: it stands across the columns
		}
		for i, c := range row {
			widths[i] = max(widths[i], columns(c))
		}
	}
	line := func(row []string) {
		var b strings.Builder
		for i, c := range row {
			b.WriteString(c)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-columns(c)+2))
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	line(t.head)
	for _, row := range t.rows {
		line(row)
	}
}

// show prints an answer the way that was asked for: JSON is the API's answer unchanged.
func (s *shared) show(answer any, t func() *table) error {
	switch s.output {
	case "json":
		return printJSON(os.Stdout, answer)
	case "csv":
		w := csv.NewWriter(os.Stdout)
		rows := t()
		_ = w.Write(rows.head)
		_ = w.WriteAll(rows.rows)
		w.Flush()
		return w.Error()
	case "table", "":
		t().print(os.Stdout)
		return nil
	}
	return errUsage{fmt.Errorf("--output is table, json or csv")}
}

func printJSON(w io.Writer, v any) error {
	b, err := json.Marshal(v, json.Deterministic(true), jsontext.Multiline(true))
	if err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	_, err = fmt.Fprintln(w, string(b))
	return err
}

// bar shows progress: a bar on a terminal, a line now and then elsewhere.
type bar struct {
	what  string
	total int64 // negative: not known
	onTTY *progressbar.ProgressBar
	last  time.Time
	ended bool
}

func newBar(what string, total int64) *bar {
	b := &bar{what: what, total: total, last: time.Now()}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		b.onTTY = progressbar.NewOptions64(total, progressbar.OptionSetDescription(what), progressbar.OptionSetWriter(os.Stderr),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionClearOnFinish())
	}
	return b
}

func (b *bar) set(n int64) {
	if b.onTTY != nil {
		if b.total >= 0 {
			n = min(n, b.total)
		}
		_ = b.onTTY.Set64(n)
		return
	}
	if time.Since(b.last) > 2*time.Second {
		b.last = time.Now()
		fmt.Fprintln(os.Stderr, b.line(n))
	}
}

// line is how far it is, of how much where that is known.
func (b *bar) line(n int64) string {
	if b.total < 0 {
		return fmt.Sprintf("%s: %d", b.what, n)
	}
	return fmt.Sprintf("%s: %d of %d", b.what, n, b.total)
}

func (b *bar) done() {
	if b.onTTY != nil && !b.ended {
		_ = b.onTTY.Finish()
	}
	b.ended = true
}

func list[T ~string](all []T) string {
	parts := make([]string, len(all))
	for i, w := range all {
		parts[i] = string(w)
	}
	return strings.Join(parts, " ")
}
