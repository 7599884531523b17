package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/daicho-dev/daicho/contracts"
)

// paper is what a registration or a review says of a recipient; what is not said is left out.
type paper struct {
	source string
	by     string
	text   map[string]*string
	lists  map[string]*[]string
	ref    string
	from   string
	to     string
	on     string
	why    []string
	days   int
}

// Flags and the fields that they become. What is written here is checked by the engine, which knows the policy.
var (
	paperTexts = [][3]string{
		{"name", "name", "the recipient's name"},
		{"country", "country", "where it is, as JP"},
		{"safeguard", "safeguard", "domestic, designated_country, equivalent_system or consent (APPI 28)"},
		{"review-due", "reviewDue", "the day of the next review"},
		{"webhook", "webhook", "https address where it is told of recalls"},
		{"address", "address", "its address, for records of provision"},
		{"representative", "representative", "who represents it, for records of provision; kept sealed"},
	}
	paperLists = [][3]string{
		{"kind", "kinds", "entrusted, third_party, joint_use or succession; repeatable"},
		{"purpose", "purposes", "a purpose that it may be handed data for; repeatable"},
		{"task", "tasks", "of entrustment: procurement or provision; repeatable"},
		{"category", "categories", "the most that its contract covers; repeatable"},
		{"also-in", "countries", "a country where it handles data besides its own; repeatable"},
		{"hands-on-to", "reentrusts", "to whom it hands on, with our leave; repeatable"},
	}
)

func (p *paper) flags(f *pflag.FlagSet) {
	p.text, p.lists = map[string]*string{}, map[string]*[]string{}
	for _, x := range paperTexts {
		p.text[x[1]] = f.String(x[0], "", x[2])
	}
	for _, x := range paperLists {
		p.lists[x[1]] = f.StringArray(x[0], nil, x[2])
	}
	f.StringVar(&p.ref, "contract", "", "the contract's number; with --contract-from")
	f.StringVar(&p.from, "contract-from", "", "its first day")
	f.StringVar(&p.to, "contract-to", "", "its last day; none: it has no end")
	f.StringVar(&p.on, "selected-on", "", "the day on which it was found fit; with --reason")
	f.StringArrayVar(&p.why, "reason", nil, "why it was found fit; repeatable")
	f.IntVar(&p.days, "recall-days", 0, "days that its contract gives it to confirm a recall")
	p.who(f)
}

func (p *paper) who(f *pflag.FlagSet) {
	f.StringVar(&p.source, "source", "/privacy/office", "whose event it is: a source of the policy")
	f.StringVar(&p.by, "by", "", "who does it, as staff:<key>")
}

func (p *paper) data(recipient string) (map[string]any, error) {
	d := map[string]any{"recipient": recipient}
	for field, v := range p.text {
		if *v != "" {
			d[field] = *v
		}
	}
	for field, v := range p.lists {
		if len(*v) > 0 {
			d[field] = *v
		}
	}
	switch {
	case p.ref != "" && p.from != "":
		c := map[string]any{"ref": p.ref, "from": p.from}
		if p.to != "" {
			c["to"] = p.to
		}
		d["contract"] = c
	case p.ref != "" || p.from != "" || p.to != "":
		return nil, errUsage{errors.New("a contract needs --contract and --contract-from")}
	}
	switch {
	case p.on != "" && len(p.why) > 0:
		d["selection"] = map[string]any{"on": p.on, "reasons": p.why}
	case p.on != "" || len(p.why) > 0:
		return nil, errUsage{errors.New("a selection needs --selected-on and --reason")}
	}
	if p.days > 0 {
		d["recallDays"] = p.days
	}
	if p.by != "" {
		d["by"] = p.by
	}
	return d, nil
}

// tell sends one event of the office's, and shows its receipt.
func (s *shared) tell(cmd *cobra.Command, source, typ string, data map[string]any) error {
	out, err := s.told(cmd, source, typ, now(), data)
	if err != nil {
		return err
	}
	return s.show(out, func() *table {
		t := &table{head: []string{"status", "position"}}
		t.add(string(out.Status), out.Position.String())
		return t
	})
}

// told sends one event of the office's. A refusal is a problem.
func (s *shared) told(cmd *cobra.Command, source, typ, at string, data map[string]any) (contracts.Receipt, error) {
	var none contracts.Receipt
	c, err := s.dial()
	if err != nil {
		return none, err
	}
	line, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": strings.ToLower(rand.Text()), "source": source, "type": "daicho." + typ + ".v1", "time": at, "data": data,
	}, json.Deterministic(true))
	if err != nil {
		return none, fmt.Errorf("writing an event: %w", err)
	}
	out, err := c.Emit(cmd.Context(), line)
	if err != nil {
		return none, err
	}
	if out[0].Status == contracts.StatusRefused {
		p := contracts.Refused("The event is refused", out[0])
		p.Detail += " (" + p.Rule + ")"
		return none, p
	}
	return out[0], nil
}

func registerRecipientCommand(s *shared) *cobra.Command {
	p := &paper{}
	cmd := &cobra.Command{
		Use:   "register RECIPIENT",
		Short: "Register a recipient: from then on it may be handed data, for its purposes",
		Example: `  daicho recipients register parcel --name "Parcel carrier" --country JP --kind entrusted --purpose SVC-01 --task provision \
    --safeguard domestic --contract V-17 --contract-from 2026-04-01 --selected-on 2026-03-20 --reason "ISO 27001 seen" --review-due 2027-04-01`,
		Args: exactly(1, "one name for the recipient, of a-z, 0-9, - and _"),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := p.data(args[0])
			if err != nil {
				return err
			}
			return s.tell(cmd, p.source, "recipient_registered", d)
		},
	}
	p.flags(cmd.Flags())
	return cmd
}

func reviewRecipientCommand(s *shared) *cobra.Command {
	p := &paper{}
	cmd := &cobra.Command{
		Use:   "review RECIPIENT",
		Short: "Record a review (APPI 25, 28(3)); what is named replaces what was on file",
		Example: `  daicho recipients review parcel --review-due 2027-04-01
  daicho recipients review parcel --contract V-18 --contract-from 2026-10-01 --review-due 2027-10-01`,
		Args: exactly(1, "one recipient"),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := p.data(args[0])
			if err != nil {
				return err
			}
			return s.tell(cmd, p.source, "recipient_reviewed", d)
		},
	}
	p.flags(cmd.Flags())
	return cmd
}

func endRecipientCommand(s *shared) *cobra.Command {
	p := &paper{}
	cmd := &cobra.Command{
		Use:   "end RECIPIENT",
		Short: "End a recipient's work: nothing more goes there, and everything that lies there is recalled",
		Args:  exactly(1, "one recipient"), Example: "  daicho recipients end parcel",
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := p.data(args[0])
			if err != nil {
				return err
			}
			return s.tell(cmd, p.source, "recipient_ended", d)
		},
	}
	p.who(cmd.Flags())
	return cmd
}
