package edges

import (
	"errors"
	"net/url"

	"github.com/daicho-dev/daicho/infra/natsbus"
)

// place is a NATS server of somebody else's, as --intake-nats names it.
type place struct {
	url     string
	queue   string
	options natsbus.Options
	trusted bool
}

func placeAt(address string) (place, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return place{}, errors.New("--intake-nats is nats://host:port or tls://host:port, with ?queue=STREAM&creds=FILE&ca=FILE&trust=subjects where wanted")
	}
	q := u.Query()
	for name := range q {
		switch name {
		case "queue", "creds", "ca", "trust":
		default:
			return place{}, errors.New("--intake-nats takes ?queue=STREAM&creds=FILE&ca=FILE&trust=subjects, and nothing else")
		}
	}
	if t := q.Get("trust"); t != "" && t != "subjects" {
		return place{}, errors.New("--intake-nats takes trust=subjects, or no trust")
	}
	u.RawQuery = ""
	return place{u.String(), q.Get("queue"), natsbus.Options{Credentials: q.Get("creds"), CA: q.Get("ca")}, q.Get("trust") != ""}, natsbus.Speakable(u.String())
}

// NATS are the ways in from the server at a URL. Beside what nats.go takes, the URL may name: queue, the stream that is a work queue;
// creds and ca, files; trust=subjects, that the server's permissions say who may write under which source, so that messages need no token.
func NATS(address string, h House) ([]*Edge, error) {
	s, err := placeAt(address)
	if err != nil {
		return nil, err
	}
	who := h.byToken
	if s.trusted {
		who = h.bySubject
	}
	s.options.Logf = h.logf
	bus, err := natsbus.Connect(s.url, s.options)
	if err != nil {
		return nil, err
	}
	return h.over(bus, s.queue, who), nil
}

// Check says what is wrong with addresses before anything is started.
func Check(nats, outboxes []string) error {
	var failed error
	for _, a := range nats {
		_, err := placeAt(a)
		failed = errors.Join(failed, err)
	}
	for _, a := range outboxes {
		_, err := tableAt(a, func(string, ...any) {})
		failed = errors.Join(failed, err)
	}
	return failed
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
		name: "intake from NATS", subscriber: bus, topic: asking + ">", answers: bus, who: who, up: bus.Err, close: func() { _ = bus.Close() },
	})}
	if queue != "" { // closed before the connection is
		all = append(all, newEdge(h, way{name: "intake from a NATS queue", subscriber: natsbus.NewQueue(bus, queue), topic: queuing + ">", kept: true, who: who, up: bus.Err}))
	}
	return all
}

func (h House) logf(format string, a ...any) {
	h.Logger.Warn().Str("part", "edges").Msgf(format, a...)
}
