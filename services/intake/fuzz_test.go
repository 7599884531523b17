package intake

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

const sample = `{"specversion":"1.0","id":"e1","source":"/rental/web","type":"daicho.collected.v1","subject":"rental:C-1","time":"2026-10-01T10:00:00+09:00","data":{"records":[{"key":"k","category":"pd:Name","value":"山田"}],"purposes":[{"id":"SVC-01","basis":"contract"}],"operation":"rental","location":"rental-db","channel":"counter","notice":{"policy":"2025-10","language":"ja"},"person":{"kind":"customer","country":"JP"}}}`

// whole asserts what holds of every reading: it is a refusal with a place, or a submission that can be decided.
func whole(t *testing.T, s Submission) {
	t.Helper()
	if s.Refused == nil {
		if s.Kind == nil || s.Fact == nil || s.ID == "" || s.Source == "" || s.Time.IsZero() {
			t.Fatal("a submission was taken that cannot be decided")
		}
		return
	}
	if s.Refused.Rule != "schema" || s.Refused.Text == "" {
		t.Fatalf("a refusal without a rule or a reason: %q", s.Refused.Rule)
	}
}

func FuzzStructured(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(sample[:200]))
	f.Add([]byte(`{"data":{"records":[{"\xff":1}]},"type":"daicho.collected.v1"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		whole(t, ReadStructured(b))
		for _, form := range []string{"application/x-ndjson", "application/cloudevents-batch+json", "application/cloudevents+json"} {
			all, _, err := ReadRequest(http.Header{"Content-Type": {form}}, bytes.NewReader(b))
			if err != nil {
				continue
			}
			for _, s := range all {
				whole(t, s)
			}
		}
	})
}

func FuzzBinary(f *testing.F) {
	f.Add("e1", "/rental/web", "daicho.notice_shown.v1", "rental:%E7%94%B0", "2026-10-01T10:00:00Z", []byte(`{"notice":{"policy":"2025-10","language":"ja"}}`))
	f.Fuzz(func(t *testing.T, id, source, typ, subject, at string, body []byte) {
		h := http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {id}, "Ce-Source": {source}, "Ce-Type": {typ}, "Ce-Subject": {subject}, "Ce-Time": {at}, "Content-Type": {"application/json"}}
		whole(t, ReadBinary(h, body))
	})
}

func TestPercentEncodedAttributes(t *testing.T) {
	h := http.Header{"Ce-Subject": {"rental:%E7%94%B0%25"}}
	if got := header(h, "Ce-Subject"); got != "rental:田%" {
		t.Errorf("got %q", got)
	}
	if got := header(http.Header{"Ce-Subject": {"100%"}}, "Ce-Subject"); got != "100%" {
		t.Errorf("got %q", got)
	}
}

func TestSubjectsAreComparedInNFC(t *testing.T) {
	a := ReadStructured([]byte(strings.Replace(sample, "rental:C-1", "rental:Mu\u0308ller", 1)))
	b := ReadStructured([]byte(strings.Replace(sample, "rental:C-1", "rental:M\u00fcller", 1)))
	if a.Refused != nil || a.Subject != b.Subject {
		t.Errorf("two spellings of one name are two people (%v)", a.Refused)
	}
}
