package main

import (
	"context"
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
	"github.com/daicho-dev/daicho/events/policy"
	"github.com/daicho-dev/daicho/services/client"
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
			var told []events.Change
			if changes != "" {
				b, err := os.ReadFile(changes)
				if err != nil {
					return fmt.Errorf("reading the changes: %w", err)
				}
				if err := json.Unmarshal(b, &told, json.RejectUnknownMembers(true)); err != nil {
					return errors.New(`the changes are a JSON list: [{"text":{"ja":"…","en":"…"},"major":true}]`)
				}
			}
			c, err := s.dial()
			if err != nil {
				return err
			}
			r, err := publish(cmd.Context(), c, next, told)
			if err != nil {
				return err
			}
			if r.Status == contracts.StatusRefused {
				return contracts.Refused("The policy is refused", r)
			}
			return s.show(r, func() *table {
				t := &table{head: []string{"version", "status", "position"}}
				t.add(next.Version, string(r.Status), r.Position.String())
				return t
			})
		},
	}
	cmd.Flags().StringVar(&changes, "changes", "", "a JSON list of what changes, by language, for the public page")
	return cmd
}

// publish sends a catalogue to be in force, with what is told of its changes.
func publish(ctx context.Context, c *client.Client, next *policy.Catalogue, changes []events.Change) (contracts.Receipt, error) {
	data, err := events.Encode(&events.PolicyPublished{Version: events.Word(next.Version), Catalogue: next.JSON(), Changes: changes})
	if err != nil {
		return contracts.Receipt{}, err
	}
	line, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": strings.ToLower(rand.Text()), "source": "/privacy/office", "type": events.TypePolicyPublished,
		"time": time.Now().UTC(), "data": jsontext.Value(data),
	})
	if err != nil {
		return contracts.Receipt{}, fmt.Errorf("writing the event: %w", err)
	}
	out, err := c.Emit(ctx, append(line, '\n'))
	if err != nil {
		return contracts.Receipt{}, err
	}
	return out[0], nil
}
