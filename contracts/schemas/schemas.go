// Package schemas is the contract of the events for those who do not write Go: a JSON Schema (draft 2020-12) for the data of
// each event type, as it is submitted, and examples of whole events.
//
// The schemas are written by contracts/internal/generate from the types in events; a test feeds both the same inputs. The
// engine checks with the Go types alone. Four things it refuses that a schema cannot say: a repeated name, text that is not
// UTF-8, nesting deeper than 32, and a value of more than 64 KiB as written. One thing it is stricter about: a whole number
// is written without fraction and exponent.
//
// The keyword `x-daicho` is an annotation: on an event, who writes it and in which stream it stands; on a field, what becomes
// of it in the log (clear, tag, pseudonym, sealed).
package schemas

import (
	"embed"
	"io/fs"
	"path"
	"strings"

	"github.com/daicho-dev/daicho/events"
)

//go:embed *.schema.json examples/*.json
var files embed.FS

// Schema is the schema of an event type's data, by its stored name ("daicho.collected.v1"); nil if there is no such type.
func Schema(typ string) []byte {
	if _, ok := events.KindOf(typ); !ok {
		return nil
	}
	b, _ := files.ReadFile(events.Short(typ) + ".v1.schema.json")
	return b
}

// Examples are whole CloudEvents in structured form, by name: a type's short name, or `<short>.<variant>`.
func Examples() map[string][]byte {
	names, err := fs.Glob(files, "examples/*.json")
	if err != nil {
		panic(err) // the pattern is a literal
	}
	all := make(map[string][]byte, len(names))
	for _, name := range names {
		b, err := files.ReadFile(name)
		if err != nil {
			panic(err) // it is embedded
		}
		all[strings.TrimSuffix(path.Base(name), ".json")] = b
	}
	return all
}
