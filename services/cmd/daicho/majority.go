package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/contracts"
)

func majorityCommand(s *shared) *cobra.Command {
	var q contracts.MajorityQuestion
	cmd := &cobra.Command{
		Use: "majority", Short: "Which minors come of age by a month, and what stands on a guardian's word",
		Long: `Minors by the month in which they are of age: by the policy, from when they consent themselves, and by civil law, from when
they ask for disclosure alone. A month counts when it is over; nothing finer is kept. What a guardian consented to stands until
the person, who is told of it, confirms, changes or withdraws it.`,
		Example: "  daicho majority\n  daicho majority --by 2027-03 --output csv",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			m, err := c.Majority(cmd.Context(), q)
			if err != nil {
				return err
			}
			return s.show(m, func() *table {
				t := &table{head: []string{"of age", "asks alone", "person", "country", "state", "told", "guardian's consents"}}
				for _, i := range m.Items {
					told := ""
					if i.Told != nil {
						told = local(*i.Told).Format("2006-01-02")
					}
					var consents []string
					for _, g := range i.Consents {
						consents = append(consents, string(g.Purpose))
					}
					t.add(string(i.Month), string(i.Civil), string(i.Person), string(i.Country), strings.ReplaceAll(i.State, "_", " "), told, strings.Join(consents, " "))
				}
				t.add("", fmt.Sprintf("%d of %d, %d later", len(m.Items), m.Total, m.Later))
				return t
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&q.By, "by", "", "a month, as 2027-03 (default: this one)")
	f.IntVar(&q.Limit, "limit", 0, "people of one answer (default 1,000)")
	f.StringVar(&q.After, "after", "", "the cursor that the last answer named as next")
	return cmd
}
