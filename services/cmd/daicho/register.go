package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/statements"
)

func registerCommand(s *shared) *cobra.Command {
	var lang string
	cmd := &cobra.Command{
		Use: "register", Short: "The record of processing activities (GDPR 30(1) and (2))",
		Long: `The record of processing activities, from the policy in force and the recipients registered: one entry a purpose of the company's own with the
fields of GDPR 30(1), one a client with those of 30(2). What the company has not named is left open, and listed among the caveats.`,
		Example: "  daicho register\n  daicho register --output csv --lang ja > register.csv\n  daicho register --output jsonld    in the W3C's Data Privacy Vocabulary",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			if s.output == "csv" || s.output == "jsonld" {
				b, err := c.ProcessingAs(cmd.Context(), events.Word(lang), s.output)
				if err == nil {
					_, err = os.Stdout.Write(b)
				}
				return err
			}
			record, err := c.Processing(cmd.Context(), events.Word(lang))
			if err != nil {
				return err
			}
			return s.show(record, func() *table {
				t := &table{head: []string{"article", "purpose or client", "data subjects", "recipients", "transfers", "erasure"}}
				for _, row := range statements.Rows(record) {
					who := row[6]
					if who == "" {
						who = row[2] + " / " + row[7]
					}
					t.add(row[0], cut(who, 60), cut(row[8], 40), cut(row[10], 50), cut(row[11], 30), cut(row[12], 60))
				}
				for _, caveat := range record.Caveats {
					t.add(caveat)
				}
				return t
			})
		},
	}
	cmd.Flags().StringVar(&lang, "lang", "en", "en, ja, zh-Hant or ko")
	return cmd
}
