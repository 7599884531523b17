package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strconv"
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
		Long: `From its first day (/effective) on it is in force; until then it is announced. What it changes of the version before it stands in the
list of changes, each in every language of the policy, or the catalogue is refused; a change of purposes is a major one, told before its
first day. ` + "`daicho policy diff`" + ` shows what differs.`,
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
			p, err := publication(cmd.Context(), c, r, next)
			if err != nil {
				return err
			}
			return s.show(p, func() *table { return publicationTable(p) })
		},
	}
	cmd.Flags().StringVar(&changes, "changes", "", "a JSON list of what changes, by language, for the bottom of the public page")
	return cmd
}

// published is what became of a catalogue: the receipt, and when it is in force.
type published struct {
	contracts.Receipt
	Version events.Word `json:"version"`
	State   string      `json:"state"` // as a PolicyVersion's
	From    string      `json:"from"`
	Changes int         `json:"changes"`
}

func publication(ctx context.Context, c *client.Client, r contracts.Receipt, next *policy.Catalogue) (published, error) {
	p := published{Receipt: r, Version: events.Word(next.Version)}
	all, err := c.Policies(ctx)
	for _, v := range all {
		if v.Version == p.Version {
			p.State, p.From, p.Changes = v.State, v.From, v.Changes
		}
	}
	return p, err
}

func publicationTable(p published) *table {
	t := &table{head: []string{"version", "status", "state", "from", "changes listed", "position"}}
	t.add(string(p.Version), string(p.Status), p.State, p.From, strconv.Itoa(p.Changes), p.Position.String())
	return t
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
