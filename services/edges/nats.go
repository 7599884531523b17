package edges

import (
	"errors"
	"net/url"

	"github.com/daicho-dev/daicho/infra/natsbus"
)

// NATS are the ways in from the server at a URL. Beside what nats.go takes, the URL may name: queue, the stream that is a work queue;
// creds and ca, files; trust=subjects, that the server's permissions say who may write under which source, so that messages need no token.
func NATS(address string, h House) ([]*Edge, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("--intake-nats is nats://host:port or tls://host:port, with ?queue=STREAM&creds=FILE&ca=FILE&trust=subjects where wanted")
	}
	q := u.Query()
	options := natsbus.Options{Credentials: q.Get("creds"), CA: q.Get("ca"), Logf: h.logf}
	who := h.byToken
	switch q.Get("trust") {
	case "":
	case "subjects":
		who = h.bySubject
	default:
		return nil, errors.New("--intake-nats takes trust=subjects, or no trust")
	}
	queue := q.Get("queue")
	for name := range q {
		switch name {
		case "queue", "creds", "ca", "trust":
		default:
			return nil, errors.New("--intake-nats takes ?queue=STREAM&creds=FILE&ca=FILE&trust=subjects, and nothing else")
		}
	}
	u.RawQuery = ""
	bus, err := natsbus.Connect(u.String(), options)
	if err != nil {
		return nil, err
	}
	return h.over(bus, queue, who), nil
}

// Listen are the ways in from a server of our own: a request is answered, a queue is kept in memory until the engine ends.
func Listen(l *natsbus.Listener, h House) ([]*Edge, error) {
	bus, err := l.Bus()
	if err != nil {
		return nil, err
	}
	return h.over(bus, "DAICHO_QUEUE", h.byToken), nil
}

// Subjects are those that emitters may publish to.
var Subjects = []string{asking + ">", queuing + ">"}

func (h House) over(bus *natsbus.Bus, queue string, who teller) []*Edge {
	all := []*Edge{newEdge(h, way{
		subscriber: bus, topic: asking + ">", answers: bus, who: who, up: bus.Err, close: func() { _ = bus.Close() },
	})}
	if queue != "" { // closed before the connection is
		all = append(all, newEdge(h, way{subscriber: natsbus.NewQueue(bus, queue), topic: queuing + ">", kept: true, who: who, up: bus.Err}))
	}
	return all
}

func (h House) logf(format string, a ...any) {
	h.Logger.Warn().Str("part", "edges").Msgf(format, a...)
}
