package edges

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/daicho-dev/daicho/contracts"
)

const structured, batch, lines = "application/cloudevents+json", "application/cloudevents-batch+json", "application/x-ndjson"

func TestTheAnswerIsThatOfHTTP(t *testing.T) {
	w := newWorld(t)
	c := w.door()
	const subject = "daicho.intake.rental.web"
	one := collected("1", "/rental/web", "rental:A", "k")
	binary := []string{"ce-specversion", "1.0", "ce-id", "b%31", "ce-source", "/rental/web", "ce-type", "daicho.collected.v1", "ce-subject", "rental:%E5%B1%B1", "ce-time", "2026-10-01T03:00:00Z"}

	var first contracts.Receipt
	a := w.asks(c, w.sent(subject, structured, one))
	if err := json.Unmarshal(a.Data, &first); err != nil || first.Status != "recorded" || first.Position == 0 || first.Person == "" || a.Header.Get("daicho-status") != "201" {
		t.Fatalf("%s %v", a.Data, a.Header)
	}
	if a := w.asks(c, w.sent(subject, "application/json", collection("kb"), binary...)); a.Header.Get("daicho-status") != "201" {
		t.Fatalf("binary: %s", a.Data)
	}
	stranger, nobody := w.sent(subject, structured, one), w.sent(subject, structured, one)
	stranger.Header.Set("Authorization", "Bearer none")
	nobody.Header.Del("Authorization")
	for name, m := range map[string]*nats.Msg{
		"duplicate":            w.sent(subject, structured, one),
		"duplicate, binary":    w.sent(subject, "application/json", collection("kb"), binary...),
		"refused":              w.sent(subject, structured, corrected("2", "rental:A", "none")),
		"refused form":         w.sent(subject, structured, strings.Replace(one, `"data":{`, `"data":{"more":1,`, 1)),
		"not its source":       w.sent("daicho.intake.sales.shop", structured, collected("3", "/sales/shop", "sales:A", "k")),
		"a batch":              w.sent(subject, batch, "["+one+","+corrected("2", "rental:A", "none")+"]"),
		"an empty batch":       w.sent(subject, batch, "[]"),
		"lines":                w.sent(subject, lines, one+"\n"+one+"\n{}\n"),
		"no event":             w.sent(subject, "text/plain", "hello"),
		"a batch that is none": w.sent(subject, batch, "[{"),
		"an unknown token":     stranger,
		"no token":             nobody,
	} {
		status, media, body := w.posts(m)
		a := w.asks(c, m)
		if string(a.Data) != body && !sameJSON(string(a.Data), body) || a.Header.Get("content-type") != media || a.Header.Get("daicho-status") != strconv.Itoa(status) {
			t.Errorf("%s: over NATS\n%s %v\nover HTTP\n%d %s %s", name, a.Data, a.Header, status, media, body)
		}
	}
	if a := w.asks(c, w.sent(subject, "", one)); !strings.Contains(string(a.Data), "duplicate") {
		t.Errorf("without a content type: %s", a.Data)
	}
	if s := w.said.String(); strings.Contains(s, "canary") || strings.Contains(s, "rental:A") {
		t.Errorf("the engine's log holds clear text:\n%s", s)
	}
}

func sameJSON(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	return fmt.Sprint(x) == fmt.Sprint(y)
}

func TestTheSubjectNamesTheSource(t *testing.T) {
	w := newWorld(t)
	c := w.door()
	for subject, want := range map[string]string{
		"daicho.intake.rental.web":        "recorded",
		"daicho.intake.rental.haneda-t3":  "not_your_source",
		"daicho.intake.rental":            "not_your_source",
		"daicho.intake.rental.web.inside": "not_your_source",
	} {
		if a := w.asks(c, w.sent(subject, structured, collected("x"+subject, "/rental/web", "rental:A"+subject, "k"))); !strings.Contains(string(a.Data), `"`+want+`"`) {
			t.Errorf("at %s: %s, want %s", subject, a.Data, want)
		}
	}
}

// What comes while the engine is busy goes to it together, and in its order: each of these rests on the one before.
func TestOrderIsKept(t *testing.T) {
	w := newWorld(t)
	c := w.door()
	w.asks(c, w.sent("daicho.intake.rental.web", structured, collected("0", "/rental/web", "rental:A", "k")))
	answers, err := c.SubscribeSync("_INBOX.order")
	if err != nil {
		t.Fatal(err)
	}
	const n = 400
	for i := range n {
		m := w.sent("daicho.intake.rental.web", structured, collected("c"+strconv.Itoa(i), "/rental/web", "rental:P"+strconv.Itoa(i/2), "k"))
		if i%2 == 1 {
			m.Data = []byte(corrected("c"+strconv.Itoa(i), "rental:P"+strconv.Itoa(i/2), "k"))
		}
		m.Reply = "_INBOX.order"
		if err := c.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	for range n {
		a, err := answers.NextMsg(20 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if a.Header.Get("daicho-status") != "201" {
			t.Fatalf("%s", a.Data)
		}
	}
}

func (w *world) queues(c *nats.Conn, all ...*nats.Msg) {
	w.t.Helper()
	for _, m := range all {
		a := w.asks(c, m)
		if !strings.Contains(string(a.Data), `"seq"`) {
			w.t.Fatalf("the queue answers %s", a.Data)
		}
	}
}

func (w *world) queued(bodies ...string) (all []*nats.Msg) {
	for _, b := range bodies {
		all = append(all, w.sent("daicho.queue.rental.web", structured, b))
	}
	return all
}

// What is refused for the engine's sake waits; what the engine cannot do, while it works, goes to the quarantine and holds nothing up.
func TestPoison(t *testing.T) {
	w := newWorld(t)
	c := w.door()
	stranger := w.queued(collected("7", "/rental/web", "rental:D", "k"))[0]
	stranger.Header.Set("Authorization", "Bearer none")
	bad := "/rental/haneda-t3"
	w.faulty.source.Store(&bad)
	poison := w.sent("daicho.queue.rental.haneda-t3", structured, collected("3", bad, "rental:B", "k"))
	w.queues(c, w.queued(collected("1", "/rental/web", "rental:A", "k"), corrected("2", "rental:A", "k"))...)
	w.queues(c, poison)
	w.queues(c, w.queued(corrected("4", "rental:A", "k"), "canary, but no event", corrected("5", "rental:A", "none"))...)
	w.queues(c, stranger, w.sent("daicho.queue.rental.web", batch, "[{"), w.queued(corrected("6", "rental:A", "k"))[0])
	w.until("the last", func() bool { return len(w.recorded()) >= 6 })
	w.until("what is poison", func() bool { return len(w.quarantined()) == 5 })
	want := []string{"collected", "corrected", "corrected", "refused", "refused", "corrected"}
	if got := w.recorded(); !slices.Equal(got, want) {
		t.Errorf("recorded are %v, want %v", got, want)
	}
	rules := map[string]string{}
	for _, q := range w.quarantined() {
		rules[q.Rule+" "+q.Source+" "+q.Type] = string(q.Body)
	}
	for rule, body := range map[string]string{
		"undecided /rental/haneda-t3 daicho.collected.v1": "rental:B",
		"unreadable  ":                                   "[{",
		"token /rental/web daicho.collected.v1":          "rental:D",
		"record_unknown /rental/web daicho.corrected.v1": `"5"`,
		"schema  ": "",
	} {
		if kept, ok := rules[rule]; !ok || !strings.Contains(kept, body) {
			t.Errorf("%q is not in the quarantine: %v", rule, rules)
		}
	}
	if n := w.faulty.tries.Load(); n < 3 {
		t.Errorf("poison was tried %d times", n)
	}
	if s := w.said.String(); strings.Contains(s, "canary") || strings.Contains(s, "rental:B") || !strings.Contains(s, "undecided") {
		t.Errorf("the engine's log says\n%s", s)
	}

	// The engine itself fails: nothing is poison, all waits, in its order.
	w.faulty.all.Store(true)
	before := len(w.quarantined())
	w.queues(c, w.queued(collected("8", "/rental/web", "rental:E", "k"), corrected("9", "rental:E", "k"))...)
	tries := w.faulty.tries.Load()
	w.until("a try", func() bool { return w.faulty.tries.Load() > tries })
	time.Sleep(50 * time.Millisecond)
	w.faulty.all.Store(false)
	w.until("what waited", func() bool { return len(w.recorded()) == len(want)+2 })
	if got := w.recorded()[len(want):]; got[0] != "collected" || got[1] != "corrected" || len(w.quarantined()) != before {
		t.Errorf("after the engine is well again: %v, and %d in the quarantine, not %d", got, len(w.quarantined()), before)
	}
}

// outside is a NATS server of somebody else's.
func outside(t *testing.T) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not start")
	}
	return s
}

// An engine that ends in the middle of a queue goes on where it was, in order: over three lives, everything is recorded once.
func TestQueueOutlivesTheEngine(t *testing.T) {
	w := newWorld(t)
	s := outside(t)
	c := w.dial(s.ClientURL())
	js, err := jetstream.New(c)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"daicho.queue.>"}, Retention: jetstream.WorkQueuePolicy})
	if err != nil {
		t.Fatal(err)
	}
	const people = 150
	w.token = ""
	for _, body := range []func(int) string{
		func(i int) string {
			return collected("a"+strconv.Itoa(i), "/rental/web", "rental:P"+strconv.Itoa(i), "k")
		},
		func(i int) string { return corrected("b"+strconv.Itoa(i), "rental:P"+strconv.Itoa(i), "k") },
	} {
		for i := range people {
			w.queues(c, w.queued(body(i))...)
		}
	}
	for _, until := range []int{1, 100, 2 * people} {
		all, err := NATS(s.ClientURL()+"?queue=EVENTS&trust=subjects", w.House)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			e.Start()
		}
		w.until("the queue's events", func() bool { return len(w.recorded()) >= until })
		for _, e := range slices.Backward(all) {
			e.Close()
		}
	}
	got := w.recorded()
	if len(got) != 2*people || slices.Contains(got, "refused") {
		t.Errorf("%d events of %d are recorded, refused among them: %v", len(got), 2*people, slices.Contains(got, "refused"))
	}
	info, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.State.Msgs != 0 {
		all, err := NATS(s.ClientURL()+"?queue=EVENTS&trust=subjects", w.House) // acknowledgements that were lost with a connection
		if err != nil {
			t.Fatal(err)
		}
		w.begin(all...)
		w.until("an empty queue", func() bool {
			info, err = stream.Info(t.Context())
			return err == nil && info.State.Msgs == 0
		})
	}
}

// Where the server's permissions are trusted, a message may be under its subject's source and no other, and steers nothing.
func TestPermissionsOfTheServer(t *testing.T) {
	w := newWorld(t)
	s := outside(t)
	c := w.dial(s.ClientURL())
	all, err := NATS(s.ClientURL()+"?trust=subjects", w.House)
	if err != nil {
		t.Fatal(err)
	}
	w.begin(all...)
	steers := `{"specversion":"1.0","id":"s","source":"/rental/web","type":"daicho.deleted.v1","subject":"rental:A","time":"2026-10-01T03:00:00Z","data":{"person":true,"cause":"request"}}`
	admin, err := w.Tokens.Create(contracts.Token{Role: "admin", Holder: "staff:a"})
	if err != nil {
		t.Fatal(err)
	}
	w.token = ""
	for _, x := range []struct{ subject, body, token, want string }{
		{"rental.web", collected("1", "/rental/web", "rental:A", "k"), "", "recorded"},
		{"rental.web", collected("2", "/rental/haneda-t3", "rental:A", "k2"), "", "not_your_source"},
		{"rental.web", steers, "", "not_permitted"},
		{"rental.web", steers, "none", "token"},
		{"rental.web", steers, admin.Secret, "recorded"},
	} {
		m := w.sent("daicho.intake."+x.subject, structured, x.body)
		if x.token != "" {
			m.Header.Set("Authorization", "Bearer "+x.token)
		}
		if a := w.asks(c, m); !strings.Contains(string(a.Data), `"`+x.want+`"`) {
			t.Errorf("%s: %s, want %s", x.subject, a.Data, x.want)
		}
	}
	for _, wrong := range []string{"nats://127.0.0.1:4222?trust=all", "nats://127.0.0.1:4222?que=x", "nats://192.0.2.1:4222", "127.0.0.1:4222", ""} {
		if all, err := NATS(wrong, w.House); err == nil {
			for _, e := range all {
				e.Close()
			}
			t.Errorf("%q is taken", wrong)
		}
		if Check([]string{wrong}, nil) == nil {
			t.Errorf("%q is found to be right", wrong)
		}
	}
	if err := Check([]string{s.ClientURL() + "?queue=EVENTS&trust=subjects"}, []string{"postgres://u@127.0.0.1/d?source=/"}); err != nil {
		t.Error(err)
	}
}

// Nobody hears of a server that is away but by asking for the engine's health.
func TestServerAway(t *testing.T) {
	w := newWorld(t)
	all, err := NATS("nats://127.0.0.1:1?queue=EVENTS", w.House)
	if err != nil {
		t.Fatal(err)
	}
	w.begin(all...)
	for _, e := range all {
		w.until("an error", func() bool { return e.Err() != nil })
	}
}
