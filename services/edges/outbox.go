package edges

import (
	"cmp"
	"errors"
	"net/url"
	"strings"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/infra/outbox"
	"github.com/daicho-dev/daicho/services/intake"
)

// table is an outbox, as --intake-outbox names it.
type table struct {
	*outbox.Table
	name   string
	caller intake.Caller
}

func tableAt(address string, logf func(string, ...any)) (table, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return table{}, errors.New("--intake-outbox is postgres://user@host:port/database?table=TABLE&source=/rental")
	}
	q := u.Query()
	t := table{name: cmp.Or(q.Get("table"), "daicho_outbox"), caller: intake.Caller{Role: "emitter", Sources: q["source"], Types: q["type"]}}
	if len(t.caller.Sources) == 0 {
		return table{}, errors.New("--intake-outbox says under which sources its events may stand: add source=/rental, as often as needed (source=/ for all)")
	}
	for _, s := range t.caller.Sources {
		if !strings.HasPrefix(s, "/") {
			return table{}, errors.New("--intake-outbox: a source begins with /")
		}
	}
	order := q.Get("order")
	for _, ours := range []string{"table", "order", "source", "type"} {
		q.Del(ours)
	}
	u.RawQuery = q.Encode()
	t.Table, err = outbox.Open(u.String(), order, logf)
	return t, err
}

// Outbox is the way in from a table at a URL of PostgreSQL. Beside what the database takes, the URL names: table (default daicho_outbox);
// order, the column that says the order of Debezium's rows (default position); source, a prefix that its events may stand under, and
// type, a steering type that they may be of, each as often as needed: whoever writes the table is an emitter with these rights.
func Outbox(address string, h House) (*Edge, error) {
	t, err := tableAt(address, h.logf)
	if err != nil {
		return nil, err
	}
	return newEdge(h, way{
		name: "intake from an outbox", subscriber: t, topic: t.name, kept: true,
		who: func(*parcel) (intake.Caller, *contracts.Problem) { return t.caller, nil },
	}), nil
}
