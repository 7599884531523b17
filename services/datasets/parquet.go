package datasets

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"github.com/daicho-dev/daicho/events/anonymize"
	"github.com/daicho-dev/daicho/events/organisation"
)

// labelKey is where a Parquet file says in its own metadata what it holds.
const labelKey = "information"

// inOrder is a group of columns in the order of the recipe; the library's own is in that of the alphabet.
type inOrder struct {
	parquet.Group
	names []string
}

func (g inOrder) Fields() []parquet.Field {
	fields := g.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int {
		return slices.Index(g.names, a.Name()) - slices.Index(g.names, b.Name())
	})
	return fields
}

func schemaOf(columns []anonymize.Out) *parquet.Schema {
	g := inOrder{Group: parquet.Group{}}
	for _, c := range columns {
		leaf := parquet.String()
		if c.Integer {
			leaf = parquet.Int(64)
		}
		g.Group[c.Name] = parquet.Compressed(parquet.Encoded(parquet.Optional(leaf), &parquet.RLEDictionary), &parquet.Snappy)
		g.names = append(g.names, c.Name)
	}
	return parquet.NewSchema("dataset", g)
}

// writeParquet writes the same cells as the CSV has: text, whole numbers where every cell is one, and null where there was no value.
func writeParquet(w io.Writer, columns []anonymize.Out, rows each) error {
	out := parquet.NewGenericWriter[any](w, schemaOf(columns), parquet.KeyValueMetadata(labelKey, string(organisation.Label)))
	buffer := make([]parquet.Row, 0, 256)
	flush := func() error {
		_, err := out.WriteRows(buffer)
		buffer = buffer[:0]
		return err
	}
	err := rows(func(cells []string) error {
		row := make(parquet.Row, len(cells))
		for j, cell := range cells {
			switch {
			case cell == "":
				row[j] = parquet.NullValue().Level(0, 0, j)
			case columns[j].Integer:
				n, err := strconv.ParseInt(cell, 10, 64)
				if err != nil {
					return errors.New("a cell of a column of whole numbers is none")
				}
				row[j] = parquet.Int64Value(n).Level(0, 1, j)
			default:
				row[j] = parquet.ByteArrayValue([]byte(cell)).Level(0, 1, j)
			}
		}
		if buffer = append(buffer, row); len(buffer) == cap(buffer) {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	return errors.Join(err, out.Close())
}

// readParquet reads what writeParquet wrote.
func readParquet(from io.ReaderAt, size int64) ([]anonymize.Out, each, error) {
	file, err := parquet.OpenFile(from, size)
	if err != nil {
		return nil, nil, fmt.Errorf("it is no Parquet file: %w", err)
	}
	if label, _ := file.Lookup(labelKey); label != string(organisation.Label) {
		return nil, nil, errors.New("the Parquet file does not say what it holds")
	}
	var columns []anonymize.Out
	for _, f := range file.Schema().Fields() {
		if !f.Leaf() || f.Repeated() {
			return nil, nil, errors.New("the Parquet file has a column that holds columns")
		}
		columns = append(columns, anonymize.Out{Name: f.Name(), Integer: f.Type().Kind() == parquet.Int64})
	}
	return columns, func(yield func([]string) error) error {
		for _, g := range file.RowGroups() {
			if err := readGroup(g, columns, yield); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func readGroup(g parquet.RowGroup, columns []anonymize.Out, yield func([]string) error) error {
	rows := g.Rows()
	defer rows.Close()
	buffer := make([]parquet.Row, 256)
	cells := make([]string, len(columns))
	for {
		n, err := rows.ReadRows(buffer)
		for _, row := range buffer[:n] {
			if len(row) != len(columns) {
				return errors.New("a row of the Parquet file has not one cell a column")
			}
			for j, v := range row {
				switch {
				case v.IsNull():
					cells[j] = ""
				case columns[j].Integer:
					cells[j] = strconv.FormatInt(v.Int64(), 10)
				default:
					cells[j] = string(v.ByteArray())
				}
			}
			if err := yield(cells); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
