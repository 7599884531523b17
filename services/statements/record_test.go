package statements_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/statements"
)

func members(t reflect.Type) string {
	var all []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		all = append(all, name)
	}
	return strings.Join(all, " ")
}

// The fields are those of Art. 30(1)(a) to (g) and of 30(2)(a) to (d): no more, and none left out.
func TestTheFieldsAreThoseOfArticle30(t *testing.T) {
	for _, x := range []struct {
		of   any
		want string
	}{
		{contracts.ControllerActivity{}, "parties purpose dataSubjects personalData recipients transfers erasure security"},
		{contracts.ControllerParties{}, "controller jointControllers representative officer"},
		{contracts.ProcessorActivity{}, "parties categories transfers security"},
		{contracts.ProcessorParties{}, "processor controller representative officer"},
	} {
		if got := members(reflect.TypeOf(x.of)); got != x.want {
			t.Errorf("%T has %s, want %s", x.of, got, x.want)
		}
	}
}

func outsourced(t testing.TB) *told {
	o := shipped(t)
	for _, r := range []events.Recipient{
		{Recipient: "mailer", Name: "Mailer LLC", Country: "US", Kinds: []events.Word{"entrusted"}, Purposes: []events.Word{"DM-01", "SP-01"}, Safeguard: "consent", Abroad: &events.Abroad{System: "no general act", Measures: "clauses"}},
		{Recipient: "parcel", Name: "Parcel K.K.", Country: "JP", Kinds: []events.Word{"entrusted"}, Purposes: []events.Word{"SVC-01"}, Safeguard: "domestic"},
		{Recipient: "analytics", Name: "Analytics GmbH", Country: "DE", Countries: []events.Country{"DE", "SG"}, Kinds: []events.Word{"joint_use"}, Purposes: []events.Word{"SVC-07"}, Safeguard: "designated_country"},
		{Recipient: "travel", Name: "Gone Ltd.", Country: "KR", Kinds: []events.Word{"third_party"}, Purposes: []events.Word{"DM-01"}, Safeguard: "consent"},
	} {
		o.tell(events.TypeRecipientRegistered, events.Stream{Kind: "recipient", ID: string(r.Recipient)}, april, &r)
	}
	o.tell(events.TypeRecipientEnded, events.Stream{Kind: "recipient", ID: "travel"}, april, &events.Recipient{Recipient: "travel"})
	return o
}

func TestRecord(t *testing.T) {
	o := outsourced(t)
	r := statements.Record(o.state, "en")
	of := func(id events.Word) contracts.ControllerActivity {
		i := slices.IndexFunc(r.Controller, func(a contracts.ControllerActivity) bool { return a.Purpose.ID == id })
		if i < 0 {
			t.Fatalf("%s is not in the record", id)
		}
		return r.Controller[i]
	}
	controllers := 0
	for i := range o.state.Policy.Purposes {
		if o.state.Policy.Purposes[i].Role == "controller" {
			controllers++
		}
	}
	if len(r.Controller) != controllers || len(r.Processor) != 1 || r.Position != o.n {
		t.Fatalf("%d activities of %d purposes, %d of clients, position %v", len(r.Controller), controllers, len(r.Processor), r.Position)
	}
	for _, a := range r.Controller {
		if a.Parties.Controller.Name != "Telecom Square, Inc." || a.Parties.Controller.Mail == "" || a.Purpose.Text == "" || len(a.Purpose.Terms) == 0 || len(a.DataSubjects) == 0 || len(a.Erasure) == 0 || len(a.Security) == 0 || len(a.PersonalData) == 0 && a.Purpose.ID != "OUT-01" && a.Purpose.ID != "ANON-02" {
			t.Errorf("%s leaves a field empty: %+v", a.Purpose.ID, a)
		}
		if a.Parties.Representative != nil || a.Parties.Officer != nil {
			t.Errorf("%s names somebody whom the company has not named", a.Purpose.ID)
		}
	}
	if dm := of("DM-01"); len(dm.Recipients) != 1 || dm.Recipients[0].Recipient != "mailer" || len(dm.Transfers) != 1 || dm.Transfers[0] != (contracts.ActivityAbroad{Country: "US", Recipient: "mailer", Safeguard: "consent", Documentation: "no general act clauses"}) {
		t.Errorf("DM-01: %+v %+v", dm.Recipients, dm.Transfers)
	}
	if svc := of("SVC-01"); len(svc.Recipients) != 1 || len(svc.Transfers) != 0 {
		t.Errorf("a recipient at home is no transfer: %+v", svc.Transfers)
	}
	if joint := of("SVC-07"); len(joint.Parties.JointControllers) != 1 || joint.Parties.JointControllers[0].Name != "Analytics GmbH" || len(joint.Transfers) != 1 || joint.Transfers[0].Country != "SG" {
		t.Errorf("SVC-07: %+v %+v", joint.Parties, joint.Transfers)
	}
	p := r.Processor[0]
	if p.Parties.Processor.Name != "Telecom Square, Inc." || p.Parties.Controller.Name != "Client X" || p.Categories[0].ID != "SP-01" || len(p.Transfers) != 1 || len(p.Security) == 0 {
		t.Errorf("entrusted: %+v", p)
	}
	if !slices.ContainsFunc(r.Caveats, func(s string) bool { return strings.Contains(s, "in_union") }) {
		t.Errorf("what is open is not said: %v", r.Caveats)
	}
}

func TestRecordAsCSV(t *testing.T) {
	r := statements.Record(outsourced(t).state, "ja")
	b, err := statements.CSV(r)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil || len(rows) != 1+len(r.Controller)+len(r.Processor) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	// Which columns an article has no field for.
	empty := map[string][]string{"30(1)": {"on_behalf_of", "processing"}, "30(2)": {"joint_controllers", "purposes", "data_subjects", "personal_data", "recipients", "erasure"}}
	for _, row := range rows[1:] {
		for i, cell := range row {
			if slices.Contains(empty[row[0]], rows[0][i]) && cell != "" {
				t.Errorf("%s has no field %s, and says %s", row[0], rows[0][i], cell)
			}
		}
		if row[1] == "" || row[len(row)-1] == "" || row[6]+row[7] == "" {
			t.Errorf("a row is not whole: %v", row)
		}
	}
}

// Every name has a prefix that is declared; every term of the vocabulary is one of its published terms; every reference leads somewhere.
func TestRecordAsLinkedData(t *testing.T) {
	known := map[string]bool{}
	b, err := os.ReadFile("testdata/dpv-terms.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.FieldsSeq(string(b)) {
		known[line] = true
	}
	o := outsourced(t)
	for _, lang := range statements.Languages {
		b, err := statements.JSONLD(o.state.Policy, statements.Record(o.state, lang))
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Context map[string]string `json:"@context"`
			Graph   []map[string]any  `json:"@graph"`
		}
		if err := json.Unmarshal(b, &doc); err != nil {
			t.Fatal(err)
		}
		defined := map[string]bool{}
		for _, n := range doc.Graph {
			id, _ := n["@id"].(string)
			if defined[id] {
				t.Errorf("%s is described twice", id)
			}
			defined[id] = true
		}
		term := func(s string) {
			prefix, _, ok := strings.Cut(s, ":")
			switch {
			case !ok:
				if !defined[s] {
					t.Errorf("%s leads nowhere", s)
				}
			case doc.Context[prefix] == "":
				t.Errorf("the prefix of %s is not declared", s)
			case prefix == "ts":
				if !defined[s] {
					t.Errorf("our own term %s is not explained", s)
				}
			case prefix == "dpv" || prefix == "pd" || prefix == "legal-jp":
				if !known[s] {
					t.Errorf("%s is no term of the vocabulary", s)
				}
			case prefix == "loc":
				if len(s) != len("loc:JP") {
					t.Errorf("%s is no country", s)
				}
			}
		}
		var walk func(v any)
		walk = func(v any) {
			switch v := v.(type) {
			case map[string]any:
				for k, x := range v {
					switch k {
					case "@id":
						term(x.(string))
					case "@type":
						for _, y := range x.([]any) {
							term(y.(string))
						}
					case "@value", "@language":
					default:
						term(k)
						walk(x)
					}
				}
			case []any:
				for _, x := range v {
					walk(x)
				}
			}
		}
		for _, n := range doc.Graph {
			walk(n)
		}
		handled := 0
		for _, n := range doc.Graph {
			if slices.Contains(n["@type"].([]any), any("dpv:Process")) {
				handled++
			}
		}
		if want := len(statements.Record(o.state, lang).Controller) + 1; handled != want {
			t.Errorf("%s: %d activities, want %d", lang, handled, want)
		}
	}
}
