package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

func recipientsCommand(s *shared) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "recipients",
		Short: "Vendors and third parties: supervision, what lies there, recalls, records of provision",
		Long: `Who may be handed personal data, on which paper; whose and what data lies there; what was asked back and
not confirmed; and the records of provision to third parties (APPI 29) and of receiving (APPI 30).`,
		Example: `  daicho recipients list
  daicho recipients exposure parcel --as-of 2026-04-01
  daicho recipients recalls --recipient mailer`,
	}
	cmd.AddCommand(recipientsListCommand(s), recipientsShowCommand(s), exposureCommand(s), recallsCommand(s), provisionsCommand(s), noticesCommand(s), secretCommand(s), confirmCommand(s),
		registerRecipientCommand(s), reviewRecipientCommand(s), endRecipientCommand(s))
	return cmd
}

func recipientsListCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Every recipient, and what is missing or late in its supervision", Example: "  daicho recipients list --output csv",
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			all, err := c.Recipients(cmd.Context())
			if err != nil {
				return err
			}
			return s.show(all, func() *table {
				t := &table{head: []string{"recipient", "name", "country", "kinds", "purposes", "state", "contract to", "review due", "recalls", "findings"}}
				for _, r := range all.Recipients {
					t.add(string(r.ID), r.Name, string(r.Country), list(r.Kinds), list(r.Purposes), r.State, until(r.Contract), string(r.ReviewDue), openRecalls(r.Recalls), findings(r.Findings))
				}
				return t
			})
		},
	}
}

func until(c *events.Contract) string {
	switch {
	case c == nil:
		return "none"
	case c.To == "":
		return "no end"
	}
	return string(c.To)
}

func openRecalls(n contracts.RecipientRecallCounts) string {
	if n.Overdue > 0 {
		return fmt.Sprintf("%d open, %d late", n.Open, n.Overdue)
	}
	return strconv.Itoa(n.Open) + " open"
}

func findings(all []contracts.SupervisionFinding) string {
	var words []string
	for _, f := range all {
		words = append(words, string(f.Word))
	}
	return strings.Join(words, " ")
}

func recipientsShowCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use: "show RECIPIENT", Short: "All that is on file about one recipient", Example: "  daicho recipients show parcel",
		Args: exactly(1, "one recipient"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			r, err := c.Recipient(cmd.Context(), events.Word(args[0]))
			if err != nil {
				return err
			}
			return s.show(r, func() *table { return recipientTable(r) })
		},
	}
}

func recipientTable(r contracts.RecipientFile) *table {
	t := &table{head: []string{"what", "on file"}}
	line := func(what, is string) {
		if is != "" {
			t.add(what, is)
		}
	}
	line("recipient", string(r.ID))
	line("name", r.Name)
	line("address", r.Address)
	line("state", r.State)
	line("country", strings.TrimSpace(string(r.Country)+" "+list(r.Countries)))
	line("kinds", list(r.Kinds))
	line("tasks", list(r.Tasks))
	line("purposes", list(r.Purposes))
	line("categories", list(r.Categories))
	line("safeguard", string(r.Safeguard))
	if r.Contract != nil {
		line("contract", fmt.Sprintf("%s, from %s, %s", r.Contract.Ref, r.Contract.From, until(r.Contract)))
	}
	if r.Selection != nil {
		reasons := make([]string, len(r.Selection.Reasons))
		for i, x := range r.Selection.Reasons {
			reasons[i] = string(x)
		}
		line("selected", string(r.Selection.On)+": "+strings.Join(reasons, "; "))
	}
	line("hands on to", strings.Join(r.Reentrusts, "; "))
	line("registered", day(r.Since))
	if r.Reviewed != nil {
		line("reviewed", day(*r.Reviewed))
	}
	if r.Ended != nil {
		line("ended", day(*r.Ended))
	}
	line("review due", string(r.ReviewDue))
	line("recalls", openRecalls(r.Recalls))
	line("told at", r.Webhook)
	for _, f := range r.Findings {
		line("finding", f.Text)
	}
	return t
}

func exposureCommand(s *shared) *cobra.Command {
	q := contracts.ExposureQuestion{}
	var asOf string
	cmd := &cobra.Command{
		Use:   "exposure RECIPIENT",
		Short: "Whose and what data lies with a recipient, now or as of any day",
		Long:  "Data counts as being with the recipient until it confirms that it is not.",
		Example: `  daicho recipients exposure parcel
  daicho recipients exposure parcel --as-of 2026-04-01 --limit 20
  daicho recipients exposure parcel --as-of 2026-04-01 --known-at 2026-04-03T09:00:00+09:00 --output json`,
		Args: exactly(1, "one recipient"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			q.Recipient = events.Word(args[0])
			if q.AsOf, err = s.at(cmd.Context(), "as-of", asOf); err != nil {
				return err
			}
			x, err := c.Exposure(cmd.Context(), q)
			if err != nil {
				return err
			}
			return s.show(x, func() *table { return exposureTable(x) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&asOf, "as-of", "", "what lay there at this moment, or at the beginning of this day (default: now)")
	f.StringVar(&q.KnownAt, "known-at", "", "what the register knew at this moment, or position")
	f.IntVar(&q.Limit, "limit", 100, "the most people to list")
	return cmd
}

func exposureTable(x contracts.Exposure) *table {
	t := &table{head: []string{"with " + string(x.Recipient), "count"}}
	t.add("people", strconv.Itoa(x.People.Total))
	for _, k := range sorted(x.People.ByCountry) {
		t.add("  of "+k, strconv.Itoa(x.People.ByCountry[k]))
	}
	t.add("  minors", strconv.Itoa(x.People.Minors))
	t.add("  forgotten here", strconv.Itoa(x.People.Forgotten))
	t.add("records", strconv.Itoa(x.Records.Total))
	for _, k := range sorted(x.Records.ByCategory) {
		t.add("  "+k, strconv.Itoa(x.Records.ByCategory[k]))
	}
	for _, r := range x.Recalled {
		t.add("recall "+string(r.Recall), fmt.Sprintf("%d left, %s, due %s", r.Left, r.State, r.Due))
	}
	for _, p := range x.Who {
		t.add(string(p.Person), list(p.Categories))
	}
	if x.More > 0 {
		t.add(fmt.Sprintf("… and %d people more (--limit)", x.More))
	}
	for _, c := range x.Caveats {
		t.add(c)
	}
	return t
}

func recallsCommand(s *shared) *cobra.Command {
	var q contracts.RecallQuestion
	var recipient, after string
	cmd := &cobra.Command{
		Use: "recalls", Short: "What recipients were asked to give back or destroy and have not confirmed",
		Example: "  daicho recipients recalls\n  daicho recipients recalls --recipient mailer --all",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			c, err := s.dial()
			if err != nil {
				return err
			}
			if q.After, err = cursor(after); err != nil {
				return err
			}
			q.Recipient = events.Word(recipient)
			all, err := c.Recalls(cmd.Context(), q)
			if err != nil {
				return err
			}
			return s.show(all, func() *table {
				t := &table{head: []string{"recall", "recipient", "state", "asked", "due", "people", "records", "left"}}
				for _, r := range all.Recalls {
					t.add(string(r.Recall), string(r.Recipient), r.State, day(r.Asked), string(r.Due), strconv.Itoa(r.People), strconv.Itoa(r.Records), strconv.Itoa(r.Left))
				}
				next(t, all.Next)
				return t
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&recipient, "recipient", "", "of one recipient")
	f.BoolVar(&q.All, "all", false, "those that were confirmed too")
	f.StringVar(&after, "after", "", "go on from the cursor that the last answer named")
	f.IntVar(&q.Limit, "limit", 100, "the most to list")
	return cmd
}

func cursor(s string) (events.Position, error) {
	if s == "" {
		return 0, nil
	}
	p, err := events.ParsePosition(s)
	if err != nil {
		return 0, errUsage{fmt.Errorf("--after: %w", err)}
	}
	return p, nil
}

func next(t *table, p *events.Position) {
	if p != nil {
		t.add("… there may be more: --after " + p.String())
	}
}

func provisionsCommand(s *shared) *cobra.Command {
	var q contracts.ProvisionQuestion
	var recipient, after, purpose, request string
	cmd := &cobra.Command{
		Use:   "provisions",
		Short: "The records of provision to third parties (APPI 29) and of receiving from them (30)",
		Long: `Each record names to whom or from whom, of whom, which items, on which ground, and until when the law wants it kept.
With --purpose or --request the records of one person are opened for them (33(5)); the look is recorded first.`,
		Example: `  daicho recipients provisions --recipient travel
  daicho recipients provisions --person rental:C-000123 --purpose DSR-01`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if q.Person == "" && (purpose != "" || request != "") {
				return errUsage{errors.New("--purpose and --request open the records of one person: name them with --person")}
			}
			c, err := s.dial()
			if err != nil {
				return err
			}
			if q.After, err = cursor(after); err != nil {
				return err
			}
			q.Recipient, q.Purpose, q.Request = events.Word(recipient), events.Word(purpose), events.ID(request)
			all, err := c.Provisions(cmd.Context(), q)
			if err != nil {
				return err
			}
			return s.show(all, func() *table {
				t := &table{head: []string{"law", "made", "person", "recipient", "name", "representative", "items", "purpose", "basis", "route", "keep until"}}
				for _, r := range all.Provisions {
					representative := "–"
					if r.Representative != nil {
						representative = strings.Trim(fmt.Sprint(r.Representative), `"`)
					}
					t.add(r.Law, day(r.Made), string(r.Person), string(r.Recipient), r.Name, representative, list(r.Items), string(r.Purpose), string(r.Basis), string(r.Route), r.KeepUntil)
				}
				next(t, all.Next)
				for _, c := range all.Caveats {
					t.add(c)
				}
				return t
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&q.Person, "person", "", "of one person: a pseudonym, or an identifier as rental:C-000123")
	f.StringVar(&recipient, "recipient", "", "of one recipient")
	f.StringVar(&q.Kind, "kind", "", "provided or received")
	f.StringVar(&purpose, "purpose", "", "open them, for this purpose of use")
	f.StringVar(&request, "request", "", "open them, for this disclosure request")
	f.StringVar(&after, "after", "", "go on from the cursor that the last answer named")
	f.IntVar(&q.Limit, "limit", 100, "the most to list")
	return cmd
}

// now is when a clerk's event happens.
func now() string { return time.Now().UTC().Format(time.RFC3339) }
