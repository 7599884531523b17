package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/services/disposal"
)

// disposals opens the store of lists. What it holds the log cannot give again.
func (e *Engine) disposals(ctx context.Context) (*disposal.Service, error) {
	return disposal.New(ctx, e.log, e.vault, e.gateway, e.stores.Retention, e.lists)
}

func disposalCommand(s *shared) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "disposal",
		Short: "Dispose of what nothing binds any more: plan, approve, run, and the certificate",
		Long: `A plan lists every record that neither a purpose nor a law binds any more. Somebody else approves it, where the policy
asks for that. A run disposes of exactly what was approved, except what has become bound or held meanwhile; it may be
stopped, or die, and goes on where it was. What is held waits until the hold is released.`,
		Example: `  daicho disposal plan --preview
  daicho disposal plan --purpose SVC-08
  daicho --token … disposal approve d-k2…
  daicho disposal run d-k2…
  daicho disposal certificate d-k2… --file certificate.json
  daicho disposal check certificate.json`,
	}
	cmd.AddCommand(disposalPlanCommand(s), disposalShowCommand(s), disposalApproveCommand(s), disposalRunCommand(s), disposalCertificateCommand(s), disposalCheckCommand(s))
	return cmd
}

func disposalTable(d contracts.Disposal) *table {
	t := &table{head: []string{"purpose", "rule", "cause", "records", "people", "held", "due since"}}
	for _, r := range d.Reasons {
		t.add(string(r.Purpose), r.Rule, string(r.Cause), strconv.Itoa(r.Records), strconv.Itoa(r.People), strconv.Itoa(r.Held), r.First)
	}
	line := fmt.Sprintf("%s by %s: %d records of %d people; of %d of them nothing is left afterwards", d.State, d.Until, d.Records, d.People, d.Forgets)
	if d.Remembers > 0 {
		line += fmt.Sprintf("; %d without a record stay known for a record of provision (APPI 29(2), 30(4))", d.Remembers)
	}
	if d.Digest != "" {
		line += "; " + string(d.Digest)
	}
	if d.Disposal != "" {
		line = string(d.Disposal) + " " + line
	}
	t.add(line)
	switch {
	case d.State == "planned":
		t.add(fmt.Sprintf("%d of %d approvals; `daicho disposal approve %s`, by another than who planned it", len(d.Approvals), d.Needs, d.Disposal))
	case d.State == "approved":
		t.add(fmt.Sprintf("approved; `daicho disposal run %s`", d.Disposal))
	case d.Disposal != "":
		t.add(fmt.Sprintf("%d disposed of%s", d.Disposed, leftText(d.Left)))
	}
	return t
}

func leftText(left map[string]int) string {
	var b strings.Builder
	for _, reason := range slices.Sorted(maps.Keys(left)) {
		fmt.Fprintf(&b, ", %d %s", left[reason], map[string]string{
			"held": "held for a case (they wait for its end)", "bound": "bound anew", "gone": "gone already",
		}[reason])
	}
	return b.String()
}

func disposalPlanCommand(s *shared) *cobra.Command {
	var q contracts.DisposalQuestion
	var purpose string
	cmd := &cobra.Command{
		Use: "plan", Short: "List what may go, with counts and reasons; --preview records nothing", Args: exactly(0, "no arguments"),
		Example: "  daicho disposal plan --preview --by 2027-03-31\n  daicho disposal plan --purpose SVC-08",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			q.Purpose = events.Word(purpose)
			d, err := c.Plan(cmd.Context(), q)
			if err != nil {
				return err
			}
			return s.show(d, func() *table { return disposalTable(d) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&q.By, "by", "", "what is due by this day (default: today; later only as a preview)")
	f.StringVar(&purpose, "purpose", "", "only what was bound to this purpose last")
	f.BoolVar(&q.Preview, "preview", false, "count only: nothing is recorded, nothing can be approved")
	return cmd
}

func disposalShowCommand(s *shared) *cobra.Command {
	items := false
	cmd := &cobra.Command{
		Use: "show [DISPOSAL]", Short: "All disposals, or one; --items lists its records with what has become of each",
		Example: "  daicho disposal show\n  daicho disposal show d-k2… --items --output csv",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			switch {
			case len(args) > 1 || items && len(args) == 0:
				return errUsage{errors.New("this command takes one disposal, and --items needs it")}
			case len(args) == 0:
				all, err := c.Disposals(cmd.Context())
				if err != nil {
					return err
				}
				return s.show(all, func() *table {
					t := &table{head: []string{"disposal", "planned", "state", "until", "records", "people", "disposed of"}}
					for _, d := range all {
						t.add(string(d.Disposal), day(d.Planned), d.State, d.Until, strconv.Itoa(d.Records), strconv.Itoa(d.People), strconv.Itoa(d.Disposed)+leftText(d.Left))
					}
					return t
				})
			case items:
				all := []contracts.DisposalItem{}
				if err := c.Items(cmd.Context(), events.ID(args[0]), func(x contracts.DisposalItem) error { all = append(all, x); return nil }); err != nil {
					return err
				}
				return s.show(all, func() *table {
					t := &table{head: []string{"record", "category", "purpose", "due", "rule", "cause", "outcome"}}
					for _, x := range all {
						t.add(x.Record, string(x.Category), string(x.Purpose), x.Due, x.Rule, string(x.Cause), x.Outcome)
					}
					return t
				})
			}
			d, err := c.Disposal(cmd.Context(), events.ID(args[0]))
			if err != nil {
				return err
			}
			return s.show(d, func() *table { return disposalTable(d) })
		},
	}
	cmd.Flags().BoolVar(&items, "items", false, "the records")
	return cmd
}

func disposalApproveCommand(s *shared) *cobra.Command {
	digest := ""
	cmd := &cobra.Command{
		Use: "approve DISPOSAL", Short: "Give your word on a plan (another's word than the planner's)", Args: exactly(1, "one disposal"),
		Example: "  daicho --token … disposal approve d-k2… --digest sha256:1b7e…",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			d, err := c.Approve(cmd.Context(), events.ID(args[0]), events.Word(digest))
			if err != nil {
				return err
			}
			return s.show(d, func() *table { return disposalTable(d) })
		},
	}
	cmd.Flags().StringVar(&digest, "digest", "", "the digest of the list that you have seen (default: the list that was planned)")
	return cmd
}

func disposalRunCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use: "run DISPOSAL", Short: "Dispose of what was approved; run it again after any failure", Args: exactly(1, "one disposal"),
		Example: "  daicho disposal run d-k2…",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			var b *bar
			var lines []contracts.DisposalProgress
			d, err := c.Run(cmd.Context(), events.ID(args[0]), func(p contracts.DisposalProgress) error {
				if b == nil {
					b = newBar("disposing of records", int64(p.Total))
				}
				b.set(int64(p.Done))
				if p.Record != "" {
					lines = append(lines, p)
				}
				return nil
			})
			if b != nil {
				b.done()
			}
			if err != nil {
				return err
			}
			return s.show(d, func() *table {
				t := &table{head: []string{"not disposed of", "why"}}
				for _, p := range lines {
					t.add(p.Record, p.Reason)
				}
				t.add(fmt.Sprintf("%s %s: %d of %d disposed of%s", d.Disposal, d.State, d.Disposed, d.Records, leftText(d.Left)))
				return t
			})
		},
	}
}

func disposalCertificateCommand(s *shared) *cobra.Command {
	file := ""
	cmd := &cobra.Command{
		Use: "certificate DISPOSAL", Short: "What a disposal destroyed, without a word about anybody", Args: exactly(1, "one disposal"),
		Example: "  daicho disposal certificate d-k2… --file certificate.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			x, err := c.Certificate(cmd.Context(), events.ID(args[0]))
			if err != nil {
				return err
			}
			if file != "" {
				b, err := json.Marshal(x, json.Deterministic(true))
				if err != nil {
					return fmt.Errorf("writing the certificate: %w", err)
				}
				return save(file, strings.NewReader(string(b)+"\n"))
			}
			return s.show(x, func() *table { return certificateTable(x) })
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "write it there, as JSON: for `daicho disposal check`")
	return cmd
}

func certificateTable(c contracts.Certificate) *table {
	t := &table{head: []string{"certificate of disposal", string(c.Disposal)}}
	t.add("policy, list", c.Policy+", "+string(c.List))
	t.add("planned", day(c.Planned.Time)+", of what was due by "+c.Until)
	for _, m := range c.Approved {
		t.add("approved", day(m.Time))
	}
	for _, m := range c.Executed {
		t.add("carried out", day(m.Time))
	}
	t.add("records disposed of", fmt.Sprintf("%d of %d%s", c.Disposed, c.Records, leftText(c.Left)))
	t.add("people forgotten", strconv.Itoa(c.Forgotten))
	for _, r := range c.Rules {
		t.add("by "+string(r.Rule), fmt.Sprintf("%d (%s)", r.Records, r.Cause))
	}
	for _, to := range slices.Sorted(maps.Keys(c.Recalled)) {
		t.add("recalled from "+string(to), strconv.Itoa(c.Recalled[to]))
	}
	t.add("proof", c.Proof)
	t.add("as of position", c.Position.String())
	for _, text := range c.Caveats {
		t.add("– " + text)
	}
	t.add(c.Digest)
	return t
}

func disposalCheckCommand(s *shared) *cobra.Command {
	return &cobra.Command{
		Use: "check FILE|-", Short: "Compare a certificate with the log and the vault", Args: exactly(1, "one file, or - for what is piped in"),
		Example: "  daicho disposal check certificate.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			in := io.Reader(os.Stdin)
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("reading the certificate: %w", err)
				}
				defer f.Close()
				in = f
			}
			var x contracts.Certificate
			if err := json.UnmarshalRead(io.LimitReader(in, 1<<20), &x, json.RejectUnknownMembers(true)); err != nil {
				return errors.New("the file is no certificate of a disposal, as `daicho disposal certificate --file` writes it, or was changed")
			}
			c, err := s.dial()
			if err != nil {
				return err
			}
			v, err := c.CheckCertificate(cmd.Context(), x)
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

func verifiedTable(v contracts.Verified) *table {
	t := &table{head: []string{"check", "ok", "count", "by", ""}}
	divided := slices.ContainsFunc(v.Checks, func(k contracts.Check) bool { return k.By != "" })
	if !divided {
		t.head = slices.Delete(t.head, 3, 4)
	}
	for _, k := range v.Checks {
		row := []string{k.Name, strconv.FormatBool(k.OK), strconv.Itoa(k.Count), k.By, k.Detail}
		if !divided {
			row = slices.Delete(row, 3, 4)
		}
		t.add(row...)
	}
	return t
}
