package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/events/policy"
)

func sorted(m map[string]int) []string { return slices.Sorted(maps.Keys(m)) }

func modelsCommand(s *shared) *cobra.Command {
	cmd := &cobra.Command{Use: "models", Short: "Projections: how far they are, and their rebuilding"}
	cmd.AddCommand(&cobra.Command{
		Use: "status", Short: "Position, lag and state of each projection", Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			all, err := c.Models(cmd.Context())
			if err != nil {
				return err
			}
			return s.show(all, func() *table {
				t := &table{head: []string{"model", "position", "lag", "state", "people", ""}}
				for _, m := range all {
					people := ""
					if m.People != nil {
						people = strconv.Itoa(*m.People)
					}
					t.add(m.Name, m.Position.String(), strconv.FormatUint(m.Lag, 10), m.State, people, m.Error)
				}
				return t
			})
		},
	}, &cobra.Command{
		Use: "rebuild [MODEL…]", Short: "Fold the log anew beside the live model, then swap", Example: "  daicho models rebuild\n  daicho models rebuild retention",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				args = []string{"dossier", "retention", "breach"}
			}
			for _, name := range args {
				var b *bar
				if err := c.Rebuild(cmd.Context(), name, func(m contracts.Model) {
					if b == nil {
						b = newBar("rebuilding "+name, int64(uint64(m.Position)+m.Lag))
					}
					b.set(int64(m.Position))
				}); err != nil {
					return err
				}
				if b != nil {
					b.done()
				}
				fmt.Fprintf(os.Stderr, "%s is rebuilt\n", name)
			}
			return nil
		},
	})
	return cmd
}

func policyCommand(s *shared) *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: "The policy's catalogue"}
	cmd.AddCommand(&cobra.Command{
		Use: "lint [FILE]", Short: "Find what is wrong in a catalogue file (default: the one built in)",
		Example: "  daicho policy lint our-policy.yaml",
		RunE: func(_ *cobra.Command, args []string) error {
			c := policies.Default()
			if len(args) > 1 {
				return errUsage{fmt.Errorf("this command takes one file")}
			}
			if len(args) == 1 {
				var err error
				if c, _, err = policies.Load(args[0]); err != nil {
					return err
				}
			}
			findings := policy.Lint(c)
			if findings == nil {
				findings = []policy.Finding{}
			}
			err := s.show(findings, func() *table {
				t := &table{head: []string{"severity", "rule", "path", "what"}}
				for _, f := range findings {
					t.add(string(f.Severity), f.Rule, f.Path, f.Text)
				}
				return t
			})
			if err == nil && slices.ContainsFunc(findings, func(f policy.Finding) bool { return f.Severity == policy.Error }) {
				return errAnswered
			}
			return err
		},
	}, &cobra.Command{
		Use: "show [FILE]", Short: "The purposes of use of a catalogue (default: the one in force, or the one built in)",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.catalogue(cmd, args)
			if err != nil {
				return err
			}
			if s.output == "json" {
				_, err := fmt.Println(string(c.JSON()))
				return err
			}
			return s.show(c, func() *table {
				t := &table{head: []string{"purpose", "role", "disclosable", "rules", "text"}}
				for i := range c.Purposes {
					p := &c.Purposes[i]
					t.add(string(p.ID), string(p.Role), strconv.FormatBool(p.Disclosable), strconv.Itoa(len(p.Retention)), cut(p.Text.In("en"), 90))
				}
				return t
			})
		},
	})
	cmd.AddCommand(policyDiffCommand(s), policyWhatIfCommand(s), policyPublishCommand(s))
	return cmd
}

// catalogue is the file named, or the one in force at the engine, or the one built in.
func (s *shared) catalogue(cmd *cobra.Command, args []string) (*policy.Catalogue, error) {
	if len(args) > 0 {
		c, _, err := policies.Load(args[0])
		return c, err
	}
	c, err := s.dial()
	if err != nil {
		return policies.Default(), nil
	}
	b, err := c.Policy(cmd.Context())
	if err != nil {
		return nil, err
	}
	return policy.Parse(b)
}

func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

func obligationsCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use: "obligations [S33…]", Short: "Each sentence of the policy, and the evidence that it is kept",
		Example: "  daicho obligations\n  daicho obligations S33 --output json",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			all, err := c.Obligations(cmd.Context())
			if err != nil {
				return err
			}
			if len(args) > 0 {
				if all, err = named(all, args); err != nil {
					return err
				}
			}
			return s.show(all, func() *table { return obligationsTable(all) })
		},
	}
}

// named are the obligations of some numbers, in the order of the policy.
func named(all []contracts.Obligation, ids []string) ([]contracts.Obligation, error) {
	wanted := map[string]bool{}
	for _, id := range ids {
		id = strings.ToUpper(id)
		if !slices.ContainsFunc(all, func(o contracts.Obligation) bool { return o.ID == id }) {
			return nil, errUsage{fmt.Errorf("obligations are S1 to S89")}
		}
		wanted[id] = true
	}
	return slices.DeleteFunc(all, func(o contracts.Obligation) bool { return !wanted[o.ID] }), nil
}

// obligationsTable has a line for each piece of evidence, and for each word about what it does not show.
func obligationsTable(all []contracts.Obligation) *table {
	t := &table{head: []string{"no.", "state", "sentence", "count", "evidence"}}
	for _, o := range all {
		text := cut(o.Text, 70)
		line := func(count, what string) {
			t.add(o.ID, o.State, text, count, what)
			text = ""
		}
		for _, e := range o.Evidence {
			line(strconv.Itoa(e.Count), e.What)
		}
		for _, c := range o.Caveats {
			line("", "! "+c)
		}
		if text != "" {
			line("", "")
		}
	}
	return t
}

func verifyCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Check what can be checked: log against models, vault against log", Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			v, err := c.Verify(cmd.Context())
			if err != nil {
				return err
			}
			if err := s.show(v, func() *table { return verifiedTable(v) }); err != nil {
				return err
			}
			if !v.OK {
				return errAnswered
			}
			return nil
		},
	}
}

func tokenCommand(s *shared) *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "Who may ask and emit"}
	var t contracts.Token
	var role string
	var walls []string
	create := &cobra.Command{
		Use: "create", Short: "Make a token; its secret is shown once", Args: exactly(0, "no arguments"),
		Example: "  daicho token create --role emitter --holder staff:billing --source /rental/billing\n  daicho token create --role compliance --holder staff:k-tanaka --wall personnel",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			t.Role, t.Walls = events.Word(role), wordsOf(walls)
			made, err := c.CreateToken(cmd.Context(), t)
			if err != nil {
				return err
			}
			return s.show(made, func() *table {
				x := &table{head: []string{"id", "role", "holder", "secret"}}
				x.add(made.ID, string(made.Role), made.Holder, made.Secret)
				return x
			})
		},
	}
	f := create.Flags()
	f.StringVar(&role, "role", "", "emitter, compliance, responder, auditor or admin") // the token's; shadows whose token asks
	f.StringVar(&t.Holder, "holder", "", "who bears it, as staff:<key>")
	f.StringArrayVar(&t.Sources, "source", nil, "a source prefix that an emitter may write under (repeatable)")
	f.StringArrayVar(&t.Types, "type", nil, "a steering type that an emitter may write (repeatable)")
	f.StringArrayVar(&walls, "wall", nil, "what is kept apart and this holder may look at, as personnel or my-number (repeatable)")
	cmd.AddCommand(create, &cobra.Command{
		Use: "list", Short: "All tokens, without their secrets", Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			all, err := c.Tokens(cmd.Context())
			if err != nil {
				return err
			}
			return s.show(all, func() *table {
				x := &table{head: []string{"id", "role", "holder", "sources", "types", "created"}}
				for _, k := range all {
					x.add(k.ID, string(k.Role), k.Holder, list(k.Sources), list(k.Types), day(k.Created))
				}
				return x
			})
		},
	}, &cobra.Command{
		Use: "revoke ID", Short: "End a token", Args: exactly(1, "one token's id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			return c.RevokeToken(cmd.Context(), args[0])
		},
	})
	return cmd
}
