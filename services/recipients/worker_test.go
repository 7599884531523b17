package recipients

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/events"
	projection "github.com/daicho-dev/daicho/projections/recipients"
)

// A consent that is withdrawn recalls what was transferred under it, and nothing else; done again, nothing more.
func TestAWithdrawalRecallsWhatRestedOnIt(t *testing.T) {
	w := newWorld(t)
	w.vendor("mailer", "entrusted", "")
	w.vendor("parcel", "entrusted", "")
	w.customer("rental:C-1")
	w.customer("rental:C-2")
	for _, id := range []string{"rental:C-1", "rental:C-2"} {
		w.handOver(id, "email", "mailer", "entrusted", "DM-01", "consent")
		w.handOver(id, "name", "parcel", "entrusted", "SVC-01", "contract")
	}
	w.react()
	if n := len(w.open()); n != 0 {
		t.Fatalf("nothing has ended, and %d recalls are open", n)
	}
	w.must("rental:C-1", "/rental/web", "consent_withdrawn", `{"purposes":["DM-01"],"by":"self"}`)
	w.react()
	open := w.open()
	if len(open) != 1 || open[0].Recipient != "mailer" || open[0].People != 1 || open[0].Left != 1 || open[0].Due == "" || open[0].Overdue {
		t.Fatalf("%+v", open)
	}
	s := w.state("rental:C-1")
	if len(s.Recalls) != 1 || s.Recalls[0].ID != open[0].ID || len(s.Recalls[0].Of) != 1 || s.Records[1].N != s.Recalls[0].Of[0] {
		t.Errorf("%+v", s.Recalls)
	}
	if got := w.all(0, events.TypeRecallRequested, events.TypeRefused); len(got) != 1 || got[0].Source != source {
		t.Errorf("recorded: %d", len(got))
	}
	w.must("", office, "disposal_confirmed", fmt.Sprintf(`{"recall":%q,"recipient":"mailer","certificate":"C-1"}`, open[0].ID))
	w.react()
	if left := w.open(); len(left) != 0 {
		t.Errorf("confirmed, and left: %+v", left)
	}
	if got := w.all(0, events.TypeDisposalConfirmed); len(got) != 2 || !got[0].Time.Equal(got[1].Time) { // by name, and of the person, of one moment
		t.Errorf("%d confirmations are recorded", len(got))
	}
	if s := w.state("rental:C-1"); s.Recalls[0].Confirmed == nil || s.Records[1].With[0].Until == nil || s.Records[0].With[0].Until != nil {
		t.Errorf("%+v", s.Recalls)
	}
}

// A purpose that ends recalls what was handed over for it, unless it lies there for another purpose too.
func TestAPurposeThatEndsRecalls(t *testing.T) {
	w := newWorld(t)
	w.vendor("mailer", "entrusted", "")
	w.customer("rental:C-1")
	w.handOver("rental:C-1", "name", "mailer", "entrusted", "DM-01", "consent")
	w.handOver("rental:C-1", "name", "mailer", "entrusted", "SVC-01", "contract")
	w.handOver("rental:C-1", "email", "mailer", "entrusted", "DM-01", "consent")
	w.must("rental:C-1", "/rental/web", "purpose_ended", `{"records":["name","email"],"purpose":"DM-01","reason":"objected"}`)
	w.react()
	if open := w.open(); len(open) != 1 || open[0].Left != 1 {
		t.Fatalf("%+v", open)
	}
	w.must("rental:C-1", "/rental/web", "purpose_ended", `{"records":["name"],"purpose":"SVC-01","reason":"completed"}`)
	w.react()
	if open := w.open(); len(open) != 2 || open[0].ID == open[1].ID {
		t.Fatalf("%+v", open)
	}
}

// The end of a recipient's contract recalls everything that lies there, of everybody, of those forgotten here too, under one name.
func TestTheEndOfAContractRecallsEverything(t *testing.T) {
	w := newWorld(t)
	w.vendor("mailer", "entrusted", `,"recallDays":5`)
	w.vendor("parcel", "entrusted", "")
	for i := range 5 {
		id := fmt.Sprintf("rental:C-%d", i)
		w.customer(id)
		w.handOver(id, "email", "mailer", "entrusted", "DM-01", "consent")
		w.handOver(id, "name", "mailer", "entrusted", "SVC-01", "contract")
		w.handOver(id, "name", "parcel", "entrusted", "SVC-01", "contract")
	}
	w.must("rental:C-0", "/rental/web", "disposal_confirmed", `{"records":["email"],"recipient":"mailer"}`) // has given this back already
	w.must("rental:C-1", office, "deleted", `{"person":true,"cause":"request"}`)
	w.react()
	if open := w.open(); len(open) != 2 { // of the deletion, from both
		t.Fatalf("%+v", open)
	}
	w.must("", office, "recipient_ended", `{"recipient":"mailer"}`)
	w.react()
	open := slices.DeleteFunc(w.open(), func(r projection.Recall) bool { return r.Recipient != "mailer" || r.People == 1 })
	if len(open) != 1 || open[0].People != 4 || open[0].Left != 7 {
		t.Fatalf("%+v", open)
	}
	c := w.gateway.Organisation().Policy
	if want := c.On(time.Now()).AddDays(5).String(); string(open[0].Due) != want {
		t.Errorf("due on %s, not %s", open[0].Due, want)
	}
	w.must("", office, "disposal_confirmed", fmt.Sprintf(`{"recall":%q,"recipient":"mailer"}`, open[0].ID))
	w.react()
	for _, r := range w.open() {
		if r.ID == open[0].ID {
			t.Errorf("left after the confirmation: %+v", r)
		}
	}
	if n := len(w.all(0, events.TypeRefused)); n != 0 {
		t.Errorf("%d refusals", n)
	}
}

// A contract that runs out without a new one ends its recipient: on the day after its last, in the company's zone, once; and everything is
// asked back then.
func TestS63_AContractThatRunsOutRecallsEverything(t *testing.T) {
	w := newWorld(t)
	last := w.gateway.Organisation().Policy.On(time.Now()).AddDays(10)
	w.vendor("mailer", "entrusted", fmt.Sprintf(`,"contract":{"ref":"V-1","from":"2025-10-01","to":%q}`, last))
	w.vendor("parcel", "entrusted", `,"contract":{"ref":"V-2","from":"2025-10-01"}`)
	w.customer("rental:C-1")
	w.handOver("rental:C-1", "name", "mailer", "entrusted", "SVC-01", "contract")
	w.handOver("rental:C-1", "name", "parcel", "entrusted", "SVC-01", "contract")
	end := last.Time(w.gateway.Organisation().Policy.Zone()).AddDate(0, 0, 1) // midnight in Tokyo
	look := func(at time.Time) int {
		t.Helper()
		w.now = func() time.Time { return at }
		if err := w.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.react()
		return len(w.open())
	}
	if n := look(end.Add(-time.Millisecond)); n != 0 {
		t.Fatalf("on its last day %d recalls are open", n)
	}
	for range 2 {
		if n := look(end); n != 1 {
			t.Fatalf("on the day after its last %d recalls are open", n)
		}
	}
	if open := w.open(); open[0].Recipient != "mailer" || open[0].Left != 1 {
		t.Errorf("%+v", open)
	}
	if ended := w.all(0, events.TypeRecipientEnded); len(ended) != 1 || ended[0].Stream.ID != "mailer" || ended[0].Source != source {
		t.Errorf("%d recipients have ended", len(ended))
	}
	if n := len(w.all(0, events.TypeRefused)); n != 0 {
		t.Errorf("%d refusals", n)
	}
	// A new contract, which runs out as well.
	w.vendor("mailer", "entrusted", fmt.Sprintf(`,"contract":{"ref":"V-3","from":"2025-10-01","to":%q}`, last.AddDays(-1)))
	if n := look(end); n != 1 || len(w.all(0, events.TypeRecipientEnded)) != 2 {
		t.Errorf("of the second contract: %d recalls", n)
	}
}

// A day that passes without a confirmation is said once, whatever restarts; of somebody forgotten too.
func TestOverdueOnce(t *testing.T) {
	w := newWorld(t)
	w.vendor("mailer", "entrusted", `,"recallDays":3`)
	w.customer("rental:C-1")
	w.customer("rental:C-2")
	w.handOver("rental:C-1", "email", "mailer", "entrusted", "DM-01", "consent")
	w.handOver("rental:C-2", "email", "mailer", "entrusted", "DM-01", "consent")
	w.must("rental:C-1", "/rental/web", "consent_withdrawn", `{"purposes":["DM-01"],"by":"self"}`)
	w.must("rental:C-2", office, "deleted", `{"person":true,"cause":"request"}`)
	w.react()
	eventually(t, "the keys are gone", func() bool { return len(w.all(0, events.TypeKeysDestroyed)) == 1 })
	c := w.gateway.Organisation().Policy
	due := c.On(time.Now()).AddDays(3)
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	midnight := func(d int) time.Time { return due.AddDays(d).Time(tokyo) }
	said := func(at time.Time) int {
		w.again()
		w.now = func() time.Time { return at }
		for range 2 {
			if err := w.Overdue(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return len(w.all(0, events.TypeRecallOverdue))
	}
	if n := said(midnight(1).Add(-time.Second)); n != 0 {
		t.Errorf("on the due day itself %d are overdue", n)
	}
	if n := said(midnight(1)); n != 2 {
		t.Errorf("the day after, %d are overdue", n)
	}
	if n := said(midnight(30)); n != 2 {
		t.Errorf("a month later, %d are overdue", n)
	}
	w.level()
	for _, r := range w.open() {
		if !r.Overdue {
			t.Errorf("%+v", r)
		}
	}
}

// The worker goes on where it was, and does nothing twice: whether it had written its position or not.
func TestTheWorkerGoesOn(t *testing.T) {
	w := newWorld(t)
	w.vendor("mailer", "entrusted", "")
	for i := range 6 {
		id := fmt.Sprintf("rental:C-%d", i)
		w.customer(id)
		w.handOver(id, "email", "mailer", "entrusted", "DM-01", "consent")
	}
	withdraw := func(i int) {
		w.must(fmt.Sprintf("rental:C-%d", i), "/rental/web", "consent_withdrawn", `{"purposes":["DM-01"],"by":"self"}`)
	}
	asked := func() int { return len(w.all(0, events.TypeRecallRequested)) }
	withdraw(0)
	w.Start()
	eventually(t, "the first is asked back", func() bool { return asked() == 1 })
	withdraw(1)
	eventually(t, "the second is asked back", func() bool { return asked() == 2 })
	w.again()
	withdraw(2)
	if err := w.own.move(context.Background(), 0); err != nil { // as if its position had been lost
		t.Fatal(err)
	}
	w.Start()
	eventually(t, "the third is asked back", func() bool { return asked() == 3 })
	w.again()
	w.must("", office, "recipient_ended", `{"recipient":"mailer"}`)
	w.Start()
	eventually(t, "all are asked back", func() bool { return asked() == 6 })
	head, err := w.log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.again()
	w.Start()
	eventually(t, "the worker has read the log", func() bool { return events.Position(w.read.Load()) >= head })
	w.Close()
	if at, err := w.own.position(context.Background()); err != nil || at < head {
		t.Errorf("it stopped at %v of %v: %v", at, head, err)
	}
	if err := w.Err(); err != nil || asked() != 6 || len(w.all(0, events.TypeRefused)) != 0 {
		t.Errorf("%v, %d asked, %d refused", err, asked(), len(w.all(0, events.TypeRefused)))
	}
}
