package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/client"
	"github.com/daicho-dev/daicho/services/simulate"
)

func simulateCommand() *cobra.Command {
	o := simulate.Options{}
	cmd := &cobra.Command{
		Use: "simulate", Short: "Write the events of an invented company's emitters, one a line",
		Long:    "The same options give the same bytes (except for the default of --until, which is today).",
		Example: "  daicho simulate --people 1000 --days 365 --seed 7 > events.ndjson",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			until, err := cmd.Flags().GetString("until")
			if err != nil {
				return err
			}
			end := time.Now().UTC().Truncate(24 * time.Hour)
			if until != "" {
				if end, err = time.Parse("2006-01-02", until); err != nil {
					return errUsage{fmt.Errorf("--until is a day, as 2026-04-01")}
				}
			}
			if o.People < 1 || o.Days < 1 {
				return errUsage{fmt.Errorf("--people and --days are at least 1")}
			}
			o.Start = end.AddDate(0, 0, -o.Days)
			w := bufio.NewWriterSize(os.Stdout, 1<<20)
			b := newBar("simulating", int64(o.People))
			defer b.done()
			if err := simulate.Year(w, o, func(done, total int) {
				b.total = int64(total)
				b.set(int64(done))
			}); err != nil {
				return err
			}
			return w.Flush()
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.People, "people", 1000, "rental customers; others come with them")
	f.IntVar(&o.Days, "days", 365, "days of the simulated time")
	f.Uint64Var(&o.Seed, "seed", 1, "the same seed gives the same events")
	f.String("until", "", "the day on which the time ends (default: today, UTC)")
	return cmd
}

func demoCommand() *cobra.Command {
	people := 300
	stay := true
	cmd := &cobra.Command{
		Use: "demo", Short: "A fresh engine, a simulated year of rental and sales, and a tour of the questions",
		Example: "  daicho demo\n  daicho demo --people 5000 --stay=false",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := os.MkdirTemp("", "daicho-demo-")
			if err != nil {
				return fmt.Errorf("making a folder for the demo: %w", err)
			}
			defer os.RemoveAll(dir)
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			up := make(chan *Engine, 1)
			ended := make(chan error, 1)
			go func() {
				ended <- serve(ctx, Config{Data: dir, Listen: "127.0.0.1:0", Log: "jetstream"}, func(e *Engine) { up <- e })
			}()
			var e *Engine
			select {
			case e = <-up:
			case err := <-ended:
				return err
			}
			s := &shared{data: dir, role: "admin", output: "table"}
			c, err := s.dial()
			if err == nil {
				err = tour(ctx, s, c, people)
			}
			if err == nil && stay {
				fmt.Printf("\nThe engine stays up at %s, with its data in %s (gone when it ends). Press Ctrl-C to end it.\nIn another terminal: daicho --data %s due --by 2099-12-31\n", e.url(), dir, dir)
				select {
				case <-cmd.Context().Done():
				case err := <-ended:
					return err
				}
			}
			cancel()
			if stopped := <-ended; err == nil {
				err = stopped
			}
			return err
		},
	}
	cmd.Flags().IntVar(&people, "people", people, "rental customers to simulate")
	cmd.Flags().BoolVar(&stay, "stay", stay, "stay up after the tour")
	return cmd
}

// tour asks the questions that the register is there for, and prints what it asked.
func tour(ctx context.Context, s *shared, c *client.Client, people int) error {
	say := func(question, command string) {
		fmt.Printf("\n\033[1m%s\033[0m\n  $ %s\n\n", question, command)
	}
	if err := wait(ctx, c); err != nil {
		return err
	}
	today := time.Now().UTC().Truncate(24 * time.Hour)
	start := today.AddDate(-1, 0, 0)
	say("A year of rental, sales, calls, cookies, applicants and entrusted work arrives.", fmt.Sprintf("daicho simulate --people %d --days 365 | daicho emit -", people))
	r, w := io.Pipe()
	go func() {
		w.CloseWithError(simulate.Year(w, simulate.Options{People: people, Days: 365, Seed: 7, Start: start}, nil))
	}()
	n, err := emit(ctx, c, r, -1, 1000)
	if err != nil {
		return err
	}
	n.table().print(os.Stdout)
	if err := wait(ctx, c); err != nil {
		return err
	}

	id, err := somebody(ctx, c, people)
	if err != nil {
		return err
	}
	say("What do we hold about this person? (This look is recorded before anything is shown.)", "daicho dossier "+id+" --purpose DSR-01")
	d, err := c.Dossier(ctx, contracts.DossierQuestion{Person: id, Purpose: "DSR-01"})
	if err != nil {
		return err
	}
	dossierTable(d).print(os.Stdout)

	by := today.AddDate(0, 1, 0).Format("2006-01-02")
	say("What must be disposed of within a month, and why?", "daicho due --by "+by+" --limit 8")
	due, err := c.Due(ctx, contracts.DueQuestion{By: by, Limit: 8})
	if err != nil {
		return err
	}
	t := &table{head: []string{"due", "category", "purpose", "rule", "because of", "whole record", "held"}}
	for _, i := range due.Items[:min(8, len(due.Items))] {
		because := ""
		if len(i.Because) > 0 {
			because = i.Because[len(i.Because)-1].Event + " " + i.Because[len(i.Because)-1].Word
		}
		t.add(i.Due, string(i.Category), string(i.Purpose), i.Rule, because, fmt.Sprint(i.Whole), strings.Join(i.Held, " "))
	}
	t.add("", fmt.Sprintf("… of %d", due.Total))
	t.print(os.Stdout)

	from, to := today.AddDate(0, -3, 0), today.AddDate(0, -3, 7)
	say("The parcel carrier leaked a week, three months ago. Who is affected?", fmt.Sprintf("daicho impact --location parcel --from %s --to %s", from.Format("2006-01-02"), to.Format("2006-01-02")))
	impact, err := c.Impact(ctx, contracts.ImpactQuestion{Locations: []events.Word{"parcel"}, From: from, To: to})
	if err != nil {
		return err
	}
	impactTable(impact).print(os.Stdout)

	say("One person asks to be forgotten, and is.", `echo '{"type":"daicho.deleted.v1",…,"data":{"person":true,"cause":"request"}}' | daicho emit -`)
	forget := fmt.Sprintf(`{"specversion":"1.0","id":"demo-forget","source":"/privacy/office","type":"daicho.deleted.v1","subject":%q,"time":%q,"data":{"person":true,"cause":"request"}}`, id, time.Now().UTC().Format(time.RFC3339))
	if _, err := c.Emit(ctx, []byte(forget)); err != nil {
		return err
	}
	gone := func() bool {
		_, err := c.Find(ctx, events.Identifier(id))
		return err != nil
	}
	for range 100 {
		if gone() {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	fmt.Printf("Nothing leads from the identifier to the person any more: %v.\n", gone())

	say("A leak of the rental system is found. The person was there, and is counted, though nobody can say any more who it was.", fmt.Sprintf("daicho impact --location rental-db --from %s --to %s", start.Format("2006-01-02"), today.Format("2006-01-02")))
	impact, err = c.Impact(ctx, contracts.ImpactQuestion{Locations: []events.Word{"rental-db"}, From: start, To: today})
	if err != nil {
		return err
	}
	fmt.Printf("people %d, of whom forgotten since: %d; records %d; position %v\n", impact.People.Total, impact.People.Forgotten, impact.Records.Total, impact.Position)

	say("Is each sentence of the policy kept?", "daicho obligations")
	all, err := c.Obligations(ctx)
	if err != nil {
		return err
	}
	t = &table{head: []string{"no.", "state", "sentence", "evidence"}}
	unproved := 0
	for _, o := range all {
		if o.State == "unproved" {
			unproved++
			continue
		}
		ev := ""
		if len(o.Evidence) > 0 {
			ev = fmt.Sprintf("%d %s", o.Evidence[0].Count, o.Evidence[0].What)
		}
		t.add(o.ID, o.State, cut(o.Text, 60), ev)
	}
	t.add("", fmt.Sprintf("… and %d unproved", unproved))
	t.print(os.Stdout)

	say("Does everything agree: log, models, vault?", "daicho verify")
	v, err := c.Verify(ctx)
	if err != nil {
		return err
	}
	t = &table{head: []string{"check", "ok", "count"}}
	for _, k := range v.Checks {
		t.add(k.Name, fmt.Sprint(k.OK), fmt.Sprint(k.Count))
	}
	t.print(os.Stdout)
	return nil
}

// wait waits until the projections have seen everything.
func wait(ctx context.Context, c *client.Client) error {
	for ctx.Err() == nil {
		if c.Ready(ctx) == nil {
			models, err := c.Models(ctx)
			if err != nil {
				return err
			}
			level := true
			for _, m := range models {
				level = level && m.Lag == 0
			}
			if level {
				return nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return ctx.Err()
}

// somebody is a customer who can be shown: one with records and no hold.
func somebody(ctx context.Context, c *client.Client, people int) (string, error) {
	for i := 1; i <= people; i++ {
		id := fmt.Sprintf("rental:C-%06d", i)
		d, err := c.Dossier(ctx, contracts.DossierQuestion{Person: id, Sealed: true})
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
