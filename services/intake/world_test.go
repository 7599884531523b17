package intake

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/person"
)

// world is an engine's way in with the shipped policy, and who sends what, from where and when.
type world struct {
	t       *testing.T
	g       *Gateway
	log     contracts.Log
	caller  Caller
	source  string
	subject string
	at      time.Time
	n       int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	log := memlog.New()
	t.Cleanup(log.Close)
	w := &world{t: t, log: log, g: testGateway(t, log, testVault(t)), caller: admin, source: "/rental/web", subject: "rental:P", at: time.Date(2026, 10, 1, 3, 0, 0, 0, time.UTC)}
	publish(t, w.g)
	return w
}

// as is the same world with another source and subject.
func (w *world) as(source, subject string) *world {
	x := *w
	x.source, x.subject, x.n = source, subject, 1000+w.n
	return &x
}

// on is the same world at another moment (RFC 3339).
func (w *world) on(moment string) *world {
	x := *w
	at, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		w.t.Fatal(err)
	}
	x.at, x.n = at, 2000+w.n
	return &x
}

func (w *world) submission(typ, data string) Submission {
	w.n++
	who := ""
	if w.subject != "" {
		who = fmt.Sprintf(`"subject":%q,`, w.subject)
	}
	return ReadStructured([]byte(fmt.Sprintf(`{"specversion":"1.0","id":"%s-%d-%d","source":%q,"type":"daicho.%s.v1",%s"time":%q,"data":%s}`,
		typ, w.n, len(data), w.source, typ, who, w.at.Add(time.Duration(w.n)*time.Millisecond).Format(time.RFC3339Nano), data)))
}

// send gives what became of an event.
func (w *world) send(typ, data string) contracts.Receipt {
	w.t.Helper()
	out, err := w.g.Submit(context.Background(), w.caller, []Submission{w.submission(typ, data)})
	if err != nil {
		w.t.Fatal(err)
	}
	return out[0]
}

// tells records an event.
func (w *world) tells(typ, data string) contracts.Receipt {
	w.t.Helper()
	out := w.send(typ, data)
	if out.Status != contracts.StatusRecorded {
		w.t.Fatalf("%s: %s by %s at %s (%s)", typ, out.Status, out.Rule, out.Field, out.Text)
	}
	return out
}

// refused says that an event is refused: "rule field".
func (w *world) refused(want, typ, data string) {
	w.t.Helper()
	if out := w.send(typ, data); out.Status != contracts.StatusRefused || out.Rule+" "+out.Field != want {
		w.t.Errorf("%s %s: %s %q (%s), want it refused by %q", typ, data, out.Status, out.Rule+" "+out.Field, out.Text, want)
	}
}

// uses asks the gate: "allowed", or the rule.
func (w *world) uses(want, purpose string, categories ...string) {
	w.t.Helper()
	out := w.send("used", fmt.Sprintf(`{"purpose":%q,"categories":["%s"],"by":"staff:s-1"}`, purpose, strings.Join(categories, `","`)))
	got := out.Rule
	if out.Allowed != nil && *out.Allowed {
		got = "allowed"
	}
	if got != want || want != "allowed" && out.Status == contracts.StatusRecorded && (out.Allowed == nil || *out.Allowed) {
		w.t.Errorf("a use of %v for %s: %s %s, want %s", categories, purpose, out.Status, got, want)
	}
}

// takes is the data of a collection; empty parts are those of a rental at a counter in Japan.
type takes struct {
	purposes, records, operation, location, channel, transport, person, more string
}

func (c takes) String() string {
	or := func(s, other string) string {
		if s == "" {
			return other
		}
		return s
	}
	var rs []string
	for r := range strings.FieldsSeq(or(c.records, "name=pd:Name")) {
		key, category, _ := strings.Cut(r, "=")
		rs = append(rs, fmt.Sprintf(`{"key":%q,"category":%q,"value":"v"}`, key, category))
	}
	transport := ""
	if c.transport != "" {
		transport = fmt.Sprintf(`"transport":%q,`, c.transport)
	}
	return fmt.Sprintf(`{"records":[%s],"purposes":[%s],"operation":%q,"location":%q,"channel":%q,%s%s,"person":%s%s}`,
		strings.Join(rs, ","), or(c.purposes, rental), or(c.operation, "rental"), or(c.location, "rental-db"), or(c.channel, "counter"), transport, notice,
		or(c.person, `{"kind":"customer","country":"JP"}`), c.more)
}

// on is a policy's purpose on a basis; with consent, the person's own.
func on(id, basis string) string {
	if basis == "consent" {
		return fmt.Sprintf(`{"id":%q,"basis":"consent","consent":{"by":"self"}}`, id)
	}
	return fmt.Sprintf(`{"id":%q,"basis":%q}`, id, basis)
}

// facts are what stands in the log of one type of fact.
func facts[F events.Fact](w *world) (all []F) {
	w.t.Helper()
	for batch, err := range w.log.Scan(context.Background(), 0, contracts.Filter{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		for i := range batch {
			f, err := events.Decode(&batch[i])
			if err != nil {
				w.t.Fatal(err)
			}
			if x, ok := f.(F); ok {
				all = append(all, x)
			}
		}
	}
	return all
}

// state is what is known of one person who has a record, from the log alone.
func (w *world) state(p events.Pseudonym) *person.State {
	w.t.Helper()
	all, _ := folded(w.t, w.log)
	s := all[events.PersonStream(p)]
	if s == nil {
		w.t.Fatal("nobody is known under this pseudonym")
	}
	return s
}

// needsNoTelephone publishes a policy under which a rental needs no telephone number any more.
func (w *world) needsNoTelephone() {
	w.t.Helper()
	doc := strings.Replace(string(policies.Default().JSON()), `"version":"2025-10"`, `"version":"2026-10"`, 1)
	doc = strings.Replace(doc, `"ID_BASIC":["pd:Name","pd:PhysicalAddress","pd:PostalCode","pd:EmailAddress","pd:TelephoneNumber"]`, `"ID_BASIC":["pd:Name","pd:PhysicalAddress","pd:PostalCode","pd:EmailAddress"]`, 1)
	doc = strings.Replace(doc, `"HR_APP":[`, `"HR_APP":["pd:TelephoneNumber",`, 1)
	c, _, err := policies.Read([]byte(doc))
	if err != nil || c.Purpose("SVC-01").Permits("pd:TelephoneNumber") {
		w.t.Fatal("the second policy is not what this test is about", err)
	}
	s := Own(events.TypePolicyPublished, events.Stream{Kind: "policy", ID: "main"}, &events.PolicyPublished{Version: events.Word(c.Version), Catalogue: c.JSON(), Changes: []events.Change{{Text: map[events.Word]events.Text{
		"en": "Rentals need no telephone number.", "ja": "レンタルに電話番号は不要です。", "zh-Hant": "租借不需要電話號碼。", "ko": "대여에 전화번호가 필요하지 않습니다.",
	}, Major: true}}})
	if out, err := w.g.Submit(context.Background(), Engine, []Submission{s}); err != nil || out[0].Status != contracts.StatusRecorded {
		w.t.Fatalf("publishing: %+v %v", out, err)
	}
}
