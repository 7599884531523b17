package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/client"
	"github.com/daicho-dev/daicho/services/simulate"
)

// tour asks an engine the questions that the register is there for, has the office do its work (office.go), and prints what it asked.
type tour struct {
	ctx    context.Context
	s      *shared
	c      *client.Client
	people int
	today  time.Time
	start  time.Time // of the simulated year
	person string    // whom it follows
}

func newTour(ctx context.Context, s *shared, c *client.Client, people int) *tour {
	civil.dialled(c)
	today := time.Now().UTC().Truncate(24 * time.Hour)
	return &tour{ctx: ctx, s: s, c: c, people: people, today: today, start: today.AddDate(-1, 0, 0)}
}

func (t *tour) walk() error {
	for _, step := range []func() error{
		t.year, t.dossier, t.due, t.leak, t.announces, t.anonymizes, t.disposes, t.forgets, t.leaked, t.obligations, t.verifies,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// ask prints a question, and the command that asks it.
func (t *tour) ask(question, command string) {
	fmt.Printf("\n\033[1m%s\033[0m\n  $ %s\n\n", question, command)
}

func (t *tour) year() error {
	if err := wait(t.ctx, t.c); err != nil {
		return err
	}
	t.ask("A year of rental, sales, calls, cookies, applicants and entrusted work arrives.", fmt.Sprintf("daicho simulate --people %d --days 365 | daicho emit -", t.people))
	r, w := io.Pipe()
	go func() {
		w.CloseWithError(simulate.Year(w, simulate.Options{People: t.people, Days: 365, Seed: 7, Start: t.start}, nil))
	}()
	n, err := emit(t.ctx, t.c, r, -1, 1000)
	if err != nil {
		return err
	}
	n.table().print(os.Stdout)
	if err := wait(t.ctx, t.c); err != nil {
		return err
	}
	t.person, err = t.somebody()
	return err
}

// somebody is a customer who can be shown: one with records and no hold.
func (t *tour) somebody() (string, error) {
	for i := 1; i <= t.people; i++ {
		id := fmt.Sprintf("rental:C-%06d", i)
		d, err := t.c.Dossier(t.ctx, contracts.DossierQuestion{Person: id, Sealed: true})
		if err != nil {
			continue
		}
		held, recipients := false, false
		for _, r := range d.Records {
			held = held || r.Deadline != nil && len(r.Deadline.Held) > 0
			recipients = recipients || len(r.Recipients) > 0
		}
		if !held && recipients && len(d.Records) >= 5 {
			return id, nil
		}
	}
	return "", fmt.Errorf("the simulated year has nobody to show")
}

func (t *tour) dossier() error {
	t.ask("What do we hold about this person? (This look is recorded before anything is shown.)", "daicho dossier "+t.person+" --purpose DSR-01")
	d, err := t.c.Dossier(t.ctx, contracts.DossierQuestion{Person: t.person, Purpose: "DSR-01"})
	if err != nil {
		return err
	}
	dossierTable(d).print(os.Stdout)
	return nil
}

func (t *tour) due() error {
	by := t.today.AddDate(0, 1, 0).Format("2006-01-02")
	t.ask("What must be disposed of within a month, and why?", "daicho due --by "+by+" --limit 8")
	due, err := t.c.Due(t.ctx, contracts.DueQuestion{By: by, Limit: 8})
	if err != nil {
		return err
	}
	dueTable(due).print(os.Stdout)
	return nil
}

func (t *tour) leak() error {
	from, to := t.today.AddDate(0, -3, 0), t.today.AddDate(0, -3, 7)
	t.ask("The parcel carrier leaked a week, three months ago. Who is affected?", fmt.Sprintf("daicho impact --location parcel --from %s --to %s", from.Format("2006-01-02"), to.Format("2006-01-02")))
	impact, err := t.impact("parcel", from, to)
	if err != nil {
		return err
	}
	impactTable(impact).print(os.Stdout)
	return nil
}

// impact asks about civil days, as the command does.
func (t *tour) impact(location events.Word, from, to time.Time) (contracts.Impact, error) {
	zone, err := civil.in(t.ctx)
	if err != nil {
		return contracts.Impact{}, err
	}
	return t.c.Impact(t.ctx, contracts.ImpactQuestion{Locations: []events.Word{location}, From: dayIn(zone, from), To: dayIn(zone, to)})
}

func (t *tour) forgets() error {
	t.ask("One person asks to be forgotten, and is.", `echo '{"type":"daicho.deleted.v1",…,"data":{"person":true,"cause":"request"}}' | daicho emit -`)
	forget := fmt.Sprintf(`{"specversion":"1.0","id":"demo-forget","source":"/privacy/office","type":"daicho.deleted.v1","subject":%q,"time":%q,"data":{"person":true,"cause":"request"}}`, t.person, time.Now().UTC().Format(time.RFC3339))
	if _, err := t.c.Emit(t.ctx, []byte(forget)); err != nil {
		return err
	}
	gone := false
	for range 100 {
		if _, err := t.c.Find(t.ctx, events.Identifier(t.person)); err != nil {
			gone = true
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	fmt.Printf("Nothing leads from the identifier to the person any more: %v.\n", gone)
	return nil
}

func (t *tour) leaked() error {
	t.ask("A leak of the rental system is found. The person was there, and is counted, though nobody can say any more who it was.",
		fmt.Sprintf("daicho impact --location rental-db --from %s --to %s", t.start.Format("2006-01-02"), t.today.Format("2006-01-02")))
	impact, err := t.impact("rental-db", t.start, t.today)
	if err != nil {
		return err
	}
	fmt.Printf("people %d, of whom forgotten since: %d; records %d; position %v\n", impact.People.Total, impact.People.Forgotten, impact.Records.Total, impact.Position)
	return nil
}

func (t *tour) obligations() error {
	t.ask("Is each sentence of the policy kept?", "daicho obligations")
	all, err := t.c.Obligations(t.ctx)
	if err != nil {
		return err
	}
	x := &table{head: []string{"no.", "state", "sentence", "count", "evidence, or why not"}}
	unproved := 0
	for _, o := range all {
		count, shown := "", ""
		switch {
		case o.State == "unproved":
			unproved++
			continue
		case o.State == "gap" && len(o.Caveats) > 0:
			shown = cut(o.Caveats[len(o.Caveats)-1], 90)
		case len(o.Evidence) > 0:
			count, shown = strconv.Itoa(o.Evidence[0].Count), o.Evidence[0].What
		}
		x.add(o.ID, o.State, cut(o.Text, 60), count, shown)
	}
	x.add("", fmt.Sprintf("… and %d unproved", unproved))
	x.print(os.Stdout)
	return nil
}

func (t *tour) verifies() error {
	t.ask("Does everything agree: log, models, vault?", "daicho verify")
	v, err := t.c.Verify(t.ctx)
	if err != nil {
		return err
	}
	verifiedTable(v).print(os.Stdout)
	return nil
}
