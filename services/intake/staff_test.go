package intake

import (
	"context"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

// Staff become known by being named, however many events of a batch name them, and are themselves when something is then recorded about
// them; the other side of a link is nobody until then, and so is whom an event names that may not be sent.
func TestStaffAreKnownByBeingNamed(t *testing.T) {
	w := newWorld(t)
	p := w.tells("collected", takes{}.String()).Person
	linked := w.send("identity_linked", `{"other":"line:U-1","evidence":"x"}`)
	emitter := w.as("/rental/web", "rental:P")
	emitter.caller = Caller{Role: "emitter", Sources: []string{"/sales"}}
	emitter.refused("not_your_source /source", "used", `{"purpose":"SVC-01","categories":["pd:Name"],"by":"employee:E-2"}`)

	use := `{"purpose":"SVC-01","categories":["pd:Name"],"by":"employee:E-1"}`
	office := w.as("/hr/payroll", "employee:E-1")
	all := []Submission{
		w.submission("used", use), w.submission("used", use),
		office.submission("collected", takes{purposes: employed, operation: "hr", location: "hr-files", channel: "form", person: staff}.String()),
		w.submission("used", use),
	}
	out, err := w.g.Submit(context.Background(), admin, all)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range out {
		if r.Status != contracts.StatusRecorded {
			t.Errorf("%d: %s by %s at %s (%s)", i, r.Status, r.Rule, r.Field, r.Text)
		}
	}
	by := map[events.Identity]bool{}
	for _, u := range facts[*events.Used](w) {
		by[u.By] = true
	}
	if who := events.Identity("person:" + out[2].Person); len(by) != 1 || !by[who] || out[2].Person == p {
		t.Errorf("the uses are by %d people, and not by whom is collected about", len(by))
	}
	for id, want := range map[events.Identifier]bool{"employee:E-1": true, "employee:E-2": false, "line:U-1": false} {
		found, err := w.g.vault.Find(context.Background(), []events.Identifier{id})
		if err != nil || (found[0].Person != "") != want {
			t.Errorf("%s is known: %v, want %v (%v; the link: %s %s)", id, !want, want, err, linked.Status, linked.Rule)
		}
	}
}
