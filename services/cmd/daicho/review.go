package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/reviews"
)

// reviews answers from what is recorded, and shows what is overdue among the metrics.
func (e *Engine) reviews() *reviews.Service {
	s := reviews.New(e.gateway, e.vault, time.Now)
	e.metrics.Overdue("reviews", func() int { n, _ := s.Overdue(); return n })
	e.metrics.Overdue("improvements", func() int { _, n := s.Overdue(); return n })
	return s
}

func reviewCommand(s *shared) *cobra.Command {
	cmd := &cobra.Command{
		Use: "review", Short: "Management reviews: what is due, what was planned and held",
		Long: `The policy wants the company to look again and again at information technology, the expectations of the public, the economy,
laws and norms, and its own management system. The catalogue says how often (/governance/reviews); a review that was held is
recorded with its outcome, and its words are kept sealed.`,
		Example: `  daicho review list
  daicho review record --subject law --subject system --outcome improve --note-file minutes.txt
  daicho improvement list --overdue`,
	}
	cmd.AddCommand(reviewListCommand(s), reviewShowCommand(s), reviewPlanCommand(s), reviewRecordCommand(s))
	return cmd
}

func reviewListCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "When each thing is due for review, and every review", Args: exactly(0, "no arguments"),
		Example: "  daicho review list\n  daicho review list --output csv",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			all, err := c.Reviews(cmd.Context())
			if err != nil {
				return err
			}
			return s.show(all, func() *table {
				t := &table{head: []string{"review", "of", "state", "due", "because of", "last or held", "outcome", "actions"}}
				for _, x := range all.Cycles {
					last := "never"
					if x.Last != nil {
						last = *x.Last
					}
					t.add("every "+x.Every, string(x.Subject)+" ("+x.Label+")", x.State, x.Due, x.Because, last, "", "")
				}
				for _, r := range all.Reviews {
					t.add(string(r.ID), list(r.Subjects), reviewState(r), r.Due, string(r.Reason), held(r.Held), string(r.Outcome), strconv.Itoa(r.Improvements))
				}
				return t
			})
		},
	}
}

func reviewState(r contracts.ReviewLine) string {
	if len(r.Late) > 0 {
		return r.State + ", late for " + list(r.Late)
	}
	return r.State
}

func held(t *time.Time) string {
	if t == nil {
		return ""
	}
	return day(*t)
}

func reviewShowCommand(s *shared) *cobra.Command {
	read := false
	cmd := &cobra.Command{
		Use: "show REVIEW", Short: "One review and what came of it; --read opens its words, and the look is recorded", Args: exactly(1, "one review"),
		Example: "  daicho review show mr-2026-1\n  daicho review show mr-2026-1 --read",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			if read {
				n, err := c.ReviewNotes(cmd.Context(), events.ID(args[0]))
				if err != nil {
					return err
				}
				return s.show(n, func() *table { return notesTable(n) })
			}
			r, err := c.Review(cmd.Context(), events.ID(args[0]))
			if err != nil {
				return err
			}
			return s.show(r, func() *table {
				t := &table{head: []string{"what", "recorded"}}
				t.add("review", string(r.ID))
				t.add("of", list(r.Subjects))
				t.add("state", reviewState(r.ReviewLine))
				if r.Due != "" {
					t.add("planned until", fmt.Sprintf("%s (%s; moved %d times)", r.Due, r.Reason, r.Moved))
				}
				t.add("held", held(r.Held))
				t.add("by", string(r.By))
				t.add("outcome", string(r.Outcome))
				t.add("next", r.Next)
				t.add("words", map[bool]string{true: "sealed; --read opens them", false: "none"}[r.Notes])
				for _, i := range r.Actions {
					t.add("action "+string(i.ID), i.State+", due "+i.Due)
				}
				return t
			})
		},
	}
	cmd.Flags().BoolVar(&read, "read", false, "open the words; the look is recorded first")
	return cmd
}

func notesTable(n contracts.Notes) *table {
	t := &table{head: []string{"when", "event", "what", "words"}}
	for _, x := range n.Notes {
		words := "(destroyed)"
		if x.Text != nil {
			words = *x.Text
		}
		t.add(day(x.Time), x.Event, x.What, words)
	}
	return t
}

// step is what every step of a review or of an action says beside its own.
type step struct {
	id, source, by, when, note, file string
}

func (p *step) flags(f *pflag.FlagSet, what string) {
	f.StringVar(&p.source, "source", "/privacy/office", "whose event it is: a source of the policy")
	f.StringVar(&p.by, "by", "", "who did it, as staff:<key> (default: whose token it is)")
	f.StringVar(&p.when, "when", "", "when it was, as 2026-04-20T15:00:00+09:00 (default: now)")
	f.StringVar(&p.note, "note", "", what+"; kept sealed")
	f.StringVar(&p.file, "note-file", "", "the same from a file, or - for standard input")
}

// name is the one given, or a random one that says nothing.
func (p *step) name(prefix string) string {
	if p.id == "" {
		p.id = prefix + strings.ToLower(rand.Text()[:12])
	}
	return p.id
}

// words are what was written, on the command line or in a file.
func (p *step) words() (string, error) {
	if p.file == "" {
		return p.note, nil
	}
	if p.note != "" {
		return "", errUsage{errors.New("give --note or --note-file, not both")}
	}
	var b []byte
	var err error
	if p.file == "-" {
		b, err = io.ReadAll(io.LimitReader(os.Stdin, events.MaxValue+1))
	} else {
		b, err = os.ReadFile(p.file)
	}
	if err != nil {
		return "", fmt.Errorf("reading the note: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// record sends a step; what is empty is left out. The receipt names what it is about.
func (s *shared) record(cmd *cobra.Command, p *step, what, typ string, data map[string]any) error {
	note, err := p.words()
	if err != nil {
		return err
	}
	data[what], data["by"], data["note"] = p.id, p.by, note
	maps.DeleteFunc(data, func(_ string, v any) bool {
		all, list := v.([]string)
		return v == "" || list && len(all) == 0
	})
	when := now()
	if p.when != "" {
		t, err := s.at(cmd.Context(), "when", p.when)
		if err != nil {
			return err
		}
		when = t.Format(time.RFC3339)
	}
	out, err := s.told(cmd, p.source, typ, when, data)
	if err != nil {
		return err
	}
	return s.show(recordedAs{out, p.id}, func() *table {
		t := &table{head: []string{what, "status", "position"}}
		t.add(p.id, string(out.Status), out.Position.String())
		return t
	})
}

// recordedAs is a receipt with the name of what was recorded.
type recordedAs struct {
	contracts.Receipt `json:",inline"`
	ID                string `json:"id"`
}

func reviewPlanCommand(s *shared) *cobra.Command {
	p := &step{}
	var subjects []string
	var reason, due string
	cmd := &cobra.Command{
		Use: "plan", Short: "Set the last day of a review before its cycle: after a change of law, an incident, an audit; again to move it",
		Example: "  daicho review plan --subject law --subject system --reason law_changed --due 2026-04-30 --id mr-2026-1",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.name("mr-")
			return s.record(cmd, p, "review", "review_planned", map[string]any{"subjects": subjects, "reason": reason, "due": due})
		},
	}
	f := cmd.Flags()
	p.flags(f, "what is to be looked at")
	f.StringVar(&p.id, "id", "", "the review's name (default: a random one)")
	f.StringArrayVar(&subjects, "subject", nil, "technology, public, economy, law or system; repeatable")
	f.StringVar(&reason, "reason", "cycle", "cycle, law_changed, incident, complaint, audit or other")
	f.StringVar(&due, "due", "", "its last day")
	return cmd
}

func reviewRecordCommand(s *shared) *cobra.Command {
	p := &step{}
	var subjects []string
	var outcome, next string
	cmd := &cobra.Command{
		Use: "record", Short: "Record a review that was held, planned or not",
		Example: `  daicho review record --subject technology --subject public --outcome adequate --note "Passkeys: nothing to change for us."
  daicho review record --id mr-2026-1 --subject law --subject system --outcome improve --note-file minutes.txt --when 2026-04-20T15:00:00+09:00`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.name("mr-")
			return s.record(cmd, p, "review", "review_held", map[string]any{"subjects": subjects, "outcome": outcome, "next": next})
		},
	}
	f := cmd.Flags()
	p.flags(f, "what was found")
	f.StringVar(&p.id, "id", "", "the review's name, if it was planned (default: a random one)")
	f.StringArrayVar(&subjects, "subject", nil, "technology, public, economy, law or system; repeatable")
	f.StringVar(&outcome, "outcome", "", "adequate, or improve: then actions have to follow")
	f.StringVar(&next, "next", "", "the last day of the next, where it is to be before its cycle")
	return cmd
}
