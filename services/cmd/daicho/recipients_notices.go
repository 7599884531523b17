package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

func noticesCommand(s *shared) *cobra.Command {
	all := false
	cmd := &cobra.Command{
		Use:   "notices",
		Short: "How far recipients have been told of recalls: waiting, poisoned, or to be told by hand",
		Long: `A recall is posted to the recipient's webhook, signed as Standard Webhooks says, and tried again with growing pauses. After its last
try a notice is poisoned: it is left alone until somebody sends it again. Recipients without a webhook are told by hand.`,
		Example: "  daicho recipients notices\n  daicho recipients notices send j6m2…",
		Args:    exactly(0, "no arguments; `notices send RECALL` tries one again"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			found, err := c.Notices(cmd.Context(), all)
			if err != nil {
				return err
			}
			return s.show(found, func() *table { return noticeTable(found.Notices) })
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "those that were taken too, as long as their recall is open")
	cmd.AddCommand(&cobra.Command{
		Use: "send RECALL", Short: "Try a notice again that was given up", Args: exactly(1, "one recall, as the list of notices names it"),
		Example: "  daicho recipients notices send j6m2…",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			n, err := c.SendAgain(cmd.Context(), events.ID(args[0]))
			if err != nil {
				return err
			}
			return s.show(n, func() *table { return noticeTable([]contracts.NoticeLine{n}) })
		},
	})
	return cmd
}

func noticeTable(all []contracts.NoticeLine) *table {
	t := &table{head: []string{"recall", "recipient", "state", "attempts", "last try", "because", "due"}}
	for _, n := range all {
		tried := ""
		if n.Tried != nil {
			tried = day(*n.Tried)
		}
		t.add(string(n.Recall), string(n.Recipient), n.State, strconv.Itoa(n.Attempts), tried, n.Reason, string(n.Due))
	}
	return t
}

func secretCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use: "secret RECIPIENT", Short: "What a recipient checks the signature of notices with; an admin hands it over once",
		Long:    "The secret follows from the webhook's address: a review that names another address changes it.",
		Example: "  daicho recipients secret mailer", Args: exactly(1, "one recipient"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			x, err := c.WebhookSecret(cmd.Context(), events.Word(args[0]))
			if err != nil {
				return err
			}
			return s.show(x, func() *table {
				t := &table{head: []string{"recipient", "secret"}}
				t.add(string(x.Recipient), x.Secret)
				return t
			})
		},
	}
}

func confirmCommand(s *shared) *cobra.Command {
	var recipient, certificate, source string
	cmd := &cobra.Command{
		Use: "confirm RECALL", Short: "Record that a recipient has given back or destroyed what a recall names",
		Long:    "For what comes by letter or by mail. A recipient that is told at its webhook confirms by itself, with the token of the notice.",
		Example: "  daicho recipients confirm j6m2… --recipient mailer --certificate 2026-117",
		Args:    exactly(1, "one recall"),
		RunE: func(cmd *cobra.Command, args []string) error {
			d := map[string]any{"recall": args[0], "recipient": recipient}
			if certificate != "" {
				d["certificate"] = certificate
			}
			return s.tell(cmd, source, "disposal_confirmed", d)
		},
	}
	f := cmd.Flags()
	f.StringVar(&recipient, "recipient", "", "who confirms")
	f.StringVar(&certificate, "certificate", "", "the number of its certificate; only a tag of it is kept")
	f.StringVar(&source, "source", "/privacy/office", "whose event it is: a source of the policy")
	return cmd
}
