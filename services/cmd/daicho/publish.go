package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/contracts/policies"
	"github.com/daicho-dev/daicho/events"
)

func policyPublishCommand(s *shared) *cobra.Command {
	changes := ""
	cmd := &cobra.Command{
		Use: "publish FILE", Short: "Publish a catalogue: at once, or announced until its first day; see `policy what-if` before",
		Example: "  daicho policy publish our-next-policy.yaml --changes changes.json", Args: exactly(1, "one catalogue file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			next, _, err := policies.Load(args[0])
			if err != nil {
				return err
			}
			f := &events.PolicyPublished{Version: events.Word(next.Version), Catalogue: next.JSON()}
			if changes != "" {
				b, err := os.ReadFile(changes)
				if err != nil {
					return fmt.Errorf("reading the changes: %w", err)
				}
				if err := json.Unmarshal(b, &f.Changes, json.RejectUnknownMembers(true)); err != nil {
					return errors.New(`the changes are a JSON list: [{"text":{"ja":"…","en":"…"},"major":true}]`)
				}
			}
			c, err := s.dial()
			if err != nil {
				return err
			}
			data, err := events.Encode(f)
			if err != nil {
				return err
			}
			line, err := json.Marshal(map[string]any{
				"specversion": "1.0", "id": strings.ToLower(rand.Text()), "source": "/privacy/office", "type": events.TypePolicyPublished,
				"time": time.Now().UTC(), "data": jsontext.Value(data),
			})
			if err != nil {
				return fmt.Errorf("writing the event: %w", err)
			}
			out, err := c.Emit(cmd.Context(), append(line, '\n'))
			if err != nil {
				return err
			}
			if r := out[0]; r.Status == contracts.StatusRefused {
				return contracts.Refused("The policy is refused", r)
			}
			return s.show(out[0], func() *table {
				t := &table{head: []string{"version", "status", "position"}}
				t.add(next.Version, string(out[0].Status), out[0].Position.String())
				return t
			})
		},
	}
	cmd.Flags().StringVar(&changes, "changes", "", "a JSON list of what changes, by language, for the public page")
	return cmd
}
