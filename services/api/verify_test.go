package api

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/daicho-dev/daicho/infra/sqlite"
	"github.com/daicho-dev/daicho/services/models"
)

// checks is what a process answers of everything that was checked: by whom, what, and why not.
func (p *process) checks(t *testing.T) string {
	t.Helper()
	v, err := p.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, c := range v.Checks {
		fmt.Fprintf(&b, "%s: %s %v %s\n", c.By, c.Name, c.OK, c.Detail)
	}
	if v.OK == strings.Contains(b.String(), " false ") {
		t.Errorf("with %s, all is %v", b.String(), v.OK)
	}
	return b.String()
}

func equal(by string, names ...string) (s string) {
	for _, name := range names {
		s += by + ": " + name + " equals its rebuild from the log true \n"
	}
	return s
}

// Every model is compared where it is kept, whichever process is asked; one that differs is found there, and a part that cannot be asked is
// a check that failed.
func TestEveryProcessVerifiesAllModels(t *testing.T) {
	e := newEngine(t)
	e.begin(Office)
	asked := e.begin(Intake)
	e.begin(Dossier)
	e.begin(Dossier) // each has a copy of its own
	e.begin(Retention)
	breach := e.begin(Breach)
	before := equal("office", "office_dossier", "office_retention", "attachments", "evidence", "recipients") + equal("dossier", "dossier") + equal("dossier (2)", "dossier") + equal("retention", "retention")
	for _, p := range e.all {
		if got, want := p.checks(t), before+equal("breach", "breach"); got != want {
			t.Errorf("%v answers\n%s\nwant\n%s", p.parts, got, want)
		}
	}
	db, err := sqlite.Open(t.Context(), filepath.Join(breach.dir, "breach.db"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Write.ExecContext(t.Context(), `insert into forgotten (person, time, position) values ('nobody', 1, 1)`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if got, want := asked.checks(t), before+"breach: breach equals its rebuild from the log false tables that differ: [forgotten]; rebuild the model and report this\n"; got != want {
		t.Errorf("with a row too many in breach:\n%s\nwant\n%s", got, want)
	}
	breach.Close()
	for _, why := range []string{"the process that serves it does not answer: it cannot be reached", "no process of this engine serves it now; start one: daicho serve --only breach"} {
		if got, want := asked.checks(t), before+"breach: the part breach answers false "+why+"; not checked: breach\n"; got != want {
			t.Errorf("with one away:\n%s\nwant\n%s", got, want)
		}
		e.forget(breach)
	}
	e.forget(e.all[0])
	if got, want := asked.checks(t), "office: the part office answers false no process of this engine serves it now; start one: daicho serve --only office; "+
		"not checked: office_dossier, office_retention, attachments, evidence, recipients, the log, keys and files\n"; !strings.HasPrefix(got, want) {
		t.Errorf("without the office:\n%s\nwant at first\n%s", got, want)
	}
}

// Who stands by is not missed, as long as whoever applies the model has checked it.
func TestWhoStandsByIsNotMissed(t *testing.T) {
	done := []byte(`{"ok":true,"checks":[{"name":"retention equals its rebuild from the log","ok":true,"count":3,"new":"field"}]}`)
	nothing := []byte(`{"ok":true,"checks":[]}`)
	const name = "retention equals its rebuild from the log "
	for _, x := range []struct {
		states []string
		heard  [][]byte // nil: does not answer
		want   string
	}{
		{[]string{"serving", models.Standby}, [][]byte{done, nothing}, "retention: " + name + "true \n"},
		{[]string{"serving", models.Standby}, [][]byte{done, nil}, "retention: " + name + "true \n"},
		{[]string{models.Standby, models.Standby}, [][]byte{nil, nothing}, "retention: " + name + "false whoever keeps it stands by, and nobody who applies it has been found; ask again soon\n"},
		{[]string{"serving", "starting"}, [][]byte{done, nil}, "retention: " + name + "true \nretention (2): the part retention answers false the process that serves it does not answer: gone; not checked: retention\n"},
		{[]string{"serving"}, [][]byte{[]byte("{}")}, "retention: the part retention answers false the process that serves it does not answer: its answer cannot be read; is it of this version?; not checked: retention\n"},
	} {
		c := newChecked()
		for _, part := range AllParts {
			c.served[part] = true
		}
		for i, body := range x.heard {
			var err error
			if body == nil {
				err = errors.New("gone")
			}
			c.hear(map[string]string{Retention: x.states[i]}, body, err)
		}
		got, ok := "", true
		for _, k := range c.verified().Checks {
			got, ok = got+fmt.Sprintf("%s: %s %v %s\n", k.By, k.Name, k.OK, k.Detail), ok && k.OK
		}
		if got != x.want || ok != c.verified().OK {
			t.Errorf("%q %q:\n%s\nwant\n%s", x.states, x.heard, got, x.want)
		}
	}
}
