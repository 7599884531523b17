package recipients

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// vendor is a recipient's own server.
type vendor struct {
	*httptest.Server
	mu     sync.Mutex
	answer func(n int) int // to the n-th call, the first is 0; 0: none in time
	calls  []call
	hang   chan struct{}
}

type call struct {
	path   string
	header http.Header
	body   string
}

func newVendor(t *testing.T, answer func(n int) int) *vendor {
	v := &vendor{answer: answer, hang: make(chan struct{})}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		v.mu.Lock()
		n := len(v.calls)
		v.calls = append(v.calls, call{r.URL.Path, r.Header.Clone(), string(b)})
		status := v.answer(n)
		v.mu.Unlock()
		switch {
		case status == 0:
			<-v.hang
		case status >= 300 && status < 400:
			http.Redirect(w, r, "/elsewhere", status)
		default:
			w.WriteHeader(status)
			fmt.Fprint(w, "山田 花子 is what we had") // nothing of an answer is repeated anywhere
		}
	}))
	t.Cleanup(func() { close(v.hang); v.Close() })
	return v
}

func always(status int) func(int) int { return func(int) int { return status } }

func (v *vendor) will(answer func(int) int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answer = answer
}

func (v *vendor) called() []call {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.calls)
}

// quick makes a service try soon again, and give up after some tries.
func (w *world) quick(tries int) {
	w.send.every, w.send.timeout = 5*time.Millisecond, 200*time.Millisecond
	w.send.retry = middleware.Retry{MaxRetries: tries - 1, InitialInterval: time.Millisecond, Multiplier: 2, MaxInterval: 10 * time.Millisecond}
}

// recalled is a world in which something of rental:C-1 is asked back from a mailer that is told at an address.
func recalled(t *testing.T, webhook string) (*world, events.ID) {
	t.Helper()
	w := newWorld(t)
	w.vendor("mailer", "entrusted", fmt.Sprintf(`,"webhook":%q`, webhook))
	w.customer("rental:C-1")
	w.handOver("rental:C-1", "email", "mailer", "entrusted", "DM-01", "consent")
	w.must("rental:C-1", "/rental/web", "consent_withdrawn", `{"purposes":["DM-01"],"by":"self"}`)
	w.react()
	return w, w.open()[0].ID
}

func (w *world) notice(recall events.ID) contracts.NoticeLine {
	w.t.Helper()
	all, err := w.Notices(w.as(auditor), true)
	if err != nil {
		w.t.Fatal(err)
	}
	i := slices.IndexFunc(all.Notices, func(n contracts.NoticeLine) bool { return n.Recall == recall })
	if i < 0 {
		return contracts.NoticeLine{}
	}
	return all.Notices[i]
}

func signed(t *testing.T, secret string, c call) bool {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", c.header.Get("Webhook-Id"), c.header.Get("Webhook-Timestamp"), c.body)
	return c.header.Get("Webhook-Signature") == "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// A recipient is told once, in signed words that hold nothing clear, and confirms by the token.
func TestARecipientIsToldAndConfirms(t *testing.T) {
	v := newVendor(t, always(204))
	w, recall := recalled(t, v.URL+"/hook")
	w.quick(3)
	w.Start()
	eventually(t, "the recipient has taken it", func() bool { return w.notice(recall).State == "taken" })
	calls := v.called()
	if len(calls) != 1 {
		t.Fatalf("%d calls", len(calls))
	}
	secret, err := w.WebhookSecret(w.as(admin), "mailer")
	if err != nil || !signed(t, secret.Secret, calls[0]) {
		t.Errorf("the signature does not hold: %v %v", err, calls[0].header)
	}
	forged := calls[0]
	forged.body += " "
	if signed(t, secret.Secret, forged) {
		t.Error("a forged body passes")
	}
	var n contracts.RecallNotice
	if err := json.Unmarshal([]byte(calls[0].body), &n); err != nil {
		t.Fatal(err)
	}
	s := w.state("rental:C-1")
	person := w.all(0, events.TypeCollected)[0].Stream.ID
	if n.Recall != recall || n.Recipient != "mailer" || n.Due == "" || len(n.Records) != 1 || n.Records[0] != (contracts.RecalledRecord{
		Record: fmt.Sprintf("%s.%d", person, s.Records[1].N), Category: "pd:EmailAddress", Tag: s.Records[1].Key}) {
		t.Errorf("%+v", n)
	}
	for _, clear := range []string{"山田", "hanako", "C-1", "email\""} {
		if strings.Contains(calls[0].body, clear) {
			t.Errorf("%q is in what a recipient is told", clear)
		}
	}
	for _, x := range []struct{ recall, token string }{{string(recall), ""}, {string(recall), n.Confirm.Token + "x"}, {"no-such", n.Confirm.Token}, {"", ""}} {
		if _, err := w.Confirm(t.Context(), events.ID(x.recall), contracts.RecallConfirmation{Token: x.token}); code(err) != "token" {
			t.Errorf("%+v: %v", x, err)
		}
	}
	first, err := w.Confirm(t.Context(), recall, contracts.RecallConfirmation{Token: n.Confirm.Token, Certificate: "C-77"})
	if err != nil || first.Status != contracts.StatusRecorded {
		t.Fatalf("%+v %v", first, err)
	}
	eventually(t, "nothing is left", func() bool { return len(w.open()) == 0 })
	again, err := w.Confirm(t.Context(), recall, contracts.RecallConfirmation{Token: n.Confirm.Token})
	if err != nil || again.Status != contracts.StatusDuplicate || again.Position != first.Position {
		t.Errorf("%+v %v", again, err)
	}
	if got := w.all(0, events.TypeDisposalConfirmed); len(got) != 2 || got[0].Source != "/vendors/mailer" || strings.Contains(string(got[0].Data), "C-77") {
		t.Errorf("%d confirmations, the first from %s", len(got), got[0].Source)
	}
	if len(v.called()) != 1 {
		t.Error("told again")
	}
}

// A recipient that fails, is silent, sends elsewhere and at last takes it has been told; each try was of the same notice.
func TestATiredRecipientIsToldInTheEnd(t *testing.T) {
	v := newVendor(t, func(n int) int { return []int{500, 0, 307, 429, 200}[min(n, 4)] })
	w, recall := recalled(t, v.URL)
	w.quick(10)
	w.Start()
	eventually(t, "the recipient has taken it", func() bool { return w.notice(recall).State == "taken" })
	calls := v.called()
	if len(calls) != 5 || calls[0].header.Get("Webhook-Id") != calls[4].header.Get("Webhook-Id") {
		t.Errorf("%d calls", len(calls))
	}
	if slices.ContainsFunc(calls, func(c call) bool { return c.path == "/elsewhere" }) {
		t.Error("what was signed for one address was carried to another")
	}
	if n := w.notice(recall); n.Attempts != 0 || n.Reason != "" {
		t.Errorf("%+v", n)
	}
}

// After its last try a notice is poisoned: listed with its reason, left alone over a restart, and sent again when somebody says so.
func TestAPoisonedNoticeIsListedAndSentAgain(t *testing.T) {
	v := newVendor(t, always(503))
	w, recall := recalled(t, v.URL+"/hook?key=s3cret")
	w.quick(3)
	w.Start()
	eventually(t, "it is given up", func() bool { return w.notice(recall).State == "poisoned" })
	n := w.notice(recall)
	if n.Attempts != 3 || n.Reason != "it answered 503" || n.Tried == nil {
		t.Errorf("%+v", n)
	}
	w.again()
	w.quick(3)
	v.will(always(200))
	w.Start()
	if unsent, err := w.unsent(t.Context()); err != nil || len(unsent) != 0 || len(v.called()) != 3 {
		t.Errorf("after a restart: %v %v, %d calls", unsent, err, len(v.called()))
	}
	if _, err := w.SendAgain(w.as(auditor), recall); code(err) != "role" {
		t.Error(err)
	}
	if _, err := w.SendAgain(w.as(compliance), "no-such"); code(err) != "not_found" {
		t.Error(err)
	}
	if n, err := w.SendAgain(w.as(compliance), recall); err != nil || n.State != "waiting" {
		t.Errorf("%+v %v", n, err)
	}
	eventually(t, "it is taken", func() bool { return w.notice(recall).State == "taken" })
	v.Server.CloseClientConnections()
}

// What was not taken when the engine stopped is sent by the next, and what was taken is not.
func TestARestartSendsWhatIsUnsent(t *testing.T) {
	v := newVendor(t, always(0))
	w, recall := recalled(t, v.URL)
	w.quick(1000)
	w.send.timeout = time.Minute
	w.Start()
	eventually(t, "it is under way", func() bool { return len(v.called()) == 1 })
	w.again()
	if n := w.notice(recall); n.State != "waiting" {
		t.Errorf("broken off, it is %+v", n)
	}
	v.will(always(200))
	w.quick(3)
	w.Start()
	eventually(t, "it is taken", func() bool { return w.notice(recall).State == "taken" })
	w.again()
	w.quick(3)
	if unsent, err := w.unsent(t.Context()); err != nil || len(unsent) != 0 {
		t.Errorf("taken, and unsent: %v %v", unsent, err)
	}
	// What this service knew is lost: it tells again, rather than never.
	if _, err := w.own.db.Write.ExecContext(context.Background(), `delete from notices`); err != nil {
		t.Fatal(err)
	}
	if unsent, err := w.unsent(t.Context()); err != nil || len(unsent) != 1 {
		t.Errorf("%v %v", unsent, err)
	}
	// Confirmed, nobody needs to be told any more.
	w.must("rental:C-1", "/rental/web", "disposal_confirmed", `{"records":["email"],"recipient":"mailer"}`)
	if unsent, err := w.unsent(t.Context()); err != nil || len(unsent) != 0 {
		t.Errorf("%v %v", unsent, err)
	}
}

// A recall that grows is told again, and only the newest token confirms it: a recipient confirms what it was told of.
func TestOnlyTheLatestTokenConfirms(t *testing.T) {
	v := newVendor(t, always(200))
	w, recall := recalled(t, v.URL)
	w.customer("rental:C-2")
	w.handOver("rental:C-2", "email", "mailer", "entrusted", "DM-01", "consent")
	w.quick(3)
	w.Start()
	eventually(t, "it is taken", func() bool { return w.notice(recall).State == "taken" })
	w.must("rental:C-2", office, "recall_requested", fmt.Sprintf(`{"recall":%q,"recipient":"mailer","records":["email"]}`, recall))
	eventually(t, "it is told again", func() bool { return len(v.called()) == 2 && w.notice(recall).State == "taken" })
	var n [2]contracts.RecallNotice
	for i, c := range v.called() {
		if err := json.Unmarshal([]byte(c.body), &n[i]); err != nil {
			t.Fatal(err)
		}
	}
	if len(n[0].Records) != 1 || len(n[1].Records) != 2 {
		t.Errorf("%+v", n)
	}
	if _, err := w.Confirm(t.Context(), recall, contracts.RecallConfirmation{Token: n[0].Confirm.Token}); code(err) != "token" {
		t.Errorf("by the older token: %v", err)
	}
	if _, err := w.Confirm(t.Context(), recall, contracts.RecallConfirmation{Token: n[1].Confirm.Token}); err != nil {
		t.Error(err)
	}
	eventually(t, "nothing is left", func() bool { return len(w.open()) == 0 })
}

// The secret is an admin's to see, and a new address has a new one; who has no webhook is told by hand.
func TestSecretsAndRecipientsWithoutAWebhook(t *testing.T) {
	w, recall := recalled(t, "https://vendor.example/a")
	if _, err := w.WebhookSecret(w.as(compliance), "mailer"); code(err) != "role" {
		t.Error(err)
	}
	a, err := w.WebhookSecret(w.as(admin), "mailer")
	if err != nil {
		t.Fatal(err)
	}
	w.must("", office, "recipient_reviewed", `{"recipient":"mailer","webhook":"https://vendor.example/b"}`)
	if b, err := w.WebhookSecret(w.as(admin), "mailer"); err != nil || b.Secret == a.Secret {
		t.Errorf("the secret stays: %v", err)
	}
	w.vendor("parcel", "entrusted", "")
	w.handOver("rental:C-1", "name", "parcel", "entrusted", "SVC-01", "contract")
	w.must("rental:C-1", office, "deleted", `{"person":true,"cause":"request"}`)
	if _, err := w.WebhookSecret(w.as(admin), "parcel"); code(err) != "not_found" {
		t.Error(err)
	}
	all, err := w.Notices(w.as(auditor), false)
	if err != nil || len(all.Notices) != 2 || all.Notices[0].Recall != recall || all.Notices[0].State != "waiting" || all.Notices[1].State != "by_hand" {
		t.Errorf("%+v %v", all, err)
	}
}
