package datasets

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/daicho-dev/daicho/events/anonymize"
	"github.com/daicho-dev/daicho/events/organisation"
)

// Whatever stands in the cells, both forms give it back, and give the same.
func TestBothFormsHoldTheSameRows(t *testing.T) {
	text := []anonymize.Out{{Name: "zone"}, {Name: "days", Integer: true}, {Name: "a"}}
	many := [][]string{}
	for i := range 10_000 {
		many = append(many, []string{strings.Repeat("x", i%7), []string{"", "3", "-4"}[i%3], "京都"})
	}
	for what, x := range map[string]struct {
		columns []anonymize.Out
		rows    [][]string
	}{
		"words":              {text, [][]string{{"Japan", "1", "b"}, {"", "", ""}, {"*", "9007199254740993", "x"}}},
		"what CSV quotes":    {text, [][]string{{`say "a", b`, "0", "line\nand line"}, {" edge ", "7", "=1+1"}, {"東京都", "8", "é"}}},
		"one column, absent": {text[:1], [][]string{{""}, {"a"}, {""}}},
		"one number, absent": {text[1:2], [][]string{{""}, {"12"}}},
		"many":               {text, many},
		"none":               {text, nil},
	} {
		want := [][]string{nil}
		for _, c := range x.columns {
			want[0] = append(want[0], c.Name)
		}
		want = append(want, x.rows...)
		var a, b bytes.Buffer
		if err := writeCSV(&a, x.columns, x.rows); err != nil {
			t.Fatal(err)
		}
		got, err := csv.NewReader(&a).ReadAll()
		if err != nil || !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s: as CSV %q, want %q (%v)", what, got[:min(4, len(got))], want[:min(4, len(want))], err)
		}
		if err := writeParquet(&b, x.columns, x.rows); err != nil {
			t.Fatal(err)
		}
		if got := parquetRows(t, b.Bytes()); !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s: as Parquet %q, want %q", what, got[:min(4, len(got))], want[:min(4, len(want))])
		}
		file, err := parquet.OpenFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if label, _ := file.Lookup(labelKey); label != string(organisation.Label) {
			t.Errorf("%s: the Parquet file says that it is %q", what, label)
		}
		for i, c := range x.columns {
			f := file.Schema().Fields()[i]
			if whole := f.Type().Kind() == parquet.Int64; whole != c.Integer || !f.Optional() {
				t.Errorf("%s: column %s is %v", what, c.Name, f.Type())
			}
		}
	}
	if err := writeParquet(&bytes.Buffer{}, text[1:2], [][]string{{"3 or more"}}); err == nil {
		t.Error("a number that is none is written")
	}
}
