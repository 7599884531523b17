package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

func holdCommand(s *shared) *cobra.Command {
	cmd := &cobra.Command{
		Use: "hold", Short: "Keep records from disposal for a case, and let them go",
		Long: `What is held is not disposed of. When the last hold of a record is released, a disposal that waited for it goes on by itself.`,
	}
	cmd.AddCommand(holdOrderCommand(s, false), holdOrderCommand(s, true), &cobra.Command{
		Use: "list", Short: "The holds that stand, by case", Args: exactly(0, "no arguments"), Example: "  daicho hold list --output csv",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			all, err := c.Holds(cmd.Context())
			if err != nil {
				return err
			}
			return s.show(all, func() *table {
				t := &table{head: []string{"case", "person", "records", "later ones too", "since"}}
				for _, h := range all {
					t.add(h.Case, string(h.Person), strconv.Itoa(h.Records), strconv.FormatBool(h.Matter), day(h.Since))
				}
				return t
			})
		},
	})
	return cmd
}

func holdOrderCommand(s *shared, release bool) *cobra.Command {
	var h contracts.HoldOrder
	var who string
	var categories []string
	cmd := &cobra.Command{
		Use: "place CASE", Short: "Hold what is there of a person, or of one matter (then later records of it too)",
		Example: "  daicho hold place L-2026-7 --person rental:C-000123 --matter K-000123", Args: exactly(1, "one case"),
	}
	if release {
		cmd.Use, cmd.Short, cmd.Example = "release CASE", "Release what a case holds of a person", "  daicho hold release L-2026-7 --person rental:C-000123"
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if who == "" {
			return errUsage{errors.New("--person names whose records these are")}
		}
		if !strings.ContainsRune(who, ':') {
			who = "person:" + who
		}
		c, err := s.dial()
		if err != nil {
			return err
		}
		h.Case, h.Person, h.Release, h.Categories = args[0], events.Identifier(who), release, wordsOf(categories)
		out, err := c.Hold(cmd.Context(), h)
		if err != nil {
			return err
		}
		return s.show(out, func() *table {
			t := &table{head: []string{"status", "person", "position"}}
			t.add(string(out.Status), string(out.Person), out.Position.String())
			return t
		})
	}
	f := cmd.Flags()
	f.StringVar(&who, "person", "", "a pseudonym, or an identifier as rental:C-000123")
	f.StringVar(&h.Matter, "matter", "", "records of this matter only")
	f.StringArrayVar(&categories, "category", nil, "records of this category only (repeatable)")
	return cmd
}
