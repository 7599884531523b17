package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/policies"
)

func policyWhatIfCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use: "what-if FILE", Short: "Which deadlines a catalogue would move, and which records would lose their purpose; nothing is recorded",
		Example: "  daicho policy what-if our-next-policy.yaml", Args: exactly(1, "one catalogue file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			next, _, err := policies.Load(args[0])
			if err != nil {
				return err
			}
			c, err := s.dial()
			if err != nil {
				return err
			}
			w, err := c.WhatIf(cmd.Context(), next.JSON())
			if err != nil {
				return err
			}
			return s.show(w, func() *table { return whatIfTable(w) })
		},
	}
}

func whatIfTable(w contracts.WhatIf) *table {
	t := &table{head: []string{"purpose", "bindings earlier", "later", "purpose unknown"}}
	for _, p := range w.Purposes {
		t.add(string(p.Purpose), strconv.Itoa(p.Earlier), strconv.Itoa(p.Later), strconv.Itoa(p.Lost))
	}
	t.add(fmt.Sprintf("%s instead of %s, on %s: of %d records %d keep their deadline, %d end earlier, %d later", w.Version, w.Instead, w.On, w.Records, w.Same, w.Earlier, w.Later))
	t.add(fmt.Sprintf("%d would be due at once; %d would have no purpose that the policy knows", w.Due, w.Lost))
	return t
}
