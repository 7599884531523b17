package edges

import (
	"errors"
	"net/url"
	"strings"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/infra/outbox"
	"github.com/daicho-dev/daicho/services/intake"
)

// Outbox is the way in from a table at a URL of PostgreSQL. Beside what the database takes, the URL names: table (default daicho_outbox);
// order, the column that says the order of Debezium's rows (default position); source, a prefix that its events may stand under, and
// type, a steering type that they may be of, each as often as needed: whoever writes the table is an emitter with these rights.
func Outbox(address string, h House) (*Edge, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, errors.New("--intake-outbox is postgres://user@host:port/database?table=TABLE&source=/rental")
	}
	q := u.Query()
	caller := intake.Caller{Role: "emitter", Sources: q["source"], Types: q["type"]}
	if len(caller.Sources) == 0 {
		return nil, errors.New("--intake-outbox says under which sources its events may stand: add source=/rental, as often as needed (source=/ for all)")
	}
	for _, s := range caller.Sources {
		if !strings.HasPrefix(s, "/") {
			return nil, errors.New("--intake-outbox: a source begins with /")
		}
	}
	table, order := q.Get("table"), q.Get("order")
	if table == "" {
		table = "daicho_outbox"
	}
	for _, ours := range []string{"table", "order", "source", "type"} {
		q.Del(ours)
	}
	u.RawQuery = q.Encode()
	t, err := outbox.Open(u.String(), order, h.logf)
	if err != nil {
		return nil, err
	}
	return newEdge(h, way{
		subscriber: t, topic: table, kept: true,
		who: func(*parcel) (intake.Caller, *contracts.Problem) { return caller, nil },
	}), nil
}
