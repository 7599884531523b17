package edges

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/postgres/pgtest"
	"github.com/daicho-dev/daicho/services/client/outbox"
)

// uploads sends bytes over HTTP with a token, and answers what an event names them by.
func (w *world) uploads(token string) string {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.http.URL+"/v1/attachments", strings.NewReader("canary of a scan"))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "image/png")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var u contracts.Uploaded
	if err := json.NewDecoder(res.Body).Decode(&u); err != nil || res.StatusCode != http.StatusCreated {
		w.t.Fatal(res.Status, err)
	}
	return string(u.Upload)
}

// scans is the data of a collection whose one record is an upload.
func scans(key, upload string) string {
	return strings.Replace(collection(key), `"category":"pd:Name","value":"canary-value"`, fmt.Sprintf(`"category":"pd:PersonalDocuments","attachment":{"upload":%q}`, upload), 1)
}

func scanned(id, upload string) string {
	return strings.Replace(collected(id, "/rental/web", "rental:"+id, id), collection(id), scans(id, upload), 1)
}

// attached is how many records that the log has of emitters have an object.
func (w *world) attached() (n int) {
	w.t.Helper()
	for batch, err := range w.faulty.Scan(w.t.Context(), 0, contracts.Filter{Kinds: []string{"person"}}) {
		if err != nil {
			w.t.Fatal(err)
		}
		for i := range batch {
			f, err := events.Decode(&batch[i])
			if err != nil {
				w.t.Fatal(err)
			}
			if c, ok := f.(*events.Collected); ok && c.Records[0].Attachment != nil && c.Records[0].Attachment.Object != "" {
				n++
			}
		}
	}
	return n
}

// Bytes are sent over HTTP, and the event that names them comes by any way, with a token or by the right to write under a source; bytes that
// are somebody else's, or are not there, are refused with what to do, and the event is kept to be sent again.
func TestAttachmentsByEveryWay(t *testing.T) {
	w := newWorld(t)
	foreigner, err := w.Tokens.Create(contracts.Token{Role: "emitter", Holder: "staff:shop", Sources: []string{"/sales"}})
	if err != nil {
		t.Fatal(err)
	}
	own, server := w.door(), outside(t)
	theirs := w.dial(server.ClientURL())
	js, err := jetstream.New(theirs)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"daicho.queue.>"}, Retention: jetstream.WorkQueuePolicy}); err != nil {
		t.Fatal(err)
	}
	trusted, err := NATS(server.ClientURL()+"?queue=EVENTS&trust=subjects", w.House)
	if err != nil {
		t.Fatal(err)
	}
	w.begin(trusted...)
	address := pgtest.Start(t).Database(t)
	db := box(t, address)
	w.outbox(address, url.Values{"source": {"/rental"}})
	token := w.token
	asked := func(trust bool) func(string, string) {
		return func(id, upload string) {
			c := own
			if w.token = token; trust {
				c, w.token = theirs, ""
			}
			w.asks(c, w.sent("daicho.intake.rental.web", structured, scanned(id, upload)))
		}
	}
	ways := map[string]func(id, upload string){
		"asked": asked(false), "asked-by-permission": asked(true),
		"queued": func(id, upload string) {
			w.token = token
			w.queues(own, w.queued(scanned(id, upload))...)
		},
		"queued-by-permission": func(id, upload string) {
			w.token = ""
			w.queues(theirs, w.queued(scanned(id, upload))...)
		},
		"outbox": func(id, upload string) {
			put(t, db, outbox.Event{ID: id, Source: "/rental/web", Type: "collected", Subject: "rental:" + id, Data: json.RawMessage(scans(id, upload))})
		},
	}
	recorded, refused := 0, 0
	for name, emit := range ways {
		emit(name, w.uploads(token))
		recorded++
		w.until(name+": the event that names an upload", func() bool { return w.attached() == recorded })
		for i, upload := range []string{w.uploads(foreigner.Secret), "neverwas"} {
			emit(fmt.Sprint(name, "-", i), upload)
			refused++
			w.until(name+": what cannot be claimed to be refused", func() bool { return len(w.quarantined()) == refused })
		}
	}
	for _, q := range w.quarantined() {
		if q.Rule != "unknown_word" || q.Field != "/data/records/0/attachment/upload" || !strings.Contains(string(q.Body), `"upload"`) {
			t.Errorf("the quarantine has %s at %s", q.Rule, q.Field)
		}
	}
	emitted := slices.DeleteFunc(w.recorded(), func(typ string) bool { return typ == "refused" })
	if left(t, db) != 0 || len(emitted) != len(ways) || w.attached() != len(ways) {
		t.Errorf("%d rows are left, %d are recorded, %d with an object", left(t, db), len(emitted), w.attached())
	}
	// Sent again, naming what has come by now, the refused event is taken.
	ways["outbox"]("outbox-1", w.uploads(token))
	w.until("the refused event, sent again", func() bool { return w.attached() == len(ways)+1 })
}
