package intake

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/memlog"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/person"
	"github.com/daicho-dev/daicho/infra/sqlite"
)

// withVendors is a gateway with a policy and two recipients, where rental:P has a name and an e-mail at the first.
func withVendors(t *testing.T, log contracts.Log) *Gateway {
	t.Helper()
	g := testGateway(t, log, testVault(t))
	publish(t, g)
	for _, r := range []string{"cards", "parcel"} {
		one(t, g, "/privacy/office", "", tell{"recipient_registered", `{"recipient":"` + r + `","name":"x","country":"JP","kinds":["entrusted"],"purposes":["SVC-01"],"safeguard":"domestic"` + underContract + `}`, "", ""}, 0)
	}
	one(t, g, "/rental/web", "rental:P", basic, 1)
	one(t, g, "/rental/web", "rental:P", tell{"transferred", transfer(`"name","email"`, "parcel", "entrusted", "SVC-01", "contract", "JP"), "", ""}, 2)
	return g
}

func thePerson(t *testing.T, log contracts.Log) (events.Stream, *person.State) {
	t.Helper()
	states, _ := folded(t, log)
	for st, s := range states {
		return st, s
	}
	t.Fatal("nobody is there")
	return events.Stream{}, nil
}

// types are the short types of a person's events, in the order of the log.
func types(t *testing.T, log contracts.Log) (all []string) {
	t.Helper()
	for batch, err := range log.Scan(context.Background(), 0, contracts.Filter{Kinds: []string{"person"}}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			all = append(all, events.Short(batch[i].Type))
		}
	}
	return all
}

func TestRecalls(t *testing.T) {
	log := memlog.New()
	defer log.Close()
	g := withVendors(t, log)
	for i, s := range []tell{
		{"recall_requested", `{"recall":"r-1","recipient":"cards","records":["name"]}`, "record_unknown", "/data/records/0"}, // it is not there
		{"recall_overdue", `{"recall":"r-1","recipient":"parcel"}`, "record_unknown", "/data/recall"},                        // not asked yet
		{"recall_requested", `{"recall":"r-1","recipient":"parcel","records":["name"]}`, "", ""},
		{"recall_requested", `{"recall":"r-1","recipient":"cards","records":["name"]}`, "record_unknown", "/data/recall"}, // the name is taken
		{"recall_overdue", `{"recall":"r-1","recipient":"parcel"}`, "", ""},
		{"disposal_confirmed", `{"recall":"r-2","recipient":"parcel"}`, "record_unknown", "/data/recall"},
		{"disposal_confirmed", `{"recall":"r-1","recipient":"parcel"}`, "", ""},
		{"disposal_confirmed", `{"recall":"r-1","recipient":"parcel"}`, "record_unknown", "/data/recall"}, // once is enough
		{"recall_overdue", `{"recall":"r-1","recipient":"parcel"}`, "record_unknown", "/data/recall"},
	} {
		one(t, g, "/rental/web", "rental:P", s, 10+i)
	}
	_, s := thePerson(t, log)
	r := s.Recalled("r-1")
	if r == nil || len(r.Of) != 1 || r.Overdue == nil || r.Confirmed == nil || r.Due == "" {
		t.Fatalf("the recall: %+v", r)
	}
	with := func(n int) bool { return s.Records[n].With[0].Until == nil }
	if with(0) || !with(1) {
		t.Errorf("only the name was confirmed: name there %v, e-mail there %v", with(0), with(1))
	}
}

// A deletion asks back what lies elsewhere, in the same write and before it; the recipient confirms by the recall's name, although the
// person is forgotten here; and the engine records for each person what that ends.
func TestDeletionAsksBackFirst(t *testing.T) {
	ctx := context.Background()
	log := memlog.New()
	defer log.Close()
	g := withVendors(t, log)
	one(t, g, "/privacy/office", "rental:P", tell{"deleted", `{"person":true,"cause":"request"}`, "", ""}, 3)
	if got := types(t, log); !slices.Equal(got, []string{"collected", "transferred", "recall_requested", "deleted"}) {
		t.Fatalf("the log says %v", got)
	}
	st, s := thePerson(t, log)
	if len(s.Recalls) != 1 || len(s.Recalls[0].Of) != 2 || s.Recalls[0].Recipient != "parcel" {
		t.Fatalf("the recalls are %+v", s.Recalls)
	}
	recall := s.Recalls[0].ID
	if err := g.vault.Forget(ctx, st, s.Gone.Time, 0); err != nil { // as the keeper does
		t.Fatal(err)
	}
	confirm := func(recall events.ID, recipient string) tell {
		return tell{"disposal_confirmed", `{"recall":"` + string(recall) + `","recipient":"` + recipient + `","certificate":"C-1"}`, "", ""}
	}
	unknown, other := confirm("no-such-recall", "parcel"), confirm(recall, "cards")
	unknown.rule, unknown.field = "record_unknown", "/data/recall"
	other.rule, other.field = "record_unknown", "/data/recall"
	one(t, g, "/vendors/parcel", "", unknown, 4)
	one(t, g, "/vendors/cards", "", other, 5)
	one(t, g, "/vendors/parcel", "", confirm(recall, "parcel"), 6)

	own := func(id string, typ string, f events.Fact) contracts.Receipt {
		x := Own(typ, st, f)
		x.ID, x.Source = id, recallSource
		out, err := g.Submit(ctx, Engine, []Submission{x})
		if err != nil {
			t.Fatal(err)
		}
		return out[0]
	}
	first := own("o", events.TypeRecallOverdue, &events.Recall{Recall: recall, Recipient: "parcel"})
	again := own("o", events.TypeRecallOverdue, &events.Recall{Recall: recall, Recipient: "parcel"})
	if first.Status != contracts.StatusRecorded || again.Status != contracts.StatusDuplicate || again.Position != first.Position {
		t.Errorf("overdue of somebody forgotten: %+v, again %+v", first, again)
	}
	done := own("c", events.TypeDisposalConfirmed, &events.DisposalConfirmed{Recall: recall, Recipient: "parcel"})
	if done.Status != contracts.StatusRecorded {
		t.Errorf("the confirmation for somebody forgotten: %+v", done)
	}
	if tagged := own("k", events.TypeDisposalConfirmed, &events.DisposalConfirmed{Recall: recall, Recipient: "parcel", Certificate: "C-1"}); tagged.Status != contracts.StatusRefused {
		t.Errorf("a certificate would stand in the clear: %+v", tagged)
	}
	if _, s := thePerson(t, log); len(s.Left(s.Recalled(recall))) != 0 || s.Recalled(recall).Confirmed == nil {
		t.Errorf("the records are still there after the confirmation")
	}
}

// What rests on something else stays where it is; what is asked back already is not asked back twice; what is named by ordinal is taken
// as far as it is still there.
func TestWhatIsAskedBack(t *testing.T) {
	log := memlog.New()
	defer log.Close()
	g := withVendors(t, log)
	one(t, g, "/rental/web", "rental:P", tell{"recall_requested", `{"recall":"r-1","recipient":"parcel","records":["name"]}`, "", ""}, 3)
	one(t, g, "/privacy/office", "rental:P", tell{"deleted", `{"records":["card"],"cause":"request"}`, "", ""}, 4) // lies nowhere else
	one(t, g, "/privacy/office", "rental:P", tell{"deleted", `{"records":["name"],"cause":"request"}`, "", ""}, 5) // is asked back already
	st, s := thePerson(t, log)
	if len(s.Recalls) != 1 {
		t.Errorf("asked back again: %+v", s.Recalls)
	}
	x := Own(events.TypeDeleted, st, &events.Deleted{Selector: events.Selector{Of: []events.Ordinal{s.Records[0].N, s.Records[1].N, 999}}, Cause: "request"})
	out, err := g.Submit(context.Background(), Engine, []Submission{x})
	if err != nil || out[0].Status != contracts.StatusRecorded {
		t.Fatalf("%+v %v", out, err)
	}
	_, s = thePerson(t, log)
	if len(s.Recalls) != 2 || !slices.Equal(s.Recalls[1].Of, []events.Ordinal{s.Records[1].N}) || s.Records[1].Live() {
		t.Errorf("by ordinal, the e-mail is deleted and asked back: %+v", s.Recalls)
	}
}

// A gateway that starts anew knows the recalls of before, whether they were written behind or are only in the log.
func TestRecallsOutliveARestart(t *testing.T) {
	ctx := context.Background()
	for _, flushed := range []bool{true, false} {
		log := memlog.New()
		defer log.Close()
		g := withVendors(t, log)
		one(t, g, "/rental/web", "rental:P", tell{"recall_requested", `{"recall":"r-1","recipient":"parcel","records":["name"]}`, "", ""}, 3)
		db := g.states.db
		if flushed {
			if err := g.states.flush(ctx); err != nil {
				t.Fatal(err)
			}
		} else {
			var err error
			if db, err = sqlite.Open(ctx, filepath.Join(t.TempDir(), "other.db")); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = sqlite.Close(db) }()
		}
		again, err := Open(ctx, log, g.vault, db, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := again.states.recalls.recipient("r-1"); got != "parcel" {
			t.Errorf("flushed %v: the recall asks %q", flushed, got)
		}
	}
}
