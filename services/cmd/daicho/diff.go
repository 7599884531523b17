package main

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events/policy"
)

func policyDiffCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use: "diff FILE [NEXT]", Short: "What FILE changes of the policy in force; with two files, what NEXT changes of FILE",
		Long: `Every passage that is another one: purposes, periods, categories, recipients, texts. Purposes that say or allow more than before
are marked: people are told of them, in every language and before a later day, or the catalogue is refused when it is published
(APPI 21(3); GDPR 13(3)). Of all else that people can read or that binds them the list of changes has to tell. Where no engine runs, the policy in force is the one built in.`,
		Example: "  daicho policy diff our-next-policy.yaml\n  daicho policy diff our-policy.yaml our-next-policy.yaml --output json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return errUsage{errors.New("this command takes one catalogue file, or two")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			next, _, err := policies.Load(args[len(args)-1])
			if err != nil {
				return err
			}
			was, err := s.catalogue(cmd, args[:len(args)-1])
			if err != nil {
				return err
			}
			d := policy.Diff(was, next)
			return s.show(d, func() *table { return s.diffTable(d) })
		},
	}
}

func (s *shared) diffTable(d policy.Difference) *table {
	t := &table{head: []string{"about", "how", "where", "was", "is", "notice"}}
	for _, c := range d.Changes {
		notice := ""
		if c.Notice {
			notice = "people are told first"
		}
		t.add(c.Kind, c.How, c.Path, s.passage(c.Was), s.passage(c.Is), notice)
	}
	if s.output == "csv" {
		return t
	}
	switch {
	case len(d.Changes) == 0:
		t.add("Nothing is changed.")
	case d.Major():
		t.add(fmt.Sprintf("%s after %s: a major change. People are told before it takes effect of: %s (APPI 21(3); GDPR 13(3)).", d.Is, d.Was, list(d.Notice)))
	case d.Listed:
		t.add(fmt.Sprintf("%s after %s: %d passages; no purpose that people must be told of first. The list of changes tells of it, in every language.", d.Is, d.Was, len(d.Changes)))
	default:
		t.add(fmt.Sprintf("%s after %s: %d passages; nothing that people can read or that binds them.", d.Is, d.Was, len(d.Changes)))
	}
	return t
}

// passage is a text as it is, or anything else as JSON; in a table no longer than a line takes.
func (s *shared) passage(v jsontext.Value) string {
	text := string(v)
	if v.Kind() == '"' {
		_ = json.Unmarshal(v, &text) // a text that is not one stays as it is written
	}
	if s.output == "csv" {
		return text
	}
	return cut(text, 40)
}
