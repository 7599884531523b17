package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

func quarantineCommand(s *shared) *cobra.Command {
	cmd := &cobra.Command{
		Use: "quarantine", Short: "Refused submissions that are kept for mending: list, look, send again",
		Long: `What is refused is kept, sealed, for the days that the policy says (not what the policy forbids to take). So is what came over
NATS or from an outbox and could not be taken in. When its cause is mended (a word of the catalogue, a recipient, an order of events), it
is sent again, with the rights of whoever does so.`,
		Example: "  daicho quarantine list\n  daicho quarantine list --values --purpose DSR-01 --rule record_unknown\n  daicho quarantine resend --rule unknown_location",
	}
	list := quarantineListCommand(s)
	cmd.Args, cmd.RunE = exactly(0, "list or resend"), func(cmd *cobra.Command, _ []string) error { return list.RunE(cmd, nil) }
	cmd.AddCommand(list, quarantineResendCommand(s))
	return cmd
}

func quarantineListCommand(s *shared) *cobra.Command {
	values := false
	var q contracts.QuarantineQuestion
	var purpose, request string
	cmd := &cobra.Command{
		Use: "list [ID…]", Short: "What is kept, and which rule refused it; --values shows it as it came, and leaves an event",
		Example: "  daicho quarantine list\n  daicho quarantine list --values --purpose DSR-01 ox4jk2…",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !values && (purpose != "" || request != "" || len(args) > 0) {
				return errUsage{errors.New("without --values there is nothing to look at: leave out the purpose and the ids")}
			}
			c, err := s.dial()
			if err != nil {
				return err
			}
			if values {
				q.IDs, q.Purpose, q.Request = args, events.Word(purpose), events.ID(request)
				found, err := c.OpenQuarantined(cmd.Context(), q)
				if err != nil {
					return err
				}
				return s.show(found, func() *table { return quarantineValues(found.Items) })
			}
			all, err := c.Quarantined(cmd.Context())
			if err != nil {
				return err
			}
			found := []contracts.QuarantineItem{}
			for _, i := range all {
				if q.Rule == "" || i.Rule == q.Rule {
					found = append(found, i)
				}
			}
			return s.show(found, func() *table {
				t := &table{head: []string{"id", "at", "source", "type", "rule", "field"}}
				for _, i := range found {
					t.add(i.ID, day(i.At), i.Source, events.Short(i.Type), i.Rule, i.Field)
				}
				return t
			})
		},
	}
	f := cmd.Flags()
	f.BoolVar(&values, "values", false, "as it came, the newest hundred; for a purpose or a request")
	f.StringVar(&purpose, "purpose", "", "for which purpose of use the values are looked at")
	f.StringVar(&request, "request", "", "for which disclosure request")
	f.StringVar(&q.Rule, "rule", "", "only what this rule refused")
	return cmd
}

func quarantineValues(all []contracts.QuarantineEvent) *table {
	t := &table{head: []string{"id", "at", "rule", "field", "as it came"}}
	for _, i := range all {
		came := i.Text
		switch {
		case i.Withheld != "":
			came = "withheld: behind the wall " + string(i.Withheld)
		case i.Event != nil:
			b, _ := json.Marshal(i.Event)
			came = string(b)
		}
		t.add(i.ID, day(i.At), i.Rule, i.Field, came)
	}
	return t
}

func quarantineResendCommand(s *shared) *cobra.Command {
	var o contracts.QuarantineOrder
	cmd := &cobra.Command{
		Use: "resend ID… | --rule RULE", Short: "Have refused submissions decided again; what is recorded leaves the quarantine",
		Example: "  daicho quarantine resend ox4jk2…\n  daicho quarantine resend --rule unknown_location",
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.IDs = args; (len(args) == 0) == (o.Rule == "") {
				return errUsage{fmt.Errorf("name submissions, or --rule RULE")}
			}
			c, err := s.dial()
			if err != nil {
				return err
			}
			done, err := c.Resend(cmd.Context(), o)
			if err != nil {
				return err
			}
			refused := false
			for _, r := range done.Results {
				refused = refused || r.Status == contracts.StatusRefused
			}
			if err := s.show(done, func() *table {
				t := &table{head: []string{"id", "what became of it", "rule", "field", ""}}
				for _, r := range done.Results {
					t.add(r.ID, string(r.Status), r.Rule, r.Field, r.Text)
				}
				return t
			}); err != nil {
				return err
			}
			if refused {
				return errAnswered
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&o.Rule, "rule", "", "all that this rule refused")
	return cmd
}
