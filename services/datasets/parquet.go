package datasets

import (
	"errors"
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
func writeParquet(w io.Writer, columns []anonymize.Out, rows [][]string) error {
	out := parquet.NewGenericWriter[any](w, schemaOf(columns), parquet.KeyValueMetadata(labelKey, string(organisation.Label)))
	buffer := make([]parquet.Row, 0, 256)
	flush := func() error {
		_, err := out.WriteRows(buffer)
		buffer = buffer[:0]
		return err
	}
	for _, cells := range rows {
		row, err := parquetRow(cells, columns)
		if err != nil {
			return errors.Join(err, out.Close())
		}
		if buffer = append(buffer, row); len(buffer) == cap(buffer) {
			if err := flush(); err != nil {
				return errors.Join(err, out.Close())
			}
		}
	}
	return errors.Join(flush(), out.Close())
}

func parquetRow(cells []string, columns []anonymize.Out) (parquet.Row, error) {
	row := make(parquet.Row, len(cells))
	for j, cell := range cells {
		switch {
		case cell == "":
			row[j] = parquet.NullValue().Level(0, 0, j)
		case columns[j].Integer:
			n, err := strconv.ParseInt(cell, 10, 64)
			if err != nil {
				return nil, errors.New("a cell of a column of whole numbers is none")
			}
			row[j] = parquet.Int64Value(n).Level(0, 1, j)
		default:
			row[j] = parquet.ByteArrayValue([]byte(cell)).Level(0, 1, j)
		}
	}
	return row, nil
}
