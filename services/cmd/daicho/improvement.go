package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
)

func improvementCommand(s *shared) *cobra.Command {
	cmd := &cobra.Command{
		Use: "improvement", Short: "Improvement actions: from which cause, until when, done with which evidence",
		Long: `An action comes from a review, an audit, an incident, a complaint or a request. Its last day never moves: what takes longer is
late, and says so. It is completed with evidence, or dropped with a reason.`,
		Example: `  daicho improvement open --cause review:mr-2026-1 --due 2026-06-30 --note "Revise the leak procedure." --id ia-2026-3
  daicho improvement complete ia-2026-3 --evidence "PRO-12 v4, told on 18 June"
  daicho improvement list --overdue`,
	}
	cmd.AddCommand(improvementListCommand(s), improvementShowCommand(s), improvementOpenCommand(s), improvementEndCommand(s, false), improvementEndCommand(s, true))
	return cmd
}

func improvementListCommand(s *shared) *cobra.Command {
	var q contracts.ImprovementQuestion
	overdue := false
	cmd := &cobra.Command{
		Use: "list", Short: "Every action; --overdue: those open after their last day", Args: exactly(0, "no arguments"),
		Example: "  daicho improvement list --overdue\n  daicho improvement list --state completed --output csv",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if overdue {
				if q.State != "" {
					return errUsage{errors.New("give --overdue or --state, not both")}
				}
				q.State = "overdue"
			}
			c, err := s.dial()
			if err != nil {
				return err
			}
			all, err := c.Improvements(cmd.Context(), q)
			if err != nil {
				return err
			}
			return s.show(all, func() *table {
				t := &table{head: []string{"action", "cause", "state", "opened", "due", "ended", "days"}}
				for _, i := range all.Improvements {
					t.add(string(i.ID), causeOf(i), improvementState(i), day(i.Opened), i.Due, held(i.Ended), days(i.Days))
				}
				if s.output == "csv" {
					return t
				}
				t.add(fmt.Sprintf("On %s: %d open, %d of them overdue; %d completed, %d of them late; %d dropped", all.On, all.Open, all.Overdue, all.Completed, all.Late, all.Dropped))
				return t
			})
		},
	}
	f := cmd.Flags()
	f.BoolVar(&overdue, "overdue", false, "those open after their last day")
	f.StringVar(&q.State, "state", "", "open, overdue, completed or dropped")
	return cmd
}

func causeOf(i contracts.ImprovementLine) string {
	return strings.TrimSpace(string(i.Cause) + " " + string(i.CauseID))
}

func improvementState(i contracts.ImprovementLine) string {
	if i.Late && i.State != "overdue" {
		return i.State + ", late"
	}
	return i.State
}

func days(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

func improvementShowCommand(s *shared) *cobra.Command {
	read := false
	cmd := &cobra.Command{
		Use: "show ACTION", Short: "One action; --read opens its words and its evidence, and the look is recorded", Args: exactly(1, "one action"),
		Example: "  daicho improvement show ia-2026-3\n  daicho improvement show ia-2026-3 --read",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			if read {
				n, err := c.ImprovementNotes(cmd.Context(), events.ID(args[0]))
				if err != nil {
					return err
				}
				return s.show(n, func() *table { return notesTable(n) })
			}
			i, err := c.Improvement(cmd.Context(), events.ID(args[0]))
			if err != nil {
				return err
			}
			return s.show(i, func() *table {
				t := &table{head: []string{"what", "recorded"}}
				t.add("action", string(i.ID))
				t.add("cause", causeOf(i))
				t.add("state", improvementState(i))
				t.add("opened", day(i.Opened)+" by "+string(i.By))
				t.add("due", i.Due)
				if i.Ended != nil {
					t.add("ended", day(*i.Ended)+" by "+string(i.EndedBy))
				}
				t.add("days", days(i.Days))
				return t
			})
		},
	}
	cmd.Flags().BoolVar(&read, "read", false, "open the words and the evidence; the look is recorded first")
	return cmd
}

func improvementOpenCommand(s *shared) *cobra.Command {
	p := &step{}
	var cause, due string
	cmd := &cobra.Command{
		Use: "open", Short: "Open an action, with its cause and its last day",
		Example: `  daicho improvement open --cause review:mr-2026-1 --due 2026-06-30 --note "Revise the leak procedure."
  daicho improvement open --cause audit --due 2026-07-31 --note-file finding.txt`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.name("ia-")
			data := map[string]any{"due": due}
			if kind, id, one := strings.Cut(cause, ":"); one {
				data["cause"] = map[string]any{"kind": kind, "id": id}
			} else if kind != "" {
				data["cause"] = map[string]any{"kind": kind}
			}
			return s.record(cmd, p, "improvement", "improvement_opened", data)
		},
	}
	f := cmd.Flags()
	p.flags(f, "what is to be done")
	f.StringVar(&p.id, "id", "", "the action's name (default: a random one)")
	f.StringVar(&cause, "cause", "", "audit, or one of the register's: review:ID, incident:ID, complaint:ID, request:ID")
	f.StringVar(&due, "due", "", "its last day")
	return cmd
}

func improvementEndCommand(s *shared, drop bool) *cobra.Command {
	p := &step{}
	evidence := ""
	cmd := &cobra.Command{
		Use: "complete ACTION", Short: "Say that an action is done, with the evidence", Args: exactly(1, "one action"),
		Example: `  daicho improvement complete ia-2026-3 --evidence "PRO-12 v4, told on 18 June"`,
	}
	typ, what := "improvement_completed", "a remark"
	if drop {
		cmd.Use, cmd.Short = "drop ACTION", "Give an action up, with the reason; it does not count as an improvement"
		cmd.Example = `  daicho improvement drop ia-2026-4 --note "The call store is replaced by one that does so itself."`
		typ, what = "improvement_dropped", "why"
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p.id = args[0]
		return s.record(cmd, p, "improvement", typ, map[string]any{"evidence": evidence})
	}
	f := cmd.Flags()
	p.flags(f, what)
	if !drop {
		f.StringVar(&evidence, "evidence", "", "what shows that it was done: a document, a ticket, a measurement; kept sealed")
	}
	return cmd
}
