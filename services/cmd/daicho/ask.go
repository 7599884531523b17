package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

func wordsOf(all []string) []events.Word {
	var out []events.Word
	for _, s := range all {
		out = append(out, events.Word(s))
	}
	return out
}

func personCommand(s *shared) *cobra.Command {
	cmd := &cobra.Command{Use: "person", Short: "People: from an outside identifier to the pseudonym"}
	cmd.AddCommand(&cobra.Command{
		Use: "find SCHEME:KEY", Short: "The pseudonym of a customer, an applicant, a cookie …", Example: "  daicho person find rental:C-000123",
		Args: exactly(1, "one identifier, as rental:C-000123"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			p, err := c.Find(cmd.Context(), events.Identifier(args[0]))
			if err != nil {
				return err
			}
			return s.show(p, func() *table {
				t := &table{head: []string{"person"}}
				t.add(string(p.Person))
				return t
			})
		},
	})
	return cmd
}

func dossierCommand(s *shared) *cobra.Command {
	var q contracts.DossierQuestion
	var asOf, lang, purpose, request, file string
	cmd := &cobra.Command{
		Use:   "dossier PERSON|SCHEME:KEY",
		Short: "What is held about one person: records, purposes, recipients, deadlines, looks, history",
		Long: `Shows one person's dossier, united with the identifiers that are linked. Values are opened for a purpose
(records bound to it; DSR-01, answering the person, sees all) or a request, and each look is recorded first.
--sealed shows no value and needs no purpose.`,
		Example: `  daicho dossier rental:C-000123 --purpose DSR-01
  daicho dossier rental:C-000123 --sealed --as-of 2026-04-01
  daicho dossier rental:C-000123 --sealed --known-at 2026-04-03T09:00:00+09:00 --output json`,
		Args: exactly(1, "one person: a pseudonym, or an identifier as rental:C-000123"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			if q.AsOf, err = s.at(cmd.Context(), "as-of", asOf); err != nil {
				return err
			}
			if lang != "en" && lang != "ja" && lang != "zh-Hant" && lang != "ko" {
				return errUsage{fmt.Errorf("--lang is en, ja, zh-Hant or ko")}
			}
			q.Person, q.Lang, q.Purpose, q.Request = args[0], events.Word(lang), events.Word(purpose), events.ID(request)
			d, err := c.Dossier(cmd.Context(), q)
			if err != nil {
				return err
			}
			if file != "" {
				f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
				if err != nil {
					return fmt.Errorf("writing the dossier: %w", err)
				}
				defer f.Close()
				return printJSON(f, d)
			}
			return s.show(d, func() *table { return dossierTable(d) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&asOf, "as-of", "", "what was true at this moment (default: now)")
	f.StringVar(&q.KnownAt, "known-at", "", "what the register knew at this moment, or position")
	f.StringVar(&lang, "lang", "en", "en, ja, zh-Hant or ko")
	f.BoolVar(&q.Sealed, "sealed", false, "show no value; no purpose is needed")
	f.StringVar(&purpose, "purpose", "", "for which purpose of use the values are looked at")
	f.StringVar(&request, "request", "", "for which disclosure request")
	f.StringVar(&file, "file", "", "write the dossier there, as JSON (0600)")
	return cmd
}

func dossierTable(d contracts.Dossier) *table {
	t := &table{head: []string{"record", "category", "value", "state", "location", "purposes", "recipients", "due", "held"}}
	for _, r := range d.Records {
		value := "–"
		if r.Value != nil {
			b, _ := json.Marshal(r.Value)
			value = strings.Trim(string(b), `"`)
		}
		var purposes, recipients []string
		for _, p := range r.Purposes {
			if p.State == "live" {
				purposes = append(purposes, string(p.ID))
			}
		}
		for _, p := range r.Recipients {
			if p.Until == nil {
				recipients = append(recipients, string(p.ID))
			}
		}
		due, held := "", ""
		if r.Deadline != nil {
			due, held = r.Deadline.Due, strings.Join(r.Deadline.Held, " ")
			if due == "" {
				due = "waits for " + list(r.Deadline.Waiting)
			}
		}
		_, short, _ := strings.Cut(r.ID, ".")
		t.add("."+short, string(r.Category), value, r.State, list(r.Location), strings.Join(purposes, " "), strings.Join(recipients, " "), due, held)
	}
	for _, n := range d.NotDisclosable {
		what := "not disclosable: " + n.Reason
		if n.Client != "" {
			what += ", ask " + string(n.Client)
		}
		t.add("", what, strconv.Itoa(n.Count)+" records")
	}
	for _, c := range d.Caveats {
		t.add("! " + c)
	}
	return t
}

func explainCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use: "explain RECORD", Short: "Why one record is still here, when it goes, who has it",
		Example: "  daicho explain 5gk3…q2.7",
		Args:    exactly(1, "one record, as a dossier names it"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			e, err := c.Explain(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return s.show(e, func() *table {
				t := &table{head: []string{"what", "", "", ""}}
				t.add("category", string(e.Category), e.State)
				t.add("at", list(e.Locations))
				for _, r := range e.Recipients {
					until := "still there"
					if r.Until != nil {
						until = "until " + day(*r.Until)
					}
					t.add("recipient", string(r.ID), "since "+day(r.Since), until)
				}
				for _, b := range e.Bindings {
					bindingLines(t, &b)
				}
				if e.Deadline != nil {
					until := e.Deadline.Due
					if until == "" {
						until = "without a day"
					}
					t.add("may live until", until, "by "+e.Deadline.Rule, strings.Join(e.Deadline.Held, " "))
					for _, held := range e.Deadline.Held {
						t.add("  held for", held, "stays until the hold is released")
					}
				}
				for _, b := range e.Because {
					t.add("because of", b.Event, day(b.Time), "position "+b.Position.String())
				}
				return t
			})
		},
	}
}

// bindingLines say of one purpose until when it keeps the record, on what that day rests, and what would let the record go.
func bindingLines(t *table, b *contracts.BindingDeadline) {
	due := b.Due
	switch {
	case due == "":
		due = "has no day yet"
	case b.Gap:
		due += ", by an assumption"
	}
	t.add("purpose", string(b.Purpose), due, b.Rule)
	for _, on := range b.Because {
		t.add("  rests on", strings.TrimSpace(on.Event+" "+string(on.Word)), day(on.Time), "position "+on.Position.String())
	}
	if len(b.Waiting) > 0 {
		t.add("  waits for", list(b.Waiting), "which would end the purpose")
	}
	if b.Gap {
		t.add("  gap", "what should have ended it was not told", "so the policy's assumption gives the day")
	}
}

func dueCommand(s *shared) *cobra.Command {
	var q contracts.DueQuestion
	var purpose string
	cmd := &cobra.Command{
		Use: "due", Short: "What must be disposed of by a day, and why",
		Example: "  daicho due\n  daicho due --by 2026-12-31 --purpose SVC-01 --output csv",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			q.Purpose = events.Word(purpose)
			d, err := c.Due(cmd.Context(), q)
			if err != nil {
				return err
			}
			return s.show(d, func() *table { return dueTable(d) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&q.By, "by", "", "a civil day (default: today)")
	f.StringVar(&purpose, "purpose", "", "only this purpose of use")
	f.IntVar(&q.Limit, "limit", 0, "items of one answer (default 1,000)")
	f.StringVar(&q.After, "after", "", "the cursor that the last answer named as next")
	return cmd
}

func dueTable(d contracts.Due) *table {
	t := &table{head: []string{"due", "record", "category", "purpose", "rule", "because of", "held", "kept by"}}
	for _, i := range d.Items {
		t.add(i.Due, i.Record, string(i.Category), string(i.Purpose), i.Rule, becauseOf(i.Because), strings.Join(i.Held, " "), keptBy(i))
	}
	t.add("", fmt.Sprintf("%d of %d", len(d.Items), d.Total))
	if d.Forgettable > 0 {
		t.add("", fmt.Sprintf("and %d people of whom no record is left, to be forgotten (`daicho disposal plan`)", d.Forgettable))
	}
	return t
}

// becauseOf is the event that a deadline rests on: the last of them, and how many there are besides.
func becauseOf(all []contracts.Because) string {
	if len(all) == 0 {
		return ""
	}
	last := all[len(all)-1]
	text := strings.TrimSpace(strings.Join([]string{last.Event, last.Word, last.Time.Format(time.DateOnly)}, " "))
	if len(all) > 1 {
		text += fmt.Sprintf(" (+%d)", len(all)-1)
	}
	return text
}

// keptBy says what keeps a record of which a purpose is over, and until when; nothing where it may go.
func keptBy(i contracts.DueItem) string {
	var all []string
	for _, k := range i.KeptBy {
		text := string(k.Purpose)
		if k.Law {
			text += " by law"
		}
		if k.Due != "" {
			text += " until " + k.Due
		}
		if len(k.Waiting) > 0 {
			text += " (waits for " + list(k.Waiting) + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func calendarCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use: "calendar", Short: "How many deadlines fall into each month", Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			k, err := c.Calendar(cmd.Context())
			if err != nil {
				return err
			}
			return s.show(k, func() *table {
				most := 1
				for _, m := range k.Months {
					most = max(most, m.Total)
				}
				t := &table{head: []string{"month", "deadlines", ""}}
				for _, m := range k.Months {
					t.add(m.Month, strconv.Itoa(m.Total), strings.Repeat("█", (m.Total*40+most-1)/most))
				}
				t.add("waiting", strconv.Itoa(k.Waiting), "for milestones")
				return t
			})
		},
	}
}

func impactCommand(s *shared) *cobra.Command {
	var q contracts.ImpactQuestion
	var locations, categories []string
	var from, to, as string
	cmd := &cobra.Command{
		Use:   "impact",
		Short: "Who and what a leak touched: what lay at a place in a window of time",
		Long: `Counts the people and records that were at a location, or at a recipient, in [from, to): by country, kind and
category, minors, people forgotten since, and what the law asks for. The answer names the position that it rests
on; asked again with that --known-at, it is the same to the byte.`,
		Example: `  daicho impact --location parcel --from 2026-04-01 --to 2026-04-08
  daicho impact --location web-analytics --category pd:IPAddress --from 2026-04-01 --to 2026-05-01 --list ndjson`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if q.From, err = s.at(cmd.Context(), "from", from); err != nil {
				return err
			}
			if q.To, err = s.at(cmd.Context(), "to", to); err != nil {
				return err
			}
			q.Locations, q.Categories = wordsOf(locations), wordsOf(categories)
			c, err := s.dial()
			if err != nil {
				return err
			}
			switch as {
			case "":
			case "ndjson":
				enc := json.NewEncoder(os.Stdout)
				return c.Affected(cmd.Context(), q, func(a contracts.Affected) error { return enc.Encode(a) })
			default:
				return errUsage{fmt.Errorf("--list is ndjson")}
			}
			i, err := c.Impact(cmd.Context(), q)
			if err != nil {
				return err
			}
			return s.show(i, func() *table { return impactTable(i) })
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&locations, "location", nil, "a location of the policy, or a recipient (repeatable)")
	f.StringArrayVar(&categories, "category", nil, "only this category (repeatable)")
	f.StringVar(&from, "from", "", "beginning of the window")
	f.StringVar(&to, "to", "", "end of the window, itself not in it")
	f.StringVar(&q.KnownAt, "known-at", "", "what the register knew at this moment, or position")
	f.StringVar(&as, "list", "", "ndjson: one line a person instead of counts")
	return cmd
}

func impactTable(i contracts.Impact) *table {
	t := &table{head: []string{"what", "", ""}}
	n := strconv.Itoa
	t.add("people", n(i.People.Total))
	for _, k := range sorted(i.People.ByCountry) {
		t.add("  country", k, n(i.People.ByCountry[k]))
	}
	for _, k := range sorted(i.People.ByKind) {
		t.add("  kind", k, n(i.People.ByKind[k]))
	}
	t.add("  minors", n(i.People.Minors))
	t.add("  forgotten since", n(i.People.Forgotten))
	t.add("records", n(i.Records.Total))
	for _, k := range sorted(i.Records.ByCategory) {
		t.add("  category", k, n(i.Records.ByCategory[k]))
	}
	t.add("  special care-required", n(i.Special))
	t.add("  financial", n(i.Finance))
	for _, c := range i.Clients {
		t.add("tell the client", string(c.Client), n(c.People)+" people, "+n(c.Records)+" records")
	}
	for _, d := range i.Duties {
		t.add("duty", d.Regime+" "+d.Rule, d.Because+" → "+d.Due)
	}
	for _, c := range i.Caveats {
		t.add("! " + c)
	}
	t.add("known at", i.Position.String())
	t.add("digest", i.Digest)
	return t
}

func replayCommand(s *shared) *cobra.Command {
	var q contracts.ReplayQuestion
	var from, to string
	cmd := &cobra.Command{
		Use: "replay", Short: "The log as it happened, one line an event",
		Example: "  daicho replay --type transferred --from 2026-04-01\n  daicho replay --person rental:C-000123 --output json",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if q.From, err = s.at(cmd.Context(), "from", from); err != nil {
				return err
			}
			if q.To, err = s.at(cmd.Context(), "to", to); err != nil {
				return err
			}
			c, err := s.dial()
			if err != nil {
				return err
			}
			enc := json.NewEncoder(os.Stdout)
			return c.Replay(cmd.Context(), q, func(r contracts.Recorded) error {
				if s.output == "json" {
					return enc.Encode(r)
				}
				_, err := fmt.Printf("%-8s %s  %-22s %-20s %s\n", r.Position, local(r.Recorded).Format("2006-01-02 15:04:05.000"), events.Short(r.Type), r.Source, r.Stream)
				return err
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "recorded at or after this moment")
	f.StringVar(&to, "to", "", "recorded before this moment")
	f.StringVar(&q.Type, "type", "", "only this event type, as transferred")
	f.StringVar(&q.Person, "person", "", "only this person")
	return cmd
}
