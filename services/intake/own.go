package intake

import (
	"time"

	"github.com/daicho-dev/daicho/events"
)

// Own is a submission of Daicho's own services: a fact without anything clear in it, about a stream that exists.
func Own(typ string, st events.Stream, f events.Fact) Submission {
	kind, _ := events.KindOf(typ)
	s := Submission{ID: newID(), Source: "/daicho/" + st.Kind, Kind: kind, Type: typ, Time: time.Now().UTC().Truncate(time.Millisecond), Fact: f}
	if p := st.Person(); p != "" {
		s.Subject = events.Identifier("person:" + p)
	}
	return s
}
